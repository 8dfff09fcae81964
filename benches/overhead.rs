//! What the crate costs over bare reqwest and `serde_json`, on loopback.
//!
//! `cargo bench --bench overhead`; the numbers are medians of interleaved rounds, and the last
//! column is what to look at.

use std::error::Error;
use std::time::{Duration, Instant};

use access_tokens::launchdarkly::{Client, Token, Tokens};
use access_tokens::{RetryPolicy, TokenId};
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const ID: &str = "66aa10f2c4d5e60011223344";
const CALLS: u32 = 200;
const TOKENS: usize = 10_000;
const ROUNDS: usize = 20;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let server = MockServer::builder()
        .disable_request_recording()
        .start()
        .await;
    let list = json!({ "items": vec![token(); TOKENS], "totalCount": TOKENS, "_links": {} });
    for (route, body) in [
        (format!("/api/v2/tokens/{ID}"), token()),
        ("/api/v2/tokens".into(), list),
    ] {
        let answer = ResponseTemplate::new(200).set_body_json(body);
        Mock::given(method("GET"))
            .and(path(route))
            .respond_with(answer)
            .mount(&server)
            .await;
    }
    let bare = reqwest::Client::builder().no_proxy().build()?;
    let id: TokenId = ID.parse()?;
    let client = Client::builder()
        .base_url(server.uri())
        .credential("api-00000000-1111-4222-8333-444444444444")
        .retry(RetryPolicy::none())
        .build()?;

    let (mut small, mut large) = (Pair::default(), Pair::default());
    for _ in 0..ROUNDS {
        let url = format!("{}/api/v2/tokens/{ID}", server.uri());
        let start = Instant::now();
        for _ in 0..CALLS {
            let body = bare
                .get(&url)
                .header("Authorization", "x")
                .send()
                .await?
                .bytes()
                .await?;
            let _: Token = serde_json::from_slice(&body)?;
        }
        small.bare.push(start.elapsed() / CALLS);
        let start = Instant::now();
        for _ in 0..CALLS {
            client.get(&id).await?;
        }
        small.crate_.push(start.elapsed() / CALLS);

        let url = format!("{}/api/v2/tokens", server.uri());
        let start = Instant::now();
        let body = bare
            .get(&url)
            .header("Authorization", "x")
            .send()
            .await?
            .bytes()
            .await?;
        let _: Tokens = serde_json::from_slice(&body)?;
        large.bare.push(start.elapsed());
        let start = Instant::now();
        client.list().page().await?;
        large.crate_.push(start.elapsed());
    }
    println!(
        "{:<24}{:>14}{:>14}{:>8}",
        "", "bare reqwest", "this crate", "ratio"
    );
    small.print("one token");
    large.print("a list of 10,000");
    Ok(())
}

#[derive(Default)]
struct Pair {
    bare: Vec<Duration>,
    crate_: Vec<Duration>,
}

impl Pair {
    fn print(mut self, what: &str) {
        let (bare, ours) = (median(&mut self.bare), median(&mut self.crate_));
        let ratio = ours.as_secs_f64() / bare.as_secs_f64();
        println!("{what:<24}{bare:>14.1?}{ours:>14.1?}{ratio:>8.2}");
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn token() -> Value {
    json!({
        "_id": ID, "ownerId": "65f0c2a19d3b4e0012ab0001", "memberId": "65f0c2a19d3b4e0012ab0102",
        "name": "nightly export", "description": "made by the sample set",
        "creationDate": 1_759_312_800_123_u64, "lastModified": 1_759_312_800_123_u64,
        "customRoleIds": [], "inlineRole": [], "role": "reader", "token": "4444",
        "serviceToken": false, "defaultApiVersion": 20_240_415, "lastUsed": 0,
        "_links": {
            "parent": { "href": "/api/v2/tokens", "type": "application/json" },
            "self": { "href": format!("/api/v2/tokens/{ID}"), "type": "application/json" }
        }
    })
}
