//! What the tests share: a clock that does not wait, servers that answer as told, and a view of
//! what was sent to them.
#![allow(dead_code, unreachable_pub)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use access_tokens::{BoxFuture, Clock, Error, ErrorKind};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// The credential of the clients under test.
pub const CREDENTIAL: &str = "credential-0123456789";

/// Where [`NoWait`] begins, in Unix seconds: 2026-09-21T14:13:20Z.
pub const NOW: i64 = 1_790_000_000;

/// The time at which [`NoWait`] begins.
pub fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW.unsigned_abs())
}

/// A clock that begins at [`NOW`] and moves only when somebody sleeps, which takes no time.
#[derive(Clone, Debug, Default)]
pub struct NoWait(Arc<Mutex<Vec<Duration>>>);

impl NoWait {
    /// The waits so far.
    pub fn waits(&self) -> Vec<Duration> {
        self.0.lock().unwrap().clone()
    }
}

impl Clock for NoWait {
    fn now(&self) -> SystemTime {
        now() + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        self.0.lock().unwrap().iter().sum()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        self.0.lock().unwrap().push(duration);
        Box::pin(std::future::ready(()))
    }
}

/// An answer of JSON.
pub fn json(status: u16, body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(body)
}

/// An answer without a content type.
pub fn bare(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_bytes(body)
}

/// A page for people.
pub fn html(status: u16) -> ResponseTemplate {
    let page = "<!doctype html><html><body>Sign in</body></html>";
    ResponseTemplate::new(status).set_body_raw(page, "text/html; charset=utf-8")
}

/// An answer without a body.
pub fn empty(status: u16) -> ResponseTemplate {
    ResponseTemplate::new(status)
}

/// The same status with every kind of body that a service or something before it may send.
pub fn bodies(status: u16) -> [(&'static str, ResponseTemplate); 5] {
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
pub async fn script(answers: impl IntoIterator<Item = ResponseTemplate>) -> MockServer {
    let server = MockServer::start().await;
    let answers = answers.into_iter().collect();
    Mock::given(any())
        .respond_with(Script(Mutex::new(answers)))
        .mount(&server)
        .await;
    server
}

/// A server that always gives the same answer.
pub async fn always(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

/// A request as the server got it.
#[derive(Debug)]
pub struct Sent(Request);

impl Sent {
    /// Method, path and query as they were sent.
    pub fn line(&self) -> String {
        let url = &self.0.url;
        let query = url
            .query()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        format!("{} {}{query}", self.0.method, url.path())
    }

    /// The one value of a header, if it is there.
    pub fn header(&self, name: &str) -> Option<&str> {
        let all: Vec<_> = self.0.headers.get_all(name).iter().collect();
        assert!(all.len() < 2, "{name} was sent more than once: {all:?}");
        all.first().map(|value| value.to_str().unwrap())
    }

    /// The body as it was sent.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.0.body).unwrap()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.0.body).expect("the body is JSON")
    }
}

/// All that a server got, in order.
pub async fn sent(server: &MockServer) -> Vec<Sent> {
    server
        .received_requests()
        .await
        .unwrap()
        .into_iter()
        .map(Sent)
        .collect()
}

/// The one thing that a server got.
pub async fn only(server: &MockServer) -> Sent {
    let mut all = sent(server).await;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// Methods, paths and queries of all that a server got, in order.
pub async fn lines(server: &MockServer) -> Vec<String> {
    sent(server).await.iter().map(Sent::line).collect()
}

/// Checks an error that came from an argument, before anything was sent.
#[track_caller]
pub fn assert_refused(error: &Error, field: &str) {
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert_eq!(error.field(), Some(field), "{error}");
    assert!(error.to_string().contains(field), "{error}");
    assert_eq!((error.status(), error.attempts()), (None, 0), "{error}");
    assert!(!error.may_have_been_sent(), "{error}");
}

/// What [`Raw`] does after it has read a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Sends these bytes and closes.
    Bytes(Vec<u8>),
    /// Sends these bytes, and then a piece of a chunked body again and again.
    Endless(Vec<u8>),
    /// Sends these bytes and then nothing more.
    Stall(Vec<u8>),
    /// Sends these bytes after a while and closes.
    Late(Duration, Vec<u8>),
    /// Closes without an answer.
    Close,
}

/// A server below HTTP: it shows what was sent to the letter, and can answer with anything.
#[derive(Debug)]
pub struct Raw {
    /// Its address, as a base URL.
    pub uri: String,
    seen: Arc<Mutex<Vec<String>>>,
    busy: Arc<Busy>,
    task: JoinHandle<()>,
}

/// How many requests wait for their answers, now and at most so far.
#[derive(Debug, Default)]
struct Busy {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Raw {
    /// Starts a server; the function gets the number of the request, from 0.
    pub async fn start(mut reply: impl FnMut(usize) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = Arc::clone(&seen);
        let busy: Arc<Busy> = Arc::default();
        let count = Arc::clone(&busy);
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let Some(request) = read_request(&mut stream).await else {
                    continue;
                };
                let number = {
                    let mut log = log.lock().unwrap();
                    log.push(request);
                    log.len() - 1
                };
                let (reply, count) = (reply(number), Arc::clone(&count));
                let now = count.now.fetch_add(1, Ordering::SeqCst) + 1;
                count.most.fetch_max(now, Ordering::SeqCst);
                tokio::spawn(async move { answer(stream, reply, &count).await });
            }
        });
        Self {
            uri,
            seen,
            busy,
            task,
        }
    }

    /// How many requests waited for their answers at the same time, at most.
    pub fn most_at_a_time(&self) -> usize {
        self.busy.most.load(Ordering::SeqCst)
    }

    /// The requests so far, head and body.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    /// The request targets so far: what stands between the method and the version.
    pub fn targets(&self) -> Vec<String> {
        let target = |request: &String| request.split(' ').nth(1).unwrap().to_owned();
        self.seen().iter().map(target).collect()
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.to_ascii_lowercase().lines().find_map(|line| {
                line.strip_prefix("content-length:")?
                    .trim()
                    .parse::<usize>()
                    .ok()
            });
            if body.len() >= length.unwrap_or_default() {
                return Some(text);
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

async fn answer(mut stream: TcpStream, reply: Reply, busy: &Busy) {
    if let Reply::Late(wait, _) = reply {
        tokio::time::sleep(wait).await;
    }
    // Before the client can know of the answer and send another request.
    busy.now.fetch_sub(1, Ordering::SeqCst);
    match reply {
        Reply::Bytes(bytes) | Reply::Late(_, bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Reply::Endless(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
            while stream.write_all(chunk.as_bytes()).await.is_ok() {}
        }
        Reply::Stall(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.read(&mut [0]).await;
        }
        Reply::Close => {}
    }
}

/// The head of an answer, for a body of which the headers tell.
pub fn head(status: u16, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status} X\r\nconnection: close\r\n");
    for (name, value) in headers {
        write!(text, "{name}: {value}\r\n").unwrap();
    }
    text.push_str("\r\n");
    text.into_bytes()
}

/// A whole answer.
pub fn whole(status: u16, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let length = body.len().to_string();
    let mut headers = headers.to_vec();
    headers.push(("content-length", &length));
    let mut bytes = head(status, &headers);
    bytes.extend_from_slice(body.as_bytes());
    bytes
}
