//! `OpenBao`, the real one.

use std::sync::Arc;
use std::time::Duration;

use access_tokens::rotation::sink::{Delivery, Holds, Sink, SinkErrorKind, SinkKind, SinkVersion};
use access_tokens::{Marker, Secret, Service, TokenKey, TokenRecord};
use access_tokens_stores::{VaultAuth, VaultKv2};
use access_tokens_testing::sinks;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::engines::{Server, bao};
use crate::restart::{Read, what_uses_it_is_restarted};
use crate::world::World;

struct Bao {
    server: Server,
    http: reqwest::Client,
}

impl Bao {
    async fn start() -> Option<Self> {
        let it = Self {
            server: bao()?,
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

#[tokio::test]
async fn a_policy_that_is_too_narrow_is_found_before_anything_is_sent() {
    let Some(bao) = Bao::start().await else {
        return;
    };
    let full = r#"path "secret/data/app" { capabilities = ["read", "create", "update"] }"#;
    let read = r#"path "secret/data/app" { capabilities = ["read"] }"#;
    for (policy, text, allowed) in [("full", full, true), ("read", read, false)] {
        bao.post(
            &format!("sys/policies/acl/{policy}"),
            json!({ "policy": text }),
        )
        .await;
        let (_, made) = bao
            .post("auth/token/create", json!({ "policies": [policy] }))
            .await;
        let secret = made["auth"]["client_token"].as_str().unwrap().to_owned();
        let sink = bao.sink_with("app", "token", VaultAuth::token(secret.as_str()));
        let checked = sink.check().await;
        if allowed {
            checked.unwrap();
            let owner = Marker::random();
            let (token, seen) = (token(), version(&sink).await);
            let (new, old, value) = (owner.attempt(1), owner.attempt(0), Secret::new("s"));
            let delivery = Delivery::new(&value, &token, &new, &old).with_managed(Some("x"));
            let written = sink
                .deliver(&delivery.with_seen(Some(&seen)))
                .await
                .unwrap();
            // Without a right on the metadata the delivery stands.
            assert!(written.warning.unwrap().contains("metadata"));
        } else {
            let error = checked.unwrap_err();
            assert_eq!(error.kind(), SinkErrorKind::NotStored);
            let text = format!("{error} {error:?} {sink:?}");
            assert!(
                text.contains("secret/data/app") && text.contains("create"),
                "{text}"
            );
            assert!(!text.contains(&secret), "{text}");
        }
    }
    let error = bao
        .sink_with("app", "token", VaultAuth::token("wrong"))
        .check()
        .await;
    assert!(error.unwrap_err().to_string().contains("403"));
}

#[tokio::test]
async fn it_logs_in_by_approle_and_by_file_and_again_when_a_login_has_ended() {
    let Some(bao) = Bao::start().await else {
        return;
    };
    let text = r#"path "secret/*" { capabilities = ["read", "create", "update", "patch"] }"#;
    bao.post("sys/policies/acl/app", json!({ "policy": text }))
        .await;
    bao.post("sys/auth/approle", json!({ "type": "approle" }))
        .await;
    let role = json!({ "token_policies": ["app"], "token_ttl": "1h" });
    bao.post("auth/approle/role/app", role).await;
    let (_, id) = bao.get("auth/approle/role/app/role-id").await;
    let (_, secret) = bao.post("auth/approle/role/app/secret-id", json!({})).await;
    let auth = VaultAuth::app_role(
        id["data"]["role_id"].as_str().unwrap(),
        secret["data"]["secret_id"].as_str().unwrap(),
    );
    let sink = bao.sink_with("app", "token", auth);
    sink.check().await.unwrap();
    // All its tokens are revoked; the next call gets another.
    bao.post("sys/leases/revoke-prefix/auth/approle", json!({}))
        .await;
    sink.check().await.unwrap();

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let sink = bao.sink_with("app", "token", VaultAuth::token_file(&file));
    assert_eq!(
        sink.check().await.unwrap_err().kind(),
        SinkErrorKind::NotStored
    );
    std::fs::write(&file, "root\n").unwrap();
    sink.check().await.unwrap();
}

#[tokio::test]
async fn a_lost_answer_is_unknown_and_a_look_tells_what_became_of_it() {
    let Some(bao) = Bao::start().await else {
        return;
    };
    let owner = Marker::random();
    let (zero, one) = (owner.attempt(0), owner.attempt(1));
    let direct = bao.sink("lost", "token");
    for reached in [true, false] {
        let address = swallow_the_post(bao.server.port, reached).await;
        let builder = VaultKv2::builder(address, "lost", "token").auth(VaultAuth::token("root"));
        let sink = builder.timeout(Duration::from_secs(5)).build().unwrap();
        let before = version(&direct).await;
        let (secret, token) = (Secret::new("canary-secret"), token());
        let delivery = Delivery::new(&secret, &token, &one, &zero).with_seen(Some(&before));
        let error = sink.deliver(&delivery).await.unwrap_err();
        assert_eq!(error.kind(), SinkErrorKind::Unknown, "{error}");
        assert!(!format!("{error} {error:?}").contains("canary-secret"));
        let now = direct.observe().await.unwrap();
        assert_eq!(now.version.as_ref() != Some(&before), reached);
        assert_eq!(now.holds == Holds::Attempt(one.clone()), reached);
        if reached {
            // Put it back for the other half.
            direct.restore(&zero, &now.version.unwrap()).await.unwrap();
        }
    }
}

/// Passes requests on, but for a POST: its answer is lost, or the whole of it.
async fn swallow_the_post(port: u16, reaches: bool) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = vec![0; 64 << 10];
                let Ok(read) = client.read(&mut buffer).await else {
                    return;
                };
                let request = &buffer[..read];
                let writes = request.starts_with(b"POST /v1/secret");
                if writes && !reaches {
                    return;
                }
                let mut server = tokio::net::TcpStream::connect(("127.0.0.1", port))
                    .await
                    .unwrap();
                // One request a connection: the other side is told to close.
                let text = String::from_utf8_lossy(request).into_owned();
                let text = text.replacen("\r\n", "\r\nconnection: close\r\n", 1);
                server.write_all(text.as_bytes()).await.unwrap();
                let mut answer = Vec::new();
                let _ = server.read_to_end(&mut answer).await;
                if !writes {
                    let _ = client.write_all(&answer).await;
                }
            });
        }
    });
    address
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
