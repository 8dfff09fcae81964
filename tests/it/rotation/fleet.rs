//! Many at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use access_tokens::rotation::sink::{self, FileSink, SinkError};
use access_tokens::rotation::{Decision, ErrorKind, FleetPolicy, Outcome, Rotation, rotate_all};
use access_tokens::{TokenKey, TokenServiceExt as _};
use access_tokens_testing::avisi_cloud;

use super::{Kind, Setup, Twin};

async fn fleet(size: usize) -> (Setup, Vec<TokenKey>) {
    let setup = Setup::new(Kind::AvisiCloud).await;
    let Twin::AvisiCloud(twin) = &setup.world.twin else {
        unreachable!()
    };
    let seeds = (0..size).map(|number| twin.seed(avisi_cloud::Seed::new(format!("t{number}"))));
    let keys = seeds.map(|token| TokenKey::new(token.id)).collect();
    (setup, keys)
}

#[tokio::test]
async fn many_are_rotated_a_few_at_a_time() {
    let (setup, keys) = fleet(12).await;
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let rotations = keys.iter().enumerate().map(|(number, key)| {
        let (now, most) = (Arc::clone(&now), Arc::clone(&most));
        let busy = sink::from_fn("busy", move |_, _| {
            let (now, most) = (Arc::clone(&now), Arc::clone(&most));
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                now.fetch_sub(1, Ordering::SeqCst);
                Ok::<(), SinkError>(())
            }
        });
        Rotation::of_shared(setup.world.service(), key)
            .deliver(FileSink::new(setup.scratch.path(&format!("t{number}"))))
            .deliver(busy)
    });
    let policy = FleetPolicy::new()
        .concurrency(3)
        .decide(|token, _| match token.name.as_deref() {
            Some("t5") => Decision::Skip("not due".to_owned()),
            _ => Decision::Rotate,
        });
    let summary = rotate_all(rotations, &policy).await;
    assert_eq!(
        (summary.rotated(), summary.skipped(), summary.failed()),
        (11, 1, 0),
        "{summary}"
    );
    assert!((2..=3).contains(&most.load(Ordering::SeqCst)));
    let order: Vec<_> = summary.tokens.iter().map(|(key, _)| key.clone()).collect();
    assert_eq!(order, keys);
    assert!(
        summary.to_string().contains("skipped    not due"),
        "{summary}"
    );
    let all = setup.world.service().list_all().await.unwrap();
    assert_eq!(setup.world.alive().len(), 13, "{all:?}");
}

#[tokio::test]
async fn after_too_many_failures_none_is_begun() {
    let (setup, keys) = fleet(10).await;
    let rotations = keys.iter().enumerate().map(|(number, key)| {
        let bad = sink::from_fn("bad", move |_, _| async move {
            if number % 2 == 1 {
                Err(SinkError::not_stored("no room"))
            } else {
                Ok(())
            }
        });
        Rotation::of_shared(setup.world.service(), key).deliver(bad)
    });
    let policy = FleetPolicy::new().concurrency(1).stop_after(2);
    let summary = rotate_all(rotations, &policy).await;
    let counts = (summary.rotated(), summary.failed(), summary.not_begun());
    assert_eq!(counts, (2, 2, 6), "{summary}");
    assert_eq!(setup.world.alive().len(), 11);
}

#[tokio::test]
async fn a_decision_that_panics_fails_that_one() {
    let (setup, keys) = fleet(2).await;
    let first = keys[0].clone();
    let policy = FleetPolicy::new().stop_after(9).decide(move |token, _| {
        assert_ne!(token.key, first, "no");
        Decision::Rotate
    });
    let rotations = keys.iter().map(|key| {
        let ok = sink::from_fn("ok", |_, _| async { Ok::<(), SinkError>(()) });
        Rotation::of_shared(setup.world.service(), key).deliver(ok)
    });
    let summary = rotate_all(rotations, &policy).await;
    let Outcome::Failed(error) = &summary.tokens[0].1 else {
        panic!("{summary}")
    };
    assert_eq!(error.kind(), ErrorKind::Panicked);
    assert!(matches!(summary.tokens[1].1, Outcome::Rotated(_)));
}
