//! What every store of state is put through, whatever its engine.

use std::future::Future;
use std::process::{Command, Stdio};

use access_tokens::rotation::state::{
    StateStore, StoreErrorKind, StoreVersion, Stored, remove, write,
};
use access_tokens_testing::stores::{Win, judge, race};
use serde_json::json;

use crate::proxy::{Lost, Proxy};

/// Where a child finds its engine.
const ENGINE: &str = "AT_STORES_ENGINE";
const NAME: &str = "token/raced";
const WINS: usize = 60;

/// Where this process is to write to, if it is a child.
pub(crate) fn engine() -> Option<String> {
    std::env::var(ENGINE).ok()
}

/// In a child: wins its races and tells them.
pub(crate) async fn race_and_tell(store: &dyn StateStore) {
    let writer = std::process::id().to_string();
    for win in race(store, NAME, &writer, WINS).await.unwrap() {
        let replaced = win
            .replaced
            .map(|version| (version.generation, version.write_id));
        let line = json!([win.version.generation, win.version.write_id, replaced]);
        println!("\nwon {line}");
    }
}

/// Writers in processes of their own, each of which is this test binary with one test.
pub(crate) async fn processes_never_win_the_same_write(
    test: &str,
    engine: &str,
    store: &dyn StateStore,
) {
    let start = |_| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args([test, "--exact", "--nocapture"])
            .env(ENGINE, engine);
        command.stdout(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<_> = (0..4).map(start).collect();
    let mut wins = Vec::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let output = String::from_utf8(output.stdout).unwrap();
        for line in output.lines().filter_map(|line| line.strip_prefix("won ")) {
            type Line = (u64, String, Option<(u64, String)>);
            let (generation, write_id, replaced): Line = serde_json::from_str(line).unwrap();
            let version = |(generation, write_id)| StoreVersion {
                generation,
                write_id,
            };
            wins.push(Win {
                version: version((generation, write_id)),
                replaced: replaced.map(version),
            });
        }
    }
    assert_eq!(wins.len(), 4 * WINS);
    judge(&wins).unwrap();
    let last = store.load(NAME).await.unwrap().unwrap();
    assert_eq!(last.version.generation, 4 * WINS as u64);
}

/// Loses one piece after another of what a life of an entry sends, before and after it is done: no
/// write is doubled, none is taken for somebody else's, and what is said is what is there.
pub(crate) async fn lost_answers_are_found_out<S, F>(
    proxy: &Proxy,
    direct: &dyn StateStore,
    through: impl Fn() -> F,
) where
    S: StateStore,
    F: Future<Output = S>,
{
    for lost in [Lost::Answer, Lost::Request] {
        let mut number = 0;
        loop {
            let store = through().await;
            proxy.lose(number, lost);
            let case = format!("{lost:?} of piece {number}");
            live(
                &store,
                direct,
                &format!("token/lost-{lost:?}-{number}"),
                &case,
            )
            .await;
            if !proxy.has_lost() {
                break;
            }
            number += 1;
        }
        assert!(number >= 6, "only {number} pieces were lost");
    }
}

/// Made, changed twice, looked at, listed and removed, of which one call is disturbed.
async fn live(store: &dyn StateStore, direct: &dyn StateStore, name: &str, case: &str) {
    let mut last: Option<Stored> = None;
    for at in 0..3 {
        let next = match &last {
            Some(last) => last.next(json!({"at": at})),
            None => Stored::new(name, json!({"at": at})),
        };
        let expected = last.as_ref().map(|last| &last.version);
        for attempt in 0.. {
            match write(store, expected, &next).await {
                Ok(()) => break,
                // Certain, so it is not there; one call only is disturbed.
                Err(error) if attempt == 0 && error.kind() == StoreErrorKind::NotWritten => {
                    assert_eq!(direct.load(name).await.unwrap(), last, "{case}");
                }
                Err(error) => panic!("{case}, write {at}: {:?} {error}", error.kind()),
            }
        }
        assert_eq!(
            direct.load(name).await.unwrap().as_ref(),
            Some(&next),
            "{case}"
        );
        last = Some(next);
    }
    let last = last.unwrap();
    let told = |kind| kind == StoreErrorKind::Unavailable;
    match store.load(name).await {
        Ok(found) => assert_eq!(found.as_ref(), Some(&last), "{case}"),
        Err(error) => assert!(told(error.kind()), "{case}: {error}"),
    }
    match store.list(name).await {
        Ok(found) => assert_eq!(found.len(), 1, "{case}"),
        Err(error) => assert!(told(error.kind()), "{case}: {error}"),
    }
    for attempt in 0.. {
        match remove(store, name, &last.version).await {
            Ok(()) => break,
            Err(error) if attempt == 0 && error.kind() == StoreErrorKind::NotWritten => {
                assert_eq!(
                    direct.load(name).await.unwrap().as_ref(),
                    Some(&last),
                    "{case}"
                );
            }
            Err(error) => panic!("{case}, removal: {:?} {error}", error.kind()),
        }
    }
    assert_eq!(direct.load(name).await.unwrap(), None, "{case}");
}
