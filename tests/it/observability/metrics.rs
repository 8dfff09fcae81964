//! What an observer is told.

use std::sync::{Arc, Mutex};

use access_tokens::launchdarkly::{Role, TokenBody};
use access_tokens::{
    Attempt, ClientBuilder, Observed, RetryPolicy, ServiceClient, Wait, WaitReason, avisi_cloud,
    launchdarkly, query_server,
};
use access_tokens_testing::VirtualClock;
use serde_json::json;

use super::port;
use crate::support::{self, Raw, Reply, SECOND, at, id, one_attempt, script, whole};

/// What was told, as text that names each member.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn listen<C: ServiceClient>(&self, builder: ClientBuilder<C>) -> ClientBuilder<C> {
        let told = Arc::clone(&self.0);
        builder.observer(move |observed: &Observed<'_>| {
            let text = match observed {
                Observed::Attempt(attempt) => attempt_text(attempt),
                Observed::Wait(wait) => wait_text(wait),
                other => format!("{other:?}"),
            };
            told.lock().unwrap().push(text);
        })
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

fn attempt_text(attempt: &Attempt<'_>) -> String {
    format!(
        "{} {} {} {}:{} status {:?} error {:?} resend {} took {:?}",
        attempt.service,
        attempt.method,
        attempt.operation.template(),
        attempt.server_address,
        attempt.server_port,
        attempt.status.map(|status| status.as_u16()),
        attempt.error_type,
        attempt.resend_count,
        attempt.duration,
    )
}

fn wait_text(wait: &Wait<'_>) -> String {
    let Wait {
        service,
        operation,
        reason,
        duration,
        ..
    } = wait;
    format!(
        "{service} {operation} waited {duration:?} for {}",
        reason.as_str()
    )
}

#[tokio::test]
async fn attempts_and_waits_are_told_with_their_durations() {
    let clock = VirtualClock::new();
    let server_clock = clock.clone();
    let token = json!({"_id": id().as_str(), "ownerId": "o", "memberId": "m", "creationDate": 1,
                       "lastModified": 2, "_links": {}, "defaultApiVersion": 20_240_415});
    let raw = Raw::start(move |number| {
        server_clock.advance(2 * SECOND);
        Reply::Bytes(match number {
            0 => whole(503, &[("retry-after", "5")], ""),
            1 => whole(200, &[], &token.to_string()),
            _ => return Reply::Close,
        })
    })
    .await;
    let told = Told::default();
    let builder = told.listen(at(launchdarkly::Client::builder(), &raw.uri).clock(clock));
    let builder = builder.retry(RetryPolicy::default().max_attempts(2));
    let ld = builder.build().unwrap();
    ld.get(&id()).await.unwrap();
    let body = TokenBody::builder().name("n").role(Role::Reader);
    ld.create(body).await.unwrap_err();

    let on = format!("127.0.0.1:{}", port(&raw.uri));
    let read = format!("LaunchDarkly GET /api/v2/tokens/{{id}} {on}");
    let mut all = told.all();
    let wait = all.remove(1);
    // What the service asked for, and jitter.
    assert!(
        wait.starts_with("LaunchDarkly getToken waited 5."),
        "{wait}"
    );
    assert!(wait.ends_with("s for retry"), "{wait}");
    assert_eq!(
        all,
        [
            format!("{read} status Some(503) error Some(\"server\") resend 0 took 2s"),
            format!("{read} status Some(200) error None resend 1 took 2s"),
            format!(
                "LaunchDarkly POST /api/v2/tokens {on} status None error Some(\"transport\") \
                 resend 0 took 2s"
            ),
        ]
    );
}

#[tokio::test]
async fn a_wait_for_the_service_s_limit_is_told() {
    let reset = ((support::NOW + 4) * 1_000).to_string();
    let raw = Raw::start(move |_| {
        let limits = [
            ("x-ratelimit-route-limit", "1"),
            ("x-ratelimit-route-remaining", "0"),
            ("x-ratelimit-reset", &*reset),
        ];
        let page = r#"{"items": [], "_links": {}, "totalCount": 0}"#;
        Reply::Bytes(whole(200, &limits, page))
    })
    .await;
    let told = Told::default();
    let ld = told.listen(at(launchdarkly::Client::builder(), &raw.uri));
    let ld = ld.random_seed(1).build().unwrap();
    ld.list().page().await.unwrap();
    ld.list().page().await.unwrap();
    let all = told.all();
    assert_eq!(all.len(), 3, "{all:?}");
    assert!(
        all[1].starts_with("LaunchDarkly getTokens waited 4"),
        "{all:?}"
    );
    assert!(all[1].ends_with("s for limit"), "{all:?}");
    assert_eq!(WaitReason::Limit.as_str(), "limit");
}

#[tokio::test]
async fn the_three_services_have_it_alike() {
    let told = Told::default();
    let refused = || script([support::empty(401)]);
    let (one, two, three) = (refused().await, refused().await, refused().await);
    let ld: launchdarkly::Client = told
        .listen(at(launchdarkly::Client::builder(), one.uri()))
        .build()
        .unwrap();
    let query: query_server::Client = told
        .listen(at(query_server::Client::builder(), two.uri()))
        .build()
        .unwrap();
    let avisi: avisi_cloud::Client = told
        .listen(at(avisi_cloud::Client::builder(), three.uri()))
        .build()
        .unwrap();
    ld.whoami().await.unwrap_err();
    query.value("edge").await.unwrap_err();
    avisi.revoke(&id()).await.unwrap_err();
    let all = told.all();
    for (said, begins) in all.iter().zip([
        "LaunchDarkly GET /api/v2/caller-identity 127.0.0.1:",
        "Query Server GET /_/token/value 127.0.0.1:",
        "Avisi Cloud DELETE /sts/v1/personal-access-tokens/{token_id} 127.0.0.1:",
    ]) {
        assert!(said.starts_with(begins), "{said}");
        assert!(
            said.contains("status Some(401) error Some(\"unauthenticated\")"),
            "{said}"
        );
    }
    assert_eq!(all.len(), 3, "{all:?}");
}

/// What a create brought must not be lost for the sake of a figure.
#[tokio::test]
async fn an_observer_that_panics_costs_no_call() {
    let token = json!({"_id": id().as_str(), "ownerId": "o", "memberId": "m", "creationDate": 1,
                       "lastModified": 2, "_links": {}, "defaultApiVersion": 20_240_415,
                       "token": "api-whole"});
    let server = script([support::json(201, &token)]).await;
    let builder = launchdarkly::Client::builder().observer(|_: &Observed<'_>| panic!("on purpose"));
    let ld: launchdarkly::Client = one_attempt(builder, server.uri());
    let body = TokenBody::builder().name("n").role(Role::Reader);
    let new = ld.create(body).await.unwrap();
    assert_eq!(new.secret().expose_secret(), "api-whole");
}
