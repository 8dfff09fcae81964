//! Whether a token is due, at the edges of each rule.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use access_tokens::{Due, RotationPolicy, Service, TokenKey, TokenRecord, TokenState, When, days};

const DAY: u64 = 86_400;
const SECOND: Duration = Duration::from_secs(1);
const ALMOST_90_DAYS: Duration = Duration::from_secs(90 * DAY - 1);

fn now() -> SystemTime {
    UNIX_EPOCH + days(20_000)
}

fn token() -> TokenRecord {
    let mut token = TokenRecord::new(Service::new("Fourth"), TokenKey::new("k"));
    token.state = TokenState::Active;
    token
}

fn evaluate(policy: &RotationPolicy, change: impl FnOnce(&mut TokenRecord)) -> String {
    let mut token = token();
    change(&mut token);
    policy.due(&token, now()).to_string()
}

#[test]
fn the_end_is_due_at_the_limit_and_not_a_second_before() {
    let policy = RotationPolicy::new().expires_within(days(14));
    let ends_in = |rest| evaluate(&policy, |t| t.expires = When::At(now() + rest));
    assert_eq!(ends_in(days(6)), "due: expires in 6 days, policy: 14 days");
    assert_eq!(
        ends_in(days(14)),
        "due: expires in 14 days, policy: 14 days"
    );
    assert_eq!(
        ends_in(days(14) + SECOND),
        "not due: expires in 14 days 1 second, policy: 14 days"
    );
    assert_eq!(ends_in(SECOND), "due: expires in 1 second, policy: 14 days");
    assert_eq!(
        evaluate(&policy, |t| t.expires = When::Never),
        "not due: never expires, policy: 14 days"
    );
    assert_eq!(
        evaluate(&policy, |_| ()),
        "unknown: expiry not reported, policy: 14 days"
    );
}

#[test]
fn what_has_ended_is_renewed_only_if_asked() {
    let policy = RotationPolicy::new()
        .expires_within(days(14))
        .max_age(days(90));
    let asked = policy.clone().include_expired(true);
    let over = |t: &mut TokenRecord| t.expires = When::At(now());
    assert_eq!(evaluate(&policy, over), "not due: expired");
    assert_eq!(evaluate(&asked, over), "due: expired, policy: 14 days");
    let long = |t: &mut TokenRecord| t.expires = When::At(now() - days(3));
    assert_eq!(evaluate(&policy, long), "not due: expired 3 days ago");
    // The service's word counts where it gives no date.
    let told = |t: &mut TokenRecord| t.state = TokenState::Expired;
    assert_eq!(evaluate(&policy, told), "not due: expired");
    assert_eq!(evaluate(&asked, told), "due: expired, policy: 14 days");
    let off = |t: &mut TokenRecord| {
        t.state = TokenState::Inactive;
        t.expires = When::At(now() + SECOND);
    };
    assert_eq!(evaluate(&asked, off), "not due: is inactive");
}

#[test]
fn age_counts_from_creation() {
    let policy = RotationPolicy::new().max_age(days(90));
    let made = |ago| evaluate(&policy, |t| t.created = When::At(now() - ago));
    assert_eq!(made(days(90)), "due: created 90 days ago, policy: 90 days");
    assert_eq!(
        made(ALMOST_90_DAYS),
        "not due: created 89 days 23 hours ago, policy: 90 days"
    );
    assert_eq!(
        evaluate(&policy, |t| t.created = When::At(now() + days(1))),
        "not due: created 0 seconds ago, policy: 90 days"
    );
    assert_eq!(
        evaluate(&policy, |_| ()),
        "unknown: creation not reported, policy: 90 days"
    );
}

#[test]
fn never_used_is_not_the_same_as_not_reported() {
    let policy = RotationPolicy::new().unused_for(days(90));
    let used = |ago| evaluate(&policy, |t| t.last_used = When::At(now() - ago));
    assert!(used(days(90)).starts_with("due: last used 90 days ago"));
    assert!(used(ALMOST_90_DAYS).starts_with("not due: last used"));
    let never = |ago| {
        evaluate(&policy, |t| {
            t.last_used = When::Never;
            t.created = When::At(now() - ago);
        })
    };
    assert!(never(days(90)).starts_with("due: never used, created 90 days ago"));
    assert!(never(SECOND).starts_with("not due: never used, created 1 second ago"));
    let unknown = evaluate(&policy, |t| t.last_used = When::Never);
    assert!(unknown.starts_with("unknown: never used, creation not"));
    assert!(evaluate(&policy, |_| ()).starts_with("unknown: last use not reported"));
}

#[test]
fn one_rule_is_enough_and_a_missing_fact_is_told() {
    let policy = RotationPolicy::new()
        .max_age(days(90))
        .expires_within(days(14));
    let old = |t: &mut TokenRecord| t.created = When::At(now() - days(100));
    assert_eq!(
        evaluate(&policy, old),
        "due: created 100 days ago, policy: 90 days"
    );
    let young = |t: &mut TokenRecord| t.created = When::At(now() - days(1));
    assert_eq!(
        evaluate(&policy, young),
        "unknown: expiry not reported, policy: 14 days"
    );
    let fine = |t: &mut TokenRecord| {
        young(t);
        t.expires = When::Never;
    };
    assert_eq!(
        evaluate(&policy, fine),
        "not due: created 1 day ago, policy: 90 days; never expires, policy: 14 days"
    );
    assert_eq!(
        evaluate(&RotationPolicy::new(), old),
        "not due: the policy has no rules"
    );
}

#[test]
fn the_ends_of_the_range_do_not_panic() {
    let policy = RotationPolicy::new()
        .max_age(Duration::MAX)
        .expires_within(Duration::MAX)
        .unused_for(Duration::ZERO);
    for time in [UNIX_EPOCH, UNIX_EPOCH + days(u64::MAX / DAY / 4)] {
        let text = evaluate(&policy, |t| {
            t.created = When::At(time);
            t.expires = When::At(time);
            t.last_used = When::At(time);
        });
        assert!(!text.is_empty());
    }
    assert_eq!(days(u64::MAX), Duration::from_secs(u64::MAX));
}

#[test]
fn a_policy_is_written_as_a_person_would() {
    let policy = RotationPolicy::new()
        .max_age(days(90))
        .unused_for(days(1) + Duration::from_secs(43_200));
    let json = serde_json::json!({
        "max_age": "90d", "unused_for": "36h", "include_expired": false
    });
    assert_eq!(serde_json::to_value(&policy).unwrap(), json);
    assert_eq!(
        serde_json::from_value::<RotationPolicy>(json).unwrap(),
        policy
    );
    for text in ["36h", "1d 12h", " 1d12h ", "2160min"] {
        let json = serde_json::json!({"max_age": "90d", "unused_for": text});
        let read = serde_json::from_value::<RotationPolicy>(json);
        assert_eq!(read.unwrap(), policy, "{text}");
    }
    for wrong in [
        r#"{"max_age": "90"}"#,
        r#"{"max_age": 90}"#,
        r#"{"max_age": "-1d"}"#,
        // Minutes are `min`: somebody could mean months.
        r#"{"max_age": "1m"}"#,
        r#"{"max_age": "1d 3 m"}"#,
        r#"{"max_aeg": "90d"}"#,
    ] {
        assert!(
            serde_json::from_str::<RotationPolicy>(wrong).is_err(),
            "{wrong}"
        );
    }
    let due = policy.due(&token(), now());
    let json = serde_json::to_value(&due).unwrap();
    assert_eq!(json["due"], "unknown");
    assert_eq!(json["reason"], due.reason().to_string());
    assert_eq!(serde_json::from_value::<Due>(json).unwrap(), due);
}

#[test]
fn a_date_that_cannot_be_one_says_nothing() {
    let policy = RotationPolicy::new()
        .max_age(days(90))
        .expires_within(days(14))
        .unused_for(days(90))
        .include_expired(true);
    let year_292278994 = UNIX_EPOCH + Duration::from_millis(i64::MAX as u64);
    for odd in [UNIX_EPOCH, UNIX_EPOCH - days(1), year_292278994] {
        let text = evaluate(&policy, |t| {
            t.created = When::At(odd);
            t.expires = When::At(odd);
            t.last_used = When::At(odd);
        });
        let expected = "unknown: creation not reported, policy: 90 days; \
                        expiry not reported, policy: 14 days; \
                        last use not reported, policy: 90 days";
        assert_eq!(text, expected);
    }
    // What is past cannot lie ahead, but clocks differ.
    let made = |ahead| {
        evaluate(&RotationPolicy::new().max_age(days(90)), |t| {
            t.created = When::At(now() + ahead);
        })
    };
    assert!(made(days(1)).starts_with("not due: created 0 seconds ago"));
    assert!(made(days(1) + SECOND).starts_with("unknown: creation not reported"));
}
