//! A process of its own that does what it is told on its standard input.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use access_tokens::rotation::sink::{DotenvSink, FileSink};
use access_tokens::rotation::state::FileStore;
use access_tokens::rotation::{ErrorKind, JsonLines, Keeper, ManagedToken, Outcome, Report};
use access_tokens::{RotationPolicy, TokenService, days};
use access_tokens::{avisi_cloud, launchdarkly, query_server};
use access_tokens_testing::{ShiftedClock, Twins};

const DIRECTORY: &str = "RACES_DIRECTORY";

/// The managed tokens, one on each service.
pub(crate) const NAMES: [&str; 3] = ["export", "edge", "runner"];

/// A worker, as the test sees it.
#[derive(Debug)]
pub(crate) struct Worker {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Worker {
    pub(crate) fn start(twins: &Twins, directory: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        for (name, value) in twins.variables() {
            command.env(name, value.expose_secret());
        }
        command.args(["--exact", "worker::worker", "--nocapture"]);
        command.env(DIRECTORY, directory);
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let mut this = Self {
            child,
            input: input.unwrap(),
            output: BufReader::new(output.unwrap()),
        };
        assert_eq!(this.hears(), "ready");
        this
    }

    /// Tells it to do something, so much later than it is.
    pub(crate) fn say(&mut self, what: &str, name: &str, shift: Duration) {
        writeln!(self.input, "{what} {name} {}", shift.as_secs()).unwrap();
    }

    /// Waits for what came of it.
    pub(crate) fn hears(&mut self) -> String {
        self.line().unwrap_or_else(|| panic!("a worker is gone"))
    }

    fn line(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some((_, said)) = line.trim_end().split_once("=> ") {
                return Some(said.to_owned());
            }
        }
    }

    /// Kills it (SIGKILL); `true` if it had not come to the end of what it was told.
    pub(crate) fn kill(&mut self) -> bool {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.line().is_none()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// In a worker: everything. In the test itself: nothing.
#[tokio::test]
async fn worker() {
    let Some(directory) = std::env::var_os(DIRECTORY).map(PathBuf::from) else {
        return;
    };
    let clock = ShiftedClock::new();
    let tokens = declare(&directory, &clock);
    let keeper = Keeper::builder(FileStore::new(directory.join("state")))
        .events(JsonLines::new(directory.join("events.jsonl")))
        .clock(clock.clone())
        .build();
    let (mut passed, mut line) = (Duration::ZERO, String::new());
    // The name of the test is on the line still.
    println!("\n=> ready");
    while std::io::stdin().read_line(&mut line).unwrap() > 0 {
        let words: Vec<&str> = line.split_whitespace().collect();
        let shift = Duration::from_secs(words[2].parse().unwrap());
        clock.advance(shift.saturating_sub(passed));
        passed = shift;
        let token = tokens
            .iter()
            .find(|token| token.name() == words[1])
            .unwrap();
        let said = match words[0] {
            "tick" => said(&keeper.tick(token).await),
            "rollback" => said(&keeper.rollback(token).await),
            _ => {
                keeper.release(token.name()).await.unwrap();
                "released".to_owned()
            }
        };
        println!("=> {said}");
        line.clear();
    }
}

fn said(report: &Report) -> String {
    match &report.outcome {
        Outcome::Failed(error) => {
            // What a kill and a late wish lead to is expected; whatever else there is will be asked about.
            let expected = [ErrorKind::Interrupted, ErrorKind::RollbackImpossible];
            if !expected.contains(&error.kind()) {
                eprintln!("{report}");
            }
            format!("failed {}", error.kind())
        }
        other => other.as_str().to_owned(),
    }
}

fn declare(directory: &Path, clock: &ShiftedClock) -> Vec<ManagedToken> {
    let ld = launchdarkly::Client::builder().from_env().unwrap();
    let query = query_server::Client::builder().from_env().unwrap();
    let avisi = avisi_cloud::Client::builder().from_env().unwrap();
    let services: [Arc<dyn TokenService>; 3] = [
        Arc::new(ld.clock(clock.clone()).build().unwrap()),
        Arc::new(query.clock(clock.clone()).build().unwrap()),
        Arc::new(avisi.clock(clock.clone()).build().unwrap()),
    ];
    let tokens = NAMES.into_iter().zip(services).map(|(name, service)| {
        ManagedToken::builder(name)
            .shared_service(service)
            .adopt_named(name)
            .policy(RotationPolicy::new().max_age(days(90)))
            .overlap(days(1))
            .deliver_to(FileSink::new(directory.join(format!("{name}.token"))))
            .deliver_to(DotenvSink::new(directory.join(".env"), name.to_uppercase()))
            // The credential is another one, which Avisi Cloud does not tell.
            .allow_own_credential(true)
            .build()
            .unwrap()
    });
    tokens.collect()
}
