//! Disks that are full, and directories that cannot be used.

use std::process::{Command, Stdio};
use std::time::Duration;

use access_tokens::rotation::state::{FileStore, StateStore, StoreErrorKind, Stored, write};
use serde_json::json;

use super::{DIRECTORY, Scratch, WRITER, told};

/// In a child whose files cannot grow beyond a few blocks: what it is told fits what is there.
#[tokio::test]
async fn filler() {
    let Some((directory, _)) = told() else { return };
    let store = FileStore::new(directory);
    let mut last = Stored::new("token/a", json!({"filler": "x".repeat(1_500)}));
    write(&store, None, &last).await.unwrap();
    let mut refused = 0;
    for at in 0..60 {
        // Of different lengths, so that the limit falls into different places of a line.
        let next = last.next(json!({"at": at, "filler": "x".repeat(1_000 + at * 13)}));
        match store.replace(&last.version, &next).await {
            Ok(()) => last = next,
            Err(error) => {
                assert_eq!(error.kind(), StoreErrorKind::NotWritten, "{error}");
                refused += 1;
            }
        }
        assert_eq!(store.load("token/a").await.unwrap().as_ref(), Some(&last));
    }
    assert!(refused > 0, "the limit was not reached");
    let large = Stored::new("token/b", json!({"filler": "x".repeat(60_000)}));
    let error = store.create(&large).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::NotWritten);
    assert_eq!(store.load("token/b").await.unwrap(), None);
    let files = std::fs::read_dir(store.path()).unwrap();
    let files: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    assert_eq!(
        files.len(),
        2,
        "the record and the locks, no draft: {files:?}"
    );
    println!("\nfilled");
}

#[tokio::test]
async fn a_full_disk_is_an_honest_error_and_loses_nothing() {
    let scratch = Scratch::new();
    let test = std::env::current_exe().unwrap();
    // A file that grows beyond the limit is refused to (EFBIG), as it is by a disk that is full.
    let script =
        "trap '' XFSZ; ulimit -f 32; exec \"$0\" state::limits::filler --exact --nocapture";
    let output = Command::new("sh")
        .args(["-c", script])
        .arg(test)
        .env(DIRECTORY, &scratch.0)
        .env(WRITER, "0")
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.contains("filled"), "{output}");
    // With room again it goes on where it was.
    let store = FileStore::new(&scratch.0);
    let last = store.load("token/a").await.unwrap().unwrap();
    store
        .replace(&last.version, &last.next(json!("again")))
        .await
        .unwrap();
    store.probe().await.unwrap();
}

#[tokio::test]
async fn a_directory_that_cannot_be_used_is_refused_before_anything_relies_on_it() {
    let scratch = Scratch::new();
    std::fs::create_dir(&scratch.0).unwrap();
    std::fs::write(scratch.0.join("file"), "").unwrap();
    let store = FileStore::new(scratch.0.join("file").join("state"));
    let error = store.probe().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::NotWritten);
    assert!(error.to_string().contains("file/state"), "{error}");
    let created = store
        .create(&Stored::new("token/a", json!(1)))
        .await
        .unwrap_err();
    assert_eq!(created.kind(), StoreErrorKind::NotWritten);
    // A file system that neither keeps files nor locks.
    let store = FileStore::new("/proc/self/access-tokens");
    assert!(store.probe().await.is_err());
    // What is not there yet is only empty.
    let store = FileStore::new(scratch.0.join("later"));
    assert_eq!(
        (store.load("token/a").await, store.list("").await),
        (Ok(None), Ok(vec![]))
    );
}

#[tokio::test]
async fn bodies_that_could_not_be_read_back_are_not_written() {
    let scratch = Scratch::new();
    let store = FileStore::new(&scratch.0);
    let deep = (0..200).fold(json!(1), |inner, _| json!([inner]));
    for body in [deep, json!("x".repeat(9_000_000))] {
        let error = store
            .create(&Stored::new("token/a", body))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::NotWritten, "{error}");
        assert_eq!(store.load("token/a").await.unwrap(), None);
    }
}

#[tokio::test]
async fn many_at_once_do_not_keep_the_executor() {
    let scratch = Scratch::new();
    let store = FileStore::new(&scratch.0);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..200 {
        let store = store.clone();
        tasks.spawn(async move {
            let first = Stored::new(format!("token/{number}"), json!({}));
            write(&store, None, &first).await.unwrap();
            write(&store, Some(&first.version), &first.next(json!(1)))
                .await
                .unwrap();
        });
    }
    // On this one thread others get their turn all the while.
    let mut turns = 0;
    while !tasks.is_empty() {
        tokio::select! {
            done = tasks.join_next() => done.unwrap().unwrap(),
            () = tokio::time::sleep(Duration::from_millis(1)) => turns += 1,
        }
    }
    assert!(turns > 0);
    assert_eq!(store.list("token/").await.unwrap().len(), 200);
}
