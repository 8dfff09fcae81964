//! Allocations of the work of `yardstick`, and the memory that it takes and an inventory keeps.
//!
//! `cargo bench --bench allocations`. Counted on all threads by an allocator that wraps the system's,
//! which would disturb the times of the other. Memory is what the system counts for the process, in a
//! process of its own for each.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a measurement that cannot go on has nothing better to do"
)]

#[path = "yardstick/bare.rs"]
mod bare;
#[path = "yardstick/cases.rs"]
mod cases;
#[path = "yardstick/server.rs"]
mod server;

use std::alloc::System;
use std::process::{Command, ExitCode};

use access_tokens::inventory::{Inventory, Report};
use access_tokens::{RetryPolicy, avisi_cloud};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};

use bare::CREDENTIAL;
use cases::{Case, Clients, Who, launchdarkly, query_server, runtime};
use server::Server;

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Bytes that `collect()` may keep of a record.
const MOST_A_RECORD: f64 = 300.0;
/// Allocations of a call that may come on top of what is written by hand; a list may have one more for
/// each hundred of its tokens, since it is read in pieces.
const MOST_MORE: i128 = 12;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *words {
        ["serve"] => server::serve(),
        ["stream", tokens, who, url] => stream(tokens.parse().unwrap(), who, url),
        ["inventory", which, tokens, url] => return inventory(which, tokens.parse().unwrap(), url),
        [] => return all(&Server::start(), false),
        ["large"] => return all(&Server::start(), true),
        ref other => panic!("{other:?}: see the head of benches/allocations.rs"),
    }
    ExitCode::SUCCESS
}

fn all(server: &Server, large: bool) -> ExitCode {
    let mut held = calls(server);
    println!("\nstreams: allocations a token, and the most memory over that of an idle client\n");
    for (tokens, url) in [(100_000, &server.large), (300_000, &server.huge)] {
        for who in ["this crate", "by hand", "by hand without links"] {
            held &= apart(&["stream", &tokens.to_string(), who, url]);
        }
    }
    let (url, tokens) = if large {
        (&server.huge, 300_000)
    } else {
        (&server.list, 20_000)
    };
    println!(
        "\ninventory of {tokens} tokens a service: bytes kept a record, most memory over idle, allocations a record\n"
    );
    for which in ["LaunchDarkly", "Query Server", "Avisi Cloud", "all three"] {
        held &= apart(&["inventory", which, &tokens.to_string(), url]);
    }
    if held {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// In a process of its own, where nothing else has left memory behind. Whether it is content.
fn apart(arguments: &[&str]) -> bool {
    let process = Command::new(std::env::current_exe().unwrap())
        .args(arguments)
        .status();
    process.unwrap().success()
}

/// What came on all threads.
fn counted(work: impl FnOnce()) -> Stats {
    let region = Region::new(COUNTING);
    work();
    region.change()
}

/// How often memory was asked for.
fn times(stats: &Stats) -> usize {
    stats.allocations + stats.reallocations
}

/// Whether a call is as sparing as it should be.
fn calls(server: &Server) -> bool {
    const TIMES: usize = 200;
    let (runtime, clients) = (runtime(), Clients::new(server));
    println!("allocations of one time, and their bytes\n");
    println!("{:>7} {:>16} {:>16}", "more", "this crate", "by hand");
    let count = |case, who| {
        // Whatever is set up once is set up.
        runtime.block_on(clients.run(case, who));
        let all = counted(|| {
            for _ in 0..TIMES {
                runtime.block_on(clients.run(case, who));
            }
        });
        (times(&all) / TIMES, all.bytes_allocated / TIMES)
    };
    let mut held = true;
    for case in [
        Case::Get,
        Case::Create,
        Case::Patch,
        Case::Page(25),
        Case::Page(1_000),
        Case::Rows,
    ] {
        let (ours, by_hand) = (count(case, Who::Ours), count(case, Who::Bare));
        let more = i128::try_from(ours.0).unwrap() - i128::try_from(by_hand.0).unwrap();
        println!(
            "{more:>+7} {:>6} {:>9} {:>6} {:>9}  {}",
            ours.0,
            ours.1,
            by_hand.0,
            by_hand.1,
            case.name()
        );
        let most = MOST_MORE + i128::try_from(case.tokens() / 100).unwrap();
        if more > most {
            println!("        more than {most} on top");
            held = false;
        }
    }
    held
}

/// The memory of the process by now, or the most since it was last asked to begin anew.
fn memory(line: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let told = status.lines().find_map(|told| told.strip_prefix(line));
    let number = told.and_then(|told| told.split_whitespace().next()?.parse::<f64>().ok());
    number.map_or(f64::NAN, |kib| kib * 1024.0 / 1e6)
}

/// The most megabytes that work takes over what is there before.
fn most(work: impl FnOnce()) -> f64 {
    let idle = memory("VmRSS:");
    // The most so far becomes what it is now.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    work();
    memory("VmHWM:") - idle
}

fn stream(tokens: usize, who: &str, url: &str) {
    let (runtime, clients) = (runtime(), Clients::new(&Server::at(url, url)));
    let (case, by) = (
        Case::Stream(tokens),
        match who {
            "this crate" => Who::Ours,
            "by hand" => Who::Bare,
            _ => Who::Lean,
        },
    );
    runtime.block_on(clients.run(Case::Get, by));
    let mut all = Stats::default();
    let most = most(|| all = counted(|| runtime.block_on(clients.run(case, by))));
    let each = times(&all) as f64 / tokens as f64;
    println!("{each:>7.1} {most:>10.2} MB  {}, {who}", case.name());
}

/// Whether it keeps no more of a record than it should.
fn inventory(which: &str, tokens: usize, url: &str) -> ExitCode {
    let runtime = runtime();
    let ld = launchdarkly(url);
    runtime.block_on(async { ld.get(&bare::ID.parse().unwrap()).await.map(drop).unwrap() });
    let avisi = || {
        let builder = avisi_cloud::Client::builder()
            .base_url(url)
            .credential(CREDENTIAL);
        builder
            .retry(RetryPolicy::none())
            .max_response_bytes(1 << 30)
            .build()
            .unwrap()
    };
    let mut inventory = Inventory::new();
    if which == "LaunchDarkly" || which == "all three" {
        inventory = inventory.add("prod", ld);
    }
    if which == "Query Server" || which == "all three" {
        inventory = inventory.add("edge", query_server(url));
    }
    if which == "Avisi Cloud" || which == "all three" {
        inventory = inventory.add("cloud", avisi());
    }
    let (mut report, mut all) = (None, Stats::default());
    let most = most(|| all = counted(|| report = Some(runtime.block_on(inventory.collect()))));
    let report = report.unwrap();
    assert!(report.is_complete(), "{report:?}");
    let services = if which == "all three" { 3 } else { 1 };
    assert_eq!(report.len(), services * tokens);
    let records = report.len() as f64;
    let kept = (all.bytes_allocated as f64 - all.bytes_deallocated as f64) / records;
    let each = times(&all) as f64 / records;
    println!("{kept:>7.0} {most:>10.1} MB {each:>7.1}  {which}");
    if which == "all three" {
        outputs(&report);
    }
    if services == 1 || kept < MOST_A_RECORD {
        return ExitCode::SUCCESS;
    }
    println!("more than {MOST_A_RECORD} bytes a record are kept");
    ExitCode::FAILURE
}

fn outputs(report: &Report) {
    println!("\noutputs: allocations a record, most memory on top, length\n");
    let form = |name: &str, make: &dyn Fn() -> String| {
        let (mut length, mut all) = (0, Stats::default());
        let most = most(|| all = counted(|| length = make().len()));
        let each = times(&all) as f64 / report.len() as f64;
        println!(
            "{each:>7.2} {most:>10.1} MB {:>7.1} MB  {name}",
            length as f64 / 1e6
        );
    };
    form("table", &|| report.to_table().to_string());
    form("JSON", &|| report.to_json());
    form("CSV", &|| report.to_csv());
}
