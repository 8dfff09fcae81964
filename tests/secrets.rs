//! A canary goes through everything as credential and as new secret, and is looked for wherever
//! something could print it: `Debug` of every public type, errors, serialised models, and what the
//! whole stack says to `tracing` and `log` at the level of TRACE.
#![cfg(all(
    feature = "launchdarkly",
    feature = "query-server",
    feature = "avisi-cloud"
))]
#![allow(missing_docs)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

#[path = "it/support/mod.rs"]
mod support;

use std::error::Error as _;
use std::fmt::{Debug, Write as _};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use access_tokens::launchdarkly::OldSecret;
use access_tokens::launchdarkly::{Patch, Role, Statement};
use access_tokens::query_server::Changes;
use access_tokens::{
    BoxFuture, ClientBuilder, CredentialError, CredentialProvider, Error, NewToken, Result,
    RetryPolicy, Secret, ServiceClient, avisi_cloud, launchdarkly, query_server,
};
use access_tokens_testing::VirtualClock;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::{Value, json};
use support::{NOW, Raw, Reply, head, id, whole};
use tracing_subscriber::fmt::format::FmtSpan;

/// In every secret of these tests and in nothing else.
const CANARY: &str = "canary";
const CREDENTIAL: &str = "canary-credential-5f0e77aa";
const MINTED: &str = "canary-minted-91c3d2b4-6f7e";
/// A secret that came as a number.
const NUMBER: u64 = 918_273_645_546;

/// What was said and not looked through yet.
static LOG: Mutex<String> = Mutex::new(String::new());

/// What the stack is known to say; which of it was heard.
const KNOWN: [&str; 7] = [
    "access_tokens.call",
    "access_tokens.attempt",
    "REDACTED",
    "getToken",
    "trying again",
    "failed",
    "reqwest",
];
static HEARD: [AtomicBool; KNOWN.len()] = [const { AtomicBool::new(false) }; KNOWN.len()];

fn say(text: &str) {
    for (part, heard) in KNOWN.iter().zip(&HEARD) {
        if text.contains(part) {
            heard.store(true, Ordering::SeqCst);
        }
    }
    LOG.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push_str(text);
}

/// Looks through all that was said by any test since the last look.
#[track_caller]
fn assert_silent_log() {
    let said = std::mem::take(&mut *LOG.lock().unwrap_or_else(PoisonError::into_inner));
    assert_silent("the log", &said);
}

struct Sink;

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        say(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Logger;

impl log::Log for Logger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        say(&format!(
            "{} {} {}\n",
            record.level(),
            record.target(),
            record.args()
        ));
    }

    fn flush(&self) {}
}

/// Listens to everything that any crate of the stack says.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_span_events(FmtSpan::FULL)
            .with_ansi(false)
            .with_writer(|| Sink)
            .finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
        log::set_boxed_logger(Box::new(Logger)).unwrap();
        log::set_max_level(log::LevelFilter::Trace);
    });
}

#[track_caller]
fn assert_silent(what: &str, text: &str) {
    // The claims of a token are secret too: they are what is signed.
    for secret in [CANARY, &NUMBER.to_string(), &claims()] {
        assert!(!text.contains(secret), "{what} shows {secret}: {text}");
    }
}

#[track_caller]
fn hide(what: &str, value: &impl Debug) {
    assert_silent(what, &format!("{value:?} {value:#?}"));
}

#[track_caller]
fn hide_written(what: &str, value: &(impl Debug + Serialize)) {
    hide(what, value);
    assert_silent(what, &serde_json::to_string(value).unwrap());
}

#[track_caller]
fn hide_error(what: &str, error: &Error) {
    let mut text = format!("{error} {error:#} {error:?} {error:#?}");
    let mut source = error.source();
    while let Some(inner) = source {
        write!(text, " {inner} {inner:?}").unwrap();
        source = inner.source();
    }
    write!(
        text,
        " {:?} {:?} {:?}",
        error.code(),
        error.message(),
        error.details()
    )
    .unwrap();
    write!(
        text,
        " {:?} {:?} {:?}",
        error.request_id(),
        error.hint(),
        error.field()
    )
    .unwrap();
    assert_silent(what, &text);
}

/// Looks through an outcome, which may well be a success.
#[track_caller]
fn hide_outcome<T: Debug>(what: &str, outcome: Result<T>) -> bool {
    match outcome {
        Ok(value) => {
            hide(what, &value);
            true
        }
        Err(error) => {
            hide_error(what, &error);
            false
        }
    }
}

#[track_caller]
fn hide_new<T: Debug + Serialize>(what: &str, new: &NewToken<T>, secret: &str) {
    assert_eq!(new.secret().expose_secret(), secret, "{what}: it did come");
    hide(what, new);
    hide(what, new.secret());
    hide_written(what, new.token());
}

fn claims() -> String {
    URL_SAFE_NO_PAD.encode(json!({"exp": NOW, "iat": NOW, "sub": "5d0c"}).to_string())
}

/// A secret of Query Server, whose claims are readable.
fn jwt() -> String {
    format!("{CANARY}.{}.{MINTED}", claims())
}

fn row(name: &str) -> Value {
    json!({"active": 1, "write": 1, "created_at": NOW, "updated_at": NOW, "expiration_date": NOW,
           "id": 1, "name": name, "token": jwt()})
}

fn ld_token(secret: &Value) -> Value {
    json!({"_id": "66aa10f2c4d5e60011223344", "ownerId": "o", "memberId": "m", "creationDate": 1,
           "lastModified": 2, "_links": {}, "defaultApiVersion": 20_240_415, "token": secret})
}

/// Reading the certificates of the machine for each client would take most of the time.
fn http() -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder();
    #[cfg(feature = "rustls")]
    let builder = builder.tls_certs_only([]);
    builder
}

fn build<C: ServiceClient>(builder: ClientBuilder<C>, uri: &str) -> C {
    let builder = builder.base_url(uri).credential(CREDENTIAL);
    hide("builder", &builder);
    let builder = builder.http_client(|_| http()).clock(VirtualClock::new());
    builder.build().unwrap()
}

fn ld(uri: &str) -> launchdarkly::Client {
    build(launchdarkly::Client::builder(), uri)
}

fn query(uri: &str) -> query_server::Client {
    build(query_server::Client::builder(), uri)
}

fn avisi(uri: &str) -> avisi_cloud::Client {
    build(avisi_cloud::Client::builder(), uri)
}

fn ld_body() -> launchdarkly::TokenBodyBuilder {
    let builder = launchdarkly::TokenBody::builder()
        .name("n")
        .role(Role::Reader);
    hide("TokenBodyBuilder", &builder);
    builder
}

/// Calls all operations of all services, and some things that are made of them; says how many of
/// them succeeded.
async fn call_everything(what: &str, uri: &str) -> usize {
    let (ld, query, avisi) = (ld(uri), query(uri), avisi(uri));
    let (id, patch) = (id(), Patch::new().replace_name("n"));
    let (edge, pat) = (
        query_server::TokenBody::builder("edge"),
        avisi_cloud::ProvisionBody::builder("n"),
    );
    let outcomes = [
        hide_outcome(what, ld.list().page().with_info().await),
        hide_outcome(what, ld.list().all().await),
        hide_outcome(what, ld.get(&id).with_info().await),
        hide_outcome(what, ld.create(ld_body()).with_info().await),
        hide_outcome(what, ld.patch(&id, patch).with_info().await),
        hide_outcome(what, ld.delete(&id).with_info().await),
        hide_outcome(what, ld.reset(&id, OldSecret::EndsAtOnce).with_info().await),
        hide_outcome(what, query.list().with_info().await),
        hide_outcome(what, query.find("edge").await),
        hide_outcome(what, query.value("edge").with_info().await),
        hide_outcome(what, query.exists("edge").await),
        hide_outcome(what, query.create(edge).with_info().await),
        hide_outcome(
            what,
            query
                .update("edge", Changes::new().write(true))
                .with_info()
                .await,
        ),
        hide_outcome(what, query.delete("edge").with_info().await),
        hide_outcome(
            what,
            query.rotate_to("edge", "edge-2", Changes::new()).await,
        ),
        hide_outcome(what, query.rotate_in_place("edge", Changes::new()).await),
        hide_outcome(what, avisi.list().with_info().await),
        hide_outcome(what, avisi.provision(pat).with_info().await),
        hide_outcome(what, avisi.revoke(&id).with_info().await),
    ];
    hide("client", &ld);
    hide("client", &query);
    hide("client", &avisi);
    outcomes.into_iter().filter(|done| *done).count()
}

/// A server that gives the same answer to everything, and all that happens with it.
async fn against(what: &str, answer: Vec<u8>) -> usize {
    listen();
    let raw = Raw::start(move |_| Reply::Bytes(answer.clone())).await;
    let done = call_everything(what, &raw.uri).await;
    let seen = raw.seen();
    assert!(seen.len() >= 14, "{what}: each operation was sent");
    for request in seen {
        assert!(
            request.contains(CREDENTIAL),
            "{what}: the canary was on the wire: {request}"
        );
    }
    assert_silent_log();
    done
}

fn script(answers: impl IntoIterator<Item = (u16, String)>) -> impl FnMut(usize) -> Reply {
    let answers: Vec<_> = answers.into_iter().collect();
    move |number| {
        let (status, body) = answers.get(number).expect("the script goes on");
        Reply::Bytes(whole(*status, &[], body))
    }
}

#[tokio::test]
async fn success_on_launchdarkly_shows_no_secret() {
    listen();
    let whole_secret = ld_token(&json!(MINTED));
    let page = json!({"items": [ld_token(&json!("tail")), whole_secret]}).to_string();
    let raw = Raw::start(script([
        (201, whole_secret.to_string()),
        (200, whole_secret.to_string()),
        (200, whole_secret.to_string()),
        (200, whole_secret.to_string()),
        (200, page.clone()),
        (200, page),
        (204, String::new()),
    ]))
    .await;
    let client = ld(&raw.uri);
    hide("TokenBodyBuilder", &ld_body());
    let request = client.create(ld_body()).timeout(Duration::from_secs(9));
    hide("Request", &request);
    let (new, info) = request.with_info().await.unwrap();
    hide_new("create", &new, MINTED);
    hide("ResponseInfo", &info);
    let reset = client.reset(&id(), Duration::from_secs(9));
    hide("Reset", &reset);
    hide_new("reset", &reset.await.unwrap(), MINTED);
    let token = client.get(&id()).await.unwrap();
    hide_written("Token", &token);
    assert_eq!(token.secret_tail(), None, "a whole secret is no tail");
    let patch = Patch::new().replace_access(launchdarkly::Access::InlinePolicy(vec![
        Statement::allow().actions(["*"]),
    ]));
    hide("Patch", &patch);
    hide_written("patched", &client.patch(&id(), patch).await.unwrap());
    let list = client.list().limit(9);
    hide("List", &list);
    let mut stream = list.clone().stream();
    hide_written("Tokens", &list.page().await.unwrap());
    hide("TokenStream", &stream);
    while let Some(token) = stream.try_next().await.unwrap() {
        hide_written("item", &token);
        hide("TokenStream", &stream);
    }
    client.delete(&id()).await.unwrap();
    client.replace_credential("canary-the-next").unwrap();
    hide("Client", &client);
    hide("RateLimits", &client.rate_limits());
    assert!(
        raw.seen()
            .iter()
            .all(|request| request.contains(CREDENTIAL))
    );
    assert_eq!(raw.seen().len(), 7);
    assert_silent_log();
}

#[tokio::test]
async fn success_on_query_server_shows_no_secret() {
    listen();
    let none = || (200, json!({"data": []}).to_string());
    let done = |status| (status, String::new());
    let rows = |name| (200, json!({"data": [row(name)]}).to_string());
    let value = || (200, json!({"data": [{"token": jwt()}]}).to_string());
    let echo = || (400, format!("invalid value {CREDENTIAL}"));
    let raw = Raw::start(script([
        // create, and create what is there already
        none(),
        done(201),
        rows("edge"),
        value(),
        rows("edge"),
        // list, value, update
        rows("edge"),
        value(),
        done(200),
        rows("edge"),
        // rotate to a new name, and leave the old one behind
        rows("edge"),
        none(),
        done(201),
        rows("edge-2"),
        echo(),
        // rotate in place, and fail in the middle
        rows("edge"),
        done(200),
        none(),
        echo(),
        // delete
        done(200),
    ]))
    .await;
    let client = query(&raw.uri);
    let draft = || -> query_server::TokenBodyBuilder { query_server::TokenBody::builder("edge") };
    hide("TokenBodyBuilder", &draft());
    hide("Request", &client.create(draft()));
    let created = client.create(draft()).await.unwrap();
    hide("Created", &created);
    hide_new("create", &created.into_new().unwrap(), &jwt());
    let created = client.create(draft()).await.unwrap();
    assert!(created.already_existed());
    hide("Created", &created);
    let tokens = client.list().await.unwrap();
    assert_eq!(tokens.data[0].secret().unwrap().expose_secret(), jwt());
    hide_written("Tokens", &tokens);
    hide_written("Token", &tokens.data[0]);
    hide("Secret", &client.value("edge").await.unwrap());
    let update = client.update("edge", Changes::new().write(true));
    hide("Update", &update);
    let updated = update.await.unwrap();
    hide("Updated", &updated);
    hide_new("update", &updated.new, &jwt());
    let rotate = client.rotate_to("edge", "edge-2", Changes::new());
    hide("Rotate", &rotate);
    let rotated = rotate.await.unwrap();
    hide("Rotated", &rotated);
    hide_new("rotate", &rotated.new, &jwt());
    let query_server::OldToken::DeleteFailed(error) = rotated.old else {
        panic!("{rotated:?}")
    };
    assert_eq!(error.message(), Some("invalid value [redacted]"));
    hide_error("Rotated::old", &error);
    hide_error(
        "rotate_in_place",
        &client
            .rotate_in_place("edge", Changes::new())
            .await
            .unwrap_err(),
    );
    client.delete("edge").await.unwrap();
    assert_eq!(raw.seen().len(), 19);
    assert!(
        raw.seen()
            .iter()
            .all(|request| request.contains(CREDENTIAL))
    );
    assert_silent_log();
}

#[tokio::test]
async fn success_on_avisi_cloud_shows_no_secret() {
    listen();
    let token = json!({"id": "x", "token": MINTED, "name": "n"});
    let raw = Raw::start(script([
        (200, token.to_string()),
        (200, json!([token]).to_string()),
        (200, json!({"message": "revoked"}).to_string()),
    ]))
    .await;
    let client = avisi(&raw.uri);
    let builder = avisi_cloud::ProvisionBody::builder("n").ip_restriction("203.0.113.0/24");
    hide("ProvisionBodyBuilder", &builder);
    hide("ProvisionBodyBuilder", &builder);
    hide_new(
        "provision",
        &client.provision(builder).await.unwrap(),
        MINTED,
    );
    let listed = client.list().await.unwrap();
    let secret = listed[0].token.as_ref().unwrap();
    assert_eq!(secret.expose_secret(), MINTED, "it did come");
    hide_written("list", &listed);
    hide_written("RevokeAnswer", &client.revoke(&id()).await.unwrap());
    assert!(
        raw.seen()
            .iter()
            .all(|request| request.contains(CREDENTIAL))
    );
    assert_silent_log();
}

#[tokio::test]
async fn the_listeners_hear_the_stack() {
    listen();
    let raw = Raw::start(|_| Reply::Bytes(whole(502, &[], ""))).await;
    assert!(ld(&raw.uri).get(&id()).await.is_err());
    for (part, heard) in KNOWN.iter().zip(&HEARD) {
        assert!(heard.load(Ordering::SeqCst), "{part} was not heard");
    }
    assert_silent_log();
}

#[tokio::test]
async fn refusals_that_repeat_the_credential_do_not_show_it() {
    for status in [400, 401, 403, 404, 422, 429, 500, 503] {
        let text = format!("no {CREDENTIAL} here, nor Bearer {CREDENTIAL}");
        let object = json!({"code": text, "message": text, "id": text, "details": [text, text],
                            "token": MINTED, "data": [{"token": MINTED}], "secret": NUMBER});
        let page = format!("<html><body>{CREDENTIAL} {MINTED}</body></html>");
        let id = format!("id-{CREDENTIAL}");
        for (kind, headers, body) in [
            (
                "JSON",
                vec![("content-type", "application/json")],
                object.to_string(),
            ),
            ("text", vec![], text.clone()),
            ("HTML", vec![("content-type", "text/html")], page.clone()),
            ("HTML without its type", vec![], page),
            ("nothing", vec![], String::new()),
            ("header", vec![("x-request-id", id.as_str())], String::new()),
            (
                "secret header",
                vec![("set-cookie", MINTED), ("www-authenticate", MINTED)],
                String::new(),
            ),
        ] {
            let what = format!("{status} {kind}");
            assert_eq!(
                against(&what, whole(status, &headers, &body)).await,
                0,
                "{what}"
            );
        }
    }
}

#[tokio::test]
async fn answers_that_cannot_be_read_do_not_show_what_is_in_them() {
    let list = |secret: Value| json!({"items": [ld_token(&secret)], "data": [{"token": secret}]});
    for (what, body) in [
        (
            "a number for the secret",
            ld_token(&json!(NUMBER)).to_string(),
        ),
        (
            "an object for the secret",
            ld_token(&json!({MINTED: MINTED})).to_string(),
        ),
        (
            "an array for the secret",
            ld_token(&json!([MINTED, NUMBER])).to_string(),
        ),
        ("a list with a number", list(json!(NUMBER)).to_string()),
        (
            "a list with an object",
            list(json!({"value": MINTED})).to_string(),
        ),
        (
            "an array with a number",
            json!([{"token": NUMBER}]).to_string(),
        ),
        (
            "the secret in other fields",
            json!({"_id": {}, "creationDate": MINTED, "data": MINTED,
                                              "active": MINTED, "message": [MINTED]})
            .to_string(),
        ),
        ("only the secret", json!(MINTED).to_string()),
        ("the secret without quotes", MINTED.to_owned()),
        (
            "truncated JSON",
            format!(r#"{{"_id":"x","token":"{MINTED}"#),
        ),
        (
            "truncated rows",
            format!(r#"{{"data":[{{"name":"edge","token":"{}"#, jwt()),
        ),
        (
            "something after the end",
            format!("{} {MINTED}", ld_token(&json!(MINTED))),
        ),
        ("a page", format!("<html>{MINTED} {CREDENTIAL}</html>")),
        ("no UTF-8", format!("{MINTED} \u{fffd}")),
    ] {
        for status in [200, 201] {
            against(what, whole(status, &[], &body)).await;
        }
    }
    against("empty", whole(200, &[], "")).await;
}

#[tokio::test]
async fn answers_that_break_off_do_not_show_what_came() {
    let body = ld_token(&json!(MINTED)).to_string();
    for (what, headers, body) in [
        ("too short", vec![("content-length", "9999")], body.clone()),
        (
            "half a chunk",
            vec![("transfer-encoding", "chunked")],
            format!("ff\r\n{body}"),
        ),
        (
            "bad chunk",
            vec![("transfer-encoding", "chunked")],
            format!("{MINTED}\r\n"),
        ),
    ] {
        let mut answer = head(200, &headers);
        answer.extend_from_slice(body.as_bytes());
        assert_eq!(against(what, answer).await, 0, "{what}");
    }
    let not_http = format!("{MINTED} is no status line\r\n\r\n").into_bytes();
    assert_eq!(against("no HTTP", not_http).await, 0);
    let bad_header = format!("HTTP/1.1 200 OK\r\n{MINTED}\r\n\r\n").into_bytes();
    assert_eq!(against("bad header", bad_header).await, 0);
}

#[tokio::test]
async fn redirects_do_not_show_where_they_point_beyond_the_origin() {
    for location in [
        format!("https://elsewhere.example/{MINTED}?token={CREDENTIAL}#{MINTED}"),
        format!("https://{MINTED}:{CREDENTIAL}@elsewhere.example/"),
        format!("/{MINTED}?token={CREDENTIAL}"),
        format!("//elsewhere.example/{MINTED}"),
        format!("{MINTED}:{CREDENTIAL}"),
        MINTED.to_owned(),
    ] {
        for status in [302, 308] {
            let body = format!("see {location}");
            let answer = whole(
                status,
                &[("location", &location)],
                &json!({"url": body}).to_string(),
            );
            assert_eq!(against(&location, answer).await, 0);
        }
    }
}

struct Given(Secret);

impl CredentialProvider for Given {
    fn credential(&self) -> BoxFuture<'_, Result<Secret, CredentialError>> {
        Box::pin(std::future::ready(Ok(self.0.clone())))
    }
}

#[tokio::test]
async fn a_provider_is_not_printed() {
    listen();
    let raw = Raw::start(|_| Reply::Bytes(whole(401, &[], CREDENTIAL))).await;
    let builder = || query_server::Client::builder().base_url(&raw.uri);
    let builder = builder().credential_provider(Given(CREDENTIAL.into()));
    hide("ClientBuilder", &builder);
    let client = builder.retry(RetryPolicy::none()).build().unwrap();
    hide("Client", &client);
    hide_error("list", &client.list().await.unwrap_err());
    assert!(raw.seen()[0].contains(CREDENTIAL));
    assert_silent_log();
}

#[test]
fn a_secret_hides_itself() {
    let secret = Secret::new(CREDENTIAL);
    hide("Secret", &secret);
    hide(
        "several",
        &vec![Some(secret.clone()), Some(Secret::from(MINTED.to_owned()))],
    );
    assert_eq!(secret.expose_secret(), CREDENTIAL);
    for junk in [
        json!(NUMBER),
        json!([MINTED]),
        json!({MINTED: 1}),
        json!({"a": MINTED}),
    ] {
        let error = serde_json::from_value::<Secret>(junk.clone()).unwrap_err();
        assert_silent("decoding", &format!("{error} {error:?}"));
        let error = serde_json::from_str::<Secret>(&junk.to_string()).unwrap_err();
        assert_silent("decoding", &format!("{error} {error:?}"));
    }
}
