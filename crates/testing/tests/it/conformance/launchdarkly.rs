use std::time::Duration;

use access_tokens::Secret;
use access_tokens_testing::conformance::Options;
use access_tokens_testing::conformance::{self, Report};
use access_tokens_testing::launchdarkly::{
    Builder, Operation, RateLimit, Seed, TotalCount, UnsetExpiry,
};
use access_tokens_testing::{Fault, LaunchDarkly, VirtualClock};

use super::{assert_fails, assert_passes, assert_secretless, assert_seen, everything};

async fn run(builder: Builder) -> Report {
    let clock = VirtualClock::new();
    let twin = builder.clock(clock.clone()).start().await.unwrap();
    conformance::launchdarkly(&twin.base_url(), &twin.credential(), &everything(&clock)).await
}

#[tokio::test]
async fn the_twin_passes_and_is_left_as_it_was() {
    let clock = VirtualClock::new();
    let twin = LaunchDarkly::builder()
        .clock(clock.clone())
        .start()
        .await
        .unwrap();
    let other = twin.seed(Seed::new("somebody else's"));
    let credential = twin.credential();
    let report =
        conformance::launchdarkly(&twin.base_url(), &credential, &everything(&clock)).await;
    println!("{report}");
    assert_passes(&report, &[]);
    assert_secretless(&report, &[&credential, &other.secret]);
    let left: Vec<_> = twin.tokens().into_iter().map(|token| token.id).collect();
    assert_eq!(left, [twin.credential_id(), &other.id]);
    assert_eq!(
        twin.token(&other.id).unwrap().last_modified,
        other.last_modified
    );
}

#[tokio::test]
async fn every_choice_that_the_service_leaves_open_passes() {
    let twin = LaunchDarkly::builder;
    assert_seen(
        &run(twin()).await,
        "a_wrong_secret_is_refused",
        "401 with the code unauthorized",
    );
    let report = run(twin().empty_401(true)).await;
    assert_passes(&report, &[]);
    assert_seen(&report, "a_wrong_secret_is_refused", "401 without a code");

    for (count, text) in [
        (TotalCount::All, "it counts all pages"),
        (TotalCount::Page, "it counts the page"),
        (TotalCount::Absent, "there is no totalCount"),
    ] {
        let report = run(twin().total_count(count)).await;
        assert_passes(&report, &[]);
        assert_seen(&report, "the_total_is_told", text);
    }
    for (unset, text) in [
        (UnsetExpiry::Absent, "unset is not reported"),
        (UnsetExpiry::Null, "unset is not reported"),
        (UnsetExpiry::Zero, "unset is never"),
    ] {
        let report = run(twin().unset_expiry(unset)).await;
        assert_passes(&report, &[]);
        assert_seen(&report, "expiry_is_kept", text);
    }
    let report = run(twin().failed_test_conflicts(true)).await;
    assert_passes(&report, &[]);
    assert_seen(
        &report,
        "a_failed_test_changes_nothing",
        "409 optimistic_locking_error",
    );
    let report = run(twin().page_links(false)).await;
    assert_passes(&report, &[]);
    assert_seen(&report, "paging_links_stay_on_the_server", "self");

    let report = run(twin()).await;
    let members = "accountId authKind memberId serviceToken tokenId tokenKind tokenName";
    assert_seen(&report, "the_caller_is_told_who_it_is", members);
    for status in [401, 403, 404] {
        let report = run(twin().denied_reads(status)).await;
        assert_passes(&report, &[]);
        assert_seen(
            &report,
            "a_narrow_token_is_told_who_it_is",
            &format!("reading itself gives {status}"),
        );
    }

    for builder in [
        twin().empty_lists(true),
        twin().lists_expired(false),
        twin().replaces_absent(true),
        twin().commented_patches(true),
    ] {
        assert_passes(&run(builder).await, &[]);
    }
}

#[tokio::test]
async fn a_server_from_before_the_expiry_is_told_by_what_is_skipped() {
    let report = run(LaunchDarkly::builder().ignores_expiry(true)).await;
    assert_passes(
        &report,
        &[
            "expiry_is_kept",
            "expiry_ends_a_token",
            "a_patched_expiry_ends_a_token",
        ],
    );
}

#[tokio::test]
async fn short_pages_are_told() {
    let report = run(LaunchDarkly::builder().max_limit(2)).await;
    assert_fails(&report, "pages_hold_25_by_default");
    assert_eq!(report.failed().count(), 1, "{report}");
}

#[tokio::test]
async fn limits_on_requests_are_waited_for() {
    let limit = RateLimit::new().global(20).window(Duration::from_secs(10));
    let report = run(LaunchDarkly::builder().rate_limit(limit)).await;
    assert_passes(&report, &[]);
    assert_seen(&report, "rate_limit_headers_make_sense", "2 header(s)");
}

#[tokio::test]
async fn what_needs_time_or_many_tokens_is_skipped_by_default() {
    let twin = LaunchDarkly::start().await.unwrap();
    let options = Options::new();
    let report = conformance::launchdarkly(&twin.base_url(), &twin.credential(), &options).await;
    assert_passes(
        &report,
        &[
            "expiry_ends_a_token",
            "a_patched_expiry_ends_a_token",
            "reset_lets_the_old_secret_live_until_its_time",
            "pages_hold_25_by_default",
        ],
    );
}

#[tokio::test]
async fn a_failing_server_is_told_and_cleared_all_the_same() {
    let twin = LaunchDarkly::start().await.unwrap();
    // The first create happens, and its answer is lost.
    twin.on(Operation::PostToken).then(Fault::ActThenClose);
    twin.on(Operation::ResetToken)
        .always()
        .then(Fault::Status(500));
    let options = Options::new();
    let report = conformance::launchdarkly(&twin.base_url(), &twin.credential(), &options).await;
    assert_fails(&report, "create_shows_the_whole_secret");
    assert_fails(&report, "reset_ends_the_old_secret_at_once");
    assert_secretless(&report, &[&twin.credential()]);
    assert_eq!(twin.tokens().len(), 1, "{report}");
}

#[tokio::test]
async fn a_wrong_credential_fails_everything_and_is_not_printed() {
    let twin = LaunchDarkly::start().await.unwrap();
    let wrong = Secret::new("a-wrong-credential");
    let report = conformance::launchdarkly(&twin.base_url(), &wrong, &Options::new()).await;
    assert_fails(&report, "create_shows_the_whole_secret");
    assert_secretless(&report, &[&wrong]);
    let nowhere = conformance::launchdarkly("ftp://nowhere", &wrong, &Options::new()).await;
    assert_fails(&nowhere, "a_client_can_be_built");
}
