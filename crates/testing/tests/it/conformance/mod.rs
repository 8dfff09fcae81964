//! The conformance suite against the twins, with each choice that a service leaves open.
#![cfg(any(
    feature = "avisi-cloud",
    feature = "launchdarkly",
    feature = "query-server"
))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    dead_code,
    unused_imports,
    reason = "the helpers are test code too, and serve one service each"
)]

#[cfg(feature = "avisi-cloud")]
mod avisi_cloud;
#[cfg(feature = "launchdarkly")]
mod launchdarkly;
#[cfg(feature = "query-server")]
mod query_server;

use access_tokens::Secret;
use access_tokens_testing::VirtualClock;
use access_tokens_testing::conformance::{Options, Outcome, Report};

/// All there is to check, on a clock that the twin shares.
fn everything(clock: &VirtualClock) -> Options {
    Options::new().virtual_time(clock.clone()).many_tokens()
}

/// Every check passes, but for those that cannot be made.
#[track_caller]
fn assert_passes(report: &Report, skipped: &[&str]) {
    assert!(report.is_ok(), "{report}");
    let found: Vec<_> = report.skipped().map(|check| check.name).collect();
    assert_eq!(found, skipped, "{report}");
    assert!(report.checks().len() > 20, "{report}");
}

/// What a check saw where the service may choose.
#[track_caller]
fn assert_seen(report: &Report, check: &str, text: &str) {
    let found = report.check(check).unwrap_or_else(|| panic!("{check}"));
    assert_eq!(found.seen.as_deref(), Some(text), "{found}");
}

#[track_caller]
fn assert_fails(report: &Report, check: &str) {
    let found = report.check(check).unwrap_or_else(|| panic!("{check}"));
    assert!(matches!(found.outcome, Outcome::Failed(_)), "{report}");
}

/// No secret is in what a report prints.
#[track_caller]
fn assert_secretless(report: &Report, secrets: &[&Secret]) {
    let text = format!("{report}\n{report:?}\n{report:#?}");
    for secret in secrets {
        assert!(!text.contains(secret.expose_secret()));
    }
    // The forms of the secrets that checks make.
    assert!(!text.contains("api-0") && !text.contains("eyJ"), "{text}");
}

/// Runs can be spawned.
#[cfg(all(
    feature = "avisi-cloud",
    feature = "launchdarkly",
    feature = "query-server"
))]
#[test]
fn runs_can_move_between_threads() {
    fn assert_send(_: &impl Send) {}
    let (secret, options) = (Secret::new("secret"), Options::new());
    let url = "http://127.0.0.1:9";
    assert_send(&access_tokens_testing::conformance::launchdarkly(
        url, &secret, &options,
    ));
    assert_send(&access_tokens_testing::conformance::query_server(
        url, &secret, &options,
    ));
    assert_send(&access_tokens_testing::conformance::avisi_cloud(
        url, &secret, &options,
    ));
}
