//! Whether a running server does what the SDK takes its service to do.
//!
//! ```text
//! LAUNCHDARKLY_API_HOST=… LD_ACCESS_TOKEN=… conformance launchdarkly
//! ```
//!
//! A line for each behaviour; status 0 if none failed. See [`conformance`] for what is done to the
//! server. [`USAGE`] says what else there is.

use std::process::ExitCode;

use access_tokens::Secret;
use access_tokens_testing::conformance::{self, Options};

const USAGE: &str = "\
usage: conformance [--many-tokens] [--no-waiting] SERVICE…

Checks whether a server does what the SDK takes its service to do. Makes tokens with a mark in
their names and removes them; changes no others.

  SERVICE         launchdarkly   LAUNCHDARKLY_API_HOST, LD_ACCESS_TOKEN (of an administrator)
                  query-server   QUERY_DEPLOY_URL, QUERY_DEPLOY_TOKEN (of an active administrator)
                  avisi-cloud    ACLOUD_API_ENDPOINT, ACLOUD_PERSONAL_ACCESS_TOKEN
                  with the variables of the environment that lead there; all are needed
  --many-tokens   also makes some thirty tokens at a time, to see the size of a page
  --no-waiting    skips what needs some seconds to pass";

#[derive(Clone, Copy)]
struct Target {
    service: &'static str,
    url: &'static str,
    credential: &'static str,
}

const TARGETS: [Target; 3] = [
    Target {
        service: "launchdarkly",
        url: "LAUNCHDARKLY_API_HOST",
        credential: "LD_ACCESS_TOKEN",
    },
    Target {
        service: "query-server",
        url: "QUERY_DEPLOY_URL",
        credential: "QUERY_DEPLOY_TOKEN",
    },
    Target {
        service: "avisi-cloud",
        url: "ACLOUD_API_ENDPOINT",
        credential: "ACLOUD_PERSONAL_ACCESS_TOKEN",
    },
];

struct Arguments {
    targets: Vec<Target>,
    many_tokens: bool,
    waiting: bool,
}

impl Arguments {
    fn read(given: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut arguments = Self {
            targets: Vec::new(),
            many_tokens: false,
            waiting: true,
        };
        for argument in given {
            match argument.as_str() {
                "--many-tokens" => arguments.many_tokens = true,
                "--no-waiting" => arguments.waiting = false,
                name => match TARGETS.iter().find(|target| target.service == name) {
                    Some(target) => arguments.targets.push(*target),
                    None => return Err(format!("unknown argument {name:?}")),
                },
            }
        }
        if arguments.targets.is_empty() {
            return Err("name a service".to_owned());
        }
        Ok(arguments)
    }

    fn options(&self) -> Options {
        let mut options = Options::new().on_check(|check| println!("  {check}"));
        if self.waiting {
            options = options.real_time();
        }
        if self.many_tokens {
            options = options.many_tokens();
        }
        options
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    if given.iter().any(|argument| argument == "--help") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let run = async {
        let arguments = Arguments::read(given)?;
        let mut servers = Vec::new();
        for target in &arguments.targets {
            let (url, credential) = (variable(target.url)?, variable(target.credential)?);
            servers.push((target.service, url, Secret::new(credential)));
        }
        let mut all_passed = true;
        for (service, url, credential) in servers {
            all_passed &= check(service, &url, &credential, &arguments.options()).await;
        }
        Ok::<_, String>(all_passed)
    };
    match run.await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("conformance: {problem}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

async fn check(service: &str, url: &str, credential: &Secret, options: &Options) -> bool {
    println!("{service} at {url}");
    let report = match service {
        "launchdarkly" => conformance::launchdarkly(url, credential, options).await,
        "query-server" => conformance::query_server(url, credential, options).await,
        _ => conformance::avisi_cloud(url, credential, options).await,
    };
    let (all, failed) = (report.checks().len(), report.failed().count());
    let skipped = report.skipped().count();
    let passed = all - failed - skipped;
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    report.is_ok()
}

fn variable(name: &str) -> Result<String, String> {
    let value = std::env::var(name).ok().filter(|value| !value.is_empty());
    value.ok_or_else(|| format!("{name} is not set"))
}
