//! What the tests share: clients, servers that answer as told, and a view of what was sent to them.
#![allow(
    dead_code,
    unused_imports,
    reason = "each binary and each service uses some of it"
)]

mod raw;
mod trace;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use access_tokens::{ClientBuilder, Error, ErrorKind, RetryPolicy, Secret, ServiceClient, TokenId};
use access_tokens_testing::VirtualClock;
use serde_json::Value;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

pub(crate) use self::raw::{Raw, Reply, head, whole};
pub(crate) use self::trace::{Said, Trace};

/// The credential of the clients under test.
pub(crate) const CREDENTIAL: &str = "credential-0123456789";

/// Where a [`VirtualClock`] begins, in Unix seconds.
pub(crate) const NOW: i64 = 1_767_225_600;

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// The time at which a [`VirtualClock`] begins.
pub(crate) fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW.unsigned_abs())
}

/// An id like those of `LaunchDarkly`.
pub(crate) fn id() -> TokenId {
    "66aa10f2c4d5e60011223344".parse().unwrap()
}

/// Points a client of any service to this address, with [`CREDENTIAL`] and a clock on which no wait
/// takes time.
pub(crate) fn at<C: ServiceClient>(
    builder: ClientBuilder<C>,
    uri: impl Into<String>,
) -> ClientBuilder<C> {
    let builder = builder.base_url(uri).credential(CREDENTIAL);
    builder.clock(VirtualClock::new())
}

/// The same, built: a client that makes one attempt.
pub(crate) fn one_attempt<C: ServiceClient>(
    builder: ClientBuilder<C>,
    uri: impl Into<String>,
) -> C {
    at(builder, uri).retry(RetryPolicy::none()).build().unwrap()
}

/// This test binary again, to run one test in a process of its own.
pub(crate) fn process_for(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]);
    command
}

/// A directory that is gone after the test.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("access-tokens-test-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The secret that a file holds.
pub(crate) fn secret_in(path: &Path) -> Option<Secret> {
    std::fs::read_to_string(path).ok().map(Secret::new)
}

/// An answer of JSON.
pub(crate) fn json(status: u16, body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(body)
}

/// An answer without a content type.
pub(crate) fn bare(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_bytes(body)
}

/// A page for people.
pub(crate) fn html(status: u16) -> ResponseTemplate {
    let page = "<!doctype html><html><body>Sign in</body></html>";
    ResponseTemplate::new(status).set_body_raw(page, "text/html; charset=utf-8")
}

/// An answer without a body.
pub(crate) fn empty(status: u16) -> ResponseTemplate {
    ResponseTemplate::new(status)
}

/// The same status with every kind of body that a service or something before it may send.
pub(crate) fn bodies(status: u16) -> [(&'static str, ResponseTemplate); 5] {
    let words = serde_json::json!({"code": "a_code", "message": "some words", "id": "r-1"});
    [
        ("JSON", json(status, &words)),
        (
            "JSON that is no object",
            json(status, &serde_json::json!([1])),
        ),
        ("text", bare(status, "some words")),
        ("HTML", html(status)),
        ("nothing", empty(status)),
    ]
}

struct Script(Mutex<VecDeque<ResponseTemplate>>);

impl Respond for Script {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let next = self.0.lock().unwrap().pop_front();
        next.unwrap_or_else(|| bare(418, "the script is over"))
    }
}

/// A server that gives these answers, one a request, whatever is asked.
pub(crate) async fn script(answers: impl IntoIterator<Item = ResponseTemplate>) -> MockServer {
    let server = MockServer::start().await;
    let answers = answers.into_iter().collect();
    Mock::given(any())
        .respond_with(Script(Mutex::new(answers)))
        .mount(&server)
        .await;
    server
}

/// A server that always gives the same answer.
pub(crate) async fn always(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

/// A request as the server got it.
#[derive(Debug)]
pub(crate) struct Sent(Request);

impl Sent {
    /// Method, path and query as they were sent.
    pub(crate) fn line(&self) -> String {
        let url = &self.0.url;
        let query = url
            .query()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        format!("{} {}{query}", self.0.method, url.path())
    }

    /// The one value of a header, if it is there.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let all: Vec<_> = self.0.headers.get_all(name).iter().collect();
        assert!(all.len() < 2, "{name} was sent more than once: {all:?}");
        all.first().map(|value| value.to_str().unwrap())
    }

    /// The body as it was sent.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.0.body).unwrap()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.0.body).expect("the body is JSON")
    }
}

/// All that a server got, in order.
pub(crate) async fn sent(server: &MockServer) -> Vec<Sent> {
    server
        .received_requests()
        .await
        .unwrap()
        .into_iter()
        .map(Sent)
        .collect()
}

/// The one thing that a server got.
pub(crate) async fn only(server: &MockServer) -> Sent {
    let mut all = sent(server).await;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// Methods, paths and queries of all that a server got, in order.
pub(crate) async fn lines(server: &MockServer) -> Vec<String> {
    sent(server).await.iter().map(Sent::line).collect()
}

/// Checks an error that came from an argument, before anything was sent.
#[track_caller]
pub(crate) fn assert_refused(error: &Error, field: &str) {
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert_eq!(error.field(), Some(field), "{error}");
    assert!(error.to_string().contains(field), "{error}");
    assert_eq!((error.status(), error.attempts()), (None, 0), "{error}");
    assert!(!error.may_have_been_sent(), "{error}");
}
