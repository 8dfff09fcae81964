//! AWS Secrets Manager, for which moto stands in.

use std::sync::Arc;

use access_tokens::rotation::sink::{
    Delivery, Holds, Sink, SinkError, SinkErrorKind, SinkKind, SinkVersion, Written,
};
use access_tokens::{Marker, Secret, Service, TokenKey, TokenRecord};
use access_tokens_stores::AwsSecretsManager;
use access_tokens_stores::aws_config::{self, BehaviorVersion, Region};
use access_tokens_stores::aws_sdk_secretsmanager::Client;
use access_tokens_stores::aws_sdk_secretsmanager::config::Credentials;
use access_tokens_stores::aws_sdk_secretsmanager::primitives::Blob;
use access_tokens_stores::aws_sdk_secretsmanager::types::RotationRulesType;
use access_tokens_testing::sinks;
use serde_json::{Value, json};

use crate::engines::{self, Server};
use crate::proxy::{Lost, Proxy};
use crate::restart::{Read, what_uses_it_is_restarted};
use crate::world::World;

mod fleet;
mod iam;
mod log;

const NAME: &str = "prod/app";

async fn client_as(port: u16, credential: Credentials) -> Client {
    let loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-west-1"))
        .endpoint_url(format!("http://127.0.0.1:{port}"))
        .credentials_provider(credential);
    AwsSecretsManager::client(loader).await.unwrap()
}

async fn client(port: u16) -> Client {
    let session = Some("canary-session".to_owned());
    client_as(
        port,
        Credentials::new("test", "canary-key", session, None, "test"),
    )
    .await
}

/// Moto, with a secret that holds this.
async fn moto(content: &str) -> Option<(Server, Client)> {
    let server = engines::moto()?;
    let client = client(server.port).await;
    create(&client, NAME, content).await;
    Some((server, client))
}

async fn create(client: &Client, name: &str, content: &str) {
    let made = client.create_secret().name(name).secret_string(content);
    made.send().await.unwrap();
}

fn whole(client: &Client) -> AwsSecretsManager {
    AwsSecretsManager::new(client.clone(), NAME).unwrap()
}

fn keyed(client: &Client, key: &str) -> AwsSecretsManager {
    whole(client).key(key).unwrap()
}

async fn content(client: &Client) -> String {
    let value = client.get_secret_value().secret_id(NAME);
    let value = value.version_stage("AWSCURRENT").send().await.unwrap();
    value.secret_string.unwrap()
}

async fn json_content(client: &Client) -> Value {
    serde_json::from_str(&content(client).await).unwrap()
}

fn token() -> TokenRecord {
    TokenRecord::new(Service::LAUNCH_DARKLY, TokenKey::new("66aa"))
}

async fn version(sink: &AwsSecretsManager) -> SinkVersion {
    sink.observe().await.unwrap().version.unwrap()
}

/// Delivers at a version.
async fn deliver_at(
    sink: &AwsSecretsManager,
    secret: &str,
    attempt: &Marker,
    old: &Marker,
    seen: &SinkVersion,
) -> Result<Written, SinkError> {
    let (secret, token) = (Secret::new(secret), token());
    let delivery = Delivery::new(&secret, &token, attempt, old).with_seen(Some(seen));
    sink.deliver(&delivery).await
}

async fn deliver(
    sink: &AwsSecretsManager,
    secret: &str,
    attempt: &Marker,
    old: &Marker,
) -> SinkVersion {
    let seen = version(sink).await;
    let written = deliver_at(sink, secret, attempt, old, &seen).await;
    written.unwrap().version.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_rules_for_sinks() {
    let Some((_server, client)) = moto("what was there").await else {
        return;
    };
    let report = sinks::check(|| whole(&client)).await.unwrap();
    assert_eq!(report.kind(), SinkKind::Restorable);
    assert_eq!(whole(&client).id(), "aws eu-west-1 prod/app");
    assert_eq!(keyed(&client, "token").id(), "aws eu-west-1 prod/app#token");
    assert_eq!(content(&client).await, "what was there");

    for (name, content) in [
        ("empty", "{}"),
        ("other", r#"{"token":"first","user":"x"}"#),
    ] {
        create(&client, name, content).await;
        let sink = || AwsSecretsManager::new(client.clone(), name).unwrap();
        sinks::check(|| sink().key("token").unwrap()).await.unwrap();
    }
}

#[tokio::test]
async fn one_key_changes_and_the_others_stay_to_the_digit() {
    let before = r#"{"big":123456789012345678901234567890,"price":1.10,"token":"first"}"#;
    let Some((_server, client)) = moto(before).await else {
        return;
    };
    let owner = Marker::random();
    let (zero, one, two) = (owner.attempt(0), owner.attempt(1), owner.attempt(2));
    let sink = keyed(&client, "token");
    sink.check().await.unwrap();
    assert_eq!(sink.observe().await.unwrap().holds, Holds::Other);
    deliver(&sink, "se\"cond", &one, &zero).await;
    let now = content(&client).await;
    assert!(
        now.starts_with(r#"{"big":123456789012345678901234567890,"price":1.10,"#),
        "{now}"
    );
    assert_eq!(json_content(&client).await["token"], "se\"cond");

    // Another key in the same secret has a label of its own.
    let user = keyed(&client, "user");
    deliver(&user, "somebody", &two, &zero).await;
    assert_eq!(
        sink.observe().await.unwrap().holds,
        Holds::Attempt(one.clone())
    );
    assert_eq!(user.observe().await.unwrap().holds, Holds::Attempt(two));
    let seen = version(&sink).await;
    sink.restore(&zero, &seen).await.unwrap();
    let now = json_content(&client).await;
    assert_eq!(
        (&now["token"], &now["user"]),
        (&json!("first"), &json!("somebody"))
    );
    let seen = version(&user).await;
    user.restore(&zero, &seen).await.unwrap();
    let now = json_content(&client).await;
    assert_eq!((now.get("user"), now.get("user_attempt")), (None, None));
}

#[tokio::test]
async fn a_late_write_is_refused_and_changes_nothing() {
    let Some((_server, client)) = moto(r#"{"token":"first"}"#).await else {
        return;
    };
    let owner = Marker::random();
    let (zero, one, two) = (owner.attempt(0), owner.attempt(1), owner.attempt(2));
    for sink in [keyed(&client, "token"), whole(&client)] {
        deliver(&sink, "old", &zero, &zero).await;
        // A looks, and stalls; B takes over, delivers, and takes its delivery back.
        let seen = version(&sink).await;
        deliver(&sink, "living", &two, &zero).await;
        let between = version(&sink).await;
        sink.restore(&zero, &between).await.unwrap();
        // What is there is what A saw, but A is late all the same.
        let late = deliver_at(&sink, "dead", &one, &zero, &seen).await;
        assert_eq!(late.unwrap_err().kind(), SinkErrorKind::Conflict);
        for late in [sink.restore(&zero, &seen).await, sink.rewrite(&seen).await] {
            assert_eq!(late.unwrap_err().kind(), SinkErrorKind::Conflict);
        }
        assert!(!content(&client).await.contains("dead"));
    }
}

/// A writer that stalls between its look and its last call, which alone can change anything.
#[tokio::test]
async fn a_writer_that_stalls_within_its_delivery_is_refused() {
    let Some((server, client)) = moto("first").await else {
        return;
    };
    let owner = Marker::random();
    let (zero, one, two) = (owner.attempt(0), owner.attempt(1), owner.attempt(2));
    let direct = whole(&client);
    let seen = deliver(&direct, "old", &zero, &zero).await;
    // A: describe, put, and then the move, which is held back.
    let proxy = Proxy::start(server.port).await;
    let held = proxy.hold("UpdateSecretVersionStage");
    let slow = whole(&self::client(proxy.port).await);
    let late = {
        let (one, zero, seen) = (one.clone(), zero.clone(), seen.clone());
        tokio::spawn(async move { deliver_at(&slow, "dead", &one, &zero, &seen).await })
    };
    held.reached().await;
    // What A saw is there again, as another version.
    let between = deliver(&direct, "living", &two, &zero).await;
    direct.restore(&zero, &between).await.unwrap();
    held.release();
    let error = late.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), SinkErrorKind::Conflict, "{error}");
    assert_eq!(content(&client).await, "old");
    assert_eq!(direct.observe().await.unwrap().holds, Holds::Attempt(zero));
}

#[tokio::test]
async fn a_lost_answer_of_any_call_leaves_no_lie() {
    let Some((server, client)) = moto(r#"{"token":"first"}"#).await else {
        return;
    };
    let proxy = Proxy::start(server.port).await;
    let through = self::client(proxy.port).await;
    let owner = Marker::random();
    let mut number = 0;
    let mut unknown = 0;
    create(&client, "whole", "first").await;
    let make: [fn(&Client) -> AwsSecretsManager; 2] = [
        |client| AwsSecretsManager::new(client.clone(), "whole").unwrap(),
        |client| keyed(client, "token"),
    ];
    for make in make {
        let (direct, sink) = (make(&client), make(&through));
        for lost in [Lost::Request, Lost::Answer] {
            for call in 0.. {
                let (old, new) = (owner.attempt(number), owner.attempt(number + 1));
                number += 1;
                let before = version(&direct).await;
                let secret = format!("canary-{number}");
                proxy.lose(call, lost);
                let done = deliver_at(&sink, &secret, &new, &old, &before).await;
                let all = !proxy.has_lost();
                let now = direct.observe().await.unwrap();
                let there = now.holds == Holds::Attempt(new.clone());
                match &done {
                    Ok(written) => assert!(there && written.version == now.version),
                    Err(error) => {
                        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
                        match error.kind() {
                            SinkErrorKind::NotStored => assert!(!there, "{error}"),
                            SinkErrorKind::Unknown => unknown += 1,
                            kind => panic!("{kind:?}: {error}"),
                        }
                    }
                }
                // As the one who lost the answer goes on: with what is there now.
                let written = deliver(&direct, &secret, &new, &old).await;
                assert_eq!(version(&direct).await, written);
                direct.restore(&old, &written).await.unwrap();
                if all {
                    break;
                }
            }
        }
    }
    // The move, lost on the way there and on the way back, in either form.
    assert_eq!(unknown, 4);
}

#[tokio::test]
async fn what_is_missing_is_named_before_anything_is_made() {
    let Some((server, client)) = moto("first").await else {
        return;
    };
    let owner = Marker::random();
    let text = |checked: Result<(), SinkError>| {
        let error = checked.unwrap_err();
        assert_eq!(error.kind(), SinkErrorKind::NotStored, "{error}");
        assert!(error.to_string().starts_with("secret "), "{error}");
        error.to_string()
    };
    let sink = |name: &str| AwsSecretsManager::new(client.clone(), name).unwrap();
    assert!(text(sink("nowhere").check().await).contains("create it first"));
    client.create_secret().name("hollow").send().await.unwrap();
    assert!(text(sink("hollow").check().await).contains("no value"));
    assert!(text(keyed(&client, "token").check().await).contains("no JSON object"));
    let bytes = client.create_secret().name("bytes");
    let bytes = bytes.secret_binary(Blob::new(b"\xff\x00".to_vec()));
    bytes.send().await.unwrap();
    assert!(text(sink("bytes").key("k").unwrap().check().await).contains("binary"));
    // As a whole it can be replaced, and comes back.
    let bytes = sink("bytes");
    let (zero, one) = (owner.attempt(0), owner.attempt(1));
    let written = deliver(&bytes, "text", &one, &zero).await;
    bytes.restore(&zero, &written).await.unwrap();
    let value = client.get_secret_value().secret_id("bytes");
    let value = value.version_stage("AWSCURRENT").send().await.unwrap();
    assert_eq!(value.secret_binary.unwrap().into_inner(), b"\xff\x00");

    create(&client, "rotates", "x").await;
    let rules = RotationRulesType::builder()
        .automatically_after_days(30)
        .build();
    let rotates = client
        .rotate_secret()
        .secret_id("rotates")
        .rotation_rules(rules);
    rotates.send().await.unwrap();
    assert!(text(sink("rotates").check().await).contains("turn its rotation off"));
    let gone = client.delete_secret().secret_id("rotates");
    gone.send().await.unwrap();
    assert!(text(sink("rotates").check().await).contains("deletion"));

    for name in [
        "",
        "a b",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:app-AbCdEf",
    ] {
        assert!(
            AwsSecretsManager::new(client.clone(), name).is_err(),
            "{name}"
        );
    }
    for key in ["", "a\n"] {
        assert!(whole(&client).key(key).is_err(), "{key:?}");
    }
    drop(server);
    let error = whole(&client).check().await.unwrap_err();
    assert!(error.to_string().contains("cannot be reached"), "{error}");
}

#[tokio::test]
async fn what_uses_a_secret_is_restarted_after_its_delivery() {
    let world = World::new().await;
    let (old, declared) = world.token("nightly export");
    let old = old.secret.expose_secret();
    let Some((_server, client)) = moto(old).await else {
        return;
    };
    let sink = Arc::new(whole(&client));
    let read: Read = Arc::new(move || {
        let client = client.clone();
        Box::pin(async move { content(&client).await })
    });
    what_uses_it_is_restarted(&world, declared, old, sink, read).await;
}
