//! Truth about what came back: compared with what was asked for, and never taken for granted.

use access_tokens::rotation::sink::SinkKind;
use access_tokens::rotation::{ErrorKind, Outcome, Property};
use access_tokens::{RotationPolicy, TokenKey, days};
use access_tokens_testing::Fault;
use access_tokens_testing::launchdarkly::Operation;

use super::{HOUR, KINDS, Kind, Setup, Vault, World, said};

/// Unknown is not no: which token is the client's own cannot be told on Avisi Cloud.
#[tokio::test]
async fn a_token_that_may_be_the_clients_own_is_refused_before_anything_is_sent() {
    let setup = Setup::new(Kind::AvisiCloud).await;
    let token = setup.builder().allow_own_credential(false).build().unwrap();
    let keeper = setup.keeper();
    let _ = keeper.tick(&token).await;
    setup.pass(days(91));
    setup.world.clear_requests();
    let refused = keeper.tick(&token).await;
    assert_eq!(said(&refused), "failed own_credential", "{refused}");
    assert!(refused.error().unwrap().needs_person());
    assert!(keeper.plan(&token).await.is_err());
    let calls = setup.world.calls();
    let reads = calls.iter().all(|call| call.starts_with("list"));
    assert!(reads, "{calls:?}");
    assert_eq!(setup.world.alive(), std::slice::from_ref(&setup.world.key));
}

/// Where it can be told, it is told exactly, and no other token suffers from it.
#[tokio::test]
async fn the_clients_own_credential_is_refused_by_name_and_no_other() {
    let setup = Setup::new(Kind::LaunchDarkly).await;
    let twin = setup.world.launchdarkly();
    let own = |allowed| {
        let vault = Vault::holding("own", SinkKind::Restorable, &twin.credential());
        access_tokens::rotation::ManagedToken::builder("own")
            .shared_service(setup.world.service())
            .adopt(twin.credential_id())
            .policy(RotationPolicy::new().max_age(days(90)))
            .overlap(days(1))
            .allow_own_credential(allowed)
            .deliver_to(vault)
            .build()
            .unwrap()
    };
    let (keeper, token) = (setup.keeper(), setup.token());
    let refused = own(false);
    for token in [&token, &refused] {
        let _ = keeper.tick(token).await;
    }
    setup.pass(days(91));
    assert_eq!(said(&keeper.tick(&refused).await), "failed own_credential");
    assert_eq!(said(&keeper.tick(&token).await), "rotated");
}

/// What the client itself uses is not deleted before it was seen to go on without it.
#[tokio::test]
async fn the_old_credential_stays_until_the_client_works_with_the_new_one() {
    let setup = Setup::new(Kind::LaunchDarkly).await;
    let twin = setup.world.launchdarkly();
    let (old, id) = (twin.credential(), twin.credential_id());
    let vault = Vault::holding("own", SinkKind::Restorable, &old);
    let token = access_tokens::rotation::ManagedToken::builder("own")
        .shared_service(setup.world.service())
        .adopt(TokenKey::new(id))
        .policy(RotationPolicy::new().max_age(days(90)))
        .overlap(std::time::Duration::ZERO)
        .allow_own_credential(true)
        .deliver_to(vault.clone())
        .build()
        .unwrap();
    let keeper = setup.keeper();
    let _ = keeper.tick(&token).await;
    setup.pass(days(91));
    // The third look at a token is the one with the new credential.
    let _ = twin.on(Operation::GetToken).nth(3).then(Fault::Status(401));
    let rotated = keeper.tick(&token).await;
    assert_eq!(said(&rotated), "rotated", "{rotated}");
    let told = rotated.warnings.iter().any(|w| w.contains("credential"));
    assert!(told, "{rotated}");
    assert!(twin.authenticates(&old), "it is gone too early");
    twin.clear_faults();
    setup.pass(HOUR);
    assert_eq!(said(&keeper.tick(&token).await), "retired");
    assert!(!twin.authenticates(&old));
    assert!(twin.authenticates(&vault.secret().unwrap()));
    assert_eq!(said(&keeper.tick(&token).await), "not_due");
}

/// A service gives what it creates to the caller: the successor would be somebody else's.
#[tokio::test]
async fn a_personal_token_of_another_member_is_refused_or_the_change_is_told() {
    for accepted in [false, true] {
        let world = World::on_launchdarkly(|twin| twin, |seed| seed.member("another")).await;
        let setup = Setup::on(world, SinkKind::Restorable);
        let mut builder = setup.builder();
        if accepted {
            builder = builder.accept(Property::Owner);
        }
        let (keeper, token) = (setup.keeper(), builder.build().unwrap());
        let _ = keeper.tick(&token).await;
        setup.pass(days(91));
        let planned = keeper.plan(&token).await;
        setup.world.clear_requests();
        let report = keeper.tick(&token).await;
        if accepted {
            assert_eq!(said(&report), "rotated", "{report}");
            let told = report.warnings.iter().any(|w| w.contains("belongs to"));
            assert!(told, "{report}");
            setup.assert_works();
        } else {
            assert_eq!(planned.unwrap_err().kind(), ErrorKind::NotAsRequested);
            assert_eq!(said(&report), "failed not_as_requested", "{report}");
            assert!(!setup.world.calls().contains(&"postToken".to_owned()));
            assert!(setup.vault.writes().is_empty(), "it was delivered");
        }
    }
}

/// An end that the service drops without a word is found out, and the successor is taken back.
#[tokio::test]
async fn an_end_that_was_not_kept_takes_the_successor_back() {
    for accepted in [false, true] {
        let world = World::on_launchdarkly(|twin| twin.ignores_expiry(true), |seed| seed).await;
        let setup = Setup::on(world, SinkKind::Restorable);
        let mut builder = setup.builder().lifetime(days(120));
        if accepted {
            builder = builder.accept(Property::End);
        }
        let (keeper, token) = (setup.keeper(), builder.build().unwrap());
        let _ = keeper.tick(&token).await;
        setup.pass(days(91));
        let report = keeper.tick(&token).await;
        if accepted {
            assert_eq!(said(&report), "rotated", "{report}");
            let told = report.warnings.iter().any(|w| w.contains("has no end"));
            assert!(told, "{report}");
        } else {
            assert_eq!(said(&report), "failed not_as_requested", "{report}");
            assert_eq!(setup.world.alive(), std::slice::from_ref(&setup.world.key));
            assert!(setup.vault.writes().is_empty(), "it was delivered");
            // It is not tried again at every tick.
            for _ in 0..20 {
                setup.pass(HOUR);
                let _ = keeper.tick(&token).await;
            }
            let creates = setup.world.calls();
            let creates = creates.iter().filter(|call| *call == "postToken");
            assert_eq!(creates.count(), 1);
        }
        setup.assert_works();
    }
}

/// A service that grants shorter lives than it was asked for must not cause a loop.
#[tokio::test]
async fn a_shorter_life_than_asked_for_is_told_and_causes_no_loop() {
    for granted in [days(9), days(30)] {
        let world = World::on_launchdarkly(|twin| twin.max_lifetime(granted), |seed| seed).await;
        let setup = Setup::on(world, SinkKind::Restorable);
        let policy = RotationPolicy::new().expires_within(days(80));
        let builder = setup.builder().lifetime(days(120)).policy(policy);
        let (keeper, token) = (setup.keeper(), builder.build().unwrap());
        let _ = keeper
            .rotate(&token, access_tokens::rotation::Reason::Suspected)
            .await;
        let (mut rotations, mut warned) = (0_u64, 0_u64);
        for _ in 0..120 {
            let report = keeper.tick(&token).await;
            assert!(report.error().is_none(), "{report}");
            rotations += u64::from(matches!(report.outcome, Outcome::Rotated { .. }));
            warned += u64::from(report.warnings.iter().any(|w| w.contains("granted")));
            setup.assert_works();
            setup.pass(days(1));
        }
        let most = 120 / (granted.as_secs() / 86_400 / 2) + 1;
        assert!(rotations > 1 && rotations <= most, "{rotations} of {most}");
        assert_eq!(warned, rotations);
    }
}

/// Whoever waits for the former token's overlap must not let the current one run out.
#[tokio::test]
async fn an_overlap_that_outlives_what_was_granted_keeps_no_token_from_being_followed() {
    let granted = days(9);
    let world = World::on_launchdarkly(|twin| twin.max_lifetime(granted), |seed| seed).await;
    let setup = Setup::on(world, SinkKind::Restorable);
    let policy = RotationPolicy::new().max_age(days(90));
    let builder = setup.builder().lifetime(days(120)).policy(policy);
    let token = builder.overlap(days(30)).build().unwrap();
    let keeper = setup.keeper();
    let _ = keeper
        .rotate(&token, access_tokens::rotation::Reason::Scheduled)
        .await;
    for _ in 0..60 {
        let report = keeper.tick(&token).await;
        assert!(report.error().is_none(), "{report}");
        setup.assert_works();
        assert!(setup.world.alive().len() <= 4, "{:?}", setup.world.alive());
        setup.pass(days(1));
    }
}

/// A token that its service does not know yet is waited for, some seconds, before it is given up.
#[tokio::test]
async fn a_service_that_settles_late_costs_no_rotation() {
    for kind in KINDS {
        for status in [401, 404] {
            let first = Setup::new(kind).await;
            let position = {
                let (keeper, token) = (first.keeper(), first.token());
                let _ = keeper.tick(&token).await;
                first.pass(days(91));
                first.world.clear_requests();
                let _ = keeper.tick(&token).await;
                let calls = first.world.calls();
                let creates = ["postToken", "createToken", "provisionPersonalAccessToken"];
                let is_create = |call: &String| creates.contains(&call.as_str());
                calls.iter().position(is_create).unwrap()
            };
            let setup = Setup::new(kind).await;
            let (keeper, token) = (setup.keeper(), setup.token());
            let _ = keeper.tick(&token).await;
            setup.pass(days(91));
            // Query Server's create ends with a list: the answer does not tell the whole row.
            let of_create = if kind == Kind::QueryServer { 2 } else { 1 };
            let after = u64::try_from(position).unwrap() + of_create + 1;
            setup.world.fault(after, 3, Fault::Status(status));
            let rotated = keeper.tick(&token).await;
            assert_eq!(said(&rotated), "rotated", "{kind:?} {status}: {rotated}");
            setup.assert_works();
            assert_eq!(setup.world.alive().len(), 2, "{kind:?} {status}");
        }
    }
}
