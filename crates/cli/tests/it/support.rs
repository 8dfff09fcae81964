//! Twins, a configuration in a scratch folder, and the program.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, BufReader, Read as _, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use access_tokens::{Clock, Secret};
use access_tokens_cli::Context;
use access_tokens_testing::{AvisiCloud, LaunchDarkly, QueryServer, VirtualClock, launchdarkly};
use serde_json::Value;
use tempfile::TempDir;

/// A piece of every secret that a test can be sure of.
pub(crate) struct World {
    pub(crate) ld: LaunchDarkly,
    pub(crate) query: QueryServer,
    pub(crate) avisi: AvisiCloud,
    pub(crate) folder: TempDir,
    /// The clock of a world in which time is made to pass.
    clock: Option<VirtualClock>,
}

/// What the program did.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Done {
    /// The one JSON document.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// JSON Lines.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let lines = self.out.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {self:?}")))
            .collect()
    }

    /// The outcome of one token.
    pub(crate) fn outcome(&self, token: &str) -> Value {
        // That of `rotate` and `rollback` is a document of its own.
        if let Ok(one) = serde_json::from_str::<Value>(&self.out)
            && one["token"] == token
        {
            return one;
        }
        let lines = self.lines();
        let found = lines.iter().find(|line| line["token"] == token);
        found
            .cloned()
            .unwrap_or_else(|| panic!("no outcome of {token}: {self:?}"))
    }
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with_clock(access_tokens::SystemClock::new()).await
    }

    pub(crate) async fn with_clock(clock: impl Clock + Clone + 'static) -> Self {
        Self::with(clock, |builder| builder).await
    }

    /// A world in which time is made to pass: the program runs in this process, by the same clock.
    pub(crate) async fn timed(
        clock: &VirtualClock,
        option: impl FnOnce(launchdarkly::Builder) -> launchdarkly::Builder,
    ) -> Self {
        let mut world = Self::with(clock.clone(), option).await;
        world.clock = Some(clock.clone());
        world
    }

    /// A world whose LaunchDarkly is set otherwise.
    async fn with(
        clock: impl Clock + Clone + 'static,
        option: impl FnOnce(launchdarkly::Builder) -> launchdarkly::Builder,
    ) -> Self {
        Self {
            ld: option(LaunchDarkly::builder().clock(clock.clone()))
                .start()
                .await
                .unwrap(),
            query: QueryServer::builder()
                .clock(clock.clone())
                .start()
                .await
                .unwrap(),
            avisi: AvisiCloud::builder()
                .clock(clock)
                .lists_credential(false)
                .start()
                .await
                .unwrap(),
            folder: tempfile::tempdir().unwrap(),
            clock: None,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Writes the configuration: state in files, the three accounts, and these tokens.
    pub(crate) fn configure(&self, tokens: &str) {
        self.configure_with("", tokens);
    }

    pub(crate) fn configure_with(&self, state: &str, tokens: &str) {
        let text = format!(
            r#"[state]
store = "file:state"
{state}

[accounts.prod]
service = "launchdarkly"
credential = "env:LD_ACCESS_TOKEN"
url = "{}"

[accounts.edge]
service = "query-server"
credential = "env:QUERY_DEPLOY_TOKEN"
url = "{}"

[accounts.cloud]
service = "avisi-cloud"
credential = "env:ACLOUD_PERSONAL_ACCESS_TOKEN"
url = "{}"

{tokens}
"#,
            self.ld.base_url(),
            self.query.base_url(),
            self.avisi.base_url()
        );
        self.write_config(&text);
    }

    pub(crate) fn write_config(&self, text: &str) {
        let path = self.path("tokens.toml");
        std::fs::write(&path, text).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tokens"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("LD_ACCESS_TOKEN", self.ld.credential().expose_secret())
            .env(
                "QUERY_DEPLOY_TOKEN",
                self.query.credential().expose_secret(),
            )
            .env(
                "ACLOUD_PERSONAL_ACCESS_TOKEN",
                self.avisi.credential().expose_secret(),
            )
            .stdin(Stdio::null());
        command
    }

    /// Runs the program to its end; it must not print a credential.
    pub(crate) fn run(&self, arguments: &[&str]) -> Done {
        let done = Done::from(self.command(arguments).output().unwrap());
        for secret in [
            self.ld.credential(),
            self.query.credential(),
            self.avisi.credential(),
        ] {
            assert_hidden(&done, &secret);
        }
        done
    }

    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Runs the program with other variables.
    pub(crate) fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Done {
        let mut command = self.command(arguments);
        command.envs(variables.iter().copied());
        Done::from(command.output().unwrap())
    }

    /// What the program does, be it a process or, where time is made to pass, in this one.
    pub(crate) async fn go(&self, arguments: &[&str]) -> Done {
        match &self.clock {
            Some(clock) => self.at(clock, arguments).await,
            None => self.run(arguments),
        }
    }

    /// What the program does in this process, by another clock.
    pub(crate) async fn at(&self, clock: &VirtualClock, arguments: &[&str]) -> Done {
        let (out, err) = (Captured::default(), Captured::default());
        let mut context = Context::new(
            self.folder.path().to_owned(),
            Arc::new(clock.clone()),
            Box::new(out.clone()),
            Box::new(err.clone()),
        );
        let command = self.command(arguments);
        for (name, value) in command.get_envs() {
            let text = |text: &OsStr| text.to_str().unwrap().to_owned();
            if let Some(value) = value {
                context = context.with_variable(&text(name), &text(value));
            }
        }
        let words = std::iter::once("tokens").chain(arguments.iter().copied());
        let code = access_tokens_cli::run(words.map(OsString::from), &context).await;
        let done = Done {
            code: i32::from(code),
            out: out.take(),
            err: err.take(),
        };
        assert_hidden(&done, &self.ld.credential());
        done
    }

    pub(crate) async fn ticked(&self) -> Done {
        self.go(&["--output", "json", "tick"]).await
    }

    /// The tokens of this name on LaunchDarkly.
    pub(crate) fn named(&self, name: &str) -> usize {
        let tokens = self.ld.tokens();
        tokens.iter().filter(|token| token.name == name).count()
    }

    /// Whether the secret in this file works.
    pub(crate) fn works(&self, file: &str) -> bool {
        self.ld.authenticates(&Secret::new(self.read(file).trim()))
    }

    pub(crate) fn tick(&self) -> Done {
        self.run(&["--output", "json", "tick"])
    }
}

/// Waits until the program has said something, asks it to end, and gives what it did.
pub(crate) fn end_after_a_line(mut child: Child) -> Done {
    let mut out = String::new();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    reader.read_line(&mut out).unwrap();
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    reader.read_to_string(&mut out).unwrap();
    let mut done = Done::from(child.wait_with_output().unwrap());
    done.out = out;
    done
}

/// What was written.
#[derive(Clone, Default)]
pub(crate) struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    pub(crate) fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A secret is in no output.
pub(crate) fn assert_hidden(done: &Done, secret: &Secret) {
    let text = secret.expose_secret();
    assert!(
        !done.out.contains(text) && !done.err.contains(text),
        "a secret was printed"
    );
}
