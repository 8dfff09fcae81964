//! Several writers of one file.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Barrier;
use std::time::Duration;

use access_tokens::rotation::sink::{DotenvSink, FileSink, Holds, Sink, SinkErrorKind};

use super::{Owner, files, text};
use crate::support::Scratch;

const FILE: &str = "ACCESS_TOKENS_RACE_FILE";
const KEY: &str = "ACCESS_TOKENS_RACE_KEY";

fn rounds() -> usize {
    std::env::var("ACCESS_TOKENS_RACE_ROUNDS").map_or(40, |rounds| rounds.parse().unwrap())
}

/// Delivers a first value and then another, and takes the second back.
async fn write(sink: &DotenvSink, value: &str) {
    let owner = Owner::new();
    for (number, value) in [(1, format!("{value}-1")), (2, format!("{value}-2"))] {
        owner.deliver(sink, number, &value).await.unwrap();
    }
    owner.restore(sink, 1).await.unwrap();
}

#[tokio::test]
async fn two_threads_write_two_keys_of_one_file_and_none_is_lost() {
    let (scratch, threads) = (Scratch::new(), ["ONE", "TWO"]);
    let path = scratch.path(".env");
    for round in 0..rounds() {
        let barrier = Barrier::new(threads.len());
        std::thread::scope(|scope| {
            for key in threads {
                let (path, barrier) = (path.clone(), &barrier);
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .build()
                        .unwrap();
                    barrier.wait();
                    runtime.block_on(write(
                        &DotenvSink::new(path, key),
                        &format!("{key}-{round}"),
                    ));
                });
            }
        });
        let file = text(&path);
        for key in threads {
            assert!(file.contains(&format!("{key}={key}-{round}-1\n")), "{file}");
        }
    }
    assert_eq!(files(&scratch), [".env", ".env.access-tokens"]);
}

#[tokio::test]
async fn two_processes_write_two_keys_of_one_file_and_none_is_lost() {
    let scratch = Scratch::new();
    let path = scratch.path(".env");
    std::fs::write(&path, "# theirs\n").unwrap();
    let children: Vec<_> = ["ONE", "TWO"]
        .into_iter()
        .map(|key| {
            let mut child = Command::new(std::env::current_exe().unwrap());
            child.args(["--exact", "all::sinks::races::child", "--nocapture"]);
            child.env(FILE, &path).env(KEY, key);
            (key, child.spawn().unwrap())
        })
        .collect();
    for (key, mut child) in children {
        assert!(child.wait().unwrap().success(), "{key}");
    }
    let (file, last) = (text(&path), rounds() - 1);
    assert!(file.starts_with("# theirs\n"));
    for key in ["ONE", "TWO"] {
        assert!(file.contains(&format!("{key}={key}-{last}-1\n")), "{file}");
    }
    assert_eq!(files(&scratch), [".env", ".env.access-tokens"]);
}

/// One of the two processes: its key is its own, so nothing may ever be in its way.
#[tokio::test]
async fn child() {
    let (Ok(path), Ok(key)) = (std::env::var(FILE), std::env::var(KEY)) else {
        return;
    };
    for round in 0..rounds() {
        write(&DotenvSink::new(&path, &key), &format!("{key}-{round}")).await;
        let file = text(path.as_ref());
        assert!(file.contains(&format!("{key}={key}-{round}-1\n")), "{file}");
    }
}

const VICTIM: &str = "ACCESS_TOKENS_RACE_VICTIM";

/// The sinks that a process is killed at, and how to see what is in the file of each.
fn victims(directory: &Path) -> [(Box<dyn Sink>, PathBuf); 4] {
    let path = |name: &str| directory.join(name);
    [
        (Box::new(FileSink::new(path("a"))), path("a")),
        (Box::new(FileSink::new(path("b")).in_place()), path("b")),
        (Box::new(DotenvSink::new(path("c"), "KEY")), path("c")),
        (
            Box::new(DotenvSink::new(path("d"), "KEY").in_place()),
            path("d"),
        ),
    ]
}

/// A secret that is told by the attempt that delivered it.
fn secret_of(number: u64) -> String {
    format!(
        "secret-{number}-{}",
        "x".repeat(usize::try_from(number % 7).unwrap() * 50)
    )
}

#[tokio::test]
async fn killed_at_any_moment_a_writer_leaves_what_can_be_told_and_gone_on_with() {
    let (scratch, owner) = (Scratch::new(), Owner::new());
    for name in ["b", "c", "d"] {
        std::fs::write(scratch.path(name), "A=1\n").unwrap();
    }
    for round in 0..rounds() / 2 {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "all::sinks::races::victim", "--nocapture"]);
        child
            .env(FILE, scratch.path(""))
            .env(VICTIM, owner.0.as_str());
        let mut child = child.stdout(std::process::Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(20 + fastrand::u64(..60)));
        child.kill().unwrap();
        child.wait().unwrap();
        for (sink, path) in victims(&scratch.path("")) {
            let observed = sink.observe().await.unwrap();
            let number = match &observed.holds {
                Holds::Attempt(attempt) => attempt.number().unwrap(),
                Holds::Nothing | Holds::Other if round == 0 => 0,
                other => panic!("{sink:?}: {other:?}"),
            };
            if number > 0 {
                let file = text(&path);
                assert!(file.contains(&secret_of(number)), "{number}: {file}");
                assert!(!file.contains(&secret_of(number + 1)), "{number}: {file}");
            }
            owner
                .deliver(&sink, number + 1, &secret_of(number + 1))
                .await
                .unwrap();
            if number > 0 {
                owner.restore(&sink, number).await.unwrap();
                assert!(text(&path).contains(&secret_of(number)));
            }
        }
    }
    for name in ["c", "d"] {
        assert!(text(&scratch.path(name)).starts_with("A=1\nKEY="));
    }
    let sidecars =
        ["a", "b", "c", "d"].map(|name| [name.to_owned(), format!("{name}.access-tokens")]);
    assert_eq!(files(&scratch), sidecars.concat());
}

/// The process that is killed.
#[tokio::test]
async fn victim() {
    let (Ok(directory), Ok(owner)) = (std::env::var(FILE), std::env::var(VICTIM)) else {
        return;
    };
    let owner = Owner(owner.parse().unwrap());
    let sinks = victims(directory.as_ref());
    loop {
        for (sink, _) in &sinks {
            let number = match sink.observe().await.unwrap().holds {
                Holds::Attempt(attempt) => attempt.number().unwrap(),
                _ => 0,
            };
            owner
                .deliver(sink, number + 1, &secret_of(number + 1))
                .await
                .unwrap();
        }
    }
}

#[tokio::test]
async fn of_many_writers_at_one_version_one_wins() {
    let scratch = Scratch::new();
    let path = scratch.path("token");
    for _ in 0..rounds() / 4 {
        let seen = FileSink::new(&path).observe().await.unwrap().version;
        let writers = (0..8).map(|number| {
            let (path, seen) = (path.clone(), seen.clone());
            tokio::spawn(async move {
                let sink = FileSink::new(path);
                let secret = format!("secret-{number}");
                let done = Owner::new()
                    .deliver_at(&sink, 1, &secret, seen.as_ref())
                    .await;
                (secret, done)
            })
        });
        let writers: Vec<_> = writers.collect();
        let mut won = Vec::new();
        for writer in writers {
            match writer.await.unwrap() {
                (secret, Ok(_)) => won.push(secret),
                (_, Err(error)) => assert_eq!(error.kind(), SinkErrorKind::Conflict),
            }
        }
        assert_eq!(won, [text(&path)]);
    }
}
