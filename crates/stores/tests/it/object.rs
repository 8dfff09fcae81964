//! `ObjectStore` on S3, for which moto stands in, on Azure, for which Azurite does, in memory, and where
//! conditions are missing.

use std::sync::Arc;
use std::time::Duration;

use access_tokens::rotation::state::{StateStore, StoreErrorKind, Stored, write};
use access_tokens_stores::ObjectStore;
use access_tokens_testing::stores::{Check, Promise};
use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::azure::MicrosoftAzureBuilder;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStoreExt as _, RetryConfig};
use serde_json::json;

use crate::engines::{self, Server};
use crate::proxy::Proxy;
use crate::state;

const FOLDER: &str = "access-tokens/state";

fn s3(port: u16) -> Arc<dyn object_store::ObjectStore> {
    let store = s3_builder(port).build().unwrap();
    Arc::new(store)
}

fn s3_builder(port: u16) -> AmazonS3Builder {
    AmazonS3Builder::new()
        .with_endpoint(format!("http://127.0.0.1:{port}"))
        .with_client_options(ClientOptions::new().with_allow_http(true))
        .with_retry(RetryConfig {
            retry_timeout: Duration::from_secs(5),
            ..RetryConfig::default()
        })
        .with_region("us-east-1")
        .with_bucket_name("state")
        .with_access_key_id("test")
        .with_secret_access_key("canary-5f1c9e")
}

async fn bucket() -> Option<Server> {
    let server = engines::moto_in_turn()?;
    let url = format!("http://127.0.0.1:{}/state", server.port);
    let made = reqwest::Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .put(url)
        .send()
        .await;
    assert!(made.unwrap().status().is_success());
    Some(server)
}

fn store(port: u16) -> ObjectStore {
    ObjectStore::new(s3(port), FOLDER).unwrap()
}

/// A container of Azurite, whose only account and key are known to all.
async fn container() -> Option<(Server, Arc<dyn object_store::ObjectStore>)> {
    const KEY: &str =
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
    // To make a container, signed with that key; `object_store` cannot make one.
    const SIGNED: &str = "sv=2022-11-02&ss=b&srt=c&sp=c&se=2099-01-01T00%3A00%3A00Z&spr=https%2Chttp\
        &sig=uBUIZGOJnHQ2d8Wf1JiQvhqoO3%2FgquCqDLwlGaM1Phs%3D";
    let server = engines::azurite()?;
    let account = format!("http://127.0.0.1:{}/devstoreaccount1", server.port);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let made = client
        .put(format!("{account}/state?restype=container&{SIGNED}"))
        .header("content-length", "0")
        .send()
        .await;
    assert!(made.unwrap().status().is_success());
    let store = MicrosoftAzureBuilder::new()
        .with_endpoint(account)
        .with_client_options(ClientOptions::new().with_allow_http(true))
        .with_account("devstoreaccount1")
        .with_access_key(KEY)
        .with_container_name("state")
        .build();
    Some((server, Arc::new(store.unwrap())))
}

/// The suite, with entries damaged behind the store's back.
async fn keeps_what_stores_promise(objects: Arc<dyn object_store::ObjectStore>) {
    let handle = || ObjectStore::new(Arc::clone(&objects), FOLDER).unwrap();
    let damage = {
        let (objects, runtime) = (Arc::clone(&objects), tokio::runtime::Handle::current());
        move |name: &str| {
            let place = Path::parse(format!("{FOLDER}/{}", name.replace('/', "%2f"))).unwrap();
            let put = async { objects.put(&place, "{\"format\":1}".into()).await };
            tokio::task::block_in_place(|| runtime.block_on(put)).unwrap();
            Ok(())
        }
    };
    let check = Check::new(handle())
        .handle(handle())
        .damage(damage)
        .rounds(20);
    let report = check.run().await.unwrap();
    println!("{report}");
    let skipped: Vec<_> = report
        .skipped()
        .iter()
        .map(|(promise, _)| *promise)
        .collect();
    assert_eq!(skipped, [Promise::LocalLockExcludes, Promise::ClockRuns]);
    assert_eq!(handle().list("").await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_memory_it_keeps_what_stores_promise() {
    keeps_what_stores_promise(Arc::new(InMemory::new())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_s3_it_keeps_what_stores_promise() {
    let Some(server) = bucket().await else { return };
    keeps_what_stores_promise(s3(server.port)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_azure_it_keeps_what_stores_promise() {
    let Some((_server, objects)) = container().await else {
        return;
    };
    let store = ObjectStore::new(Arc::clone(&objects), FOLDER).unwrap();
    store.probe().await.unwrap();
    keeps_what_stores_promise(objects).await;
}

#[tokio::test]
async fn writer() {
    if let Some(port) = state::engine() {
        state::race_and_tell(&store(port.parse().unwrap())).await;
    }
}

#[tokio::test]
async fn processes_never_win_the_same_write() {
    let Some(server) = bucket().await else { return };
    let port = server.port.to_string();
    let store = store(server.port);
    state::processes_never_win_the_same_write("object::writer", &port, &store).await;
}

#[tokio::test]
async fn lost_answers_are_found_out() {
    let Some(server) = bucket().await else { return };
    let proxy = Proxy::start(server.port).await;
    let through = || async { store(proxy.port) };
    state::lost_answers_are_found_out(&proxy, &store(server.port), through).await;
}

#[tokio::test]
async fn what_does_not_apply_conditions_is_refused() {
    // The file system of `object_store` has no conditional update.
    let directory = tempfile::tempdir().unwrap();
    let local = object_store::local::LocalFileSystem::new_with_prefix(directory.path()).unwrap();
    let refused = ObjectStore::new(Arc::new(local), FOLDER)
        .unwrap()
        .probe()
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Unsuitable, "{refused}");
    assert!(refused.to_string().contains("use another one"), "{refused}");

    let Some(server) = bucket().await else { return };
    let switched_off = s3_builder(server.port).with_conditional_put(S3ConditionalPut::Disabled);
    let switched_off = Arc::new(switched_off.build().unwrap());
    let refused = ObjectStore::new(switched_off, FOLDER)
        .unwrap()
        .probe()
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Unsuitable, "{refused}");

    // No such bucket is not an empty one.
    let elsewhere = s3_builder(server.port)
        .with_bucket_name("elsewhere")
        .build()
        .unwrap();
    let missing = ObjectStore::new(Arc::new(elsewhere), FOLDER)
        .unwrap()
        .probe()
        .await
        .unwrap_err();
    assert_eq!(missing.kind(), StoreErrorKind::NotWritten, "{missing}");
    assert!(!format!("{missing:?}").contains("canary"));

    // And a good one is left as it was.
    let good = store(server.port);
    good.probe().await.unwrap();
    let objects = s3(server.port)
        .list_with_delimiter(Some(&Path::from(FOLDER)))
        .await
        .unwrap();
    assert!(objects.objects.is_empty());
}

#[tokio::test]
async fn what_is_removed_leaves_an_empty_object_that_can_be_used_again() {
    let objects: Arc<dyn object_store::ObjectStore> = Arc::new(InMemory::new());
    let store = ObjectStore::new(Arc::clone(&objects), FOLDER).unwrap();
    let first = Stored::new("token/a", json!(1));
    write(&store, None, &first).await.unwrap();
    store.remove("token/a", &first.version).await.unwrap();
    let place = Path::parse(format!("{FOLDER}/token%2fa")).unwrap();
    assert_eq!(objects.head(&place).await.unwrap().size, 0);
    assert_eq!(store.list("").await.unwrap(), []);
    let again = Stored::new("token/a", json!(2));
    write(&store, None, &again).await.unwrap();
    let stale = store
        .replace(&first.version, &first.next(json!(3)))
        .await
        .unwrap_err();
    assert_eq!(stale.kind(), StoreErrorKind::Superseded);
    assert_eq!(store.load("token/a").await.unwrap(), Some(again));
    // What others keep in the bucket is none of ours.
    objects
        .put(&Path::from("access-tokens/other"), "x".into())
        .await
        .unwrap();
    objects
        .put(
            &Path::parse(format!("{FOLDER}/deeper/x")).unwrap(),
            "x".into(),
        )
        .await
        .unwrap();
    assert_eq!(store.list("").await.unwrap().len(), 1);
}
