//! LaunchDarkly on the wire: what goes out, and what is made of what comes back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use crate::support::{
    CREDENTIAL, NOW, Raw, Reply, Sent, always, assert_refused, at, bare, bodies, empty, html, json,
    lines, now, one_attempt, only, script, sent, whole,
};
use access_tokens::launchdarkly::OldSecret;
use access_tokens::launchdarkly::{
    Access, Client, Patch, PatchOp, PatchOperation, Region, Role, Statement, StatementEffect,
    Token, TokenBody, TokenBodyBuilder,
};
use access_tokens::{
    BoxFuture, CredentialError, CredentialProvider, Error, ErrorKind, Expiry, Secret, TokenId,
    UnixMillis, When,
};
use access_tokens_testing::VirtualClock;
use serde_json::{Value, json};
use wiremock::{MockServer, ResponseTemplate};

const ID: &str = "66aa10f2c4d5e60011223344";
const NEW_SECRET: &str = "api-00000000-1111-4222-8333-444444444444";
const DAY: Duration = Duration::from_secs(86_400);

fn id() -> TokenId {
    ID.parse().unwrap()
}

/// Makes one attempt and never waits.
fn client(server: &MockServer) -> Client {
    once(&server.uri())
}

fn once(uri: &str) -> Client {
    one_attempt(Client::builder(), uri)
}

/// Tries up to four times and never waits.
fn stubborn(uri: &str) -> Client {
    at(Client::builder(), uri).build().unwrap()
}

fn token() -> Value {
    json!({
        "_id": ID,
        "ownerId": "65f0c2a19d3b4e0012ab0001",
        "memberId": "65f0c2a19d3b4e0012ab0102",
        "name": "nightly export",
        "creationDate": 1_759_312_800_123_i64,
        "lastModified": 1_759_312_800_999_i64,
        "role": "reader",
        "token": "4444",
        "serviceToken": false,
        "_links": {},
        "lastUsed": 0,
        "defaultApiVersion": 20_240_415,
    })
}

fn token_with(changes: Value) -> Value {
    let mut token = token();
    let Value::Object(changes) = changes else {
        unreachable!()
    };
    token.as_object_mut().unwrap().extend(changes);
    token
}

/// When the token was made.
fn made() -> When {
    When::At(UnixMillis::new(1_759_312_800_123).to_system_time().unwrap())
}

fn new_token() -> Value {
    token_with(json!({"token": NEW_SECRET}))
}

/// The whole secret shows its last four characters where it is split off.
fn numbered(number: usize) -> Value {
    token_with(json!({"_id": format!("id-{number}")}))
}

fn page(numbers: impl IntoIterator<Item = usize>, rest: Value) -> ResponseTemplate {
    let mut page = rest;
    page["items"] = numbers.into_iter().map(numbered).collect();
    json(200, &page)
}

fn next(href: &str) -> Value {
    json!({"_links": {"next": {"href": href, "type": "application/json"}}})
}

fn draft() -> TokenBodyBuilder {
    TokenBody::builder()
        .name("nightly export")
        .role(Role::Reader)
}

/// Calls each operation once; the operations in the order in which the module lists them.
async fn each(client: &Client) -> Vec<(&'static str, Result<(), Error>)> {
    vec![
        ("getTokens", client.list().page().await.map(drop)),
        ("postToken", client.create(draft()).await.map(drop)),
        ("getToken", client.get(&id()).await.map(drop)),
        (
            "patchToken",
            client
                .patch(&id(), Patch::new().replace_name("new"))
                .await
                .map(drop),
        ),
        ("deleteToken", client.delete(&id()).await),
        (
            "resetToken",
            client.reset(&id(), OldSecret::EndsAtOnce).await.map(drop),
        ),
    ]
}

fn assert_usual_headers(request: &Sent) {
    assert_eq!(
        request.header("authorization"),
        Some(CREDENTIAL),
        "the bare secret, no scheme"
    );
    assert_eq!(request.header("ld-api-version"), Some("20240415"));
    let agent = concat!("access-tokens/", env!("CARGO_PKG_VERSION"));
    assert_eq!(request.header("user-agent"), Some(agent));
    assert_eq!(
        request.header("api-version"),
        None,
        "the generator's own header"
    );
    assert_eq!(request.header("referer"), None);
    assert_eq!(request.header("cookie"), None);
}

mod requests {
    use super::*;

    #[tokio::test]
    async fn every_operation_goes_to_its_path_with_the_usual_headers() {
        let server = script([
            json(200, &json!({"items": []})),
            json(201, &new_token()),
            json(200, &token()),
            json(200, &token()),
            empty(204),
            json(200, &new_token()),
        ])
        .await;
        for (operation, outcome) in each(&client(&server)).await {
            assert!(outcome.is_ok(), "{operation}: {outcome:?}");
        }
        let sent = sent(&server).await;
        assert_eq!(
            sent.iter().map(Sent::line).collect::<Vec<_>>(),
            [
                "GET /api/v2/tokens",
                "POST /api/v2/tokens",
                &format!("GET /api/v2/tokens/{ID}"),
                &format!("PATCH /api/v2/tokens/{ID}"),
                &format!("DELETE /api/v2/tokens/{ID}"),
                &format!("POST /api/v2/tokens/{ID}/reset"),
            ]
        );
        sent.iter().for_each(assert_usual_headers);
        for request in &sent {
            let writes = request.line().starts_with('P');
            let content_type = writes.then_some("application/json");
            let accept = if request.line().starts_with('D') {
                "*/*"
            } else {
                "application/json"
            };
            assert_eq!(request.header("accept"), Some(accept), "{}", request.line());
            assert_eq!(
                request.header("content-type"),
                content_type,
                "{}",
                request.line()
            );
        }
        for number in [0, 2, 4, 5] {
            assert_eq!(sent[number].text(), "", "{}", sent[number].line());
        }
    }

    #[tokio::test]
    async fn a_list_sends_only_the_options_that_are_set() {
        let server = always(json(200, &json!({"items": []}))).await;
        let client = client(&server);
        client.list().page().await.unwrap();
        client
            .list()
            .show_all(true)
            .limit(2)
            .offset(40)
            .page()
            .await
            .unwrap();
        client
            .list()
            .show_all(false)
            .offset(0)
            .page()
            .await
            .unwrap();
        assert_eq!(
            lines(&server).await,
            [
                "GET /api/v2/tokens",
                "GET /api/v2/tokens?limit=2&offset=40&showAll=true",
                "GET /api/v2/tokens?offset=0&showAll=false",
            ]
        );
    }

    #[tokio::test]
    async fn each_kind_of_access_has_a_body_of_its_own() {
        let server = always(json(201, &new_token())).await;
        let client = client(&server);
        let statement = Statement::allow()
            .resources(["proj/*"])
            .actions(["updateOn"]);
        let (builder, create) = (TokenBody::builder, async |draft: TokenBodyBuilder| {
            let _ = client.create(draft).await.unwrap();
        });
        create(builder().role(Role::Reader)).await;
        create(builder().role(Role::from("owner"))).await;
        create(builder().custom_roles(["on-call", "ops"]).name("n")).await;
        create(
            builder()
                .inline_policy([statement.clone()])
                .service_token(true),
        )
        .await;
        create(builder().access(Access::Role(Role::Admin)).description("d")).await;
        create(builder().role(Role::Writer).default_api_version(20_240_415)).await;
        create(builder().name("just a name")).await;
        create(TokenBody::default().into()).await;
        let deny = Statement::deny()
            .not_resources(["proj/a"])
            .not_actions(["*"]);
        create(builder().inline_policy([statement, deny])).await;
        let policy = json!({"effect": "allow", "resources": ["proj/*"], "actions": ["updateOn"]});
        let bodies: Vec<_> = sent(&server).await.iter().map(Sent::json).collect();
        assert_eq!(
            bodies,
            [
                json!({"role": "reader"}),
                json!({"role": "owner"}),
                json!({"name": "n", "customRoleIds": ["on-call", "ops"]}),
                json!({"inlineRole": [policy], "serviceToken": true}),
                json!({"role": "admin", "description": "d"}),
                json!({"role": "writer", "defaultApiVersion": 20_240_415}),
                json!({"name": "just a name"}),
                json!({}),
                json!({"inlineRole": [
                    policy,
                    {"effect": "deny", "notResources": ["proj/a"], "notActions": ["*"]},
                ]}),
            ]
        );
    }

    #[tokio::test]
    async fn an_expiry_goes_out_in_milliseconds() {
        let server = always(json(201, &new_token())).await;
        let client = client(&server);
        let builder = || TokenBody::builder().role(Role::Reader);
        let _ = client.create(builder().expires(DAY)).await.unwrap();
        let _ = client
            .create(builder().expires(now() + Duration::from_micros(1_500_999)))
            .await
            .unwrap();
        let _ = client
            .create(builder().expires(Expiry::Never))
            .await
            .unwrap();
        let sent = sent(&server).await;
        assert_eq!(sent[0].json()["expiry"], json!((NOW + 86_400) * 1_000));
        // Rounded up: cut off, a short time could be over.
        assert_eq!(sent[1].json()["expiry"], json!(NOW * 1_000 + 1_501));
        assert_eq!(sent[2].json(), json!({"role": "reader"}));
    }

    #[tokio::test]
    async fn a_duration_counts_from_the_call_and_not_from_the_builder() {
        let server = always(json(201, &new_token())).await;
        let request = client(&server).create(TokenBody::builder().expires(DAY));
        let sleeper = VirtualClock::new();
        let later = Client::builder()
            .base_url(server.uri())
            .credential(CREDENTIAL);
        let later = later.clock(sleeper.clone()).build().unwrap();
        let waiting = later.create(TokenBody::builder().expires(DAY));
        access_tokens::Clock::sleep(&sleeper, DAY).await;
        let _ = request.await.unwrap();
        let _ = waiting.await.unwrap();
        let sent = sent(&server).await;
        assert_eq!(sent[0].json()["expiry"], json!((NOW + 86_400) * 1_000));
        assert_eq!(sent[1].json()["expiry"], json!((NOW + 2 * 86_400) * 1_000));
    }

    #[tokio::test]
    async fn a_reset_sends_the_end_of_the_old_secret_in_the_query_and_no_body() {
        let server = always(json(200, &new_token())).await;
        let client = client(&server);
        let _ = client.reset(&id(), OldSecret::EndsAtOnce).await.unwrap();
        let _ = client.reset(&id(), DAY).await.unwrap();
        let _ = client
            .reset(&id(), now() + Duration::from_millis(1_001))
            .await
            .unwrap();
        let sent = sent(&server).await;
        let path = format!("POST /api/v2/tokens/{ID}/reset");
        assert_eq!(
            sent.iter().map(Sent::line).collect::<Vec<_>>(),
            [
                path.clone(),
                format!("{path}?expiry={}", (NOW + 86_400) * 1_000),
                format!("{path}?expiry={}", NOW * 1_000 + 1_001),
            ]
        );
        for request in sent {
            assert_eq!(request.text(), "");
            assert_eq!(request.header("content-type"), Some("application/json"));
        }
    }

    #[tokio::test]
    async fn a_patch_is_a_bare_array_that_keeps_null_apart_from_absent() {
        let server = always(json(200, &token())).await;
        let client = client(&server);
        let patch = Patch::new()
            .test_name("old")
            .replace_name("new")
            .replace_description("d")
            .test("/description", Value::Null)
            .add("/customRoleIds/-", "ops")
            .remove("/role")
            .replace_access(Access::InlinePolicy(vec![Statement::deny().actions(["*"])]))
            .expire_at(now() + DAY)
            .operation(PatchOperation::new("move", "/a", Some(Value::Null)))
            .operation(PatchOperation::new(PatchOp::Test, "", None));
        client.patch(&id(), patch).await.unwrap();
        let request = only(&server).await;
        assert_eq!(
            request.json(),
            json!([
                {"op": "test", "path": "/name", "value": "old"},
                {"op": "add", "path": "/name", "value": "new"},
                {"op": "add", "path": "/description", "value": "d"},
                {"op": "test", "path": "/description", "value": null},
                {"op": "add", "path": "/customRoleIds/-", "value": "ops"},
                {"op": "remove", "path": "/role"},
                {"op": "replace", "path": "/inlineRole",
                 "value": [{"effect": "deny", "actions": ["*"]}]},
                {"op": "add", "path": "/expiry", "value": (NOW + 86_400) * 1_000},
                {"op": "move", "path": "/a", "value": null},
                {"op": "test", "path": ""},
            ])
        );
        assert!(request.text().contains(r#""value":null"#));
    }

    #[tokio::test]
    async fn access_is_replaced_under_the_member_of_its_kind() {
        let server = always(json(200, &token())).await;
        let client = client(&server);
        let roles = Access::CustomRoles(vec!["a".into(), "b".into()]);
        client
            .patch(&id(), Patch::new().replace_access(Role::Writer))
            .await
            .unwrap();
        client
            .patch(&id(), Patch::new().replace_access(roles))
            .await
            .unwrap();
        let steps = vec![PatchOperation::new("replace", "/name", Some(json!("x")))];
        client.patch(&id(), steps).await.unwrap();
        let bodies: Vec<_> = sent(&server).await.iter().map(Sent::json).collect();
        assert_eq!(
            bodies,
            [
                json!([{"op": "replace", "path": "/role", "value": "writer"}]),
                json!([{"op": "replace", "path": "/customRoleIds", "value": ["a", "b"]}]),
                json!([{"op": "replace", "path": "/name", "value": "x"}]),
            ]
        );
    }

    #[tokio::test]
    async fn a_client_can_ask_for_another_version_and_name_its_program() {
        let server = always(empty(204)).await;
        let builder = Client::builder()
            .base_url(server.uri())
            .credential(CREDENTIAL);
        let client = builder
            .api_version("beta")
            .user_agent("myapp/1.2")
            .build()
            .unwrap();
        client.delete(&id()).await.unwrap();
        let request = only(&server).await;
        assert_eq!(request.header("ld-api-version"), Some("beta"));
        let agent = concat!("myapp/1.2 access-tokens/", env!("CARGO_PKG_VERSION"));
        assert_eq!(request.header("user-agent"), Some(agent));
    }

    #[tokio::test]
    async fn a_path_prefix_of_the_base_url_is_kept() {
        let server = always(empty(204)).await;
        let client = once(&format!("{}/proxy/ld///", server.uri()));
        client.delete(&id()).await.unwrap();
        assert_eq!(
            lines(&server).await,
            [format!("DELETE /proxy/ld/api/v2/tokens/{ID}")]
        );
        assert_eq!(client.base_url(), format!("{}/proxy/ld", server.uri()));
    }

    #[tokio::test]
    async fn a_replaced_credential_is_used_by_all_clones() {
        let server = always(empty(204)).await;
        let client = client(&server);
        client.clone().replace_credential("the-next-one").unwrap();
        client.delete(&id()).await.unwrap();
        assert_eq!(
            only(&server).await.header("authorization"),
            Some("the-next-one")
        );
        let error = client.replace_credential("two\nlines").unwrap_err();
        assert_eq!(
            (error.kind(), error.field()),
            (ErrorKind::Config, Some("credential"))
        );
    }

    #[derive(Default)]
    struct Renewing(AtomicBool);

    impl CredentialProvider for Renewing {
        fn credential(&self) -> BoxFuture<'_, Result<Secret, CredentialError>> {
            let renewed = self.0.load(Ordering::SeqCst);
            let secret = Secret::new(if renewed { "second" } else { "first" });
            Box::pin(async move { Ok(secret) })
        }

        fn renew<'a>(&'a self, rejected: &'a Secret) -> BoxFuture<'a, bool> {
            self.0.store(true, Ordering::SeqCst);
            Box::pin(async move { rejected.expose_secret() == "first" })
        }
    }

    #[tokio::test]
    async fn a_provider_renews_a_rejected_credential_once() {
        let builder = || Client::builder().credential_provider(Renewing::default());
        let server = script([empty(401), json(201, &new_token())]).await;
        let client = builder().base_url(server.uri()).build().unwrap();
        let _ = client.create(draft()).await.unwrap();
        let sent = sent(&server).await;
        let credentials: Vec<_> = sent.iter().map(|one| one.header("authorization")).collect();
        assert_eq!(credentials, [Some("first"), Some("second")]);

        let refusing = always(empty(401)).await;
        let client = builder().base_url(refusing.uri()).build().unwrap();
        let error = client.create(draft()).await.unwrap_err();
        assert!(
            error.is_unauthenticated() && error.attempts() == 2,
            "{error}"
        );
        assert_eq!(lines(&refusing).await.len(), 2);
    }

    #[cfg(not(any(
        feature = "rustls",
        feature = "rustls-no-provider",
        feature = "native-tls"
    )))]
    #[tokio::test]
    async fn https_without_tls_names_the_features() {
        let client = Client::builder()
            .credential("x")
            .base_url("https://127.0.0.1:9");
        let error = client.build().unwrap().create(draft()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Tls, "{error}");
        assert!(error.hint().unwrap().contains("`native-tls`"), "{error}");
        assert!(
            !error.may_have_been_sent() && error.attempts() == 1,
            "{error}"
        );
    }

    #[test]
    fn the_regions_are_the_documented_hosts() {
        for (region, host) in [
            (Region::Us, "https://app.launchdarkly.com"),
            (Region::Eu, "https://app.eu.launchdarkly.com"),
            (Region::Federal, "https://app.launchdarkly.us"),
        ] {
            let client = Client::builder()
                .region(region)
                .credential("x")
                .build()
                .unwrap();
            assert_eq!(client.base_url(), host);
        }
        let client = Client::builder().credential("x").build().unwrap();
        assert_eq!(client.base_url(), Region::Us.base_url());
    }
}

mod refused_before_sending {
    use super::*;

    #[tokio::test]
    async fn input_that_breaks_a_rule_names_its_field_and_sends_nothing() {
        let server = always(json(200, &new_token())).await;
        let client = client(&server);
        let past = now() - Duration::from_millis(1);
        let builder = TokenBody::builder;
        let error = client.create(builder().name("")).await.unwrap_err();
        assert_refused(&error, "name");
        assert_eq!(error.operation(), Some("postToken"));
        assert_refused(
            &client.create(builder().name(" \t")).await.unwrap_err(),
            "name",
        );
        for expiry in [
            Expiry::At(past),
            Expiry::At(now()),
            Expiry::In(Duration::ZERO),
        ] {
            let error = client.create(builder().expires(expiry)).await.unwrap_err();
            assert_refused(&error, "expiry");
        }
        let error = client
            .create(builder().expires(Duration::MAX))
            .await
            .unwrap_err();
        assert_refused(&error, "expiry");
        let error = client.patch(&id(), Patch::new()).await.unwrap_err();
        assert_refused(&error, "patch");
        let error = client
            .patch(&id(), Patch::new().replace("name", "x"))
            .await
            .unwrap_err();
        assert_refused(&error, "path");
        let error = client
            .patch(&id(), Patch::new().expire_at(past))
            .await
            .unwrap_err();
        assert_refused(&error, "expiry");
        let error = client
            .patch(&id(), Patch::new().expire_at(SystemTime::UNIX_EPOCH))
            .await;
        assert_refused(&error.unwrap_err(), "expiry");
        let error = client.reset(&id(), past).await.unwrap_err();
        assert_refused(&error, "old_secret");
        let error = client.reset(&id(), Duration::ZERO).await.unwrap_err();
        assert_refused(&error, "old_secret");
        assert_refused(&client.list().limit(0).page().await.unwrap_err(), "limit");
        assert_refused(
            &client.list().offset(u64::MAX).page().await.unwrap_err(),
            "offset",
        );
        assert_refused(&client.list().limit(0).all().await.unwrap_err(), "limit");
        assert_eq!(lines(&server).await, [""; 0]);
    }

    #[test]
    fn a_version_that_is_no_header_is_refused() {
        for version in ["", "2024 0415", "2024\n0415", "ü"] {
            let builder = Client::builder()
                .base_url("http://localhost")
                .credential("x");
            let builder = builder.api_version(version);
            let error = builder.build().unwrap_err();
            assert_eq!(
                (error.kind(), error.field()),
                (ErrorKind::Config, Some("api_version"))
            );
        }
    }
}

mod answers {
    use super::*;

    #[tokio::test]
    async fn a_created_token_comes_with_its_secret_and_keeps_the_tail() {
        let server = always(json(201, &new_token())).await;
        let new = client(&server).create(draft()).await.unwrap();
        assert_eq!(new.secret().expose_secret(), NEW_SECRET);
        assert_eq!(new.token().id.as_str(), ID);
        assert_eq!(new.token().name.as_deref(), Some("nightly export"));
        assert_eq!(new.token().secret_tail(), Some("4444"));
        let (token, secret) = new.into_parts();
        assert_eq!(token.last_used(), When::Never);
        assert_eq!(secret, Secret::new(NEW_SECRET));
    }

    #[tokio::test]
    async fn a_reset_token_comes_with_its_new_secret() {
        let server = always(json(200, &new_token())).await;
        let new = client(&server)
            .reset(&id(), OldSecret::EndsAtOnce)
            .await
            .unwrap();
        assert_eq!(new.secret().expose_secret(), NEW_SECRET);
        assert_eq!(new.token().secret_tail(), Some("4444"));
    }

    #[tokio::test]
    async fn what_a_create_answers_is_the_secret_however_short() {
        // In the service's own document the example of a new token has this one.
        for short in ["1234", "x"] {
            let server = always(json(201, &token_with(json!({"token": short})))).await;
            let client = client(&server);
            let reset = client.reset(&id(), OldSecret::EndsAtOnce);
            for new in [client.create(draft()).await.unwrap(), reset.await.unwrap()] {
                assert_eq!(new.secret().expose_secret(), short);
                assert_eq!(new.token().secret_tail(), None);
            }
        }
    }

    #[tokio::test]
    async fn an_answer_without_a_secret_is_no_success_and_names_the_token() {
        for rest in [json!({"token": null}), json!({"token": ""})] {
            let server = always(json(201, &token_with(rest))).await;
            let client = client(&server);
            for error in [
                client.create(draft()).await.unwrap_err(),
                client
                    .reset(&id(), OldSecret::EndsAtOnce)
                    .await
                    .unwrap_err(),
            ] {
                assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
                assert!(error.may_have_been_sent(), "{error}");
                assert!(error.to_string().contains(ID), "{error}");
            }
        }
    }

    #[tokio::test]
    async fn the_tail_is_told_only_where_it_is_one() {
        for (shown, tail) in [
            (json!("4444"), Some("4444")),
            (json!("9f"), Some("9f")),
            (json!(null), None),
            (json!(NEW_SECRET), None),
        ] {
            let server = always(json(200, &token_with(json!({"token": shown})))).await;
            let token = client(&server).get(&id()).await.unwrap();
            assert_eq!(token.secret_tail(), tail);
        }
        // Of a short secret, four characters would be most of it.
        let server = always(json(201, &token_with(json!({"token": "short-one"})))).await;
        let new = client(&server).create(draft()).await.unwrap();
        assert_eq!(new.secret().expose_secret(), "short-one");
        assert_eq!(new.token().secret_tail(), None);
    }

    #[tokio::test]
    async fn a_token_is_read_in_full() {
        let answer = token_with(json!({
            "description": "d", "expiry": (NOW + 1) * 1_000, "lastUsed": NOW * 1_000,
            "defaultApiVersion": 20_240_415, "serviceToken": true,
            "_member": {"_links": {}, "_id": "m", "role": "owner", "email": "robin@example.com"},
            "_links": {"self": {"href": "/api/v2/tokens/x", "type": "application/json"}},
        }));
        let server = always(json(200, &answer)).await;
        let token = client(&server).get(&id()).await.unwrap();
        let created = UnixMillis::new(1_759_312_800_123);
        assert_eq!(token.creation_date, Some(created));
        assert_eq!(token.created(), When::At(created.to_system_time().unwrap()));
        assert_eq!(
            token.last_modified,
            Some(UnixMillis::new(1_759_312_800_999))
        );
        assert_eq!(token.last_used(), When::At(now()));
        assert_eq!(token.expires(), When::At(now() + Duration::from_secs(1)));
        assert_eq!(token.access(), Some(Access::Role(Role::Reader)));
        assert_eq!(token.service_token, Some(true));
        assert_eq!(token.default_api_version, Some(20_240_415));
        let member = token.member.unwrap();
        assert_eq!(member.id.as_deref(), Some("m"));
        assert_eq!(member.role, Some(Role::from("owner")));
        assert_eq!(
            token.links.get("self").unwrap().href.as_deref(),
            Some("/api/v2/tokens/x")
        );
    }

    #[tokio::test]
    async fn only_the_required_members_are_required() {
        let least = json!({"_id": ID, "ownerId": "o", "memberId": "m", "creationDate": 1,
                           "lastModified": 2, "_links": {}});
        let mut nulls = least.clone();
        for member in [
            "_member",
            "name",
            "description",
            "customRoleIds",
            "inlineRole",
            "role",
            "token",
            "serviceToken",
            "defaultApiVersion",
            "lastUsed",
            "expiry",
        ] {
            nulls[member] = Value::Null;
        }
        let mut unknown = least.clone();
        unknown["_access"] = json!({"denied": [1, {"deep": null}]});
        unknown["newField"] = json!("x");
        for answer in [&least, &nulls, &unknown] {
            let server = always(json(200, answer)).await;
            let token = client(&server).get(&id()).await.unwrap();
            assert_eq!(
                (token.last_used(), token.expires()),
                (When::NotReported, When::NotReported)
            );
            assert_eq!(
                (token.access(), token.secret_tail(), token.name.as_ref()),
                (None, None, None)
            );
            assert!(token.custom_role_ids.is_empty() && token.inline_role.is_empty());
        }
        // Without its id a token is none; the rest may be missing, null, or not to be read.
        for member in [
            "ownerId",
            "memberId",
            "creationDate",
            "lastModified",
            "_links",
        ] {
            let mut answer = least.clone();
            answer.as_object_mut().unwrap().remove(member);
            let (mut null, mut odd) = (answer.clone(), answer.clone());
            null[member] = Value::Null;
            odd[member] = json!([{"a": [1, null]}, "b"]);
            for answer in [answer, null, odd] {
                let server = always(json(200, &answer)).await;
                let token = client(&server).get(&id()).await;
                assert!(token.is_ok(), "{member}: {answer}");
            }
        }
        for id_of in [None, Some(Value::Null), Some(json!(5)), Some(json!({}))] {
            let mut answer = least.clone();
            answer.as_object_mut().unwrap().remove("_id");
            if let Some(value) = id_of {
                answer["_id"] = value;
            }
            let server = always(json(200, &answer)).await;
            let error = client(&server).get(&id()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode, "{answer}");
        }
    }

    #[tokio::test]
    async fn what_is_for_information_only_is_read_or_not_there() {
        let soon = |member: &str| token_with(json!({member: "soon"}));
        for (answer, created) in [
            (soon("creationDate"), When::NotReported),
            (token_with(json!({"creationDate": 0})), When::NotReported),
            (token_with(json!({"creationDate": -5})), When::NotReported),
            (
                token_with(json!({"creationDate": i64::MAX})),
                When::NotReported,
            ),
            (token_with(json!({"_member": "robin"})), made()),
            (token_with(json!({"_member": {"email": 5}})), made()),
            (token_with(json!({"_member": {"_id": {"x": [1]}}})), made()),
            (token_with(json!({"_member": {"role": null}})), made()),
            (token_with(json!({"lastUsed": {"at": 5}})), made()),
        ] {
            let server = always(json(200, &answer)).await;
            let token = client(&server).get(&id()).await.unwrap();
            assert_eq!(token.created(), created, "{answer}");
            assert_eq!(token.id, id());
        }
        let member = json!({"_member": {"_id": "m", "email": "robin@example.com", "role": 7}});
        let server = always(json(200, &token_with(member))).await;
        let member = client(&server).get(&id()).await.unwrap().member.unwrap();
        assert_eq!(member.email.as_deref(), Some("robin@example.com"));
        assert_eq!(member.role, None);
    }

    #[tokio::test]
    async fn unknown_values_of_enums_are_kept() {
        let answer = token_with(json!({
            "role": "owner", "_member": {"_links": {}, "_id": "m", "role": "no_access", "email": ""},
            "inlineRole": [{"effect": "audit", "resources": null, "newField": 1}],
        }));
        let server = always(json(200, &json!({"items": [answer]}))).await;
        let page = client(&server).list().page().await.unwrap();
        let token = &page.items[0];
        assert_eq!(token.role, Some(Role::Other("owner".into())));
        let member = token.member.as_ref().unwrap();
        assert_eq!(member.role, Some(Role::from("no_access")));
        assert_eq!(
            token.inline_role[0].effect,
            StatementEffect::Other("audit".into())
        );
        assert!(matches!(token.access(), Some(Access::InlinePolicy(policy)) if policy.len() == 1));
    }

    #[tokio::test]
    async fn the_kind_of_access_is_policy_before_roles_before_role() {
        let policy = json!([{"effect": "allow"}]);
        for (rest, custom) in [
            (json!({"customRoleIds": ["a"]}), true),
            (json!({"customRoleIds": ["a"], "inlineRole": policy}), false),
        ] {
            let server = always(json(200, &token_with(rest))).await;
            let access = client(&server).get(&id()).await.unwrap().access().unwrap();
            assert_eq!(
                matches!(access, Access::CustomRoles(_)),
                custom,
                "{access:?}"
            );
            assert_eq!(
                matches!(access, Access::InlinePolicy(_)),
                !custom,
                "{access:?}"
            );
        }
    }

    #[tokio::test]
    async fn times_are_read_as_numbers_and_as_numeric_strings() {
        let answer = token_with(json!({"creationDate": "1628001602644", "lastUsed": "0"}));
        let server = always(json(200, &answer)).await;
        let token = client(&server).get(&id()).await.unwrap();
        assert_eq!(
            token.creation_date,
            Some(UnixMillis::new(1_628_001_602_644))
        );
        assert_eq!(token.last_used(), When::Never);
    }

    #[tokio::test]
    async fn json_is_read_whatever_the_content_type_says() {
        let body = token().to_string();
        for answer in [
            bare(200, &body),
            ResponseTemplate::new(200).set_body_raw(body.clone(), "text/plain"),
            ResponseTemplate::new(200).set_body_raw(body.clone(), "application/vnd.api+json"),
            bare(200, &format!("\n {body}\n")),
        ] {
            let server = always(answer).await;
            assert_eq!(client(&server).get(&id()).await.unwrap().id.as_str(), ID);
        }
    }

    #[tokio::test]
    async fn any_2xx_is_taken_for_the_documented_success() {
        for status in [200, 201, 202, 203] {
            let server = always(json(status, &new_token())).await;
            let client = client(&server);
            assert!(client.create(draft()).await.is_ok(), "create {status}");
            assert!(client.get(&id()).await.is_ok(), "get {status}");
            assert!(
                client.reset(&id(), OldSecret::EndsAtOnce).await.is_ok(),
                "reset {status}"
            );
            assert!(
                client.delete(&id()).await.is_ok(),
                "delete with a body, {status}"
            );
            let (_, info) = client.get(&id()).with_info().await.unwrap();
            assert_eq!(info.status.as_u16(), status, "told as it came");
        }
        for status in [200, 202, 204] {
            let server = always(empty(status)).await;
            client(&server).delete(&id()).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_success_that_cannot_be_read_is_told_with_its_status_and_not_its_words() {
        for (answer, words) in [
            (empty(200), "empty"),
            (empty(204), "empty"),
            (bare(200, " \n"), "empty"),
            (bare(200, r#"{"_id": "66aa""#), "not JSON"),
            (bare(200, "null"), "not of the documented type"),
            (json(200, &token_with(json!({"expiry": "soon"}))), "expiry"),
            (
                json(200, &token_with(json!({"inlineRole": [{}]}))),
                "inlineRole[0]",
            ),
            (
                bare(200, &format!("{} x", token())),
                "goes on after its end",
            ),
        ] {
            let server = always(answer).await;
            let client = client(&server);
            let error = client.get(&id()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
            assert!(error.status().unwrap().is_success(), "{error}");
            assert!(error.to_string().contains(words), "{words}: {error}");
            assert!(!error.to_string().contains("soon"), "{error}");
            // The token exists, though nobody could read its secret; what is odd beside one is left
            // out.
            match client.create(draft()).await {
                Ok(new) => assert_eq!(new.token().id, id(), "{words}"),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
                    assert!(error.may_have_been_sent(), "{error}");
                    let whole = ["expiry", "inlineRole[0]", "goes on after its end"];
                    assert!(!whole.contains(&words), "{error}");
                }
            }
        }
    }

    #[tokio::test]
    async fn one_bad_item_of_a_list_is_named_and_hides_no_other() {
        let mut items: Vec<_> = (0..1_000).map(numbered).collect();
        items[617]["inlineRole"] = json!([{"effect": ["secret words"]}]);
        items[618]["_id"] = Value::Null;
        items[619] = json!("secret words");
        let server = always(json(200, &json!({"items": items}))).await;
        let page = client(&server).list().page().await.unwrap();
        assert_eq!(page.items.len(), 997);
        let odd = page.items.unreadable();
        assert_eq!(
            odd.iter().map(|item| item.index).collect::<Vec<_>>(),
            [617, 618, 619]
        );
        assert_eq!(odd[0].id.as_deref(), Some("id-617"));
        assert_eq!((&odd[1].id, &odd[2].id), (&None, &None));
        for (item, words) in odd
            .iter()
            .zip(["inlineRole[0].effect", "_id", "documented type"])
        {
            assert!(item.to_string().contains(words), "{item}");
            assert!(!item.to_string().contains("secret words"), "{item}");
        }

        // A stream goes on after each of them.
        let mut stream = client(&server).list().stream();
        let (mut tokens, mut errors) = (0, Vec::new());
        loop {
            match stream.try_next().await {
                Ok(Some(_)) => tokens += 1,
                Ok(None) => break,
                Err(error) => errors.push(error),
            }
        }
        assert_eq!(tokens, 997);
        let named: Vec<_> = errors
            .iter()
            .map(|error| error.item().unwrap().index)
            .collect();
        assert_eq!(named, [617, 618, 619]);
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::UnreadableItem, "{error}");
            assert_eq!(error.operation(), Some("getTokens"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_list_of_which_nothing_can_be_read_is_an_error() {
        let server = always(json(200, &json!({"items": [1, {}]}))).await;
        let error = client(&server).list().page().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
        assert!(error.to_string().contains("items[0]"), "{error}");
    }

    #[tokio::test]
    async fn the_limits_of_the_last_answer_are_told() {
        let reset = (NOW + 10) * 1_000;
        let answer = json(200, &token())
            .insert_header("x-ratelimit-global-limit", "100")
            .insert_header("x-ratelimit-global-remaining", "99")
            .insert_header("x-ratelimit-route-remaining", "junk")
            .insert_header("x-ratelimit-reset", reset.to_string().as_str())
            .insert_header("x-ratelimit-auth-token-limit", "7")
            .insert_header("x-request-id", "req-1");
        let server = always(answer).await;
        let client = client(&server);
        assert_eq!(client.rate_limits(), None);
        let (_, info) = client.get(&id()).with_info().await.unwrap();
        let limits = info.rate_limits;
        assert_eq!(
            (limits.global.limit, limits.global.remaining),
            (Some(100), Some(99))
        );
        assert_eq!(limits.global.reset, Some(now() + Duration::from_secs(10)));
        assert_eq!(limits.route.remaining, None);
        assert_eq!(
            (limits.auth_token.limit, limits.auth_token.reset),
            (Some(7), None)
        );
        assert_eq!(info.request_id.as_deref(), Some("req-1"));
        assert_eq!(info.attempts, 1);
        assert_eq!(client.clone().rate_limits(), Some(limits));
    }
}

mod errors {
    use super::*;
    use ErrorKind::{
        Conflict, EndpointMissing, InvalidRequest, NotFound, PermissionDenied, RateLimited, Server,
        Unauthenticated, UnexpectedStatus,
    };

    /// Status, what it means, and what it means where the path names a token.
    const STATUSES: [(u16, ErrorKind, ErrorKind); 12] = [
        (400, InvalidRequest, InvalidRequest),
        (401, Unauthenticated, Unauthenticated),
        (403, PermissionDenied, PermissionDenied),
        (404, EndpointMissing, NotFound),
        (405, EndpointMissing, EndpointMissing),
        (409, Conflict, Conflict),
        (418, UnexpectedStatus, UnexpectedStatus),
        (422, InvalidRequest, InvalidRequest),
        (429, RateLimited, RateLimited),
        (500, Server, Server),
        (502, Server, Server),
        (503, Server, Server),
    ];

    #[tokio::test]
    async fn every_status_of_every_operation_is_kept_whatever_the_body() {
        for (status, of_all, of_one) in STATUSES {
            for (body, answer) in bodies(status) {
                let server = always(answer).await;
                for (operation, outcome) in each(&client(&server)).await {
                    let error = outcome.unwrap_err();
                    let at = format!("{operation} {status} {body}: {error}");
                    let once = matches!(operation, "postToken" | "patchToken" | "resetToken");
                    let on_token = !matches!(operation, "getTokens" | "postToken");
                    let kind = if on_token { of_one } else { of_all };
                    if once && status >= 500 {
                        assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{at}");
                        assert_eq!(error.cause(), Some(kind), "{at}");
                    } else {
                        assert_eq!((error.kind(), error.cause()), (kind, None), "{at}");
                    }
                    assert_eq!(error.may_have_been_sent(), status >= 500, "{at}");
                    assert_eq!(error.status().unwrap().as_u16(), status, "{at}");
                    assert_eq!(error.operation(), Some(operation), "{at}");
                    assert_eq!(error.service().name(), "LaunchDarkly", "{at}");
                    assert_eq!(error.attempts(), 1, "{at}");
                    assert_eq!(error.message(), expected_message(body), "{at}");
                    assert!(at.contains(&status.to_string()), "{at}");
                    assert!(!at.contains("Sign in"), "{at}");
                }
                assert_eq!(lines(&server).await.len(), 6, "{status} {body}");
            }
        }
    }

    fn expected_message(body: &str) -> Option<&'static str> {
        match body {
            "JSON" | "text" => Some("some words"),
            _ => None,
        }
    }

    #[tokio::test]
    async fn code_message_and_request_id_are_told() {
        let body = json!({"code": "invalid_request", "message": "Name is too long", "id": "7d1c",
                          "details": ["a", 5, "b"], "new": 1});
        let server = always(json(400, &body)).await;
        let error = client(&server).create(draft()).await.unwrap_err();
        assert_eq!(error.code(), Some("invalid_request"));
        assert_eq!(error.message(), Some("Name is too long"));
        assert_eq!(error.request_id(), Some("7d1c"));
        assert_eq!(error.details(), ["a", "b"]);
        let text = error.to_string();
        for part in [
            "LaunchDarkly postToken",
            "400 invalid_request",
            "Name is too long",
            "7d1c",
        ] {
            assert!(text.contains(part), "{text}");
        }
        let server = always(empty(403).insert_header("x-request-id", "from-header")).await;
        let error = client(&server).get(&id()).await.unwrap_err();
        assert_eq!(error.request_id(), Some("from-header"));
    }

    #[tokio::test]
    async fn words_of_the_server_are_bounded_and_on_one_line() {
        let long = format!("one\ntwo \u{1b}[31m \u{202e} {}", "x".repeat(100_000));
        let server = always(json(
            400,
            &json!({"message": long, "code": long, "id": long}),
        ))
        .await;
        let error = client(&server).get(&id()).await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.len() < 10_000, "{}", text.len());
        assert!(!text.contains(['\n', '\u{1b}', '\u{202e}']), "{text}");
        assert!(error.message().unwrap().contains("one"), "{text}");
    }

    #[tokio::test]
    async fn a_patch_that_does_not_fit_is_told_from_other_refusals() {
        for (status, code, conflict) in [
            (422, "patch_failed", true),
            (409, "optimistic_locking_error", true),
            (422, "invalid_request", false),
            (400, "invalid_request", false),
        ] {
            let server = always(json(status, &json!({"code": code, "message": "m"}))).await;
            let patch = Patch::new().test_name("a").replace_name("b");
            let error = client(&server).patch(&id(), patch).await.unwrap_err();
            assert_eq!(error.is_patch_conflict(), conflict, "{error}");
        }
    }

    #[tokio::test]
    async fn a_wrong_credential_comes_with_a_hint() {
        for answer in [
            empty(401),
            html(401),
            json(401, &json!({"code": "unauthorized"})),
        ] {
            let server = always(answer).await;
            let error = client(&server).list().page().await.unwrap_err();
            assert!(error.is_unauthenticated(), "{error}");
            assert!(error.hint().unwrap().contains("region"), "{error}");
        }
    }
}

mod repeating {
    use super::*;

    fn guarded() -> Patch {
        Patch::new().test_name("old").replace_name("new")
    }

    fn unguarded() -> Patch {
        Patch::new().replace_name("new")
    }

    /// Loses the first answer by closing the connection, and then gives this one.
    async fn loses_one(status: u16, body: String) -> Raw {
        Raw::start(move |number| match number {
            0 => Reply::Close,
            _ => Reply::Bytes(whole(status, &[], &body)),
        })
        .await
    }

    #[tokio::test]
    async fn only_a_patch_with_a_test_is_repeated_after_a_lost_answer() {
        let server = loses_one(200, token().to_string()).await;
        let token = stubborn(&server.uri).patch(&id(), guarded()).await.unwrap();
        assert_eq!((token.id.as_str(), server.seen().len()), (ID, 2));
        assert_eq!(server.seen()[0], server.seen()[1], "the same request");

        let server = loses_one(200, self::token().to_string()).await;
        let error = stubborn(&server.uri)
            .patch(&id(), unguarded())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{error}");
        assert_eq!(error.cause(), Some(ErrorKind::Transport), "{error}");
        assert!(error.hint().unwrap().contains("Read the token"), "{error}");
        assert_eq!(server.seen().len(), 1);
    }

    #[tokio::test]
    async fn a_repeated_test_that_fails_leaves_the_outcome_open() {
        let body = json!({"code": "patch_failed", "message": "m"}).to_string();
        let server = loses_one(422, body).await;
        let error = stubborn(&server.uri)
            .patch(&id(), guarded())
            .await
            .unwrap_err();
        // It may fail because the first attempt, whose answer was lost, did apply.
        assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{error}");
        assert!(
            error.is_patch_conflict() && error.may_have_been_sent(),
            "{error}"
        );
        assert_eq!((error.attempts(), server.seen().len()), (2, 2));
    }

    #[tokio::test]
    async fn create_and_reset_are_not_repeated_after_a_lost_answer() {
        let server = loses_one(201, new_token().to_string()).await;
        let error = stubborn(&server.uri).create(draft()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{error}");
        assert!(
            error
                .hint()
                .unwrap()
                .contains("look for the marker or name"),
            "{error}"
        );
        assert_eq!(server.seen().len(), 1);

        let server = loses_one(200, new_token().to_string()).await;
        let error = stubborn(&server.uri)
            .reset(&id(), OldSecret::EndsAtOnce)
            .await
            .unwrap_err();
        assert!(
            error.is_outcome_unknown() && error.may_have_been_sent(),
            "{error}"
        );
        assert!(
            error.hint().unwrap().contains("old secret may be dead"),
            "{error}"
        );
        assert_eq!(server.seen().len(), 1);
    }

    #[tokio::test]
    async fn reads_are_repeated_and_say_how_often() {
        let server = loses_one(200, token().to_string()).await;
        let (_, info) = stubborn(&server.uri).get(&id()).with_info().await.unwrap();
        assert_eq!((info.attempts, server.seen().len()), (2, 2));

        let failing = always(empty(502)).await;
        let error = stubborn(&failing.uri()).list().page().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.attempts()),
            (ErrorKind::Server, 4),
            "{error}"
        );
        assert_eq!(lines(&failing).await.len(), 4);
    }

    #[tokio::test]
    async fn a_token_that_is_gone_after_a_lost_delete_is_deleted() {
        let body = json!({"code": "not_found", "message": "m"}).to_string();
        let server = loses_one(404, body.clone()).await;
        stubborn(&server.uri).delete(&id()).await.unwrap();
        assert_eq!(server.seen().len(), 2);

        let server = always(bare(404, &body)).await;
        let error = stubborn(&server.uri()).delete(&id()).await.unwrap_err();
        assert!(
            error.is_not_found() && !error.may_have_been_sent(),
            "{error}"
        );
        // Declined is not lost: the token was not there in the first place.
        let server = script([empty(429), bare(404, &body)]).await;
        let error = stubborn(&server.uri()).delete(&id()).await.unwrap_err();
        assert!(error.is_not_found() && error.attempts() == 2, "{error}");
    }
}

mod paging {
    use super::*;

    async fn names(client: &Client) -> Vec<String> {
        let tokens = client.list().limit(2).all().await.unwrap();
        tokens
            .into_iter()
            .map(|token: Token| token.id.to_string())
            .collect()
    }

    fn queries(lines: &[String]) -> Vec<&str> {
        lines
            .iter()
            .map(|line| line.split_once('?').map_or("", |(_, query)| query))
            .collect()
    }

    #[tokio::test]
    async fn a_full_page_is_followed_until_a_short_one() {
        let server = script([
            page(0..2, json!({})),
            page(2..4, json!({})),
            page(4..5, json!({})),
        ])
        .await;
        assert_eq!(
            names(&client(&server)).await,
            ["id-0", "id-1", "id-2", "id-3", "id-4"]
        );
        assert_eq!(
            queries(&lines(&server).await),
            ["limit=2&offset=0", "limit=2&offset=2", "limit=2&offset=4"]
        );
    }

    #[tokio::test]
    async fn options_are_sent_with_every_page() {
        let server = script([
            page(0..1, next("/api/v2/tokens?offset=8")),
            page([], json!({})),
        ])
        .await;
        let list = client(&server).list().show_all(true).offset(7);
        assert_eq!(list.all().await.unwrap().len(), 1);
        assert_eq!(
            queries(&lines(&server).await),
            [
                "limit=1000&offset=7&showAll=true",
                "limit=1000&offset=8&showAll=true"
            ]
        );
    }

    #[tokio::test]
    async fn an_empty_page_ends_no_list_that_announces_more() {
        // A link tells where to go on.
        let linked = page([], next("/api/v2/tokens?offset=2"));
        let server = script([linked, page(0..1, json!({}))]).await;
        assert_eq!(names(&client(&server)).await, ["id-0"]);
        assert_eq!(
            queries(&lines(&server).await),
            ["limit=2&offset=0", "limit=2&offset=2"]
        );
        // Otherwise there is nowhere to go, and the list is not over.
        for (rest, words) in [
            (json!({"totalCount": 99}), "totalCount is 99"),
            (next("/api/v2/tokens"), "a link to a next page"),
            (next("/api/v2/tokens?offset=0"), "a link to a next page"),
        ] {
            let server = script([page([], rest.clone())]).await;
            let error = client(&server).list().all().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
            assert!(error.to_string().contains(words), "{error}");
            assert_eq!(lines(&server).await.len(), 1);
        }
    }

    #[tokio::test]
    async fn a_short_page_goes_on_where_the_count_says_that_there_are_more() {
        let total = json!({"totalCount": 3});
        let server = script([
            page(0..1, total.clone()),
            page(1..2, total.clone()),
            page(2..3, total),
        ]);
        let server = server.await;
        assert_eq!(names(&client(&server)).await, ["id-0", "id-1", "id-2"]);
        assert_eq!(
            queries(&lines(&server).await),
            ["limit=2&offset=0", "limit=2&offset=1", "limit=2&offset=2"]
        );
    }

    #[tokio::test]
    async fn a_count_that_tells_of_the_page_only_does_not_end_the_list() {
        let count = json!({"totalCount": 2});
        let server = script([page(0..2, count.clone()), page(2..3, count)]).await;
        assert_eq!(names(&client(&server)).await, ["id-0", "id-1", "id-2"]);
    }

    #[tokio::test]
    async fn a_count_that_is_too_high_is_an_error_after_the_tokens_that_came() {
        let count = json!({"totalCount": 1_000_000});
        let server = script([page(0..1, count.clone()), page([], count)]).await;
        // Fetched ahead are pages that the script does not have.
        let builder = Client::builder()
            .base_url(server.uri())
            .credential(CREDENTIAL);
        let mut stream = builder.concurrency(1).build().unwrap().list().stream();
        assert!(stream.try_next().await.unwrap().is_some());
        let error = stream.try_next().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
        assert!(error.to_string().contains("1000000"), "{error}");
        assert!(stream.try_next().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_next_link_tells_the_offset_and_nothing_else() {
        let server = script([
            page(
                0..1,
                next("/api/v2/tokens?limit=9&offset=5&showAll=true&x=%26offset%3D1#offset=3"),
            ),
            page(5..6, json!({})),
        ])
        .await;
        assert_eq!(names(&client(&server)).await, ["id-0", "id-5"]);
        assert_eq!(
            queries(&lines(&server).await),
            ["limit=2&offset=0", "limit=2&offset=5"]
        );
    }

    #[tokio::test]
    async fn a_next_link_to_another_origin_is_never_contacted() {
        let evil = always(page(90..91, json!({}))).await;
        let authority = evil.uri().replace("http://", "");
        for link in [
            format!("{}/api/v2/tokens?offset=1", evil.uri()),
            format!("//{authority}/api/v2/tokens?offset=1"),
            format!("http://user@{authority}?offset=1"),
            "file:///etc/passwd?offset=1".to_owned(),
        ] {
            let server = script([page(0..1, next(&link)), page(1..2, json!({}))]).await;
            assert_eq!(names(&client(&server)).await, ["id-0", "id-1"], "{link}");
            assert_eq!(
                queries(&lines(&server).await)[1],
                "limit=2&offset=1",
                "{link}"
            );
        }
        assert_eq!(lines(&evil).await, [""; 0]);
    }

    #[tokio::test]
    async fn a_link_without_a_usable_offset_is_counted_on_from_the_page() {
        for link in [
            "",
            "/api/v2/tokens",
            "?offset=-1",
            "?offset=x",
            "?offset=9223372036854775808",
            "?offset=18446744073709551616",
            "?offset=0",
            "?limit=1",
        ] {
            let server = script([page(0..1, next(link)), page(1..2, json!({}))]).await;
            assert_eq!(names(&client(&server)).await, ["id-0", "id-1"], "{link}");
            assert_eq!(
                queries(&lines(&server).await)[1],
                "limit=2&offset=1",
                "{link}"
            );
        }
    }

    #[tokio::test]
    async fn tokens_that_come_twice_are_given_once() {
        let server = script([
            page([0, 1], json!({})),
            page([1, 2], json!({})),
            page([2, 2, 3], json!({})),
            page([], json!({})),
        ])
        .await;
        assert_eq!(
            names(&client(&server)).await,
            ["id-0", "id-1", "id-2", "id-3"]
        );
    }

    #[tokio::test]
    async fn the_same_page_for_ever_ends() {
        let server = always(page(0..2, json!({}))).await;
        assert_eq!(names(&client(&server)).await, ["id-0", "id-1"]);
        assert_eq!(lines(&server).await.len(), 2);
        // Where it announces more each time, that is no end but an error.
        for rest in [
            next("/api/v2/tokens?offset=0"),
            next("/?offset=2"),
            json!({"totalCount": 1_000}),
        ] {
            let server = always(page(0..2, rest)).await;
            let mut stream = client(&server).list().limit(2).stream();
            assert!(stream.try_next().await.unwrap().is_some());
            assert!(stream.try_next().await.unwrap().is_some());
            let error = stream.try_next().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
            assert!(error.to_string().contains("nothing new"), "{error}");
            assert!(lines(&server).await.len() < 32);
        }
    }

    #[tokio::test]
    async fn pages_without_end_are_an_error_after_the_tokens_that_came() {
        let server = script((0..9).map(|number| page(number..=number, next("/?limit=1")))).await;
        let builder = Client::builder()
            .base_url(server.uri())
            .credential(CREDENTIAL);
        let mut stream = builder.max_pages(3).build().unwrap().list().stream();
        for number in 0..3 {
            let token = stream.try_next().await.unwrap().unwrap();
            assert_eq!(token.id.as_str(), format!("id-{number}"));
        }
        let error = stream.try_next().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
        assert_eq!(error.operation(), Some("getTokens"));
        assert!(error.to_string().contains('3'), "{error}");
        assert!(stream.try_next().await.unwrap().is_none(), "it ends there");
        assert_eq!(lines(&server).await.len(), 3);
    }

    #[tokio::test]
    async fn an_error_on_a_later_page_comes_after_the_tokens_before_it() {
        let server = script([page(0..2, json!({})), empty(403)]).await;
        let mut stream = client(&server).list().limit(2).stream();
        assert!(stream.try_next().await.unwrap().is_some());
        assert!(stream.try_next().await.unwrap().is_some());
        let error = stream.try_next().await.unwrap_err();
        assert_eq!(error.status().unwrap().as_u16(), 403);
        assert!(stream.try_next().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn pages_are_asked_for_as_the_stream_is_read() {
        let server = script([page(0..2, json!({})), page(2..3, json!({}))]).await;
        let mut stream = client(&server).list().limit(2).stream();
        assert_eq!(lines(&server).await.len(), 0);
        stream.try_next().await.unwrap();
        stream.try_next().await.unwrap();
        assert_eq!(lines(&server).await.len(), 1);
        stream.try_next().await.unwrap();
        assert_eq!(lines(&server).await.len(), 2);
    }

    #[tokio::test]
    async fn lists_that_are_null_or_absent_are_empty() {
        for body in [
            json!({"items": null, "_links": null, "totalCount": null}),
            json!({"_links": {}}),
            json!({"totalCount": 0}),
        ] {
            let server = always(json(200, &body)).await;
            let page = client(&server).list().page().await.unwrap();
            assert!(page.items.is_empty() && page.links.is_empty());
            assert_eq!(page.total_count.unwrap_or(0), 0);
        }
    }

    #[tokio::test]
    async fn an_answer_without_any_documented_member_is_no_empty_list() {
        for body in [
            json!({}),
            json!({"message": "maintenance", "code": "x"}),
            json!({"data": []}),
            json!([]),
            json!(null),
        ] {
            let server = always(json(200, &body)).await;
            let error = client(&server).list().page().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode, "{body}: {error}");
            let error = client(&server).list().all().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode, "{body}: {error}");
        }
    }
}
