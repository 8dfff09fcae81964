//! What differs between what is declared, what is recorded and what is there.

use access_tokens::Secret;
use access_tokens::days;
use access_tokens::query_server::Changes;
use access_tokens::rotation::sink::SinkKind;
use access_tokens::rotation::{Cause, Outcome, Reason, Report};
use access_tokens_testing::Fault;
use access_tokens_testing::launchdarkly::Seed;
use serde_json::json;

use super::{Call, HOUR, KINDS, Kind, MINUTE, Setup, Trouble, Vault, said};

fn cause(report: &Report) -> Cause {
    match &report.outcome {
        Outcome::Rotated { cause, .. } => *cause,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_sink_that_was_added_is_a_reason_to_rotate() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let added = Vault::new("added", SinkKind::Restorable);
        let (keeper, token) = (setup.keeper(), setup.token());
        let _ = keeper.tick(&token).await;
        setup.pass(HOUR);
        let more = setup.with_sinks(&[&setup.vault, &added]);
        let rotated = keeper.tick(&more).await;
        assert_eq!(cause(&rotated), Cause::Config, "{rotated}");
        assert_eq!(added.secret(), setup.vault.secret());
        setup.assert_works();
        assert_eq!(said(&keeper.tick(&more).await), "not_due");
    }
}

#[tokio::test]
async fn a_sink_that_lost_its_content_gets_another_secret_at_once() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let (keeper, token) = (setup.keeper(), setup.token());
        let _ = keeper.tick(&token).await;
        setup.pass(days(91));
        let _ = keeper.tick(&token).await;
        // Also within the overlap of the one before: consumers are without a secret.
        setup.vault.wipe();
        let rotated = keeper.tick(&token).await;
        assert_eq!(cause(&rotated), Cause::Missing, "{rotated}");
        setup.assert_works();
    }
}

#[tokio::test]
async fn what_somebody_else_put_there_is_left_alone_until_a_person_says_so() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let (keeper, token) = (setup.keeper(), setup.token());
        let _ = keeper.tick(&token).await;
        setup.pass(days(91));
        let _ = keeper.tick(&token).await;
        let theirs = Secret::new("what somebody else wrote");
        setup.vault.overwrite(&theirs);
        for _ in 0..3 {
            setup.pass(days(91));
            let told = keeper.tick(&token).await;
            assert_eq!(said(&told), "failed drift", "{told}");
            assert_eq!(setup.vault.secret(), Some(theirs.clone()));
        }
        // Whoever reads the state alone is told too, and it was written down once.
        let status = keeper.status(token.name()).await.unwrap().unwrap();
        assert!(
            status.needs_person && status.failing_since.is_some(),
            "{status}"
        );
        assert_eq!((status.next_attempt, status.attempts), (None, 0));
        assert_eq!(
            said(&keeper.rotate(&token, Reason::Scheduled).await),
            "rotated"
        );
        setup.assert_works();
        let status = keeper.status(token.name()).await.unwrap().unwrap();
        assert!(!status.needs_person && status.failing_since.is_none());
    }
}

#[tokio::test]
async fn a_sink_that_cannot_be_written_costs_no_create() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let (keeper, token) = (setup.keeper(), setup.token());
        let _ = keeper.tick(&token).await;
        setup.pass(days(91));
        setup.vault.fail_check(true);
        for _ in 0..30 {
            let failed = keeper.tick(&token).await;
            assert_eq!(said(&failed), "failed sink", "{failed}");
            setup.pass(MINUTE);
        }
        assert_eq!(setup.world.alive(), std::slice::from_ref(&setup.world.key));
        setup.vault.fail_check(false);
        // Whoever has mended it need not wait.
        assert_eq!(said(&keeper.retry(&token).await), "rotated");
    }
}

#[tokio::test]
async fn a_delete_that_fails_is_tried_again_and_makes_no_token() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let (keeper, token) = (setup.keeper(), setup.token());
        let _ = keeper.tick(&token).await;
        setup.pass(days(91));
        let _ = keeper.tick(&token).await;
        setup.pass(days(1) + MINUTE);
        setup.world.fault_on(Call::Delete, 5, Fault::Status(500));
        let failed = keeper.tick(&token).await;
        assert_eq!(said(&failed), "failed service", "{failed}");
        assert!(failed.error().unwrap().retry_at().is_some());
        for _ in 0..30 {
            setup.pass(HOUR);
            let _ = keeper.tick(&token).await;
            setup.assert_works();
        }
        assert_eq!(setup.world.alive().len(), 1, "{kind:?}");
        assert_eq!(said(&keeper.tick(&token).await), "not_due");
    }
}

#[tokio::test]
async fn another_service_or_account_under_the_same_name_is_refused_with_the_way_to_do_it() {
    let (setup, other) = (
        Setup::new(Kind::LaunchDarkly).await,
        Setup::new(Kind::QueryServer).await,
    );
    let keeper = setup.keeper();
    let _ = keeper.tick(&setup.token()).await;
    let account = setup.builder().account("another").build().unwrap();
    for token in [other.token(), account] {
        let refused = keeper.tick(&token).await;
        assert_eq!(said(&refused), "failed declaration", "{refused}");
        assert!(refused.to_string().contains("forget"), "{refused}");
    }
    assert!(other.world.calls().is_empty());
}

#[tokio::test]
async fn a_change_of_the_declaration_or_a_request_skips_the_back_off_once() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let (keeper, token) = (setup.keeper(), setup.token());
        let _ = keeper.tick(&token).await;
        setup.pass(days(91));
        setup.vault.trouble(Trouble::Refused, 2);
        assert_eq!(said(&keeper.tick(&token).await), "failed sink");
        setup.world.clear_requests();
        assert_eq!(said(&keeper.tick(&token).await), "failed sink");
        assert!(setup.world.calls().is_empty());
        let changed = setup.builder().overlap(2 * HOUR).build().unwrap();
        assert_eq!(said(&keeper.tick(&changed).await), "failed sink");
        assert!(!setup.world.calls().is_empty());
        setup.world.clear_requests();
        assert_eq!(said(&keeper.tick(&changed).await), "failed sink");
        assert!(setup.world.calls().is_empty());
        let rotated = keeper.rotate(&changed, Reason::Scheduled).await;
        assert_eq!(said(&rotated), "rotated", "{rotated}");
        setup.assert_works();
    }
}

/// Soon after its making, a token that is not listed may be late or gone; that is told, and nothing done.
#[tokio::test]
async fn a_new_token_that_is_not_listed_is_told_of_until_it_counts_as_gone() {
    // Avisi Cloud goes on listing what is revoked.
    for kind in [Kind::LaunchDarkly, Kind::QueryServer] {
        let setup = Setup::new(kind).await;
        let (keeper, token) = (setup.keeper(), setup.token());
        let _ = keeper.tick(&token).await;
        setup.pass(days(91));
        let rotated = keeper.tick(&token).await;
        let Outcome::Rotated { to, .. } = &rotated.outcome else {
            panic!("{rotated}");
        };
        let quiet = keeper.tick(&token).await;
        assert_eq!(
            (said(&quiet), quiet.warnings.len()),
            ("not_due".to_owned(), 0)
        );
        setup.world.service().delete(to).await.unwrap();
        setup.pass(MINUTE);
        let told = keeper.tick(&token).await;
        assert_eq!(said(&told), "not_due", "{kind:?} {told}");
        let [warning] = told.warnings.as_slice() else {
            panic!("{kind:?} {told}");
        };
        assert!(warning.contains(to.as_str()), "{warning}");
        assert!(warning.contains("it counts as gone from"), "{warning}");
        let plan = keeper.plan(&token).await.unwrap();
        assert!(plan.notes.contains(warning), "{plan}");
        setup.pass(HOUR);
        let gone = keeper.tick(&token).await;
        assert_eq!(said(&gone), "failed gone", "{kind:?} {gone}");
        assert_eq!(gone.warnings, [] as [String; 0], "{kind:?}");
    }
}

#[tokio::test]
async fn a_token_that_may_be_one_that_cannot_be_read_is_told_of() {
    let setup = Setup::new(Kind::LaunchDarkly).await;
    let (keeper, token) = (setup.keeper(), setup.token());
    let _ = keeper.tick(&token).await;
    setup.pass(HOUR);
    let twin = setup.world.launchdarkly();
    twin.remove(setup.world.key.as_str());
    twin.seed(Seed::new("odd").shown_with("_id", json!(5)));
    let told = keeper.tick(&token).await;
    assert_eq!(said(&told), "not_due", "{told}");
    let [warning] = told.warnings.as_slice() else {
        panic!("{told}");
    };
    assert!(warning.contains("cannot be read"), "{warning}");
}

/// Somebody updates each token, which kills its secret. Consumers do not wait for an overlap, and there are
/// not more and more tokens.
#[tokio::test]
async fn a_token_that_is_not_accepted_any_more_is_followed_at_once_and_not_without_end() {
    let setup = Setup::new(Kind::QueryServer).await;
    let client = access_tokens::query_server::Client::builder()
        .base_url(setup.world.base_url())
        .credential(setup.world.credential())
        .clock(setup.world.clock.clone())
        .build()
        .unwrap();
    let (keeper, token) = (setup.keeper(), setup.token());
    let mut current = keeper.tick(&token).await.current.unwrap();
    let mut rotations = 0;
    for _ in 0..8 {
        setup.pass(MINUTE);
        let changes = Changes::new().write(true);
        let _ = client.update(current.as_str(), changes).await.unwrap();
        let report = keeper.tick(&token).await;
        rotations += u32::from(matches!(report.outcome, Outcome::Rotated { .. }));
        current = report.current.unwrap();
        assert!(setup.world.alive().len() <= 5, "{:?}", setup.world.alive());
    }
    // Three formers are within their overlap then.
    assert_eq!(rotations, 3);
}
