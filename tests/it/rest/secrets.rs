//! A new secret is had if it can be, and is never to be read anywhere else.

use std::collections::HashMap;

use access_tokens::{Error, ErrorKind, NewToken, Result, Secret};
use serde::Deserialize;
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use super::{Badge, DESK, GET, LIST, MAKE, client, once};
use crate::support::{self, CREDENTIAL, Trace, at, bare, empty, html, script, sent};

const NEW: &str = "new-secret-0123456789";

async fn make(answer: ResponseTemplate) -> Result<NewToken<Badge>> {
    let server = script([answer]).await;
    let made = client(server.uri()).call(&MAKE).new_token("key").await;
    assert_eq!(sent(&server).await.len(), 1);
    made
}

#[tokio::test]
async fn a_secret_survives_what_is_odd_beside_it() {
    for (answer, name, doors) in [
        (
            json!({"id": 7, "name": "x", "doors": [], "key": NEW}).to_string(),
            Some("x"),
            true,
        ),
        (
            json!({"id": 7, "name": [], "doors": [], "key": NEW}).to_string(),
            None,
            true,
        ),
        (
            json!({"id": 7, "name": "x", "doors": -1, "key": NEW}).to_string(),
            Some("x"),
            false,
        ),
        (
            json!({"id": 7, "name": {}, "doors": "a", "key": NEW}).to_string(),
            None,
            false,
        ),
        (
            format!(r#"{{"key":"{NEW}","id":7,"name":"x","id":7}} trailing"#),
            Some("x"),
            false,
        ),
    ] {
        let new = make(bare(201, &answer)).await.unwrap();
        assert_eq!(new.secret(), &Secret::new(NEW), "{answer}");
        assert_eq!(
            (new.token().id, new.token().name.as_deref()),
            (7, name),
            "{answer}"
        );
        assert_eq!(new.token().doors.is_some(), doors, "{answer}");
    }
}

#[tokio::test]
async fn an_answer_without_its_secret_is_an_error_of_a_call_that_took_effect() {
    for (answer, words) in [
        (support::json(201, &json!({"id": 7})), "holds no secret"),
        (
            support::json(201, &json!({"id": 7, "key": ""})),
            "holds no secret",
        ),
        (
            support::json(201, &json!({"id": 7, "key": null})),
            "holds no secret",
        ),
        (
            support::json(201, &json!({"id": 7, "key": 5})),
            "holds no secret",
        ),
        (
            support::json(201, &json!({"key": NEW})),
            "missing something",
        ),
        // An id that is none is not made up.
        (
            support::json(201, &json!({"id": "x", "key": NEW})),
            "missing something",
        ),
        (support::json(201, &json!([NEW])), "documented type"),
        (bare(201, &format!("{{\"key\":\"{NEW}\",")), "not JSON"),
        (bare(201, NEW), "not JSON"),
        (empty(204), "it is empty"),
        (html(201), "a page came"),
    ] {
        let error = make(answer).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
        assert!(
            error.may_have_been_sent() && error.to_string().contains(words),
            "{error}"
        );
        let page = words == "a page came";
        let next = if page { "base URL" } else { "List the tokens" };
        assert!(error.hint().unwrap().contains(next), "{error}");
        assert_clean(&format!("{error} {error:?}"));
    }
}

#[tokio::test]
async fn what_is_read_beside_a_secret_never_sees_it() {
    #[derive(Debug, Deserialize)]
    struct Everything {
        #[serde(flatten)]
        all: HashMap<String, Value>,
    }
    let server = script([support::json(201, &json!({"id": 7, "key": NEW}))]).await;
    let new: NewToken<Everything> = client(server.uri())
        .call(&MAKE)
        .new_token("key")
        .await
        .unwrap();
    assert_eq!(new.token().all.keys().collect::<Vec<_>>(), ["id"]);
    assert_clean(&format!("{new:?}"));
}

fn assert_clean(text: &str) {
    for secret in [CREDENTIAL, NEW, "hunter2"] {
        assert!(!text.contains(secret), "{text}");
    }
}

fn assert_error_is_clean(error: &Error) {
    let source = std::error::Error::source(error).is_none();
    assert!(source, "{error}");
    assert_clean(&format!("{error} {error:?} {:?}", error.details()));
}

#[tokio::test]
async fn nothing_prints_a_secret() {
    let (trace, _listening) = Trace::listen();
    let echo = json!({"message": format!("{CREDENTIAL} may not"), "errors": [CREDENTIAL]});
    let server = script([
        support::json(201, &json!({"id": 7, "name": [], "key": NEW})),
        support::json(403, &echo).insert_header("x-request-id", CREDENTIAL),
        bare(400, &format!("no {CREDENTIAL}")),
        bare(500, "oh"),
        bare(201, &format!("{{\"key\":\"{NEW}\"")),
        ResponseTemplate::new(302).insert_header("location", "https://e.example/hunter2"),
    ])
    .await;
    let builder = at(DESK.client(), server.uri());
    assert_clean(&format!("{builder:?}"));
    let desk = once(server.uri());
    assert_clean(&format!("{desk:?}"));
    let call = desk
        .call(&MAKE)
        .query("note", "hunter2")
        .body(&json!({"note": "hunter2"}));
    assert_clean(&format!("{call:?}"));
    let request = call.new_token::<Badge>("key");
    assert_clean(&format!("{request:?}"));
    assert_clean(&format!("{:?}", request.await.unwrap()));
    let error = desk
        .call(&GET)
        .segment("id", "hunter2")
        .done()
        .await
        .unwrap_err();
    assert_error_is_clean(&error);
    assert!(error.message().unwrap().contains("[redacted]"), "{error}");
    for _ in 0..4 {
        let error = desk
            .call(&MAKE)
            .query("q", "hunter2")
            .new_token::<Badge>("key")
            .await;
        assert_error_is_clean(&error.unwrap_err());
    }
    assert_error_is_clean(
        &desk
            .call(&GET)
            .segment("id", "hunter2/")
            .done()
            .await
            .unwrap_err(),
    );
    assert_error_is_clean(
        &desk
            .call(&LIST)
            .segment("hunter", "hunter2")
            .done()
            .await
            .unwrap_err(),
    );
    let said = format!("{:?}", trace.all());
    assert!(
        said.contains("/api/badges/REDACTED") && said.contains("note=REDACTED"),
        "{said}"
    );
    assert!(said.contains("which is left out"), "{said}");
    assert_clean(&said);
}
