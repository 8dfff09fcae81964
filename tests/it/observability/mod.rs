//! What calls say to `tracing`, by the names of OpenTelemetry's conventions, and to an observer.

mod metrics;

use std::time::Duration;

use access_tokens::launchdarkly::{Patch, Role, TokenBody};
use access_tokens::query_server::Changes;
use access_tokens::{TokenId, avisi_cloud, launchdarkly, query_server};
use serde_json::{Value, json};
use tracing::Level;
use wiremock::ResponseTemplate;

use crate::all::rotation::{HOUR, Setup};
use crate::all::world::Kind;
use crate::support::{self, Trace, at, bare, empty, id, one_attempt, script};

/// Host and port of a server on loopback.
fn port(uri: &str) -> u16 {
    uri.rsplit(':').next().unwrap().parse().unwrap()
}

fn token() -> ResponseTemplate {
    let token = json!({"_id": id().as_str(), "ownerId": "o", "memberId": "m", "creationDate": 1,
                       "lastModified": 2, "_links": {}, "defaultApiVersion": 20_240_415});
    support::json(200, &token)
}

#[tokio::test]
async fn a_call_is_a_span_and_its_attempt_a_client_span() {
    let server = script([token()]).await;
    let ld: launchdarkly::Client = one_attempt(launchdarkly::Client::builder(), server.uri());
    let (trace, _listening) = Trace::listen();
    ld.get(&id()).await.unwrap();

    let all = trace.all();
    let [call, attempt] = all.as_slice() else {
        panic!("{all:?}");
    };
    assert_eq!(
        (&*call.name, call.level),
        ("access_tokens.call", Level::INFO)
    );
    assert_eq!(call.parent, None);
    let said = json!({"otel.name": "LaunchDarkly get", "service": "LaunchDarkly", "call": "get"});
    assert_eq!(Value::Object(call.fields.clone()), said);
    assert_eq!(
        (&*attempt.name, attempt.level),
        ("access_tokens.attempt", Level::INFO)
    );
    assert_eq!(attempt.parent, Some(0));
    let said = json!({
        "otel.name": "GET /api/v2/tokens/{id}",
        "otel.kind": "client",
        "http.request.method": "GET",
        "url.template": "/api/v2/tokens/{id}",
        "url.full": format!("{}/api/v2/tokens/REDACTED", server.uri()),
        "server.address": "127.0.0.1",
        "server.port": port(&server.uri()),
        "http.response.status_code": 200,
    });
    assert_eq!(Value::Object(attempt.fields.clone()), said);
}

#[tokio::test]
async fn a_retry_is_another_span_that_counts_its_resends() {
    let server = script([
        bare(503, "words"),
        ResponseTemplate::new(429).insert_header("retry-after", "3"),
        token(),
    ])
    .await;
    let ld: launchdarkly::Client = at(launchdarkly::Client::builder(), server.uri())
        .build()
        .unwrap();
    let (trace, _listening) = Trace::listen();
    ld.get(&id()).await.unwrap();

    let of = |name: &str| -> Vec<Value> {
        let attempts = trace.spans("access_tokens.attempt").into_iter();
        attempts
            .map(|said| said.fields.get(name).cloned().unwrap_or_default())
            .collect()
    };
    assert_eq!(
        of("http.request.resend_count"),
        [json!(null), json!(1), json!(2)]
    );
    assert_eq!(
        of("http.response.status_code"),
        [json!(503), json!(429), json!(200)]
    );
    assert_eq!(
        of("error.type"),
        [json!("server"), json!("rate_limited"), json!(null)]
    );
    assert_eq!(
        of("otel.status_code"),
        [json!("ERROR"), json!("ERROR"), json!(null)]
    );
    // The call as a whole went well.
    let call = &trace.spans("access_tokens.call")[0];
    assert!(!call.fields.contains_key("error.type"), "{call:?}");
    assert!(!call.fields.contains_key("otel.status_code"), "{call:?}");
    assert!(trace.events(Level::WARN).is_empty());
    assert_eq!(
        trace.events(Level::DEBUG).len(),
        2,
        "it said that it tried again"
    );
}

#[tokio::test]
async fn a_final_failure_is_a_warning_of_its_call() {
    let server = script([bare(403, "canary")]).await;
    let ld: launchdarkly::Client = one_attempt(launchdarkly::Client::builder(), server.uri());
    let (trace, _listening) = Trace::listen();
    ld.delete(&id()).await.unwrap_err();

    let call = &trace.spans("access_tokens.call")[0];
    assert_eq!(call.fields["error.type"], "permission_denied");
    assert_eq!(call.fields["otel.status_code"], "ERROR");
    let warnings = trace.events(Level::WARN);
    let [warning] = warnings.as_slice() else {
        panic!("{warnings:?}");
    };
    assert_eq!(
        (&*warning.name, warning.parent),
        ("the call failed", Some(0))
    );
    let said = json!({
        "error.type": "permission_denied",
        "operation": "deleteToken",
        "http.response.status_code": 403,
        "attempts": 1,
        "may_have_been_sent": false,
    });
    assert_eq!(Value::Object(warning.fields.clone()), said);
}

#[tokio::test]
async fn a_lost_answer_says_what_it_was_lost_to() {
    let server = script([token().set_delay(Duration::from_secs(60))]).await;
    let ld: launchdarkly::Client = at(launchdarkly::Client::builder(), server.uri())
        .attempt_timeout(Duration::from_millis(50))
        .build()
        .unwrap();
    let (trace, _listening) = Trace::listen();
    let body = TokenBody::builder().name("n").role(Role::Reader);
    ld.create(body).await.unwrap_err();

    let attempts = trace.spans("access_tokens.attempt");
    assert_eq!(attempts.len(), 1);
    assert_eq!(attempts[0].fields["error.type"], "timeout");
    assert!(!attempts[0].fields.contains_key("http.response.status_code"));
    let said = json!({
        "error.type": "outcome_unknown",
        "error.cause": "timeout",
        "operation": "postToken",
        "attempts": 1,
        "may_have_been_sent": true,
    });
    assert_eq!(
        Value::Object(trace.events(Level::WARN)[0].fields.clone()),
        said
    );
}

/// What is refused before anything is sent, and an answer that cannot be read.
#[tokio::test]
async fn every_failure_is_told_wherever_it_happened() {
    let server = script([bare(200, "{}")]).await;
    let ld: launchdarkly::Client = one_attempt(launchdarkly::Client::builder(), server.uri());
    let (trace, _listening) = Trace::listen();
    ld.patch(&id(), Patch::new()).await.unwrap_err();
    ld.get(&id()).timeout(Duration::ZERO).await.unwrap_err();
    ld.get(&id()).await.unwrap_err();

    let warnings = trace.events(Level::WARN);
    let kinds: Vec<_> = warnings
        .iter()
        .map(|said| &said.fields["error.type"])
        .collect();
    assert_eq!(kinds, ["invalid_input", "invalid_input", "decode"]);
    assert_eq!(trace.spans("access_tokens.attempt").len(), 1);
}

#[tokio::test]
async fn that_there_is_no_such_token_is_no_warning() {
    let server = script([empty(404)]).await;
    let ld: launchdarkly::Client = one_attempt(launchdarkly::Client::builder(), server.uri());
    let (trace, _listening) = Trace::listen();
    ld.get(&id()).await.unwrap_err();
    assert!(trace.events(Level::WARN).is_empty());
    assert_eq!(
        trace.events(Level::DEBUG)[0].fields["error.type"],
        "not_found"
    );
    let call = &trace.spans("access_tokens.call")[0];
    assert_eq!(call.fields["error.type"], "not_found");
    assert!(!call.fields.contains_key("otel.status_code"));
}

/// A call of several requests is one span.
#[tokio::test]
async fn what_a_call_is_made_of_is_below_it() {
    let none = || support::json(200, &json!({"data": []}));
    let server = script([none(), bare(201, ""), none()]).await;
    let query: query_server::Client = one_attempt(query_server::Client::builder(), server.uri());
    let (trace, _listening) = Trace::listen();
    query
        .create(query_server::TokenBody::builder("edge"))
        .await
        .unwrap_err();
    assert_eq!(
        trace.tree(),
        "Query Server create\n  GET /_/token/value\n  POST /_/token\n  GET /_/token\n"
    );
    assert_eq!(trace.events(Level::WARN).len(), 1);
}

/// An id or a name can be a secret that was pasted in the wrong place.
#[tokio::test]
async fn nothing_that_a_user_or_a_service_put_in_is_said() {
    const CANARY: &str = "canary-7c1e";
    let answers = || {
        let body =
            json!({"message": CANARY, "code": CANARY, "id": CANARY, "data": [{"name": CANARY}]});
        let answer =
            move |status| support::json(status, &body).insert_header("x-request-id", CANARY);
        [400, 500, 200, 401].map(answer)
    };
    let (trace, _listening) = Trace::listen();
    let canary: TokenId = CANARY.parse().unwrap();
    for call in 0..7 {
        let server = script(answers()).await;
        let uri = server.uri();
        let ld = at(launchdarkly::Client::builder(), &uri).credential(CANARY);
        let query = at(query_server::Client::builder(), &uri).credential(CANARY);
        let avisi = at(avisi_cloud::Client::builder(), &uri).credential(CANARY);
        let (ld, query, avisi) = (
            ld.build().unwrap(),
            query.build().unwrap(),
            avisi.build().unwrap(),
        );
        let failed = match call {
            0 => ld.get(&canary).await.is_err(),
            1 => ld.reset(&canary, HOUR).await.is_err(),
            2 => ld.list().limit(7).offset(9).page().await.is_err(),
            3 => query.value(CANARY).await.is_err(),
            4 => query
                .rotate_to(CANARY, CANARY, Changes::default())
                .await
                .is_err(),
            5 => query.delete_existing(CANARY).await.is_err(),
            _ => avisi.revoke(&canary).await.is_err(),
        };
        assert!(failed, "{call}");
    }
    let full: Vec<_> = trace
        .spans("access_tokens.attempt")
        .iter()
        .map(|said| said.fields["url.full"].as_str().unwrap().to_owned())
        .map(|url| {
            url[url
                .find("/api")
                .or(url.find("/_"))
                .or(url.find("/sts"))
                .unwrap()..]
                .to_owned()
        })
        .collect();
    for expected in [
        "/api/v2/tokens/REDACTED",
        "/api/v2/tokens/REDACTED/reset?expiry=REDACTED",
        "/api/v2/tokens?limit=REDACTED&offset=REDACTED",
        "/_/token/value?name=REDACTED",
        "/sts/v1/personal-access-tokens/REDACTED",
    ] {
        assert!(
            full.iter().any(|url| url == expected),
            "{expected}: {full:?}"
        );
    }
    assert!(trace.events(Level::WARN).len() >= 6);
    let all = format!("{:?}", trace.all());
    assert!(!all.contains(CANARY), "{all}");
}

/// The picture in the guide.
#[tokio::test]
async fn a_tick_is_a_span_with_its_acts_and_their_calls() {
    let setup = Setup::new(Kind::LaunchDarkly).await;
    let (keeper, token) = (setup.keeper(), setup.token());
    let _ = keeper.tick(&token).await;
    setup.pass(91 * 24 * HOUR);
    let (trace, _listening) = Trace::listen();
    let report = keeper.tick(&token).await;
    assert_eq!(report.outcome.as_str(), "rotated", "{report}");
    let (guide, tree) = (
        include_str!("../../../docs/guide/observability.md"),
        trace.tree(),
    );
    assert!(
        guide.contains(&tree),
        "in the guide, this is the picture of a tick:\n{tree}"
    );
    let tick = &trace.spans("access_tokens.tick")[0];
    assert_eq!(tick.fields["outcome"], "rotated");
    assert_eq!(tick.fields["token"], "edge-token");
    assert_eq!(tick.fields["service"], "LaunchDarkly");
    assert!(!tick.fields.contains_key("error.type"));
    let all = format!("{:?}", trace.all());
    for secret in setup.secrets() {
        assert!(!all.contains(&secret));
    }
}
