//! A server that writes whatever bytes it is told to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What becomes of the connection once the bytes are out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    Close,
    Hold,
}

/// Bytes for an answer, HTTP or not.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) bytes: Vec<u8>,
    pub(crate) after: After,
}

impl Reply {
    pub(crate) fn new(bytes: impl Into<Vec<u8>>, after: After) -> Self {
        let bytes = bytes.into();
        Self { bytes, after }
    }
}

/// Answers every request that `matches` its first line with the reply, and all others with an
/// empty list of Query Server's.
pub(crate) struct RawServer {
    address: SocketAddr,
    hits: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl RawServer {
    pub(crate) async fn start(
        reply: Reply,
        matches: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let hits = Arc::new(AtomicUsize::new(0));
        let (counter, matches) = (Arc::clone(&hits), Arc::new(matches));
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (reply, counter) = (reply.clone(), Arc::clone(&counter));
                let matches = Arc::clone(&matches);
                tokio::spawn(async move {
                    let Some(line) = read_request(&mut stream).await else {
                        return;
                    };
                    if !matches(&line) {
                        let other = b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\nconnection: close\r\n\r\n{\"data\":[]}";
                        let _ = stream.write_all(other).await;
                        return;
                    }
                    counter.fetch_add(1, Ordering::Relaxed);
                    let _ = stream.write_all(&reply.bytes).await;
                    if reply.after == After::Hold {
                        // Ends when the client leaves.
                        let _ = stream.read(&mut [0; 64]).await;
                    }
                });
            }
        });
        Self {
            address,
            hits,
            task,
        }
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many requests matched.
    pub(crate) fn hits(&self) -> usize {
        self.hits.load(Ordering::Relaxed)
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads a request to its end and gives its first line.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut buffer));
        let count = read.await.ok()?.ok()?;
        if count == 0 {
            return None;
        }
        seen.extend_from_slice(buffer.get(..count)?);
        let text = String::from_utf8_lossy(&seen);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                let known = name.eq_ignore_ascii_case("content-length");
                known.then(|| value.trim().parse::<usize>().ok())?
            });
            if body.len() >= length.unwrap_or(0) {
                return head.lines().next().map(str::to_owned);
            }
        }
    }
}
