//! A service that this crate does not know, over its transport: what goes out, and what comes of what
//! comes back.

mod forge;
mod refused;
mod secrets;

use std::time::Duration;

use access_tokens::rest::{Api, Client};
use access_tokens::{ClientBuilder, Error, ErrorKind, Operation, Service};
use access_tokens_testing::VirtualClock;
use serde::Deserialize;
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::support::{
    self, CREDENTIAL, Raw, Reply, at, bare, empty, head, html, only, script, sent,
};
use crate::support::{one_attempt, whole};

const DESK: Api = Api::new(Service::new("Desk"));
const LIST: Operation = Operation::get("list", "/api/badges");
const GET: Operation = Operation::get("get", "/api/badges/{id}").on_token();
const MAKE: Operation = Operation::post("make", "/api/badges");
const CHANGE: Operation = Operation::put("change", "/api/badges/{id}").on_token();
const REMOVE: Operation = Operation::delete("remove", "/api/badges/{id}").on_token();

#[derive(Debug, Deserialize, PartialEq)]
struct Badge {
    id: u64,
    name: Option<String>,
    doors: Option<Vec<String>>,
}

fn badge() -> Value {
    json!({"id": 7, "name": "visitor", "doors": ["front"]})
}

fn ok(body: &Value) -> ResponseTemplate {
    support::json(200, body)
}

fn client(uri: impl Into<String>) -> Client {
    at(DESK.client(), uri).build().unwrap()
}

fn once(uri: impl Into<String>) -> Client {
    one_attempt(DESK.client(), uri)
}

/// A server that answers each request with the next of these bytes.
async fn raw(answers: impl IntoIterator<Item = Reply>) -> Raw {
    let mut answers: Vec<_> = answers.into_iter().collect();
    answers.reverse();
    Raw::start(move |_| answers.pop().unwrap_or(Reply::Close)).await
}

fn assert_lost(error: &Error, cause: ErrorKind) {
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{error}");
    assert_eq!(error.cause(), Some(cause), "{error}");
    assert!(error.may_have_been_sent(), "{error}");
}

#[tokio::test]
async fn a_call_goes_out_as_described() {
    let server = script([ok(&badge()), ok(&badge()), empty(204)]).await;
    let desk = client(format!("{}/prefix/", server.uri()));
    let read: Badge = desk
        .call(&GET)
        .segment("id", 7)
        .query("with", "a b&c")
        .read()
        .await
        .unwrap();
    assert_eq!(read.doors, Some(vec!["front".to_owned()]));
    let (_, info) = desk
        .call(&CHANGE)
        .segment("id", "ä b?")
        .body(&json!({"name": "x"}))
        .read::<Badge>()
        .with_info()
        .await
        .unwrap();
    assert_eq!((info.status.as_u16(), info.attempts), (200, 1));
    desk.call(&REMOVE)
        .segment("id", "50%")
        .done()
        .await
        .unwrap();

    let all = sent(&server).await;
    let lines: Vec<_> = all.iter().map(support::Sent::line).collect();
    assert_eq!(
        lines,
        [
            "GET /prefix/api/badges/7?with=a+b%26c",
            "PUT /prefix/api/badges/%C3%A4%20b%3F",
            "DELETE /prefix/api/badges/50%25",
        ]
    );
    for one in &all {
        assert_eq!(
            one.header("authorization"),
            Some(&*format!("Bearer {CREDENTIAL}"))
        );
        assert_eq!(one.header("accept"), Some("application/json"));
        assert_eq!(one.header("accept-encoding"), Some("identity"));
        assert!(
            one.header("user-agent")
                .unwrap()
                .starts_with("access-tokens/")
        );
    }
    assert_eq!(all[1].header("content-type"), Some("application/json"));
    assert_eq!(all[1].json(), json!({"name": "x"}));
    assert_eq!((all[0].header("content-type"), all[0].text()), (None, ""));
}

#[tokio::test]
async fn the_credential_goes_on_the_wire_as_the_service_wants_it() {
    const WORD: Api = Api::new(Service::new("Desk")).scheme("Token");
    const BARE: Api = Api::new(Service::new("Desk")).scheme("");
    const HEADER: Api = Api::new(Service::new("Desk"))
        .credential_header("PRIVATE-TOKEN")
        .headers(&[("X-Version", "3"), ("accept", "application/vnd.desk+json")]);
    let (word, bare) = (format!("Token {CREDENTIAL}"), CREDENTIAL);
    for (api, name, value) in [
        (&WORD, "authorization", word.as_str()),
        (&BARE, "authorization", bare),
        (&HEADER, "private-token", bare),
    ] {
        let server = script([ok(&badge())]).await;
        let desk: Client = one_attempt(api.client(), server.uri());
        desk.call(&LIST).done().await.unwrap();
        let sent = only(&server).await;
        assert_eq!(sent.header(name), Some(value));
        let private = name == "private-token";
        assert_eq!(sent.header("authorization").is_none(), private);
        assert_eq!(sent.header("x-version"), private.then_some("3"));
        let accept = if private {
            "application/vnd.desk+json"
        } else {
            "application/json"
        };
        assert_eq!(sent.header("accept"), Some(accept));
    }
}

#[tokio::test]
async fn another_credential_is_tried_beside_the_own_and_then_taken() {
    let server = script([bare(401, ""), ok(&badge()), ok(&badge())]).await;
    let desk = client(server.uri());
    let other = desk.with_credential("other-secret").unwrap();
    let error = other.call(&LIST).done().await.unwrap_err();
    assert!(error.is_unauthenticated(), "{error}");
    desk.call(&LIST).done().await.unwrap();
    desk.clone().replace_credential("next-secret").unwrap();
    desk.call(&LIST).done().await.unwrap();
    let all = sent(&server).await;
    let used: Vec<_> = all
        .iter()
        .map(|one| one.header("authorization").unwrap())
        .collect();
    let own = format!("Bearer {CREDENTIAL}");
    assert_eq!(used, ["Bearer other-secret", &own, "Bearer next-secret"]);
}

#[tokio::test]
async fn a_read_is_repeated_when_the_service_says() {
    let busy = ResponseTemplate::new(503).insert_header("retry-after", "3");
    let server = script([busy, bare(500, "oh"), ok(&badge())]).await;
    let clock = VirtualClock::new();
    let desk = at(DESK.client(), server.uri())
        .clock(clock.clone())
        .build()
        .unwrap();
    let read = desk
        .call(&GET)
        .segment("id", 7)
        .read::<Badge>()
        .with_info()
        .await;
    assert_eq!(read.unwrap().1.attempts, 3);
    assert!(
        clock.sleeps()[0] >= Duration::from_secs(3),
        "{:?}",
        clock.sleeps()
    );
}

#[tokio::test]
async fn a_create_is_repeated_only_where_it_certainly_did_not_happen() {
    let make = async |answer: ResponseTemplate| {
        let server = script([answer, support::json(201, &json!({"id": 1, "key": "new"}))]).await;
        let call = client(server.uri()).call(&MAKE).body(&json!({"name": "x"}));
        let made = call.new_token::<Badge>("key").await;
        (made, sent(&server).await.len())
    };
    let busy = ResponseTemplate::new(503).insert_header("retry-after", "3");
    let (result, requests) = make(busy).await;
    assert_eq!((result.unwrap().token().id, requests), (1, 2));
    for status in [500, 502, 503, 504] {
        let (result, requests) = make(bare(status, "oh")).await;
        assert_lost(&result.unwrap_err(), ErrorKind::Server);
        assert_eq!(requests, 1, "{status}");
    }
    let (result, requests) = make(bare(422, "no")).await;
    let error = result.unwrap_err();
    assert_eq!((error.kind(), requests), (ErrorKind::InvalidRequest, 1));
    assert!(!error.may_have_been_sent());
}

#[tokio::test]
async fn a_lost_answer_is_unknown_to_a_create_and_repeated_for_the_rest() {
    const HINT: &str = "Look at the door.";
    const RENEW: Operation = Operation::post("renew", "/renew").if_lost(HINT);
    let server = raw([Reply::Close]).await;
    let desk = client(&server.uri);
    let error = desk
        .call(&MAKE)
        .body(&badge())
        .new_token::<Badge>("key")
        .await
        .unwrap_err();
    assert_lost(&error, ErrorKind::Transport);
    assert_eq!((error.operation(), error.attempts()), (Some("make"), 1));
    assert_eq!(server.seen().len(), 1);
    let error = desk.call(&MAKE).done().await.unwrap_err();
    assert_lost(&error, ErrorKind::Transport);

    let error = desk
        .call(&RENEW)
        .new_token::<Badge>("key")
        .await
        .unwrap_err();
    assert_eq!(error.hint(), Some(HINT));

    // A delete whose first answer is lost finds nothing the second time, and is done.
    let server = raw([Reply::Close, Reply::Bytes(whole(404, &[], ""))]).await;
    client(&server.uri)
        .call(&REMOVE)
        .segment("id", 7)
        .done()
        .await
        .unwrap();
    let server = raw([Reply::Bytes(whole(404, &[], ""))]).await;
    let error = client(&server.uri)
        .call(&REMOVE)
        .segment("id", 7)
        .done()
        .await
        .unwrap_err();
    assert!(error.is_not_found(), "{error}");
    let server = raw([Reply::Close, Reply::Bytes(whole(200, &[], "[]"))]).await;
    let all: Vec<Badge> = client(&server.uri).call(&LIST).read().await.unwrap();
    assert_eq!(all, []);
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error_that_says_where() {
    let cases = [
        (ok(&json!({"id": 7, "doors": [1]})), "doors[0]"),
        (ok(&json!({"name": "x"})), "it is missing something"),
        (empty(204), "it is empty"),
        (empty(200), "it is empty"),
        (bare(200, "{\"id\":7"), "it is not JSON, at line 1"),
        (html(200), "a page came"),
        (bare(200, "{\"id\":7} x"), "it goes on after its end"),
    ];
    for (answer, words) in cases {
        let server = script([answer.clone(), answer]).await;
        let desk = once(server.uri());
        let error = desk
            .call(&GET)
            .segment("id", 7)
            .read::<Badge>()
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.operation()),
            (ErrorKind::Decode, Some("get"))
        );
        assert!(error.to_string().contains(words), "{error}");
        // It did happen, and what it gave is lost.
        let error = desk.call(&MAKE).read::<Badge>().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.may_have_been_sent()),
            (ErrorKind::Decode, true)
        );
    }
}

#[tokio::test]
async fn where_nothing_is_expected_anything_but_a_page_will_do() {
    for answer in [empty(204), empty(200), ok(&json!({})), bare(200, "gone")] {
        let server = script([answer]).await;
        once(server.uri())
            .call(&REMOVE)
            .segment("id", 7)
            .done()
            .await
            .unwrap();
    }
    let server = script([html(200)]).await;
    let error = once(server.uri())
        .call(&REMOVE)
        .segment("id", 7)
        .done()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
    assert!(error.hint().unwrap().contains("base URL"), "{error}");
}

#[tokio::test]
async fn an_odd_item_does_not_hide_the_others() {
    let odd = json!([badge(), {"id": "seven"}, {"id": 8}]);
    let nothing = json!([{"id": "seven"}]);
    let server = script([ok(&odd), ok(&nothing), ok(&json!([])), ok(&badge())]).await;
    let desk = once(server.uri());
    let list = || desk.call(&LIST).list::<Badge>("id");
    let all = list().await.unwrap();
    assert_eq!(all.iter().map(|one| one.id).collect::<Vec<_>>(), [7, 8]);
    let [unreadable] = all.unreadable() else {
        panic!("{all:?}")
    };
    assert_eq!(
        (unreadable.index, unreadable.id.as_deref()),
        (1, Some("seven"))
    );
    assert_eq!(list().await.unwrap_err().kind(), ErrorKind::Decode);
    assert!(list().await.unwrap().is_empty());
    assert_eq!(list().await.unwrap_err().kind(), ErrorKind::Decode);
}

#[tokio::test]
async fn an_answer_is_read_within_bounds() {
    let large = badge().to_string() + &" ".repeat(2_000);
    let server = script([bare(200, &large), bare(201, &large)]).await;
    let desk = at(DESK.client(), server.uri())
        .max_response_bytes(1_000)
        .build()
        .unwrap();
    let error = desk.call(&LIST).read::<Value>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BodyTooLarge, "{error}");
    let error = desk
        .call(&MAKE)
        .new_token::<Badge>("key")
        .await
        .unwrap_err();
    assert_lost(&error, ErrorKind::BodyTooLarge);

    let chunked = head(200, &[("transfer-encoding", "chunked")]);
    let server = raw([Reply::Endless(chunked)]).await;
    let desk = at(DESK.client(), &server.uri)
        .max_response_bytes(1_000)
        .build()
        .unwrap();
    let error = desk.call(&LIST).read::<Value>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BodyTooLarge, "{error}");

    let server = raw([Reply::Stall(Vec::new())]).await;
    let call = once(&server.uri)
        .call(&MAKE)
        .done()
        .attempt_timeout(Duration::from_millis(50));
    assert_lost(&call.await.unwrap_err(), ErrorKind::Timeout);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = script([ok(&badge())]).await;
        let location = format!("{}/api/badges?x=hunter2", elsewhere.uri());
        let moved = ResponseTemplate::new(status).insert_header("location", &*location);
        let server = script([moved]).await;
        let error = once(server.uri()).call(&LIST).done().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Redirect, "{error}");
        assert!(error.to_string().contains(&elsewhere.uri()), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
        assert_eq!(sent(&elsewhere).await.len(), 0);
        assert_eq!(sent(&server).await.len(), 1);
    }
}

#[tokio::test]
async fn a_status_means_what_it_means_everywhere() {
    for (status, token, elsewhere) in [
        (400, ErrorKind::InvalidRequest, ErrorKind::InvalidRequest),
        (401, ErrorKind::Unauthenticated, ErrorKind::Unauthenticated),
        (
            403,
            ErrorKind::PermissionDenied,
            ErrorKind::PermissionDenied,
        ),
        (404, ErrorKind::NotFound, ErrorKind::EndpointMissing),
        (409, ErrorKind::Conflict, ErrorKind::Conflict),
        (429, ErrorKind::RateLimited, ErrorKind::RateLimited),
        (500, ErrorKind::Server, ErrorKind::Server),
    ] {
        let words = json!({"message": "some words", "code": "a_code"});
        let answer = support::json(status, &words).insert_header("x-request-id", "r-1");
        let server = script([answer.clone(), answer]).await;
        let desk = once(server.uri());
        let error = desk.call(&GET).segment("id", 7).done().await.unwrap_err();
        assert_eq!(error.kind(), token, "{error}");
        let said = (error.message(), error.code(), error.request_id());
        assert_eq!(said, (Some("some words"), Some("a_code"), Some("r-1")));
        let error = once(server.uri()).call(&LIST).done().await.unwrap_err();
        assert_eq!(error.kind(), elsewhere, "{error}");
    }
}

fn refused_setting(builder: ClientBuilder<Client>, field: &str) -> String {
    let error = builder.build().unwrap_err();
    assert_eq!(
        (error.kind(), error.field()),
        (ErrorKind::Config, Some(field)),
        "{error}"
    );
    error.to_string()
}

#[test]
fn settings_that_cannot_be_are_named() {
    const OWN: Api = Api::new(Service::new("Desk"))
        .base_url("https://desk.example")
        .api_paths(&["/api"])
        .variables(&["DESK_KEY", "DESK_TOKEN"], &["DESK_URL"]);
    const NO_HEADER: Api = Api::new(Service::new("Desk")).credential_header("a b");
    const NO_HEADERS: Api = Api::new(Service::new("Desk")).headers(&[("x", "a\r\nb")]);
    let text = refused_setting(DESK.client(), "credential");
    assert!(text.ends_with("is missing; give one"), "{text}");
    let text = refused_setting(DESK.client().credential("s"), "base_url");
    assert!(text.ends_with("is missing; give one"), "{text}");
    let text = refused_setting(OWN.client(), "credential");
    assert!(text.ends_with("or set DESK_KEY or DESK_TOKEN"), "{text}");
    let own = OWN.client().credential("s").build().unwrap();
    assert_eq!(own.base_url(), "https://desk.example");
    let own = OWN.client().credential("s");
    refused_setting(own.base_url("https://desk.example/api/"), "base_url");
    let plain = DESK
        .client()
        .credential("s")
        .base_url("http://desk.example");
    refused_setting(plain, "base_url");
    refused_setting(DESK.client().credential("Bearer s"), "credential");
    let at_home = |api: &'static Api| api.client().credential("s").base_url("https://desk");
    refused_setting(at_home(&NO_HEADER), "credential_header");
    refused_setting(at_home(&NO_HEADERS), "headers");
    refused_setting(at_home(&DESK).concurrency(0), "concurrency");
}
