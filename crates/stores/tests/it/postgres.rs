//! `PostgresStore` on a real server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use access_tokens::rotation::sink::{FileSink, Sink};
use access_tokens::rotation::state::{Listed, StateStore, StoreErrorKind, Stored, write};
use access_tokens_stores::PostgresStore;
use access_tokens_testing::stores::{Check, Promise};
use serde_json::json;
use tokio::task::JoinSet;
use tokio_postgres::{Config, NoTls};

use crate::engines::Postgres;
use crate::fleet::{Places, outlives_its_engine};
use crate::proxy::Proxy;
use crate::state;

async fn connect(url: &str) -> PostgresStore {
    PostgresStore::connect(url.parse::<Config>().unwrap(), NoTls)
        .await
        .unwrap()
}

/// A connection for what the store does not do.
async fn by_hand(url: &str, statements: &str) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(statements).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_keeps_what_stores_promise() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let url = server.url();
    let damage = {
        let (url, runtime) = (url.clone(), tokio::runtime::Handle::current());
        move |name: &str| {
            let key = name.replace('/', "%2f");
            let change = format!(
                "update access_tokens_state set entry = replace(entry, 'canary', 'dog') where key = '{key}'"
            );
            tokio::task::block_in_place(|| runtime.block_on(by_hand(&url, &change)));
            Ok(())
        }
    };
    let check = Check::new(connect(&url).await)
        .handle(connect(&url).await)
        .damage(damage);
    let report = check.run().await.unwrap();
    println!("{report}");
    let skipped: Vec<_> = report
        .skipped()
        .iter()
        .map(|(promise, _)| *promise)
        .collect();
    assert_eq!(skipped, [Promise::LocalLockExcludes]);
    let store = connect(&url).await;
    assert_eq!(store.list("").await.unwrap(), []);
    assert!(!format!("{store:?}").contains("keeper"));
}

#[tokio::test]
async fn writer() {
    if let Some(url) = state::engine() {
        state::race_and_tell(&connect(&url).await).await;
    }
}

#[tokio::test]
async fn processes_never_win_the_same_write() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let (url, store) = (server.url(), connect(&server.url()).await);
    state::processes_never_win_the_same_write("postgres::writer", &url, &store).await;
}

#[tokio::test]
async fn lost_answers_are_found_out() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let direct = connect(&server.url()).await;
    let proxy = Proxy::start(server.port()).await;
    let url = server
        .url()
        .replace(&server.port().to_string(), &proxy.port.to_string());
    state::lost_answers_are_found_out(&proxy, &direct, || connect(&url)).await;
}

#[tokio::test]
async fn the_table_is_made_by_many_at_once_and_only_if_it_is_missing() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let url = server.url();
    let mut tasks = JoinSet::new();
    for _ in 0..12 {
        let url = url.clone();
        tasks.spawn(async move { connect(&url).await });
    }
    tasks.join_all().await;
    // Another table, also where its schema is not on the path.
    by_hand(&url, "create schema other").await;
    let config: Config = url.parse().unwrap();
    let other = PostgresStore::connect_to(config.clone(), NoTls, "other.state")
        .await
        .unwrap();
    let entry = Stored::new("token/a", json!(1));
    write(&other, None, &entry).await.unwrap();
    assert_eq!(connect(&url).await.load("token/a").await.unwrap(), None);

    // One who may not make tables can use what an administrator made.
    by_hand(
        &url,
        "create role app login; create schema app; set search_path = app;",
    )
    .await;
    let as_app = url.replace("user=keeper", "user=app");
    let config_of_app: Config = as_app.parse().unwrap();
    let missing = PostgresStore::connect_to(config_of_app.clone(), NoTls, "app.tokens").await;
    let missing = missing.unwrap_err();
    assert_eq!(missing.kind(), StoreErrorKind::NotWritten);
    assert!(
        missing.to_string().contains("permission denied"),
        "{missing}"
    );
    let migrations = PostgresStore::MIGRATIONS
        .join(";")
        .replace("access_tokens_state", "app.tokens");
    let grants = "grant usage on schema app to app; \
        grant select, insert, update, delete on app.tokens to app";
    by_hand(&url, &format!("{migrations}; {grants}")).await;
    let app = PostgresStore::connect_to(config_of_app, NoTls, "app.tokens")
        .await
        .unwrap();
    app.probe().await.unwrap();

    // A newer form is not touched.
    by_hand(
        &url,
        "comment on table other.state is 'access-tokens state, form 99'",
    )
    .await;
    let newer = PostgresStore::connect_to(config.clone(), NoTls, "other.state")
        .await
        .unwrap_err();
    assert_eq!(newer.kind(), StoreErrorKind::Unsuitable, "{newer}");
    for table in ["", "a.b.c", "State", "a;b", "1a", "a\"b"] {
        let refused = PostgresStore::connect_to(config.clone(), NoTls, table)
            .await
            .unwrap_err();
        assert_eq!(refused.kind(), StoreErrorKind::InvalidName, "{table}");
    }
}

#[tokio::test]
async fn a_server_that_forgets_or_is_not_there_is_refused() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let url = server.url();
    let store = connect(&url).await;
    store.probe().await.unwrap();
    by_hand(&url, "alter role keeper set synchronous_commit = off").await;
    let forgets = connect(&url).await.probe().await.unwrap_err();
    assert_eq!(forgets.kind(), StoreErrorKind::Unsuitable);
    assert!(
        forgets.to_string().contains("synchronous_commit"),
        "{forgets}"
    );
    // Nobody listens, and somebody listens who says nothing.
    let gone = "host=127.0.0.1 port=1 user=keeper password=canary"
        .parse()
        .unwrap();
    let gone = PostgresStore::connect::<NoTls>(gone, NoTls)
        .await
        .unwrap_err();
    assert_eq!(gone.kind(), StoreErrorKind::NotWritten);
    assert!(!gone.to_string().contains("canary"));

    // What takes too long is not known, and not waited for.
    let slow = store.timeout(Duration::from_millis(300));
    let entry = Stored::new("token/a", json!(1));
    slow.create(&entry).await.unwrap();
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
        .batch_execute("begin; select * from access_tokens_state for update")
        .await
        .unwrap();
    let late = slow
        .replace(&entry.version, &entry.next(json!(2)))
        .await
        .unwrap_err();
    assert_eq!(late.kind(), StoreErrorKind::Unknown, "{late}");
    client.batch_execute("rollback").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_is_killed_and_restarted_loses_nothing_that_it_answered() {
    const ENTRIES: usize = 200;
    let Some(mut server) = Postgres::start() else {
        return;
    };
    let store = connect(&server.url()).await.timeout(Duration::from_secs(3));
    let stop = Arc::new(AtomicBool::new(false));
    let mut tasks = JoinSet::new();
    for number in 0..ENTRIES {
        let (store, stop) = (store.clone(), Arc::clone(&stop));
        tasks.spawn(async move {
            let name = format!("token/{number}");
            let mut won = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                // Each write adds its id to those before it.
                let Ok(found) = store.load(&name).await else {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                };
                let mut next = match &found {
                    Some(found) => found.next(found.body.clone()),
                    None => Stored::new(&name, json!([])),
                };
                let id = json!(next.version.write_id);
                next.body.as_array_mut().unwrap().push(id.clone());
                match write(&store, found.as_ref().map(|found| &found.version), &next).await {
                    Ok(()) => won.push(id),
                    Err(error) => assert!(
                        matches!(
                            error.kind(),
                            StoreErrorKind::NotWritten | StoreErrorKind::Unknown
                        ),
                        "nobody else writes: {:?} {error}",
                        error.kind(),
                    ),
                }
            }
            (name, won)
        });
    }
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(700)).await;
        tokio::task::block_in_place(|| server.kill_and_restart());
    }
    tokio::time::sleep(Duration::from_millis(700)).await;
    stop.store(true, Ordering::Relaxed);
    let told = tasks.join_all().await;
    assert_eq!(store.list("token/").await.unwrap().len(), ENTRIES);
    for listed in store.list("token/").await.unwrap() {
        let Listed::Entry(entry) = listed else {
            panic!("{listed:?}")
        };
        let chain = entry.body.as_array().unwrap();
        assert_eq!(chain.len() as u64, entry.version.generation);
        let (_, won) = told.iter().find(|(name, _)| *name == entry.name).unwrap();
        assert!(!won.is_empty());
        assert!(
            won.iter().all(|won| chain.contains(won)),
            "{}: a write is lost",
            entry.name
        );
    }
}

/// Files, whose directory ends with them.
struct Files(tempfile::TempDir);

impl Places for Files {
    async fn hold(&self, number: usize, secret: &str) -> Arc<dyn Sink> {
        let path = self.0.path().join(number.to_string());
        std::fs::write(&path, secret).unwrap();
        Arc::new(FileSink::new(path))
    }

    async fn read(&self, number: usize) -> String {
        std::fs::read_to_string(self.0.path().join(number.to_string())).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_fleet_outlives_a_server_that_is_killed() {
    let Some(mut server) = Postgres::start() else {
        return;
    };
    let store = connect(&server.url()).await;
    let files = Files(tempfile::tempdir().unwrap());
    let (done, ended) = std::sync::mpsc::channel();
    let kill = move || {
        server.kill_and_restart();
        // It lives on until the test is through.
        done.send(server).unwrap();
    };
    outlives_its_engine(store, &files, kill).await;
    drop(ended);
}

#[tokio::test]
async fn the_clock_is_the_servers_without_a_question_each_time() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let proxy = Proxy::start(server.port()).await;
    let url = format!(
        "host=127.0.0.1 port={} user=keeper dbname=postgres",
        proxy.port
    );
    let (store, other) = (connect(&url).await, connect(&server.url()).await);
    let first = store.now().await.unwrap().unwrap();
    let asked = proxy.sent();
    let mut last = first;
    for _ in 0..100 {
        let now = store.now().await.unwrap().unwrap();
        assert!(now >= last);
        last = now;
    }
    assert!(last > first && proxy.sent() < asked + 50);
    // It is not ahead of the server.
    assert!(last <= other.now().await.unwrap().unwrap());
}
