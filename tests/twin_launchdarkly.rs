//! The twin of LaunchDarkly, quirk by quirk, through a plain HTTP client.
#![cfg(feature = "testing")]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use access_tokens::testing::launchdarkly::{Builder, RateLimit, Seed, TotalCount, UnsetExpiry};
use access_tokens::testing::{LaunchDarkly, VirtualClock};
use access_tokens::{Clock as _, Secret};
use serde_json::{Value, json};

const DAY: Duration = Duration::from_secs(86_400);

struct Setup {
    twin: LaunchDarkly,
    clock: VirtualClock,
    client: reqwest::Client,
}

/// A status, the body (null if there is none), and the headers.
struct Answer(u16, Value, http::HeaderMap);

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.2.get(name).map(|value| value.to_str().unwrap())
    }

    /// The body, if the status is the expected one.
    #[track_caller]
    fn ok(self, status: u16) -> Value {
        assert_eq!(self.0, status, "{}", self.1);
        self.1
    }

    /// Checks status and code of an error.
    #[track_caller]
    fn refused(&self, status: u16, code: &str) {
        assert_eq!((self.0, &self.1["code"]), (status, &json!(code)));
        assert!(self.1["message"].is_string());
        assert_eq!(self.header("content-type"), Some("application/json"));
    }
}

impl Setup {
    async fn new() -> Self {
        Self::with(LaunchDarkly::builder()).await
    }

    async fn with(builder: Builder) -> Self {
        let clock = VirtualClock::new();
        Self {
            twin: builder.clock(clock.clone()).start().await.unwrap(),
            clock,
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}/api/v2{path}", self.twin.base_url());
        self.client.request(method.parse().unwrap(), url)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.unwrap();
        let body = match bytes.as_ref() {
            [] => Value::Null,
            bytes => serde_json::from_slice(bytes).unwrap(),
        };
        Answer(status, body, headers)
    }

    async fn call_as(&self, secret: &Secret, method: &str, path: &str, body: Value) -> Answer {
        let request = self
            .request(method, path)
            .header("authorization", secret.expose_secret());
        let request = match (method, body) {
            ("POST" | "PATCH", Value::Null) => request.header("content-type", "application/json"),
            (_, Value::Null) => request,
            (_, body) => request.json(&body),
        };
        self.send(request).await
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        self.call_as(&self.twin.credential(), method, path, body)
            .await
    }

    async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, Value::Null).await
    }

    async fn get_as(&self, secret: &Secret, path: &str) -> Answer {
        self.call_as(secret, "GET", path, Value::Null).await
    }

    /// The id and the secret of a new token.
    async fn create(&self, body: Value) -> (String, Secret) {
        let token = self.call("POST", "/tokens", body).await.ok(201);
        (text(&token["_id"]), Secret::new(text(&token["token"])))
    }

    async fn patch(&self, id: &str, patch: Value) -> Answer {
        self.call("PATCH", &format!("/tokens/{id}"), patch).await
    }

    /// Whether the twin lets a secret in, by its word and by a request.
    async fn alive(&self, secret: &Secret) -> bool {
        let word = self.twin.authenticates(secret);
        let status = self.get_as(secret, "/caller-identity").await.0;
        assert_eq!(status, if word { 200 } else { 401 });
        word
    }

    async fn names(&self, secret: &Secret, path: &str) -> Vec<String> {
        let list = self.get_as(secret, path).await.ok(200);
        let items = list["items"].as_array().unwrap();
        items.iter().map(|item| text(&item["name"])).collect()
    }

    fn in_ms(&self, ahead: Duration) -> u64 {
        ms(self.clock.now() + ahead)
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn ms(time: SystemTime) -> u64 {
    u64::try_from(time.duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

fn reader(name: &str) -> Value {
    json!({"name": name, "role": "reader"})
}

#[tokio::test]
async fn a_created_token_shows_its_whole_secret_once() {
    let setup = Setup::new().await;
    let body = json!({
        "name": "export", "description": "at night", "role": "reader",
        "unknown": {"is": "ignored"}, "expiry": null,
    });
    let made = setup.call("POST", "/tokens", body).await;
    assert_eq!(made.header("content-type"), Some("application/json"));
    let made = made.ok(201);
    let (id, secret) = (text(&made["_id"]), text(&made["token"]));
    assert!(id.len() == 24 && id.bytes().all(|b| b.is_ascii_hexdigit()));
    let uuid: Vec<&str> = secret.strip_prefix("api-").unwrap().split('-').collect();
    assert_eq!(
        uuid.iter().map(|p| p.len()).collect::<Vec<_>>(),
        [8, 4, 4, 4, 12]
    );
    assert!(uuid[2].starts_with('4') && uuid[3].starts_with(['8', '9', 'a', 'b']));
    let now = ms(setup.clock.now());
    let owner = text(&made["ownerId"]);
    let mut expected = json!({
        "_id": id, "ownerId": owner, "memberId": owner,
        "_member": {
            "_id": owner, "firstName": "Member", "lastName": owner[18..], "role": "owner",
            "email": format!("member-{}@example.com", &owner[18..]),
            "_links": {"self": {
                "href": format!("/api/v2/members/{owner}"), "type": "application/json"
            }},
        },
        "name": "export", "description": "at night", "role": "reader",
        "creationDate": now, "lastModified": now, "lastUsed": 0,
        "token": secret, "serviceToken": false, "defaultApiVersion": 20_240_415,
        "_links": {
            "parent": {"href": "/api/v2/tokens", "type": "application/json"},
            "self": {"href": format!("/api/v2/tokens/{id}"), "type": "application/json"},
        },
    });
    assert_eq!(made, expected);
    assert!(setup.alive(&Secret::new(secret.as_str())).await);

    expected["token"] = json!(secret[secret.len() - 4..]);
    expected["lastUsed"] = json!(now);
    let read = setup.get(&format!("/tokens/{id}")).await.ok(200);
    assert_eq!(read, expected);
    let list = setup.get("/tokens").await.ok(200);
    assert_eq!(list["items"][1], expected);
    let patched = setup
        .patch(
            &id,
            json!([{"op": "replace", "path": "/name", "value": ""}]),
        )
        .await
        .ok(200);
    assert_eq!(patched["token"], expected["token"]);
    assert_eq!(patched["name"], "");
}

#[tokio::test]
async fn a_reset_without_expiry_ends_the_old_secret_at_once() {
    let setup = Setup::new().await;
    let (id, old) = setup.create(reader("a")).await;
    setup.clock.advance(DAY);
    let path = format!("/tokens/{id}/reset");
    let reset = setup.call("POST", &path, Value::Null).await.ok(200);
    let new = Secret::new(text(&reset["token"]));
    assert_eq!(new.expose_secret().len(), 40);
    assert_ne!(new, old);
    assert!(setup.alive(&new).await && !setup.alive(&old).await);
    assert_eq!(reset["lastModified"], json!(ms(setup.clock.now())));
    assert_eq!(reset["_id"], json!(id));

    // In the body an expiry is not looked at.
    let body = json!({"expiry": setup.in_ms(DAY)});
    let reset = setup.call("POST", &path, body).await.ok(200);
    assert!(!setup.alive(&new).await);
    assert!(setup.alive(&Secret::new(text(&reset["token"]))).await);
}

#[tokio::test]
async fn a_reset_with_expiry_ends_the_old_secret_then() {
    let setup = Setup::new().await;
    let (id, old) = setup.create(reader("a")).await;
    let path = format!("/tokens/{id}/reset?expiry={}", setup.in_ms(DAY));
    let reset = setup.call("POST", &path, Value::Null).await.ok(200);
    let new = Secret::new(text(&reset["token"]));
    assert!(reset.get("expiry").is_none());
    assert!(setup.alive(&old).await && setup.alive(&new).await);
    setup.clock.advance(DAY - Duration::from_millis(1));
    assert!(setup.alive(&old).await);
    setup.clock.advance(Duration::from_millis(1));
    assert!(!setup.alive(&old).await && setup.alive(&new).await);
    let token = setup.twin.token(&id).unwrap();
    assert_eq!(token.secret, new);
    assert_eq!(token.old_secrets, [(old, setup.clock.now())]);

    // Seconds taken for milliseconds lie in the past.
    let path = format!("/tokens/{id}/reset?expiry={}", setup.in_ms(DAY) / 1000);
    setup.call("POST", &path, Value::Null).await.ok(200);
    assert!(!setup.alive(&new).await);
    for bad in ["soon", "-1", "1.5", ""] {
        let path = format!("/tokens/{id}/reset?expiry={bad}");
        let answer = setup.call("POST", &path, Value::Null).await;
        answer.refused(400, "invalid_request");
    }
}

#[tokio::test]
async fn expiry_on_create_and_by_patch_ends_a_token() {
    let setup = Setup::new().await;
    let mut body = reader("a");
    body["expiry"] = json!(setup.in_ms(31 * DAY));
    let (id, secret) = setup.create(body.clone()).await;
    let (other, endless) = setup.create(reader("b")).await;
    setup.clock.advance(30 * DAY);
    assert!(setup.alive(&secret).await);
    setup.clock.advance(DAY);
    assert!(!setup.alive(&secret).await && setup.alive(&endless).await);
    let listed = setup.get(&format!("/tokens/{id}")).await.ok(200);
    assert_eq!(listed["expiry"], body["expiry"]);

    let end = setup.in_ms(DAY);
    let set = json!([{"op": "add", "path": "/expiry", "value": end}]);
    assert_eq!(setup.patch(&other, set).await.ok(200)["expiry"], json!(end));
    assert!(setup.alive(&endless).await);
    setup.clock.advance(DAY);
    assert!(!setup.alive(&endless).await);
    // Taking it away brings the token back.
    let unset = json!([{"op": "remove", "path": "/expiry"}]);
    let patched = setup.patch(&other, unset.clone()).await.ok(200);
    assert!(patched.get("expiry").is_none());
    assert!(setup.alive(&endless).await);
    setup
        .patch(&other, unset)
        .await
        .refused(422, "patch_failed");
    for bad in [json!("1"), json!(1.5), json!(-1), json!([])] {
        let set = json!([{"op": "add", "path": "/expiry", "value": bad}]);
        setup
            .patch(&other, set)
            .await
            .refused(400, "invalid_request");
    }
}

#[tokio::test]
async fn servers_that_do_not_know_expiry_ignore_it() {
    let setup = Setup::with(LaunchDarkly::builder().ignores_expiry(true)).await;
    let mut body = reader("a");
    body["expiry"] = json!(setup.in_ms(DAY));
    let made = setup.call("POST", "/tokens", body).await.ok(201);
    assert!(made.get("expiry").is_none());
    let set = json!([{"op": "add", "path": "/expiry", "value": setup.in_ms(DAY)}]);
    let patched = setup.patch(&text(&made["_id"]), set).await.ok(200);
    assert!(patched.get("expiry").is_none());
    setup.clock.advance(2 * DAY);
    assert!(setup.alive(&Secret::new(text(&made["token"]))).await);
}

#[tokio::test]
async fn how_unset_things_look_can_be_chosen() {
    for (unset, shown) in [
        (UnsetExpiry::Absent, None),
        (UnsetExpiry::Null, Some(Value::Null)),
        (UnsetExpiry::Zero, Some(json!(0))),
    ] {
        let builder = LaunchDarkly::builder()
            .unset_expiry(unset)
            .empty_lists(true);
        let setup = Setup::with(builder).await;
        let made = setup.call("POST", "/tokens", reader("a")).await.ok(201);
        assert_eq!(made.get("expiry"), shown.as_ref());
        assert_eq!(
            (&made["customRoleIds"], &made["inlineRole"]),
            (&json!([]), &json!([]))
        );
    }
}

#[tokio::test]
async fn patches_apply_as_a_whole_or_not_at_all() {
    let setup = Setup::new().await;
    let (id, _) = setup.create(reader("old")).await;
    setup.clock.advance(DAY);
    let patch = json!([
        {"op": "test", "path": "/name", "value": "old"},
        {"op": "copy", "from": "/name", "path": "/description"},
        {"op": "replace", "path": "/name", "value": "new"},
        {"op": "test", "path": "/_id", "value": id},
    ]);
    let patched = setup.patch(&id, patch.clone()).await.ok(200);
    assert_eq!(
        (&patched["name"], &patched["description"]),
        (&json!("new"), &json!("old"))
    );
    assert_eq!(patched["lastModified"], json!(ms(setup.clock.now())));
    assert_ne!(patched["creationDate"], patched["lastModified"]);

    setup.clock.advance(DAY);
    let before = setup.get(&format!("/tokens/{id}")).await.ok(200);
    let failing = [
        (patch, 422, "patch_failed"),
        (
            json!([{"op": "remove", "path": "/role"}, {"op": "remove", "path": "/role"}]),
            422,
            "patch_failed",
        ),
        (
            json!([{"op": "remove", "path": "/customRoleIds"}]),
            422,
            "patch_failed",
        ),
        (
            json!([{"op": "replace", "path": "/name", "value": "x"}, {"op": "replace", "path": "/expiry", "value": 1}]),
            422,
            "patch_failed",
        ),
        (
            json!([{"op": "replace", "path": "/name", "value": 7}]),
            400,
            "invalid_request",
        ),
        (
            json!([{"op": "replace", "path": "/role", "value": "chief"}]),
            400,
            "invalid_request",
        ),
        (
            json!([{"op": "grow", "path": "/name"}]),
            400,
            "invalid_request",
        ),
        (
            json!({"comment": "why", "patch": []}),
            400,
            "invalid_request",
        ),
        (json!("text"), 400, "invalid_request"),
    ];
    for (patch, status, code) in failing {
        setup.patch(&id, patch).await.refused(status, code);
    }
    assert_eq!(setup.get(&format!("/tokens/{id}")).await.ok(200), before);
    // Members that no token has are dropped.
    let unknown = json!([{"op": "add", "path": "/colour", "value": "red"}]);
    assert!(
        setup
            .patch(&id, unknown)
            .await
            .ok(200)
            .get("colour")
            .is_none()
    );
}

#[tokio::test]
async fn what_a_patch_may_not_change_is_refused() {
    let setup = Setup::new().await;
    let (id, secret) = setup.create(reader("a")).await;
    for (member, value) in [
        ("_id", json!("other")),
        ("_links", json!({})),
        ("_member", json!({})),
        ("ownerId", json!("other")),
        ("memberId", json!("other")),
        ("serviceToken", json!(true)),
        ("defaultApiVersion", json!(20_191_212)),
        ("creationDate", json!(0)),
        ("lastUsed", json!(5)),
        ("token", json!("api-own")),
    ] {
        let patch = json!([{"op": "replace", "path": format!("/{member}"), "value": value}]);
        let answer = setup.patch(&id, patch).await;
        answer.refused(400, "invalid_request");
    }
    let whole = json!([{"op": "replace", "path": "", "value": {"name": "b"}}]);
    setup
        .patch(&id, whole)
        .await
        .refused(400, "invalid_request");
    assert!(setup.alive(&secret).await);
    assert_eq!(setup.twin.token(&id).unwrap().name, "a");
}

#[tokio::test]
async fn a_token_has_one_kind_of_role() {
    let setup = Setup::new().await;
    let statement = json!({"effect": "allow", "resources": ["proj/*"], "actions": ["*"]});
    for body in [
        json!({"name": "none"}),
        json!({"role": "reader", "customRoleIds": ["a"]}),
        json!({"role": "reader", "inlineRole": [statement]}),
        json!({"role": "owner"}),
        json!({"role": 1}),
        json!({"customRoleIds": [1]}),
        json!({"inlineRole": [{"effect": "perhaps"}]}),
        json!({"inlineRole": [{"effect": "deny", "actions": ["a"], "notActions": ["b"]}]}),
        json!({"role": "reader", "serviceToken": "yes"}),
        json!({"role": "reader", "defaultApiVersion": 20_210_729}),
        json!([]),
    ] {
        let answer = setup.call("POST", "/tokens", body).await;
        answer.refused(400, "invalid_request");
    }
    let (id, _) = setup
        .create(json!({"role": "writer", "customRoleIds": []}))
        .await;
    // `replace` of a role that is not set works, against the letter of RFC 6902.
    let replace = json!({"op": "replace", "path": "/inlineRole", "value": [statement]});
    setup
        .patch(&id, json!([replace]))
        .await
        .refused(400, "invalid_request");
    let swap = json!([{"op": "remove", "path": "/role"}, replace]);
    let patched = setup.patch(&id, swap).await.ok(200);
    assert_eq!(patched["inlineRole"], json!([statement]));
    assert!(patched.get("role").is_none() && patched.get("customRoleIds").is_none());
    let swap = json!([
        {"op": "replace", "path": "/customRoleIds", "value": ["role-key"]},
        {"op": "remove", "path": "/inlineRole"},
    ]);
    assert_eq!(
        setup.patch(&id, swap).await.ok(200)["customRoleIds"],
        json!(["role-key"])
    );
    let bare = json!([{"op": "remove", "path": "/customRoleIds"}]);
    setup.patch(&id, bare).await.refused(400, "invalid_request");
    let swap = json!([
        {"op": "remove", "path": "/customRoleIds"},
        {"op": "replace", "path": "/role", "value": "admin"},
    ]);
    assert_eq!(setup.patch(&id, swap).await.ok(200)["role"], "admin");
}

#[tokio::test]
async fn permissions_of_service_tokens_are_fixed() {
    let setup = Setup::new().await;
    let body = json!({"name": "s", "role": "writer", "serviceToken": true});
    let (id, secret) = setup.create(body).await;
    for patch in [
        json!([{"op": "replace", "path": "/role", "value": "reader"}]),
        json!([{"op": "remove", "path": "/role"}, {"op": "add", "path": "/customRoleIds", "value": ["a"]}]),
    ] {
        setup
            .patch(&id, patch)
            .await
            .refused(400, "invalid_request");
    }
    let rename = json!([{"op": "replace", "path": "/name", "value": "t"}]);
    let patched = setup.patch(&id, rename).await.ok(200);
    assert_eq!(
        (&patched["name"], &patched["role"]),
        (&json!("t"), &json!("writer"))
    );
    assert_eq!(patched["serviceToken"], true);
    // A service token does not need its maker.
    assert!(setup.twin.remove_member(&text(&patched["memberId"])));
    assert!(setup.alive(&secret).await && !setup.alive(&setup.twin.credential()).await);
    assert!(
        setup.get_as(&secret, "/tokens").await.ok(200)["items"][0]
            .get("_member")
            .is_none()
    );
}

#[tokio::test]
async fn everyone_sees_what_is_theirs_and_administrators_all() {
    let setup = Setup::new().await;
    let twin = &setup.twin;
    let reader = twin.member_credential("reader");
    let second_admin = twin.member_credential("admin");
    twin.seed(Seed::new("service").role("writer").service());
    let service = twin.seed(Seed::new("admin service").role("admin").service());
    let own = "twin administrator";
    let all = [
        own,
        "reader of the twin",
        "admin of the twin",
        "service",
        "admin service",
    ];
    let admin = twin.credential();
    assert_eq!(
        setup.names(&admin, "/tokens").await,
        [own, "service", "admin service"]
    );
    assert_eq!(setup.names(&admin, "/tokens?showAll=true").await, all);
    assert_eq!(
        setup.names(&second_admin, "/tokens?showAll=true").await,
        all
    );
    let seen = ["reader of the twin", "service", "admin service"];
    assert_eq!(setup.names(&reader, "/tokens").await, seen);
    assert_eq!(setup.names(&reader, "/tokens?showAll=true").await, seen);
    assert_eq!(
        setup.names(&service.secret, "/tokens").await,
        ["service", "admin service"]
    );
    assert_eq!(
        setup.names(&service.secret, "/tokens?showAll=true").await,
        all
    );
    setup
        .get("/tokens?showAll=perhaps")
        .await
        .refused(400, "invalid_request");

    let foreign = format!("/tokens/{}", twin.credential_id());
    setup
        .get_as(&reader, &foreign)
        .await
        .refused(404, "not_found");
    setup.get_as(&second_admin, &foreign).await.ok(200);
    setup
        .get_as(&reader, &format!("/tokens/{}", service.id))
        .await
        .ok(200);
}

#[tokio::test]
async fn only_administrators_change_tokens() {
    let setup = Setup::new().await;
    let twin = &setup.twin;
    let custom = twin
        .seed(Seed::new("custom").custom_roles(["everything"]))
        .secret;
    let member = twin.add_member("admin");
    let demoted = twin.seed(Seed::new("demoted").role("admin").member(&member));
    assert!(
        setup
            .call_as(&demoted.secret, "POST", "/tokens", reader("a"))
            .await
            .0
            == 201
    );
    // A personal token can no more than its member.
    assert!(twin.set_member_role(&member, "reader") && !twin.set_member_role("nobody", "reader"));
    let id = twin.credential_id();
    let count = twin.tokens().len();
    for secret in [
        &twin.member_credential("reader"),
        &twin.member_credential("writer"),
        &custom,
        &demoted.secret,
    ] {
        for (method, path, body) in [
            ("POST", "/tokens".to_owned(), reader("a")),
            ("PATCH", format!("/tokens/{id}"), json!([])),
            ("POST", format!("/tokens/{id}/reset"), Value::Null),
            ("DELETE", format!("/tokens/{id}"), Value::Null),
        ] {
            let answer = setup.call_as(secret, method, &path, body).await;
            answer.refused(403, "forbidden");
        }
        setup.get_as(secret, "/tokens").await.ok(200);
    }
    assert_eq!(twin.tokens().len(), count + 2);
    assert!(twin.remove_member(&member));
    assert!(!setup.alive(&demoted.secret).await);
}

#[tokio::test]
async fn lists_come_in_pages_with_links() {
    let setup = Setup::new().await;
    for number in 1..60 {
        setup.twin.seed(Seed::new(format!("t{number}")));
    }
    let page = setup.get("/tokens").await.ok(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 25);
    assert_eq!(page["totalCount"], 60);
    let href = |page: &Value, name: &str| page["_links"].get(name).map(|link| text(&link["href"]));
    assert_eq!(
        href(&page, "self").unwrap(),
        "/api/v2/tokens?limit=25&offset=0"
    );
    assert_eq!((href(&page, "first"), href(&page, "prev")), (None, None));
    let mut names = setup.names(&setup.twin.credential(), "/tokens").await;
    let mut last = page;
    while let Some(next) = href(&last, "next") {
        last = setup
            .get(next.strip_prefix("/api/v2").unwrap())
            .await
            .ok(200);
        let items = last["items"].as_array().unwrap();
        names.extend(items.iter().map(|item| text(&item["name"])));
    }
    assert_eq!(names.len(), 60);
    assert_eq!(names[59], "t59");
    assert_eq!(
        href(&last, "prev").unwrap(),
        "/api/v2/tokens?limit=25&offset=25"
    );
    assert_eq!(href(&last, "last"), None);

    let middle = setup
        .get("/tokens?limit=7&offset=3&showAll=true")
        .await
        .ok(200);
    for (name, offset) in [
        ("self", 3),
        ("first", 0),
        ("prev", 0),
        ("next", 10),
        ("last", 59),
    ] {
        let expected = format!("/api/v2/tokens?limit=7&offset={offset}&showAll=true");
        assert_eq!(href(&middle, name).unwrap(), expected);
    }
    let beyond = setup.get("/tokens?offset=99").await.ok(200);
    assert_eq!(
        (&beyond["items"], &beyond["totalCount"]),
        (&json!([]), &json!(60))
    );
    for bad in ["limit=0", "limit=-1", "limit=x", "offset=-1", "offset=1.5"] {
        let answer = setup.get(&format!("/tokens?{bad}")).await;
        answer.refused(400, "invalid_request");
    }
}

#[tokio::test]
async fn old_api_versions_have_no_pages() {
    let setup = Setup::new().await;
    for number in 1..40 {
        setup.twin.seed(Seed::new(format!("t{number}")));
    }
    let old = Seed::new("old").role("admin").api_version(20_191_212);
    let old = setup.twin.seed(old).secret;
    let list = setup.get_as(&old, "/tokens?limit=2").await.ok(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 41);
    assert!(list["_links"].get("next").is_none());
    for (secret, version, items) in [
        (&old, "20240415", 25),
        (&setup.twin.credential(), "20191212", 41),
        (&setup.twin.credential(), "beta", 25),
    ] {
        let request = setup
            .request("GET", "/tokens")
            .header("authorization", secret.expose_secret())
            .header("LD-API-Version", version);
        let list = setup.send(request).await.ok(200);
        assert_eq!(list["items"].as_array().unwrap().len(), items, "{version}");
    }
}

#[tokio::test]
async fn what_lists_leave_open_can_be_chosen() {
    let builder = LaunchDarkly::builder()
        .page_links(false)
        .total_count(TotalCount::Page)
        .max_limit(3)
        .lists_expired(false);
    let setup = Setup::with(builder).await;
    for number in 0..5 {
        setup.twin.seed(Seed::new(format!("t{number}")));
    }
    let page = setup.get("/tokens?limit=50").await.ok(200);
    assert_eq!(page["totalCount"], 3);
    assert_eq!(page["_links"].as_object().unwrap().len(), 1);
    let ended = setup
        .twin
        .seed(Seed::new("ended").expiry(setup.clock.now()));
    setup
        .get(&format!("/tokens/{}", ended.id))
        .await
        .refused(404, "not_found");
    let rest = setup
        .names(&setup.twin.credential(), "/tokens?offset=3")
        .await;
    assert_eq!(rest, ["t2", "t3", "t4"]);

    let builder = LaunchDarkly::builder().total_count(TotalCount::Absent);
    let setup = Setup::with(builder).await;
    assert!(
        setup
            .get("/tokens")
            .await
            .ok(200)
            .get("totalCount")
            .is_none()
    );
}

#[tokio::test]
async fn deleted_tokens_are_gone() {
    let setup = Setup::new().await;
    let (id, secret) = setup.create(reader("a")).await;
    let path = format!("/tokens/{id}");
    let reset = format!("{path}/reset?expiry={}", setup.in_ms(DAY));
    let new = setup.call("POST", &reset, Value::Null).await.ok(200);
    let new = Secret::new(text(&new["token"]));
    let deleted = setup.call("DELETE", &path, Value::Null).await;
    assert_eq!((deleted.0, deleted.1), (204, Value::Null));
    assert!(!setup.alive(&secret).await && !setup.alive(&new).await);
    setup.get(&path).await.refused(404, "not_found");
    setup
        .call("DELETE", &path, Value::Null)
        .await
        .refused(404, "not_found");
    setup.patch(&id, json!([])).await.refused(404, "not_found");
    setup
        .call("POST", &reset, Value::Null)
        .await
        .refused(404, "not_found");

    // One's own as well.
    let own = format!("/tokens/{}", setup.twin.credential_id());
    setup.call("DELETE", &own, Value::Null).await.ok(204);
    setup.get(&own).await.refused(401, "unauthorized");
}

#[tokio::test]
async fn credentials_are_the_bare_secret() {
    let setup = Setup::new().await;
    let bearer = format!("Bearer {}", setup.twin.credential().expose_secret());
    for value in [
        bearer.as_str(),
        "api-00000000-1111-4222-8333-444444444444",
        "",
    ] {
        setup
            .get_as(&value.into(), "/tokens")
            .await
            .refused(401, "unauthorized");
    }
    let bare = setup.send(setup.request("GET", "/tokens")).await;
    bare.refused(401, "unauthorized");

    let setup = Setup::with(LaunchDarkly::builder().empty_401(true)).await;
    let bare = setup.send(setup.request("GET", "/tokens")).await;
    assert_eq!((bare.0, &bare.1), (401, &Value::Null));
    assert_eq!(bare.header("content-type"), None);
}

#[tokio::test]
async fn use_is_dated() {
    let setup = Setup::new().await;
    let seed = Seed::new("a").age(30 * DAY).last_used(9 * DAY);
    let token = setup.twin.seed(seed);
    let path = format!("/tokens/{}", token.id);
    let now = setup.clock.now();
    let read = setup.get(&path).await.ok(200);
    assert_eq!(read["lastUsed"], json!(ms(now - 9 * DAY)));
    assert_eq!(read["creationDate"], json!(ms(now - 30 * DAY)));
    setup.clock.advance(DAY);
    // Asking the twin is no use of the token.
    assert!(setup.twin.authenticates(&token.secret));
    assert_eq!(setup.get(&path).await.ok(200), read);
    setup
        .get_as(&token.secret, "/caller-identity")
        .await
        .ok(200);
    let read = setup.get(&path).await.ok(200);
    assert_eq!(read["lastUsed"], json!(ms(now + DAY)));
    assert_eq!(read["lastModified"], json!(ms(now - 30 * DAY)));
}

#[tokio::test]
async fn the_caller_is_told_who_it_is() {
    let setup = Setup::new().await;
    let token = setup.twin.seed(Seed::new("me").service());
    let identity = setup
        .get_as(&token.secret, "/caller-identity")
        .await
        .ok(200);
    assert_eq!(identity["tokenId"], json!(token.id));
    assert_eq!(identity["tokenName"], "me");
    assert_eq!(identity["serviceToken"], true);
    assert_eq!(identity["memberId"], json!(token.member_id));
}

#[tokio::test]
async fn requests_that_make_no_sense_are_refused() {
    let setup = Setup::new().await;
    let secret = setup.twin.credential();
    let id = setup.twin.credential_id().to_owned();
    let raw = |method: &str, path: &str, kind: Option<&str>, body: &str| {
        let request = setup
            .request(method, path)
            .header("authorization", secret.expose_secret())
            .body(body.to_owned());
        setup.send(match kind {
            Some(kind) => request.header("content-type", kind),
            None => request,
        })
    };
    let json = Some("application/json");
    let good = r#"{"role":"reader"}"#;
    raw("POST", "/tokens", json, "{")
        .await
        .refused(400, "invalid_request");
    raw("POST", "/tokens", json, "")
        .await
        .refused(400, "invalid_request");
    let (one, reset) = (format!("/tokens/{id}"), format!("/tokens/{id}/reset"));
    for kind in [
        None,
        Some("text/plain"),
        Some("application/json-patch+json"),
    ] {
        raw("POST", "/tokens", kind, good)
            .await
            .refused(400, "invalid_request");
        raw("PATCH", &one, kind, "[]")
            .await
            .refused(400, "invalid_request");
        raw("POST", &reset, kind, "")
            .await
            .refused(400, "invalid_request");
    }
    let semantic = Some("application/json; domain-model=launchdarkly.semanticpatch");
    raw("PATCH", &one, semantic, "[]")
        .await
        .refused(400, "invalid_request");
    raw(
        "POST",
        "/tokens",
        Some("Application/JSON; charset=utf-8"),
        good,
    )
    .await
    .ok(201);

    for (method, path, allowed) in [
        ("PUT", "/tokens", "GET, POST"),
        ("POST", one.as_str(), "GET, PATCH, DELETE"),
        ("GET", reset.as_str(), "POST"),
        ("POST", "/caller-identity", "GET"),
    ] {
        let answer = raw(method, path, json, "").await;
        answer.refused(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), Some(allowed));
    }
    for path in [
        "/tokens/",
        "/token",
        "/tokens/a/b",
        "/tokens//reset",
        "/tokens/%00",
    ] {
        setup.get(path).await.refused(404, "not_found");
    }
    // An id may come percent-encoded.
    let encoded: String = id.bytes().map(|byte| format!("%{byte:02X}")).collect();
    setup.get(&format!("/tokens/{encoded}")).await.ok(200);
}

#[tokio::test]
async fn switches_for_patches() {
    let builder = LaunchDarkly::builder()
        .failed_test_conflicts(true)
        .replaces_absent(true)
        .commented_patches(true);
    let setup = Setup::with(builder).await;
    let (id, _) = setup.create(reader("a")).await;
    let test = json!([{"op": "test", "path": "/name", "value": "b"}]);
    setup
        .patch(&id, test)
        .await
        .refused(409, "optimistic_locking_error");
    let replace = json!([{"op": "replace", "path": "/description", "value": "d"}]);
    let wrapped = json!({"comment": "why", "patch": replace});
    assert_eq!(setup.patch(&id, wrapped).await.ok(200)["description"], "d");
    setup
        .patch(&id, json!({"comment": "why"}))
        .await
        .refused(400, "invalid_request");
}

#[tokio::test]
async fn budgets_run_out_and_come_back_with_the_window() {
    let limit = RateLimit::new().global(4).route(3).per_token(10);
    let setup = Setup::with(LaunchDarkly::builder().rate_limit(limit)).await;
    setup.clock.advance(Duration::from_millis(2500));
    let end = setup.in_ms(Duration::from_millis(7500)).to_string();
    let first = setup.get("/tokens").await;
    for (name, value) in [
        ("x-ratelimit-global-limit", "4"),
        ("x-ratelimit-global-remaining", "3"),
        ("x-ratelimit-route-limit", "3"),
        ("x-ratelimit-route-remaining", "2"),
        ("x-ratelimit-reset", end.as_str()),
        ("x-ratelimit-auth-token-limit", "10"),
        ("x-ratelimit-auth-token-remaining", "9"),
        ("x-ratelimit-auth-token-reset", end.as_str()),
    ] {
        assert_eq!(first.header(name), Some(value), "{name}");
    }
    assert_eq!(first.header("retry-after"), None);
    setup.get("/tokens").await.ok(200);
    setup.get("/tokens").await.ok(200);
    let refused = setup.get("/tokens").await;
    refused.refused(429, "rate_limited");
    assert_eq!(refused.header("x-ratelimit-route-remaining"), Some("0"));
    assert_eq!(refused.header("x-ratelimit-global-remaining"), Some("1"));
    assert_eq!(refused.header("x-ratelimit-reset"), Some(end.as_str()));
    // Another route still has room, until the account has none.
    setup.get("/caller-identity").await.ok(200);
    let refused = setup.call("POST", "/tokens", reader("a")).await;
    refused.refused(429, "rate_limited");
    assert_eq!(setup.twin.tokens().len(), 1);
    assert_eq!(refused.header("x-ratelimit-global-remaining"), Some("0"));
    setup.clock.advance(Duration::from_millis(7499));
    setup
        .get("/caller-identity")
        .await
        .refused(429, "rate_limited");
    setup.clock.advance(Duration::from_millis(1));
    setup.get("/caller-identity").await.ok(200);
}

#[tokio::test]
async fn budgets_of_tokens_and_addresses() {
    let limit = RateLimit::new().per_token(1);
    let setup = Setup::with(LaunchDarkly::builder().rate_limit(limit)).await;
    let other = setup.twin.seed(Seed::new("other")).secret;
    setup.get("/tokens").await.ok(200);
    let refused = setup.get("/tokens").await;
    refused.refused(429, "rate_limited");
    assert_eq!(refused.header("x-ratelimit-reset"), None);
    assert!(refused.header("x-ratelimit-auth-token-reset").is_some());
    setup.get_as(&other, "/tokens").await.ok(200);

    let limit = RateLimit::new().per_ip(2).window(Duration::from_secs(60));
    let setup = Setup::with(LaunchDarkly::builder().rate_limit(limit)).await;
    setup.clock.advance(Duration::from_millis(15_100));
    setup.get("/tokens").await.ok(200);
    setup
        .get_as(&"wrong".into(), "/tokens")
        .await
        .refused(401, "unauthorized");
    let refused = setup.get("/tokens").await;
    refused.refused(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), Some("45"));
    assert_eq!(refused.header("x-ratelimit-reset"), None);
    setup.clock.advance(Duration::from_secs(45));
    setup.get("/tokens").await.ok(200);

    let limit = RateLimit::new().global(0).per_ip(1).without_hints();
    let setup = Setup::with(LaunchDarkly::builder().rate_limit(limit)).await;
    for _ in 0..2 {
        let refused = setup.get("/tokens").await;
        refused.refused(429, "rate_limited");
        let hint = |name: &http::HeaderName| name.as_str().starts_with("x-rate");
        assert!(!refused.2.keys().any(hint) && refused.header("retry-after").is_none());
    }
}
