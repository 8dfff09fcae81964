//! Who may do what, and which requests are refused.

use access_tokens::Clock as _;
use access_tokens_testing::LaunchDarkly;
use access_tokens_testing::launchdarkly::Seed;
use serde_json::{Value, json};

use super::{DAY, Setup, reader};

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
    let shown = format!("/tokens/{}", demoted.id);
    let role = setup.get(&shown).await.ok(200)["_member"]["role"].clone();
    assert_eq!(role, "admin");
    // A personal token can no more than its member.
    assert!(twin.set_member_role(&member, "reader") && !twin.set_member_role("nobody", "reader"));
    let role = setup.get(&shown).await.ok(200)["_member"]["role"].clone();
    assert_eq!(role, "reader");
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
async fn the_caller_is_told_who_it_is() {
    let setup = Setup::new().await;
    let end = setup.clock.now() + DAY;
    let token = setup.twin.seed(Seed::new("me").service().expiry(end));
    let asked = setup.get_as(&token.secret, "/caller-identity").await;
    assert_eq!(asked.header("content-type"), Some("application/json"));
    let identity = asked.ok(200);
    let expected = json!({
        "accountId": identity["accountId"],
        "authKind": "token",
        "tokenKind": "service",
        "tokenId": token.id,
        "tokenName": "me",
        "serviceToken": true,
        "memberId": token.member_id,
        "expiresAt": setup.in_ms(DAY),
    });
    assert_eq!(identity, expected);
    // It is a use like any other.
    let used = setup.twin.token(&token.id).unwrap().last_used;
    assert_eq!(used, Some(setup.clock.now()));
    setup.clock.advance(DAY);
    let asked = setup.get_as(&token.secret, "/caller-identity").await;
    asked.refused(401, "unauthorized");
    let posted = setup.call("POST", "/caller-identity", json!({})).await;
    posted.refused(405, "method_not_allowed");
    assert_eq!(posted.header("allow"), Some("GET"));
}

#[tokio::test]
async fn tokens_that_may_not_read_tokens_are_told_who_they_are() {
    for (status, code) in [
        (401, "unauthorized"),
        (403, "forbidden"),
        (404, "not_found"),
    ] {
        let setup = Setup::with(LaunchDarkly::builder().denied_reads(status)).await;
        let narrow = setup.twin.seed(Seed::new("narrow").custom_roles(["flags"]));
        let own = format!("/tokens/{}", narrow.id);
        for path in ["/tokens", &own] {
            setup
                .get_as(&narrow.secret, path)
                .await
                .refused(status, code);
        }
        let asked = setup.get_as(&narrow.secret, "/caller-identity").await;
        assert_eq!(asked.ok(200)["tokenId"], json!(narrow.id));
        let reader = setup.twin.member_credential("reader");
        setup.get_as(&reader, "/tokens").await.ok(200);
    }
}

#[tokio::test]
async fn a_session_is_no_token() {
    let setup = Setup::new().await;
    let session = setup.twin.session_credential("admin");
    assert!(setup.alive(&session).await);
    let identity = setup.get_as(&session, "/caller-identity").await.ok(200);
    assert_eq!(identity["authKind"], "session");
    assert!(identity["memberId"].is_string());
    assert!(identity.get("tokenId").is_none(), "{identity}");
    let made = setup
        .call_as(&session, "POST", "/tokens", reader("made"))
        .await;
    assert_eq!(made.ok(201)["memberId"], identity["memberId"]);
    assert_eq!(setup.twin.tokens().len(), 2);
    let member = identity["memberId"].as_str().unwrap();
    assert!(setup.twin.remove_member(member));
    assert!(!setup.alive(&session).await);
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
    let encoded = format!("%{:02X}{}", id.as_bytes()[0], &id[1..]);
    setup.get(&format!("/tokens/{encoded}")).await.ok(200);
}
