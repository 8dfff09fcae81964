//! Patches and kinds of roles.

use access_tokens::Clock as _;
use access_tokens_testing::LaunchDarkly;
use serde_json::json;

use super::{DAY, Setup, ms, reader, text};

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
