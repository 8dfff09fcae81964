//! Calls that are dropped half-way, at every point where they wait: the client goes on working, and
//! gives its places back.

use std::future::{Future, IntoFuture as _, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use access_tokens::launchdarkly::{Role, TokenBody};
use access_tokens::query_server::Changes;
use access_tokens::{
    Deletions, Marker, TokenServiceExt as _, avisi_cloud, launchdarkly, query_server,
};
use access_tokens_testing::Fault;
use access_tokens_testing::launchdarkly::Seed;

use crate::all::world::NAME;
use crate::all::world::op::Op;

/// Polls a future so many times and drops it if it is not ready by then.
async fn drop_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            // Dropped while it waits, not when it would go on.
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Something went wrong long ago if this runs out.
async fn soon<F: Future>(future: F) -> F::Output {
    let limit = Duration::from_secs(60);
    tokio::time::timeout(limit, future).await.expect("hangs")
}

/// More points than any of these calls has.
const POINTS: usize = 400;

/// What happens on the way, so that there is more to wait for.
fn troubles() -> Vec<Option<Fault>> {
    let refusal = Fault::Answer {
        status: 429,
        headers: vec![("retry-after".to_owned(), "2".to_owned())],
        body: Vec::new(),
    };
    vec![
        None,
        Some(Fault::Status(500)),
        Some(refusal),
        Some(Fault::CloseAfterRequest),
        Some(Fault::Delay(Duration::from_millis(2))),
        Some(Fault::CutBody),
    ]
}

macro_rules! cut_off_everywhere {
    ($op:expr, $wing:ident, |$client:ident, $twin:ident| $call:expr, $next:expr) => {{
        for trouble in troubles() {
            let $twin = $op.world().await;
            let target = $twin.target();
            let $client = $wing::Client::builder()
                .base_url(&target.base_url)
                .credential(target.credential.clone())
                .http_client(move |_| target.http.unwrap()())
                .clock(target.clock)
                .concurrency(1)
                .build()
                .unwrap();
            let mut finished = false;
            for point in 0..POINTS {
                if let Some(fault) = &trouble {
                    $op.suffer(&$twin, fault.clone(), false);
                }
                finished = soon(drop_after(point, $call)).await.is_some();
                $twin.clear_faults();
                // The only place is free again, and the connections are good.
                let next: access_tokens::Result<_> = soon($next).await;
                assert!(
                    next.is_ok(),
                    "{}, {trouble:?}, point {point}: {next:?}",
                    $op
                );
                if finished {
                    assert!(point > 1, "{}: it never waited", $op);
                    break;
                }
            }
            assert!(finished, "{}, {trouble:?}: more than {POINTS} points", $op);
        }
    }};
}

#[tokio::test]
async fn reads() {
    cut_off_everywhere!(
        Op::LdList,
        launchdarkly,
        |client, twin| async { client.list().page().await },
        client.list().page().into_future()
    );
    cut_off_everywhere!(
        Op::QsList,
        query_server,
        |client, twin| async { client.get(NAME).await },
        client.get(NAME).into_future()
    );
}

#[tokio::test]
async fn creates_leave_nothing_that_is_not_found() {
    let marker = Marker::random();
    cut_off_everywhere!(
        Op::LdCreate,
        launchdarkly,
        |client, twin| async {
            let body = TokenBody::builder().name("made").role(Role::Reader);
            client.create(body.marker(&marker)).await
        },
        async {
            let removed = client
                .delete_marked(&marker)
                .await
                .and_then(Deletions::into_result);
            assert_eq!(twin.live(), 0);
            removed
        }
    );
    cut_off_everywhere!(
        Op::AvCreate,
        avisi_cloud,
        |client, twin| async {
            let body = avisi_cloud::ProvisionBody::builder("made").marker(&marker);
            client.provision(body).await
        },
        client.list().into_future()
    );
}

#[tokio::test]
async fn a_create_of_several_requests() {
    cut_off_everywhere!(
        Op::QsCreate,
        query_server,
        |client, twin| async {
            client
                .create(query_server::TokenBody::builder("made"))
                .await
        },
        client.delete("made").into_future()
    );
}

#[tokio::test]
async fn a_rotation_of_several_requests() {
    cut_off_everywhere!(
        Op::QsDelete,
        query_server,
        |client, twin| async { client.rotate_in_place(NAME, Changes::new()).await },
        async {
            // Whatever became of it, the name can be had again.
            let body = query_server::TokenBody::builder(NAME);
            client.create(body).await.map(drop)
        }
    );
}

#[tokio::test]
async fn a_stream_goes_on_after_a_wait_was_dropped() {
    let twin = Op::LdList.world().await;
    for n in 0..40 {
        let name = format!("{n}");
        twin.launchdarkly().seed(Seed::new(name));
    }
    let client = twin.target().launchdarkly().unwrap();
    let mut stream = client.list().limit(5).stream();
    let mut seen = std::collections::BTreeSet::new();
    let mut drops = 0;
    loop {
        // One poll only, so that most waits are dropped.
        match drop_after(1, stream.try_next()).await {
            None => {
                drops += 1;
                assert!(drops < 100_000, "gets nowhere");
                tokio::task::yield_now().await;
            }
            Some(Ok(Some(token))) => assert!(seen.insert(token.id.to_string())),
            Some(Ok(None)) => break,
            Some(Err(error)) => panic!("{error}"),
        }
    }
    assert_eq!(seen.len(), 42);
    assert!(drops > 8);
    // No page was asked for twice.
    assert_eq!(twin.hits(Op::LdList), 9);
}

/// Calls that wait for a place and are dropped there do not take it with them.
#[tokio::test]
async fn those_in_the_queue_leave_it() {
    let twin = Op::LdList.world().await;
    let target = twin.target();
    let client = launchdarkly::Client::builder()
        .base_url(&target.base_url)
        .credential(target.credential.clone())
        .concurrency(1)
        .build()
        .unwrap();
    Op::LdList.suffer(&twin, Fault::StallBeforeActing, false);
    let stalled = tokio::spawn(client.list().page().into_future());
    while twin.hits(Op::LdList) == 0 {
        tokio::task::yield_now().await;
    }
    for _ in 0..20 {
        let waiting = async { client.list().page().await };
        assert!(drop_after(1, waiting).await.is_none());
    }
    assert_eq!(twin.hits(Op::LdList), 1);
    stalled.abort();
    soon(client.list().page().into_future()).await.unwrap();
}
