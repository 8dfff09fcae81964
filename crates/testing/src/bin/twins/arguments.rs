//! What the program is told when it starts.

pub(crate) const USAGE: &str = "\
usage: twins [--seed DEMO] [--state-on-stdin [--show-secrets]]

Starts local twins of LaunchDarkly, Query Server and Avisi Cloud, prints the six variables that
lead a client to them, and serves until its standard input ends.

  --seed DEMO        puts in a few tokens of every sort
  --state-on-stdin   reads commands from the standard input, a JSON object a line, and answers each
                     with a line: {\"ok\":true,…} or {\"ok\":false,\"error\":…}
  --show-secrets     shows secrets in the answers to \"tokens\"

Commands; \"service\" is launchdarkly, query-server or avisi-cloud:
  {\"do\":\"tokens\",\"service\":…}                         all tokens, with what the API hides
  {\"do\":\"authenticates\",\"service\":…,\"secret\":…}       whether a secret would be let in now
  {\"do\":\"seed\",\"service\":…,\"name\":…}                  puts a token in, past the API
  {\"do\":\"remove\",\"service\":…,\"key\":…}                 removes one, past the API
  {\"do\":\"requests\",\"service\":…}                       how many there were, by operation
  {\"do\":\"clear_requests\",\"service\":…}                 counts from zero
  {\"do\":\"fault\",\"service\":…,\"fault\":\"act_then_close\"}
      and \"operation\": \"post_token\" (any without it), \"nth\": 1, \"times\": 1 or \"always\"
  {\"do\":\"clear_faults\",\"service\":…}
  {\"do\":\"settling\",\"service\":…,\"settling\":{\"new_secrets\":5}}
      and \"old_secrets\", \"reads\", \"lists\": how late changes are seen, in seconds
  {\"do\":\"refuse\",\"service\":…}                         refuses connections
  {\"do\":\"accept\",\"service\":…}                         accepts them again
  {\"do\":\"now\"}                                        the time of the twins, in seconds
  {\"do\":\"advance\",\"seconds\":86400}                    lets time pass for the twins";

/// The arguments, read.
#[derive(Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one switch of the command line"
)]
pub(crate) struct Arguments {
    pub(crate) help: bool,
    pub(crate) seed_demo: bool,
    pub(crate) state_on_stdin: bool,
    pub(crate) show_secrets: bool,
}

impl Arguments {
    pub(crate) fn read(given: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut arguments = Self::default();
        let mut given = given.into_iter();
        while let Some(argument) = given.next() {
            match argument.as_str() {
                "-h" | "--help" => arguments.help = true,
                "--state-on-stdin" => arguments.state_on_stdin = true,
                "--show-secrets" => arguments.show_secrets = true,
                "--seed" => match given.next() {
                    Some(name) if name.eq_ignore_ascii_case("demo") => arguments.seed_demo = true,
                    Some(name) => return Err(format!("there is no seed {name:?}, only DEMO")),
                    None => return Err("--seed needs a name: DEMO".to_owned()),
                },
                "--seed=DEMO" | "--seed=demo" => arguments.seed_demo = true,
                other => return Err(format!("unknown argument {other:?}")),
            }
        }
        if arguments.show_secrets && !arguments.state_on_stdin {
            return Err("--show-secrets needs --state-on-stdin".to_owned());
        }
        Ok(arguments)
    }
}
