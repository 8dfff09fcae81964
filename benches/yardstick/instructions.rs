//! Instructions, counted by callgrind: the same every time, whatever else the machine does.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use crate::cases::{Case, Clients, Who, runtime};
use crate::server::Server;

/// Cases, and how often each is done in the shorter and in the longer run; the difference leaves out
/// what is done once.
const CASES: [(Case, u32, u32); 6] = [
    (Case::Get, 50, 350),
    (Case::Create, 50, 350),
    (Case::Patch, 50, 350),
    (Case::Page(25), 20, 120),
    (Case::Page(1_000), 1, 6),
    (Case::Rows, 1, 2),
];

/// How far a figure may be from the one that is recorded.
const TOLERANCE: f64 = 0.03;

/// Whether valgrind is there.
pub(crate) fn possible() -> bool {
    let version = Command::new("valgrind")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    version.is_ok_and(|status| status.success())
}

/// The part of a process under valgrind.
pub(crate) fn child(arguments: &[String]) {
    let [case, who, times, large, list] = arguments else {
        panic!("CASE WHO TIMES LARGE LIST");
    };
    let (case, ..) = CASES[case.parse::<usize>().unwrap()];
    let who = [Who::Ours, Who::Bare, Who::Lean][who.parse::<usize>().unwrap()];
    let server = Server::at(large, list);
    let clients = Clients::new(&server);
    runtime().block_on(async {
        for _ in 0..times.parse::<u32>().unwrap() {
            clients.run(case, who).await;
        }
    });
}

/// Instructions of one time.
fn measure(server: &Server, case: usize, who: usize) -> u64 {
    let (_, few, many) = CASES[case];
    let run = |times: u32| {
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(std::env::current_exe().unwrap())
            .args([
                "case",
                &case.to_string(),
                &who.to_string(),
                &times.to_string(),
            ])
            .args([&server.large, &server.list])
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}");
        let collected = text.lines().find_map(|line| line.split_once("Collected :"));
        let (_, number) = collected.unwrap();
        number.trim().parse::<u64>().unwrap()
    };
    // Which of the crate's threads looks first is chance, a hundredth or so of a call. The least is
    // what it takes.
    let rounds = if many > 100 { 5 } else { 1 };
    let least = |times| (0..rounds).map(|_| run(times)).min().unwrap();
    (least(many) - least(few)) / u64::from(many - few)
}

pub(crate) fn table(server: &Server) {
    println!("instructions, by callgrind\n");
    println!("{:>7} {:>14} {:>14}", "ratio", "this crate", "by hand");
    for (at, (case, ..)) in CASES.iter().enumerate() {
        let ours = measure(server, at, 0);
        let lean = matches!(case, Case::Page(_));
        for who in if lean { 1..=2 } else { 1..=1 } {
            let by_hand = measure(server, at, who);
            let links = if who == 2 {
                ", by hand without links"
            } else {
                ""
            };
            let ratio = ours as f64 / by_hand as f64;
            println!(
                "{ratio:>7.3} {ours:>14} {by_hand:>14}  {}{links}",
                case.name()
            );
        }
    }
}

fn recorded_file() -> PathBuf {
    [
        env!("CARGO_MANIFEST_DIR"),
        "benches",
        "yardstick",
        "recorded.txt",
    ]
    .iter()
    .collect()
}

/// Writes down the figures of this moment.
pub(crate) fn record(server: &Server) {
    let mut text = "# Instructions of this crate, by `cargo bench --bench yardstick -- record`; those of a token\n\
                    # where there are many. `-- guard` holds the crate to them.\n".to_owned();
    for (at, (case, ..)) in CASES.iter().enumerate() {
        let figure = measure(server, at, 0) / case.tokens() as u64;
        writeln!(text, "{figure:>8} {}", case.name()).unwrap();
    }
    print!("{text}");
    std::fs::write(recorded_file(), text).unwrap();
}

/// Holds this moment's figures to the recorded ones.
pub(crate) fn guard(server: &Server) -> ExitCode {
    let recorded = std::fs::read_to_string(recorded_file()).unwrap();
    let mut held = true;
    for (at, (case, ..)) in CASES.iter().enumerate() {
        let name = case.name();
        let before = recorded.lines().find_map(|line| {
            let (figure, of) = line.trim().split_once(' ')?;
            (of == name).then(|| figure.parse::<u64>().unwrap())
        });
        let Some(before) = before else {
            println!("{name}: nothing is recorded");
            held = false;
            continue;
        };
        let now = measure(server, at, 0) / case.tokens() as u64;
        let change = now as f64 / before as f64 - 1.0;
        let verdict = if change.abs() <= TOLERANCE {
            "held"
        } else {
            "NOT HELD"
        };
        held &= change.abs() <= TOLERANCE;
        println!(
            "{:>+6.1} % {now:>8}, recorded {before:>8}  {name}: {verdict}",
            change * 100.0
        );
    }
    if held {
        return ExitCode::SUCCESS;
    }
    println!("A change for the better or a meant one: `cargo bench --bench yardstick -- record`.");
    ExitCode::FAILURE
}
