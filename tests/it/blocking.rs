//! Calls without async: the same clients, with `wait`.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use access_tokens::blocking::{Blocking as _, BlockingStream as _, InsideRuntime};
use access_tokens::inventory::Inventory;
use access_tokens::launchdarkly::{self, Role, TokenBody};
use access_tokens::rotation::state::MemoryStore;
use access_tokens::rotation::{Keeper, ManagedToken, Outcome, sink};
use access_tokens::{
    BoxFuture, CredentialError, CredentialProvider, ErrorKind, Marker, RetryPolicy, RotationPolicy,
    Secret, TokenService, TokenServiceExt as _, days,
};
use access_tokens_testing::{Fault, LaunchDarkly, launchdarkly::Operation, launchdarkly::Seed};
use tokio::runtime::{Builder, Runtime};

/// Twins live on threads of their own.
fn twin() -> LaunchDarkly {
    runtime().block_on(LaunchDarkly::start()).unwrap()
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Fails what would never end.
fn in_time(job: impl FnOnce() + Send + 'static) {
    let (done, over) = mpsc::channel();
    thread::spawn(move || {
        job();
        done.send(()).unwrap();
    });
    over.recv_timeout(Duration::from_secs(60)).unwrap();
}

fn client(twin: &LaunchDarkly) -> launchdarkly::Client {
    launchdarkly::Client::builder()
        .base_url(twin.base_url())
        .credential(twin.credential())
        .build()
        .unwrap()
}

fn draft(name: &str) -> launchdarkly::TokenBodyBuilder {
    TokenBody::builder().name(name).role(Role::Reader)
}

#[test]
fn everything_that_is_awaited_can_be_waited_for() {
    let twin = twin();
    let ld = client(&twin);
    // A wait between two attempts.
    twin.on(Operation::PostToken).then(Fault::Status(429));
    let new = ld.create(draft("one")).wait().unwrap();
    let id = &new.token().id;
    let (got, info) = ld.get(id).with_info().wait().unwrap();
    assert_eq!((got.name.as_deref(), info.attempts), (Some("one"), 1));
    // Settings of a call, and its error.
    let none = "66aa10f2c4d5e60011229999".parse().unwrap();
    let error = ld.get(&none).retry(RetryPolicy::none()).wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(ld.list().all().wait().unwrap().len(), 2);
    // What goes across services.
    let record = ld.as_service().get(&id.as_str().into()).wait().unwrap();
    assert_eq!(record.name.as_deref(), Some("one"));
    let found = ld.find_marked(&Marker::random()).wait().unwrap();
    assert_eq!(found.len(), 0);
    let report = Inventory::new()
        .add("a", ld.clone())
        .collect()
        .wait()
        .unwrap();
    assert_eq!(report.len(), 2);
    ld.delete(id).wait().unwrap();
    assert_eq!(twin.tokens().len(), 1);
}

#[test]
fn streams_are_iterators() {
    let twin = twin();
    for number in 0..60 {
        twin.seed(Seed::new(format!("token {number}")));
    }
    let ld = client(&twin);
    let tokens: Vec<_> = ld
        .list()
        .limit(7)
        .stream()
        .wait_each()
        .collect::<access_tokens::Result<_>>()
        .unwrap();
    assert_eq!(tokens.len(), 61);
    assert_eq!(twin.requests().len(), 9);
    assert_eq!(TokenService::list(&ld).wait_each().count(), 61);
    let all = Inventory::new().add("a", ld.clone()).stream().wait_each();
    assert_eq!(
        all.filter(|item| item.as_ref().unwrap().1.is_ok()).count(),
        61
    );
    // An error is the last item.
    let refused = client(&twin);
    refused.replace_credential("api-wrong").unwrap();
    let mut each = refused.list().stream().wait_each();
    let error = each.next().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert!(each.next().is_none() && each.next().is_none());
}

#[test]
fn a_keeper_ticks() {
    let twin = twin();
    let seed = twin.seed(Seed::new("export").role("reader").age(days(120)));
    let token = ManagedToken::builder("nightly-export")
        .service(client(&twin))
        .adopt(&*seed.id)
        .policy(RotationPolicy::new().max_age(days(90)))
        .overlap(days(1))
        .deliver_to(sink::from_fn("nowhere", |_, _| async {
            Ok::<(), sink::SinkError>(())
        }))
        .build()
        .unwrap();
    let keeper = Keeper::new(MemoryStore::new());
    println!("{}", keeper.plan(&token).wait().unwrap());
    let report = keeper.tick(&token).wait().unwrap();
    assert!(
        matches!(report.outcome, Outcome::Rotated { .. }),
        "{report}"
    );
    let again: Vec<_> = keeper.tick_all(vec![token], 4).wait_each().collect();
    assert_eq!(again.len(), 1);
    assert!(again[0].as_ref().unwrap().error().is_none(), "{again:?}");
    let status = keeper.status("nightly-export").wait().unwrap().unwrap();
    assert!(status.last_rotation.is_some());
}

/// Each way of waiting in an asynchronous task: refused, and nothing sent.
fn refused(ld: &launchdarkly::Client) {
    let error = ld.create(draft("never")).wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(!error.may_have_been_sent(), "{error}");
    assert!(
        error.to_string().contains("await the call instead"),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("spawn_blocking"), "{error}");
    let mut each = ld.list().stream().wait_each();
    assert!(each.next().unwrap().is_err() && each.next().is_none());
    let _: InsideRuntime = Inventory::new().collect().wait().unwrap_err();
    let keeper = Keeper::new(MemoryStore::new());
    let error = keeper.statuses().wait().unwrap_err();
    assert!(
        error.to_string().contains("await the call instead"),
        "{error}"
    );
}

#[test]
fn inside_a_runtime_a_wait_is_refused_and_nothing_is_sent() {
    let twin = Arc::new(twin());
    let ld = client(&twin);
    runtime().block_on(async { refused(&ld) });
    let spawned = ld.clone();
    runtime().block_on(async {
        tokio::spawn(async move { refused(&spawned) })
            .await
            .unwrap();
    });
    let threads = Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    threads.block_on(async { refused(&ld) });
    let spawned = ld.clone();
    threads
        .block_on(threads.spawn(async move { refused(&spawned) }))
        .unwrap();
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime(), async { refused(&ld) });
    assert!(twin.requests().is_empty());
}

#[test]
fn where_a_runtime_allows_to_block_a_wait_is_fine() {
    let twin = Arc::new(twin());
    for number in 0..60 {
        twin.seed(Seed::new(format!("token {number}")));
    }
    let ld = client(&twin);
    let read = move || {
        let tokens = ld.list().limit(7).stream().wait_each();
        assert_eq!(tokens.map(Result::unwrap).count(), 61);
    };
    // Its own thread waits for the wait, so what is fetched ahead must not need it.
    let one = runtime();
    let job = read.clone();
    one.block_on(async { tokio::task::spawn_blocking(job).await.unwrap() });
    let job = read.clone();
    one.block_on(async { thread::spawn(job).join().unwrap() });
    let threads = Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    let job = read.clone();
    threads
        .block_on(threads.spawn(async { tokio::task::block_in_place(job) }))
        .unwrap();
    // A runtime that the thread belongs to, and that nobody drives.
    in_time(move || {
        let _entered = one.enter();
        read();
    });
}

/// Something that waits on the same thread in the middle of a poll, as exporters of traces do, may take
/// the wake-up.
struct Parks(Secret);

impl CredentialProvider for Parks {
    fn credential(&self) -> BoxFuture<'_, Result<Secret, CredentialError>> {
        let mut woken = false;
        Box::pin(std::future::poll_fn(move |cx| {
            if woken {
                return std::task::Poll::Ready(Ok(self.0.clone()));
            }
            woken = true;
            cx.waker().wake_by_ref();
            // Takes the token that the wake-up has left.
            thread::park_timeout(Duration::from_secs(60));
            std::task::Poll::Pending
        }))
    }
}

#[test]
fn a_wake_up_that_somebody_else_takes_is_not_lost() {
    let twin = twin();
    let ld = launchdarkly::Client::builder()
        .base_url(twin.base_url())
        .credential_provider(Parks(twin.credential()))
        .build()
        .unwrap();
    in_time(move || assert_eq!(ld.list().all().wait().unwrap().len(), 1));
}
