//! Query Server on the wire: what goes out in which order, and what is made of what comes back.

use std::time::Duration;

use crate::support::{
    CREDENTIAL, NOW, Raw, Reply, Sent, always, assert_refused, at, bare, bodies, empty, html, json,
    lines, now, one_attempt, only, script, sent, whole,
};
use access_tokens::query_server::Changes;
use access_tokens::query_server::{
    Client, Created, Liveness, NewToken, OldToken, Token, TokenBody, TokenBodyBuilder,
};
use access_tokens::{Error, ErrorKind, Expiry, UnixSeconds, When};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use wiremock::{MockServer, ResponseTemplate};

const LATER: i64 = NOW + 86_400;

const LIST: &str = "GET /_/token";
const POST: &str = "POST /_/token";
const PUT: &str = "PUT /_/token";
const DELETE: &str = "DELETE /_/token";

fn value_of(name: &str) -> String {
    format!("GET /_/token/value?name={name}")
}

/// Makes one attempt and never waits.
fn client(server: &MockServer) -> Client {
    one_attempt(Client::builder(), server.uri())
}

/// Tries up to four times and never waits.
fn stubborn(uri: &str) -> Client {
    at(Client::builder(), uri).build().unwrap()
}

/// A token as the server signs it, but for the signature.
fn jwt(exp: i64, iat: i64) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = part(json!({"typ": "JWT", "alg": "HS256"}));
    let claims = part(json!({"exp": exp, "iat": iat, "iss": "token", "sub": "5d0c"}));
    format!("{head}.{claims}.c2lnbmF0dXJl")
}

/// A row whose token the server accepts as far as its claims go.
fn row(name: &str, expiration: i64, updated: i64) -> Value {
    json!({
        "active": 1, "created_at": updated, "expiration_date": expiration, "id": 4, "name": name,
        "token": jwt(expiration, updated), "updated_at": updated, "write": 1,
    })
}

/// A row that was made just now and never expires.
fn fresh(name: &str) -> Value {
    row(name, NOW, NOW)
}

fn with(mut row: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else {
        unreachable!()
    };
    row.as_object_mut().unwrap().extend(changes);
    row
}

fn rows(rows: impl IntoIterator<Item = Value>) -> ResponseTemplate {
    let body = json!({"data": rows.into_iter().collect::<Vec<_>>()});
    // This server sends no content type.
    bare(200, &body.to_string())
}

fn nothing() -> ResponseTemplate {
    rows([])
}

fn value_is(secret: &str) -> ResponseTemplate {
    json(200, &json!({"data": [{"token": secret}]}))
}

fn found() -> ResponseTemplate {
    bare(
        200,
        &json!({"data": [{"token": jwt(LATER, NOW)}]}).to_string(),
    )
}

fn locked() -> ResponseTemplate {
    bare(400, "database is locked")
}

fn edge() -> TokenBodyBuilder {
    TokenBody::builder("edge")
}

#[track_caller]
fn new(created: Created) -> NewToken {
    match created {
        Created::New(new) => new,
        Created::AlreadyExists(token) => panic!("already exists: {token:?}"),
    }
}

mod requests {
    use super::*;

    #[tokio::test]
    async fn every_operation_goes_to_its_path_with_the_usual_headers() {
        let server = script([
            nothing(),
            found(),
            nothing(),
            empty(201),
            rows([fresh("edge")]),
            empty(200),
        ]);
        let server = server.await;
        let client = client(&server);
        client.list().await.unwrap();
        client.value("edge").await.unwrap();
        let _ = new(client.create(edge()).await.unwrap());
        client.delete("edge").await.unwrap();
        let sent = sent(&server).await;
        assert_eq!(
            sent.iter().map(Sent::line).collect::<Vec<_>>(),
            [
                LIST,
                &value_of("edge"),
                &value_of("edge"),
                POST,
                LIST,
                DELETE
            ]
        );
        for request in &sent {
            let bearer = format!("Bearer {CREDENTIAL}");
            assert_eq!(
                request.header("authorization"),
                Some(bearer.as_str()),
                "one space"
            );
            assert_eq!(
                request.header("api-version"),
                None,
                "the generator's own header"
            );
            assert_eq!(request.header("ld-api-version"), None);
            let agent = concat!("access-tokens/", env!("CARGO_PKG_VERSION"));
            assert_eq!(request.header("user-agent"), Some(agent));
        }
        for (number, body) in [(3, json!({"name": "edge"})), (5, json!({"name": "edge"}))] {
            assert_eq!(sent[number].json(), body);
            assert_eq!(
                sent[number].header("content-type"),
                Some("application/json")
            );
            let length = sent[number].text().len().to_string();
            assert_eq!(sent[number].header("content-length"), Some(length.as_str()));
        }
        for number in [0, 1, 2, 4] {
            assert_eq!(sent[number].text(), "");
        }
    }

    #[tokio::test]
    async fn a_name_is_encoded_in_the_query_as_in_a_form() {
        let raw = Raw::start(|_| Reply::Bytes(whole(200, &[], r#"{"data":[]}"#))).await;
        let client = stubborn(&raw.uri);
        for (name, query) in [
            ("edge", "edge"),
            ("a b", "a+b"),
            ("a+b", "a%2Bb"),
            ("a&name=b", "a%26name%3Db"),
            ("#a?b/c\\", "%23a%3Fb%2Fc%5C"),
            ("100%", "100%25"),
            ("%2B", "%252B"),
            ("grün ☃ \u{1f511}", "gr%C3%BCn+%E2%98%83+%F0%9F%94%91"),
            ("line\nend\0", "line%0Aend%00"),
            ("\"quoted\"; --", "%22quoted%22%3B+--"),
        ] {
            let before = raw.targets().len();
            assert!(!client.exists(name).await.unwrap());
            let target = format!("/_/token/value?name={query}");
            assert_eq!(raw.targets()[before..], [target], "{name:?}");
        }
    }

    #[tokio::test]
    async fn a_create_sends_only_what_is_set_and_real_booleans() {
        for (draft, body) in [
            (edge(), json!({"name": "edge"})),
            (
                TokenBody::builder("edge").active(false),
                json!({"name": "edge", "active": false}),
            ),
            (
                TokenBody::builder("edge")
                    .active(true)
                    .write(false)
                    .expires(now() + Duration::from_secs(5)),
                json!({"name": "edge", "active": true, "write": false, "expiration_date": NOW + 5}),
            ),
            (
                TokenBody::builder("edge").expires(Expiry::Never),
                json!({"name": "edge"}),
            ),
        ] {
            let draft: TokenBodyBuilder = draft;
            let server = script([nothing(), empty(401)]).await;
            assert!(
                client(&server)
                    .create(draft)
                    .await
                    .unwrap_err()
                    .is_unauthenticated()
            );
            assert_eq!(sent(&server).await[1].json(), body);
        }
    }

    #[tokio::test]
    async fn an_expiry_goes_out_in_whole_seconds_rounded_up() {
        for (expiry, seconds) in [
            (Expiry::At(now() + Duration::from_millis(10_500)), NOW + 11),
            (Expiry::At(now() + Duration::from_secs(10)), NOW + 10),
            (Expiry::In(Duration::from_nanos(1)), NOW + 1),
            (Expiry::In(Duration::from_secs(86_400)), LATER),
        ] {
            let server = script([nothing(), empty(401)]).await;
            let draft = TokenBody::builder("edge").expires(expiry);
            assert!(client(&server).create(draft).await.is_err());
            let request = &sent(&server).await[1];
            assert_eq!(request.json()["expiration_date"], json!(seconds));
            assert!(!request.text().contains('.'), "an integer, no float");

            let server = script([empty(401)]).await;
            assert!(
                client(&server)
                    .update("edge", Changes::new().expires(expiry))
                    .await
                    .is_err()
            );
            assert_eq!(
                only(&server).await.json()["expiration_date"],
                json!(seconds)
            );
        }
    }

    #[tokio::test]
    async fn an_update_sends_only_what_is_to_be_changed() {
        let server = always(empty(401)).await;
        let client = client(&server);
        assert!(
            client
                .update("edge", Changes::new().active(false))
                .await
                .is_err()
        );
        assert!(
            client
                .update("edge", Changes::new().write(true).active(true))
                .await
                .is_err()
        );
        assert!(
            client
                .update(
                    "a \"b\"\n",
                    Changes::new()
                        .write(false)
                        .expires(now() + Duration::from_secs(9))
                )
                .await
                .is_err()
        );
        let sent = sent(&server).await;
        assert!(sent.iter().all(|request| request.line() == PUT));
        assert_eq!(
            sent.iter().map(Sent::json).collect::<Vec<_>>(),
            [
                json!({"name": "edge", "active": false}),
                json!({"name": "edge", "active": true, "write": true}),
                json!({"name": "a \"b\"\n", "write": false, "expiration_date": NOW + 9}),
            ]
        );
    }
}

mod refused_before_sending {
    use super::*;

    #[tokio::test]
    async fn names_that_the_server_would_take_in_vain_are_refused() {
        let server = always(nothing()).await;
        let client = client(&server);
        let long = "ü".repeat(10_001);
        for name in ["", long.as_str()] {
            assert_refused(&client.find(name).await.unwrap_err(), "name");
            assert_refused(&client.get(name).await.unwrap_err(), "name");
            assert_refused(&client.value(name).await.unwrap_err(), "name");
            assert_refused(&client.exists(name).await.unwrap_err(), "name");
            assert_refused(&client.delete(name).await.unwrap_err(), "name");
            assert_refused(&client.delete_existing(name).await.unwrap_err(), "name");
            assert_refused(
                &client
                    .update(name, Changes::new().active(true))
                    .await
                    .unwrap_err(),
                "name",
            );
            assert_refused(
                &client
                    .rotate_in_place(name, Changes::new())
                    .await
                    .unwrap_err(),
                "name",
            );
            assert_refused(
                &client
                    .rotate_to(name, "new", Changes::new())
                    .await
                    .unwrap_err(),
                "name",
            );
        }
        for name in [
            "",
            " ",
            "\t \n",
            "a\nb",
            "a\0",
            "\u{7f}",
            "\u{85}",
            long.as_str(),
        ] {
            let error = client.create(TokenBody::builder(name)).await.unwrap_err();
            assert_refused(&error, "name");
            assert_eq!(error.operation(), Some("createToken"));
            assert_refused(
                &client
                    .rotate_to("old", name, Changes::new())
                    .await
                    .unwrap_err(),
                "new_name",
            );
        }
        assert_refused(
            &client
                .rotate_to("same", "same", Changes::new())
                .await
                .unwrap_err(),
            "new_name",
        );
        assert_eq!(lines(&server).await, [""; 0]);
    }

    #[tokio::test]
    async fn a_name_may_have_sixty_thousand_bytes_in_a_url() {
        let raw = Raw::start(|_| Reply::Bytes(whole(200, &[], r#"{"data":[]}"#))).await;
        let client = stubborn(&raw.uri);
        assert!(!client.exists(&"a".repeat(60_000)).await.unwrap());
        assert_refused(
            &client.exists(&"a".repeat(60_001)).await.unwrap_err(),
            "name",
        );
        assert_refused(
            &client.exists(&"+".repeat(20_001)).await.unwrap_err(),
            "name",
        );
        assert_eq!(raw.targets().len(), 1);
    }

    #[tokio::test]
    async fn an_expiry_that_is_over_or_means_never_by_accident_is_refused() {
        let server = always(nothing()).await;
        let client = client(&server);
        for expiry in [
            Expiry::At(now()),
            Expiry::At(now() - Duration::from_secs(1)),
            Expiry::In(Duration::ZERO),
            Expiry::In(Duration::MAX),
        ] {
            let draft = TokenBody::builder("edge").expires(expiry);
            assert_refused(&client.create(draft).await.unwrap_err(), "expiry");
            let update = client.update("edge", Changes::new().expires(expiry));
            assert_refused(&update.await.unwrap_err(), "expiry");
        }
        for seconds in [NOW, NOW - 1, 0, -1] {
            let body = json!({"name": "edge", "expiration_date": seconds});
            let body: TokenBody = serde_json::from_value(body).unwrap();
            assert_refused(&client.create(body).await.unwrap_err(), "expiry");
        }
        let never = client.update("edge", Changes::new().expires(Expiry::Never));
        assert_refused(&never.await.unwrap_err(), "expiry");
        assert_refused(
            &client.update("edge", Changes::new()).await.unwrap_err(),
            "changes",
        );
        assert_eq!(lines(&server).await, [""; 0]);
    }
}

mod reading {
    use super::*;

    #[tokio::test]
    async fn a_list_turns_numbers_into_flags_and_times() {
        let off = with(row("off", LATER, NOW), json!({"active": 0, "write": 0}));
        let server = always(rows([fresh("edge"), off])).await;
        let tokens = client(&server).list().await.unwrap().data;
        let (edge, off) = (&tokens[0], &tokens[1]);
        assert!(edge.is_active() && edge.can_write() && !off.is_active() && !off.can_write());
        assert_eq!((edge.name.as_str(), edge.id), ("edge", Some(4)));
        assert_eq!(
            (edge.created(), edge.modified()),
            (When::At(now()), When::At(now()))
        );
        assert_eq!(edge.expires(), When::Never, "an expiry equal to updated_at");
        assert_eq!(off.expires(), When::At(now() + Duration::from_secs(86_400)));
        assert_eq!(edge.secret().unwrap().expose_secret(), jwt(NOW, NOW));
    }

    #[tokio::test]
    async fn rows_written_by_hand_and_unknown_members_are_read() {
        let odd = with(
            row("odd", LATER, NOW),
            json!({"created_at": null, "updated_at": null, "token": null, "active": true,
                   "write": false, "last_used": {"new": 1}}),
        );
        let mut missing = row("missing", LATER, NOW);
        for member in ["created_at", "updated_at", "token"] {
            missing.as_object_mut().unwrap().remove(member);
        }
        let server = always(rows([odd, missing])).await;
        let tokens = client(&server).list().await.unwrap().data;
        assert!(tokens[0].is_active() && !tokens[0].can_write());
        for token in &tokens {
            assert_eq!(
                (token.created(), token.modified()),
                (When::NotReported, When::NotReported)
            );
            assert_eq!(token.secret(), None);
            assert_eq!(
                token.expires(),
                When::At(now() + Duration::from_secs(86_400))
            );
            assert_eq!(token.liveness(now()), Liveness::Unknown);
        }
    }

    #[tokio::test]
    async fn a_token_is_found_by_its_exact_name() {
        let server = always(rows([fresh("Edge"), fresh("edge "), fresh("edge")])).await;
        let client = client(&server);
        assert_eq!(client.get("edge").await.unwrap().name, "edge");
        assert_eq!(client.find("edge ").await.unwrap().unwrap().name, "edge ");
        assert_eq!(client.find("EDGE").await.unwrap(), None);
        let error = client.get("EDGE").await.unwrap_err();
        assert!(
            error.is_not_found() && !error.may_have_been_sent(),
            "{error}"
        );
        assert!(!error.to_string().contains("EDGE"), "{error}");
        assert_eq!(lines(&server).await, [LIST; 4]);
    }

    #[tokio::test]
    async fn a_value_that_is_not_there_is_not_found() {
        let server = always(nothing()).await;
        let client = client(&server);
        let error = client.value("edge").await.unwrap_err();
        assert!(error.is_not_found(), "{error}");
        assert_eq!(error.operation(), Some("getTokenValue"));
        assert!(!client.exists("edge").await.unwrap());
        let server = always(found()).await;
        let client = self::client(&server);
        assert_eq!(
            client.value("edge").await.unwrap().expose_secret(),
            jwt(LATER, NOW)
        );
        assert!(client.exists("edge").await.unwrap());
        assert_eq!(lines(&server).await, [value_of("edge"), value_of("edge")]);
    }

    #[test]
    fn liveness_follows_the_rules_of_the_server() {
        let token = |row: Value| -> Token { serde_json::from_value(row).unwrap() };
        let claims = |exp, iat| json!({"token": jwt(exp, iat)});
        let inactive = json!({"active": 0});
        for (row, liveness) in [
            (fresh("never expires"), Liveness::Alive),
            (row("lasting", LATER, NOW), Liveness::Alive),
            (
                row("over at this very second", NOW, NOW - 9),
                Liveness::Expired,
            ),
            (row("over", NOW - 1, NOW - 9), Liveness::Expired),
            (with(row("off", LATER, NOW), inactive), Liveness::Inactive),
            (
                with(row("updated", LATER, NOW), claims(LATER, NOW - 1)),
                Liveness::Unusable,
            ),
            (
                with(row("other end", LATER, NOW), claims(NOW, NOW)),
                Liveness::Unusable,
            ),
            (
                with(row("junk", LATER, NOW), json!({"token": "junk"})),
                Liveness::Unknown,
            ),
        ] {
            let name = row["name"].clone();
            assert_eq!(token(row).liveness(now()), liveness, "{name}");
        }
        let future = now() + Duration::from_secs(10 * 365 * 86_400);
        assert_eq!(token(fresh("never")).liveness(future), Liveness::Alive);
        assert_eq!(
            token(row("lasting", LATER, NOW)).liveness(future),
            Liveness::Expired
        );
        assert!(Liveness::Alive.is_alive() && !Liveness::Unknown.is_alive());
    }

    #[tokio::test]
    async fn a_body_that_cannot_be_read_is_told_with_its_status() {
        for (answer, words) in [
            (empty(200), "empty"),
            (bare(200, "OK"), "not JSON"),
            (bare(200, "{}"), "missing something"),
            (
                rows([with(fresh("a"), json!({"active": "perhaps"}))]),
                "data[0].active",
            ),
            (html(200), "not JSON"),
        ] {
            let server = always(answer).await;
            let error = client(&server).list().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
            assert_eq!(error.status().unwrap().as_u16(), 200, "{error}");
            assert!(error.to_string().contains(words), "{error}");
            assert!(!error.to_string().contains("perhaps"), "{error}");
        }
    }
}

mod odd_rows {
    use super::*;

    #[tokio::test]
    async fn a_row_that_cannot_be_read_is_named_and_hides_no_other() {
        let odd = with(fresh("odd"), json!({"active": "secret words"}));
        let server = always(rows([fresh("a"), odd, json!({}), fresh("b")])).await;
        let tokens = client(&server).list().await.unwrap().data;
        let names: Vec<_> = tokens.iter().map(|token| token.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        let [odd, nameless] = tokens.unreadable() else {
            panic!("{:?}", tokens.unreadable())
        };
        assert_eq!((odd.index, odd.id.as_deref()), (1, Some("odd")));
        assert!(odd.to_string().contains("active"), "{odd}");
        assert!(!format!("{odd} {odd:?}").contains("secret words"));
        assert_eq!((nameless.index, &nameless.id), (2, &None));
    }

    #[tokio::test]
    async fn a_name_that_may_be_that_of_an_odd_row_is_not_said_to_be_missing() {
        let odd = with(fresh("odd"), json!({"active": "perhaps"}));
        let server = always(rows([fresh("a"), odd])).await;
        let client = client(&server);
        assert!(client.find("a").await.unwrap().is_some());
        assert!(client.find("b").await.unwrap().is_none());
        let error = client.get("odd").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnreadableItem, "{error}");
        assert_eq!(error.item().unwrap().id.as_deref(), Some("odd"));
    }

    #[tokio::test]
    async fn times_that_are_no_times_are_not_reported() {
        let soon =
            json!({"expiration_date": "soon", "created_at": {}, "updated_at": "x", "id": "y"});
        let server = always(rows([with(fresh("odd"), soon)])).await;
        let token = client(&server).get("odd").await.unwrap();
        assert_eq!(token.expires(), When::NotReported);
        assert_eq!(token.created(), When::NotReported);
        assert_eq!(token.liveness(now()), Liveness::Unknown);
        // Nobody can say what a token like it should have.
        let rotate = client(&server).rotate_to("odd", "new", Changes::new());
        assert_refused(&rotate.await.unwrap_err(), "expiry");
    }
}

mod create {
    use super::*;

    #[tokio::test]
    async fn a_create_looks_posts_and_reads_back() {
        let server = script([nothing(), empty(201), rows([fresh("other"), fresh("edge")])]).await;
        let new = new(client(&server).create(edge()).await.unwrap());
        assert_eq!(new.secret().expose_secret(), jwt(NOW, NOW));
        assert_eq!(
            (new.token().name.as_str(), new.token().secret()),
            ("edge", None)
        );
        assert_eq!(lines(&server).await, [&value_of("edge"), POST, LIST]);
    }

    #[tokio::test]
    async fn a_taken_name_is_told_and_nothing_is_posted() {
        let server = script([found(), rows([row("edge", LATER, NOW - 9)])]).await;
        let created = client(&server).create(edge()).await.unwrap();
        assert!(created.already_existed());
        let Created::AlreadyExists(token) = created else {
            panic!("{created:?}")
        };
        assert_eq!(token.expiration_date, Some(UnixSeconds::new(LATER)));
        assert_eq!(lines(&server).await, [&value_of("edge"), LIST]);
    }

    #[tokio::test]
    async fn a_name_that_vanishes_between_the_two_looks_is_created() {
        let server = script([found(), nothing(), empty(201), rows([fresh("edge")])]).await;
        let _ = new(client(&server).create(edge()).await.unwrap());
        assert_eq!(lines(&server).await, [&value_of("edge"), LIST, POST, LIST]);
    }

    #[tokio::test]
    async fn somebody_who_was_faster_with_another_token_is_noticed() {
        for theirs in [
            with(fresh("edge"), json!({"write": 0})),
            with(fresh("edge"), json!({"active": 0})),
        ] {
            let server = script([nothing(), empty(201), rows([theirs])]).await;
            assert!(
                client(&server)
                    .create(edge())
                    .await
                    .unwrap()
                    .already_existed()
            );
            assert_eq!(
                lines(&server).await,
                [&value_of("edge"), POST, LIST],
                "nothing is deleted"
            );
        }
        let draft = TokenBody::builder("edge").expires(Duration::from_secs(5));
        let server = script([nothing(), empty(201), rows([row("edge", LATER, NOW)])]).await;
        assert!(
            client(&server)
                .create(draft)
                .await
                .unwrap()
                .already_existed()
        );
        assert_eq!(lines(&server).await, [&value_of("edge"), POST, LIST]);
    }

    #[tokio::test]
    async fn a_lost_answer_is_settled_by_the_list() {
        let list = json!({"data": [fresh("edge")]}).to_string();
        let raw = Raw::start(move |number| match number {
            0 => Reply::Bytes(whole(200, &[], r#"{"data":[]}"#)),
            1 => Reply::Close,
            _ => Reply::Bytes(whole(200, &[], &list)),
        })
        .await;
        let new = new(stubborn(&raw.uri).create(edge()).await.unwrap());
        assert_eq!(new.secret().expose_secret(), jwt(NOW, NOW));
        assert_eq!(
            raw.targets(),
            ["/_/token/value?name=edge", "/_/token", "/_/token"]
        );
        let posts = raw
            .seen()
            .iter()
            .filter(|request| request.starts_with("POST"))
            .count();
        assert_eq!(posts, 1);
    }

    #[tokio::test]
    async fn a_lost_answer_without_a_token_in_the_list_stays_open() {
        for list in [nothing(), empty(500), html(200)] {
            let server = script([nothing(), empty(500), list]).await;
            let error = client(&server).create(edge()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{error}");
            assert_eq!(error.cause(), Some(ErrorKind::Server), "{error}");
            assert_eq!(error.operation(), Some("createToken"));
            assert!(
                error.may_have_been_sent() && error.hint().is_some(),
                "{error}"
            );
            assert_eq!(lines(&server).await, [&value_of("edge"), POST, LIST]);
        }
    }

    #[tokio::test]
    async fn a_created_token_that_cannot_be_read_back_leaves_the_outcome_open() {
        let server = script([nothing(), empty(201), empty(401)]).await;
        let error = client(&server).create(edge()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{error}");
        assert!(
            error.is_unauthenticated() && error.may_have_been_sent(),
            "{error}"
        );

        let server = script([nothing(), empty(201), nothing()]).await;
        let error = client(&server).create(edge()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        assert!(error.may_have_been_sent(), "{error}");
    }

    #[tokio::test]
    async fn a_token_that_is_dead_on_arrival_is_made_anew() {
        // The second ticked between the two clocks: not equal to updated_at, and over already.
        let dead = row("edge", NOW - 1, NOW);
        let steps = [nothing(), empty(201), rows([dead]), empty(200), empty(201)];
        let server = script(steps.into_iter().chain([rows([fresh("edge")])])).await;
        let new = new(client(&server).create(edge()).await.unwrap());
        assert_eq!(new.secret().expose_secret(), jwt(NOW, NOW));
        let sent = sent(&server).await;
        assert_eq!(
            sent.iter().map(Sent::line).collect::<Vec<_>>(),
            [&value_of("edge"), POST, LIST, DELETE, POST, LIST]
        );
        assert_eq!(sent[3].json(), json!({"name": "edge"}));
        assert_eq!(sent[4].json(), sent[1].json());
    }

    #[tokio::test]
    async fn a_dead_token_is_made_anew_three_times_at_most_and_none_is_left() {
        let round = || [empty(201), rows([row("edge", NOW - 1, NOW)]), empty(200)];
        let steps = [nothing()]
            .into_iter()
            .chain(round())
            .chain(round())
            .chain(round());
        let server = script(steps).await;
        let error = client(&server).create(edge()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Server, "{error}");
        assert!(!error.may_have_been_sent(), "{error}");
        assert_eq!(
            lines(&server).await[1..],
            [POST, LIST, DELETE, POST, LIST, DELETE, POST, LIST, DELETE]
        );
    }

    #[tokio::test]
    async fn a_token_that_somebody_has_changed_since_is_not_touched() {
        let updated = with(
            row("edge", LATER, NOW),
            json!({"token": jwt(LATER, NOW - 7)}),
        );
        let server = script([nothing(), empty(201), rows([updated])]).await;
        let draft = TokenBody::builder("edge").expires(Duration::from_secs(86_400));
        let created = client(&server).create(draft).await.unwrap();
        assert!(created.already_existed());
        assert_eq!(lines(&server).await[1..], [POST, LIST]);
    }

    #[tokio::test]
    async fn an_inactive_token_is_no_reason_to_try_again() {
        let off = with(row("edge", LATER, NOW), json!({"active": 0}));
        let server = script([nothing(), empty(201), rows([off])]).await;
        let draft = TokenBody::builder("edge")
            .active(false)
            .expires(Duration::from_secs(86_400));
        let new = new(client(&server).create(draft).await.unwrap());
        assert!(!new.token().is_active());
        assert_eq!(lines(&server).await.len(), 3);
    }

    #[tokio::test]
    async fn a_refusal_is_told_as_it_is() {
        let text = "The expiration_date must be greater than current time";
        let server = script([nothing(), bare(400, text)]).await;
        let error = client(&server).create(edge()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
        assert_eq!(error.message(), Some(text));
        assert!(!error.may_have_been_sent(), "{error}");
        assert_eq!(lines(&server).await, [&value_of("edge"), POST]);
    }

    #[tokio::test]
    async fn nothing_is_posted_if_the_first_look_fails() {
        let server = script([empty(401)]).await;
        let error = client(&server).create(edge()).await.unwrap_err();
        assert!(
            error.is_unauthenticated() && !error.may_have_been_sent(),
            "{error}"
        );
        assert_eq!(lines(&server).await, [value_of("edge")]);
    }
}

mod update {
    use super::*;

    #[tokio::test]
    async fn an_update_reads_back_and_says_whether_the_new_secret_works() {
        let dead = with(
            row("edge", LATER, NOW),
            json!({"token": jwt(LATER, NOW - 60)}),
        );
        let off = with(row("edge", LATER, NOW), json!({"active": 0}));
        let was_never = row("edge", NOW - 60, NOW);
        let unreadable = with(row("edge", LATER, NOW), json!({"token": "junk"}));
        for (row, liveness) in [
            (dead, Liveness::Unusable),
            (row("edge", LATER, NOW), Liveness::Alive),
            (off, Liveness::Inactive),
            (was_never, Liveness::Expired),
            (unreadable, Liveness::Unknown),
        ] {
            let secret = row["token"].as_str().unwrap().to_owned();
            let server = script([empty(200), rows([fresh("other"), row])]).await;
            let updated = client(&server)
                .update("edge", Changes::new().write(true))
                .await
                .unwrap();
            assert_eq!(updated.liveness, liveness);
            assert_eq!(updated.new.secret().expose_secret(), secret);
            assert_eq!(updated.new.token().name, "edge");
            assert_eq!(lines(&server).await, [PUT, LIST]);
        }
    }

    #[tokio::test]
    async fn an_unknown_name_is_not_found_in_both_ways_of_the_server() {
        let partial = script([bare(400, "Query returned no rows")]).await;
        let error = client(&partial)
            .update("edge", Changes::new().active(true))
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.status().unwrap().as_u16()),
            (ErrorKind::NotFound, 400)
        );
        assert!(!error.may_have_been_sent(), "{error}");
        assert_eq!(lines(&partial).await, [PUT]);

        let whole = script([empty(200), rows([fresh("other")])]).await;
        let changes = Changes::new().active(true).write(true);
        let update = client(&whole).update("edge", changes.expires(Duration::from_secs(5)));
        let error = update.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert!(!error.may_have_been_sent(), "{error}");
        assert_eq!(error.operation(), Some("updateToken"));
        assert_eq!(lines(&whole).await, [PUT, LIST]);
    }

    #[tokio::test]
    async fn a_lost_answer_is_not_followed_by_another_update() {
        let raw = Raw::start(|_| Reply::Close).await;
        let error = stubborn(&raw.uri)
            .update("edge", Changes::new().active(true))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{error}");
        assert!(error.hint().unwrap().contains("updated_at"), "{error}");
        assert_eq!(raw.seen().len(), 1);
    }

    #[tokio::test]
    async fn an_update_that_cannot_be_read_back_leaves_the_outcome_open() {
        let server = script([empty(200), empty(500)]).await;
        let error = client(&server)
            .update("edge", Changes::new().active(true))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{error}");
        assert!(error.may_have_been_sent(), "{error}");
    }
}

mod rotate {
    use super::*;

    #[tokio::test]
    async fn a_rotation_to_a_new_name_makes_the_new_one_before_it_deletes_the_old() {
        let old = with(row("edge", LATER, NOW - 9), json!({"write": 0}));
        let made = with(row("edge-2", LATER, NOW), json!({"write": 0}));
        let same = value_is(&jwt(LATER, NOW - 9));
        let steps = [rows([old]), nothing(), empty(201), rows([made]), same];
        let server = script(steps.into_iter().chain([empty(200)])).await;
        let rotated = client(&server)
            .rotate_to("edge", "edge-2", Changes::new())
            .await
            .unwrap();
        assert_eq!(rotated.new.token().name, "edge-2");
        assert_eq!(rotated.new.secret().expose_secret(), jwt(LATER, NOW));
        assert!(
            matches!(rotated.old, OldToken::Deleted),
            "{:?}",
            rotated.old
        );
        let sent = sent(&server).await;
        assert_eq!(
            sent.iter().map(Sent::line).collect::<Vec<_>>(),
            [
                LIST,
                &value_of("edge-2"),
                POST,
                LIST,
                &value_of("edge"),
                DELETE
            ]
        );
        let like_the_old = json!({"name": "edge-2", "active": true, "write": false,
                                  "expiration_date": LATER});
        assert_eq!(sent[2].json(), like_the_old);
        assert_eq!(sent[5].json(), json!({"name": "edge"}));
    }

    #[tokio::test]
    async fn a_rotation_in_place_deletes_and_creates() {
        let steps = [
            rows([row("edge", NOW - 9, NOW - 9)]),
            empty(200),
            nothing(),
            empty(201),
        ];
        let server = script(steps.into_iter().chain([rows([fresh("edge")])])).await;
        let rotated = client(&server)
            .rotate_in_place("edge", Changes::new())
            .await
            .unwrap();
        assert_eq!(rotated.new.secret().expose_secret(), jwt(NOW, NOW));
        assert!(matches!(rotated.old, OldToken::Deleted));
        let sent = sent(&server).await;
        assert_eq!(
            sent.iter().map(Sent::line).collect::<Vec<_>>(),
            [LIST, DELETE, &value_of("edge"), POST, LIST]
        );
        // It never expired, and neither does the new one.
        assert_eq!(
            sent[3].json(),
            json!({"name": "edge", "active": true, "write": true})
        );
    }

    #[tokio::test]
    async fn changes_are_made_with_the_rotation() {
        let server = script([rows([fresh("edge")]), nothing(), empty(401)]).await;
        let changes = Changes::new().active(false).write(false);
        let changes = changes.expires(Duration::from_secs(7));
        let rotate = client(&server).rotate_to("edge", "edge-2", changes);
        assert!(rotate.await.is_err());
        let body = json!({"name": "edge-2", "active": false, "write": false,
                          "expiration_date": NOW + 7});
        assert_eq!(sent(&server).await[2].json(), body);

        let server = script([rows([row("edge", LATER, NOW)]), nothing(), empty(401)]).await;
        let rotate =
            client(&server).rotate_to("edge", "edge-2", Changes::new().expires(Expiry::Never));
        assert!(rotate.await.is_err());
        let body = json!({"name": "edge-2", "active": true, "write": true});
        assert_eq!(sent(&server).await[2].json(), body);
    }

    #[tokio::test]
    async fn an_old_token_that_cannot_be_deleted_is_told_and_the_rotation_stands() {
        let steps = [
            rows([fresh("edge")]),
            nothing(),
            empty(201),
            rows([fresh("edge-2")]),
            value_is(&jwt(NOW, NOW)),
        ];
        let server = script(
            steps
                .into_iter()
                .chain([bare(500, "Internal Server Error")]),
        )
        .await;
        let rotated = client(&server)
            .rotate_to("edge", "edge-2", Changes::new())
            .await
            .unwrap();
        assert_eq!(rotated.new.secret().expose_secret(), jwt(NOW, NOW));
        let OldToken::DeleteFailed(error) = rotated.old else {
            panic!("{:?}", rotated.old)
        };
        assert_eq!(error.status().unwrap().as_u16(), 500);
        assert_eq!(error.operation(), Some("deleteToken"));
    }

    #[tokio::test]
    async fn whatever_fails_before_it_leaves_the_old_token_alone() {
        let old = || rows([fresh("edge")]);
        for (steps, kind) in [
            (vec![nothing()], ErrorKind::NotFound),
            (vec![empty(401)], ErrorKind::Unauthenticated),
            (
                vec![old(), found(), rows([fresh("edge"), fresh("new")])],
                ErrorKind::Conflict,
            ),
            (
                vec![old(), nothing(), bare(400, "no")],
                ErrorKind::InvalidRequest,
            ),
            (
                vec![old(), nothing(), empty(500), old()],
                ErrorKind::OutcomeUnknown,
            ),
            (
                vec![old(), nothing(), empty(201), empty(500)],
                ErrorKind::OutcomeUnknown,
            ),
        ] {
            let server = script(steps).await;
            let error = client(&server)
                .rotate_to("edge", "new", Changes::new())
                .await
                .unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            let deleted = lines(&server).await.iter().any(|line| line == DELETE);
            assert!(!deleted, "{kind:?}: {error}");
        }
    }

    #[tokio::test]
    async fn a_token_that_is_over_needs_a_new_expiry() {
        for in_place in [true, false] {
            let server = always(rows([row("edge", NOW - 5, NOW - 9)])).await;
            let client = client(&server);
            let rotate = if in_place {
                client.rotate_in_place("edge", Changes::new())
            } else {
                client.rotate_to("edge", "new", Changes::new())
            };
            let error = rotate.await.unwrap_err();
            assert_eq!(
                (error.kind(), error.field()),
                (ErrorKind::InvalidInput, Some("expiry"))
            );
            assert_eq!(lines(&server).await, [LIST], "nothing is deleted");
        }
    }

    #[tokio::test]
    async fn a_rotation_in_place_that_fails_after_the_delete_says_so() {
        for rest in [
            vec![empty(401)],
            vec![nothing(), empty(401)],
            vec![nothing(), empty(500), nothing()],
            vec![found(), rows([fresh("edge")])],
        ] {
            let steps = [rows([fresh("edge")]), empty(200)].into_iter().chain(rest);
            let server = script(steps).await;
            let error = client(&server)
                .rotate_in_place("edge", Changes::new())
                .await
                .unwrap_err();
            assert!(error.may_have_been_sent(), "{error}");
            assert!(
                error.to_string().contains("the old token is deleted"),
                "{error}"
            );
        }
    }

    #[tokio::test]
    async fn a_delete_that_is_refused_ends_a_rotation_in_place() {
        let server = script([rows([fresh("edge")]), empty(401)]).await;
        let error = client(&server)
            .rotate_in_place("edge", Changes::new())
            .await
            .unwrap_err();
        assert!(
            error.is_unauthenticated() && !error.may_have_been_sent(),
            "{error}"
        );
        assert_eq!(lines(&server).await, [LIST, DELETE]);
    }
}

mod delete {
    use super::*;

    #[tokio::test]
    async fn a_delete_can_tell_whether_there_was_a_token() {
        let server = script([found(), empty(200), nothing()]).await;
        let client = client(&server);
        assert!(client.delete_existing("edge").await.unwrap());
        assert!(!client.delete_existing("edge").await.unwrap());
        assert_eq!(
            lines(&server).await,
            [&value_of("edge"), DELETE, &value_of("edge")]
        );
    }

    #[tokio::test]
    async fn a_delete_is_repeated_after_a_lost_answer() {
        let raw = Raw::start(|number| match number {
            0 => Reply::Close,
            _ => Reply::Bytes(whole(200, &[], "")),
        })
        .await;
        stubborn(&raw.uri).delete("edge\n").await.unwrap();
        assert_eq!(raw.seen().len(), 2);
        assert!(
            raw.seen()
                .iter()
                .all(|request| request.ends_with(r#"{"name":"edge\n"}"#))
        );
    }
}

mod errors {
    use super::*;

    /// Calls each operation once, in a way that sends a single request.
    async fn each(client: &Client) -> Vec<(&'static str, Result<(), Error>)> {
        vec![
            ("listTokens", client.list().await.map(drop)),
            (
                "updateToken",
                client
                    .update("edge", Changes::new().active(true))
                    .await
                    .map(drop),
            ),
            ("deleteToken", client.delete("edge").await),
            ("getTokenValue", client.value("edge").await.map(drop)),
        ]
    }

    #[tokio::test]
    async fn every_status_of_every_operation_is_kept_whatever_the_body() {
        for (status, kind) in [
            (400, ErrorKind::InvalidRequest),
            (401, ErrorKind::Unauthenticated),
            (404, ErrorKind::EndpointMissing),
            (414, ErrorKind::UnexpectedStatus),
            (431, ErrorKind::UnexpectedStatus),
            (500, ErrorKind::Server),
        ] {
            for (body, answer) in bodies(status) {
                let server = always(answer.clone()).await;
                let mut outcomes = each(&client(&server)).await;
                let post = script([nothing(), answer, nothing()]).await;
                outcomes.push(("createToken", client(&post).create(edge()).await.map(drop)));
                assert_eq!(outcomes.len(), 5);
                for (operation, outcome) in outcomes {
                    let error = outcome.unwrap_err();
                    let at = format!("{operation} {status} {body}: {error}");
                    let once = matches!(operation, "createToken" | "updateToken");
                    if once && status == 500 {
                        assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{at}");
                        assert_eq!(error.cause(), Some(kind), "{at}");
                    } else {
                        assert_eq!(error.kind(), kind, "{at}");
                    }
                    assert_eq!(error.may_have_been_sent(), status == 500, "{at}");
                    assert_eq!(error.status().unwrap().as_u16(), status, "{at}");
                    assert_eq!(error.operation(), Some(operation), "{at}");
                    assert_eq!(error.service().name(), "Query Server", "{at}");
                    assert!(!at.contains("Sign in"), "{at}");
                }
            }
        }
    }

    #[tokio::test]
    async fn a_404_never_means_that_a_token_is_missing() {
        let server = always(bare(404, "404 Not Found")).await;
        for (operation, outcome) in each(&client(&server)).await {
            let error = outcome.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::EndpointMissing, "{operation}");
            assert!(!error.is_not_found(), "{operation}");
            assert!(
                error.hint().unwrap().contains("create_token"),
                "{operation}"
            );
            assert_eq!(error.message(), Some("404 Not Found"));
        }
    }

    #[tokio::test]
    async fn an_empty_401_comes_with_a_hint_about_admins() {
        let server = always(empty(401)).await;
        let error = client(&server).list().await.unwrap_err();
        assert!(
            error.is_unauthenticated() && error.message().is_none(),
            "{error}"
        );
        assert!(error.hint().unwrap().contains("admin"), "{error}");
    }

    #[tokio::test]
    async fn a_locked_database_is_tried_again_by_every_write() {
        let server = script([
            nothing(),
            locked(),
            locked(),
            empty(201),
            rows([fresh("edge")]),
        ])
        .await;
        let _ = new(stubborn(&server.uri()).create(edge()).await.unwrap());
        assert_eq!(
            lines(&server).await,
            [&value_of("edge"), POST, POST, POST, LIST]
        );

        let server = script([locked(), empty(200), rows([fresh("edge")])]).await;
        let updated = stubborn(&server.uri())
            .update("edge", Changes::new().write(true))
            .await
            .unwrap();
        assert_eq!(updated.liveness, Liveness::Alive);
        assert_eq!(lines(&server).await, [PUT, PUT, LIST]);

        let server = script([locked(), bare(400, "database is locked\n"), empty(200)]).await;
        stubborn(&server.uri()).delete("edge").await.unwrap();
        assert_eq!(lines(&server).await, [DELETE; 3]);
    }

    #[tokio::test]
    async fn a_database_that_stays_locked_is_a_failure_of_the_server_without_effect() {
        let server = script([nothing(), locked(), locked(), locked(), locked()]).await;
        let error = stubborn(&server.uri()).create(edge()).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.attempts()),
            (ErrorKind::Server, 4),
            "{error}"
        );
        assert_eq!(error.status().unwrap().as_u16(), 400);
        assert_eq!(error.message(), Some("database is locked"));
        assert!(!error.may_have_been_sent(), "{error}");
    }

    #[tokio::test]
    async fn other_texts_of_a_400_are_not_tried_again() {
        for text in [
            "The database is locked",
            "near \"database is locked\"",
            "missing field `name`",
        ] {
            let server = always(bare(400, text)).await;
            let error = stubborn(&server.uri()).delete("edge").await.unwrap_err();
            assert_eq!(
                (error.kind(), error.attempts()),
                (ErrorKind::InvalidRequest, 1),
                "{error}"
            );
        }
    }

    #[tokio::test]
    async fn any_2xx_is_taken_for_the_documented_success() {
        for status in [200, 201, 202, 204] {
            let server = script([nothing(), empty(status), rows([fresh("edge")])]).await;
            let _ = new(client(&server).create(edge()).await.unwrap());
            let server = script([empty(status), rows([fresh("edge")]), empty(status)]).await;
            let _ = client(&server)
                .update("edge", Changes::new().active(true))
                .await
                .unwrap();
            client(&server).delete("edge").await.unwrap();
        }
        for status in [201, 202] {
            let list = json!({"data": [fresh("edge")]});
            let server = always(json(status, &list)).await;
            assert_eq!(client(&server).list().await.unwrap().data.len(), 1);
        }
    }

    #[tokio::test]
    async fn a_page_in_place_of_an_empty_success_is_no_success() {
        let server = always(html(200)).await;
        let error = client(&server).delete("edge").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
        assert!(error.hint().unwrap().contains("not the API"), "{error}");
    }

    #[test]
    fn a_base_url_is_needed_and_stops_before_the_path_of_the_api() {
        let error = Client::builder().credential("x").build().unwrap_err();
        assert_eq!(
            (error.kind(), error.field()),
            (ErrorKind::Config, Some("base_url"))
        );
        assert!(error.to_string().contains("QUERY_DEPLOY_URL"), "{error}");
        for path in ["/_", "/_/", "/x/_", "/_/token", "/_/token/"] {
            let url = format!("https://query.example{path}");
            let error = Client::builder()
                .credential("x")
                .base_url(url)
                .build()
                .unwrap_err();
            assert_eq!(error.field(), Some("base_url"), "{path}");
        }
    }
}
