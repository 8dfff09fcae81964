//! Lends tokens that live for a quarter of an hour: an axum handler that makes one for each caller.
//!
//! ```text
//! cargo run -p examples --example lend                                # on a local twin: lends one, shows what becomes of it
//! LD_ACCESS_TOKEN=… LENDING_KEY=… cargo run -p examples --example lend   # serves 127.0.0.1:8080 until it is stopped
//! curl -X POST -H "Authorization: Bearer $LENDING_KEY" http://127.0.0.1:8080/tokens
//! ```
//!
//! Nothing has to be given back: each token ends by itself, also one whose caller went away in the
//! middle, so that its secret reached nobody.

use std::error::Error;
use std::time::Duration;

use access_tokens::launchdarkly::{Client, Role, TokenBody};
use access_tokens::{ErrorKind, Marker, Secret, TokenServiceExt as _};
use access_tokens_testing::{LaunchDarkly, VirtualClock};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing::post};
use serde_json::json;

const LIFETIME: Duration = Duration::from_secs(15 * 60);

/// What the handler needs. A client is made once: clones share connections and limits.
#[derive(Clone)]
struct Desk {
    ld: Client,
    key: Secret,
}

fn app(desk: Desk) -> Router {
    Router::new().route("/tokens", post(lend)).with_state(desk)
}

async fn lend(State(desk): State<Desk>, headers: HeaderMap) -> Response {
    // Whoever can call this can have a token. Two secrets are compared in constant time.
    let given = headers.get(header::AUTHORIZATION);
    let given = given.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    if given.map(Secret::new).as_ref() != Some(&desk.key) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let marker = Marker::random();
    let body = TokenBody::builder()
        .name("lent")
        .role(Role::Reader)
        .marker(&marker)
        .expires(LIFETIME);
    // Shorter than what the caller waits for, so that it gets an answer.
    match desk.ld.create(body).timeout(Duration::from_secs(20)).await {
        Ok(new) => {
            let (token, secret) = new.into_parts();
            let lent = json!({
                "id": token.id.as_str(),
                "secret": secret.expose_secret(), // the one place where it leaves
                "seconds": LIFETIME.as_secs(),
            });
            ([(header::CACHE_CONTROL, "no-store")], Json(lent)).into_response()
        }
        Err(error) => refuse(&desk, &marker, &error).await,
    }
}

/// What a caller is told, and what is done about a token that may have been made.
async fn refuse(desk: &Desk, marker: &Marker, error: &access_tokens::Error) -> Response {
    // No error holds a secret, so it may be logged.
    eprintln!("  (log) {error}");
    if error.may_have_been_sent() {
        // If this fails too, the token ends by itself.
        let removed = desk.ld.as_service().delete_marked(marker).await;
        match removed.and_then(access_tokens::Deletions::into_result) {
            Ok(removed) => eprintln!("  (log) removed: {}", removed.len()),
            Err(error) => eprintln!("  (log) not removed: {error}"),
        }
    }
    let wait = error.retry_after().unwrap_or(Duration::from_secs(5));
    match error.kind() {
        ErrorKind::RateLimited | ErrorKind::Timeout | ErrorKind::OutcomeUnknown => (
            StatusCode::SERVICE_UNAVAILABLE,
            [(header::RETRY_AFTER, wait.as_secs().max(1).to_string())],
        )
            .into_response(),
        // Ours to mend, not the caller's: the credential, the address, the role.
        _ => StatusCode::BAD_GATEWAY.into_response(),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    if std::env::var_os("LD_ACCESS_TOKEN").is_none() {
        return on_a_twin().await;
    }
    let ld = Client::from_env()?;
    let key = std::env::var("LENDING_KEY")?;
    if key.len() < 16 {
        return Err("LENDING_KEY is what callers are known by: 16 characters or more".into());
    }
    let key = Secret::new(key);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    println!("lending at http://{}/tokens", listener.local_addr()?);
    axum::serve(listener, app(Desk { ld, key })).await?;
    Ok(())
}

// What follows stands for callers and for the service.

async fn on_a_twin() -> Result<(), Box<dyn Error>> {
    use access_tokens_testing::{Fault, launchdarkly::Operation};

    let clock = VirtualClock::new();
    let twin = LaunchDarkly::builder().clock(clock.clone()).start().await?;
    let ld = Client::builder()
        .base_url(twin.base_url())
        .credential(twin.credential())
        .clock(clock.clone())
        .build()?;
    let key = Secret::new("a key for this run only");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/tokens", listener.local_addr()?);
    let desk = Desk {
        ld,
        key: key.clone(),
    };
    tokio::spawn(axum::serve(listener, app(desk)).into_future());

    println!("somebody without the key");
    let http = reqwest::Client::builder().no_proxy().build()?;
    let answer = http.post(&url).bearer_auth("a guess").send().await?;
    check("is refused", answer.status() == 401)?;
    check("and no token is made", twin.tokens().len() == 1)?;

    println!("somebody with it");
    let ask = || http.post(&url).bearer_auth(key.expose_secret()).send();
    let answer = ask().await?;
    check("is lent one", answer.status() == 200)?;
    check(
        "that no cache keeps",
        answer.headers()["cache-control"] == "no-store",
    )?;
    let lent: serde_json::Value = answer.json().await?;
    let secret = Secret::new(
        lent.get("secret")
            .and_then(|it| it.as_str())
            .unwrap_or_default(),
    );
    check("it works", twin.authenticates(&secret))?;
    clock.advance(LIFETIME + Duration::from_secs(1));
    check(
        "and has ended a quarter of an hour later",
        !twin.authenticates(&secret),
    )?;

    println!("the service's answer is lost");
    let before = twin.tokens().len();
    twin.on(Operation::PostToken).then(Fault::ActThenReset);
    let answer = ask().await?;
    check("the caller is told to come back", answer.status() == 503)?;
    check("what was made is gone", twin.tokens().len() == before)
}

fn check(what: &str, holds: bool) -> Result<(), Box<dyn Error>> {
    println!("  {:<7}{what}", if holds { "yes" } else { "NO" });
    if holds { Ok(()) } else { Err(what.into()) }
}
