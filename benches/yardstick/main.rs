//! What the crate costs, beside reqwest and `serde_json` by hand.
//!
//! | command | what |
//! |---|---|
//! | `cargo bench --bench yardstick` | times: single calls, lists, streams, many calls at a time, an inventory |
//! | `cargo bench --bench yardstick -- instructions` | instructions by callgrind, the same every time |
//! | `cargo bench --bench yardstick -- guard` | fails if those are not within 3 % of what is recorded |
//! | `cargo bench --bench yardstick -- record` | records them |
//! | `bash benches/yardstick/peers/run` | the same list in other clients |
//! | `cargo bench --bench allocations` | allocations, and the memory that is kept |
//!
//! `docs/performance.md` has the results and how to read them. Ratios come first: they are of work
//! that was done in turns in one run. All talk to one static server on loopback, in a process of its
//! own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a measurement that cannot go on has nothing better to do"
)]

mod bare;
mod cases;
mod instructions;
mod peers;
mod server;
mod time;

use std::process::ExitCode;

use server::Server;

/// Set where the guard must not be skipped for want of valgrind.
const REQUIRED: &str = "YARDSTICK_REQUIRED";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    match arguments.first().map(String::as_str) {
        Some("serve") => server::serve(),
        Some("case") => instructions::child(&arguments[1..]),
        Some("peer") => peers::child(&arguments[1..]),
        Some("peers") => peers::table(&Server::start(), &arguments[1..]),
        None => time::table(&Server::start(), 20),
        Some("quick") => time::table(&Server::start(), 3),
        Some("instructions" | "guard" | "record") if !instructions::possible() => {
            println!("skipped: valgrind is not installed");
            if std::env::var_os(REQUIRED).is_some() {
                return ExitCode::FAILURE;
            }
        }
        Some("instructions") => instructions::table(&Server::start()),
        Some("record") => instructions::record(&Server::start()),
        Some("guard") => return instructions::guard(&Server::start()),
        Some(other) => panic!("{other}: see the head of benches/yardstick/main.rs"),
    }
    ExitCode::SUCCESS
}
