//! The twin of Avisi Cloud answers as documented, and as each of its switches says, asked over
//! plain HTTP.

use std::time::Duration;

use access_tokens::Secret;
use access_tokens_testing::avisi_cloud::{
    Builder, ErrorShape, ListedSecret, Operation, Revoked, SecondRevoke, Seed, UnsetDate,
};
use access_tokens_testing::{AvisiCloud, Fault, VirtualClock};
use reqwest::{Method, Response};
use serde_json::{Value, json};

const PATH: &str = "/sts/v1/personal-access-tokens";

struct Setup {
    twin: AvisiCloud,
    clock: VirtualClock,
    http: reqwest::Client,
}

impl Setup {
    async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    async fn with(options: impl FnOnce(Builder) -> Builder) -> Self {
        let clock = VirtualClock::new();
        let builder = options(AvisiCloud::builder().clock(clock.clone()));
        Self {
            twin: builder.start().await.unwrap(),
            clock,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    async fn send(&self, method: &str, path: &str, authorization: &str, body: &str) -> Response {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let url = format!("{}{path}", self.twin.base_url());
        let mut request = self.http.request(method, url).body(body.to_owned());
        if !authorization.is_empty() {
            request = request.header("authorization", authorization);
        }
        request.send().await.unwrap()
    }

    /// The status and the body as JSON, `None` if there is no body.
    async fn call(&self, method: &str, path: &str, body: &str) -> (u16, Option<Value>) {
        let credential = format!("Token {}", self.twin.credential().expose_secret());
        read(self.send(method, path, &credential, body).await).await
    }

    async fn provision(&self, body: Value) -> Value {
        let (status, token) = self.call("POST", PATH, &body.to_string()).await;
        assert_eq!(status, 200, "{token:?}");
        token.unwrap()
    }

    async fn revoke(&self, id: &str) -> (u16, Option<Value>) {
        self.call("DELETE", &format!("{PATH}/{id}"), "").await
    }

    /// The entries of the list, without the credential.
    async fn list(&self) -> Vec<Value> {
        let (status, list) = self.call("GET", PATH, "").await;
        assert_eq!(status, 200);
        let mut list = list.unwrap().as_array().unwrap().clone();
        list.retain(|token| token["id"] != self.twin.credential_id());
        list
    }

    async fn lets_in(&self, authorization: &str) -> bool {
        let response = self.send("GET", PATH, authorization, "").await;
        response.status() == 200
    }
}

async fn read(response: Response) -> (u16, Option<Value>) {
    let status = response.status().as_u16();
    let kind = response.headers().get("content-type").cloned();
    let text = response.text().await.unwrap();
    if text.is_empty() {
        assert_eq!(kind, None);
        return (status, None);
    }
    assert_eq!(kind.unwrap(), "application/json");
    (status, Some(serde_json::from_str(&text).unwrap()))
}

#[tokio::test]
async fn the_secret_is_in_the_answer_to_a_provision_alone() {
    let it = Setup::new().await;
    let body = json!({
        "name": "ci", "ipRestriction": "203.0.113.0/24, any text", "type": {"a": [1]}, "x": 1
    });
    let mut made = it.provision(body).await;
    let secret = made["token"].as_str().unwrap().to_owned();
    let id = made["id"].as_str().unwrap();
    assert_eq!(id.len(), 36);
    assert_eq!(
        made,
        json!({
            "id": id, "name": "ci", "subject": "user-4f1d", "type": {"a": [1]}, "active": true,
            "ipRestriction": "203.0.113.0/24, any text", "createdAt": "2026-01-01T00:00:00Z",
            "expireAt": null, "lastUsedAt": null, "token": secret,
        })
    );
    made.as_object_mut().unwrap().remove("token");
    assert_eq!(it.list().await, [made]);
    assert_eq!(it.twin.tokens()[1].secret, Secret::new(secret));
}

#[tokio::test]
async fn the_type_comes_back_as_it_was_sent() {
    let it = Setup::new().await;
    for kind in [json!("FULL"), json!(null), json!({}), json!(3)] {
        let made = it.provision(json!({"name": "x", "type": kind})).await;
        assert_eq!(made["type"], kind);
        assert_eq!(it.list().await.last().unwrap()["type"], kind);
    }
    let made = it.provision(json!({"name": "x"})).await;
    assert_eq!(made.get("type"), None);
    assert_eq!(made["ipRestriction"], "");
}

#[tokio::test]
async fn a_revoke_answers_with_message_and_status() {
    let it = Setup::new().await;
    let made = it.provision(json!({"name": "x"})).await;
    let id = made["id"].as_str().unwrap();
    let done = json!({"message": "revoked", "status": 200});
    assert_eq!(it.revoke(id).await, (200, Some(done)));
    let secret = Secret::new(made["token"].as_str().unwrap());
    assert!(!it.twin.authenticates(&secret));
    assert_eq!(it.list().await[0]["active"], false);
    let unknown = json!({"message": "not found", "details": []});
    assert_eq!(it.revoke(id).await, (404, Some(unknown.clone())));
    assert_eq!(it.revoke("nobody").await, (404, Some(unknown)));
}

#[tokio::test]
async fn an_id_is_percent_decoded() {
    let it = Setup::new().await;
    it.twin.seed(Seed::new("odd").id("a/b c+ü%"));
    assert_eq!(it.revoke("a%2Fb%20c%20%C3%BC%25").await.0, 404);
    assert_eq!(it.revoke("a%2Fb%20c+%C3%BC%").await.0, 200);
}

#[tokio::test]
async fn revoked_entries_stay_or_vanish_and_a_second_revoke_is_404_or_200() {
    for revoked in [Revoked::StaysInactive, Revoked::Vanishes] {
        for second in [SecondRevoke::NotFound, SecondRevoke::Succeeds] {
            let it = Setup::with(|with| with.revoked(revoked).second_revoke(second)).await;
            it.twin.seed(Seed::new("x").id("x"));
            assert_eq!(it.revoke("x").await.0, 200);
            let active: Vec<Value> = it
                .list()
                .await
                .iter()
                .map(|t| t["active"].clone())
                .collect();
            match revoked {
                Revoked::Vanishes => assert!(active.is_empty()),
                _ => assert_eq!(active, [false]),
            }
            let expected = if second == SecondRevoke::Succeeds {
                200
            } else {
                404
            };
            assert_eq!(it.revoke("x").await.0, expected, "{revoked:?} {second:?}");
            assert_eq!(it.revoke("y").await.0, 404);
        }
    }
}

#[tokio::test]
async fn the_list_hides_masks_or_empties_the_secret() {
    for (shown, expected) in [
        (ListedSecret::Absent, None),
        (ListedSecret::Masked, Some(json!("************wxyz"))),
        (ListedSecret::Empty, Some(json!(""))),
        (ListedSecret::Null, Some(json!(null))),
    ] {
        let it = Setup::with(|with| with.listed_secret(shown)).await;
        let secret = Secret::new("0123456789abcdefwxyz");
        it.twin.seed(Seed::new("x").secret(secret));
        assert_eq!(it.list().await[0].get("token").cloned(), expected);
        let made = it.provision(json!({"name": "y"})).await;
        assert_eq!(made["token"].as_str().unwrap().len(), 40);
    }
}

#[tokio::test]
async fn unset_dates_have_four_forms() {
    for (unset, expected) in [
        (UnsetDate::Null, Some(json!(null))),
        (UnsetDate::Absent, None),
        (UnsetDate::Empty, Some(json!(""))),
        (UnsetDate::GoZero, Some(json!("0001-01-01T00:00:00Z"))),
    ] {
        let it = Setup::with(|with| with.unset_date(unset)).await;
        it.twin.seed(Seed::new("x").created_at(None));
        let shown = &it.list().await[0];
        for key in ["createdAt", "expireAt", "lastUsedAt"] {
            assert_eq!(shown.get(key).cloned(), expected, "{key}");
        }
        let made = it.provision(json!({"name": "y"})).await;
        assert_eq!(made.get("expireAt").cloned(), expected);
        assert_eq!(made["createdAt"], "2026-01-01T00:00:00Z");
    }
}

#[tokio::test]
async fn statuses_and_the_empty_list_can_differ() {
    let it = Setup::with(|with| {
        with.no_content_on_revoke(true)
            .created_on_provision(true)
            .null_for_empty_list(true)
            .lists_credential(false)
            .revoked(Revoked::Vanishes)
            .subject("someone")
    })
    .await;
    assert_eq!(it.call("GET", PATH, "").await, (200, Some(Value::Null)));
    let (status, made) = it.call("POST", PATH, r#"{"name":"x"}"#).await;
    let made = made.unwrap();
    assert_eq!((status, &made["subject"]), (201, &json!("someone")));
    assert_eq!(it.list().await.len(), 1);
    assert_eq!(it.revoke(made["id"].as_str().unwrap()).await, (204, None));
    let it = Setup::with(|with| with.lists_credential(false)).await;
    assert_eq!(it.call("GET", PATH, "").await, (200, Some(json!([]))));
    assert_eq!(it.revoke(it.twin.credential_id()).await.0, 404);
    assert!(it.twin.tokens().is_empty());
}

#[tokio::test]
async fn errors_have_two_shapes() {
    let it = Setup::with(|with| with.error_shape(ErrorShape::Status)).await;
    let unknown = json!({"message": "not found", "status": 404});
    assert_eq!(it.revoke("x").await, (404, Some(unknown)));
    let bad = json!({"message": "validation failed", "status": 400});
    assert_eq!(it.call("POST", PATH, "{").await, (400, Some(bad)));

    let it = Setup::new().await;
    for (body, detail) in [
        ("", "EOF while parsing a value at line 1 column 0"),
        ("{", "EOF while parsing an object at line 1 column 1"),
        ("[]", "the body must be an object"),
        (r#"{"name":7}"#, "name must be a string"),
        (
            r#"{"name":"x","ipRestriction":["10.0.0.0/8"]}"#,
            "ipRestriction must be a string",
        ),
        (r#"{"name":""}"#, "name must not be empty"),
        (r#"{"name":null}"#, "name must not be empty"),
        ("{}", "name must not be empty"),
    ] {
        let expected = json!({"message": "validation failed", "details": [detail]});
        assert_eq!(
            it.call("POST", PATH, body).await,
            (400, Some(expected)),
            "{body}"
        );
    }
    assert!(it.list().await.is_empty());
    let lenient = Setup::with(|with| with.requires_name(false)).await;
    assert_eq!(lenient.provision(json!({})).await["name"], "");
}

#[tokio::test]
async fn only_the_scheme_token_with_one_space_is_let_in() {
    let it = Setup::new().await;
    let credential = it.twin.credential();
    let secret = credential.expose_secret();
    assert!(it.lets_in(&format!("Token {secret}")).await);
    let unauthorized = json!({"message": "unauthorized", "details": []});
    for header in [
        String::new(),
        secret.to_owned(),
        format!("token {secret}"),
        format!("Bearer {secret}"),
        format!("Token  {secret}"),
        format!("Token\t{secret}"),
        format!("Token {secret} x"),
        format!("Token {secret}x"),
        "Token".to_owned(),
    ] {
        // Before the body is looked at.
        let answer = read(it.send("POST", PATH, &header, "{").await).await;
        assert_eq!(answer, (401, Some(unauthorized.clone())), "{header}");
    }
    let it = Setup::with(|with| with.empty_401(true)).await;
    assert_eq!(read(it.send("GET", PATH, "", "").await).await, (401, None));
}

#[tokio::test]
async fn tokens_let_in_until_they_are_revoked_or_end_and_note_their_use() {
    let lifetime = Duration::from_millis(60_500);
    let it = Setup::with(|with| with.lifetime(lifetime)).await;
    let first = it.provision(json!({"name": "first"})).await;
    let second = it.provision(json!({"name": "second"})).await;
    assert_eq!(first["expireAt"], "2026-01-01T00:01:00Z");
    let header = |token: &Value| format!("Token {}", token["token"].as_str().unwrap());
    it.clock.advance(Duration::from_millis(59_900));
    assert!(it.lets_in(&header(&first)).await);
    assert_eq!(it.list().await[0]["lastUsedAt"], "2026-01-01T00:00:59Z");
    assert_eq!(it.list().await[1]["lastUsedAt"], Value::Null);
    it.revoke(second["id"].as_str().unwrap()).await;
    assert!(!it.lets_in(&header(&second)).await);
    // A token may revoke itself; the credential outlives it.
    let path = format!(
        "{PATH}/{}",
        it.twin.seed(Seed::new("own").secret("own".into())).id
    );
    assert_eq!(
        it.send("DELETE", &path, "Token own", "").await.status(),
        200
    );
    assert!(!it.lets_in("Token own").await);

    it.clock.advance(Duration::from_millis(100));
    assert!(!it.lets_in(&header(&first)).await);
    assert_eq!(it.list().await[0]["active"], false);
    assert_eq!(it.list().await.len(), 3);

    let it = Setup::with(|with| with.lists_expired(false)).await;
    it.twin.seed(Seed::new("ended").expire_at(it.twin.now()));
    assert!(it.list().await.is_empty());
    let own = it.twin.credential_id();
    assert_eq!(it.revoke(own).await.0, 200);
    assert_eq!(it.revoke(own).await.0, 401);
}

#[tokio::test]
async fn other_routes_are_404_and_other_methods_405() {
    let it = Setup::new().await;
    for path in [
        "/",
        "/sts/v1",
        "/sts/v1/personal-access-tokens/",
        "/sts/v1/personal-access-tokensx",
    ] {
        assert_eq!(it.call("GET", path, "").await.0, 404, "{path}");
    }
    for (method, path, allowed) in [
        ("PUT", PATH.to_owned(), "GET, POST"),
        ("DELETE", PATH.to_owned(), "GET, POST"),
        ("GET", format!("{PATH}/x"), "DELETE"),
        ("PATCH", format!("{PATH}/x"), "DELETE"),
    ] {
        let credential = format!("Token {}", it.twin.credential().expose_secret());
        let response = it.send(method, &path, &credential, "").await;
        assert_eq!(response.status(), 405);
        assert_eq!(response.headers()["allow"], allowed);
    }
}

#[tokio::test]
async fn twins_are_apart_record_what_came_and_follow_a_script() {
    let (it, other) = (Setup::new().await, Setup::new().await);
    it.provision(json!({"name": "x"})).await;
    assert!(other.list().await.is_empty());
    assert_eq!(it.twin.requests()[0].json().unwrap()["name"], "x");
    it.twin.on(Operation::Provision).then(Fault::ActThenClose);
    let lost = it
        .http
        .post(format!("{}{PATH}", it.twin.base_url()))
        .header(
            "authorization",
            format!("Token {}", it.twin.credential().expose_secret()),
        )
        .body(r#"{"name":"orphan"}"#);
    assert!(lost.send().await.is_err());
    assert_eq!(it.list().await[1]["name"], "orphan");
    assert_eq!(AvisiCloud::start().await.unwrap().tokens().len(), 1);
}

#[tokio::test]
async fn a_user_may_have_so_many_tokens() {
    let it = Setup::with(|with| with.max_tokens(2).revoked(Revoked::Vanishes)).await;
    let first = it.provision(json!({"name": "a"})).await;
    let body = json!({"name": "b"}).to_string();
    let (status, told) = it.call("POST", PATH, &body).await;
    assert_eq!(status, 400);
    let details = told.unwrap()["details"].to_string();
    assert!(details.contains("too many"), "{details}");
    it.revoke(first["id"].as_str().unwrap()).await;
    it.provision(json!({"name": "b"})).await;
}
