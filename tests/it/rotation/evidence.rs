//! Evidence: every decision and act leaves its event, whatever happens to the process.

use std::sync::Arc;

use access_tokens::days;
use access_tokens::rotation::sink::SinkKind;
use access_tokens::rotation::{Event, Outcome, Reason};
use access_tokens_testing::Fault;
use tokio::sync::Notify;

use super::{Call, HOUR, KINDS, MINUTE, Setup, Then, Trouble, Watched, said};

fn of<'a>(events: &'a [Event], action: &str) -> Vec<&'a Event> {
    let all = events.iter();
    all.filter(|event| event.action == action).collect()
}

#[tokio::test]
async fn a_rotation_leaves_one_event_that_says_who_when_why_and_what() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let (keeper, token) = (setup.keeper(), setup.token());
        let _ = keeper.tick(&token).await;
        setup.pass(days(91));
        setup.ledger.take();
        let rotated = keeper.tick(&token).await;
        let Outcome::Rotated { from, to, .. } = &rotated.outcome else {
            panic!("{rotated}");
        };
        let events = setup.ledger.take();
        let actions: Vec<_> = events.iter().map(|event| event.action.as_str()).collect();
        let all = ["creating", "created", "confirmed", "delivered", "rotated"];
        assert_eq!(actions, all, "{kind:?}");
        let event = events.last().unwrap();
        assert_eq!((&event.from, event.key.as_ref()), (from, Some(to)));
        assert_eq!(event.reason.as_deref(), Some("policy"));
        assert!(
            event.detail.as_ref().unwrap().contains("90 days"),
            "{event:?}"
        );
        assert!(events.iter().all(|other| other.runner == event.runner));
        // Nothing more is said of it later.
        for _ in 0..3 {
            setup.pass(HOUR);
            let _ = keeper.tick(&token).await;
        }
        assert!(
            setup
                .ledger
                .actions()
                .iter()
                .all(|action| action == "not_due")
        );
    }
}

#[tokio::test]
async fn a_rotation_that_is_killed_around_its_commit_has_its_event() {
    for kind in KINDS {
        // The third swap is the commit.
        for swap in 1..=3 {
            let setup = Setup::new(kind).await;
            let store = Watched::default();
            let (keeper, token) = (setup.keeper_on(store.clone()), setup.token());
            let _ = keeper.tick(&token).await;
            setup.pass(days(91));
            setup.ledger.take();
            store.after_swap(swap, Then::Hang);
            tokio::select! {
                report = keeper.tick(&token) => panic!("{report}"),
                () = store.reached() => {}
            }
            // Another process, when the lease is over.
            let keeper = setup.keeper_on(store);
            for _ in 0..6 {
                setup.pass(HOUR);
                let _ = keeper.tick(&token).await;
            }
            let events = setup.ledger.take();
            let rotated = of(&events, "rotated");
            let current = keeper.status(token.name()).await.unwrap().unwrap().current;
            assert_eq!(rotated.len(), 1, "{kind:?} {swap}: {events:?}");
            assert_eq!(rotated[0].key, current, "{kind:?} {swap}");
            assert_eq!(rotated[0].from.as_ref(), Some(&setup.world.key));
            setup.assert_works();
        }
    }
}

#[tokio::test]
async fn a_rotation_that_is_found_finished_by_another_tick_has_its_event() {
    let setup = Setup::new(KINDS[0]).await;
    let (keeper, token) = (setup.keeper(), setup.token());
    let _ = keeper.tick(&token).await;
    setup.pass(days(91));
    setup.vault.trouble(Trouble::Unanswered, 1);
    let cut = setup.events_hang_at("sink_failed");
    tokio::select! {
        report = cut.tick(&token) => panic!("{report}"),
        () = setup.hung() => {}
    }
    setup.ledger.take();
    setup.pass(HOUR);
    let resumed = keeper.tick(&token).await;
    assert_eq!(said(&resumed), "resumed", "{resumed}");
    let events = setup.ledger.take();
    let rotated = of(&events, "rotated");
    assert_eq!(rotated.len(), 1, "{events:?}");
    assert_eq!(rotated[0].key, resumed.current);
    assert_eq!(rotated[0].reason.as_deref(), Some("resumed"));
    assert_eq!(of(&events, "resumed").len(), 1);
}

/// Overtaken between the event and the swap: what was said is taken back, and the other says it.
#[tokio::test]
async fn an_event_of_a_commit_that_came_too_late_is_taken_back() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let go_on = Arc::new(Notify::new());
        let (slow, other) = (setup.events_stop_at("rotated", &go_on), setup.keeper());
        let token = setup.token();
        let _ = other.tick(&token).await;
        setup.pass(days(91));
        setup.ledger.take();
        let overtaking = async {
            setup.hung().await;
            setup.pass(HOUR);
            let resumed = other.tick(&token).await;
            assert_eq!(said(&resumed), "resumed", "{kind:?}: {resumed}");
            go_on.notify_one();
            resumed
        };
        let (late, resumed) = tokio::join!(slow.tick(&token), overtaking);
        assert_eq!(said(&late), "busy", "{kind:?}: {late}");
        assert_eq!(late.current, resumed.current);
        let events = setup.ledger.take();
        let (rotated, undone) = (of(&events, "rotated"), of(&events, "superseded"));
        assert_eq!((rotated.len(), undone.len()), (2, 1), "{events:?}");
        assert!(rotated.iter().all(|event| event.key == resumed.current));
        assert!(rotated.iter().any(|e| e.runner != undone[0].runner));
        setup.assert_works();
    }
}

#[tokio::test]
async fn each_outcome_leaves_its_event() {
    let setup = Setup::new(KINDS[0]).await;
    let (keeper, token) = (setup.keeper(), setup.token());
    let mut told = Vec::new();
    let mut tick = async |what: &str| {
        setup.ledger.take();
        let report = keeper.tick(&token).await;
        assert_eq!(report.outcome.as_str(), what, "{report}");
        let actions = setup.ledger.actions();
        let times = actions.iter().filter(|action| *action == what).count();
        assert_eq!(times, 1, "{what}: {actions:?}");
        told.push(what.to_owned());
    };
    tick("not_due").await;
    setup.pass(days(91));
    setup.world.fault_on(Call::Create, 1, Fault::Status(400));
    tick("failed").await;
    setup.pass(HOUR);
    tick("rotated").await;
    setup.ledger.take();
    let rolled_back = keeper.rollback(&token).await;
    assert_eq!(said(&rolled_back), "rolled_back", "{rolled_back}");
    let actions = setup.ledger.actions();
    assert_eq!(actions, ["asked", "restored", "rolled_back"]);
    tick("suspended").await;
    keeper.release(token.name()).await.unwrap();
    assert!(setup.ledger.actions().contains(&"released".to_owned()));
    let _ = keeper.rotate(&token, Reason::Scheduled).await;
    setup.pass(days(1) + MINUTE);
    tick("retired").await;
    // Two at once.
    let store = Watched::default();
    let keepers = [
        setup.keeper_on(store.clone()),
        setup.keeper_on(store.clone()),
    ];
    let other = setup
        .builder()
        .adopt(
            keeper
                .status(token.name())
                .await
                .unwrap()
                .unwrap()
                .current
                .unwrap(),
        )
        .reclaim(true)
        .build()
        .unwrap();
    let _ = keepers[0].tick(&other).await;
    store.after_swap(1, Then::Stop);
    let second = async {
        store.reached().await;
        setup.ledger.take();
        let busy = keepers[1].tick(&other).await;
        assert_eq!(said(&busy), "busy", "{busy}");
        assert_eq!(setup.ledger.actions(), ["busy"]);
        store.go_on();
    };
    let (first, ()) = tokio::join!(keepers[0].rotate(&other, Reason::Suspected), second);
    assert_eq!(said(&first), "rotated", "{first}");
    // What does not even begin.
    let setup = Setup::new(KINDS[0]).await;
    let refused = setup.builder().adopt("held by nobody").build().unwrap();
    let keeper = setup.keeper();
    assert_eq!(said(&keeper.tick(&refused).await), "failed not_found");
    assert_eq!(setup.ledger.actions(), ["failed"]);
}

#[tokio::test]
async fn what_is_deleted_says_so_also_if_the_one_that_did_it_was_killed() {
    let setup = Setup::new(KINDS[0]).await;
    let (keeper, token) = (setup.keeper(), setup.token());
    let _ = keeper.tick(&token).await;
    setup.pass(days(91));
    let _ = keeper.tick(&token).await;
    setup.pass(days(1) + MINUTE);
    let cut = setup.events_hang_at("deleted");
    tokio::select! {
        report = cut.tick(&token) => panic!("{report}"),
        () = setup.hung() => {}
    }
    assert!(!setup.world.accepts(&setup.world.secret), "it is deleted");
    setup.ledger.take();
    setup.pass(HOUR);
    let _ = keeper.tick(&token).await;
    let events = setup.ledger.take();
    let deleted = of(&events, "deleted");
    assert_eq!(deleted.len(), 1, "{events:?}");
    assert_eq!(deleted[0].key.as_ref(), Some(&setup.world.key));
}

#[tokio::test]
async fn no_event_holds_a_secret() {
    for kind in KINDS {
        for sink in [SinkKind::Restorable, SinkKind::Blind] {
            let setup = Setup::with(kind, sink).await;
            let (keeper, token) = (setup.keeper(), setup.token());
            let _ = keeper.tick(&token).await;
            setup.pass(days(91));
            setup.vault.trouble(Trouble::SaysTheSecret, 1);
            let first = keeper.tick(&token).await;
            setup.pass(HOUR);
            let second = keeper.rotate(&token, Reason::Suspected).await;
            setup.pass(days(2));
            let third = keeper.tick(&token).await;
            let events = serde_json::to_string(&setup.ledger.take()).unwrap();
            let status = keeper.status(token.name()).await.unwrap();
            let records = format!("{:?}", setup.store);
            let all = format!("{events}{first:?}{first}{second:?}{third:?}{status:?}{records}");
            assert!(events.contains("rotated"), "{events}");
            for secret in setup.secrets() {
                let tail = &secret[secret.len() - 12..];
                assert!(!all.contains(tail), "{kind:?} {sink}: {all}");
            }
        }
    }
}

#[tokio::test]
async fn an_event_sink_that_fails_or_hangs_stops_nothing() {
    let setup = Setup::new(KINDS[0]).await;
    let (keeper, token) = (setup.events_hang_at("created"), setup.token());
    let _ = keeper.tick(&token).await;
    setup.pass(days(91));
    let rotated = keeper.tick(&token).await;
    assert_eq!(said(&rotated), "rotated", "{rotated}");
    let noted = rotated.warnings.iter().any(|w| w.contains("event"));
    assert!(noted, "{rotated}");
    setup.assert_works();
}
