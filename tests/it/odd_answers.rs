//! Answers that come only once, as no service should send them: the secret in them is not lost.

use std::time::Duration;

use access_tokens::avisi_cloud::{self, ProvisionBody};
use access_tokens::launchdarkly::{self, Role, TokenBody};
use access_tokens::{ErrorKind, Overrides, Result, Secret, TokenService, TokenTemplate, When};
use wiremock::ResponseTemplate;

use crate::support::{always, id, lines, one_attempt};

const SECRET: &str = "api-00000000-1111-4222-8333-444444444444";

/// The secret that comes of each call which gives one.
async fn secrets(body: &[u8]) -> [Result<Secret>; 3] {
    let server = always(ResponseTemplate::new(200).set_body_bytes(body)).await;
    let ld: launchdarkly::Client = one_attempt(launchdarkly::Client::builder(), server.uri());
    let avisi: avisi_cloud::Client = one_attempt(avisi_cloud::Client::builder(), server.uri());
    let created = ld.create(TokenBody::builder().role(Role::Reader)).await;
    let reset = ld.reset(&id(), Duration::from_secs(3_600)).await;
    let provisioned = avisi.provision(ProvisionBody::builder("ci")).await;
    assert_eq!(lines(&server).await.len(), 3, "each was sent once");
    [
        created.map(|new| new.secret().clone()),
        reset.map(|new| new.secret().clone()),
        provisioned.map(|new| new.secret().clone()),
    ]
}

fn token(members: &str) -> Vec<u8> {
    format!(r#"{{"_id":"66aa10f2c4d5e60011223344","token":"{SECRET}"{members}}}"#).into_bytes()
}

#[tokio::test]
async fn a_new_secret_survives_whatever_is_odd_about_the_rest() {
    let mut bodies: Vec<Vec<u8>> = [
        "",
        r#","creationDate":1e400,"createdAt":1e400"#,
        r#","creationDate":-1e400,"lastModified":"soon""#,
        r#","name":"x\ud800y""#,
        r#","name":"a","name":"b""#,
        r#","name":[1]"#,
        r#","inlineRole":[null],"customRoleIds":[null,1],"serviceToken":"yes","active":"yes""#,
        r#","inlineRole":[{"effect":1}],"role":{}"#,
        r#","defaultApiVersion":"20240415""#,
        r#","defaultApiVersion":1e400,"_member":1e400,"type":1e400"#,
        r#","id":5,"subject":{}"#,
    ]
    .map(token)
    .into();
    // Latin-1, two members that are the same, and something after the end.
    let latin = token(r#","name":"caf#""#);
    bodies.push(
        latin
            .iter()
            .map(|byte| if *byte == b'#' { 0xe9 } else { *byte })
            .collect(),
    );
    bodies.push(token(&format!(",\"token\":\"{SECRET}\"")));
    bodies.push([token("").as_slice(), b"\n<!-- by a proxy -->"].concat());
    bodies.push([token(",\"name\":1e400").as_slice(), b"\0"].concat());
    for body in bodies {
        for secret in secrets(&body).await {
            let text = String::from_utf8_lossy(&body);
            let secret = secret.unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(secret.expose_secret(), SECRET, "{text}");
        }
    }
}

#[tokio::test]
async fn an_end_that_cannot_be_read_is_not_taken_for_none() {
    for end in ["1e400", "\"soon\"", "[]", "{}", "true"] {
        let body = token(&format!(r#","expiry":{end},"lastUsed":{end}"#));
        let server = always(ResponseTemplate::new(201).set_body_bytes(body)).await;
        let ld: launchdarkly::Client = one_attempt(launchdarkly::Client::builder(), server.uri());
        let mut body = TokenBody::default();
        body.role = Some(Role::Reader);
        let template = TokenTemplate::from(body);
        let new = TokenService::create(&ld, &template, Overrides::new()).await;
        let new = new.unwrap();
        assert_eq!(new.token().expires, When::NotReported, "{end}");
        assert_eq!(new.token().last_used, When::NotReported, "{end}");
    }
}

#[tokio::test]
async fn an_answer_without_a_readable_secret_is_no_success() {
    for body in [
        r#"{"_id":"66aa10f2c4d5e60011223344","name":1e400}"#,
        r#"{"_id":"66aa10f2c4d5e60011223344","token":[],"name":1e400}"#,
        r#"{"_id":null,"name":1e400}"#,
        r#"{"message":"no","name":1e400}"#,
        "[1e400]",
        "1e400",
        "{",
        "{}",
        "null",
        "",
    ] {
        for secret in secrets(body.as_bytes()).await {
            let error = secret.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode, "{body}: {error}");
            assert!(error.may_have_been_sent(), "{body}");
        }
    }
}
