//! Processor time and time by the clock, in pairs, so that what else the machine does falls on both.

use std::sync::Arc;
use std::time::{Duration, Instant};

use access_tokens::avisi_cloud;
use access_tokens::inventory::Inventory;
use tokio::sync::Semaphore;

use crate::bare::{Bare, CREDENTIAL};
use crate::cases::{Case, Clients, Who, launchdarkly, query_server, runtime};
use crate::server::Server;

/// The table of all, or with fewer rounds.
pub(crate) fn table(server: &Server, rounds: usize) {
    let runtime = runtime();
    let clients = Clients::new(server);
    println!("processor time of the client's process, medians of {rounds} pairs\n");
    println!("{:>7} {:>12} {:>12}", "ratio", "this crate", "by hand");
    for case in [Case::Get, Case::Create, Case::Patch] {
        pair(&runtime, &clients, case, Who::Bare, 200, rounds);
    }
    for (tokens, times) in [(25, 50), (1_000, 4), (10_000, 1), (20_000, 1)] {
        for who in [Who::Bare, Who::Lean] {
            pair(&runtime, &clients, Case::Page(tokens), who, times, rounds);
        }
    }
    pair(&runtime, &clients, Case::Rows, Who::Bare, 1, rounds);
    for who in [Who::Bare, Who::Lean] {
        pair(
            &runtime,
            &clients,
            Case::Stream(100_000),
            who,
            1,
            rounds.min(5),
        );
    }
    println!(
        "\ntime by the clock, every answer after 20 ms, medians of {} pairs\n",
        rounds.min(5)
    );
    println!("{:>7} {:>12} {:>12}", "ratio", "this crate", "by hand");
    for at_a_time in [1, 8, 16, 64] {
        let calls = if at_a_time == 1 { 50 } else { 1_000 };
        in_flight(&runtime, server, at_a_time, calls, rounds.min(5));
    }
    inventory(&runtime, server, rounds.min(5));
}

fn pair(
    runtime: &tokio::runtime::Runtime,
    clients: &Clients,
    case: Case,
    by_hand: Who,
    times: u32,
    rounds: usize,
) {
    let once = |who| {
        let start = processor_time();
        runtime.block_on(async {
            for _ in 0..times {
                clients.run(case, who).await;
            }
        });
        processor_time().saturating_sub(start) / times
    };
    // Whatever is set up once is set up.
    let _ = (once(Who::Ours), once(by_hand));
    let pairs: Vec<_> = (0..rounds)
        .map(|_| (once(Who::Ours), once(by_hand)))
        .collect();
    let links = if by_hand == Who::Lean {
        ", by hand without links"
    } else {
        ""
    };
    print(&pairs, &format!("{}{links}", case.name()));
}

fn in_flight(
    runtime: &tokio::runtime::Runtime,
    server: &Server,
    at_a_time: usize,
    calls: usize,
    rounds: usize,
) {
    let id = crate::bare::ID.parse::<access_tokens::TokenId>().unwrap();
    let (ours, bare) = (launchdarkly(&server.slow), Bare::new(&server.slow));
    let by_us = || {
        runtime.block_on(bounded(at_a_time, calls, || {
            let (ours, id) = (ours.clone(), id.clone());
            async move { drop(ours.get(&id).await.unwrap()) }
        }))
    };
    let by_hand = || {
        runtime.block_on(bounded(at_a_time, calls, || {
            let bare = bare.clone();
            async move { drop(bare.get().await) }
        }))
    };
    let _ = (by_us(), by_hand());
    let pairs: Vec<_> = (0..rounds).map(|_| (by_us(), by_hand())).collect();
    print(&pairs, &format!("{calls} calls, {at_a_time} at a time"));
}

async fn bounded<F: Future<Output = ()> + Send + 'static>(
    at_a_time: usize,
    calls: usize,
    call: impl Fn() -> F,
) -> Duration {
    let start = Instant::now();
    let places = Arc::new(Semaphore::new(at_a_time));
    let mut tasks = Vec::new();
    for _ in 0..calls {
        let place = Arc::clone(&places).acquire_owned().await.unwrap();
        let call = call();
        tasks.push(tokio::spawn(async move {
            call.await;
            drop(place);
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    start.elapsed()
}

/// Three services of 5,000 tokens each, together and the slowest alone.
fn inventory(runtime: &tokio::runtime::Runtime, server: &Server, rounds: usize) {
    let avisi = || {
        let builder = avisi_cloud::Client::builder();
        builder
            .base_url(&server.slow)
            .credential(CREDENTIAL)
            .build()
            .unwrap()
    };
    let one = || Inventory::new().add("prod", launchdarkly(&server.slow));
    let all = || {
        one()
            .add("edge", query_server(&server.slow))
            .add("cloud", avisi())
    };
    let timed = |inventory: Inventory, tokens| {
        let start = Instant::now();
        let report = runtime.block_on(inventory.collect());
        assert!(report.is_complete() && report.len() == tokens, "{report:?}");
        start.elapsed()
    };
    let pairs: Vec<_> = (0..rounds)
        .map(|_| (timed(all(), 15_000), timed(one(), 5_000)))
        .collect();
    print(
        &pairs,
        "inventory of 3 x 5000; \"by hand\" is LaunchDarkly's part alone",
    );
}

fn print(pairs: &[(Duration, Duration)], what: &str) {
    let ratios = pairs
        .iter()
        .map(|(ours, by_hand)| ours.as_secs_f64() / by_hand.as_secs_f64());
    let seconds = |pick: fn(&(Duration, Duration)) -> Duration| {
        Duration::from_secs_f64(median(
            pairs.iter().map(|pair| pick(pair).as_secs_f64()).collect(),
        ))
    };
    let (ours, by_hand) = (seconds(|pair| pair.0), seconds(|pair| pair.1));
    println!(
        "{:>7.2} {ours:>12.1?} {by_hand:>12.1?}  {what}",
        median(ratios.collect())
    );
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The processor time of this process; by the clock where the system does not tell.
pub(crate) fn processor_time() -> Duration {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten();
    let told = threads.filter_map(|thread| {
        let told = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        told.split(' ').next()?.parse::<u64>().ok()
    });
    match told.sum() {
        0 => START.elapsed(),
        nanos => Duration::from_nanos(nanos),
    }
}
