//! What a person asks for: a rotation now, the former token again.

use access_tokens::rotation::sink::SinkKind;
use access_tokens::rotation::{AfterStep, Cause, Outcome, Reason};
use access_tokens::{RotationPolicy, days};

use super::{HOUR, KINDS, Kind, MINUTE, Setup, Then, Trouble, Vault, Watched, said};

#[tokio::test]
async fn a_roll_back_within_the_overlap_brings_the_former_secret_back_everywhere() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let second = Vault::holding("second", SinkKind::Restorable, &setup.world.secret);
        let (keeper, token) = (setup.keeper(), setup.with_sinks(&[&setup.vault, &second]));
        let _ = keeper.tick(&token).await;
        setup.pass(days(91));
        let rotated = keeper.tick(&token).await;
        setup.pass(HOUR);
        let back = keeper.rollback(&token).await;
        let Outcome::RolledBack { from, to } = &back.outcome else {
            panic!("{kind:?}: {back}");
        };
        assert_eq!(
            (Some(from), to),
            (rotated.current.as_ref(), &setup.world.key)
        );
        for vault in [&setup.vault, &second] {
            assert_eq!(vault.secret(), Some(setup.world.secret.clone()));
        }
        let status = keeper.status(token.name()).await.unwrap().unwrap();
        assert_eq!(status.last_rotation.unwrap().reason, "rolled_back");
        assert!(status.on_hold.is_some());
        // It is due by its age, and left alone until somebody lets go.
        setup.pass(days(2));
        let _ = keeper.tick(&token).await;
        assert_eq!(said(&keeper.tick(&token).await), "suspended");
        assert_eq!(setup.world.alive(), std::slice::from_ref(&setup.world.key));
        keeper.release(token.name()).await.unwrap();
        assert_eq!(said(&keeper.tick(&token).await), "rotated");
        setup.assert_works();
    }
}

/// Nobody may think of it for months, and consumers still need their secret.
#[tokio::test]
async fn a_token_on_hold_is_followed_all_the_same_before_it_ends() {
    for kind in [Kind::LaunchDarkly, Kind::QueryServer] {
        let setup = Setup::new(kind).await;
        let policy = RotationPolicy::new().expires_within(days(40));
        let builder = setup.builder().lifetime(days(100)).policy(policy);
        let (keeper, token) = (setup.keeper(), builder.build().unwrap());
        let _ = keeper.rotate(&token, Reason::Suspected).await;
        setup.pass(days(67));
        let _ = keeper.tick(&token).await;
        let back = keeper.rollback(&token).await;
        assert_eq!(said(&back), "rolled_back", "{back}");
        setup.pass(days(2));
        let _ = keeper.tick(&token).await;
        let (mut nights, mut told) = (0, String::new());
        let rotated = loop {
            let report = keeper.tick(&token).await;
            match &report.outcome {
                Outcome::Suspended { why } => why.clone_into(&mut told),
                _ => break report,
            }
            let plan = keeper.plan(&token).await.unwrap();
            assert_eq!(plan.why, told);
            nights += 1;
            setup.pass(days(1));
            setup.assert_works();
        };
        // A week is left of the hundred days.
        assert_eq!(nights, 24, "{kind:?}");
        assert!(told.contains("until 20"), "{told}");
        assert!(
            matches!(
                rotated.outcome,
                Outcome::Rotated {
                    cause: Cause::Policy,
                    ..
                }
            ),
            "{rotated}"
        );
        // What was held is over: the next one is due by the policy again.
        let status = keeper.status(token.name()).await.unwrap().unwrap();
        assert_eq!(status.on_hold, None);
        for _ in 0..200 {
            setup.pass(days(1));
            let _ = keeper.tick(&token).await;
            setup.assert_works();
        }
    }
}

/// A step that fails for months holds back what can wait, and no more than that.
#[tokio::test]
async fn steps_that_keep_failing_let_no_token_run_out() {
    for kind in [Kind::LaunchDarkly, Kind::QueryServer] {
        let setup = Setup::new(kind).await;
        let fails = AfterStep::from_fn("reload", |_| async { Err("no such unit".to_owned()) });
        let policy = RotationPolicy::new().expires_within(days(10));
        let builder = setup.builder().lifetime(days(30)).policy(policy);
        let (keeper, token) = (setup.keeper(), builder.after(fails).build().unwrap());
        let _ = keeper.rotate(&token, Reason::Scheduled).await;
        let mut rotations = 0;
        for _ in 0..100 {
            setup.pass(days(1));
            let report = keeper.tick(&token).await;
            rotations += u32::from(matches!(report.outcome, Outcome::Rotated { .. }));
            let told = report.after.is_some() || said(&report) == "failed after";
            assert!(told, "{kind:?}: {report}");
            setup.assert_works();
            assert!(setup.world.alive().len() <= 4, "{:?}", setup.world.alive());
        }
        assert_eq!(rotations, 3, "{kind:?}");
    }
}

/// A hold is on what can wait.
#[tokio::test]
async fn a_sink_that_lost_its_secret_gets_one_on_hold_too() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let (keeper, token) = (setup.keeper(), setup.token());
        let _ = keeper.tick(&token).await;
        setup.pass(days(91));
        let _ = keeper.tick(&token).await;
        let _ = keeper.rollback(&token).await;
        assert_eq!(said(&keeper.tick(&token).await), "suspended");
        setup.vault.wipe();
        let report = keeper.tick(&token).await;
        let missing = matches!(
            report.outcome,
            Outcome::Rotated {
                cause: Cause::Missing,
                ..
            }
        );
        assert!(missing, "{kind:?}: {report}");
        setup.assert_works();
    }
}

#[tokio::test]
async fn a_roll_back_that_cannot_be_is_refused_and_changes_nothing() {
    for (sink, wait) in [
        (SinkKind::Restorable, days(1) + MINUTE),
        (SinkKind::Fenced, HOUR),
        (SinkKind::Observable, HOUR),
        (SinkKind::Blind, HOUR),
    ] {
        let setup = Setup::with(Kind::LaunchDarkly, sink).await;
        let (keeper, token) = (setup.keeper(), setup.token());
        let _ = keeper.tick(&token).await;
        // There is nothing yet to go back to.
        let none = keeper.rollback(&token).await;
        assert_eq!(said(&none), "failed rollback_impossible", "{sink}: {none}");
        setup.pass(days(91));
        let _ = keeper.tick(&token).await;
        let delivered = setup.delivered();
        setup.pass(wait);
        let _ = keeper.tick(&token).await;
        let refused = keeper.rollback(&token).await;
        assert_eq!(
            said(&refused),
            "failed rollback_impossible",
            "{sink}: {refused}"
        );
        assert_eq!(setup.delivered(), delivered);
        setup.assert_works();
        // It does not come up again.
        assert!(keeper.tick(&token).await.error().is_none());
    }
}

/// What is unfinished in a sink that cannot be asked never comes to an end, and must not keep a request
/// open that can never be fulfilled, behind which the token would run out.
#[tokio::test]
async fn a_roll_back_that_cannot_be_is_refused_whatever_is_unfinished() {
    for sink in [SinkKind::Blind, SinkKind::Observable] {
        let setup = Setup::with(Kind::LaunchDarkly, sink).await;
        let (keeper, token) = (setup.keeper(), setup.token());
        let _ = keeper.tick(&token).await;
        setup.pass(days(91));
        setup.vault.trouble(Trouble::Unanswered, 4);
        let failed = keeper.tick(&token).await;
        assert_eq!(said(&failed), "failed sink", "{sink}: {failed}");
        let refused = keeper.rollback(&token).await;
        assert_eq!(
            said(&refused),
            "failed rollback_impossible",
            "{sink}: {refused}"
        );
        setup.vault.clear_troubles();
        setup.pass(HOUR);
        let rotated = keeper.tick(&token).await;
        assert!(
            matches!(rotated.outcome, Outcome::Rotated { .. } | Outcome::Resumed),
            "{sink}: {rotated}"
        );
        setup.assert_works();
    }
}

#[tokio::test]
async fn a_rotation_on_suspicion_ends_the_old_token_at_once() {
    for kind in KINDS {
        for (reason, cause) in [
            (Reason::Scheduled, Cause::Requested),
            (Reason::Suspected, Cause::Suspected),
        ] {
            let setup = Setup::new(kind).await;
            let (keeper, token) = (setup.keeper(), setup.token());
            let _ = keeper.tick(&token).await;
            let rotated = keeper.rotate(&token, reason).await;
            let Outcome::Rotated { cause: why, .. } = &rotated.outcome else {
                panic!("{kind:?}: {rotated}");
            };
            assert_eq!(*why, cause);
            let old = setup.world.accepts(&setup.world.secret);
            assert_eq!(old, reason == Reason::Scheduled, "{kind:?}");
            setup.assert_works();
            assert_eq!(said(&keeper.tick(&token).await), "not_due");
        }
    }
}

#[tokio::test]
async fn who_asks_while_another_is_at_work_is_told_busy_and_gets_it_later() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let store = Watched::default();
        let keepers = [
            setup.keeper_on(store.clone()),
            setup.keeper_on(store.elsewhere()),
        ];
        let token = setup.token();
        let _ = keepers[0].tick(&token).await;
        setup.pass(days(91));
        store.after_swap(1, Then::Stop);
        let asking = async {
            store.reached().await;
            // Twice is once.
            for _ in 0..2 {
                let busy = keepers[1].rotate(&token, Reason::Suspected).await;
                assert_eq!(said(&busy), "busy", "{kind:?}: {busy}");
            }
            store.go_on();
        };
        let (first, ()) = tokio::join!(keepers[0].tick(&token), asking);
        assert_eq!(said(&first), "rotated", "{first}");
        let second = keepers[1].tick(&token).await;
        let Outcome::Rotated { cause, .. } = &second.outcome else {
            panic!("{kind:?}: {second}");
        };
        assert_eq!(*cause, Cause::Suspected);
        for _ in 0..3 {
            setup.pass(days(1));
            let report = keepers[0].tick(&token).await;
            assert_ne!(report.outcome.as_str(), "rotated", "{report}");
        }
        assert_eq!(setup.world.alive().len(), 1);
        setup.assert_works();
    }
}

#[tokio::test]
async fn a_request_outlives_the_process_that_wrote_it_down() {
    let setup = Setup::new(Kind::LaunchDarkly).await;
    let store = Watched::default();
    let (keeper, token) = (setup.keeper_on(store.clone()), setup.token());
    let _ = keeper.tick(&token).await;
    store.after_swap(1, Then::Hang);
    tokio::select! {
        report = keeper.rotate(&token, Reason::Scheduled) => panic!("{report}"),
        () = store.reached() => {}
    }
    let keeper = setup.keeper_on(store.elsewhere());
    let mut rotations = 0;
    for _ in 0..40 {
        setup.pass(HOUR);
        let report = keeper.tick(&token).await;
        rotations += usize::from(report.outcome.as_str() == "rotated");
    }
    assert_eq!(rotations, 1);
    setup.assert_works();
}

/// Whoever finds the rotation that somebody asked for unfinished, finishes it: the request is
/// fulfilled by it, and for the reason that was given.
#[tokio::test]
async fn a_request_is_carried_out_once_whoever_finishes_it() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let (keeper, token) = (setup.events_hang_at("delivered"), setup.token());
        let before = keeper.tick(&token).await.current;
        setup.world.clear_requests();
        tokio::select! {
            report = keeper.rotate(&token, Reason::Suspected) => panic!("{report}"),
            () = setup.hung() => {}
        }
        let keeper = setup.keeper();
        for _ in 0..40 {
            setup.pass(HOUR);
            let _ = keeper.tick(&token).await;
        }
        let calls = setup.world.calls();
        let creates = ["postToken", "createToken", "provisionPersonalAccessToken"];
        let made = calls.iter().filter(|call| creates.contains(&call.as_str()));
        assert_eq!(made.count(), 1, "{kind:?}: {calls:?}");
        let status = keeper.status(token.name()).await.unwrap().unwrap();
        let rotation = status.last_rotation.unwrap();
        assert_eq!((rotation.from, Some(rotation.to)), (before, status.current));
        assert_eq!(rotation.reason, "suspected", "{kind:?}");
        // Nothing goes on with what was suspected.
        assert_eq!(setup.world.alive().len(), 1, "{kind:?}");
        setup.assert_works();
    }
}

#[tokio::test]
async fn what_is_asked_of_an_entry_that_is_not_there_is_an_error() {
    let setup = Setup::new(Kind::LaunchDarkly).await;
    let keeper = setup.keeper();
    for error in [
        keeper.release("nobody").await.unwrap_err(),
        keeper.forget("nobody").await.unwrap_err(),
    ] {
        assert_eq!(error.kind().as_str(), "not_found", "{error}");
    }
    assert_eq!(keeper.status("nobody").await.unwrap(), None);
}
