//! Each way of replacing a token, on each service that has it.

use access_tokens::rotation::{ErrorKind, Old, Rotation, Strategy, Verify};
use access_tokens::{Expiry, TokenKey};
use access_tokens_testing::{launchdarkly, query_server};

use super::{HOUR, KINDS, Kind, NAME, Setup, Twin};
use crate::all::world::client_of;

async fn run(rotation: &Rotation) -> Old {
    let rotated = rotation.plan().await.unwrap().run().await.unwrap();
    assert_eq!(rotated.warnings, Vec::<String>::new());
    rotated.old
}

#[tokio::test]
async fn a_plan_names_every_call_that_a_rotation_makes() {
    for kind in KINDS {
        for verify in [Verify::Authenticate, Verify::Skip] {
            let setup = Setup::new(kind).await;
            let plan = setup.rotation().verify(verify).plan().await.unwrap();
            setup.world.clear_requests();
            plan.run().await.unwrap();
            assert_eq!(setup.world.calls(), plan.calls(), "{plan}");
            setup.assert_rotated().await;
        }
    }
}

#[tokio::test]
async fn a_plan_with_grace_names_every_call_too() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let plan = setup.rotation().grace(HOUR).plan().await.unwrap();
        setup.world.clear_requests();
        plan.run().await.unwrap();
        assert_eq!(setup.world.calls(), plan.calls(), "{plan}");
    }
    let setup = Setup::new(Kind::QueryServer).await;
    let rotation = setup.rotation().strategy(Strategy::InPlace);
    let plan = rotation.plan().await.unwrap();
    setup.world.clear_requests();
    plan.run().await.unwrap();
    assert_eq!(setup.world.calls(), plan.calls(), "{plan}");
    let setup = Setup::new(Kind::LaunchDarkly).await;
    let rotation = setup.rotation().strategy(Strategy::Reset);
    let plan = rotation.plan().await.unwrap();
    setup.world.clear_requests();
    plan.run().await.unwrap();
    assert_eq!(setup.world.calls(), plan.calls(), "{plan}");
}

#[tokio::test]
async fn without_grace_the_old_token_goes_at_once() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        assert!(matches!(run(&setup.rotation()).await, Old::Retired));
        setup.assert_rotated().await;
    }
}

#[tokio::test]
async fn a_successor_is_like_the_old_token() {
    let setup = Setup::new(Kind::LaunchDarkly).await;
    run(&setup.rotation()).await;
    let Twin::LaunchDarkly(twin) = &setup.world.twin else {
        unreachable!()
    };
    let new = twin.tokens().pop().unwrap();
    assert_eq!(
        (new.name.as_str(), new.role.as_deref()),
        (NAME, Some("reader"))
    );
    let description = new.description.unwrap();
    assert!(description.starts_with("for tests at~"), "{description}");

    let setup = Setup::new(Kind::QueryServer).await;
    run(&setup.rotation()).await;
    let Twin::QueryServer(twin) = &setup.world.twin else {
        unreachable!()
    };
    let new = twin.tokens().pop().unwrap();
    assert_eq!((new.name.as_str(), new.write), ("edge-2", false));

    let setup = Setup::new(Kind::AvisiCloud).await;
    run(&setup.rotation()).await;
    let Twin::AvisiCloud(twin) = &setup.world.twin else {
        unreachable!()
    };
    assert_eq!(twin.tokens().pop().unwrap().name, NAME);
}

#[tokio::test]
async fn with_grace_a_service_that_can_ends_the_old_token_itself() {
    let setup = Setup::new(Kind::LaunchDarkly).await;
    let end = setup.world.clock.clone();
    let Old::Expires(at) = run(&setup.rotation().grace(HOUR)).await else {
        panic!()
    };
    assert_eq!(at, access_tokens::Clock::now(&end) + HOUR);
    assert_eq!(setup.world.alive().len(), 2);
    setup.assert_no_entry().await;
    setup.world.clock.advance(HOUR);
    setup.assert_rotated().await;
}

#[tokio::test]
async fn an_old_token_that_ends_before_the_grace_is_left_to_its_end() {
    let setup = Setup::new(Kind::LaunchDarkly).await;
    let Twin::LaunchDarkly(twin) = &setup.world.twin else {
        unreachable!()
    };
    let end = access_tokens::Clock::now(&setup.world.clock) + HOUR / 2;
    let token = twin.seed(launchdarkly::Seed::new("short").expiry(end).age(HOUR));
    let rotation = Rotation::of_shared(setup.world.service(), &TokenKey::new(token.id))
        .deliver(access_tokens::rotation::sink::FileSink::new(
            setup.scratch.path("token"),
        ))
        .grace(HOUR);
    setup.world.clear_requests();
    let Old::Expires(at) = run(&rotation).await else {
        panic!()
    };
    assert_eq!(at, end);
    assert!(!setup.world.calls().contains(&"patchToken".to_owned()));
    // As long as the old one was to live.
    let new = twin.tokens().pop().unwrap();
    assert_eq!(new.expiry, Some(end + HOUR));
}

#[tokio::test]
async fn elsewhere_finish_ends_it_after_the_grace_and_not_before() {
    for kind in [Kind::QueryServer, Kind::AvisiCloud] {
        let setup = Setup::new(kind).await;
        let rotation = setup.rotation().grace(HOUR);
        assert_eq!(
            rotation.finish().await.unwrap_err().kind(),
            ErrorKind::WrongStep
        );
        let plan = rotation.plan().await.unwrap();
        assert!(
            plan.assumptions()
                .iter()
                .any(|text| text.contains("finish()"))
        );
        let rotated = plan.run().await.unwrap();
        assert!(matches!(rotated.old, Old::AwaitingFinish(_)));
        assert_eq!(setup.world.alive().len(), 2);

        setup
            .world
            .clock
            .advance(std::time::Duration::from_secs(3_599));
        let early = rotation.finish().await.unwrap_err();
        assert_eq!(early.kind(), ErrorKind::TooEarly);
        assert!(setup.world.accepts(&setup.world.secret));
        let resumed = rotation.resume().await.unwrap().rotated().unwrap();
        assert!(matches!(resumed.old, Old::AwaitingFinish(_)));
        assert_eq!(resumed.successor, rotated.successor);
        assert_eq!(
            rotation
                .plan()
                .await
                .unwrap()
                .run()
                .await
                .unwrap_err()
                .kind(),
            ErrorKind::InProgress
        );

        setup.world.clock.advance(std::time::Duration::from_secs(1));
        assert!(matches!(rotation.finish().await.unwrap().old, Old::Retired));
        setup.assert_rotated().await;
    }
}

#[tokio::test]
async fn a_server_that_does_not_know_expiry_awaits_finish() {
    let clock = access_tokens_testing::VirtualClock::new();
    let builder = access_tokens_testing::LaunchDarkly::builder().clock(clock.clone());
    let twin = builder.ignores_expiry(true).start().await.unwrap();
    let token = twin.seed(launchdarkly::Seed::new(NAME));
    let ld = client_of!(launchdarkly, twin, clock).build().unwrap();
    let vault = super::Vault::default();
    let rotation = Rotation::of(&ld, &TokenKey::new(&token.id))
        .deliver(vault.sink())
        .grace(HOUR);
    assert!(matches!(run(&rotation).await, Old::AwaitingFinish(_)));
    clock.advance(HOUR);
    assert!(matches!(rotation.finish().await.unwrap().old, Old::Retired));
    assert!(twin.token(&token.id).is_none());
}

#[tokio::test]
async fn a_name_can_be_given() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let rotation = setup.rotation().strategy(Strategy::NewName("other".into()));
        let rotated = rotation.plan().await.unwrap().run().await.unwrap();
        assert_eq!(rotated.record.unwrap().name.as_deref(), Some("other"));
        setup.assert_rotated().await;
    }
    let setup = Setup::new(Kind::QueryServer).await;
    let rotation = setup.rotation().strategy(Strategy::NewName(NAME.into()));
    assert_eq!(
        rotation.plan().await.unwrap_err().kind(),
        ErrorKind::NameTaken
    );
}

#[tokio::test]
async fn a_name_that_was_taken_after_the_plan_is_not_touched() {
    let setup = Setup::new(Kind::QueryServer).await;
    let plan = setup.rotation().plan().await.unwrap();
    let Twin::QueryServer(twin) = &setup.world.twin else {
        unreachable!()
    };
    let theirs = twin.seed(query_server::Seed::new("edge-2"));
    assert_eq!(plan.run().await.unwrap_err().kind(), ErrorKind::NameTaken);
    assert!(twin.authenticates(&theirs.secret));
    assert!(twin.authenticates(&setup.world.secret));
    setup.assert_no_entry().await;
}

#[tokio::test]
async fn in_place_the_name_stays_and_the_plan_tells_of_the_gap() {
    let setup = Setup::new(Kind::QueryServer).await;
    let rotation = setup.rotation().strategy(Strategy::InPlace);
    let plan = rotation.plan().await.unwrap();
    assert!(plan.to_string().contains("no secret works"), "{plan}");
    assert!(matches!(plan.run().await.unwrap().old, Old::Retired));
    assert_eq!(setup.world.alive(), [TokenKey::new(NAME)]);
    setup.assert_rotated().await;
    for kind in [Kind::LaunchDarkly, Kind::AvisiCloud] {
        let setup = Setup::new(kind).await;
        let rotation = setup.rotation().strategy(Strategy::InPlace);
        assert_eq!(
            rotation.plan().await.unwrap_err().kind(),
            ErrorKind::Unsuitable
        );
    }
}

#[tokio::test]
async fn a_reset_keeps_the_token_and_the_old_secret_for_the_grace() {
    let setup = Setup::new(Kind::LaunchDarkly).await;
    let rotation = setup.rotation().strategy(Strategy::Reset).grace(HOUR);
    let rotated = rotation.plan().await.unwrap().run().await.unwrap();
    assert!(matches!(rotated.old, Old::Expires(_)));
    assert_eq!(rotated.successor, setup.world.key);
    assert!(setup.world.accepts(&setup.world.secret) && setup.world.accepts(&setup.delivered()));
    setup.world.clock.advance(HOUR);
    setup.assert_rotated().await;
    let setup = Setup::new(Kind::AvisiCloud).await;
    let rotation = setup.rotation().strategy(Strategy::Reset);
    assert_eq!(
        rotation.plan().await.unwrap_err().kind(),
        ErrorKind::Unsuitable
    );
}

#[tokio::test]
async fn a_lifetime_is_as_the_old_one_or_as_given() {
    let setup = Setup::new(Kind::QueryServer).await;
    let Twin::QueryServer(twin) = &setup.world.twin else {
        unreachable!()
    };
    let now = twin.now();
    let seed = query_server::Seed::new("day").created_at(now - 3_600);
    twin.seed(seed.updated_at(now - 3_600).expiration_date(now + 3_600));
    let rotation = |lifetime: Option<Expiry>| {
        let rotation = Rotation::of_shared(setup.world.service(), &TokenKey::new("day")).deliver(
            access_tokens::rotation::sink::FileSink::new(setup.scratch.path("token")),
        );
        match lifetime {
            Some(expiry) => rotation.lifetime(expiry),
            None => rotation,
        }
    };
    let past = rotation(Some(Expiry::At(std::time::UNIX_EPOCH)))
        .plan()
        .await;
    assert_eq!(past.unwrap_err().kind(), ErrorKind::Unsuitable);
    let plan = rotation(None).plan().await.unwrap();
    assert!(plan.to_string().contains("lives for 2 hours"), "{plan}");
    plan.run().await.unwrap();
    let new = twin.tokens().pop().unwrap();
    assert_eq!(new.expiration_date.as_i64(), Some(now + 7_200));

    let setup = Setup::new(Kind::AvisiCloud).await;
    let never = setup.rotation().lifetime(Expiry::Never).plan().await;
    assert_eq!(never.unwrap_err().kind(), ErrorKind::Unsuitable);
}

/// The server marks "never expires" by two clocks; a token that comes out dead is made anew.
#[tokio::test]
async fn a_thousand_rotations_on_query_server_give_tokens_that_it_accepts() {
    let setup = Setup::new(Kind::QueryServer).await;
    let Twin::QueryServer(twin) = &setup.world.twin else {
        unreachable!()
    };
    twin.record_requests(false);
    let service = setup.world.service();
    let mut random = fastrand::Rng::with_seed(7);
    let mut key = setup.world.key.clone();
    for _ in 0..1_000 {
        let part = std::time::Duration::from_micros(random.u64(0..1_500_000));
        setup.world.clock.advance(part);
        if random.u8(0..10) == 0 {
            twin.dead_on_arrival(random.u32(1..3));
        }
        let sink = access_tokens::rotation::sink::FileSink::new(setup.scratch.path("token"));
        let rotation = Rotation::of_shared(service.clone(), &key).deliver(sink);
        let rotation = match random.u8(0..3) {
            0 => rotation.lifetime(Expiry::In(HOUR)),
            1 => rotation.lifetime(Expiry::Never),
            _ => rotation.strategy(Strategy::InPlace),
        };
        key = rotation
            .plan()
            .await
            .unwrap()
            .run()
            .await
            .unwrap()
            .successor;
        assert!(twin.authenticates(&setup.delivered()));
        assert_eq!(twin.tokens().len(), 1);
    }
}
