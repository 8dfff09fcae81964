//! A proxy between a client and an engine that loses what it is told to.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// What is lost, and the connection with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// What the client sends does not arrive.
    Request,
    /// It arrives and is done, and what the engine answers does not come back.
    Answer,
}

/// Ends with the runtime in which it was started.
#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) port: u16,
    engine: Arc<AtomicU16>,
    sent: Arc<AtomicU64>,
    faults: Arc<Mutex<VecDeque<(u64, Lost)>>>,
    held: Arc<Mutex<Option<(String, Held)>>>,
}

/// A request that is held back.
#[derive(Clone, Default)]
pub(crate) struct Held {
    reached: Arc<Notify>,
    released: Arc<Notify>,
}

impl Held {
    /// Waits until the request has come.
    pub(crate) async fn reached(&self) {
        self.reached.notified().await;
    }

    /// Lets it go on.
    pub(crate) fn release(&self) {
        self.released.notify_one();
    }
}

impl Proxy {
    pub(crate) async fn start(engine: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            engine: Arc::new(AtomicU16::new(engine)),
            sent: Arc::default(),
            faults: Arc::default(),
            held: Arc::default(),
        };
        let for_all = proxy.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let proxy = for_all.clone();
                tokio::spawn(async move {
                    let engine = proxy.engine.load(Ordering::SeqCst);
                    if let Ok(engine) = TcpStream::connect(("127.0.0.1", engine)).await {
                        let _ = proxy.pass(client, engine).await;
                    }
                });
            }
        });
        proxy
    }

    /// How many pieces clients have sent.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }

    /// Leads new connections to another port, or with 0 to nowhere.
    pub(crate) fn lead_to(&self, engine: u16) {
        self.engine.store(engine, Ordering::SeqCst);
    }

    /// Loses the piece of this number that clients send from now on, counted from zero.
    pub(crate) fn lose(&self, number: u64, lost: Lost) {
        self.sent.store(0, Ordering::SeqCst);
        *self.faults.lock().unwrap() = VecDeque::from([(number, lost)]);
    }

    /// Holds the next piece back that has these words in it.
    pub(crate) fn hold(&self, words: &str) -> Held {
        let held = Held::default();
        *self.held.lock().unwrap() = Some((words.to_owned(), held.clone()));
        held
    }

    fn held(&self, piece: &[u8]) -> Option<Held> {
        let mut held = self.held.lock().unwrap();
        let (words, _) = held.as_ref()?;
        let words = words.as_bytes();
        let there = piece.windows(words.len()).any(|window| window == words);
        there.then(|| held.take())?.map(|(_, held)| held)
    }

    /// Whether what was to be lost has been.
    pub(crate) fn has_lost(&self) -> bool {
        self.faults.lock().unwrap().is_empty()
    }

    fn next(&self) -> Option<Lost> {
        let number = self.sent.fetch_add(1, Ordering::SeqCst);
        let mut faults = self.faults.lock().unwrap();
        match faults.front() {
            Some((at, lost)) if *at == number => {
                let lost = *lost;
                faults.pop_front();
                Some(lost)
            }
            _ => None,
        }
    }

    async fn pass(&self, mut client: TcpStream, mut engine: TcpStream) -> std::io::Result<()> {
        let (mut up, mut down) = (vec![0; 1 << 16], vec![0; 1 << 16]);
        loop {
            tokio::select! {
                read = client.read(&mut up) => {
                    let piece = &up[..read?];
                    if piece.is_empty() {
                        return Ok(());
                    }
                    if let Some(held) = self.held(piece) {
                        held.reached.notify_one();
                        held.released.notified().await;
                    }
                    match self.next() {
                        Some(Lost::Request) => return Ok(()),
                        Some(Lost::Answer) => {
                            engine.write_all(piece).await?;
                            // A piece that is only the first half of a request has no answer.
                            let answer = engine.read(&mut down);
                            let answer = tokio::time::timeout(Duration::from_millis(300), answer);
                            if answer.await.is_ok() {
                                return Ok(());
                            }
                        }
                        None => engine.write_all(piece).await?,
                    }
                }
                read = engine.read(&mut down) => {
                    let piece = &down[..read?];
                    if piece.is_empty() {
                        return Ok(());
                    }
                    client.write_all(piece).await?;
                }
            }
        }
    }
}
