//! The second night, and all that follow: what one rotation leaves does not spoil the next.

use std::time::Duration;

use access_tokens::rotation::state::{StateStore, write};
use access_tokens::rotation::{ErrorKind, Keeper, ManagedToken, Outcome};
use access_tokens::{RotationPolicy, TokenKey, days};
use access_tokens_testing::{Fault, ShiftedClock, launchdarkly};
use serde_json::json;

use super::{Call, HOUR, KINDS, Kind, MINUTE, Setup, Vault, Watched, said};
use crate::all::world::client_of;
use access_tokens::rotation::sink::SinkKind;

/// The declaration names the key that was adopted at first, for ever: that it was rotated since is
/// no reason to rotate it again. Under another name it is refused, and the successor is named.
#[tokio::test]
async fn a_retired_key_is_refused_and_names_its_successor() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let (keeper, token) = (setup.keeper(), setup.token());
        let _ = keeper.tick(&token).await;
        setup.pass(days(91));
        let rotated = keeper.tick(&token).await;
        let successor = rotated.current.clone().unwrap();
        for hours in [6, 30] {
            setup.pass(6 * HOUR);
            setup.world.clear_requests();
            let again = keeper.tick(&token).await;
            assert_eq!(again.current.as_ref(), Some(&successor), "{hours}: {again}");
            let other = ManagedToken::builder("other")
                .shared_service(setup.world.service())
                .adopt(setup.world.key.clone())
                .overlap(days(1))
                .allow_own_credential(kind == Kind::AvisiCloud)
                .deliver_to(Vault::new("other", SinkKind::Restorable))
                .build()
                .unwrap();
            let refused = keeper.tick(&other).await;
            assert_eq!(said(&refused), "failed retired", "{kind:?}: {refused}");
            assert!(
                refused.to_string().contains(successor.as_str()),
                "{refused}"
            );
            setup.assert_works();
            setup.pass(days(1));
        }
        assert_eq!(setup.world.alive(), [successor]);
    }
}

/// An endless token is followed by endless ones, one of a hundred days by such of a hundred days,
/// however long the overlaps are.
#[tokio::test]
async fn a_successor_never_gets_its_life_from_an_overlap() {
    for ends in [None, Some(days(100))] {
        let setup = Setup::new(Kind::LaunchDarkly).await;
        let twin = setup.world.launchdarkly();
        let mut seed = launchdarkly::Seed::new("ends");
        if let Some(life) = ends {
            seed = seed.expiry(access_tokens::Clock::now(&setup.world.clock) + life);
        }
        let seed = twin.seed(seed);
        let vault = Vault::holding("ends", SinkKind::Restorable, &seed.secret);
        let token = ManagedToken::builder("ends")
            .shared_service(setup.world.service())
            .adopt(TokenKey::new(&seed.id))
            .policy(RotationPolicy::new().max_age(days(60)))
            .overlap(days(30))
            .deliver_to(vault)
            .build()
            .unwrap();
        let keeper = setup.keeper();
        let mut current = TokenKey::new(&seed.id);
        for _ in 0..8 {
            let report = keeper.tick(&token).await;
            assert!(report.error().is_none(), "{report}");
            current = report.current.unwrap();
            let shown = twin.token(current.as_str()).unwrap();
            let life = shown
                .expiry
                .map(|end| end.duration_since(shown.created).unwrap());
            let days_of = |life: Duration| life.as_secs().div_ceil(86_400);
            assert_eq!(life.map(days_of), ends.map(days_of));
            setup.pass(days(61));
        }
        assert_ne!(current.as_str(), seed.id);
    }
}

/// Only the exact form of a mark is one: a word of the user's that looks like one stays.
#[tokio::test]
async fn a_description_that_looks_like_a_mark_is_kept_from_rotation_to_rotation() {
    for text in [
        "nightly marker:production",
        "at~production",
        "see at~1234567890abcdef!",
    ] {
        let setup = Setup::new(Kind::LaunchDarkly).await;
        let twin = setup.world.launchdarkly();
        let seed = twin.seed(launchdarkly::Seed::new("told").description(text));
        let vault = Vault::holding("told", SinkKind::Restorable, &seed.secret);
        let token = ManagedToken::builder("told")
            .shared_service(setup.world.service())
            .adopt(TokenKey::new(&seed.id))
            .policy(RotationPolicy::new().max_age(days(10)))
            .overlap(days(1))
            .deliver_to(vault)
            .build()
            .unwrap();
        let keeper = setup.keeper();
        for night in 0..30 {
            let report = keeper.tick(&token).await;
            assert!(report.error().is_none(), "{night}: {report}");
            let current = twin.token(report.current.unwrap().as_str()).unwrap();
            let description = current.description.unwrap();
            assert!(description.starts_with(text), "{description}");
            let marks = description.matches("at~").count() - text.matches("at~").count();
            assert!(marks <= 1, "{description}");
            setup.pass(days(1));
        }
    }
}

/// What is looked for after a lost create carries this entry's own mark; a sibling's live token of
/// the same name does not.
#[tokio::test]
async fn a_lost_create_removes_no_token_of_a_sibling_of_the_same_name() {
    for kind in [Kind::LaunchDarkly, Kind::AvisiCloud] {
        let setup = Setup::new(kind).await;
        let (key, secret) = setup.world.seed(crate::all::world::NAME);
        let vault = Vault::holding("sibling", SinkKind::Restorable, &secret);
        let sibling = ManagedToken::builder("sibling")
            .shared_service(setup.world.service())
            .adopt(key)
            .policy(RotationPolicy::new().max_age(days(90)))
            .overlap(days(1))
            .allow_own_credential(kind == Kind::AvisiCloud)
            .deliver_to(vault.clone())
            .build()
            .unwrap();
        let (keeper, token) = (setup.keeper(), setup.token());
        for token in [&token, &sibling] {
            let _ = keeper.tick(token).await;
        }
        setup.pass(days(91));
        assert_eq!(said(&keeper.tick(&sibling).await), "rotated");
        setup.world.fault_on(Call::Create, 1, Fault::ActThenClose);
        assert_eq!(said(&keeper.tick(&token).await), "failed service");
        for _ in 0..5 {
            setup.pass(HOUR);
            let _ = keeper.tick(&token).await;
            let _ = keeper.tick(&sibling).await;
            assert!(setup.world.accepts(&vault.secret().unwrap()), "{kind:?}");
            setup.assert_works();
        }
        setup.pass(days(2));
        let _ = (keeper.tick(&token).await, keeper.tick(&sibling).await);
        assert_eq!(setup.world.alive().len(), 2, "{kind:?}");
    }
}

/// The parts of an entry's name are told apart whatever is in them.
#[tokio::test]
async fn accounts_and_keys_with_slashes_are_not_taken_for_each_other() {
    let setup = Setup::new(Kind::QueryServer).await;
    let declared = |name: &str, account: &str, key: &str| {
        ManagedToken::builder(name)
            .shared_service(setup.world.service())
            .account(account)
            .adopt(key)
            .overlap(days(1))
            .deliver_to(Vault::new("any", SinkKind::Blind))
            .build()
            .unwrap()
    };
    setup.world.seed("c");
    setup.world.seed("b/c");
    let keeper = setup.keeper();
    for (name, account, key) in [
        ("x/y", "a/b", "c"),
        ("x", "a", "b/c"),
        ("..", "a%2Fb", "edge"),
    ] {
        let report = keeper.tick(&declared(name, account, key)).await;
        assert_eq!(said(&report), "not_due", "{report}");
    }
    // To forget one does not free the other's.
    keeper.forget("x/y").await.unwrap();
    let second = keeper.tick(&declared("second", "a", "b/c")).await;
    assert_eq!(said(&second), "failed managed_elsewhere", "{second}");
    let first = keeper.tick(&declared("first", "a/b", "c")).await;
    assert_eq!(said(&first), "not_due", "{first}");
}

/// Whatever the clock of the machine says: the old secret works as long as was said.
#[tokio::test]
async fn an_overlap_is_counted_by_the_services_time() {
    for kind in KINDS {
        for behind in [true, false] {
            let setup = Setup::new(kind).await;
            let clock = ShiftedClock::over(setup.world.clock.clone());
            if behind {
                clock.set_behind(2 * HOUR);
            } else {
                clock.set_ahead(2 * HOUR);
            }
            let service: std::sync::Arc<dyn access_tokens::TokenService> = match &setup.world.twin {
                crate::all::world::Twin::LaunchDarkly(twin) => {
                    std::sync::Arc::new(client_of!(launchdarkly, twin, clock).build().unwrap())
                }
                crate::all::world::Twin::QueryServer(twin) => {
                    std::sync::Arc::new(client_of!(query_server, twin, clock).build().unwrap())
                }
                crate::all::world::Twin::AvisiCloud(twin) => {
                    std::sync::Arc::new(client_of!(avisi_cloud, twin, clock).build().unwrap())
                }
            };
            let token = setup
                .builder()
                .shared_service(service)
                .overlap(HOUR)
                .build()
                .unwrap();
            let keeper = Keeper::builder(setup.store.clone()).clock(clock).build();
            let _ = keeper.tick(&token).await;
            setup.pass(days(91));
            assert_eq!(said(&keeper.tick(&token).await), "rotated");
            for _ in 0..11 {
                setup.pass(5 * MINUTE);
                let _ = keeper.tick(&token).await;
                assert!(
                    setup.world.accepts(&setup.world.secret),
                    "{kind:?} {behind}"
                );
            }
            setup.pass(10 * MINUTE);
            assert_eq!(said(&keeper.tick(&token).await), "retired", "{kind:?}");
            assert!(!setup.world.accepts(&setup.world.secret));
            setup.assert_works();
        }
    }
}

/// Arithmetic on times that does not fit is refused before anything is planned.
#[tokio::test]
async fn times_beyond_the_calendar_are_refused_when_they_are_declared() {
    let setup = Setup::new(Kind::LaunchDarkly).await;
    for time in [
        Duration::MAX,
        days(200 * 366),
        Duration::from_secs(u64::MAX / 2),
    ] {
        let policy = RotationPolicy::new().max_age(time);
        let wrong = [
            setup.builder().overlap(time),
            setup.builder().spread(time),
            setup.builder().policy(policy),
            setup.builder().lifetime(time),
        ];
        for builder in wrong {
            let error = builder.build().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Declaration, "{error}");
        }
    }
    assert!(setup.world.calls().is_empty());
}

/// A record that was tampered with, or written by a fault, moves nothing.
#[tokio::test]
async fn a_record_that_makes_no_sense_is_refused_before_anything_is_sent() {
    let setup = Setup::new(Kind::LaunchDarkly).await;
    let (keeper, token) = (setup.keeper(), setup.token());
    let _ = keeper.tick(&token).await;
    setup.pass(days(91));
    let _ = keeper.tick(&token).await;
    let good = setup.store.load("token/edge-token").await.unwrap().unwrap();
    let current = good.body["current"].clone();
    let mut unknown = current.clone();
    unknown["key"] = json!("");
    let changes = [
        ("doomed", json!([current])),
        ("exposed", json!([current])),
        ("pending", current.clone()),
        ("pending", unknown),
        ("counter", json!(0)),
        ("format", json!(99)),
        ("format", json!(null)),
        ("current", json!({"key": "x"})),
        (
            "lost",
            json!([{"number": 7, "settles_at": "2026-01-01T00:00:00Z"}]),
        ),
        (
            "target",
            json!({"mark": "abcdefghijklmnop.3", "suspected": false, "request": "r"}),
        ),
    ];
    for (field, value) in changes {
        let stored = setup.store.load("token/edge-token").await.unwrap().unwrap();
        let mut body = good.body.clone();
        body[field] = value.clone();
        let next = stored.next(body);
        write(&setup.store, Some(&stored.version), &next)
            .await
            .unwrap();
        setup.world.clear_requests();
        let refused = keeper.tick(&token).await;
        assert_eq!(
            said(&refused),
            "failed record",
            "{field} {value}: {refused}"
        );
        assert!(refused.error().unwrap().needs_person());
        assert!(setup.world.calls().is_empty(), "{field} {value}");
        setup.assert_works();
    }
}

/// Any number of keepers at once: one does it, the others are told so or find nothing to do.
#[tokio::test]
async fn of_keepers_at_once_one_rotates_and_nobody_fails() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let store = Watched::default();
        let keepers = [
            setup.keeper_on(store.clone()),
            setup.keeper_on(store.elsewhere()),
            setup.keeper_on(store.elsewhere()),
        ];
        let token = setup.token();
        for round in 0..10 {
            setup.pass(days(91));
            let (a, b, c) = tokio::join!(
                keepers[0].tick(&token),
                keepers[1].tick(&token),
                keepers[2].tick(&token)
            );
            let all = [a, b, c];
            let rotated = all
                .iter()
                .filter(|report| matches!(report.outcome, Outcome::Rotated { .. }));
            assert!(rotated.count() <= 1, "{kind:?} {round}: {all:?}");
            assert!(
                all.iter().all(|r| r.error().is_none()),
                "{kind:?} {round}: {all:?}"
            );
            setup.assert_works();
            setup.pass(days(2));
            let _ = keepers[0].tick(&token).await;
            let _ = keepers[0].tick(&token).await;
        }
        assert_eq!(setup.world.alive().len(), 1, "{kind:?}");
    }
}
