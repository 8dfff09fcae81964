//! Logins, and what those who are logged in may do.

use std::sync::{Arc, Mutex};

use access_tokens::rotation::sink::{Delivery, Sink as _, SinkErrorKind};
use access_tokens::{Marker, Secret};
use access_tokens_stores::{VaultAuth, VaultKv2};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{Bao, deliver, token, version};

const POLICY: &str = r#"path "secret/*" { capabilities = ["read", "create", "update", "patch"] }"#;

#[tokio::test]
async fn a_policy_that_is_too_narrow_is_found_before_anything_is_sent() {
    let Some(bao) = Bao::start().await else {
        return;
    };
    let full = r#"path "secret/data/app" { capabilities = ["read", "create", "update"] }"#;
    let read = r#"path "secret/data/app" { capabilities = ["read"] }"#;
    for (policy, text, allowed) in [("full", full, true), ("read", read, false)] {
        bao.post(
            &format!("sys/policies/acl/{policy}"),
            json!({ "policy": text }),
        )
        .await;
        let (_, made) = bao
            .post("auth/token/create", json!({ "policies": [policy] }))
            .await;
        let secret = made["auth"]["client_token"].as_str().unwrap().to_owned();
        let sink = bao.sink_with("app", "token", VaultAuth::token(secret.as_str()));
        let checked = sink.check().await;
        if allowed {
            checked.unwrap();
            let owner = Marker::random();
            let (token, seen) = (token(), version(&sink).await);
            let (new, old, value) = (owner.attempt(1), owner.attempt(0), Secret::new("s"));
            let delivery = Delivery::new(&value, &token, &new, &old).with_managed(Some("x"));
            let written = sink
                .deliver(&delivery.with_seen(Some(&seen)))
                .await
                .unwrap();
            // Without a right on the metadata the delivery stands.
            assert!(written.warning.unwrap().contains("metadata"));
        } else {
            let error = checked.unwrap_err();
            assert_eq!(error.kind(), SinkErrorKind::NotStored);
            let text = format!("{error} {error:?} {sink:?}");
            assert!(
                text.contains("secret/data/app") && text.contains("create"),
                "{text}"
            );
            assert!(!text.contains(&secret), "{text}");
        }
    }
    let error = bao
        .sink_with("app", "token", VaultAuth::token("wrong"))
        .check()
        .await;
    assert!(error.unwrap_err().to_string().contains("403"));
}

#[tokio::test]
async fn it_logs_in_by_approle_and_by_file_and_again_when_a_login_has_ended() {
    let Some(bao) = Bao::start().await else {
        return;
    };
    bao.post("sys/policies/acl/app", json!({ "policy": POLICY }))
        .await;
    bao.post("sys/auth/approle", json!({ "type": "approle" }))
        .await;
    let role = json!({ "token_policies": ["app"], "token_ttl": "1h" });
    bao.post("auth/approle/role/app", role).await;
    let (_, id) = bao.get("auth/approle/role/app/role-id").await;
    let (_, secret) = bao.post("auth/approle/role/app/secret-id", json!({})).await;
    let auth = VaultAuth::app_role(
        id["data"]["role_id"].as_str().unwrap(),
        secret["data"]["secret_id"].as_str().unwrap(),
    );
    let sink = bao.sink_with("app", "token", auth);
    sink.check().await.unwrap();
    // All its tokens are revoked; the next call gets another.
    bao.post("sys/leases/revoke-prefix/auth/approle", json!({}))
        .await;
    sink.check().await.unwrap();

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let sink = bao.sink_with("app", "token", VaultAuth::token_file(&file));
    assert_eq!(
        sink.check().await.unwrap_err().kind(),
        SinkErrorKind::NotStored
    );
    std::fs::write(&file, "root\n").unwrap();
    sink.check().await.unwrap();
}

const AUDIENCE: &str = "https://kubernetes.default.svc";

/// A certificate that has to be given, though plain http asks for none.
const NOBODY: &str = "\
-----BEGIN CERTIFICATE-----\n\
MIIBejCCAR+gAwIBAgIUaih8nSbaEhsrXUKibcVgUPt1sSEwCgYIKoZIzj0EAwIw\n\
ETEPMA0GA1UEAwwGbm9ib2R5MCAXDTI2MTEyNjAxMzczNFoYDzIxMjYxMTAyMDEz\n\
NzM0WjARMQ8wDQYDVQQDDAZub2JvZHkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC\n\
AARFiQ7CHaXJlg9ngEKL/D70iYiswx0ZJ9XKd/5lhzU1qlmnYqznDlLr94guhHDP\n\
h3239d2iKklC94pOeg6PBSsqo1MwUTAdBgNVHQ4EFgQU6VwWdNadhJuQ2cJrJ0ZT\n\
TVbP95YwHwYDVR0jBBgwFoAU6VwWdNadhJuQ2cJrJ0ZTTVbP95YwDwYDVR0TAQH/\n\
BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEAiV3PuGGbGLNl5n1KwClxZ6WvmU5p\n\
pp5Na6TC7e6GGE8CIQC8Ul27FVLwpgWAoVysFV3XAKSibqn2amGXbaHV4B2n1w==\n\
-----END CERTIFICATE-----\n\
";

/// The API server of a cluster, as far as `OpenBao` asks it: whose token is this?
async fn reviews(asked: Arc<Mutex<Vec<Value>>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let asked = Arc::clone(&asked);
            tokio::spawn(async move {
                let (mut request, mut piece) = (Vec::new(), [0; 4_096]);
                let review: Value = loop {
                    let read = client.read(&mut piece).await.unwrap();
                    assert!(read > 0, "the request is cut off");
                    request.extend_from_slice(&piece[..read]);
                    let text = String::from_utf8_lossy(&request);
                    let body = text.split_once("\r\n\r\n").map(|(_, body)| body);
                    if let Some(Ok(review)) = body.map(serde_json::from_str) {
                        break review;
                    }
                };
                let token = review["spec"]["token"].as_str().unwrap();
                let known = token == service_account("known");
                let user = json!({"username": "system:serviceaccount:prod:app", "uid": "1"});
                let status = if known {
                    json!({"authenticated": true, "user": user, "audiences": [AUDIENCE]})
                } else {
                    json!({"authenticated": false, "error": "not known"})
                };
                let answer = json!({
                    "apiVersion": "authentication.k8s.io/v1",
                    "kind": "TokenReview",
                    "status": status,
                })
                .to_string();
                asked.lock().unwrap().push(review);
                let head = "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\n\
                            connection: close";
                let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{answer}", answer.len());
                client.write_all(answer.as_bytes()).await.unwrap();
            });
        }
    });
    address
}

/// A token of a service account, with a signature that only the review can judge.
fn service_account(signature: &str) -> String {
    let encoded = |value: Value| base64(value.to_string().as_bytes());
    let account = json!({"name": "app", "uid": "1"});
    let claims = json!({
        "iss": AUDIENCE,
        "sub": "system:serviceaccount:prod:app",
        "aud": [AUDIENCE],
        "exp": 4_000_000_000_u64,
        "iat": 1_700_000_000,
        "nbf": 1_700_000_000,
        "kubernetes.io": {"namespace": "prod", "serviceaccount": account},
    });
    let head = json!({"alg": "RS256", "typ": "JWT"});
    let signature = base64(signature.as_bytes());
    format!("{}.{}.{signature}", encoded(head), encoded(claims))
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
    let bits: Vec<_> = bits.collect();
    let letters = bits.chunks(6).map(|six| {
        let index = six
            .iter()
            .fold(0, |index, bit| index << 1 | usize::from(*bit));
        char::from(LETTERS[index << (6 - six.len())])
    });
    letters.collect()
}

#[tokio::test]
async fn it_logs_in_with_the_service_account_of_a_pod() {
    let Some(bao) = Bao::start().await else {
        return;
    };
    let asked: Arc<Mutex<Vec<Value>>> = Arc::default();
    let cluster = reviews(Arc::clone(&asked)).await;
    bao.post("sys/policies/acl/app", json!({ "policy": POLICY }))
        .await;
    bao.post("sys/auth/cluster", json!({ "type": "kubernetes" }))
        .await;
    let config = json!({
        "kubernetes_host": cluster,
        "kubernetes_ca_cert": NOBODY,
        "disable_local_ca_jwt": true,
        "token_reviewer_jwt": service_account("reviewer"),
    });
    bao.post("auth/cluster/config", config).await;
    let role = json!({
        "bound_service_account_names": "app",
        "bound_service_account_namespaces": "prod",
        "token_policies": ["app"],
        "audience": AUDIENCE,
    });
    bao.post("auth/cluster/role/app", role).await;

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let sink = bao.sink_with("app", "token", VaultAuth::jwt("cluster", "app", &file));
    std::fs::write(&file, service_account("nobody")).unwrap();
    let error = sink.check().await.unwrap_err();
    assert_eq!(error.kind(), SinkErrorKind::NotStored);
    let text = format!("{error} {error:?} {sink:?}");
    assert!(
        text.contains("the login at") && text.contains("mount cluster"),
        "{text}"
    );
    assert!(!text.contains(&service_account("nobody")), "{text}");

    // The cluster changes the file now and then; it is read at each login.
    std::fs::write(&file, service_account("known") + "\n").unwrap();
    sink.check().await.unwrap();
    let owner = Marker::random();
    deliver(&sink, "secret", &owner.attempt(1), &owner.attempt(0)).await;
    assert_eq!(bao.data("app").await["token"], "secret");
    // One login for all of it.
    assert_eq!(asked.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_namespace_is_a_place_of_its_own() {
    let Some(bao) = Bao::start().await else {
        return;
    };
    bao.post("sys/namespaces/team", json!({})).await;
    let engine = json!({"type": "kv", "options": {"version": "2"}});
    bao.post("team/sys/mounts/secret", engine).await;
    for _ in 0..200 {
        if bao.get("team/secret/config").await.0 == 200 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let builder = VaultKv2::builder(bao.address(), "app", "token").namespace("team");
    let sink = builder.auth(VaultAuth::token("root")).build().unwrap();
    sink.check().await.unwrap();
    let owner = Marker::random();
    deliver(&sink, "theirs", &owner.attempt(1), &owner.attempt(0)).await;
    let (_, there) = bao.get("team/secret/data/app").await;
    assert_eq!(there["data"]["data"]["token"], "theirs");
    assert_eq!(bao.get("secret/data/app").await.0, 404);
    // The same path in another namespace is another place; however it is written, one place is one.
    assert_ne!(sink.id(), bao.sink("app", "token").id());
    let whole = VaultKv2::builder(bao.address(), "app", "token").mount("team/secret");
    assert_eq!(sink.id(), whole.build().unwrap().id());
}
