//! Rate limits.

use std::time::Duration;

use access_tokens_testing::LaunchDarkly;
use access_tokens_testing::launchdarkly::{RateLimit, Seed};
use serde_json::{Value, json};

use super::{DAY, Setup, reader};

#[tokio::test]
async fn budgets_run_out_and_come_back_with_the_window() {
    let limit = RateLimit::new().global(4).route(3).per_token(10);
    let setup = Setup::with(LaunchDarkly::builder().rate_limit(limit)).await;
    setup.clock.advance(Duration::from_millis(2500));
    let end = setup.in_ms(Duration::from_millis(7500)).to_string();
    let first = setup.get("/tokens").await;
    for (name, value) in [
        ("x-ratelimit-global-limit", "4"),
        ("x-ratelimit-global-remaining", "3"),
        ("x-ratelimit-route-limit", "3"),
        ("x-ratelimit-route-remaining", "2"),
        ("x-ratelimit-reset", end.as_str()),
        ("x-ratelimit-auth-token-limit", "10"),
        ("x-ratelimit-auth-token-remaining", "9"),
        ("x-ratelimit-auth-token-reset", end.as_str()),
    ] {
        assert_eq!(first.header(name), Some(value), "{name}");
    }
    assert_eq!(first.header("retry-after"), None);
    setup.get("/tokens").await.ok(200);
    setup.get("/tokens").await.ok(200);
    let refused = setup.get("/tokens").await;
    refused.refused(429, "rate_limited");
    assert_eq!(refused.header("x-ratelimit-route-remaining"), Some("0"));
    assert_eq!(refused.header("x-ratelimit-global-remaining"), Some("1"));
    assert_eq!(refused.header("x-ratelimit-reset"), Some(end.as_str()));
    // Another route still has room, until the account has none.
    setup.get("/caller-identity").await.ok(200);
    let refused = setup.call("POST", "/tokens", reader("a")).await;
    refused.refused(429, "rate_limited");
    assert_eq!(setup.twin.tokens().len(), 1);
    assert_eq!(refused.header("x-ratelimit-global-remaining"), Some("0"));
    setup.clock.advance(Duration::from_millis(7499));
    setup
        .get("/caller-identity")
        .await
        .refused(429, "rate_limited");
    setup.clock.advance(Duration::from_millis(1));
    setup.get("/caller-identity").await.ok(200);
}

#[tokio::test]
async fn budgets_of_tokens_and_addresses() {
    let limit = RateLimit::new().per_token(1);
    let setup = Setup::with(LaunchDarkly::builder().rate_limit(limit)).await;
    let other = setup.twin.seed(Seed::new("other")).secret;
    setup.get("/tokens").await.ok(200);
    let refused = setup.get("/tokens").await;
    refused.refused(429, "rate_limited");
    assert_eq!(refused.header("x-ratelimit-reset"), None);
    assert!(refused.header("x-ratelimit-auth-token-reset").is_some());
    setup.get_as(&other, "/tokens").await.ok(200);

    let limit = RateLimit::new().per_ip(2).window(Duration::from_secs(60));
    let setup = Setup::with(LaunchDarkly::builder().rate_limit(limit)).await;
    setup.clock.advance(Duration::from_millis(15_100));
    setup.get("/tokens").await.ok(200);
    setup
        .get_as(&"wrong".into(), "/tokens")
        .await
        .refused(401, "unauthorized");
    let refused = setup.get("/tokens").await;
    refused.refused(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), Some("45"));
    assert_eq!(refused.header("x-ratelimit-reset"), None);
    setup.clock.advance(Duration::from_secs(45));
    setup.get("/tokens").await.ok(200);

    let limit = RateLimit::new().global(0).per_ip(1).without_hints();
    let setup = Setup::with(LaunchDarkly::builder().rate_limit(limit)).await;
    for _ in 0..2 {
        let refused = setup.get("/tokens").await;
        refused.refused(429, "rate_limited");
        let hint = |name: &http::HeaderName| name.as_str().starts_with("x-rate");
        assert!(!refused.2.keys().any(hint) && refused.header("retry-after").is_none());
    }
}

#[tokio::test]
async fn longer_lives_than_allowed_are_cut_without_a_word() {
    let setup = Setup::with(LaunchDarkly::builder().max_lifetime(30 * DAY)).await;
    let create = async |expiry: Value| {
        let body = json!({"name": "a", "role": "reader", "expiry": expiry});
        setup.call("POST", "/tokens", body).await.ok(201)
    };
    let longest = setup.in_ms(30 * DAY);
    for (asked, granted) in [
        (json!(setup.in_ms(10 * DAY)), setup.in_ms(10 * DAY)),
        (json!(setup.in_ms(90 * DAY)), longest),
        (Value::Null, longest),
        (json!(0), longest),
    ] {
        assert_eq!(create(asked.clone()).await["expiry"], granted, "{asked}");
    }
    let (id, _) = setup.create(reader("b")).await;
    setup.clock.advance(DAY);
    let rename = json!([{"op": "replace", "path": "/name", "value": "c"}]);
    assert_eq!(setup.patch(&id, rename).await.ok(200)["expiry"], longest);
    let forever = json!([{"op": "remove", "path": "/expiry"}]);
    let moved = setup.patch(&id, forever).await.ok(200);
    assert_eq!(moved["expiry"], setup.in_ms(30 * DAY));
    // What was there before the rule stays.
    let seeded = setup.twin.seed(Seed::new("endless"));
    assert_eq!(seeded.expiry, None);
}

#[tokio::test]
async fn ends_may_be_cut_to_whole_days() {
    let setup = Setup::with(LaunchDarkly::builder().expiry_granularity(DAY)).await;
    setup.clock.advance(Duration::from_secs(3 * 3600));
    let body = json!({"name": "a", "role": "reader", "expiry": setup.in_ms(2 * DAY)});
    let made = setup.call("POST", "/tokens", body).await.ok(201);
    let whole_days = setup.in_ms(Duration::from_secs(45 * 3600));
    assert_eq!(made["expiry"], whole_days);
    let unset = setup.call("POST", "/tokens", reader("b")).await.ok(201);
    assert_eq!(unset.get("expiry"), None);
}

#[tokio::test]
async fn an_account_may_have_so_many_tokens() {
    let setup = Setup::with(LaunchDarkly::builder().max_tokens(3)).await;
    let (first, _) = setup.create(reader("a")).await;
    setup.create(reader("b")).await;
    let full = setup.call("POST", "/tokens", reader("c")).await;
    full.refused(400, "invalid_request");
    assert_eq!(setup.twin.tokens().len(), 3);
    let path = format!("/tokens/{first}");
    setup.call("DELETE", &path, Value::Null).await.ok(204);
    setup.create(reader("c")).await;
}
