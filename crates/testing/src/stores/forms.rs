//! Names, bodies, numbers of writes and lists of any form, the local lock, and the clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use access_tokens::rotation::state::{
    Listed, LocalLock, StateStore, StoreError, StoreErrorKind, Stored, write,
};
use serde_json::{Value, json};

use super::Run;

use super::report::{Failure, Promise, Report};
use super::steps::{at_once, handle_list, made};

/// What makes trouble as a path, a pattern, a key or a text.
const NAMES: &[&str] = &[
    "a b/c",
    "a/b c",
    "a",
    "A",
    "a.",
    ".a",
    ".",
    "..",
    "../..",
    "/",
    "//",
    "/a/",
    "a//b",
    " a",
    "a ",
    "%",
    "%2f",
    "%2F",
    "a%2fb",
    "a/b",
    "a\\b",
    "a:b",
    "a*?b",
    "a~",
    "~",
    "-",
    "--",
    "con",
    "NUL",
    "a\0b",
    "a\nb",
    "a\tb",
    "é",
    "e\u{301}",
    "\u{202e}x",
    "\u{1f600}",
    "'\";--",
    "{}",
    "a.record",
    "a.draft",
    "a.lock",
    "a_b",
    "a%",
    "_",
    "tombstone",
];

pub(super) async fn names_of_any_form(run: &Run<'_>, report: &mut Report) -> Result<(), Failure> {
    let promise = Promise::NamesAreKeptApart;
    let store = run.handle(0);
    match store.create(&Stored::new("", json!(0))).await {
        Err(error) if error.kind() == StoreErrorKind::InvalidName => {}
        _ => return Err(Failure::new(promise, "an empty name is not refused")),
    }
    let long = "long/".repeat(400);
    let wide = "漢é".repeat(300);
    let mut names: Vec<String> = NAMES
        .iter()
        .map(|rest| run.name(&format!("names/{rest}")))
        .collect();
    names.push(run.name("names/"));
    for (at, base) in [long, wide].iter().enumerate() {
        names.push(run.name(&format!("names/{at}{base}")));
        names.push(run.name(&format!("names/{at}{base}x")));
        names.push(run.name(&format!("names/{at}{base}y")));
    }
    for name in &names {
        let made_it = write(&store, None, &Stored::new(name, json!({"name": name}))).await;
        made_it.map_err(|error| Failure::call(promise, &format!("creating {name:?}"), &error))?;
    }
    for name in &names {
        let found = store.load(name).await;
        let found = found.map_err(|error| Failure::call(promise, "load", &error))?;
        if found.is_none_or(|found| found.name != *name || found.body != json!({"name": name})) {
            return Err(Failure::new(
                promise,
                format!("{name:?} is the entry of another name"),
            ));
        }
    }
    let mut listed = Vec::new();
    for entry in handle_list(run, &run.name("names/"), promise).await? {
        if let Listed::Entry(entry) = entry {
            listed.push(entry.name);
        }
    }
    names.sort();
    if listed != names {
        return Err(Failure::new(
            promise,
            "a listing is not all names in their order",
        ));
    }
    // `_` and `%` are letters, not patterns.
    for (prefix, count) in [
        ("names/_", 1),
        ("names/%2", 2),
        ("names/a.", 4),
        ("names/nothing", 0),
    ] {
        let found = handle_list(run, &run.name(prefix), promise).await?;
        let found = found
            .iter()
            .filter(|listed| matches!(listed, Listed::Entry(_)));
        if found.count() != count {
            return Err(Failure::new(
                promise,
                format!("{prefix:?} lists what does not begin so"),
            ));
        }
    }
    report.keep(promise, format!("{} names", names.len()));
    Ok(())
}

pub(super) async fn bodies_of_any_form(run: &Run<'_>, report: &mut Report) -> Result<(), Failure> {
    let promise = Promise::BodiesComeBack;
    let store = run.handle(0);
    let nested = (0..90).fold(json!("deep"), |inner, at| match at % 2 {
        0 => json!([inner]),
        _ => json!({ "in": inner }),
    });
    let bodies = [
        Value::Null,
        json!(""),
        json!([]),
        json!({}),
        json!([u64::MAX, i64::MIN, 0, -1, 0.5, true]),
        json!({"z": 1, "a": 2, "": 3, "a\0b\n\"\\\u{2028}é\u{1f600}": "a\0b\n\"\\\u{2028}é\u{1f600}"}),
        json!("x".repeat(300_000)),
        nested,
    ];
    let mut last = Stored::new(run.name("bodies"), json!("first"));
    made(promise, write(&store, None, &last).await)?;
    for (at, body) in bodies.into_iter().enumerate() {
        let next = last.next(body);
        made(promise, write(&store, Some(&last.version), &next).await)?;
        let found = run.handle(1).load(&next.name).await;
        if found
            .map_err(|error| Failure::call(promise, "load", &error))?
            .as_ref()
            != Some(&next)
        {
            return Err(Failure::new(
                promise,
                format!("body {at} comes back changed"),
            ));
        }
        last = next;
    }
    report.keep(promise, "numbers, texts, 300 kB, 90 levels");
    Ok(())
}

pub(super) async fn many_generations(run: &Run<'_>, report: &mut Report) -> Result<(), Failure> {
    let promise = Promise::AnsweredIsSeen;
    let mut last = Stored::new(run.name("many"), json!({"at": 0}));
    made(promise, write(&run.handle(0), None, &last).await)?;
    let filler = "x".repeat(4_000);
    for at in 0..run.rounds * 4 {
        let store = run.handle(usize::try_from(at).unwrap_or(0));
        let found = store.load(&last.name).await;
        let found = found.map_err(|error| Failure::call(promise, "load", &error))?;
        if found.as_ref() != Some(&last) {
            return Err(Failure::new(
                promise,
                format!("write {at} is not seen by another handle"),
            ));
        }
        let next = last.next(json!({"at": at, "filler": filler}));
        made(promise, store.replace(&last.version, &next).await)?;
        last = next;
    }
    report.keep(promise, format!("{} writes in turns", run.rounds * 4));
    Ok(())
}

pub(super) async fn listing_while_others_write(
    run: &Run<'_>,
    report: &mut Report,
) -> Result<(), Failure> {
    let promise = Promise::AnsweredIsSeen;
    let stable = Stored::new(run.name("list/stable"), json!("stays"));
    made(promise, write(&run.handle(0), None, &stable).await)?;
    let (prefix, rounds) = (run.name("list/"), run.rounds);
    let all = at_once(run, |store, task| {
        let (prefix, stable) = (prefix.clone(), stable.clone());
        async move {
            for round in 0..rounds {
                if task == 0 {
                    let listed = store.list(&prefix).await?;
                    if listed.iter().any(|l| matches!(l, Listed::Unreadable(_))) {
                        return Ok(Some("what is being written is listed as unreadable"));
                    }
                    if !listed.contains(&Listed::Entry(stable.clone())) {
                        return Ok(Some("an entry that nobody touches is missing"));
                    }
                } else {
                    let entry = Stored::new(format!("{prefix}{task}-{round}"), json!(round));
                    let next = entry.next(json!("next"));
                    store.create(&entry).await?;
                    store.replace(&entry.version, &next).await?;
                    store.remove(&entry.name, &next.version).await?;
                }
            }
            Ok::<_, access_tokens::rotation::state::StoreError>(None)
        }
    })
    .await?;
    for result in all {
        match result {
            Ok(None) => {}
            Ok(Some(seen)) => return Err(Failure::new(promise, seen)),
            Err(error) => return Err(Failure::call(promise, "while listing", &error)),
        }
    }
    report.keep(promise, format!("{rounds} listings while others write"));
    Ok(())
}

pub(super) async fn local_locks(run: &Run<'_>, report: &mut Report) -> Result<(), Failure> {
    let promise = Promise::LocalLockExcludes;
    let fail = |what: &str| Err(Failure::new(promise, what));
    let name = run.name("lock");
    let Some(first) = lock(run, 0, &name).await? else {
        report.skip(promise, "the store offers none");
        return Ok(());
    };
    let LocalLock::Held(guard) = first else {
        return fail("a lock that nobody has is busy");
    };
    for handle in [0, 1] {
        if !matches!(lock(run, handle, &name).await?, Some(LocalLock::Busy)) {
            return fail("a lock is given to two at a time");
        }
    }
    if !matches!(
        lock(run, 1, &run.name("lock2")).await?,
        Some(LocalLock::Held(_))
    ) {
        return fail("the lock on one name keeps another one out");
    }
    let domain = guard.domain().map(ToOwned::to_owned);
    drop(guard);
    let Some(LocalLock::Held(again)) = lock(run, 1, &name).await? else {
        return fail("a lock is kept after its guard was dropped");
    };
    if again.domain() != domain.as_deref() {
        return fail("two handles that exclude each other have different domains");
    }
    drop(again);
    // Taken and let go by many at once, it is never two's.
    let inside = Arc::new(AtomicUsize::new(0));
    let rounds = run.rounds;
    let all = at_once(run, |store, _| {
        let (name, inside) = (name.clone(), Arc::clone(&inside));
        async move {
            let (mut held, mut shared) = (0_u32, false);
            for _ in 0..rounds * 10 {
                if let LocalLock::Held(guard) = store.try_lock(&name).await? {
                    shared |= inside.fetch_add(1, Ordering::SeqCst) > 0;
                    tokio::task::yield_now().await;
                    inside.fetch_sub(1, Ordering::SeqCst);
                    drop(guard);
                    held += 1;
                }
            }
            Ok((held, shared))
        }
    })
    .await?;
    let mut times = 0;
    for result in all {
        let result: Result<_, StoreError> = result;
        match result {
            Ok((held, false)) => times += held,
            Ok(_) => return fail("a lock is given to two at a time, one of whom lets it go"),
            Err(error) => return Err(Failure::call(promise, "try_lock", &error)),
        }
    }
    report.keep(
        promise,
        format!("taken {times} times by {} tries", rounds * 80),
    );
    Ok(())
}

async fn lock(run: &Run<'_>, handle: usize, name: &str) -> Result<Option<LocalLock>, Failure> {
    let promise = Promise::LocalLockExcludes;
    match run.handle(handle).try_lock(name).await {
        Ok(LocalLock::NotOffered) => Ok(None),
        Ok(lock) => Ok(Some(lock)),
        Err(error) => Err(Failure::call(promise, "try_lock", &error)),
    }
}

pub(super) async fn clock(run: &Run<'_>, report: &mut Report) -> Result<(), Failure> {
    let promise = Promise::ClockRuns;
    let mut before: Option<SystemTime> = None;
    for at in 0..20 {
        let now = run.handle(at).now().await;
        let Some(now) = now.map_err(|error| Failure::call(promise, "now", &error))? else {
            report.skip(promise, "the store has none of its own");
            return Ok(());
        };
        if before.is_some_and(|before| before > now) {
            return Err(Failure::new(promise, "it runs backwards"));
        }
        before = Some(now);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    report.keep(promise, "forward");
    Ok(())
}
