//! Whom a client is taken for, which token is its own, and whether a secret is that of a token.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use access_tokens::launchdarkly::{Client, OldSecret, Role, Statement, TokenBody};
use access_tokens::{
    BoxFuture, CredentialError, CredentialProvider, ErrorKind, OwnCredential, RetryPolicy, Secret,
    Service, TokenKey, TokenRecord, TokenService, TokenServiceExt as _, Verification, avisi_cloud,
    query_server,
};
use access_tokens_testing::launchdarkly::{Operation, Seed};
use access_tokens_testing::query_server::{Operation as QueryOperation, Seed as Row};
use access_tokens_testing::{AvisiCloud, Fault, LaunchDarkly, QueryServer};
use serde_json::{Value, json};

fn client(twin: &LaunchDarkly, credential: Secret) -> Client {
    let builder = Client::builder().base_url(twin.base_url());
    let builder = builder.credential(credential).retry(RetryPolicy::none());
    builder.build().unwrap()
}

async fn own(client: &Client, key: &str) -> OwnCredential {
    let record = TokenService::get(client, &TokenKey::from(key)).await;
    client.is_own_credential(&record.unwrap()).await.unwrap()
}

fn asked(twin: &LaunchDarkly) -> usize {
    let identity = |path: &&str| *path == "/api/v2/caller-identity";
    let all = twin.requests();
    all.iter().map(|one| &*one.path).filter(identity).count()
}

fn answer(status: u16, body: &Value) -> Fault {
    Fault::Answer {
        status,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: body.to_string().into_bytes(),
    }
}

mod launchdarkly {
    use super::*;

    #[tokio::test]
    async fn a_caller_is_told_in_full() {
        let twin = LaunchDarkly::start().await.unwrap();
        let token = twin.seed(Seed::new("nightly").role("writer").service());
        let ld = client(&twin, token.secret.clone());
        let caller = ld.whoami().await.unwrap();
        assert_eq!(caller.token_id.unwrap().as_str(), token.id);
        assert_eq!(caller.token_name.as_deref(), Some("nightly"));
        assert_eq!(caller.service_token, Some(true));

        let caller = TokenService::whoami(&ld).await.unwrap();
        assert_eq!(caller.key, Some(TokenKey::from(&*token.id)));
        assert_eq!(caller.name.as_deref(), Some("nightly"));
        assert_eq!(caller.kind.as_deref(), Some("service"));
        assert!(caller.account.is_some() && caller.owner.is_some());
        assert!(ld.capabilities().identifies_caller);
    }

    #[tokio::test]
    async fn the_own_token_is_told_by_its_id_and_asked_for_once() {
        let twin = LaunchDarkly::start().await.unwrap();
        // Its secret ends like that of the credential.
        let own_secret = twin.credential();
        let tail = &own_secret.expose_secret()[own_secret.expose_secret().len() - 4..];
        let alike = Secret::new(format!("api-00000000-1111-4222-8333-44444444{tail}"));
        let other = twin.seed(Seed::new("other").role("admin").secret(alike));
        let ld = client(&twin, twin.credential());
        for _ in 0..3 {
            assert_eq!(own(&ld, twin.credential_id()).await, OwnCredential::Yes);
            assert_eq!(own(&ld, &other.id).await, OwnCredential::No);
            assert_eq!(own(&ld.clone(), &other.id).await, OwnCredential::No);
        }
        assert_eq!(asked(&twin), 1, "once for all clones");

        // Another credential is another caller.
        ld.replace_credential(other.secret).unwrap();
        assert_eq!(own(&ld, &other.id).await, OwnCredential::Yes);
        assert_eq!(own(&ld, twin.credential_id()).await, OwnCredential::No);
        assert_eq!(asked(&twin), 2);
    }

    #[tokio::test]
    async fn a_session_is_no_token_of_the_list() {
        let twin = LaunchDarkly::start().await.unwrap();
        let ld = client(&twin, twin.session_credential("admin"));
        assert_eq!(own(&ld, twin.credential_id()).await, OwnCredential::No);
        let caller = TokenService::whoami(&ld).await.unwrap();
        assert_eq!(
            (caller.key, caller.kind.as_deref()),
            (None, Some("session"))
        );
    }

    #[tokio::test]
    async fn where_the_service_does_not_tell_the_tail_proves_nothing_but_likeness() {
        let twin = LaunchDarkly::start().await.unwrap();
        let other = twin.seed(Seed::new("other"));
        for answer in [
            Fault::Status(404),
            Fault::Status(405),
            Fault::Status(403),
            answer(200, &json!({})),
            answer(200, &json!({"accountId": "a", "memberId": "m"})),
            answer(200, &json!({"authKind": "token", "accountId": "a"})),
            answer(200, &json!({"tokenName": "x", "clientId": "c"})),
            answer(200, &json!({"serviceToken": true, "authKind": "x"})),
            answer(200, &json!({"tokenId": "", "tokenKind": "personal"})),
            answer(200, &json!([])),
        ] {
            twin.on(Operation::CallerIdentity).then(answer.clone());
            let ld = client(&twin, twin.credential());
            let own_token = own(&ld, twin.credential_id()).await;
            assert_eq!(own_token, OwnCredential::Yes, "{answer:?}");
            let other = own(&ld, &other.id).await;
            assert_eq!(other, OwnCredential::Unknown, "{answer:?}");
        }
    }

    #[tokio::test]
    async fn an_answer_that_did_not_come_is_an_error_and_is_asked_for_again() {
        let twin = LaunchDarkly::start().await.unwrap();
        twin.on(Operation::CallerIdentity).then(Fault::Status(503));
        let ld = client(&twin, twin.credential());
        let key = TokenKey::from(twin.credential_id());
        let record = TokenService::get(&ld, &key).await.unwrap();
        let error = ld.is_own_credential(&record).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Server, "{error}");
        let again = ld.is_own_credential(&record).await.unwrap();
        assert_eq!(again, OwnCredential::Yes);
    }

    /// Gives the first secret until it is refused.
    #[derive(Debug)]
    struct Renewed(Mutex<Vec<Secret>>, AtomicUsize);

    impl CredentialProvider for Renewed {
        fn credential(&self) -> BoxFuture<'_, Result<Secret, CredentialError>> {
            self.1.fetch_add(1, Ordering::SeqCst);
            let secret = self.0.lock().unwrap()[0].clone();
            Box::pin(async { Ok(secret) })
        }

        fn renew<'a>(&'a self, rejected: &'a Secret) -> BoxFuture<'a, bool> {
            let mut all = self.0.lock().unwrap();
            let more = all.len() > 1 && all[0] == *rejected;
            if more {
                all.remove(0);
            }
            Box::pin(async move { more })
        }
    }

    #[tokio::test]
    async fn a_provider_is_no_hindrance() {
        let twin = LaunchDarkly::start().await.unwrap();
        let other = twin.seed(Seed::new("other"));
        let secrets = vec![Secret::new("api-stale"), twin.credential()];
        let provider = Renewed(Mutex::new(secrets), AtomicUsize::new(0));
        let builder = Client::builder().base_url(twin.base_url());
        let ld = builder.credential_provider(provider).build().unwrap();
        // The first thing that is asked, and refused.
        let key = TokenKey::from(twin.credential_id());
        let record = TokenRecord::new(Service::LAUNCH_DARKLY, key);
        let first = ld.is_own_credential(&record).await.unwrap();
        assert_eq!((first, asked(&twin)), (OwnCredential::Yes, 2));
        assert_eq!(own(&ld, twin.credential_id()).await, OwnCredential::Yes);
        assert_eq!(own(&ld, &other.id).await, OwnCredential::No);
        assert_eq!(asked(&twin), 2);
    }

    /// A token that may do one thing, and not read tokens.
    async fn narrow(twin: &LaunchDarkly) -> (Client, TokenKey, Secret) {
        let ld = client(twin, twin.credential());
        let toggle = Statement::allow()
            .resources(["proj/*:env/staging:flag/*"])
            .actions(["updateOn"]);
        let new = ld
            .create(TokenBody::builder().inline_policy([toggle]))
            .await;
        let (token, secret) = new.unwrap().into_parts();
        (ld, TokenKey::from(token.id), secret)
    }

    #[tokio::test]
    async fn a_narrow_secret_that_may_not_read_tokens_works_all_the_same() {
        for status in [401, 403, 404] {
            let twin = LaunchDarkly::builder().denied_reads(status);
            let twin = twin.start().await.unwrap();
            let (ld, key, secret) = narrow(&twin).await;
            let verified = ld.verify(&key, &secret).await.unwrap();
            assert_eq!(verified, Verification::Accepted, "{status}");
        }
    }

    #[tokio::test]
    async fn a_secret_is_verified_as_that_of_its_token() {
        let twin = LaunchDarkly::start().await.unwrap();
        let ld = client(&twin, twin.credential());
        let (one, two) = (twin.seed(Seed::new("one")), twin.seed(Seed::new("two")));
        let key = TokenKey::from(&*one.id);
        let verified = ld.verify(&key, &one.secret).await.unwrap();
        assert_eq!(verified, Verification::Accepted);

        let error = ld.verify(&key, &two.secret).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        assert!(error.to_string().contains(&two.id), "{error}");

        let dead = Secret::new("api-00000000-0000-4000-8000-000000000000");
        let verified = ld.verify(&key, &dead).await.unwrap();
        assert_eq!(verified, Verification::Refused);

        let id = one.id.parse().unwrap();
        let new = ld.reset(&id, OldSecret::EndsAtOnce).await.unwrap();
        let verified = ld.verify(&key, new.secret()).await.unwrap();
        assert_eq!(verified, Verification::Accepted);
        let verified = ld.verify(&key, &one.secret).await.unwrap();
        assert_eq!(verified, Verification::Refused);
    }

    #[tokio::test]
    async fn whatever_leaves_it_open_is_no_verification() {
        let twin = LaunchDarkly::start().await.unwrap();
        let ld = client(&twin, twin.credential());
        let token = twin.seed(Seed::new("one"));
        let key = TokenKey::from(&*token.id);
        for (answer, kind) in [
            (Fault::Status(403), ErrorKind::PermissionDenied),
            (Fault::Status(404), ErrorKind::EndpointMissing),
            (Fault::Status(500), ErrorKind::Server),
            (answer(200, &json!({})), ErrorKind::Decode),
            (
                answer(200, &json!({"authKind": "session"})),
                ErrorKind::Decode,
            ),
            (answer(200, &json!({"tokenId": ""})), ErrorKind::Decode),
        ] {
            twin.on(Operation::CallerIdentity).then(answer.clone());
            let error = ld.verify(&key, &token.secret).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{answer:?}: {error}");
        }
    }

    #[tokio::test]
    async fn nothing_of_it_shows_a_secret() {
        let twin = LaunchDarkly::start().await.unwrap();
        let ld = client(&twin, twin.credential());
        let token = twin.seed(Seed::new("one"));
        own(&ld, &token.id).await;
        let secret = twin.credential();
        assert!(!format!("{ld:?} {ld:#?}").contains(secret.expose_secret()));
        let other = twin.seed(Seed::new("two"));
        let key = TokenKey::from(&*token.id);
        let error = ld.verify(&key, &other.secret).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains(other.secret.expose_secret()));
        let record = serde_json::to_string(&TokenService::get(&ld, &key).await.unwrap()).unwrap();
        let tail = &token.secret.expose_secret()[token.secret.expose_secret().len() - 4..];
        assert!(!record.contains(&format!("/{tail}")), "{record}");
    }
}

mod query_server_ {
    use super::*;

    fn client(twin: &QueryServer, credential: Secret) -> query_server::Client {
        let builder = query_server::Client::builder().base_url(twin.base_url());
        builder.credential(credential).build().unwrap()
    }

    #[tokio::test]
    async fn a_user_is_told_by_the_claims_and_owns_no_token_of_the_list() {
        let twin = QueryServer::start().await.unwrap();
        twin.seed(Row::new("edge"));
        let query = client(&twin, twin.credential());
        let caller = query.as_service().whoami().await.unwrap();
        assert!(caller.owner.is_some() && caller.kind.is_some() && caller.key.is_none());
        let record = query.as_service().get(&"edge".into()).await.unwrap();
        let own = query.is_own_credential(&record).await.unwrap();
        assert_eq!(own, OwnCredential::No);
        let calls = twin.requests();
        assert_eq!(calls.len(), 1, "the credential itself tells: {calls:?}");
    }

    #[tokio::test]
    async fn a_credential_that_may_be_of_the_list_is_held_against_it() {
        let twin = QueryServer::start().await.unwrap();
        let edge = twin.seed(Row::new("edge"));
        twin.seed(Row::new("other"));
        let admin = client(&twin, twin.credential());
        let all = admin.list_all().await.unwrap();
        // What the server makes of such a credential is to refuse it; here a proxy lets it pass.
        let own = client(&twin, edge.secret.clone());
        let value = json!({"data": [{"token": edge.secret.expose_secret()}]});
        for (record, expected) in [(&all[0], OwnCredential::Yes), (&all[1], OwnCredential::No)] {
            let value = if record.key.as_str() == "edge" {
                value.clone()
            } else {
                json!({"data": [{"token": "another"}]})
            };
            twin.on(QueryOperation::Value).then(answer(200, &value));
            let told = own.is_own_credential(record).await.unwrap();
            assert_eq!(told, expected, "{}", record.key);
        }
        let error = own.is_own_credential(&all[0]).await.unwrap_err();
        assert!(error.is_unauthenticated(), "{error}");
        // One without claims tells nothing of itself.
        let opaque = client(&twin, Secret::new("opaque"));
        let error = opaque.as_service().whoami().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }

    #[tokio::test]
    async fn a_row_that_does_not_tell_verifies_nothing() {
        let twin = QueryServer::start().await.unwrap();
        let query = client(&twin, twin.credential());
        let opaque = Secret::new("not-a-jwt");
        twin.seed(Row::new("odd").secret(opaque.clone()));
        let key = TokenKey::from("odd");
        let error = query.verify(&key, &opaque).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
        let verified = query.verify(&key, &Secret::new("another")).await.unwrap();
        assert_eq!(verified, Verification::Refused);
    }
}

#[tokio::test]
async fn avisi_cloud_tells_nothing_and_says_so() {
    let twin = AvisiCloud::start().await.unwrap();
    let builder = avisi_cloud::Client::builder().base_url(twin.base_url());
    let avisi = builder.credential(twin.credential()).build().unwrap();
    for record in avisi.list_all().await.unwrap() {
        let own = avisi.is_own_credential(&record).await.unwrap();
        assert_eq!(own, OwnCredential::Unknown);
    }
    let error = avisi.whoami().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(!avisi.capabilities().identifies_caller);
}

#[tokio::test]
async fn avisi_cloud_accepts_a_secret_that_may_not_look_at_tokens() {
    let twin = AvisiCloud::start().await.unwrap();
    let builder = avisi_cloud::Client::builder().base_url(twin.base_url());
    let avisi = builder.credential(twin.credential()).build().unwrap();
    let key = TokenKey::from("any");
    for (status, expected) in [
        (403, Ok(Verification::Accepted)),
        (401, Ok(Verification::Refused)),
        (404, Err(ErrorKind::EndpointMissing)),
    ] {
        twin.on(access_tokens_testing::avisi_cloud::Operation::List)
            .then(Fault::Status(status));
        let verified = avisi.verify(&key, &twin.credential()).await;
        assert_eq!(verified.map_err(|error| error.kind()), expected);
    }
}

async fn used(service: impl TokenService) {
    let template = access_tokens::TokenTemplate::from({
        let mut body = TokenBody::default();
        body.role = Some(Role::Reader);
        body
    });
    let overrides = access_tokens::Overrides::new().name("made");
    let new = service.create(&template, overrides).await.unwrap();
    let key = &new.token().key;
    assert_eq!(
        service.get(key).await.unwrap().name.as_deref(),
        Some("made")
    );
    let own = service.is_own_credential(new.token()).await.unwrap();
    assert_eq!(own, OwnCredential::No);
    let verified = service.verify(key, new.secret()).await.unwrap();
    assert_eq!(verified, Verification::Accepted);
    assert!(service.capabilities().set_expiry && service.secret(key).await.unwrap().is_none());
    assert_eq!(service.calls(access_tokens::Action::Create), ["postToken"]);
    assert!(service.whoami().await.unwrap().key.is_some());
    service.delete(key).await.unwrap();
}

#[tokio::test]
async fn a_service_behind_a_pointer_is_the_service() {
    let twin = LaunchDarkly::start().await.unwrap();
    let ld = client(&twin, twin.credential());
    let shared: Arc<dyn TokenService> = Arc::new(ld.clone());
    let boxed: Box<dyn TokenService> = Box::new(ld.clone());
    let nested: Arc<Box<dyn TokenService>> = Arc::new(Box::new(&*Box::leak(Box::new(ld.clone()))));

    used(Arc::clone(&shared)).await;
    used(&shared).await;
    used(&boxed).await;
    used(nested).await;
    used(&ld).await;
    assert_eq!(shared.list_all().await.unwrap().len(), 1);
    let _ = access_tokens::inventory::Inventory::new().add("shared", shared);
}
