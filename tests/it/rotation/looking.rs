//! Looking without touching, and what a rotation costs: plans, states, events in a file, swaps.

use access_tokens::rotation::sink::SinkKind;
use access_tokens::rotation::state::{MemoryStore, StateStore, Stored, write};
use access_tokens::rotation::{
    AfterStep, Cause, ErrorKind, Event, JsonLines, Keeper, ManagedToken, Verdict,
};
use access_tokens::{RotationPolicy, days};
use serde_json::json;

use super::{HOUR, KINDS, Kind, MINUTE, Setup, Then, Trouble, Vault, Watched, said};
use crate::support::Scratch;

fn changes(call: &str) -> bool {
    !call.starts_with("get") && !call.starts_with("list")
}

#[tokio::test]
async fn a_plan_decides_as_a_tick_would_and_changes_nothing() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let store = Watched::default();
        let (keeper, token) = (setup.keeper_on(store.clone()), setup.token());
        let first = keeper.plan(&token).await.unwrap();
        assert_eq!(first.verdict, Verdict::NotDue, "{first}");
        assert_eq!(first.current.as_ref(), Some(&setup.world.key));
        assert!(first.to_string().contains("first contact"), "{first}");
        assert_eq!(keeper.status(token.name()).await.unwrap(), None);
        let _ = keeper.tick(&token).await;
        setup.pass(days(91));
        store.calls();
        setup.ledger.take();
        let plan = keeper.plan(&token).await.unwrap();
        assert_eq!(plan.verdict, Verdict::Rotate(Cause::Policy), "{plan}");
        let text = plan.to_string();
        assert!(text.contains("vault first") && text.contains(setup.world.key.as_str()));
        assert_eq!(plan, serde_json::from_value(json!(plan)).unwrap());
        assert_eq!(said(&keeper.tick(&token).await), "rotated");
        let waits = keeper.plan(&token).await.unwrap();
        assert_eq!(waits.verdict, Verdict::NotDue, "{waits}");
        setup.pass(days(1) + MINUTE);
        setup.world.clear_requests();
        store.calls();
        setup.ledger.take();
        let (writes, tidy) = (setup.vault.writes(), keeper.plan(&token).await.unwrap());
        assert_eq!(tidy.verdict, Verdict::Tidy, "{tidy}");
        assert!(tidy.to_string().contains("judges it again"), "{tidy}");
        let calls = setup.world.calls();
        assert!(!calls.iter().any(|call| changes(call)), "{calls:?}");
        let asked = store.calls();
        assert!(
            asked.iter().all(|call| call.starts_with("load")),
            "{asked:?}"
        );
        assert_eq!(setup.vault.writes(), writes);
        assert!(setup.ledger.take().is_empty());
    }
}

#[tokio::test]
async fn a_status_tells_from_the_state_alone() {
    let setup = Setup::new(Kind::LaunchDarkly).await;
    let (keeper, token) = (setup.keeper(), setup.token());
    let _ = keeper.tick(&token).await;
    setup.pass(days(91));
    let rotated = keeper.tick(&token).await;
    setup.world.clear_requests();
    let status = keeper.status(token.name()).await.unwrap().unwrap();
    assert_eq!(status.current, rotated.current);
    assert_eq!(status.previous.len(), 1);
    let (told, said) = (json!(status), json!(rotated));
    assert_eq!(told["current"], said["current"]);
    assert_eq!(told["previous"][0]["key"], json!(setup.world.key));
    assert_eq!(told["last_rotation"]["reason"], "policy");
    assert_eq!(
        (&said["outcome"], &said["reason"], &said["error"]),
        (&json!("rotated"), &json!("policy"), &json!(null))
    );
    let last = status.last_rotation.unwrap();
    assert_eq!(
        (last.from, last.reason.as_str()),
        (Some(setup.world.key.clone()), "policy")
    );
    assert!(last.detail.contains("90 days"), "{}", last.detail);
    assert!(status.pending.is_empty() && status.failing_since.is_none());
    setup.vault.trouble(Trouble::Refused, 9);
    let _ = keeper
        .rotate(&token, access_tokens::rotation::Reason::Scheduled)
        .await;
    let status = keeper.status(token.name()).await.unwrap().unwrap();
    assert_eq!(json!(status)["last_error"]["kind"], "sink");
    assert_eq!(status.last_error.unwrap().0, ErrorKind::Sink);
    assert!(status.failing_since.is_some() && status.next_attempt.is_some());
    // One that cannot be read hides no other.
    let broken = Stored::new("token/broken", json!({"format": 1}));
    write(&setup.store, None, &broken).await.unwrap();
    let all = keeper.statuses().await.unwrap();
    assert_eq!(all.len(), 2);
    let (good, bad): (Vec<_>, Vec<_>) = all.into_iter().partition(Result::is_ok);
    assert_eq!(good[0].as_ref().unwrap().token, "edge-token");
    let bad = bad[0].as_ref().unwrap_err();
    assert_eq!((bad.token(), bad.kind()), ("broken", ErrorKind::Record));
}

/// A first contact that fails leaves word of it, and is made as if for the first time later.
#[tokio::test]
async fn a_first_contact_that_fails_is_seen_in_the_status() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let (keeper, token) = (setup.keeper(), setup.token());
        setup.vault.fail_observe(true);
        for _ in 0..2 {
            let failed = keeper.tick(&token).await;
            assert_eq!(said(&failed), "failed sink", "{failed}");
            setup.pass(HOUR);
        }
        let status = keeper.status(token.name()).await.unwrap().unwrap();
        assert_eq!(status.last_error.unwrap().0, ErrorKind::Sink);
        assert_eq!((status.current, status.attempts), (None, 2));
        assert!(keeper.plan(&token).await.is_err());
        setup.vault.fail_observe(false);
        let first = keeper.tick(&token).await;
        assert_eq!(said(&first), "not_due", "{first}");
        let status = keeper.status(token.name()).await.unwrap().unwrap();
        assert_eq!(status.current.as_ref(), Some(&setup.world.key));
        assert_eq!(status.last_error, None);
        assert!(!setup.world.calls().iter().any(|call| changes(call)));
    }
}

#[tokio::test]
async fn what_is_forgotten_can_be_adopted_anew_and_nothing_unfinished_is_forgotten() {
    for kind in KINDS {
        let setup = Setup::new(kind).await;
        let (keeper, token) = (setup.keeper(), setup.token());
        let _ = keeper.tick(&token).await;
        setup.pass(days(91));
        let rotated = keeper.tick(&token).await;
        setup.world.clear_requests();
        keeper.forget(token.name()).await.unwrap();
        assert!(setup.world.calls().is_empty());
        assert_eq!(keeper.status(token.name()).await.unwrap(), None);
        assert!(
            setup.store.list("").await.unwrap().is_empty(),
            "something is left"
        );
        setup.assert_works();
        let again = setup
            .builder()
            .adopt(rotated.current.clone().unwrap())
            .build()
            .unwrap();
        let adopted = keeper.tick(&again).await;
        assert_eq!(adopted.current, rotated.current, "{adopted}");
    }
    // While a runner is at work, and while something is unfinished.
    let setup = Setup::new(Kind::LaunchDarkly).await;
    let store = Watched::default();
    let (keeper, token) = (setup.keeper_on(store.clone()), setup.token());
    let _ = keeper.tick(&token).await;
    setup.pass(days(91));
    store.after_swap(1, Then::Hang);
    tokio::select! {
        report = keeper.tick(&token) => panic!("{report}"),
        () = store.reached() => {}
    }
    let keeper = setup.keeper_on(store.elsewhere());
    for _ in 0..2 {
        let error = keeper.forget(token.name()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Interrupted, "{error}");
        setup.pass(HOUR);
    }
}

#[tokio::test]
async fn a_rotation_takes_three_swaps_and_a_step_after_it_a_fourth() {
    for (step, swaps) in [(false, 3), (true, 4)] {
        for kind in KINDS {
            let setup = Setup::new(kind).await;
            let store = Watched::default();
            let mut builder = setup.builder();
            if step {
                let done = |_| async { Ok::<(), String>(()) };
                builder = builder.after(AfterStep::from_fn("reload", done));
            }
            let (keeper, token) = (setup.keeper_on(store.clone()), builder.build().unwrap());
            let _ = keeper.tick(&token).await;
            assert_eq!(store.swaps(), 0, "to look takes none");
            setup.pass(days(91));
            assert_eq!(said(&keeper.tick(&token).await), "rotated");
            assert_eq!(store.swaps(), swaps, "{kind:?}");
            setup.pass(HOUR);
            let _ = keeper.tick(&token).await;
            assert_eq!(store.swaps(), swaps, "nothing to do takes none");
            setup.pass(days(1));
            assert_eq!(said(&keeper.tick(&token).await), "retired");
            assert_eq!(store.swaps(), swaps + 2, "{kind:?}");
        }
    }
}

#[tokio::test]
async fn a_rotation_into_several_sinks_takes_no_more_swaps() {
    for sink in [SinkKind::Restorable, SinkKind::Blind] {
        let setup = Setup::with(Kind::LaunchDarkly, sink).await;
        let others = ["b", "c", "d"].map(|name| Vault::holding(name, sink, &setup.world.secret));
        let sinks: Vec<_> = std::iter::once(&setup.vault).chain(&others).collect();
        let store = Watched::default();
        let (keeper, token) = (setup.keeper_on(store.clone()), setup.with_sinks(&sinks));
        let _ = keeper.tick(&token).await;
        setup.pass(days(91));
        assert_eq!(said(&keeper.tick(&token).await), "rotated");
        assert_eq!(store.swaps(), 3, "{sink}");
        for vault in sinks {
            assert!(setup.world.accepts(&vault.secret().unwrap()));
        }
    }
}

/// Some other program moves the file away while several keepers write to it.
#[tokio::test]
async fn events_in_a_file_survive_that_the_file_is_rotated_away() {
    let setup = Setup::new(Kind::LaunchDarkly).await;
    let scratch = Scratch::new();
    std::fs::create_dir_all(scratch.path("")).unwrap();
    let (path, away) = (scratch.path("events.jsonl"), scratch.path("events.jsonl.1"));
    let keeper = || {
        setup
            .keeper_builder(setup.store.clone())
            .events(JsonLines::new(&path))
            .build()
    };
    let token = setup.token();
    let _ = keeper().tick(&token).await;
    assert!(!path.exists(), "that nothing is due is not written down");
    setup.pass(days(91));
    let _ = keeper().tick(&token).await;
    // What a killed process has left of a line.
    let mut cut = std::fs::read(&path).unwrap();
    cut.extend(b"{\"at\":\"20");
    std::fs::write(&path, cut).unwrap();
    std::fs::rename(&path, &away).unwrap();
    setup.pass(days(1) + MINUTE);
    let _ = keeper().tick(&token).await;
    std::fs::rename(&away, &path).unwrap();
    let _ = keeper()
        .rotate(&token, access_tokens::rotation::Reason::Scheduled)
        .await;
    let text = std::fs::read_to_string(&path).unwrap();
    let (good, bad): (Vec<_>, Vec<_>) = text
        .lines()
        .map(serde_json::from_str::<Event>)
        .partition(Result::is_ok);
    assert_eq!(bad.len(), 1, "{text}");
    let actions: Vec<String> = good.into_iter().map(|e| e.unwrap().action).collect();
    assert_eq!(actions.iter().filter(|a| *a == "rotated").count(), 2);
    // Lines sort as their times do.
    for line in text.lines().filter(|line| line.ends_with('}')) {
        let at = line.strip_prefix("{\"at\":\"").unwrap();
        assert_eq!(
            at.find('Z'),
            Some("2026-01-01T00:00:00.000".len()),
            "{line}"
        );
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

/// Nothing is sent before the store is proved writable.
#[tokio::test]
async fn a_store_that_cannot_be_written_stops_everything_before_it_begins() {
    let setup = Setup::new(Kind::LaunchDarkly).await;
    let token = ManagedToken::builder("any")
        .shared_service(setup.world.service())
        .adopt(setup.world.key.clone())
        .policy(RotationPolicy::new().max_age(days(1)))
        .overlap(HOUR)
        .deliver_to(Vault::new("any", SinkKind::Restorable))
        .build()
        .unwrap();
    let broken = access_tokens::rotation::state::FileStore::new("/proc/self/access-tokens");
    let keeper = Keeper::builder(broken).events(setup.ledger.clone()).build();
    let failed = keeper.tick(&token).await;
    assert_eq!(said(&failed), "failed store", "{failed}");
    assert_eq!(setup.ledger.actions(), ["failed"]);
    assert!(setup.world.calls().is_empty());
    let good = Keeper::new(MemoryStore::new());
    assert!(good.statuses().await.unwrap().is_empty());
}
