//! How long an inventory of many tokens takes, and how much memory.
//!
//! Three services, each with the given number of tokens in six accounts, are read with sixteen
//! accounts at a time. The services are twins in a process of their own, so that the memory
//! measured is that of the client alone; they answer with status 429 over and over: the accounts of
//! LaunchDarkly for every 20th page, the others once each.
//!
//! `cargo bench --bench inventory [-- TOKENS]`: tokens a service, 3,000 by default;
//! the full measurement is `cargo bench --bench inventory -- 100000`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement that cannot go on has nothing better to do"
)]

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use access_tokens::inventory::Inventory;
use access_tokens::{RetryPolicy, avisi_cloud, days, launchdarkly, query_server};
use access_tokens_testing::{
    AvisiCloud, Fault, LaunchDarkly, QueryServer, avisi_cloud as avisi_twin,
    launchdarkly as ld_twin, query_server as query_twin,
};

const ACCOUNTS: usize = 6;
const AT_A_TIME: usize = 16;
const PAGE: usize = 25;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "serve") {
        let tokens = arguments.get(at + 1).unwrap().parse().unwrap();
        return runtime.block_on(serve(tokens));
    }
    let tokens = arguments
        .iter()
        .find_map(|text| text.parse().ok())
        .unwrap_or(3_000);
    let mut twins = Twins::start(tokens);
    for streaming in [true, false] {
        twins.arm();
        runtime.block_on(measure(&twins, tokens, streaming));
    }
}

type Trio = (LaunchDarkly, QueryServer, AvisiCloud);

/// The twins, in a process of their own, until its standard input ends. Each line there sets the
/// faults up anew.
async fn serve(tokens: usize) {
    let size = |account: usize| tokens / ACCOUNTS + usize::from(account < tokens % ACCOUNTS);
    let mut twins = Vec::new();
    for account in 0..ACCOUNTS {
        let ld = LaunchDarkly::start().await.unwrap();
        let query = QueryServer::start().await.unwrap();
        let avisi = AvisiCloud::start().await.unwrap();
        for n in 0..size(account) {
            ld.seed(ld_twin::Seed::new(format!("token {n}")).age(days(100)));
            avisi.seed(avisi_twin::Seed::new(format!("token {n}")));
            query.seed(query_twin::Seed::new(format!("token {n}")));
        }
        for (kind, url, secret) in [
            ("ld", ld.base_url(), ld.credential()),
            ("query", query.base_url(), query.credential()),
            ("avisi", avisi.base_url(), avisi.credential()),
        ] {
            println!("{kind} {url} {}", secret.expose_secret());
        }
        twins.push((ld, query, avisi));
    }
    println!("ready");
    let wait = move || {
        for _ in std::io::stdin().lines() {
            for trio in &twins {
                arm(trio, tokens / ACCOUNTS);
            }
            println!("ready");
        }
    };
    tokio::task::spawn_blocking(wait).await.unwrap();
}

fn arm((ld, query, avisi): &Trio, tokens: usize) {
    let too_many = |seconds: &str| Fault::Answer {
        status: 429,
        headers: vec![("retry-after".to_owned(), seconds.to_owned())],
        body: Vec::new(),
    };
    for call in (1..=tokens / PAGE).step_by(20) {
        let rule = ld.on(ld_twin::Operation::GetTokens);
        rule.nth(call as u64).then(too_many("0"));
    }
    query.on(query_twin::Operation::List).then(too_many("1"));
    avisi.on(avisi_twin::Operation::List).then(too_many("1"));
}

/// The process of the twins, and their addresses and credentials.
struct Twins {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    accounts: Vec<[String; 3]>,
}

impl Twins {
    fn start(tokens: usize) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["serve", &tokens.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let accounts = lines
            .by_ref()
            .map(Result::unwrap)
            .take_while(|line| line != "ready")
            .map(|line| {
                let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
                words.try_into().unwrap()
            })
            .collect();
        Self {
            process,
            lines,
            accounts,
        }
    }

    /// Sets the faults up.
    fn arm(&mut self) {
        writeln!(self.process.stdin.as_mut().unwrap()).unwrap();
        self.lines.next().unwrap().unwrap();
    }
}

impl Drop for Twins {
    fn drop(&mut self) {
        // The end of its standard input ends the process.
        drop(self.process.stdin.take());
        self.process.wait().unwrap();
    }
}

async fn measure(twins: &Twins, tokens: usize, streaming: bool) {
    let retry = RetryPolicy::new().max_attempts(10);
    let mut inventory = Inventory::new().concurrency(AT_A_TIME);
    for (n, [kind, url, secret]) in twins.accounts.iter().enumerate() {
        let label = format!("{kind}-{n:02}");
        let (url, secret) = (url.as_str(), secret.as_str());
        inventory = match kind.as_str() {
            "ld" => {
                let client = launchdarkly::Client::builder()
                    .base_url(url)
                    .credential(secret);
                let client = client.retry(retry.clone()).max_pages(usize::MAX);
                inventory.add(label, client.build().unwrap())
            }
            "query" => {
                let client = query_server::Client::builder()
                    .base_url(url)
                    .credential(secret);
                inventory.add(label, client.retry(retry.clone()).build().unwrap())
            }
            _ => {
                let client = avisi_cloud::Client::builder()
                    .base_url(url)
                    .credential(secret);
                inventory.add(label, client.retry(retry.clone()).build().unwrap())
            }
        };
    }
    let before = peak_memory();
    let begin = Instant::now();
    let (how, read) = if streaming {
        let mut stream = inventory.stream();
        let mut read = 0;
        while let Some((label, token)) = stream.next().await {
            assert!(token.is_ok(), "{label}: {token:?}");
            read += 1;
        }
        ("stream", read)
    } else {
        let report = inventory.collect().await;
        assert!(report.is_complete(), "{report:?}");
        ("report", report.len())
    };
    // The credentials of the twins are listed by two of the services.
    assert_eq!(read, 3 * tokens + 2 * ACCOUNTS);
    let took = begin.elapsed();
    println!(
        "{how}: {read} tokens of {} accounts, {AT_A_TIME} at a time: {}, peak memory {} \
         (before: {})",
        3 * ACCOUNTS,
        seconds(took),
        mebibytes(peak_memory()),
        mebibytes(before),
    );
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

fn mebibytes(kibibytes: Option<u64>) -> String {
    kibibytes.map_or_else(|| "not known".to_owned(), |k| format!("{} MiB", k / 1_024))
}

/// The peak of the resident memory so far in KiB, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
