//! Writers in processes of their own, killed at any moment.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use access_tokens::rotation::state::{
    FileStore, Listed, LocalLock, StateStore, StoreErrorKind, Stored,
};

use super::{Scratch, add, chain, child, told};

const NAMES: [&str; 3] = ["token/a", "token/b", "claim/LaunchDarkly/x"];

/// How many writes each writer is to win.
const WRITES: usize = 120;

/// In a child: writes until it is killed, or has done its part, and says what it was told.
#[tokio::test]
async fn writer() {
    let Some((directory, writer)) = told() else {
        return;
    };
    let store = FileStore::new(directory);
    let mut done = 0;
    while done < WRITES {
        let name = NAMES[fastrand::usize(..NAMES.len())];
        match add(&store, name).await {
            Ok(Some(entry)) => {
                let (generation, id) = (entry.version.generation, entry.version.write_id);
                // One write of a whole line: a kill leaves all of it or nothing.
                let line = format!("\nacknowledged {name} {generation} {id}\n");
                std::io::stdout().write_all(line.as_bytes()).unwrap();
                done += 1;
            }
            Ok(None) => {}
            Err(error) => panic!("{writer}: {:?} {error}", error.kind()),
        }
    }
    println!("\nfinished");
}

/// When a child is killed: so long after it was started, or after its first write.
#[derive(Clone, Copy)]
struct Kill {
    at_work: bool,
    after: Duration,
}

/// What a child said until its end: what was acknowledged, and whether it came to its end.
fn listen(mut child: std::process::Child, kill: Option<Kill>) -> (Vec<String>, bool) {
    let output = BufReader::new(child.stdout.take().unwrap());
    let (said, first) = mpsc::channel();
    let reader = thread::spawn(move || {
        let lines = output.lines().map_while(Result::ok);
        lines
            .filter(|line| line.starts_with("acknowledged ") || line == "finished")
            .inspect(|_| _ = said.send(()))
            .collect()
    });
    if let Some(Kill { at_work, after }) = kill {
        if at_work {
            // Or it has ended.
            let _ = first.recv();
        }
        thread::sleep(after);
        child.kill().unwrap(); // SIGKILL
    }
    child.wait().unwrap();
    let mut lines: Vec<String> = reader.join().unwrap();
    let finished = lines.last().is_some_and(|line| line == "finished");
    lines.retain(|line| line != "finished");
    (lines, finished)
}

/// Every acknowledged write has its place, alone, in what is there now.
fn judge(acknowledged: &[String], entries: &BTreeMap<String, Stored>) {
    let mut won = BTreeMap::new();
    for line in acknowledged {
        let [_, name, generation, id] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        let generation: usize = generation.parse().unwrap();
        let other = won.insert((name, generation), id);
        assert_eq!(other, None, "{line}: two winners");
        assert_eq!(chain(&entries[name])[generation - 1], id, "{line}: is lost");
    }
    for entry in entries.values() {
        assert_eq!(chain(entry).len() as u64, entry.version.generation);
    }
}

async fn all(directory: &std::path::Path) -> BTreeMap<String, Stored> {
    let listed = FileStore::new(directory).list("").await.unwrap();
    let entry = |listed| match listed {
        Listed::Entry(entry) => (entry.name.clone(), entry),
        Listed::Unreadable(entry) => panic!("{entry:?}"),
    };
    listed.into_iter().map(entry).collect()
}

/// Looks all the time, and never sees anything but whole entries that grow.
fn watch(
    directory: std::path::PathBuf,
    stop: std::sync::Arc<AtomicBool>,
) -> thread::JoinHandle<u64> {
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut looks = 0;
        while !stop.load(Ordering::Relaxed) {
            for (name, entry) in runtime.block_on(all(&directory)) {
                let (now, before) = (chain(&entry), seen.entry(name).or_default());
                assert!(now.starts_with(before), "what was there is gone");
                *before = now;
                looks += 1;
            }
            thread::sleep(Duration::from_millis(1));
        }
        looks
    })
}

#[tokio::test]
async fn eight_processes_never_win_the_same_write() {
    let scratch = Scratch::new();
    let stop = std::sync::Arc::new(AtomicBool::new(false));
    let watcher = watch(scratch.0.clone(), stop.clone());
    let start = |writer| child("state::kills::writer", &scratch.0, writer);
    let writers: Vec<_> = (0..8).map(start).collect();
    let listeners = writers
        .into_iter()
        .map(|child| thread::spawn(|| listen(child, None)));
    let mut acknowledged = Vec::new();
    for listener in listeners.collect::<Vec<_>>() {
        let (lines, finished) = listener.join().unwrap();
        assert!(finished && lines.len() == WRITES);
        acknowledged.extend(lines);
    }
    stop.store(true, Ordering::Relaxed);
    assert!(watcher.join().unwrap() > 0);
    let entries = all(&scratch.0).await;
    judge(&acknowledged, &entries);
    // Nobody was killed, so nothing is there that was not acknowledged either.
    assert_eq!(
        entries
            .values()
            .map(|entry| chain(entry).len())
            .sum::<usize>(),
        8 * WRITES
    );
}

#[tokio::test]
async fn kills_at_any_moment_lose_nothing_that_was_acknowledged() {
    let kills = std::env::var("ACCESS_TOKENS_KILLS").map_or(60, |kills| kills.parse().unwrap());
    let scratch = Scratch::new();
    let stop = std::sync::Arc::new(AtomicBool::new(false));
    let watcher = watch(scratch.0.clone(), stop.clone());
    let workers = (0..4).map(|worker| {
        let directory = scratch.0.clone();
        thread::spawn(move || {
            let mut acknowledged = Vec::new();
            for number in 0..kills / 4 {
                let child = child("state::kills::writer", &directory, worker);
                // However busy the machine is, half of them have begun.
                let kill = Kill {
                    at_work: number % 2 == 0,
                    after: Duration::from_millis(fastrand::u64(5..150)),
                };
                acknowledged.extend(listen(child, Some(kill)).0);
            }
            acknowledged
        })
    });
    let mut acknowledged = Vec::new();
    for worker in workers.collect::<Vec<_>>() {
        acknowledged.extend(worker.join().unwrap());
    }
    stop.store(true, Ordering::Relaxed);
    watcher.join().unwrap();
    assert!(
        acknowledged.len() > kills / 4,
        "the kills came too early to tell anything"
    );
    let entries = all(&scratch.0).await;
    judge(&acknowledged, &entries);
    // And it goes on as if nothing had been.
    let store = FileStore::new(&scratch.0);
    store.probe().await.unwrap();
    for name in NAMES {
        assert!(add(&store, name).await.unwrap().is_some());
    }
    let files = std::fs::read_dir(&scratch.0)
        .unwrap()
        .map(|file| file.unwrap().file_name());
    assert_eq!(
        files.count(),
        NAMES.len() + 1,
        "only records and the folder of the locks"
    );
}

/// In a child: takes the lock and keeps it for ever.
#[tokio::test]
async fn holder() {
    let Some((directory, _)) = told() else { return };
    let store = FileStore::new(directory);
    let LocalLock::Held(guard) = store.try_lock("token/a").await.unwrap() else {
        panic!("the lock is taken");
    };
    println!("\nheld {}", guard.domain().unwrap_or("nowhere"));
    thread::sleep(Duration::from_secs(600));
}

#[tokio::test]
async fn the_lock_of_a_killed_process_blocks_nobody() {
    let scratch = Scratch::new();
    let store = FileStore::new(&scratch.0);
    for _ in 0..5 {
        let mut holder = child("state::kills::holder", &scratch.0, 0);
        let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines();
        let held = lines.find_map(|line| line.unwrap().strip_prefix("held ").map(str::to_owned));
        assert!(matches!(
            store.try_lock("token/a").await,
            Ok(LocalLock::Busy)
        ));
        assert!(matches!(
            store.try_lock("token/b").await,
            Ok(LocalLock::Held(_))
        ));
        holder.kill().unwrap();
        holder.wait().unwrap();
        let LocalLock::Held(guard) = store.try_lock("token/a").await.unwrap() else {
            panic!("a killed process keeps its lock");
        };
        // Whoever was there was on this machine, and is gone.
        assert_eq!(guard.domain().unwrap_or("nowhere"), held.unwrap());
    }
    let locks = std::fs::read_dir(scratch.0.join(".locks")).unwrap();
    assert_eq!(locks.count(), 0, "a lock file stays");
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_any_more_is_done_or_not_done() {
    let scratch = Scratch::new();
    let store = FileStore::new(&scratch.0);
    let mut last = Stored::new("token/a", serde_json::json!([]));
    store.create(&last).await.unwrap();
    for round in 0..200 {
        let next = last.next(serde_json::json!([round]));
        let write = store.replace(&last.version, &next);
        let given_up = Duration::from_micros(fastrand::u64(..400));
        let _ = tokio::time::timeout(given_up, write).await;
        // The next one waits for its turn, so it sees what came of it.
        let after = next.next(serde_json::json!(["after"]));
        last = match store.replace(&next.version, &after).await {
            Ok(()) => after,
            Err(error) if error.kind() == StoreErrorKind::Superseded => {
                let found = store.load("token/a").await.unwrap().unwrap();
                assert_eq!(found, last, "neither done nor not done");
                last
            }
            Err(error) => panic!("{error}"),
        };
    }
}
