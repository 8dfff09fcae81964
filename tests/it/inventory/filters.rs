//! Which tokens pass which filter.

use std::time::{Duration, SystemTime};

use access_tokens::inventory::{Inventory, Report};
use access_tokens::launchdarkly;
use access_tokens::{
    Clock as _, Due, Privilege, RotationPolicy, Service, TokenRecord, TokenState, When, days,
};
use access_tokens_testing::{VirtualClock, avisi_cloud, launchdarkly as ld_twin, query_server};

use super::memory::{Memory, record};
use super::{Setup, names};

const SECOND: Duration = Duration::from_secs(1);

type Change = dyn Fn(&mut TokenRecord, SystemTime);

/// A report over one token for each name, changed by its function.
async fn report(tokens: &[(&str, &Change)]) -> Report {
    let clock = VirtualClock::new();
    let records = tokens.iter().map(|(name, change)| {
        let mut record = record(name);
        record.state = TokenState::Active;
        change(&mut record, clock.now());
        record
    });
    let memory = Memory::holding(records.collect());
    Inventory::new()
        .clock(clock)
        .add("m", memory)
        .collect()
        .await
}

fn keys(report: &Report) -> Vec<&str> {
    report.records().map(|record| record.key.as_str()).collect()
}

#[tokio::test]
async fn what_ends_soon_and_what_has_ended() {
    let report = report(&[
        ("a: now", &|t, now| t.expires = When::At(now)),
        ("b: in a second", &|t, now| {
            t.expires = When::At(now + SECOND);
        }),
        ("c: in 30 days", &|t, now| {
            t.expires = When::At(now + days(30));
        }),
        ("d: later", &|t, now| {
            t.expires = When::At(now + days(30) + SECOND);
        }),
        ("e: never", &|t, _| t.expires = When::Never),
        ("f: not reported", &|_, _| ()),
        ("g: said to be over", &|t, now| {
            // The service's clock is ahead of ours.
            t.expires = When::At(now + SECOND);
            t.state = TokenState::Expired;
        }),
    ])
    .await;
    assert_eq!(
        keys(&report.expiring_within(days(30))),
        ["b: in a second", "c: in 30 days"]
    );
    assert_eq!(keys(&report.expired()), ["a: now", "g: said to be over"]);
    assert_eq!(keys(&report.never_expires()), ["e: never"]);
    assert_eq!(report.expiring_within(Duration::MAX).len(), 3);
    assert_eq!(report.expiring_within(Duration::ZERO).len(), 0);
}

#[tokio::test]
async fn unused_is_what_its_service_says_is_unused() {
    let report = report(&[
        ("a: long ago", &|t, now| {
            t.last_used = When::At(now - days(90));
        }),
        ("b: a second later", &|t, now| {
            t.last_used = When::At(now - days(90) + SECOND);
        }),
        ("c: in the future", &|t, now| {
            t.last_used = When::At(now + days(1));
        }),
        ("d: never, old", &|t, now| {
            t.last_used = When::Never;
            t.created = When::At(now - days(90));
        }),
        ("e: never, new", &|t, now| {
            t.last_used = When::Never;
            t.created = When::At(now - days(90) + SECOND);
        }),
        ("f: never, unknown age", &|t, _| t.last_used = When::Never),
        ("g: not reported, old", &|t, now| {
            t.created = When::At(now - days(900));
        }),
    ])
    .await;
    assert_eq!(
        keys(&report.unused_for(days(90))),
        ["a: long ago", "d: never, old"]
    );
    assert_eq!(
        keys(&report.never_used()),
        ["d: never, old", "e: never, new", "f: never, unknown age"]
    );
    assert_eq!(report.unused_for(Duration::MAX).len(), 0);
}

#[tokio::test]
async fn privilege_counts_only_where_it_is_certain() {
    let report = report(&[
        ("admin", &|t, _| t.privilege = Privilege::Admin),
        ("custom", &|t, _| t.privilege = Privilege::Custom(None)),
        ("unknown", &|_, _| ()),
        ("write", &|t, _| t.privilege = Privilege::Write),
    ])
    .await;
    assert_eq!(keys(&report.privileged()), ["admin"]);
}

#[tokio::test]
async fn an_audit_finds_what_nobody_can_rule_out() {
    let setup = Setup::new().await;
    let soon = setup.clock.now() + days(6);
    let admin = |name: &str| ld_twin::Seed::new(name).role("admin");
    setup.ld.seed(admin("endless admin"));
    setup.ld.seed(admin("brief admin").expiry(soon));
    setup.ld.seed(ld_twin::Seed::new("endless reader"));
    setup.query.seed(query_server::Seed::new("endless writer"));
    setup.avisi.seed(avisi_cloud::Seed::new("unknown"));
    setup
        .avisi
        .seed(avisi_cloud::Seed::new("brief").expire_at(soon));
    let report = setup.inventory().collect().await;
    // What is certain...
    let certain = report
        .state(TokenState::Active)
        .privileged()
        .never_expires();
    assert_eq!(names(&certain), ["prod/endless admin"]);
    // ... and what cannot be ruled out.
    let risky = report.may_work().maybe_privileged().without_known_end();
    assert_eq!(names(&risky), ["cloud/unknown", "prod/endless admin"]);
    assert_eq!(
        risky.selection(),
        ["that may work", "maybe privileged", "without a known end"]
    );
    assert_eq!(
        names(&report.without_known_end()),
        [
            "cloud/unknown",
            "edge/endless writer",
            "prod/endless admin",
            "prod/endless reader"
        ]
    );
}

#[tokio::test]
async fn an_old_version_of_an_api_may_hide_an_end() {
    let setup = Setup::new().await;
    setup.ld.seed(ld_twin::Seed::new("endless").role("admin"));
    for (version, never) in [("20240415", 1), ("beta", 1), ("20191212", 0)] {
        let client = launchdarkly::Client::builder()
            .base_url(setup.ld.base_url())
            .credential(setup.ld.credential())
            .api_version(version)
            .build()
            .unwrap();
        let report = Inventory::new().add("prod", client).collect().await;
        assert_eq!(names(&report.never_expires()).len(), never, "{version}");
        assert_eq!(names(&report.without_known_end()).len(), 1, "{version}");
    }
}

#[tokio::test]
async fn the_unknown_passes_where_it_must_be_looked_at() {
    let report = report(&[
        ("a: active", &|_, _| ()),
        ("b: not told", &|t, _| t.state = TokenState::Unknown),
        ("c: off", &|t, _| t.state = TokenState::Inactive),
        ("d: unusable", &|t, _| t.state = TokenState::Unusable),
        ("e: said to be over", &|t, _| t.state = TokenState::Expired),
        ("f: over", &|t, now| t.expires = When::At(now)),
        ("g: endless", &|t, _| t.expires = When::Never),
        ("h: odd end", &|t, _| {
            t.expires = When::At(std::time::UNIX_EPOCH);
        }),
    ])
    .await;
    assert_eq!(
        keys(&report.may_work()),
        ["a: active", "b: not told", "g: endless", "h: odd end"]
    );
    assert_eq!(
        keys(&report.without_known_end()),
        [
            "a: active",
            "b: not told",
            "c: off",
            "d: unusable",
            "g: endless",
            "h: odd end"
        ]
    );
}

#[tokio::test]
async fn no_absurd_date_makes_a_token_due_or_expired() {
    let epoch = std::time::UNIX_EPOCH;
    let policy = RotationPolicy::new()
        .max_age(days(90))
        .expires_within(days(30))
        .unused_for(days(90))
        .include_expired(true);
    for absurd in [
        epoch,
        epoch - days(1),
        epoch - days(719_162),
        // Seconds taken for milliseconds.
        epoch + Duration::from_millis(1_767_225_600),
        epoch + days(4_000_000),
    ] {
        let report = report(&[("odd", &move |t, _| {
            t.created = When::At(absurd);
            t.modified = When::At(absurd);
            t.expires = When::At(absurd);
            t.last_used = When::At(absurd);
        })])
        .await;
        assert_eq!(report.due(&policy).len(), 0, "{absurd:?}");
        assert_eq!(report.expired().len(), 0, "{absurd:?}");
        assert_eq!(report.unused_for(days(1)).len(), 0, "{absurd:?}");
        assert_eq!(report.expiring_within(Duration::MAX).len(), 0, "{absurd:?}");
        assert_eq!(report.without_known_end().len(), 1, "{absurd:?}");
        let due = report.evaluate(&policy).next().unwrap().1;
        assert!(matches!(due, Due::Unknown(_)), "{due}");
    }
}

#[tokio::test]
async fn filters_go_one_after_another_over_real_services() {
    let setup = Setup::new().await;
    let now = setup.clock.now();
    let admin = ld_twin::Seed::new("stale admin")
        .role("admin")
        .age(days(200));
    setup
        .ld
        .seed(admin.last_used(days(100)).expiry(now + days(10)));
    let reader = ld_twin::Seed::new("stale reader").age(days(200));
    setup
        .ld
        .seed(reader.last_used(days(100)).expiry(now + days(20)));
    setup
        .ld
        .seed(ld_twin::Seed::new("over").expiry(now - days(1)));
    setup.query.seed(query_server::Seed::new("endless"));
    setup
        .query
        .seed(query_server::Seed::new("off").active(false));
    let used = avisi_cloud::Seed::new("stale").last_used_at(now - days(95));
    setup.avisi.seed(used.expire_at(now + days(5)));
    setup.avisi.seed(avisi_cloud::Seed::new("silent"));
    let report = setup.inventory().collect().await;

    let stale = report.expiring_within(days(30)).unused_for(days(90));
    assert_eq!(
        names(&stale),
        ["cloud/stale", "prod/stale admin", "prod/stale reader"]
    );
    assert_eq!(names(&stale.privileged()), ["prod/stale admin"]);
    assert_eq!(names(&stale.service(Service::AVISI_CLOUD)), ["cloud/stale"]);
    assert_eq!(
        names(&stale.account("prod")),
        ["prod/stale admin", "prod/stale reader"]
    );
    assert_eq!(stale.account("nowhere").len(), 0);
    assert_eq!(names(&report.never_expires()), ["edge/endless", "edge/off"]);
    assert_eq!(names(&report.state(TokenState::Inactive)), ["edge/off"]);
    assert_eq!(names(&report.expired()), ["prod/over"]);
    assert_eq!(names(&report.never_used()), ["prod/over"]);
    let endless = report.matching(|token| token.key.as_str() == "endless");
    assert_eq!(names(&endless), ["edge/endless"]);
    assert_eq!(endless.selection(), ["matching a condition"]);
    assert_eq!(
        stale.selection(),
        ["expiring within 30 days", "unused for 90 days"]
    );
    // The order of filters does not matter, and the report itself is as before.
    let other_way = report.unused_for(days(90)).expiring_within(days(30));
    assert_eq!(names(&other_way), names(&stale));
    assert_eq!(report.len(), 9);
}

#[tokio::test]
async fn a_policy_judges_a_whole_report() {
    let report = report(&[
        ("due", &|t, now| t.expires = When::At(now + days(6))),
        ("fine", &|t, _| t.expires = When::Never),
        ("unknown", &|_, _| ()),
    ])
    .await;
    let policy = RotationPolicy::new().expires_within(days(14));
    assert_eq!(keys(&report.due(&policy)), ["due"]);
    let judged: Vec<_> = report
        .evaluate(&policy)
        .map(|(token, due)| (token.key.as_str(), due))
        .collect();
    assert!(matches!(judged[0], ("due", Due::Now(_))));
    assert!(matches!(judged[1], ("fine", Due::NotYet(_))));
    assert!(matches!(judged[2], ("unknown", Due::Unknown(_))));
    assert_eq!(
        judged[0].1.to_string(),
        "due: expires in 6 days, policy: 14 days"
    );
}
