//! Allocations of the work of `yardstick`, and the memory that an inventory keeps.
//!
//! `cargo bench --bench allocations`. Counted by an allocator that wraps the system's, which would
//! disturb the times of the other.
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

use std::process::ExitCode;

use access_tokens::inventory::{Inventory, Report};
use access_tokens::{RetryPolicy, avisi_cloud};
use allocation_counter::{AllocationInfo, measure};

use bare::CREDENTIAL;
use cases::{Case, Clients, Who, launchdarkly, query_server, runtime};
use server::Server;

/// Bytes that `collect()` may keep of a record.
const MOST_A_RECORD: f64 = 300.0;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    if arguments.first().is_some_and(|word| word == "serve") {
        server::serve();
        return ExitCode::SUCCESS;
    }
    let server = Server::start();
    calls(&server);
    stream(&server);
    inventory(
        &server,
        arguments.first().is_some_and(|word| word == "large"),
    )
}

fn calls(server: &Server) {
    const TIMES: u64 = 20;
    let (runtime, clients) = (runtime(), Clients::new(server));
    println!("allocations of one time, and their bytes\n");
    println!("{:>7} {:>16} {:>16}", "more", "this crate", "by hand");
    let count = |case, who| {
        // Whatever is set up once is set up.
        runtime.block_on(clients.run(case, who));
        let all = measure(|| {
            for _ in 0..TIMES {
                runtime.block_on(clients.run(case, who));
            }
        });
        (all.count_total / TIMES, all.bytes_total / TIMES)
    };
    for case in [
        Case::Get,
        Case::Create,
        Case::Patch,
        Case::Page(25),
        Case::Page(1_000),
        Case::Rows,
    ] {
        let (ours, by_hand) = (count(case, Who::Ours), count(case, Who::Bare));
        let more = i128::from(ours.0) - i128::from(by_hand.0);
        println!(
            "{more:>+7} {:>6} {:>9} {:>6} {:>9}  {}",
            ours.0,
            ours.1,
            by_hand.0,
            by_hand.1,
            case.name()
        );
    }
}

fn stream(server: &Server) {
    let (runtime, clients) = (runtime(), Clients::new(server));
    println!("\nstream of 100000: allocations a token, and the most that is held at a time\n");
    for (who, name) in [
        (Who::Ours, "this crate"),
        (Who::Bare, "by hand"),
        (Who::Lean, "by hand without links"),
    ] {
        runtime.block_on(clients.run(Case::Get, who));
        let all = measure(|| runtime.block_on(clients.run(Case::Stream, who)));
        let each = all.count_total as f64 / Case::Stream.tokens() as f64;
        println!("{each:>7.1} {:>10.2} MB  {name}", megabytes(all.bytes_max));
    }
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn inventory(server: &Server, large: bool) -> ExitCode {
    let (url, tokens) = if large {
        (&server.huge, 300_000)
    } else {
        (&server.list, 20_000)
    };
    let runtime = runtime();
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
    println!(
        "\ninventory of {tokens} tokens a service: bytes kept a record, most at a time, allocations a record\n"
    );
    let mut held = true;
    for which in ["LaunchDarkly", "Query Server", "Avisi Cloud", "all three"] {
        let mut inventory = Inventory::new();
        if which == "LaunchDarkly" || which == "all three" {
            inventory = inventory.add("prod", launchdarkly(url));
        }
        if which == "Query Server" || which == "all three" {
            inventory = inventory.add("edge", query_server(url));
        }
        if which == "Avisi Cloud" || which == "all three" {
            inventory = inventory.add("cloud", avisi());
        }
        let mut report = None;
        let all = measure(|| report = Some(runtime.block_on(inventory.collect())));
        let report = report.unwrap();
        assert!(report.is_complete(), "{report:?}");
        let kept = all.bytes_current as f64 / report.len() as f64;
        held &= which != "all three" || kept < MOST_A_RECORD;
        print_kept(which, kept, &all, &report);
        if which == "all three" {
            outputs(&report);
        }
    }
    if held {
        return ExitCode::SUCCESS;
    }
    println!("more than {MOST_A_RECORD} bytes a record are kept");
    ExitCode::FAILURE
}

fn print_kept(which: &str, kept: f64, all: &AllocationInfo, report: &Report) {
    let each = all.count_total as f64 / report.len() as f64;
    println!(
        "{kept:>7.0} {:>10.1} MB {each:>7.1}  {which}",
        megabytes(all.bytes_max)
    );
}

fn outputs(report: &Report) {
    println!("\noutputs: allocations a record, most at a time, length\n");
    let form = |name: &str, make: &dyn Fn() -> String| {
        let mut length = 0;
        let all = measure(|| length = make().len());
        let each = all.count_total as f64 / report.len() as f64;
        let (most, length) = (megabytes(all.bytes_max), megabytes(length as u64));
        println!("{each:>7.2} {most:>10.1} MB {length:>7.1} MB  {name}");
    };
    form("table", &|| report.to_table().to_string());
    form("JSON", &|| report.to_json());
    form("CSV", &|| report.to_csv());
}
