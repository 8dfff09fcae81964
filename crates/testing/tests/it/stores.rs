//! The stores of the SDK, held to what they promise; and stores that break each promise, to see the
//! suite notice.

use std::path::PathBuf;

use access_tokens::rotation::state::{FileStore, MemoryStore};
use access_tokens_testing::stores::{self, Check, Promise};

/// A directory that is gone with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let unique = format!(
            "at-stores-{name}-{}-{}",
            std::process::id(),
            fastrand::u64(..)
        );
        Self(std::env::temp_dir().join(unique))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_store_in_memory_keeps_what_stores_promise() {
    let store = MemoryStore::new();
    let report = Check::new(store.clone()).handle(store).run().await.unwrap();
    let skipped: Vec<_> = report
        .skipped()
        .iter()
        .map(|(promise, _)| *promise)
        .collect();
    assert_eq!(
        skipped,
        [Promise::UnreadableHidesNothing, Promise::ClockRuns]
    );
    stores::check(MemoryStore::new()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_store_of_files_keeps_what_stores_promise() {
    let scratch = Scratch::new("check");
    let directory = scratch.0.clone();
    let check = Check::new(FileStore::new(&scratch.0))
        .handle(FileStore::new(&scratch.0))
        .handle(FileStore::new(&scratch.0))
        .damage(move |name| {
            let path = directory.join(name.replace('/', "%2f") + ".record");
            let mut content = std::fs::read(&path)?;
            content[60] ^= 1;
            std::fs::write(path, content)
        });
    let report = check.run().await.unwrap();
    println!("{report}");
    let skipped: Vec<_> = report
        .skipped()
        .iter()
        .map(|(promise, _)| *promise)
        .collect();
    assert_eq!(skipped, [Promise::ClockRuns]);
    let left: Vec<_> = std::fs::read_dir(&scratch.0)
        .unwrap()
        .map(|f| f.unwrap().file_name())
        .collect();
    assert_eq!(left, [".locks"]);
}
