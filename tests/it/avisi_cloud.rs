//! Avisi Cloud on the wire: what goes out, and what is made of what comes back.

use std::time::{Duration, UNIX_EPOCH};

use crate::support::{
    CREDENTIAL, Raw, Reply, Sent, always, assert_refused, at, bare, bodies, empty, html, json,
    lines, one_attempt, only, script, sent, whole,
};
use access_tokens::avisi_cloud::{
    Client, PersonalAccessToken, PersonalAccessTokenType, ProvisionBody, ProvisionBodyBuilder,
};
use access_tokens::{Error, ErrorKind, TokenId, When};
use serde_json::{Value, json};
use wiremock::MockServer;

const ID: &str = "8c5b7d0e-3f0a-4c1e-9a53-1f7f0a6b2c11";
const PATH: &str = "/sts/v1/personal-access-tokens";

fn id() -> TokenId {
    ID.parse().unwrap()
}

/// Makes one attempt and never waits.
fn client(server: &MockServer) -> Client {
    one_attempt(Client::builder(), server.uri())
}

/// Tries up to four times and never waits.
fn stubborn(uri: &str) -> Client {
    at(Client::builder(), uri).build().unwrap()
}

fn token() -> Value {
    json!({
        "id": ID, "name": "ci runner", "subject": "user-4f1d", "type": "UNKNOWN_ENUM_VALUE",
        "active": true, "ipRestriction": "203.0.113.0/24", "createdAt": "2026-02-03T10:11:12Z",
        "expireAt": "2027-02-03T10:11:12Z", "lastUsedAt": null,
    })
}

fn new_token() -> Value {
    let mut token = token();
    token["token"] = json!("made-up-secret-value");
    token
}

fn draft() -> ProvisionBodyBuilder {
    ProvisionBody::builder("ci runner")
}

/// Calls each operation once; the operations in the order in which the module lists them.
async fn each(client: &Client) -> Vec<(&'static str, Result<(), Error>)> {
    vec![
        ("listPersonalAccessTokens", client.list().await.map(drop)),
        (
            "provisionPersonalAccessToken",
            client.provision(draft()).await.map(drop),
        ),
        (
            "revokePersonalAccessToken",
            client.revoke(&id()).await.map(drop),
        ),
    ]
}

async fn listed(body: Value) -> PersonalAccessToken {
    let server = always(json(200, &json!([body]))).await;
    let listed = client(&server).list().await.unwrap();
    listed.into_iter().next().unwrap()
}

mod requests {
    use super::*;

    #[tokio::test]
    async fn every_operation_goes_to_its_path_with_the_usual_headers() {
        let revoked = json!({"message": "revoked", "status": 200});
        let server = script([
            json(200, &json!([token()])),
            json(200, &new_token()),
            json(200, &revoked),
        ]);
        let server = server.await;
        for (operation, outcome) in each(&client(&server)).await {
            assert!(outcome.is_ok(), "{operation}: {outcome:?}");
        }
        let sent = sent(&server).await;
        assert_eq!(
            sent.iter().map(Sent::line).collect::<Vec<_>>(),
            [
                format!("GET {PATH}"),
                format!("POST {PATH}"),
                format!("DELETE {PATH}/{ID}")
            ]
        );
        for request in &sent {
            let authorization = format!("Token {CREDENTIAL}");
            assert_eq!(
                request.header("authorization"),
                Some(authorization.as_str())
            );
            assert_eq!(request.header("accept"), Some("application/json"));
            assert_eq!(
                request.header("api-version"),
                None,
                "the generator's own header"
            );
            assert_eq!(request.header("ld-api-version"), None);
            let agent = concat!("access-tokens/", env!("CARGO_PKG_VERSION"));
            assert_eq!(request.header("user-agent"), Some(agent));
        }
        assert_eq!(sent[1].header("content-type"), Some("application/json"));
        assert_eq!((sent[0].text(), sent[2].text()), ("", ""));
    }

    #[tokio::test]
    async fn a_provision_sends_only_what_is_set() {
        for (draft, body) in [
            (draft(), json!({"name": "ci runner"})),
            (
                ProvisionBody::builder("n").ip_restriction("203.0.113.0/24"),
                json!({"name": "n", "ipRestriction": "203.0.113.0/24"}),
            ),
            (
                ProvisionBody::builder("n").ip_restriction_unchecked("a, b"),
                json!({"name": "n", "ipRestriction": "a, b"}),
            ),
            (
                ProvisionBody::builder("n").token_type("SOME_TYPE"),
                json!({"name": "n", "type": "SOME_TYPE"}),
            ),
            (
                ProvisionBody::builder("n").token_type(json!({"kind": ["x", null]})),
                json!({"name": "n", "type": {"kind": ["x", null]}}),
            ),
            (
                ProvisionBody::builder("n").token_type(Value::Null),
                json!({"name": "n", "type": null}),
            ),
            (ProvisionBody::default().into(), json!({})),
        ] {
            let server = always(json(200, &new_token())).await;
            let _ = client(&server).provision(draft).await.unwrap();
            assert_eq!(only(&server).await.json(), body);
        }
    }

    #[tokio::test]
    async fn an_ip_restriction_must_be_a_block_unless_told_otherwise() {
        let server = always(json(200, &new_token())).await;
        let client = client(&server);
        let builder = || ProvisionBody::builder("n");
        for block in [
            "",
            " ",
            "203.0.113.7",
            "203.0.113.0/33",
            "203.0.113.0/-1",
            "203.0.113/24",
            "any",
            "203.0.113.0/24, 198.51.100.0/24",
            "203.0.113.0/24 ",
            "2001:db8::/129",
            "0x7f.1/8",
        ] {
            let error = client
                .provision(builder().ip_restriction(block))
                .await
                .unwrap_err();
            assert_refused(&error, "ip_restriction");
            assert!(error.to_string().contains("CIDR"), "{error}");
            assert_eq!(error.operation(), Some("provisionPersonalAccessToken"));
        }
        let checked_last = builder()
            .ip_restriction_unchecked("any")
            .ip_restriction("any");
        assert_refused(
            &client.provision(checked_last).await.unwrap_err(),
            "ip_restriction",
        );
        let body: ProvisionBody = serde_json::from_value(json!({"ipRestriction": "any"})).unwrap();
        assert_refused(&client.provision(body).await.unwrap_err(), "ip_restriction");
        assert_eq!(lines(&server).await, [""; 0]);

        for block in [
            "203.0.113.0/24",
            "203.0.113.7/32",
            "0.0.0.0/0",
            "2001:db8::/32",
        ] {
            let _ = client
                .provision(builder().ip_restriction(block))
                .await
                .unwrap();
        }
        let unchecked = builder()
            .ip_restriction("bad")
            .ip_restriction_unchecked("any");
        let _ = client.provision(unchecked).await.unwrap();
        assert_eq!(lines(&server).await.len(), 5);
    }

    #[tokio::test]
    async fn a_blank_name_is_refused_before_anything_is_sent() {
        let server = always(json(200, &new_token())).await;
        for name in ["", " ", "\t\n"] {
            let body = ProvisionBody::builder(name);
            let error = client(&server).provision(body).await.unwrap_err();
            assert_refused(&error, "name");
        }
        assert_eq!(lines(&server).await, [""; 0]);
    }

    #[test]
    fn the_default_address_is_the_documented_one() {
        let client = Client::builder().credential("x").build().unwrap();
        assert_eq!(client.base_url(), "https://api.avisi.cloud");
        for path in ["/sts/v1/", "/sts/v1/personal-access-tokens"] {
            let url = format!("https://api.avisi.cloud{path}");
            let error = Client::builder()
                .credential("x")
                .base_url(url)
                .build()
                .unwrap_err();
            assert_eq!(error.field(), Some("base_url"), "{path}");
        }
    }
}

mod answers {
    use super::*;

    #[tokio::test]
    async fn a_provisioned_token_comes_with_its_secret() {
        for status in [200, 201, 202] {
            let server = always(json(status, &new_token())).await;
            let new = client(&server).provision(draft()).await.unwrap();
            assert_eq!(new.secret().expose_secret(), "made-up-secret-value");
            assert_eq!(new.token().id.as_ref().unwrap().as_str(), ID);
            assert_eq!(new.token().token, None, "as a later read would show it");
        }
    }

    #[tokio::test]
    async fn an_answer_without_a_secret_is_no_success_and_names_the_token() {
        for (body, told) in [
            (token(), ID),
            (json!({"id": ID, "token": null}), ID),
            (json!({"id": ID, "token": ""}), ID),
            (json!({}), "not told"),
        ] {
            let server = always(json(200, &body)).await;
            let error = client(&server).provision(draft()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
            assert!(error.may_have_been_sent(), "{error}");
            assert!(error.to_string().contains(told), "{error}");
        }
    }

    #[tokio::test]
    async fn a_list_is_an_array_or_null_or_no_content() {
        for answer in [
            json(200, &json!([])),
            json(200, &json!(null)),
            bare(200, " null\n"),
            empty(204),
        ] {
            let server = always(answer).await;
            assert_eq!(*client(&server).list().await.unwrap(), []);
        }
        // That nothing came does not say that there is nothing.
        let error = client(&always(empty(200)).await).list().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
        let server = always(bare(200, &json!([token(), token()]).to_string())).await;
        assert_eq!(
            client(&server).list().await.unwrap().len(),
            2,
            "without a content type"
        );
    }

    #[tokio::test]
    async fn a_token_is_read_in_full() {
        let token = listed(token()).await;
        assert_eq!(token.id, Some(id()));
        assert_eq!(token.name.as_deref(), Some("ci runner"));
        assert_eq!(token.subject.as_deref(), Some("user-4f1d"));
        assert_eq!(token.active, Some(true));
        assert_eq!(token.ip_restriction.as_deref(), Some("203.0.113.0/24"));
        assert_eq!(
            token.type_.as_ref().unwrap().as_str(),
            Some("UNKNOWN_ENUM_VALUE")
        );
        let created = UNIX_EPOCH + Duration::from_secs(1_770_113_472);
        assert_eq!(token.created(), When::At(created));
        let year = Duration::from_secs(365 * 86_400);
        assert_eq!(token.expires(), When::At(created + year));
        assert_eq!(token.last_used(), When::NotReported);
    }

    #[tokio::test]
    async fn every_member_may_be_null_absent_or_unknown() {
        let mut nulls = json!({});
        for member in [
            "id",
            "name",
            "subject",
            "type",
            "active",
            "ipRestriction",
            "createdAt",
            "expireAt",
            "lastUsedAt",
            "token",
        ] {
            nulls[member] = Value::Null;
        }
        for body in [
            json!({}),
            nulls,
            json!({"newField": {"a": [1, null]}, "expiresAt": 5}),
        ] {
            let token = listed(body).await;
            assert_eq!(
                (&token.id, &token.name, &token.subject),
                (&None, &None, &None)
            );
            assert_eq!((token.active, &token.ip_restriction), (None, &None));
            assert_eq!(token.token, None);
            assert_eq!(token.created(), When::NotReported);
            assert_eq!(token.expires(), When::NotReported);
            assert_eq!(token.last_used(), When::NotReported);
        }
    }

    #[tokio::test]
    async fn a_type_is_kept_as_it_came() {
        for value in [
            json!("X"),
            json!({"name": "X", "allOf": [1]}),
            json!(7),
            json!([]),
            json!(true),
        ] {
            let token = listed(json!({"type": value})).await;
            assert_eq!(token.type_.as_ref().unwrap().as_json(), &value);
            assert_eq!(
                token.type_,
                Some(PersonalAccessTokenType::from(value.clone()))
            );
            assert_eq!(token.type_.as_ref().unwrap().as_str(), value.as_str());
        }
    }

    #[tokio::test]
    async fn dates_keep_their_text_and_are_read_on_demand() {
        let at = |seconds| When::At(UNIX_EPOCH + Duration::from_secs(seconds));
        for (text, read) in [
            ("2026-02-03T10:11:12Z", at(1_770_113_472)),
            ("2026-02-03T11:11:12+01:00", at(1_770_113_472)),
            ("2026-02-03T10:11:12.000Z", at(1_770_113_472)),
            ("", When::NotReported),
            ("0001-01-01T00:00:00Z", When::NotReported),
        ] {
            let body = json!({"createdAt": text, "expireAt": text, "lastUsedAt": text});
            let token = listed(body).await;
            assert_eq!(token.created(), read, "{text:?}");
            assert_eq!(token.expires(), read, "{text:?}");
            assert_eq!(token.last_used(), read, "{text:?}");
            assert_eq!(token.created_at.unwrap().as_str(), text);
            assert_eq!(token.expire_at.unwrap().as_str(), text);
        }
        for text in [
            "next week",
            "03.02.2026",
            "1770113472",
            "2026-02-03T25:00:00Z",
            "\u{0}",
        ] {
            let token = listed(json!({"expireAt": text})).await;
            assert_eq!(token.expires(), When::NotReported, "{text:?}");
            let kept = token.expire_at.unwrap();
            assert_eq!(kept.as_str(), text);
            assert!(kept.parse().is_err(), "{text:?}");
        }
    }

    #[tokio::test]
    async fn an_entry_that_cannot_be_read_is_named_and_hides_no_other() {
        let odd = json!({"id": "odd", "ipRestriction": {"secret": "words"}});
        let body =
            json!([odd, token(), 5, {"subject": 1, "active": "x", "expireAt": 7, "id": "b"}]);
        let server = always(json(200, &body)).await;
        let tokens = client(&server).list().await.unwrap();
        assert_eq!(tokens.len(), 2);
        let [odd, other] = tokens.unreadable() else {
            panic!("{:?}", tokens.unreadable())
        };
        assert_eq!((odd.index, odd.id.as_deref()), (0, Some("odd")));
        assert!(odd.to_string().contains("ipRestriction"), "{odd}");
        assert!(!format!("{odd} {odd:?}").contains("words"));
        assert_eq!((other.index, &other.id), (2, &None));
        // What is for information only is not there if it cannot be read.
        assert_eq!(
            (tokens[1].active, tokens[1].expires()),
            (None, When::NotReported)
        );
    }

    #[tokio::test]
    async fn a_revoke_gives_back_what_the_service_says() {
        let server = always(json(
            200,
            &json!({"message": "revoked", "status": 200, "x": 1}),
        ))
        .await;
        let answer = client(&server).revoke(&id()).await.unwrap();
        assert_eq!(
            (answer.message.as_deref(), answer.status),
            (Some("revoked"), Some(200))
        );
        for answer in [
            empty(204),
            empty(200),
            json(200, &json!({})),
            json(200, &json!({"message": null, "status": null})),
        ] {
            let server = always(answer).await;
            let answer = client(&server).revoke(&id()).await.unwrap();
            assert_eq!((answer.message, answer.status), (None, None));
        }
    }

    #[tokio::test]
    async fn a_success_that_cannot_be_read_is_told_with_its_status() {
        for (answer, words) in [
            (
                json(200, &json!({"content": []})),
                "not of the documented type",
            ),
            (json(200, &json!([{"name": 5}])), "[0].name"),
            (bare(200, "{}"), "not of the documented type"),
            (bare(200, "OK"), "not JSON"),
        ] {
            let server = always(answer).await;
            let error = client(&server).list().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
            assert_eq!(error.status().unwrap().as_u16(), 200);
            assert!(error.to_string().contains(words), "{words}: {error}");
            assert!(!error.to_string().contains("perhaps"), "{error}");
        }
        let server = always(html(200)).await;
        for (operation, outcome) in each(&client(&server)).await {
            let error = outcome.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode, "{operation}: {error}");
            assert!(
                error.hint().unwrap().contains("not the API"),
                "{operation}: {error}"
            );
        }
        let server = always(empty(200)).await;
        let error = client(&server).provision(draft()).await.unwrap_err();
        assert!(
            error.to_string().contains("empty") && error.may_have_been_sent(),
            "{error}"
        );
    }
}

mod errors {
    use super::*;

    #[tokio::test]
    async fn every_status_of_every_operation_is_kept_whatever_the_body() {
        for (status, of_all, of_one) in [
            (400, ErrorKind::InvalidRequest, ErrorKind::InvalidRequest),
            (401, ErrorKind::Unauthenticated, ErrorKind::Unauthenticated),
            (
                403,
                ErrorKind::PermissionDenied,
                ErrorKind::PermissionDenied,
            ),
            (404, ErrorKind::EndpointMissing, ErrorKind::NotFound),
            (409, ErrorKind::Conflict, ErrorKind::Conflict),
            (422, ErrorKind::InvalidRequest, ErrorKind::InvalidRequest),
            (429, ErrorKind::RateLimited, ErrorKind::RateLimited),
            (500, ErrorKind::Server, ErrorKind::Server),
        ] {
            for (body, answer) in bodies(status) {
                let server = always(answer).await;
                for (operation, outcome) in each(&client(&server)).await {
                    let error = outcome.unwrap_err();
                    let at = format!("{operation} {status} {body}: {error}");
                    let kind = if operation.starts_with("revoke") {
                        of_one
                    } else {
                        of_all
                    };
                    if operation.starts_with("provision") && status == 500 {
                        assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{at}");
                        assert_eq!(error.cause(), Some(kind), "{at}");
                    } else {
                        assert_eq!(error.kind(), kind, "{at}");
                    }
                    assert_eq!(error.may_have_been_sent(), status == 500, "{at}");
                    assert_eq!(error.status().unwrap().as_u16(), status, "{at}");
                    assert_eq!(error.operation(), Some(operation), "{at}");
                    assert_eq!(error.service().name(), "Avisi Cloud", "{at}");
                    assert!(!at.contains("Sign in"), "{at}");
                }
            }
        }
    }

    #[tokio::test]
    async fn both_shapes_of_an_error_are_read() {
        let body = json!({"message": "validation failed", "details": ["name must not be empty"]});
        let server = always(json(400, &body)).await;
        let error = client(&server).provision(draft()).await.unwrap_err();
        assert_eq!(error.message(), Some("validation failed"));
        assert_eq!(error.details(), ["name must not be empty"]);
        assert!(
            error.to_string().contains("name must not be empty"),
            "{error}"
        );

        let server = always(json(404, &json!({"message": "not found", "status": 404}))).await;
        let error = client(&server).revoke(&id()).await.unwrap_err();
        assert!(error.is_not_found(), "{error}");
        assert_eq!(
            (error.message(), error.details().len()),
            (Some("not found"), 0)
        );

        let details: Vec<_> = (0..1_000)
            .map(|number| format!("{number} {}", "x".repeat(999)))
            .collect();
        let server = always(json(400, &json!({"details": details, "message": 5}))).await;
        let error = client(&server).list().await.unwrap_err();
        assert_eq!(error.message(), None);
        assert!(error.details().len() < 100 && error.to_string().len() < 20_000);
    }

    #[tokio::test]
    async fn a_provision_whose_answer_is_lost_is_not_repeated() {
        let raw = Raw::start(|_| Reply::Close).await;
        let error = stubborn(&raw.uri).provision(draft()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{error}");
        assert!(
            error
                .hint()
                .unwrap()
                .contains("look for the marker or name"),
            "{error}"
        );
        assert_eq!(raw.seen().len(), 1);
    }

    #[tokio::test]
    async fn a_token_that_is_gone_after_a_lost_revoke_is_revoked() {
        let gone = r#"{"message":"not found","status":404}"#;
        let raw = Raw::start(move |number| match number {
            0 => Reply::Close,
            _ => Reply::Bytes(whole(404, &[], gone)),
        })
        .await;
        let answer = stubborn(&raw.uri).revoke(&id()).await.unwrap();
        assert_eq!(
            (answer.message, answer.status, raw.seen().len()),
            (None, None, 2)
        );

        let server = always(bare(404, gone)).await;
        let error = stubborn(&server.uri()).revoke(&id()).await.unwrap_err();
        assert!(error.is_not_found() && error.attempts() == 1, "{error}");
    }

    #[tokio::test]
    async fn a_list_is_tried_again_after_a_lost_answer() {
        let raw = Raw::start(|number| match number {
            0 => Reply::Close,
            _ => Reply::Bytes(whole(200, &[], "[]")),
        })
        .await;
        assert_eq!(*stubborn(&raw.uri).list().await.unwrap(), []);
        assert_eq!(raw.targets(), [PATH, PATH]);
    }
}
