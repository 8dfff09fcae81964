//! No pile: however often something fails at whatever step, few tokens are alive, and all are known.

use access_tokens::days;
use access_tokens::rotation::sink::SinkKind;
use access_tokens::rotation::state::FileStore;
use access_tokens::rotation::{ManagedToken, Reason, Report};
use access_tokens::{RotationPolicy, TokenKey};
use futures_util::StreamExt as _;

use super::{HOUR, KINDS, Kind, MINUTE, Setup, Trouble, Vault, said};
use crate::support::Scratch;

const SINKS: [SinkKind; 4] = [
    SinkKind::Restorable,
    SinkKind::Fenced,
    SinkKind::Observable,
    SinkKind::Blind,
];

/// A sink that never answers, for ten days at a tick an hour.
#[tokio::test]
async fn however_often_a_delivery_fails_the_number_of_living_tokens_is_bounded() {
    for sink in SINKS {
        for trouble in [Trouble::Refused, Trouble::Unanswered, Trouble::Late] {
            let setup = Setup::with(Kind::LaunchDarkly, sink).await;
            let (keeper, token) = (setup.keeper(), setup.token());
            let _ = keeper.tick(&token).await;
            setup.pass(days(91));
            setup.vault.trouble(trouble, 10_000);
            let mut creates = 0;
            for hour in 0..240 {
                setup.world.clear_requests();
                let report = keeper.tick(&token).await;
                let calls = setup.world.calls();
                creates += calls.iter().filter(|call| *call == "postToken").count();
                let alive = setup.world.alive();
                assert!(alive.len() <= 4, "{sink} {trouble:?} {hour}: {report}");
                setup.assert_works();
                setup.pass(HOUR);
            }
            assert!(creates <= 20, "{sink} {trouble:?}: {creates} creates");
            setup.vault.clear_troubles();
            // A person, once it is mended.
            setup.pass(days(1));
            let _ = keeper.rotate(&token, Reason::Scheduled).await;
            for _ in 0..8 {
                setup.pass(days(1));
                let _ = keeper.tick(&token).await;
            }
            let alive = setup.world.alive();
            assert_eq!(alive.len(), 1, "{sink} {trouble:?}");
            setup.assert_works();
        }
    }
}

/// A person who asks for a rotation before the sink is mended gets one more token for each time, and not
/// one for each try of the request that stays open.
#[tokio::test]
async fn a_request_that_cannot_be_fulfilled_makes_one_token_and_no_pile() {
    for trouble in [Trouble::Unanswered, Trouble::Late] {
        let setup = Setup::with(Kind::LaunchDarkly, SinkKind::Blind).await;
        let (keeper, token) = (setup.keeper(), setup.token());
        let _ = keeper.tick(&token).await;
        setup.pass(days(91));
        setup.vault.trouble(trouble, 10_000);
        for _ in 0..72 {
            setup.pass(HOUR);
            let _ = keeper.tick(&token).await;
        }
        let stuck = setup.world.alive().len();
        for asked in 1..=3 {
            let _ = keeper.rotate(&token, Reason::Scheduled).await;
            for _ in 0..72 {
                setup.pass(HOUR);
                let report = keeper.tick(&token).await;
                let alive = setup.world.alive().len();
                assert!(alive <= stuck + asked, "{trouble:?} {asked}: {report}");
                setup.assert_works();
            }
            assert_eq!(said(&keeper.tick(&token).await), "failed stuck");
        }
        setup.vault.clear_troubles();
        let rotated = keeper.rotate(&token, Reason::Scheduled).await;
        assert_eq!(said(&rotated), "rotated", "{trouble:?}: {rotated}");
        for _ in 0..8 {
            setup.pass(days(1));
            let _ = keeper.tick(&token).await;
        }
        assert_eq!(setup.world.alive().len(), 1, "{trouble:?}");
        setup.assert_works();
    }
}

/// A write that nobody waits for any more arrives after the next rotation is through.
#[tokio::test]
async fn a_late_delivery_of_a_rotation_that_was_given_up_is_refused() {
    for kind in KINDS {
        for sink in [SinkKind::Restorable, SinkKind::Fenced] {
            let setup = Setup::with(kind, sink).await;
            let (keeper, token) = (setup.keeper(), setup.token());
            let _ = keeper.tick(&token).await;
            setup.pass(days(91));
            setup.vault.trouble(Trouble::Late, 3);
            let failed = keeper.tick(&token).await;
            assert_eq!(said(&failed), "failed sink", "{failed}");
            // Another process, as often as it takes.
            let other = setup.keeper();
            let mut rotated = false;
            for _ in 0..20 {
                setup.pass(20 * MINUTE);
                rotated |= said(&other.tick(&token).await) == "rotated";
            }
            assert!(rotated);
            let delivered = setup.delivered();
            setup.vault.land();
            assert_eq!(setup.delivered(), delivered, "{kind:?} {sink}");
            setup.pass(days(2));
            let _ = other.tick(&token).await;
            setup.assert_works();
            assert_eq!(setup.world.alive().len(), 1, "{kind:?} {sink}");
        }
    }
}

/// What is stored, but perhaps not for good, is a warning and no reason for another token.
#[tokio::test]
async fn what_is_only_maybe_not_durable_is_a_warning() {
    let setup = Setup::new(Kind::LaunchDarkly).await;
    let token = setup.token();
    let keeper = setup.keeper();
    let _ = keeper.tick(&token).await;
    setup.pass(days(91));
    setup.vault.trouble(Trouble::NotSynced, 1);
    let rotated = keeper.tick(&token).await;
    assert_eq!(said(&rotated), "rotated", "{rotated}");
    let told = rotated.warnings.iter().any(|w| w.contains("synced"));
    assert!(told, "{rotated}");
    setup.pass(days(2));
    let _ = keeper.tick(&token).await;
    assert_eq!(setup.world.alive().len(), 1);
}

/// Many at once, with a store that syncs: no answer is left lying until it is too late.
#[tokio::test]
async fn a_large_fleet_on_a_file_store_loses_no_answer() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let scratch = Scratch::new();
        let service = setup.world.service();
        let one = |number: usize| {
            let name = format!("t{number}");
            let (key, secret): (TokenKey, _) = setup.world.seed(&name);
            let vault = Vault::holding(&*name, SinkKind::Restorable, &secret);
            let token = ManagedToken::builder(name)
                .shared_service(service.clone())
                .adopt(key)
                .policy(RotationPolicy::new().max_age(days(90)))
                .overlap(days(1))
                .allow_own_credential(kind == Kind::AvisiCloud)
                .deliver_to(vault.clone())
                .build()
                .unwrap();
            (token, vault)
        };
        let (tokens, vaults): (Vec<_>, Vec<_>) = (0..64).map(one).unzip();
        let keeper = setup
            .keeper_builder(FileStore::new(scratch.path("state")))
            .act_timeout(30 * MINUTE)
            .build();
        let _: Vec<Report> = keeper.tick_all(tokens.clone(), 64).collect().await;
        setup.pass(days(91));
        let reports: Vec<Report> = keeper.tick_all(tokens, 64).collect().await;
        assert_eq!(reports.len(), 64);
        for report in &reports {
            assert_eq!(said(report), "rotated", "{kind:?}: {report}");
        }
        for vault in vaults {
            assert!(setup.world.accepts(&vault.secret().unwrap()));
        }
    }
}
