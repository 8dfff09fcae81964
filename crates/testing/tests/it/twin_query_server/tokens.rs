//! The operations on tokens, and which tokens live.

use std::time::Duration;

use access_tokens::Secret;
use base64::Engine as _;
use serde_json::json;

use super::{Setup, claims, read, reply};

#[tokio::test]
async fn a_created_token_is_listed_with_its_secret_and_integers_for_booleans() {
    let it = Setup::new().await;
    assert_eq!(
        it.call("GET", "/_/token", "").await,
        reply(200, r#"{"data":[]}"#)
    );
    let now = it.twin.now();
    let body = json!({"name": "ci", "expiration_date": now + 60, "write": false, "id": 77});
    assert_eq!(it.post(body).await, reply(201, ""));
    let token = it.value("?name=ci").await.unwrap();
    let expected = format!(
        r#"{{"data":[{{"active":1,"created_at":{now},"expiration_date":{},"id":1,"name":"ci","token":"{token}","updated_at":{now},"write":0}}]}}"#,
        now + 60
    );
    assert_eq!(
        it.call("GET", "/_/token?limit=0", "ignored").await,
        reply(200, &expected)
    );

    let claims = claims(&token);
    assert_eq!(claims["exp"], now + 60);
    assert_eq!(claims["iat"], now);
    assert_eq!(claims["iss"], "token");
    assert_eq!(claims["sub"].as_str().unwrap().len(), 36);
    let header = token.split('.').next().unwrap();
    let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header);
    assert_eq!(header.unwrap(), br#"{"alg":"HS256","typ":"JWT"}"#);
    assert!((180..=230).contains(&token.len()), "{}", token.len());

    // The content type of the request does not matter, nor does a position instead of a name.
    assert_eq!(it.post(json!(["four", null, false, null])).await.0, 201);
    let rows = it.list().await;
    assert_eq!(rows[1]["name"], "four");
    assert_eq!(
        (&rows[1]["active"], &rows[1]["write"]),
        (&json!(0), &json!(1))
    );
}

#[tokio::test]
async fn a_duplicate_or_empty_name_is_a_silent_201() {
    let it = Setup::new().await;
    it.post(json!({"name": "a", "expiration_date": 4_000_000_000_i64}))
        .await;
    let before = it.list().await;
    it.clock.advance(Duration::from_secs(9));
    let again = json!({"name": "a", "active": false, "write": false});
    assert_eq!(it.post(again).await, reply(201, ""));
    assert_eq!(it.post(json!({"name": ""})).await, reply(201, ""));
    assert_eq!(it.list().await, before);
    // Both burned an id.
    assert_eq!(it.post(json!({"name": " "})).await, reply(201, ""));
    let tokens = it.twin.tokens();
    assert_eq!((tokens[1].id, &*tokens[1].name), (4, " "));
}

#[tokio::test]
async fn expiry_is_in_seconds_and_strict() {
    let it = Setup::new().await;
    let now = it.twin.now();
    let refused = reply(400, "The expiration_date must be greater than current time");
    for end in [now - 1, 0, -5] {
        assert_eq!(
            it.post(json!({"name": "x", "expiration_date": end})).await,
            refused
        );
    }
    it.post(json!({"name": "short", "expiration_date": now + 10}))
        .await;
    // For a name that exists, too.
    assert_eq!(
        it.post(json!({"name": "short", "expiration_date": 0}))
            .await,
        refused
    );
    it.post(json!({"name": "millis", "expiration_date": 1_609_459_200_000_i64}))
        .await;
    it.post(json!({"name": "max", "expiration_date": i64::MAX}))
        .await;
    it.post(json!({"name": "now", "expiration_date": now}))
        .await;
    it.post(json!({"name": "none"})).await;
    it.post(json!({"name": "null", "expiration_date": null}))
        .await;

    it.clock.advance(Duration::from_secs(9));
    assert!(it.alive("short").await.0);
    it.clock.advance(Duration::from_secs(1));
    assert!(!it.alive("short").await.0);
    it.clock.advance(Duration::from_secs(86_400 * 365 * 100));
    for name in ["millis", "max", "now", "none", "null"] {
        assert!(it.alive(name).await.0, "{name}");
    }
    let rows = it.list().await;
    assert_eq!(rows[1]["expiration_date"], 1_609_459_200_000_i64);
    assert_eq!(rows[4]["expiration_date"], rows[4]["updated_at"]);
}

#[tokio::test]
async fn bodies_are_read_strictly_and_errors_quote_them() {
    let it = Setup::new().await;
    let post = async |body: &str| it.call("POST", "/_/token", body).await;
    assert_eq!(post("").await, reply(400, "The body is empty"));
    assert_eq!(
        post(r#"{"active":true}"#).await,
        reply(400, "missing field `name` at line 1 column 15")
    );
    assert_eq!(
        post(r#"{"name":"a","expiration_date":"secret"}"#).await,
        reply(
            400,
            r#"invalid type: string "secret", expected i64 at line 1 column 38"#
        )
    );
    assert_eq!(
        post("null").await,
        reply(
            400,
            "invalid type: null, expected struct CreateTokenOptions at line 1 column 4"
        )
    );
    assert_eq!(
        post(r#"["a"]"#).await,
        reply(
            400,
            "invalid length 1, expected struct CreateTokenOptions with 4 elements at line 1 column 5"
        )
    );
    for body in [
        r#"{"name":null}"#,
        r#"{"name":7}"#,
        r#"{"name":"a","expiration_date":1.0}"#,
        r#"{"name":"a","expiration_date":2e9}"#,
        r#"{"name":"a","expiration_date":9223372036854775808}"#,
        r#"{"name":"a","active":1}"#,
        r#"{"name":"a","write":0}"#,
        r#"{"name":"a","write":"true"}"#,
        r#"{"name":"a","name":"b"}"#,
        r#"["a"]"#,
        r#"{"name":"\ud800"}"#,
        "\u{feff}{\"name\":\"a\"}",
        r#"{"name":"a"} x"#,
        "no JSON",
        "\n\t",
    ] {
        for method in ["POST", "PUT"] {
            let (status, text) = it.call(method, "/_/token", body).await;
            assert_eq!(status, 400, "{method} {body}");
            assert!(!text.is_empty());
        }
    }
    let credential = it.twin.credential();
    let broken = it
        .http
        .post(format!("{}/_/token", it.twin.base_url()))
        .header("authorization", format!("x {}", credential.expose_secret()))
        .body(vec![b'"', 0xff, b'"']);
    let broken = read(broken.send().await.unwrap()).await;
    assert_eq!(broken, reply(500, "Internal Server Error"));
    assert!(it.twin.tokens().is_empty());

    // Raw control bytes vanish before the body is parsed, escaped ones stay.
    let pretty = "{\r\n\t\"name\": \"a\nb\\nc\",\r\n\t\"owner\": 1\r\n}";
    assert_eq!(post(pretty).await, reply(201, ""));
    assert_eq!(it.list().await[0]["name"], "ab\nc");
}

#[tokio::test]
async fn a_value_is_looked_up_by_form_rules() {
    let it = Setup::new().await;
    for name in ["a b", "a+b", "ü&", "é", "e\u{301}"] {
        it.post(json!({"name": name, "expiration_date": i64::MAX}))
            .await;
    }
    let of = |index: usize| it.twin.tokens()[index].secret.expose_secret().to_owned();
    assert_eq!(it.value("?name=a+b").await, Some(of(0)));
    assert_eq!(it.value("?name=a%20b").await, Some(of(0)));
    assert_eq!(it.value("?name=a%2Bb").await, Some(of(1)));
    assert_eq!(it.value("?name=%C3%BC%26").await, Some(of(2)));
    assert_eq!(it.value("?name=%C3%A9").await, Some(of(3)));
    assert_eq!(it.value("?name=e%CC%81").await, Some(of(4)));
    assert_eq!(it.value("?name=x&name=a+b").await, Some(of(0)));
    for nothing in [
        "?name=A+B",
        "?name=",
        "?name",
        "?name=a+b&name=x",
        "?name=%ff",
    ] {
        assert_eq!(it.value(nothing).await, None, "{nothing}");
    }
    let path = "/_/token/value";
    assert_eq!(
        it.call("GET", path, "").await,
        reply(400, "Missing query string")
    );
    for query in ["?", "?NAME=a", "?other=1"] {
        let answer = it.call("GET", &format!("{path}{query}"), "").await;
        assert_eq!(answer, reply(400, "Missing query string: name"));
    }
    // Inactive and expired ones as well.
    it.put(json!({"name": "é", "active": false, "expiration_date": 1}))
        .await;
    assert!(!it.alive("%C3%A9").await.0);
}

#[tokio::test]
async fn an_update_signs_with_the_time_of_the_change_before() {
    let it = Setup::new().await;
    let created = it.twin.now();
    let end = created + 1_000;
    it.post(json!({"name": "a", "expiration_date": end})).await;
    let (alive, first) = it.alive("a").await;
    assert!(alive);
    // In the same second: a new token that works.
    assert_eq!(it.put(json!({"name": "a"})).await, reply(200, ""));
    let (alive, second) = it.alive("a").await;
    assert!(alive && second != first);
    assert!(!it.twin.authenticates(&Secret::new(first)));
    // Later: dead, with the old `iat`.
    it.clock.advance(Duration::from_secs(2));
    it.put(json!({"name": "a", "write": false})).await;
    let (alive, third) = it.alive("a").await;
    assert!(!alive);
    assert_eq!(claims(&third)["iat"], created);
    let row = &it.list().await[0];
    assert_eq!(row["updated_at"], created + 2);
    assert_eq!(row["created_at"], created);
    assert_eq!((&row["write"], &row["active"]), (&json!(0), &json!(1)));
    assert_eq!(row["expiration_date"], end);
    // Twice within a second: the second one works.
    it.put(json!({"name": "a"})).await;
    assert!(it.alive("a").await.0);
    // Deleted and made again: works, with another id.
    it.clock.advance(Duration::from_secs(2));
    it.delete(json!({"name": "a"})).await;
    it.post(json!({"name": "a", "expiration_date": end})).await;
    assert!(it.alive("a").await.0);
    assert_eq!(it.list().await[0]["id"], 2);
}

#[tokio::test]
async fn an_update_ends_never_and_takes_past_dates() {
    let it = Setup::new().await;
    it.post(json!({"name": "never"})).await;
    it.clock.advance(Duration::from_secs(2));
    it.put(json!({"name": "never"})).await;
    it.put(json!({"name": "never"})).await;
    assert!(
        !it.alive("never").await.0,
        "it has lost its mark and is expired"
    );
    let now = it.twin.now();
    for _ in 0..2 {
        it.put(json!({"name": "never", "expiration_date": now}))
            .await;
    }
    it.clock.advance(Duration::from_secs(1_000));
    assert!(it.alive("never").await.0, "the mark is back");
    for end in [1, 0, -7] {
        let past = json!({"name": "never", "expiration_date": end});
        assert_eq!(it.put(past).await, reply(200, ""));
        assert_eq!(it.list().await[0]["expiration_date"], end);
    }
}

#[tokio::test]
async fn an_unknown_name_is_noticed_by_a_partial_update_alone() {
    let it = Setup::new().await;
    let end = 4_000_000_000_i64;
    for name in ["nobody", ""] {
        for body in [
            json!({"name": name}),
            json!({"name": name, "active": true, "write": true}),
            json!({"name": name, "active": true, "write": null, "expiration_date": end}),
        ] {
            assert_eq!(it.put(body).await, reply(400, "Query returned no rows"));
        }
        let full = json!({"name": name, "active": true, "write": true, "expiration_date": end});
        assert_eq!(it.put(full).await, reply(200, ""));
    }
    assert!(it.twin.tokens().is_empty());
}

#[tokio::test]
async fn a_delete_takes_a_body_and_always_succeeds() {
    let it = Setup::new().await;
    for name in ["a", "b", "c"] {
        it.post(json!({"name": name})).await;
    }
    assert_eq!(it.delete(json!({"name": "a"})).await, reply(200, ""));
    assert_eq!(it.delete(json!(["b"])).await, reply(200, ""));
    for name in ["a", "", "%"] {
        assert_eq!(it.delete(json!({"name": name})).await, reply(200, ""));
    }
    let nameless = it.call("DELETE", "/_/token?name=c", "").await;
    assert_eq!(nameless, reply(400, "The body is empty"));
    assert_eq!(it.delete(json!({"name": null})).await.0, 400);
    assert_eq!(it.twin.tokens().len(), 1);
}

#[tokio::test]
async fn longer_lives_than_allowed_are_cut_without_a_word() {
    let longest = Duration::from_secs(3600);
    let it = Setup::with(|builder| builder.max_lifetime(longest)).await;
    let now = it.twin.now();
    for (name, end, granted) in [
        ("short", json!(now + 60), now + 60),
        ("long", json!(now + 7200), now + 3600),
        ("now", json!(now), now + 3600),
        ("none", json!(null), now + 3600),
    ] {
        it.post(json!({"name": name, "expiration_date": end})).await;
        let rows = it.list().await;
        assert_eq!(rows.last().unwrap()["expiration_date"], granted, "{name}");
        assert!(it.alive(name).await.0);
    }
    it.put(json!({"name": "short", "expiration_date": i64::MAX}))
        .await;
    assert_eq!(it.list().await[0]["expiration_date"], now + 3600);
    it.clock.advance(longest);
    assert!(!it.alive("none").await.0);
}
