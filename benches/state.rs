//! What keeping state costs: a write, a read, a listing, and many rotations at once.
//!
//! `cargo bench --bench state [DIRECTORY]`: where the directory is decides what a write costs.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "what fails here fails the benchmark"
)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use access_tokens::rotation::state::{FileStore, StateStore, Stored};
use serde_json::json;
use tokio::task::JoinSet;

/// What one rotation writes into a record that is there.
const WRITES: usize = 4;
const TOKENS: usize = 1_000;

#[tokio::main]
async fn main() {
    let above = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with("--"));
    let above = above.map_or_else(std::env::temp_dir, PathBuf::from);
    let directory = above.join(format!("state-bench-{}", std::process::id()));
    let store = FileStore::new(&directory);
    let mut first = None;
    for at_once in [1, 4, 16, 64] {
        let entries = fill(&store, at_once).await;
        let started = Instant::now();
        let mut tasks = JoinSet::new();
        for mut entry in entries {
            if tasks.len() >= at_once {
                tasks.join_next().await.unwrap().unwrap();
            }
            let store = store.clone();
            tasks.spawn(async move {
                for _ in 0..WRITES {
                    let next = entry.next(entry.body.clone());
                    store.replace(&entry.version, &next).await.unwrap();
                    entry = next;
                }
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        let taken = started.elapsed();
        let first = *first.get_or_insert(taken);
        println!(
            "{TOKENS} rotations of {WRITES} writes, {at_once:>2} at a time: {taken:>8.2?}, {:>7.2?} a write, {:.1} x",
            taken / u32::try_from(TOKENS * WRITES).unwrap(),
            first.as_secs_f64() / taken.as_secs_f64(),
        );
    }
    fill_up(&store).await;
    let started = Instant::now();
    let listed = store.list("token/").await.unwrap().len();
    println!("a listing of {listed}: {:.2?}", started.elapsed());
    let started = Instant::now();
    for number in 0..1_000 {
        store.load(&name(number)).await.unwrap().unwrap();
    }
    println!("a read: {:.2?}", started.elapsed() / 1_000);
    std::fs::remove_dir_all(&directory).unwrap();
}

fn name(number: usize) -> String {
    format!("token/{number}")
}

/// Entries that are all of the size of a record.
async fn fill(store: &FileStore, at_once: usize) -> Vec<Stored> {
    let body = json!({"filler": "x".repeat(2_500), "at once": at_once});
    let mut tasks = JoinSet::new();
    for number in 0..TOKENS {
        let (store, entry) = (store.clone(), Stored::new(name(number), body.clone()));
        tasks.spawn(async move {
            if let Some(old) = store.load(&entry.name).await.unwrap() {
                store.remove(&entry.name, &old.version).await.unwrap();
            }
            store.create(&entry).await.unwrap();
            entry
        });
    }
    let entries = tasks.join_all().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    entries
}

/// Ten thousand in all.
async fn fill_up(store: &FileStore) {
    let mut tasks = JoinSet::new();
    for number in TOKENS..10_000 {
        let entry = Stored::new(name(number), json!({"filler": "x".repeat(2_500)}));
        let store = store.clone();
        tasks.spawn(async move { store.create(&entry).await.unwrap() });
    }
    tasks.join_all().await;
}
