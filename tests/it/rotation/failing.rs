//! Rotations that go wrong on the way: nobody is stranded, and nothing piles up.

use access_tokens::days;
use access_tokens::rotation::sink::SinkKind;
use access_tokens::rotation::{ErrorKind, Outcome};
use access_tokens_testing::{Fault, Settling};

use super::{Call, HOUR, KINDS, Kind, MINUTE, Setup, Trouble, Vault, said};
use crate::all::world::Twin;

const SINKS: [SinkKind; 4] = [
    SinkKind::Restorable,
    SinkKind::Fenced,
    SinkKind::Observable,
    SinkKind::Blind,
];

#[tokio::test]
async fn a_sink_that_refuses_costs_one_token_and_a_back_off() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let (keeper, token) = (setup.keeper(), setup.token());
        let _ = keeper.tick(&token).await;
        setup.pass(days(91));
        setup.vault.trouble(Trouble::Refused, 1);
        let failed = keeper.tick(&token).await;
        let Outcome::Failed(error) = &failed.outcome else {
            panic!("{failed}");
        };
        assert_eq!(error.kind(), ErrorKind::Sink, "{failed}");
        assert!(error.retry_at().is_some());
        assert_eq!(setup.world.alive(), std::slice::from_ref(&setup.world.key));
        assert_eq!(setup.delivered(), setup.world.secret);
        // While it backs off nothing is sent.
        setup.world.clear_requests();
        let waiting = keeper.tick(&token).await;
        assert_eq!(said(&waiting), "failed sink", "{waiting}");
        assert!(setup.world.calls().is_empty(), "{:?}", setup.world.calls());
        setup.pass(HOUR);
        assert_eq!(said(&keeper.tick(&token).await), "rotated");
        setup.assert_works();
    }
}

#[tokio::test]
async fn a_delivery_without_an_answer_ends_well_for_every_kind_of_sink() {
    for trouble in [Trouble::Unanswered, Trouble::Late, Trouble::Hangs] {
        for sink in SINKS {
            let setup = Setup::with(Kind::LaunchDarkly, sink).await;
            let (keeper, token) = (setup.keeper(), setup.token());
            let _ = keeper.tick(&token).await;
            setup.pass(days(91));
            setup.vault.trouble(trouble, 4);
            let first = keeper.tick(&token).await;
            setup.assert_works();
            setup.vault.clear_troubles();
            for step in 0..40 {
                setup.pass(10 * MINUTE);
                let report = keeper.tick(&token).await;
                setup.assert_works();
                let alive = setup.world.alive().len();
                assert!(
                    alive <= 4,
                    "{sink} {trouble:?} {step}: {alive} alive, {report}"
                );
                if step == 0 {
                    // Within the time in which everything settles.
                    setup.vault.land();
                    setup.assert_works();
                }
            }
            setup.pass(days(2));
            let _ = keeper.tick(&token).await;
            let last = keeper.tick(&token).await;
            assert_eq!(
                said(&last),
                "not_due",
                "{sink} {trouble:?}: {first} … {last}"
            );
            assert_ne!(setup.delivered(), setup.world.secret);
            setup.assert_works();
            assert_eq!(setup.world.alive().len(), 1, "{sink} {trouble:?}");
        }
    }
}

#[tokio::test]
async fn a_failure_of_the_second_sink_is_taken_back_in_the_first() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let second = Vault::holding("second", SinkKind::Restorable, &setup.world.secret);
        let (keeper, token) = (setup.keeper(), setup.with_sinks(&[&setup.vault, &second]));
        let _ = keeper.tick(&token).await;
        setup.pass(days(91));
        second.trouble(Trouble::Refused, 1);
        let failed = keeper.tick(&token).await;
        assert_eq!(said(&failed), "failed sink", "{failed}");
        assert_eq!(setup.delivered(), setup.world.secret, "it was taken back");
        setup.pass(HOUR);
        let rotated = keeper.tick(&token).await;
        assert_eq!(said(&rotated), "rotated", "{rotated}");
        assert_eq!(setup.vault.secret(), second.secret());
        setup.assert_works();
        setup.pass(days(2));
        let _ = keeper.tick(&token).await;
        assert_eq!(setup.world.alive().len(), 1, "{kind:?}");
    }
}

#[tokio::test]
async fn a_create_without_an_answer_is_found_and_removed() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let (keeper, token) = (setup.keeper(), setup.token());
        let _ = keeper.tick(&token).await;
        setup.pass(days(91));
        setup.world.fault_on(Call::Create, 1, Fault::ActThenClose);
        let failed = keeper.tick(&token).await;
        if kind == Kind::QueryServer {
            // Its secrets can be read again, and its client does that.
            assert_eq!(said(&failed), "rotated", "{failed}");
            continue;
        }
        assert_eq!(said(&failed), "failed service", "{failed}");
        assert_eq!(
            setup.world.alive(),
            std::slice::from_ref(&setup.world.key),
            "{kind:?}"
        );
        setup.pass(HOUR);
        assert_eq!(said(&keeper.tick(&token).await), "rotated");
        setup.assert_works();
    }
}

/// What a create left behind stays in the state until it is written down as to be deleted, also when
/// the tick that finds it cannot go on.
#[tokio::test]
async fn what_a_lost_create_made_is_never_out_of_the_state() {
    for kind in [Kind::LaunchDarkly, Kind::AvisiCloud] {
        let setup = Setup::new(kind).await;
        let (keeper, token) = (setup.keeper(), setup.token());
        let _ = keeper.tick(&token).await;
        setup.pass(days(91));
        let settle = |settling| match &setup.world.twin {
            Twin::LaunchDarkly(twin) => twin.set_settling(settling),
            Twin::AvisiCloud(twin) => twin.set_settling(settling),
            Twin::QueryServer(_) => unreachable!("its secrets are read again"),
        };
        settle(Settling::new().lists(5 * MINUTE));
        setup.world.fault_on(Call::Create, 1, Fault::ActThenClose);
        let _ = keeper.tick(&token).await;
        assert_eq!(setup.world.alive().len(), 2, "{kind:?}");
        setup.pass(HOUR);
        setup.vault.fail_observe(true);
        let failed = keeper.tick(&token).await;
        assert_eq!(said(&failed), "failed sink", "{failed}");
        let status = keeper.status(token.name()).await.unwrap().unwrap();
        assert!(!status.pending.is_empty(), "{kind:?}: {status}");
        setup.vault.fail_observe(false);
        settle(Settling::new());
        let report = keeper.retry(&token).await;
        assert_eq!(said(&report), "rotated", "{report}");
        assert_eq!(setup.world.alive().len(), 2, "it and the previous one");
        setup.assert_works();
    }
}
