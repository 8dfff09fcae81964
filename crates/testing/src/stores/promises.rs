//! The seven promises of a store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use access_tokens::rotation::state::{
    Listed, PROBE_PREFIX, StateStore, StoreError, StoreErrorKind as Kind, StoreVersion, Stored,
    write,
};
use serde_json::json;

use super::report::{Failure, Promise, Report};
use super::steps::{TASKS, at_once, handle_list, made, only_winner, refuses, seen};
use super::{Damage, FaultyStore, Run, StoreFault, judge, race};

/// Stands in bodies, and nowhere else.
const CANARY: &str = "canary-5f1c9e";

pub(super) async fn probes(run: &Run<'_>, report: &mut Report) -> Result<(), Failure> {
    let promise = Promise::Probes;
    for handle in run.handles {
        let probed = handle.probe().await;
        probed.map_err(|error| Failure::call(promise, "probe", &error))?;
    }
    let left = handle_list(run, PROBE_PREFIX, promise).await?;
    if left.iter().any(|listed| matches!(listed, Listed::Entry(_))) {
        return Err(Failure::new(promise, "an entry of the probe is left"));
    }
    report.keep(promise, "and leaves nothing");
    Ok(())
}

pub(super) async fn create_is_exclusive(run: &Run<'_>, report: &mut Report) -> Result<(), Failure> {
    let promise = Promise::CreateIsExclusive;
    for round in 0..run.rounds {
        let name = run.name(&format!("create-{round}"));
        let results = at_once(run, |store, task| {
            let entry = Stored::new(&name, json!({"task": task}));
            async move { (entry.version.clone(), store.create(&entry).await) }
        })
        .await?;
        let winner = only_winner(promise, results, Kind::Exists)?;
        seen(run, &name, &winner).await?;
    }
    report.keep(promise, format!("{} races of {TASKS} creators", run.rounds));
    Ok(())
}

pub(super) async fn replace_is_conditional(
    run: &Run<'_>,
    report: &mut Report,
) -> Result<(), Failure> {
    let promise = Promise::ReplaceIsConditional;
    let store = run.handle(0);
    let name = run.name("replace");
    let first = Stored::new(&name, json!({"at": 1}));
    let refused = store.replace(&first.version, &first.next(json!(2))).await;
    refuses(promise, "replacing what is not there", refused)?;
    made(promise, write(&store, None, &first).await)?;
    let second = first.next(json!({"at": 2}));
    made(promise, write(&store, Some(&first.version), &second).await)?;
    let same_generation = StoreVersion {
        write_id: first.version.write_id.clone(),
        ..second.version.clone()
    };
    let same_write = StoreVersion {
        generation: first.version.generation,
        ..second.version.clone()
    };
    for stale in [&first.version, &same_generation, &same_write] {
        let refused = run
            .handle(1)
            .replace(stale, &second.next(json!("stale")))
            .await;
        refuses(promise, &format!("replacing {stale}"), refused)?;
    }
    seen(run, &name, &second.version).await?;
    report.keep(promise, "by generation and by write id");
    Ok(())
}

pub(super) async fn writers_never_both_win(
    run: &Run<'_>,
    report: &mut Report,
) -> Result<(), Failure> {
    let promise = Promise::WritersNeverBothWin;
    let name = run.name("race");
    let mut last = Stored::new(&name, json!({"round": 0}));
    made(promise, write(&run.handle(0), None, &last).await)?;
    for round in 0..run.rounds {
        let results = at_once(run, |store, task| {
            let next = last.next(json!({"round": round, "task": task}));
            let expected = last.version.clone();
            async move { (next.version.clone(), store.replace(&expected, &next).await) }
        })
        .await?;
        let winner = only_winner(promise, results, Kind::Superseded)?;
        last.version = winner.clone();
        seen(run, &name, &winner).await?;
    }
    // And each at its own pace.
    let name = run.name("paced");
    let rounds = usize::try_from(run.rounds).unwrap_or(usize::MAX);
    let all = at_once(run, |store, task| {
        let name = name.clone();
        async move { race(&*store, &name, &task.to_string(), rounds / 4 + 1).await }
    })
    .await?;
    let mut wins = Vec::new();
    for won in all {
        wins.extend(won.map_err(|error| Failure::call(promise, "a race", &error))?);
    }
    judge(&wins)?;
    let races = format!(
        "{} races of {TASKS} writers, and {} writes",
        run.rounds,
        wins.len()
    );
    report.keep(promise, races);
    report.keep(Promise::AnsweredIsSeen, "after each race, by every handle");
    Ok(())
}

pub(super) async fn remove_is_conditional(
    run: &Run<'_>,
    report: &mut Report,
) -> Result<(), Failure> {
    let promise = Promise::RemoveIsConditional;
    let (one, other) = (run.handle(0), run.handle(1));
    let name = run.name("remove");
    let first = Stored::new(&name, json!(1));
    refuses(
        promise,
        "removing what is not there",
        one.remove(&name, &first.version).await,
    )?;
    made(promise, write(&one, None, &first).await)?;
    let second = first.next(json!(2));
    made(promise, write(&one, Some(&first.version), &second).await)?;
    refuses(
        promise,
        "removing a stale version",
        other.remove(&name, &first.version).await,
    )?;
    made(promise, other.remove(&name, &second.version).await)?;
    if one
        .load(&name)
        .await
        .map_err(|e| Failure::call(promise, "load", &e))?
        .is_some()
    {
        return Err(Failure::new(promise, "what was removed is still there"));
    }
    // The name can be used again, and nothing old fits it.
    let again = Stored::new(&name, json!(3));
    made(promise, write(&other, None, &again).await)?;
    refuses(
        promise,
        "replacing an earlier life",
        one.replace(&first.version, &second).await,
    )?;
    refuses(
        promise,
        "removing an earlier life",
        one.remove(&name, &first.version).await,
    )?;
    seen(run, &name, &again.version).await?;

    for round in 0..run.rounds {
        let name = run.name(&format!("remove-{round}"));
        let entry = Stored::new(&name, json!("here"));
        made(promise, write(&one, None, &entry).await)?;
        let next = entry.next(json!("changed"));
        let results = at_once(run, |store, task| {
            let (name, version, next) = (name.clone(), entry.version.clone(), next.clone());
            async move {
                match task % 2 {
                    0 => (task, store.remove(&name, &version).await),
                    _ => (task, store.replace(&version, &next).await),
                }
            }
        })
        .await?;
        let removed = only_winner(promise, results, Kind::Superseded)? % 2 == 0;
        let left = one
            .load(&name)
            .await
            .map_err(|e| Failure::call(promise, "load", &e))?;
        if left.is_none() != removed {
            return Err(Failure::new(promise, "a removal and a write both counted"));
        }
    }
    report.keep(
        promise,
        format!("{} races of removals and writes", run.rounds),
    );
    Ok(())
}

pub(super) async fn lost_answers_are_told_from_lost_races(
    run: &Run<'_>,
    report: &mut Report,
) -> Result<(), Failure> {
    let promise = Promise::LostAnswerIsTold;
    let rounds = usize::try_from(run.rounds).unwrap_or(usize::MAX) / 10 + 1;
    let faults = Arc::new(AtomicU64::new(0));
    // Alone, nobody else can have been first.
    let name = run.name("lost-alone");
    let alone = losing(run.handle(0), 0, &faults);
    let mut last: Option<Stored> = None;
    for at in 0..rounds * 4 {
        let next = last
            .as_ref()
            .map_or_else(|| Stored::new(&name, json!(0)), |l| l.next(json!(at)));
        let expected = last.as_ref().map(|last| &last.version);
        let written = write(&alone, expected, &next).await;
        written.map_err(|error| Failure::call(promise, "a write that nobody contests", &error))?;
        last = Some(next);
    }
    // Against each other, each write says which ones were before it.
    let name = run.name("lost");
    let all = at_once(run, |store, task| {
        let (store, name) = (losing(store, task as u64, &faults), name.clone());
        async move { chained(&store, &name, rounds).await }
    })
    .await?;
    let mut claimed = Vec::new();
    for won in all {
        claimed.extend(won.map_err(|error| Failure::call(promise, "a write", &error))?);
    }
    let last = run.handle(0).load(&name).await;
    let last = last.map_err(|error| Failure::call(promise, "load", &error))?;
    let last = last.ok_or_else(|| Failure::new(promise, "what was written is not there"))?;
    let chain: Vec<String> = serde_json::from_value(last.body).unwrap_or_default();
    if chain.len() as u64 != last.version.generation {
        return Err(Failure::new(
            promise,
            "a write did not take the place of the one before it",
        ));
    }
    if claimed.iter().any(|claimed| !chain.contains(claimed)) {
        return Err(Failure::new(
            promise,
            "a writer was told that it won, and did not",
        ));
    }
    let calls = faults.load(Ordering::Relaxed);
    report.keep(
        promise,
        format!("{} writes, {calls} calls lost", claimed.len()),
    );
    Ok(())
}

/// A store of which every fourth or fifth call is lost, after or before it is done.
fn losing(store: Arc<dyn StateStore>, task: u64, faults: &Arc<AtomicU64>) -> FaultyStore {
    let faults = Arc::clone(faults);
    FaultyStore::new(store, move |number, _| {
        let fault = match (number * 7 + task) % 9 {
            0 => StoreFault::AnswerLost,
            4 => StoreFault::RequestLost,
            _ => return None,
        };
        faults.fetch_add(1, Ordering::Relaxed);
        Some(fault)
    })
}

/// Wins so many writes, each of which adds its id to those before it.
async fn chained(store: &FaultyStore, name: &str, wins: usize) -> Result<Vec<String>, StoreError> {
    let mut claimed = Vec::new();
    while claimed.len() < wins {
        let found = match store.load(name).await {
            Err(error) if error.kind() == Kind::Unavailable => continue,
            found => found?,
        };
        let mut chain = found
            .as_ref()
            .map_or_else(|| json!([]), |found| found.body.clone());
        let mut next = match &found {
            Some(found) => found.next(json!([])),
            None => Stored::new(name, json!([])),
        };
        if let Some(chain) = chain.as_array_mut() {
            chain.push(json!(next.version.write_id));
        }
        next.body = chain;
        match write(store, found.as_ref().map(|found| &found.version), &next).await {
            Ok(()) => claimed.push(next.version.write_id),
            Err(error) if matches!(error.kind(), Kind::Superseded | Kind::Exists) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(claimed)
}

pub(super) async fn unreadable_entries_hide_nothing(
    run: &Run<'_>,
    damage: &Damage,
    report: &mut Report,
) -> Result<(), Failure> {
    let promise = Promise::UnreadableHidesNothing;
    let fail = |what: &str| Err(Failure::new(promise, what));
    let store = run.handle(0);
    let (good, bad) = (run.name("damage/good"), run.name("damage/bad"));
    let entry = Stored::new(&bad, json!({"text": CANARY}));
    made(
        promise,
        write(&store, None, &Stored::new(&good, json!({}))).await,
    )?;
    made(promise, write(&store, None, &entry).await)?;
    damage(&bad).map_err(|error| Failure::new(promise, format!("damaging an entry: {error}")))?;

    let loaded = store.load(&bad).await;
    if loaded.as_ref().err().map(StoreError::kind) != Some(Kind::Unreadable) {
        return fail("a damaged entry is loaded as something else than unreadable");
    }
    let replaced = store.replace(&entry.version, &entry.next(json!(1))).await;
    let created = store.create(&Stored::new(&bad, json!(2))).await;
    let removed = store.remove(&bad, &entry.version).await;
    if replaced.is_ok() || created.is_ok() || removed.is_ok() {
        return fail("a damaged entry is written over without a word");
    }
    let (mut names, mut unreadable) = (Vec::new(), Vec::new());
    for listed in handle_list(run, &run.name("damage/"), promise).await? {
        match listed {
            Listed::Entry(entry) => names.push(entry.name),
            Listed::Unreadable(entry) => unreadable.push(entry),
        }
    }
    if names != [good.clone()] {
        return fail("a damaged entry hides another one");
    }
    let Some(listed) = unreadable.iter().find(|entry| entry.name == bad) else {
        return fail("a damaged entry is not named");
    };
    let texts = format!("{store:?} {loaded:?} {replaced:?} {created:?} {removed:?} {listed:?}");
    if texts.contains(CANARY) {
        return Err(Failure::new(
            Promise::NothingIsPrinted,
            "a body is in a text",
        ));
    }
    let kept = store.remove_unreadable(&good).await;
    refuses(promise, "removing a readable entry as unreadable", kept)?;
    made(promise, store.remove_unreadable(&bad).await)?;
    if !matches!(store.load(&bad).await, Ok(None)) {
        return fail("a damaged entry is there after it was removed");
    }
    refuses(
        promise,
        "removing it again",
        store.remove_unreadable(&bad).await,
    )?;
    made(
        promise,
        write(&store, None, &Stored::new(&bad, json!({}))).await,
    )?;
    report.keep(promise, "listed, refused, removed, made again");
    report.keep(Promise::NothingIsPrinted, "in no error and no `Debug`");
    Ok(())
}
