//! Nothing here asks anything of the runtime that it is awaited in: neither network nor timers, nor
//! that there is one.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use access_tokens::inventory::Inventory;
use access_tokens::launchdarkly::{self, Role, TokenBody};
use access_tokens::rotation::sink::{CommandSink, DotenvSink, FileSink, Sink as _};
use access_tokens::rotation::state::FileStore;
use access_tokens::rotation::{JsonLines, Keeper, ManagedToken, Outcome, Reason};
use access_tokens::{Clock as _, CredentialError, CredentialProvider, Secret, SystemClock};
use access_tokens::{ErrorKind, RetryPolicy, avisi_cloud, query_server};
use access_tokens_testing::{Fault, Twins};
use tokio::runtime::Builder;

use crate::support::Scratch;

/// Waits where there is no runtime at all.
fn alone<T>(work: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut work = pin!(work);
    loop {
        match work.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(done) => return done,
            Poll::Pending => thread::park(),
        }
    }
}

/// Every kind of place that a future may be awaited in.
fn everywhere(work: impl Fn(&'static str) -> Pin<Box<dyn Future<Output = ()>>>) {
    alone(work("no runtime"));
    let bare = Builder::new_current_thread().build().unwrap();
    bare.block_on(work("one thread, neither network nor timers"));
    let bare = Builder::new_multi_thread().worker_threads(1).build();
    bare.unwrap()
        .block_on(work("threads, neither network nor timers"));
    let timers = Builder::new_current_thread().enable_time().build().unwrap();
    timers.block_on(work("no network"));
    let network = Builder::new_current_thread().enable_io().build().unwrap();
    network.block_on(work("no timers"));
}

/// Twins live on threads of their own.
fn twins() -> Arc<Twins> {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    Arc::new(runtime.block_on(Twins::start()).unwrap())
}

struct Provider(Secret);

impl CredentialProvider for Provider {
    fn credential(&self) -> access_tokens::BoxFuture<'_, Result<Secret, CredentialError>> {
        Box::pin(async { Ok(self.0.clone()) })
    }
}

fn ld(twins: &Twins) -> access_tokens::ClientBuilder<launchdarkly::Client> {
    launchdarkly::Client::builder()
        .base_url(twins.launchdarkly.base_url())
        .credential(twins.launchdarkly.credential())
}

#[test]
fn calls() {
    let twins = twins();
    everywhere(|place| {
        let twins = Arc::clone(&twins);
        Box::pin(async move {
            let client = ld(&twins).build().unwrap();
            let draft = || TokenBody::builder().role(Role::Reader).name(place);
            let new = client.create(draft()).await.unwrap();
            // A wait between two attempts.
            twins.launchdarkly.on_any().then(Fault::CloseAfterRequest);
            let got = client.get(&new.token().id).await.unwrap();
            assert_eq!(got.name.as_deref(), Some(place));
            let mut stream = client.list().limit(1).stream();
            while stream.try_next().await.unwrap().is_some() {}
            // A credential that is waited for, and a time that is over.
            let provided =
                ld(&twins).credential_provider(Provider(twins.launchdarkly.credential()));
            let provided = provided.retry(RetryPolicy::none()).build().unwrap();
            provided.get(&new.token().id).await.unwrap();
            twins.launchdarkly.on_any().then(Fault::StallBeforeHead);
            let hurried = provided
                .get(&new.token().id)
                .timeout(Duration::from_millis(50));
            assert_eq!(
                hurried.await.unwrap_err().kind(),
                ErrorKind::Timeout,
                "{place}"
            );
            // More calls than places.
            let calls = (0..20).map(|_| client.get(&new.token().id).into_future());
            for got in futures_util::future::join_all(calls).await {
                got.unwrap();
            }
            client.delete(&new.token().id).await.unwrap();
            SystemClock::new().sleep(Duration::from_millis(1)).await;
        })
    });
}

#[test]
fn inventories() {
    let twins = twins();
    everywhere(|place| {
        let twins = Arc::clone(&twins);
        Box::pin(async move {
            let query = query_server::Client::builder()
                .base_url(twins.query_server.base_url())
                .credential(twins.query_server.credential());
            let avisi = avisi_cloud::Client::builder()
                .base_url(twins.avisi_cloud.base_url())
                .credential(twins.avisi_cloud.credential());
            let report = Inventory::new()
                .add("ld", ld(&twins).build().unwrap())
                .add("query", query.build().unwrap())
                .add("avisi", avisi.build().unwrap())
                .collect()
                .await;
            assert!(report.is_complete(), "{place}: {report:?}");
        })
    });
}

#[cfg(unix)]
#[test]
fn managed_tokens() {
    let twins = twins();
    everywhere(|place| {
        let twins = Arc::clone(&twins);
        Box::pin(async move {
            let scratch = Scratch::new();
            let client = ld(&twins).build().unwrap();
            let draft = TokenBody::builder().role(Role::Reader).name(place);
            let old = client.create(draft).await.unwrap();
            let keeper = Keeper::builder(FileStore::new(scratch.path("state")))
                .events(JsonLines::new(scratch.path("events")))
                .build();
            let into = scratch.path("command");
            let command =
                CommandSink::new("sh").args(["-c".into(), format!("cat >'{}'", into.display())]);
            let token = ManagedToken::builder("export")
                .service(client)
                .adopt(old.token().id.clone())
                .overlap(Duration::ZERO)
                .deliver_to(FileSink::new(scratch.path("file")))
                .deliver_to(DotenvSink::new(scratch.path(".env"), "TOKEN"))
                .deliver_to(command.show_output())
                .build()
                .unwrap();
            let report = keeper.rotate(&token, Reason::Scheduled).await;
            assert!(
                matches!(report.outcome, Outcome::Rotated { .. }),
                "{place}: {report}"
            );
            let delivered = std::fs::read_to_string(scratch.path("file")).unwrap();
            assert!(twins.launchdarkly.authenticates(&Secret::new(delivered)));
            assert!(into.exists() && scratch.path("events").exists(), "{place}");
            // A command that takes too long.
            let slow = CommandSink::new("sleep")
                .args(["600"])
                .timeout(Duration::from_millis(50));
            slow.check().await.unwrap();
        })
    });
}
