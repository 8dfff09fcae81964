//! What once went wrong and must not again.

use std::time::{Duration, UNIX_EPOCH};

use access_tokens::launchdarkly::{Patch, Role, Token, TokenBody};
use access_tokens::{
    BoxFuture, CredentialError, CredentialProvider, ErrorKind, Result, Secret, avisi_cloud,
    launchdarkly, query_server,
};
use serde_json::{Value, json};

use crate::support::{
    CREDENTIAL, NOW, Raw, Reply, Sent, always, bare, empty, head, id, json, lines, one_attempt,
    script, sent, whole,
};

fn ld(uri: &str) -> launchdarkly::Client {
    one_attempt(launchdarkly::Client::builder(), uri)
}
fn qs(uri: &str) -> query_server::Client {
    one_attempt(query_server::Client::builder(), uri)
}
fn token() -> Value {
    json!({"_id": "66aa10f2c4d5e60011223344", "ownerId": "o", "memberId": "m", "creationDate": 1,
           "lastModified": 2, "_links": {}, "defaultApiVersion": 1,
           "token": "api-00000000-1111-4222-8333-444444444444"})
}

#[test]
fn a_token_without_a_default_api_version_is_read() {
    let mut least = token();
    least.as_object_mut().unwrap().remove("defaultApiVersion");
    serde_json::from_value::<Token>(least).unwrap();
    serde_json::from_value::<TokenBody>(json!({"role": "reader"})).unwrap();
}
#[test]
fn every_example_of_launchdarkly_decodes() {
    let document: Value =
        serde_json::from_str(include_str!("../../openapi/launchdarkly.json")).unwrap();
    let of = |pointer: &str| document.pointer(pointer).unwrap().clone();
    let page = of(
        "/paths/~1api~1v2~1tokens/get/responses/200/content/application~1json/examples/page/value",
    );
    serde_json::from_value::<launchdarkly::Tokens>(page).unwrap();
    let service = of(
        "/paths/~1api~1v2~1tokens~1{id}/get/responses/200/content/application~1json/examples/service/value",
    );
    serde_json::from_value::<Token>(service).unwrap();
}

const AEONS: Duration = Duration::from_secs(1 << 56);
#[tokio::test]
async fn far_expiry_of_create_is_not_dropped() {
    let server = always(json(201, &token())).await;
    let outcome = ld(&server.uri())
        .create(TokenBody::builder().role(Role::Reader).expires(AEONS))
        .await;
    let sent: Vec<_> = sent(&server).await.iter().map(Sent::json).collect();
    assert!(outcome.is_err(), "sent {sent:?}");
}
#[tokio::test]
async fn far_expiry_of_reset_does_not_kill_the_old_secret() {
    let server = always(json(200, &token())).await;
    let outcome = ld(&server.uri()).reset(&id(), AEONS).await;
    assert!(outcome.is_err(), "sent {:?}", lines(&server).await);
}
#[tokio::test]
async fn far_expiry_of_patch_is_not_zero() {
    let server = always(json(200, &token())).await;
    let outcome = ld(&server.uri())
        .patch(&id(), Patch::new().expire_at(UNIX_EPOCH + AEONS))
        .await;
    let sent: Vec<_> = sent(&server).await.iter().map(Sent::json).collect();
    assert!(outcome.is_err(), "sent {sent:?}");
}
#[tokio::test]
async fn past_expiry_before_another_in_a_patch() {
    let server = always(json(200, &token())).await;
    let past = UNIX_EPOCH + Duration::from_secs(5);
    let future = UNIX_EPOCH + Duration::from_secs(NOW as u64 + 500);
    let outcome = ld(&server.uri())
        .patch(&id(), Patch::new().expire_at(past).expire_at(future))
        .await;
    assert!(outcome.is_err(), "sent {:?}", sent(&server).await[0].json());
}
#[tokio::test]
async fn past_expiry_in_a_token_body() {
    let server = always(json(201, &token())).await;
    let body: TokenBody =
        serde_json::from_value(json!({"role": "reader", "expiry": 5, "defaultApiVersion": 1}))
            .unwrap();
    let outcome = ld(&server.uri()).create(body).await;
    assert!(outcome.is_err(), "sent {:?}", sent(&server).await[0].json());
}
#[tokio::test]
async fn somebody_elses_living_token_is_not_deleted() {
    use base64::Engine as _;
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .encode(json!({"exp": NOW + 86_400, "iat": NOW}).to_string());
    let theirs = json!({"data": [{"id": 1, "name": "edge", "active": 1, "write": 1, "created_at": NOW,
        "updated_at": NOW, "expiration_date": NOW + 86_400, "token": format!("h.{claims}.s")}]});
    let none = || bare(200, r#"{"data":[]}"#);
    let server = script([
        none(),
        empty(201),
        bare(200, &theirs.to_string()),
        empty(200),
        empty(201),
        none(),
    ])
    .await;
    let outcome = qs(&server.uri())
        .create(query_server::TokenBody::builder("edge"))
        .await;
    assert!(
        !lines(&server).await.contains(&"DELETE /_/token".to_owned()),
        "{:?} {outcome:?}",
        lines(&server).await
    );
}
#[tokio::test]
async fn a_create_whose_healing_fails_says_that_something_happened() {
    let dead = json!({"data": [{"id": 1, "name": "edge", "active": 1, "write": 1, "created_at": NOW,
        "updated_at": NOW, "expiration_date": NOW - 1, "token": "h.e30.s"}]});
    let none = || bare(200, r#"{"data":[]}"#);
    let server = script([none(), empty(201), bare(200, &dead.to_string()), empty(401)]).await;
    let error = qs(&server.uri())
        .create(query_server::TokenBody::builder("edge"))
        .await
        .unwrap_err();
    assert!(
        error.may_have_been_sent(),
        "{error} operation {:?}",
        error.operation()
    );
}
#[tokio::test]
async fn a_secret_in_a_broken_body_of_an_error() {
    for body in [
        r#"{"_id":"x","token":"canary-"#,
        r#"[{"token":"canary-1"}]"#,
        r#"{"token":"canary-1"} x"#,
    ] {
        let server = always(bare(502, body)).await;
        let error = ld(&server.uri())
            .create(TokenBody::builder())
            .await
            .unwrap_err();
        assert!(!format!("{error:?}").contains("canary"), "{error}");
    }
}
#[tokio::test]
async fn the_credential_in_the_request_id_of_a_success() {
    let raw = Raw::start(|_| {
        Reply::Bytes(whole(
            200,
            &[("x-request-id", CREDENTIAL)],
            r#"{"items":[]}"#,
        ))
    })
    .await;
    let (_, info) = ld(&raw.uri).list().page().with_info().await.unwrap();
    let error = ld(&raw.uri).get(&id()).await.unwrap_err();
    assert!(
        !format!("{info:?} {error}").contains(CREDENTIAL),
        "{info:?} {error}"
    );
}
#[tokio::test]
async fn a_redirect_without_a_scheme_names_its_origin() {
    let raw =
        Raw::start(|_| Reply::Bytes(whole(302, &[("location", "//evil.example/x")], ""))).await;
    let error = ld(&raw.uri).get(&id()).await.unwrap_err();
    assert!(!error.to_string().contains("same origin"), "{error}");
}
#[tokio::test]
async fn an_answer_without_a_secret_keeps_status_and_attempts() {
    let server = always(json(201, &json!({"id": "x"}))).await;
    let client: avisi_cloud::Client = one_attempt(avisi_cloud::Client::builder(), server.uri());
    let error = client
        .provision(avisi_cloud::ProvisionBody::builder("n"))
        .await
        .unwrap_err();
    assert_eq!(
        (error.status().map(|s| s.as_u16()), error.attempts()),
        (Some(201), 1),
        "{error}"
    );
}
struct Hanging;
impl CredentialProvider for Hanging {
    fn credential(&self) -> BoxFuture<'_, Result<Secret, CredentialError>> {
        Box::pin(std::future::ready(Ok(Secret::new("x"))))
    }
    fn renew<'a>(&'a self, _: &'a Secret) -> BoxFuture<'a, bool> {
        Box::pin(std::future::pending())
    }
}
#[tokio::test]
async fn a_provider_that_hangs_in_renew_is_bounded() {
    let server = always(empty(401)).await;
    let client = launchdarkly::Client::builder()
        .base_url(server.uri())
        .credential_provider(Hanging)
        .build()
        .unwrap();
    let call = client.get(&id()).timeout(Duration::from_millis(200));
    let outcome = tokio::time::timeout(
        Duration::from_secs(3),
        std::future::IntoFuture::into_future(call),
    )
    .await;
    assert!(outcome.is_ok(), "still waiting");
}
#[tokio::test]
async fn words_stay_on_one_line_for_unicode_too() {
    let server = always(json(
        400,
        &json!({"message": "a\u{2028}b\u{2029}c\u{61c}d"}),
    ))
    .await;
    let error = ld(&server.uri()).get(&id()).await.unwrap_err();
    assert!(
        !error
            .to_string()
            .contains(['\u{2028}', '\u{2029}', '\u{61c}']),
        "{:?}",
        error.to_string()
    );
}
#[tokio::test]
async fn an_id_of_an_answer_in_an_error_is_bounded() {
    let server = always(json(201, &json!({"id": "x\u{202e}".repeat(100_000)}))).await;
    let client: avisi_cloud::Client = one_attempt(avisi_cloud::Client::builder(), server.uri());
    let error = client
        .provision(avisi_cloud::ProvisionBody::builder("n"))
        .await
        .unwrap_err();
    assert!(
        error.to_string().len() < 2_000,
        "{}",
        error.to_string().len()
    );
}
#[tokio::test]
async fn a_401_stays_a_401_when_its_body_breaks_off() {
    let cut = head(401, &[("content-length", "500")]);
    let raw = Raw::start(move |_| Reply::Bytes(cut.clone())).await;
    let error = ld(&raw.uri).get(&id()).await.unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::Unauthenticated,
        "{error} {:?}",
        error.hint()
    );
}
#[tokio::test]
async fn a_bodyless_success_with_an_html_content_type() {
    let raw = Raw::start(|_| Reply::Bytes(head(204, &[("content-type", "text/html")]))).await;
    ld(&raw.uri).delete(&id()).await.unwrap();
}
#[test]
fn base_url_that_holds_the_whole_path() {
    let error = launchdarkly::Client::builder()
        .credential("x")
        .base_url("https://app.launchdarkly.com/api/v2/tokens")
        .build();
    assert!(error.is_err());
}
#[tokio::test]
async fn empty_custom_roles_are_refused() {
    let server = always(json(201, &token())).await;
    let outcome = ld(&server.uri())
        .create(TokenBody::builder().custom_roles(Vec::<String>::new()))
        .await;
    assert!(outcome.is_err(), "sent {}", sent(&server).await[0].json());
}
#[tokio::test]
async fn a_row_without_a_secret_exists() {
    let server = always(bare(200, r#"{"data":[{"token":null}]}"#)).await;
    assert!(qs(&server.uri()).exists("edge").await.unwrap());
}
#[tokio::test]
async fn sub_millisecond_expiry_is_not_rounded_into_the_past() {
    let server = always(json(201, &token())).await;
    ld(&server.uri())
        .create(
            TokenBody::builder()
                .role(Role::Reader)
                .expires(Duration::from_micros(1)),
        )
        .await
        .map(drop)
        .unwrap();
    let sent = sent(&server).await[0].json();
    assert!(sent["expiry"].as_i64().unwrap() > NOW * 1000, "{sent}");
}
