//! `OpenBao`, the real one.

use std::sync::Arc;
use std::time::Duration;

use access_tokens::rotation::sink::{Delivery, Holds, Sink, SinkErrorKind, SinkKind, SinkVersion};
use access_tokens::rotation::state::FileStore;
use access_tokens::{Marker, Secret, Service, TokenKey, TokenRecord};
use access_tokens_stores::{VaultAuth, VaultKv2};
use access_tokens_testing::sinks;
use serde_json::{Value, json};

use crate::bao_on_disk::BaoOnDisk;
use crate::engines::{Server, bao};
use crate::fleet::{Places, outlives_its_engine};
use crate::restart::{Read, what_uses_it_is_restarted};
use crate::world::World;

mod env;
mod login;
mod lost;

struct Bao {
    server: Server,
    http: reqwest::Client,
}

impl Bao {
    async fn start() -> Option<Self> {
        let it = Self {
            server: bao("root")?,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        };
        for _ in 0..200 {
            if it.get("secret/config").await.0 == 200 {
                return Some(it);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no KV engine comes up");
    }

    fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.server.port)
    }

    async fn call(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let url = format!("{}/v1/{path}", self.address());
        let mut request = self
            .http
            .request(method, url)
            .header("x-vault-token", "root");
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let Ok(response) = request.send().await else {
            return (0, Value::Null);
        };
        let status = response.status().as_u16();
        let text = response.text().await.unwrap_or_default();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.call(reqwest::Method::GET, path, None).await
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let answer = self.call(reqwest::Method::POST, path, Some(body)).await;
        assert!(answer.0 < 300, "{path}: {answer:?}");
        answer
    }

    async fn data(&self, path: &str) -> Value {
        let (_, body) = self.get(&format!("secret/data/{path}")).await;
        body["data"]["data"].clone()
    }

    fn sink(&self, path: &str, key: &str) -> VaultKv2 {
        self.sink_with(path, key, VaultAuth::token("root"))
    }

    fn sink_with(&self, path: &str, key: &str, auth: VaultAuth) -> VaultKv2 {
        VaultKv2::builder(self.address(), path, key)
            .auth(auth)
            .build()
            .unwrap()
    }
}

fn token() -> TokenRecord {
    TokenRecord::new(Service::LAUNCH_DARKLY, TokenKey::new("66aa"))
}

async fn version(sink: &VaultKv2) -> SinkVersion {
    sink.observe().await.unwrap().version.unwrap()
}

/// Delivers at the version that is there now.
async fn deliver(sink: &VaultKv2, secret: &str, attempt: &Marker, old: &Marker) -> SinkVersion {
    let (secret, token, seen) = (Secret::new(secret), token(), version(sink).await);
    let delivery = Delivery::new(&secret, &token, attempt, old).with_seen(Some(&seen));
    sink.deliver(&delivery).await.unwrap().version.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_rules_for_sinks() {
    let Some(bao) = Bao::start().await else {
        return;
    };
    // It keeps ten versions by default, and the rules take more.
    bao.post("secret/config", json!({"max_versions": 20})).await;
    bao.post("secret/data/theirs", json!({"data": {"token": "first"}}))
        .await;
    bao.post("secret/data/other", json!({"data": {"user": "x"}}))
        .await;
    for path in ["theirs", "other", "nowhere"] {
        let report = sinks::check(|| bao.sink(path, "token")).await.unwrap();
        assert_eq!(report.kind(), SinkKind::Restorable);
    }
    assert_eq!(bao.data("theirs").await["token"], "first");
    assert_eq!(bao.data("other").await, json!({"user": "x"}));
}

#[tokio::test]
async fn one_key_changes_and_comes_back_exactly() {
    let Some(bao) = Bao::start().await else {
        return;
    };
    let owner = Marker::random();
    let (zero, one, two) = (owner.attempt(0), owner.attempt(1), owner.attempt(2));
    bao.post(
        "secret/data/app",
        json!({"data": {"token": "first", "other": "stays"}}),
    )
    .await;
    let sink = bao.sink("app", "token");
    sink.check().await.unwrap();
    assert_eq!(sink.observe().await.unwrap().holds, Holds::Other);

    deliver(&sink, "second", &one, &zero).await;
    let data = bao.data("app").await;
    assert_eq!(
        (&data["token"], &data["other"]),
        (&json!("second"), &json!("stays"))
    );
    assert_eq!(
        sink.observe().await.unwrap().holds,
        Holds::Attempt(one.clone())
    );

    // Somebody else's key, in between, is not touched by taking ours back.
    let mut changed = data.clone();
    changed["other"] = json!("changed");
    bao.post("secret/data/app", json!({"data": changed})).await;
    let seen = version(&sink).await;
    sink.restore(&zero, &seen).await.unwrap();
    let data = bao.data("app").await;
    assert_eq!(
        (&data["token"], &data["other"]),
        (&json!("first"), &json!("changed"))
    );
    assert_eq!(
        sink.observe().await.unwrap().holds,
        Holds::Attempt(zero.clone())
    );

    // Forth and back between two of our own.
    deliver(&sink, "second", &one, &zero).await;
    deliver(&sink, "third", &two, &one).await;
    let seen = version(&sink).await;
    sink.restore(&one, &seen).await.unwrap();
    assert_eq!(bao.data("app").await["token"], "second");
    let seen = version(&sink).await;
    sink.restore(&two, &seen).await.unwrap();
    assert_eq!(bao.data("app").await["token"], "third");
    // What it never had.
    let seen = version(&sink).await;
    let error = sink.restore(&owner.attempt(9), &seen).await.unwrap_err();
    assert_eq!(error.kind(), SinkErrorKind::NotStored);
}

#[tokio::test]
async fn an_empty_place_becomes_empty_again_and_a_deleted_one_is_written() {
    let Some(bao) = Bao::start().await else {
        return;
    };
    let owner = Marker::random();
    let (zero, one) = (owner.attempt(0), owner.attempt(1));
    let sink = bao.sink("deep/er/place", "token");
    let seen = sink.observe().await.unwrap();
    assert_eq!(
        (seen.version.unwrap().as_str(), seen.holds),
        ("0", Holds::Nothing)
    );
    deliver(&sink, "new", &one, &zero).await;
    let seen = version(&sink).await;
    sink.restore(&zero, &seen).await.unwrap();
    assert_eq!(bao.data("deep/er/place").await, json!({}));

    bao.call(reqwest::Method::DELETE, "secret/data/deep/er/place", None)
        .await;
    let seen = sink.observe().await.unwrap();
    // The version of what was deleted, not 0.
    assert_eq!(
        (seen.version.unwrap().as_str(), seen.holds),
        ("2", Holds::Nothing)
    );
    deliver(&sink, "again", &one, &zero).await;
    assert_eq!(bao.data("deep/er/place").await["token"], "again");
}

#[tokio::test]
async fn a_late_write_is_refused_and_changes_nothing() {
    let Some(bao) = Bao::start().await else {
        return;
    };
    let owner = Marker::random();
    let (zero, one, two) = (owner.attempt(0), owner.attempt(1), owner.attempt(2));
    let sink = bao.sink("late", "token");
    // A looks, and stalls.
    let seen = version(&sink).await;
    // B takes over and finishes.
    deliver(&sink, "living", &two, &zero).await;
    // A goes on.
    let (secret, token) = (Secret::new("dead"), token());
    let late = Delivery::new(&secret, &token, &one, &zero).with_seen(Some(&seen));
    assert_eq!(
        sink.deliver(&late).await.unwrap_err().kind(),
        SinkErrorKind::Conflict
    );
    for error in [sink.restore(&zero, &seen).await, sink.rewrite(&seen).await] {
        assert_eq!(error.unwrap_err().kind(), SinkErrorKind::Conflict);
    }
    assert_eq!(bao.data("late").await["token"], "living");

    // A look alone does not refuse what was sent before it; a rewrite does.
    let seen = version(&sink).await;
    let moved = sink.rewrite(&seen).await.unwrap().version.unwrap();
    assert_ne!(moved, seen);
    let late = Delivery::new(&secret, &token, &one, &zero).with_seen(Some(&seen));
    assert_eq!(
        sink.deliver(&late).await.unwrap_err().kind(),
        SinkErrorKind::Conflict
    );
    assert_eq!(sink.observe().await.unwrap().holds, Holds::Attempt(two));
}

#[tokio::test]
async fn writers_of_different_keys_do_not_lose_each_other() {
    let Some(bao) = Bao::start().await else {
        return;
    };
    let bao = Arc::new(bao);
    let mut tasks = Vec::new();
    for number in 0..6_u32 {
        let bao = Arc::clone(&bao);
        tasks.push(tokio::spawn(async move {
            let owner = Marker::random();
            let sink = bao.sink("shared", &format!("key{number}"));
            for round in 1..=5_u64 {
                loop {
                    let (secret, token) = (Secret::new(format!("{number}.{round}")), token());
                    let (new, old) = (owner.attempt(round), owner.attempt(round - 1));
                    let seen = version(&sink).await;
                    let delivery = Delivery::new(&secret, &token, &new, &old);
                    match sink.deliver(&delivery.with_seen(Some(&seen))).await {
                        Ok(_) => break,
                        Err(error) => assert_eq!(error.kind(), SinkErrorKind::Conflict),
                    }
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let data = bao.data("shared").await;
    for number in 0..6 {
        assert_eq!(data[format!("key{number}")], format!("{number}.5"));
    }
}

#[tokio::test]
async fn the_name_is_noted() {
    let Some(bao) = Bao::start().await else {
        return;
    };
    let owner = Marker::random();
    let (zero, one) = (owner.attempt(0), owner.attempt(1));
    let sink = bao.sink("noted", "token");
    let (secret, token, seen) = (Secret::new("canary-secret"), token(), version(&sink).await);
    let delivery = Delivery::new(&secret, &token, &one, &zero).with_managed(Some("nightly-export"));
    let written = sink
        .deliver(&delivery.with_seen(Some(&seen)))
        .await
        .unwrap();
    assert_eq!(written.warning, None);
    let (_, metadata) = bao.get("secret/metadata/noted").await;
    assert_eq!(
        metadata["data"]["custom_metadata"]["managed_token"],
        "nightly-export"
    );
    assert!(!metadata.to_string().contains("canary-secret"));
}

#[test]
fn addresses_and_paths_that_would_lead_elsewhere_are_refused() {
    for address in [
        "http://vault.example.com:8200",
        "http://x.localhost:8200",
        "https://user:pw@vault.example.com",
        "ftp://localhost",
        "localhost:8200",
        "",
    ] {
        let error = VaultKv2::builder(address, "a", "k").build().unwrap_err();
        assert_eq!(error.kind(), SinkErrorKind::NotStored, "{address}");
        assert!(!error.to_string().contains("pw"), "{error}");
    }
    for path in ["", "/", "a/../b", ".", "a//b", "a\\b"] {
        let built = VaultKv2::builder("https://localhost", path, "k").build();
        assert!(built.is_err(), "{path}");
    }
    assert!(
        VaultKv2::builder("https://localhost", "a b/ü?#%", "k")
            .build()
            .is_ok()
    );
}

#[tokio::test]
async fn what_uses_a_secret_is_restarted_after_its_delivery() {
    let Some(bao) = Bao::start().await else {
        return;
    };
    let bao = Arc::new(bao);
    let world = World::new().await;
    let (old, declared) = world.token("nightly export");
    let old = old.secret.expose_secret();
    bao.post("secret/data/app", json!({"data": {"token": old}}))
        .await;
    let sink = Arc::new(bao.sink("app", "token"));
    let read: Read = {
        let bao = Arc::clone(&bao);
        Arc::new(move || {
            let bao = Arc::clone(&bao);
            Box::pin(async move { bao.data("app").await["token"].as_str().unwrap().to_owned() })
        })
    };
    what_uses_it_is_restarted(&world, declared, old, sink, read).await;
}

impl Places for BaoOnDisk {
    async fn hold(&self, number: usize, secret: &str) -> Arc<dyn Sink> {
        let path = format!("app-{number}");
        self.put(&path, secret).await;
        let sink = VaultKv2::builder(self.address(), path, "token");
        Arc::new(sink.auth(VaultAuth::token(self.root())).build().unwrap())
    }

    async fn read(&self, number: usize) -> String {
        self.get(&format!("app-{number}")).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_fleet_outlives_a_server_that_is_killed() {
    let Some(bao) = BaoOnDisk::start().await else {
        return;
    };
    let kill = {
        let bao = bao.clone();
        move || bao.kill_and_restart()
    };
    let folder = tempfile::tempdir().unwrap();
    outlives_its_engine(FileStore::new(folder.path()), &bao, kill).await;
}
