//! Deleting several tokens: what is gone and what is not is told, whatever fails on the way.

use access_tokens::launchdarkly::Client;
use access_tokens::{Deletions, ErrorKind, Marker, RetryPolicy, TokenRecord, TokenServiceExt as _};
use access_tokens_testing::launchdarkly::{Operation, Seed};
use access_tokens_testing::{Fault, LaunchDarkly};

/// A twin with so many tokens beside the credential's, named by their number from 0.
async fn twin_with(tokens: usize) -> (LaunchDarkly, Client) {
    let twin = LaunchDarkly::builder().max_limit(10).start().await.unwrap();
    for number in 0..tokens {
        twin.seed(Seed::new(number.to_string()));
    }
    let client = Client::builder().base_url(twin.base_url());
    let client = client
        .credential(twin.credential())
        .retry(RetryPolicy::none());
    (twin, client.build().unwrap())
}

fn failing(twin: &LaunchDarkly, deletes: &[u64], fault: &Fault) {
    for &nth in deletes {
        twin.on(Operation::DeleteToken).nth(nth).then(fault.clone());
    }
}

fn deletes(twin: &LaunchDarkly) -> usize {
    let sent = twin.requests().into_iter();
    sent.filter(|one| one.method == "DELETE").count()
}

fn name(token: &TokenRecord) -> String {
    token.name.clone().unwrap_or_default()
}

/// Names of the tokens deleted, failed and not tried.
fn names(done: &Deletions) -> [String; 3] {
    let failed: Vec<_> = done.failed.iter().map(|one| name(&one.token)).collect();
    let all = |tokens: &[TokenRecord]| tokens.iter().map(name).collect::<Vec<_>>().join(" ");
    [all(&done.deleted), failed.join(" "), all(&done.untried)]
}

fn left(twin: &LaunchDarkly) -> String {
    let tokens = twin.tokens().into_iter().skip(1);
    let names: Vec<_> = tokens.map(|token| token.name).collect();
    names.join(" ")
}

#[tokio::test]
async fn one_call_deletes_what_is_chosen_and_spares_the_own_credential() {
    let (twin, ld) = twin_with(59).await;
    let kept = twin.seed(Seed::new("kept"));
    let done = ld
        .delete_where(|token| name(token) != "kept")
        .await
        .unwrap();
    let spared: Vec<_> = done.spared.iter().map(|token| token.key.as_str()).collect();
    assert_eq!(spared, [twin.credential_id()]);
    assert_eq!(done.into_result().unwrap().len(), 59);
    let left: Vec<_> = twin.tokens().into_iter().map(|token| token.id).collect();
    assert_eq!(left, [twin.credential_id(), &kept.id]);
}

#[tokio::test]
async fn a_delete_that_fails_keeps_no_other_from_being_tried() {
    let (twin, ld) = twin_with(9).await;
    failing(&twin, &[2, 4, 5, 6, 7], &Fault::Status(403));
    let done = ld.delete_where(|_| true).await.unwrap();
    assert_eq!(names(&done), ["0 2 7 8", "1 3 4 5 6", ""]);
    for failed in &done.failed {
        assert_eq!(failed.error.kind(), ErrorKind::PermissionDenied);
        assert!(!failed.error.may_have_been_sent());
    }
    assert_eq!(left(&twin), "1 3 4 5 6");
    let error = done.into_result().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    let counts = "deleted: 4, failed: 5, not tried: 0";
    assert!(error.to_string().contains(counts), "{error}");
}

#[tokio::test]
async fn without_a_credential_that_is_accepted_no_other_is_tried() {
    let (twin, ld) = twin_with(6).await;
    failing(&twin, &[3], &Fault::Status(401));
    let done = ld.delete_where(|_| true).await.unwrap();
    assert_eq!(names(&done), ["0 1", "2", "3 4 5"]);
    assert_eq!(deletes(&twin), 3);
    assert_eq!(left(&twin), "2 3 4 5");
    let error = done.into_result().unwrap_err();
    let counts = "deleted: 2, failed: 1, not tried: 3";
    assert!(error.to_string().contains(counts), "{error}");
}

#[tokio::test]
async fn a_service_that_is_away_is_not_asked_for_each_token() {
    for fault in [
        Fault::Status(503),
        Fault::CloseAfterRequest,
        Fault::Status(429),
    ] {
        let (twin, ld) = twin_with(9).await;
        // Not the first two alone: those before and after are tried.
        failing(&twin, &[1, 2, 4, 5, 6], &fault);
        let done = ld.delete_where(|_| true).await.unwrap();
        assert_eq!(names(&done), ["2", "0 1 3 4 5", "6 7 8"], "{fault:?}");
        assert_eq!(deletes(&twin), 6, "{fault:?}");
        assert_eq!(left(&twin), "0 1 3 4 5 6 7 8", "{fault:?}");
    }
}

#[tokio::test]
async fn a_delete_whose_answer_was_lost_says_that_it_may_be_gone() {
    let (twin, ld) = twin_with(2).await;
    failing(&twin, &[1], &Fault::ActThenClose);
    let done = ld.delete_where(|_| true).await.unwrap();
    assert_eq!(names(&done), ["1", "0", ""]);
    assert!(done.failed[0].error.may_have_been_sent());
    assert_eq!(left(&twin), "");
}

#[tokio::test]
async fn a_token_that_is_gone_already_is_no_failure() {
    let (twin, ld) = twin_with(3).await;
    let gone = twin.tokens()[2].id.clone();
    let which = |_: &TokenRecord| {
        twin.remove(&gone);
        true
    };
    let done = ld.delete_where(which).await.unwrap();
    assert_eq!(names(&done), ["0 2", "", ""]);
    assert_eq!(deletes(&twin), 3);
}

#[tokio::test]
async fn all_that_carry_a_marker_are_tried_too() {
    let (twin, ld) = twin_with(1).await;
    let marker = Marker::random();
    for name in ["a", "b", "c"] {
        twin.seed(Seed::new(name).description(marker.to_string()));
    }
    failing(&twin, &[1], &Fault::Status(403));
    let done = ld.delete_marked(&marker).await.unwrap();
    assert_eq!(names(&done), ["b c", "a", ""]);
    assert_eq!(left(&twin), "0 a");
}

#[tokio::test]
async fn when_the_list_fails_nothing_is_deleted() {
    let (twin, ld) = twin_with(30).await;
    twin.on(Operation::GetTokens)
        .nth(2)
        .always()
        .then(Fault::Status(403));
    let error = ld.delete_where(|_| true).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert_eq!(deletes(&twin), 0);
}
