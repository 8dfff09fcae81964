//! Ten thousand managed tokens, four worker processes, one PostgreSQL: what a pass costs in which
//! nothing is due, and one in which a thousand are.
//!
//! `cargo bench -p access-tokens-stores --features postgres --bench fleet [TOKENS DUE WORKERS]`
//! starts a server of its own, for which PostgreSQL must be installed.
#![allow(
    missing_docs,
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what fails here fails the benchmark; the engines are those of the tests"
)]

#[path = "../tests/it/engines.rs"]
mod engines;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use access_tokens::rotation::sink::FileSink;
use access_tokens::rotation::{Keeper, ManagedToken, Outcome};
use access_tokens::{Clock as _, RotationPolicy, Secret, TokenService, days, launchdarkly};
use access_tokens_stores::PostgresStore;
use access_tokens_testing::launchdarkly::Seed;
use access_tokens_testing::{LaunchDarkly, VirtualClock};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio_postgres::NoTls;

const WORKER: &str = "FLEET_BENCH_WORKER";
const AT_ONCE: usize = 8;

#[tokio::main]
async fn main() {
    if let Ok(work) = std::env::var(WORKER) {
        let told = worker(&serde_json::from_str(&work).unwrap()).await;
        println!("told {told}");
        return;
    }
    let numbers: Vec<usize> = std::env::args()
        .filter_map(|word| word.parse().ok())
        .collect();
    let number = |place: usize, otherwise| numbers.get(place).copied().unwrap_or(otherwise);
    let bench = Bench {
        tokens: number(0, 10_000),
        due: number(1, 1_000),
        workers: number(2, 4),
    };
    bench.run().await;
}

struct Bench {
    tokens: usize,
    due: usize,
    workers: usize,
}

/// Where everything is.
struct Place {
    twin: LaunchDarkly,
    clock: VirtualClock,
    server: engines::Postgres,
    folder: tempfile::TempDir,
}

impl Bench {
    async fn run(&self) {
        let Some(server) = engines::Postgres::start() else {
            return;
        };
        let clock = VirtualClock::new();
        let twin = LaunchDarkly::builder().clock(clock.clone());
        let place = Place {
            twin: twin.start().await.unwrap(),
            clock,
            server,
            folder: tempfile::tempdir().unwrap(),
        };
        place.twin.record_requests(false);
        let mut keys = Vec::new();
        for number in 0..self.tokens {
            let age = if number % self.tokens.div_ceil(self.due) == 0 {
                85
            } else {
                10
            };
            let seed = Seed::new(format!("token-{number}")).age(days(age));
            let seeded = place.twin.seed(seed);
            let file = place.folder.path().join(number.to_string());
            std::fs::write(file, seeded.secret.expose_secret()).unwrap();
            keys.push(seeded.id);
        }
        let keys = serde_json::to_string(&keys).unwrap();
        std::fs::write(place.folder.path().join("keys"), keys).unwrap();
        let (tokens, workers) = (self.tokens, self.workers);
        println!("{tokens} tokens, {workers} processes, {AT_ONCE} at once in each");

        let took = self.pass(&place, "the first contact").await;
        assert_eq!(took.get("rotated"), None);
        let took = self.pass(&place, "nothing is due").await;
        assert_eq!(took.get("not_due"), Some(&(tokens * workers)), "{took:?}");
        place.clock.advance(days(6));
        let before = place.twin.tokens().len();
        let title = format!("{} are due", self.due);
        let took = self.pass(&place, &title).await;
        assert_eq!(took.get("rotated"), Some(&self.due), "none twice: {took:?}");
        assert_eq!(place.twin.tokens().len() - before, self.due, "none twice");
        for number in 0..tokens {
            let file = place.folder.path().join(number.to_string());
            let secret = Secret::new(std::fs::read_to_string(file).unwrap());
            assert!(place.twin.authenticates(&secret), "{number}");
        }
    }

    /// One pass of all workers, and the outcomes that they had.
    async fn pass(&self, place: &Place, title: &str) -> BTreeMap<String, usize> {
        let asked = requests(&place.twin);
        let stated = statements(place).await;
        let began = Instant::now();
        let children: Vec<_> = (0..self.workers)
            .map(|number| self.start(place, number))
            .collect();
        let (mut sum, mut rotated) = (BTreeMap::new(), HashSet::new());
        for child in children {
            let output = child.wait_with_output().await.unwrap();
            assert!(output.status.success(), "a worker has failed");
            let text = String::from_utf8(output.stdout).unwrap();
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix("told "))
                .unwrap();
            let told: Value = serde_json::from_str(line).unwrap();
            for (outcome, number) in told["outcomes"].as_object().unwrap() {
                let number = usize::try_from(number.as_u64().unwrap()).unwrap();
                *sum.entry(outcome.clone()).or_default() += number;
            }
            for name in told["rotated"].as_array().unwrap() {
                assert!(rotated.insert(name.to_string()), "{name} twice");
            }
        }
        let took = began.elapsed();
        let (asked, stated) = (
            requests(&place.twin) - asked,
            statements(place).await - stated,
        );
        let outcomes: Vec<_> = sum
            .iter()
            .map(|(outcome, number)| format!("{number} {outcome}"))
            .collect();
        println!(
            "{title}: {took:.2?}, {asked} requests to the service, {stated} statements; {}",
            outcomes.join(", ")
        );
        sum
    }

    fn start(&self, place: &Place, number: usize) -> tokio::process::Child {
        let now = place.clock.now().duration_since(UNIX_EPOCH).unwrap();
        let work = json!({
            "first": self.tokens / self.workers * number,
            "service": place.twin.base_url(),
            "credential": place.twin.credential().expose_secret(),
            "postgres": place.server.url(),
            "folder": place.folder.path(),
            "now": now.as_secs(),
        });
        Command::new(std::env::current_exe().unwrap())
            .env(WORKER, work.to_string())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }
}

/// How many requests the service has had.
fn requests(twin: &LaunchDarkly) -> u64 {
    use access_tokens_testing::launchdarkly::Operation;
    let all = [
        Operation::GetTokens,
        Operation::PostToken,
        Operation::GetToken,
        Operation::PatchToken,
        Operation::DeleteToken,
        Operation::ResetToken,
        Operation::CallerIdentity,
    ];
    all.into_iter().map(|operation| twin.count(operation)).sum()
}

/// How many statements the server has carried out: each is a transaction.
async fn statements(place: &Place) -> i64 {
    // It counts with a delay.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let (client, connection) = tokio_postgres::connect(&place.server.url(), NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let count = "select xact_commit from pg_stat_database where datname = 'postgres'";
    client.query_one(count, &[]).await.unwrap().get(0)
}

/// Ticks all tokens once, beginning somewhere else than the others do.
async fn worker(work: &Value) -> Value {
    let text = |key: &str| work[key].as_str().unwrap();
    let now: SystemTime = UNIX_EPOCH + Duration::from_secs(work["now"].as_u64().unwrap());
    let clock = VirtualClock::starting_at(now);
    let client = launchdarkly::Client::builder()
        .base_url(text("service"))
        .credential(text("credential"))
        .clock(clock.clone());
    let service: Arc<dyn TokenService> = Arc::new(client.build().unwrap());
    let folder = Path::new(text("folder"));
    let keys = std::fs::read_to_string(folder.join("keys")).unwrap();
    let keys: Vec<String> = serde_json::from_str(&keys).unwrap();
    let declared = keys.into_iter().enumerate().map(|(number, key)| {
        ManagedToken::builder(format!("token-{number}"))
            .shared_service(Arc::clone(&service))
            .adopt(key)
            .policy(RotationPolicy::new().max_age(days(90)))
            .overlap(days(1))
            .deliver_to(FileSink::new(folder.join(number.to_string())))
            .build()
            .unwrap()
    });
    let mut tokens: Vec<_> = declared.collect();
    tokens.rotate_left(usize::try_from(work["first"].as_u64().unwrap()).unwrap());
    let config = text("postgres").parse::<tokio_postgres::Config>().unwrap();
    let store = PostgresStore::connect(config, NoTls).await.unwrap();
    let keeper = Keeper::builder(store).clock(clock).build();
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    let mut rotated = Vec::new();
    let mut reports = Box::pin(keeper.tick_all(tokens, AT_ONCE));
    while let Some(report) = reports.next().await {
        if matches!(report.outcome, Outcome::Rotated { .. }) {
            rotated.push(report.token.clone());
        }
        if let Some(error) = report.error() {
            eprintln!("{error}");
        }
        *outcomes
            .entry(report.outcome.as_str().to_owned())
            .or_default() += 1;
    }
    json!({"outcomes": outcomes, "rotated": rotated})
}
