use access_tokens_testing::conformance::{self, Options};
use access_tokens_testing::query_server::{CreateTokenOption, Operation, Seed};
use access_tokens_testing::{Fault, QueryServer, VirtualClock};

use super::{assert_fails, assert_passes, assert_secretless, everything};

#[tokio::test]
async fn the_twin_passes_and_is_left_as_it_was() {
    let clock = VirtualClock::new();
    let twin = QueryServer::builder()
        .clock(clock.clone())
        .start()
        .await
        .unwrap();
    let other = twin.seed(Seed::new("somebody else's"));
    let credential = twin.credential();
    let report =
        conformance::query_server(&twin.base_url(), &credential, &everything(&clock)).await;
    println!("{report}");
    assert_passes(&report, &[]);
    assert_secretless(&report, &[&credential, &other.secret]);
    assert_eq!(twin.tokens(), [other]);
}

#[tokio::test]
async fn the_twin_passes_on_the_clock_of_the_system() {
    let twin = QueryServer::start().await.unwrap();
    let (url, credential) = (twin.base_url(), twin.credential());
    let report = conformance::query_server(&url, &credential, &Options::new()).await;
    assert_passes(
        &report,
        &["an_expired_token_is_told", "an_update_leaves_a_dead_secret"],
    );
}

#[tokio::test]
async fn a_token_that_is_dead_on_arrival_is_no_failure() {
    let clock = VirtualClock::new();
    let twin = QueryServer::builder()
        .clock(clock.clone())
        .start()
        .await
        .unwrap();
    // The server does so about once in a thousand creates; the suite must not stumble over it.
    twin.on(Operation::List).nth(1).then(Fault::Status(503));
    twin.dead_on_arrival(1);
    let options = everything(&clock);
    let report = conformance::query_server(&twin.base_url(), &twin.credential(), &options).await;
    assert_passes(&report, &[]);
}

#[tokio::test]
async fn a_server_without_the_creation_of_tokens_is_told() {
    let twin = QueryServer::start().await.unwrap();
    twin.set_create_token(CreateTokenOption::Off);
    let (url, credential) = (twin.base_url(), twin.credential());
    let report = conformance::query_server(&url, &credential, &Options::new()).await;
    assert_fails(&report, "create_says_201_and_nothing_else");
    assert_secretless(&report, &[&credential]);
}
