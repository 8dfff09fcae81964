//! What must not go wrong: failures on the way, and two at once.

use std::sync::Arc;

use access_tokens::Secret;
use access_tokens::rotation::sink::{CommandSink, SinkError};
use access_tokens::rotation::{ErrorKind, FileJournal, Journal, Old, Resumed, State, Verify};
use access_tokens_testing::{Fault, launchdarkly};

use super::{Call, HOUR, KINDS, Kind, Setup, Twin, Vault};

#[tokio::test]
async fn a_failing_sink_takes_everything_back() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let vault = Vault::default();
        vault.fail(SinkError::not_stored("no room"));
        let rotation = setup.rotation().deliver(vault.sink());
        let error = rotation.plan().await.unwrap().run().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.state()),
            (ErrorKind::Sink, State::Untouched)
        );
        assert!(error.to_string().contains("no room"), "{error}");
        assert_eq!(error.successor(), None);
        setup.assert_untouched().await;
        // And then it works.
        vault.fail(None);
        rotation.plan().await.unwrap().run().await.unwrap();
        assert_eq!(vault.last(), Some(setup.delivered()));
        setup.assert_rotated().await;
    }
}

#[tokio::test]
async fn a_sink_that_cannot_be_undone_leaves_both_tokens_alive() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let (first, second) = (Vault::default(), Vault::default());
        second.fail(SinkError::not_stored("no room"));
        let rotation = setup.bare().deliver(first.sink()).deliver(second.sink());
        let error = rotation.plan().await.unwrap().run().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.state()),
            (ErrorKind::Sink, State::Unfinished)
        );
        assert!(setup.world.alive().contains(error.successor().unwrap()));
        assert!(setup.world.accepts(&first.last().unwrap()));
        assert!(setup.world.accepts(&setup.world.secret));
        assert_eq!(setup.entry_count().await, 1);
        assert_eq!(
            rotation.abandon().await.unwrap_err().kind(),
            ErrorKind::WrongStep
        );

        second.fail(None);
        assert!(matches!(
            rotation.resume().await.unwrap(),
            Resumed::Rotated(_)
        ));
        assert_eq!(first.last(), second.last());
        assert!(setup.world.accepts(&first.last().unwrap()));
        assert_eq!(setup.world.alive().len(), 1);
        setup.assert_no_entry().await;
    }
}

#[tokio::test]
async fn a_sink_that_may_hold_the_secret_keeps_it_alive() {
    let setup = Setup::new(Kind::AvisiCloud).await;
    let vault = Vault::default();
    vault.fail(SinkError::unknown("no answer"));
    let rotation = setup.bare().deliver(vault.sink());
    let error = rotation.plan().await.unwrap().run().await.unwrap_err();
    assert_eq!(error.state(), State::Unfinished);
    assert!(setup.world.accepts(&vault.last().unwrap()));
    // Each go may leave one more, and none of them is forgotten.
    rotation.resume().await.unwrap_err();
    assert_eq!(setup.world.alive().len(), 3);
    vault.fail(None);
    rotation.resume().await.unwrap();
    assert!(setup.world.accepts(&vault.last().unwrap()));
    assert_eq!(setup.world.alive().len(), 1);
    setup.assert_no_entry().await;
}

#[tokio::test]
async fn a_check_that_does_not_pass_takes_everything_back() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let check = Verify::custom(|secret: Secret| async move {
            Err::<(), _>(format!("refused: {}", secret.expose_secret()))
        });
        let rotation = setup.rotation().verify(check);
        let error = rotation.plan().await.unwrap().run().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.state()),
            (ErrorKind::Check, State::Untouched)
        );
        assert!(error.to_string().contains("refused: [redacted]"), "{error}");
        setup.assert_untouched().await;
    }
}

#[tokio::test]
async fn a_secret_that_does_not_work_reaches_no_sink() {
    let setup = Setup::new(Kind::LaunchDarkly).await;
    let Twin::LaunchDarkly(twin) = &setup.world.twin else {
        unreachable!()
    };
    let vault = Vault::default();
    let plan = setup.bare().deliver(vault.sink()).plan().await.unwrap();
    // The third read is that with the new secret.
    let _ = twin
        .on(launchdarkly::Operation::GetToken)
        .nth(3)
        .then(Fault::Status(401));
    let error = plan.run().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.state()),
        (ErrorKind::NotAccepted, State::Untouched)
    );
    assert_eq!(vault.last(), None);
    setup.assert_untouched().await;
}

#[tokio::test]
async fn panics_are_errors_and_nothing_is_stranded() {
    let setup = Setup::new(Kind::LaunchDarkly).await;
    let check = Verify::custom(|_| async {
        if true {
            panic!("no")
        } else {
            Ok::<_, String>(())
        }
    });
    let error = setup
        .rotation()
        .verify(check)
        .plan()
        .await
        .unwrap()
        .run()
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.state()),
        (ErrorKind::Panicked, State::Untouched)
    );
    setup.assert_untouched().await;

    let sink = access_tokens::rotation::sink::from_fn("bad", |_, _| {
        assert!(std::hint::black_box(false), "also no");
        async { Ok::<(), SinkError>(()) }
    });
    let rotation = setup.rotation().deliver(sink);
    let error = rotation.plan().await.unwrap().run().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.state()),
        (ErrorKind::Panicked, State::Unfinished)
    );
    assert!(setup.world.accepts(&setup.delivered()));
    assert_eq!(setup.world.alive().len(), 2);
}

#[tokio::test]
async fn a_token_that_cannot_be_removed_is_named() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let vault = Vault::default();
        vault.fail(SinkError::not_stored("no room"));
        let rotation = setup.rotation().deliver(vault.sink());
        setup.world.fault_on(Call::Delete, 1, Fault::Status(500));
        let error = rotation.plan().await.unwrap().run().await.unwrap_err();
        assert_eq!(error.state(), State::Unfinished);
        let successor = error.successor().unwrap().clone();
        assert!(setup.world.alive().contains(&successor));
        assert!(error.to_string().contains(successor.as_str()), "{error}");
        assert_eq!(setup.delivered(), setup.world.secret);
        // It had been given up already.
        assert!(matches!(
            rotation.resume().await.unwrap(),
            Resumed::RolledBack
        ));
        setup.assert_untouched().await;
    }
}

#[tokio::test]
async fn an_old_token_that_cannot_be_retired_is_no_failure() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let rotation = setup.rotation();
        let plan = rotation.plan().await.unwrap();
        setup.world.fault_on(Call::Delete, 2, Fault::Status(403));
        let rotated = plan.run().await.unwrap();
        let Old::Remains(error) = &rotated.old else {
            panic!("{rotated}")
        };
        assert_eq!(error.state(), State::Unfinished);
        assert!(setup.world.accepts(&setup.delivered()));
        assert_eq!(setup.world.alive().len(), 2);
        assert!(matches!(
            rotation.finish().await.unwrap().old,
            Old::Remains(_)
        ));
        assert!(matches!(rotation.finish().await.unwrap().old, Old::Retired));
        setup.assert_rotated().await;
    }
}

#[tokio::test]
async fn an_old_token_that_is_gone_already_is_retired() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let (service, key) = (setup.world.service(), setup.world.key.clone());
        let check = Verify::custom(move |_| {
            let (service, key) = (service.clone(), key.clone());
            async move { service.delete(&key).await }
        });
        let rotation = setup.rotation().verify(check);
        let rotated = rotation.plan().await.unwrap().run().await.unwrap();
        assert!(matches!(rotated.old, Old::Retired), "{rotated}");
        setup.assert_rotated().await;
    }
}

#[tokio::test]
async fn a_name_that_stands_for_another_token_now_is_left_alone() {
    let setup = Setup::new(Kind::QueryServer).await;
    let rotation = setup.rotation().grace(HOUR);
    rotation.plan().await.unwrap().run().await.unwrap();
    setup.world.clock.advance(HOUR);
    let Twin::QueryServer(twin) = &setup.world.twin else {
        unreachable!()
    };
    let theirs = twin.seed(access_tokens_testing::query_server::Seed::new("edge"));
    let rotated = rotation.finish().await.unwrap();
    let Old::Remains(error) = rotated.old else {
        panic!()
    };
    assert_eq!(error.kind(), ErrorKind::Changed);
    assert!(twin.authenticates(&theirs.secret));
    assert!(rotation.forget().await.unwrap().is_some());
    setup.assert_no_entry().await;
}

#[tokio::test]
async fn of_two_rotations_at_once_the_second_is_refused() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let journal: Arc<dyn Journal> =
            Arc::new(FileJournal::new(setup.scratch.path("journal")).unwrap());
        let other: Arc<dyn Journal> =
            Arc::new(FileJournal::new(setup.scratch.path("journal")).unwrap());
        let rotation = setup.rotation().shared_journal(other).plan().await.unwrap();
        let refused = Arc::new(tokio::sync::Mutex::new(None));
        let inside = Arc::clone(&refused);
        let check = Verify::custom(move |_| {
            let (plan, inside) = (rotation.clone(), Arc::clone(&inside));
            async move {
                *inside.lock().await = Some(plan.run().await.unwrap_err().kind());
                Ok::<(), String>(())
            }
        });
        let first = setup.rotation().shared_journal(journal).verify(check);
        first.plan().await.unwrap().run().await.unwrap();
        assert_eq!(*refused.lock().await, Some(ErrorKind::InProgress));
        setup.assert_rotated().await;
    }
}

#[tokio::test]
async fn whoever_resumes_stops_the_one_who_still_works_at_it() {
    let setup = Setup::new(Kind::AvisiCloud).await;
    let same = setup
        .rotation()
        .verify(Verify::custom(|_| async { Ok::<(), String>(()) }));
    let check = Verify::custom(move |_| {
        let same = same.clone();
        async move {
            same.resume()
                .await
                .map(drop)
                .map_err(|error| error.to_string())
        }
    });
    let error = setup
        .rotation()
        .verify(check)
        .plan()
        .await
        .unwrap()
        .run()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Superseded, "{error}");
    setup.assert_rotated().await;
}

#[tokio::test]
async fn a_failing_command_undoes_the_files_before_it() {
    let setup = Setup::new(Kind::AvisiCloud).await;
    let rotation = setup.rotation().deliver(CommandSink::new("false"));
    let error = rotation.plan().await.unwrap().run().await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("command false: failed with exit status: 1"),
        "{error}"
    );
    setup.assert_untouched().await;
}
