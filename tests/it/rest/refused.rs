//! What would go elsewhere, or do what nobody means: nothing is sent.

use access_tokens::{ErrorKind, Idempotency, Operation, Request, Result, TokenKey};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

use super::{Badge, CHANGE, DESK, GET, LIST, MAKE, client, once};
use crate::support::{Raw, Reply, assert_refused, whole};

/// A server that answers everything, and is to be asked nothing.
async fn server() -> Raw {
    Raw::start(|_| Reply::Bytes(whole(200, &[], r#"{"id":7,"key":"new"}"#))).await
}

#[tokio::test]
async fn a_path_has_each_of_its_segments_once() {
    const BOTH: Operation = Operation::get("both", "/a/{first}/b/{second}");
    let server = server().await;
    let desk = client(&server.uri);
    let error = desk.call(&GET).done().await.unwrap_err();
    assert_refused(&error, "id");
    let error = desk.call(&GET).segment("name", 7).done().await.unwrap_err();
    assert_refused(&error, "id");
    let twice = desk.call(&GET).segment("id", 7).segment("id", 8);
    assert_refused(&twice.done().await.unwrap_err(), "id");
    let error = desk.call(&LIST).segment("id", 7).done().await.unwrap_err();
    assert_refused(&error, "id");
    let half = desk.call(&BOTH).segment("second", 2);
    assert_refused(&half.done().await.unwrap_err(), "first");
    assert_eq!(server.seen().len(), 0);
    let whole = desk.call(&BOTH).segment("second", 2).segment("first", 1);
    whole.done().await.unwrap();
    assert_eq!(server.targets(), ["/a/1/b/2"]);
}

#[tokio::test]
async fn a_template_is_a_path_of_plain_segments() {
    const SLASH: Operation = Operation::get("t", "/badges/");
    const TEMPLATES: [&Operation; 10] = [
        &Operation::get("t", "badges"),
        &Operation::get("t", ""),
        &Operation::get("t", "https://elsewhere.example/"),
        &Operation::get("t", "/badges?all=1"),
        &Operation::get("t", "/badges#x"),
        &Operation::get("t", "/../badges"),
        &Operation::get("t", "/%2e%2e/badges"),
        &Operation::get("t", "/badges/{id}.json"),
        &Operation::get("t", "/badges\\..\\x"),
        &Operation::get("t", "/{id"),
    ];
    let server = server().await;
    let desk = client(format!("{}/prefix", server.uri));
    for operation in TEMPLATES {
        let error = desk.call(operation).done().await.unwrap_err();
        assert_refused(&error, "path");
    }
    assert_eq!(server.seen().len(), 0);
    desk.call(&SLASH).done().await.unwrap();
    assert_eq!(server.targets(), ["/prefix/badges/"]);
}

#[tokio::test]
async fn what_gives_a_secret_is_sent_once_however_it_is_described() {
    const AGAIN: Operation =
        Operation::post("again", "/badges").with_idempotency(Idempotency::Idempotent);
    const PUT: Operation = Operation::put("put", "/badges");
    let server = server().await;
    let desk = client(&server.uri);
    for operation in [&LIST, &PUT, &AGAIN] {
        let error = desk
            .call(operation)
            .new_token::<Badge>("key")
            .await
            .unwrap_err();
        assert_refused(&error, "operation");
    }
    assert_eq!(server.seen().len(), 0);
    let new = desk.call(&MAKE).new_token::<Badge>("key").await.unwrap();
    assert_eq!(new.token().id, 7);
}

#[tokio::test]
async fn a_body_that_cannot_be_written_is_not_sent() {
    struct Broken;
    impl serde::Serialize for Broken {
        fn serialize<S: serde::Serializer>(&self, _: S) -> std::result::Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("hunter2"))
        }
    }
    let server = server().await;
    let error = client(&server.uri)
        .call(&MAKE)
        .body(&Broken)
        .done()
        .await
        .unwrap_err();
    assert_refused(&error, "body");
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    assert_eq!(server.seen().len(), 0);
}

#[tokio::test]
async fn limits_of_a_call_are_those_of_every_request() {
    let server = server().await;
    let call = || -> Request<Badge> { client(&server.uri).call(&LIST).read() };
    let error = call().timeout(std::time::Duration::ZERO).await.unwrap_err();
    assert_refused(&error, "timeout");
    assert_eq!(server.seen().len(), 0);
    call().await.unwrap();
}

/// The other way round than the client does it, and by another hand.
fn unescaped(text: &str) -> Vec<u8> {
    let (mut bytes, mut out) = (text.bytes(), Vec::new());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let hex = [bytes.next().unwrap(), bytes.next().unwrap()];
            let hex = std::str::from_utf8(&hex).unwrap();
            out.push(u8::from_str_radix(hex, 16).unwrap());
        } else {
            out.push(byte);
        }
    }
    out
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z0-9._~:@!$&'()*+,;= -]{1,12}",
        "[a-z.%/\\\\?#\\[\\]{}|^` \"<>]{0,8}",
        "(%2e|%2f|%5c|%00|\\.|/|;|a){1,6}",
        "\\PC{0,6}",
        "a{250,260}",
        any::<String>(),
    ]
}

#[test]
fn every_id_is_one_segment_or_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    let server = runtime.block_on(server());
    let desk = once(format!("{}/prefix", server.uri));
    let config = Config {
        cases: 400,
        failure_persistence: None,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&texts(), |text| {
        let before = server.seen().len();
        let call = desk.call(&CHANGE).segment("id", &text).done();
        let result: Result<()> = runtime.block_on(async { call.await });
        let targets = server.targets().split_off(before);
        let leads_away = text.contains(['/', '\\'])
            || text.chars().any(char::is_control)
            || text.bytes().all(|byte| byte == b'.')
            || text.len() > 256;
        if let Err(error) = result {
            prop_assert!(leads_away, "{text:?}: {error}");
            let told = (error.kind(), error.field());
            prop_assert_eq!(told, (ErrorKind::InvalidInput, Some("id")));
            prop_assert!(targets.is_empty());
            return Ok(());
        }
        prop_assert!(!leads_away, "{text:?}");
        let [target] = targets.as_slice() else {
            return Err(TestCaseError::fail(format!("{targets:?}")));
        };
        let segments: Vec<_> = target.split('/').collect();
        let [before @ .., last] = segments.as_slice() else {
            return Err(TestCaseError::fail(target.clone()));
        };
        prop_assert_eq!(before, ["", "prefix", "api", "badges"]);
        prop_assert!(!last.contains(['?', '#', '\\', ' ']), "{last}");
        prop_assert_eq!(unescaped(last), text.into_bytes());
        Ok(())
    });
    outcome.unwrap();
    let sent = server.seen().len();
    assert!((100..400).contains(&sent), "{sent} of 400 were ids");
}

/// What is shown of a key is not the key: one with a character that is spelled out goes nowhere.
#[tokio::test]
async fn a_key_goes_out_as_it_is_or_not_at_all() {
    let server = server().await;
    let desk = client(&server.uri);
    for key in ["7", "a b", "name-ü"] {
        desk.call(&GET)
            .segment("id", TokenKey::from(key))
            .done()
            .await
            .unwrap();
        let target = server.targets().pop().unwrap();
        assert_eq!(
            unescaped(target.rsplit('/').next().unwrap()),
            key.as_bytes()
        );
    }
    let shown = desk
        .call(&GET)
        .segment("id", TokenKey::from("a\u{202e}b"))
        .done()
        .await;
    assert_refused(&shown.unwrap_err(), "id");
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn a_parameter_stays_a_parameter() {
    let server = server().await;
    let call = DESK
        .client()
        .base_url(&server.uri)
        .credential("s")
        .build()
        .unwrap();
    let odd = "a&b=c#d/../?e=%26\u{0}\n";
    let call = call.call(&LIST).query("q", odd).query("q", 2);
    call.read::<Value>().await.unwrap();
    let target = &server.targets()[0];
    assert_eq!(
        target,
        "/api/badges?q=a%26b%3Dc%23d%2F..%2F%3Fe%3D%2526%00%0A&q=2"
    );
}
