//! Requests a second of each twin beside a bare wiremock server with one fixed answer.
//!
//! `cargo bench --bench twins`, and for a debug build `cargo bench --profile dev --bench twins`.
//! Rounds of all servers take turns, so that what else the machine does falls on all alike. The
//! table shows the best round of each, and (on Linux) the processor time of a request, client
//! included, which does not depend on what else the machine does.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark stops where it fails"
)]

use std::time::{Duration, Instant};

use access_tokens_testing::{AvisiCloud, LaunchDarkly, QueryServer};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_millis(200);
const AT_A_TIME: usize = 32;

struct Target {
    name: &'static str,
    client: reqwest::Client,
    url: String,
    authorization: String,
    best: [f64; 2],
    requests: f64,
    cpu: f64,
}

impl Target {
    fn new(name: &'static str, url: String, authorization: String) -> Self {
        Self {
            name,
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            url,
            authorization,
            best: [0.0; 2],
            requests: 0.0,
            cpu: 0.0,
        }
    }

    async fn get(client: &reqwest::Client, url: &str, authorization: &str) {
        let answer = client.get(url).header("authorization", authorization);
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.bytes().await.unwrap();
    }

    /// Requests and seconds with this many senders, each one request after another.
    async fn measure(&self, senders: usize) -> (f64, f64) {
        let start = Instant::now();
        let senders: Vec<_> = (0..senders)
            .map(|_| {
                let (client, url) = (self.client.clone(), self.url.clone());
                let authorization = self.authorization.clone();
                tokio::spawn(async move {
                    let mut count = 0_u32;
                    while start.elapsed() < ROUND {
                        Self::get(&client, &url, &authorization).await;
                        count += 1;
                    }
                    count
                })
            })
            .collect();
        let mut count = 0;
        for sender in senders {
            count += sender.await.unwrap();
        }
        (f64::from(count), start.elapsed().as_secs_f64())
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let ld = LaunchDarkly::start().await.unwrap();
    let query = QueryServer::start().await.unwrap();
    let avisi = AvisiCloud::start().await.unwrap();
    let ld_token = format!("{}/api/v2/tokens/{}", ld.base_url(), ld.credential_id());
    let secret = |secret: access_tokens::Secret| secret.expose_secret().to_owned();

    // What the twin of LaunchDarkly answers, as a fixed text.
    let fixed = reqwest::Client::new()
        .get(&ld_token)
        .header("authorization", secret(ld.credential()));
    let fixed = fixed.send().await.unwrap().text().await.unwrap();
    let bare = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/token"))
        .respond_with(ResponseTemplate::new(200).set_body_raw(fixed, "application/json"))
        .mount(&bare)
        .await;

    let list = |base: String, path: &str| format!("{base}{path}");
    let mut targets = [
        Target::new(
            "wiremock, fixed answer",
            format!("{}/token", bare.uri()),
            "-".to_owned(),
        ),
        Target::new("LaunchDarkly, one token", ld_token, secret(ld.credential())),
        Target::new(
            "LaunchDarkly, list",
            list(ld.base_url(), "/api/v2/tokens"),
            secret(ld.credential()),
        ),
        Target::new(
            "Query Server, list",
            list(query.base_url(), "/_/token"),
            format!("Bearer {}", secret(query.credential())),
        ),
        Target::new(
            "Query Server, health check",
            list(query.base_url(), "/_/healthcheck"),
            "-".to_owned(),
        ),
        Target::new(
            "Avisi Cloud, list",
            list(avisi.base_url(), "/sts/v1/personal-access-tokens"),
            format!("Token {}", secret(avisi.credential())),
        ),
    ];

    for round in 0..=ROUNDS {
        for target in &mut targets {
            for (at, senders) in [1, AT_A_TIME].into_iter().enumerate() {
                let before = cpu_seconds();
                let (requests, seconds) = target.measure(senders).await;
                // The first round warms up.
                if round > 0 {
                    target.best[at] = target.best[at].max(requests / seconds);
                    target.requests += requests;
                    target.cpu += cpu_seconds() - before;
                }
            }
        }
    }

    let profile = if cfg!(debug_assertions) {
        "debug"
    } else {
        "release"
    };
    println!("requests a second, {profile} build, best of {ROUNDS} rounds");
    println!(
        "{:<28}{:>18}{:>16}{:>14}",
        "", "one after another", "32 at a time", "processor"
    );
    for target in &targets {
        let [one, many] = target.best;
        let micros = target.cpu / target.requests * 1e6;
        println!(
            "{:<28}{one:>18.0}{many:>16.0}{micros:>11.0} µs",
            target.name
        );
    }
}

/// The processor time of this process so far; zero where the system does not tell in this way.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name, which is in parentheses, user and system time are the 12th and 13th.
    let fields = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace();
    let ticks: f64 = fields
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok())
        .sum();
    ticks / 100.0
}
