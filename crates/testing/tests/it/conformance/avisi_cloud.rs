use std::time::Duration;

use access_tokens_testing::avisi_cloud::{
    Builder, ErrorShape, ListedSecret, Operation, Revoked, SecondRevoke, Seed, UnsetDate,
};
use access_tokens_testing::conformance::{self, Options, Report};
use access_tokens_testing::{AvisiCloud, Fault, VirtualClock};

use super::{assert_fails, assert_passes, assert_secretless, assert_seen, everything};

const MONTH: Duration = Duration::from_secs(30 * 86_400);

/// A twin whose tokens have an end, so that nothing need be skipped.
fn twin() -> Builder {
    AvisiCloud::builder().lifetime(MONTH)
}

async fn run(builder: Builder) -> Report {
    let clock = VirtualClock::new();
    let twin = builder.clock(clock.clone()).start().await.unwrap();
    conformance::avisi_cloud(&twin.base_url(), &twin.credential(), &everything(&clock)).await
}

#[tokio::test]
async fn the_twin_passes_and_leaves_nothing_active() {
    let clock = VirtualClock::new();
    let twin = twin().clock(clock.clone()).start().await.unwrap();
    let other = twin.seed(Seed::new("somebody else's"));
    let credential = twin.credential();
    let options = everything(&clock);
    let report = conformance::avisi_cloud(&twin.base_url(), &credential, &options).await;
    println!("{report}");
    assert_passes(&report, &[]);
    assert_secretless(&report, &[&credential, &other.secret]);
    let active = twin.tokens().into_iter().filter(|token| token.active);
    let left: Vec<_> = active.map(|token| token.id).collect();
    assert_eq!(left, [twin.credential_id(), &other.id]);
}

#[tokio::test]
async fn tokens_without_an_end_are_told_by_what_is_skipped() {
    assert_passes(
        &run(AvisiCloud::builder()).await,
        &["a_token_ends_when_it_says"],
    );
}

#[tokio::test]
async fn every_choice_that_the_service_leaves_open_passes() {
    for (builder, check, text) in [
        (
            twin(),
            "a_revoked_token_is_gone_or_inactive",
            "it stays, inactive",
        ),
        (
            twin().revoked(Revoked::Vanishes),
            "a_revoked_token_is_gone_or_inactive",
            "it is gone",
        ),
        (
            twin().second_revoke(SecondRevoke::Succeeds),
            "a_second_revoke",
            "succeeds",
        ),
        (
            twin().second_revoke(SecondRevoke::NotFound),
            "a_second_revoke",
            "404",
        ),
        (
            twin().listed_secret(ListedSecret::Absent),
            "the_secret_is_shown_once",
            "the list shows nothing",
        ),
        (
            twin().listed_secret(ListedSecret::Masked),
            "the_secret_is_shown_once",
            "the list shows a part, or a mask",
        ),
        (
            twin().listed_secret(ListedSecret::Empty),
            "the_secret_is_shown_once",
            "the list shows an empty text",
        ),
        (
            twin().listed_secret(ListedSecret::Null),
            "the_secret_is_shown_once",
            "the list shows nothing",
        ),
        (
            twin().error_shape(ErrorShape::Status),
            "errors_are_json",
            "message status",
        ),
        (
            twin().error_shape(ErrorShape::Details),
            "errors_are_json",
            "details message",
        ),
        (twin().no_content_on_revoke(true), "revoke_says_so", "204"),
        (
            twin().created_on_provision(true),
            "provision_shows_the_secret",
            "201",
        ),
        (
            twin().empty_401(true),
            "a_wrong_secret_is_refused",
            "401 without one",
        ),
        (
            twin().requires_name(true),
            "a_name_of_nothing",
            "empty 400, absent 400",
        ),
        (
            twin().requires_name(false),
            "a_name_of_nothing",
            "empty 200, absent 200",
        ),
    ] {
        let report = run(builder).await;
        // Tokens without a name carry no marker; they are removed by their ids.
        assert_passes(&report, &[]);
        assert_seen(&report, check, text);
    }
    for (unset, text) in [
        (UnsetDate::Null, "None"),
        (UnsetDate::Absent, "None"),
        (UnsetDate::Empty, "Some(\"\")"),
        (UnsetDate::GoZero, "Some(\"0001-01-01T00:00:00Z\")"),
    ] {
        let report = run(twin().unset_date(unset)).await;
        assert_passes(&report, &[]);
        let seen = report
            .check("dates_can_be_read")
            .unwrap()
            .seen
            .clone()
            .unwrap();
        assert!(seen.ends_with(&format!("never used is {text}")), "{seen}");
    }
    for builder in [
        twin().lists_credential(false).null_for_empty_list(true),
        twin().lists_expired(false),
    ] {
        assert_passes(&run(builder).await, &[]);
    }
}

#[tokio::test]
async fn a_failing_server_is_told_and_cleared_all_the_same() {
    let twin = AvisiCloud::start().await.unwrap();
    // The first provision happens, and its answer is lost.
    twin.on(Operation::Provision).then(Fault::ActThenClose);
    let (url, credential) = (twin.base_url(), twin.credential());
    let report = conformance::avisi_cloud(&url, &credential, &Options::new()).await;
    assert_fails(&report, "the_list_is_a_plain_array");
    assert_secretless(&report, &[&credential]);
    let active = twin.tokens().into_iter().filter(|token| token.active);
    assert_eq!(active.count(), 1, "{report}");
}
