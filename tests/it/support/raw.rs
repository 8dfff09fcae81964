//! A server below HTTP.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What [`Raw`] does after it has read a request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Sends these bytes and closes.
    Bytes(Vec<u8>),
    /// Sends these bytes, and then a piece of a chunked body again and again.
    Endless(Vec<u8>),
    /// Sends these bytes and then nothing more, until the client leaves.
    Stall(Vec<u8>),
    /// Sends these bytes after a while and closes.
    Late(Duration, Vec<u8>),
    /// Closes without an answer.
    Close,
}

/// A server that shows what was sent to the letter, and can answer with anything.
#[derive(Debug)]
pub(crate) struct Raw {
    /// Its address, as a base URL.
    pub(crate) uri: String,
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
    pub(crate) async fn start(mut reply: impl FnMut(usize) -> Reply + Send + 'static) -> Self {
        Self::reading(move |number, _| reply(number)).await
    }

    /// Starts a server; the function gets the number of the request, from 0, and its text.
    pub(crate) async fn reading(reply: impl FnMut(usize, &str) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let busy: Arc<Busy> = Arc::default();
        let (log, count) = (Arc::clone(&seen), Arc::clone(&busy));
        let reply = Arc::new(Mutex::new(reply));
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (log, count, reply) = (log.clone(), count.clone(), reply.clone());
                // A connection on which nothing is asked keeps nobody waiting.
                tokio::spawn(async move {
                    let Some(request) = read_request(&mut stream).await else {
                        return;
                    };
                    let reply = {
                        let mut log = log.lock().unwrap();
                        let reply = (reply.lock().unwrap())(log.len(), &request);
                        log.push(request);
                        reply
                    };
                    let now = count.now.fetch_add(1, Ordering::SeqCst) + 1;
                    count.most.fetch_max(now, Ordering::SeqCst);
                    answer(stream, reply, &count).await;
                });
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
    pub(crate) fn most_at_a_time(&self) -> usize {
        self.busy.most.load(Ordering::SeqCst)
    }

    /// The requests so far, head and body.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    /// The request targets so far: what stands between the method and the version.
    pub(crate) fn targets(&self) -> Vec<String> {
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
pub(crate) fn head(status: u16, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status} X\r\nconnection: close\r\n");
    for (name, value) in headers {
        write!(text, "{name}: {value}\r\n").unwrap();
    }
    text.push_str("\r\n");
    text.into_bytes()
}

/// A whole answer.
pub(crate) fn whole(status: u16, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let length = body.len().to_string();
    let mut headers = headers.to_vec();
    headers.push(("content-length", &length));
    let mut bytes = head(status, &headers);
    bytes.extend_from_slice(body.as_bytes());
    bytes
}
