//! Secrets and how they end.

use std::time::Duration;

use access_tokens::{Clock as _, Secret};
use access_tokens_testing::LaunchDarkly;
use access_tokens_testing::launchdarkly::{Seed, UnsetExpiry};
use serde_json::{Value, json};

use super::{DAY, Setup, ms, reader, text};

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
    setup.clock.advance(Duration::from_millis(86_400_000 - 1));
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
