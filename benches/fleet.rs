//! What one pass over many managed tokens costs: time, requests, and calls of the state store.
//!
//! `cargo bench --bench fleet [-- TOKENS] [DIRECTORY]`: 10,000 by default, in ten accounts of each of the
//! three services; a tenth of them is due in one of the passes. Where the directory is decides what a
//! write of a record costs.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a measurement that cannot go on has nothing better to do"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use access_tokens::rotation::sink::FileSink;
use access_tokens::rotation::state::FileStore;
use access_tokens::rotation::{Keeper, ManagedToken};
use access_tokens::{RotationPolicy, TokenService, avisi_cloud, days, launchdarkly, query_server};
use access_tokens_testing::stores::FaultyStore;
use access_tokens_testing::{
    Twins, VirtualClock, avisi_cloud as avisi_twin, launchdarkly as ld_twin,
    query_server as query_twin,
};
use futures_util::StreamExt as _;

const AT_A_TIME: usize = 16;
/// How many accounts there are of each service.
const ACCOUNTS: usize = 10;
const HOUR: Duration = Duration::from_secs(3_600);

type Counts = BTreeMap<String, u64>;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut arguments = arguments.iter().filter(|word| !word.starts_with("--"));
    let number = arguments.clone().find_map(|word| word.parse().ok());
    let above = arguments.find(|word| word.parse::<usize>().is_err());
    let above = above.map_or_else(std::env::temp_dir, PathBuf::from);
    let directory = above.join(format!("fleet-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    measure(number.unwrap_or(10_000), &directory).await;
    std::fs::remove_dir_all(&directory).unwrap();
}

async fn measure(number: usize, directory: &Path) {
    let clock = VirtualClock::new();
    let (mut accounts, mut tokens) = (Vec::new(), Vec::new());
    for account in 0..ACCOUNTS {
        let twins = Twins::with_clock(clock.clone()).await.unwrap();
        twins.launchdarkly.record_requests(false);
        twins.query_server.record_requests(false);
        twins.avisi_cloud.record_requests(false);
        let numbers = (account..number).step_by(ACCOUNTS);
        tokens.extend(fleet(account, numbers, &twins, &clock, directory));
        accounts.push(twins);
    }
    let calls: Arc<Mutex<Counts>> = Arc::default();
    let store = FaultyStore::new(FileStore::new(directory.join("state")), {
        let calls = Arc::clone(&calls);
        move |_, call| {
            *calls
                .lock()
                .unwrap()
                .entry(format!("{call:?}"))
                .or_default() += 1;
            None
        }
    });
    let keeper = Keeper::builder(store).clock(clock.clone()).build();
    println!(
        "{number} managed tokens, {AT_A_TIME} at a time, {}",
        directory.display()
    );
    for (what, time) in [
        ("first contact", Duration::ZERO),
        ("none is due", HOUR),
        ("a tenth is due", days(11)),
        ("as many are retired", days(2)),
        ("none is due again", HOUR),
    ] {
        clock.advance(time);
        for twin in accounts.iter().flat_map(Twins::all) {
            twin.clear_requests();
        }
        calls.lock().unwrap().clear();
        let began = Instant::now();
        let mut outcomes = Counts::new();
        let mut reports = Box::pin(keeper.tick_all(tokens.clone(), AT_A_TIME));
        while let Some(report) = reports.next().await {
            if let Some(error) = report.error() {
                println!("{error}");
            }
            *outcomes
                .entry(report.outcome.as_str().to_owned())
                .or_default() += 1;
        }
        println!("\n{what}: {:.2?}", began.elapsed());
        println!("  outcomes  {}", told(&outcomes));
        for service in 0..3 {
            let (mut counts, mut name) = (Counts::new(), "");
            for twin in accounts.iter().map(|twins| twins.all()[service]) {
                name = twin.service().name();
                for (call, n) in twin.counts() {
                    *counts.entry(call).or_default() += n;
                }
            }
            println!("  requests  {name}: {}", told(&counts));
        }
        println!("  store     {}", told(&calls.lock().unwrap()));
    }
}

fn told(counts: &Counts) -> String {
    let all: Vec<String> = counts
        .iter()
        .map(|(what, n)| format!("{what} {n}"))
        .collect();
    all.join(", ")
}

/// The tokens of an account of each service, a third on each, in a file each. A tenth of them is due
/// in ten days.
fn fleet(
    account: usize,
    numbers: impl Iterator<Item = usize>,
    twins: &Twins,
    clock: &VirtualClock,
    directory: &Path,
) -> Vec<ManagedToken> {
    macro_rules! client {
        ($wing:ident, $twin:ident) => {
            Arc::new(
                $wing::Client::builder()
                    .base_url(twins.$twin.base_url())
                    .credential(twins.$twin.credential())
                    .clock(clock.clone())
                    .build()
                    .unwrap(),
            )
        };
    }
    let services: [Arc<dyn TokenService>; 3] = [
        client!(launchdarkly, launchdarkly),
        client!(query_server, query_server),
        client!(avisi_cloud, avisi_cloud),
    ];
    let now = twins.launchdarkly.now();
    let one = |n: usize| {
        let name = format!("token {n}");
        let age = days(if (n / ACCOUNTS).is_multiple_of(10) {
            80
        } else {
            5
        });
        let (key, secret) = match n % 3 {
            0 => {
                let token = twins.launchdarkly.seed(ld_twin::Seed::new(name).age(age));
                (token.id, token.secret)
            }
            1 => {
                let made = twins.query_server.now() - i64::try_from(age.as_secs()).unwrap();
                let seed = query_twin::Seed::new(name)
                    .created_at(made)
                    .updated_at(made);
                let token = twins.query_server.seed(seed);
                (token.name, token.secret)
            }
            _ => {
                let seed = avisi_twin::Seed::new(name).created_at(now - age);
                let token = twins.avisi_cloud.seed(seed);
                (token.id, token.secret)
            }
        };
        let file = directory.join(format!("{n}.token"));
        std::fs::write(&file, secret.expose_secret()).unwrap();
        ManagedToken::builder(format!("token-{n}"))
            .account(format!("account {account}"))
            .shared_service(Arc::clone(&services[n % 3]))
            .adopt(key)
            .policy(RotationPolicy::new().max_age(days(90)))
            .overlap(days(1))
            .deliver_to(FileSink::new(file))
            // The credential is another one, which Avisi Cloud does not tell.
            .allow_own_credential(n % 3 == 2)
            .build()
            .unwrap()
    };
    numbers.map(one).collect()
}
