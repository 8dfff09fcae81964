//! LaunchDarkly's lists over the twin, in all the ways in which it may page, and while they change.

use std::collections::BTreeSet;
use std::time::Duration;

use access_tokens::launchdarkly::{Client, ClientBuilder};
use access_tokens::{ErrorKind, RetryPolicy};
use access_tokens_testing::launchdarkly::{Operation, Seed, TotalCount};
use access_tokens_testing::{Fault, LaunchDarkly};
use serde_json::json;

use crate::support::{Raw, Reply, whole};

fn builder(twin: &LaunchDarkly) -> ClientBuilder {
    let builder = Client::builder().base_url(twin.base_url());
    builder
        .credential(twin.credential())
        .retry(RetryPolicy::none())
}

fn client(twin: &LaunchDarkly) -> Client {
    builder(twin).build().unwrap()
}

/// Puts in as many more tokens as are missing, and gives the ids of all in the order of the list.
fn fill(twin: &LaunchDarkly, count: usize) -> Vec<String> {
    for number in twin.tokens().len()..count {
        twin.seed(Seed::new(format!("token {number}")));
    }
    twin.tokens().into_iter().map(|token| token.id).collect()
}

async fn ids(client: &Client) -> Vec<String> {
    let all = client.list().show_all(true).all().await.unwrap();
    assert_eq!(all.unreadable(), []);
    all.iter().map(|token| token.id.to_string()).collect()
}

fn queries(twin: &LaunchDarkly) -> Vec<String> {
    let lists = twin.requests().into_iter();
    let lists = lists.filter(|one| one.method == "GET" && one.path == "/api/v2/tokens");
    lists.filter_map(|one| one.query).collect()
}

#[tokio::test]
async fn however_the_service_pages_every_token_comes_once_and_in_order() {
    for most in [None, Some(25), Some(30), Some(1)] {
        for links in [true, false] {
            for total in [TotalCount::All, TotalCount::Page, TotalCount::Absent] {
                let mut twin = LaunchDarkly::builder().page_links(links).total_count(total);
                if let Some(most) = most {
                    twin = twin.max_limit(most);
                }
                let twin = twin.start().await.unwrap();
                // The service cannot mean to give less than it gives unasked; a bound of 1 without
                // a word about more is beyond what can be known.
                if most == Some(1) && !links && total != TotalCount::All {
                    continue;
                }
                let counts: &[usize] = match most {
                    Some(1) => &[1, 2, 26],
                    _ => &[1, 24, 25, 26, 50, 51, 60],
                };
                for &count in counts {
                    let expected = fill(&twin, count);
                    let got = ids(&client(&twin)).await;
                    assert_eq!(got, expected, "{most:?} {links} {total:?} {count}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_list_that_fits_a_page_takes_one_request() {
    let twin = LaunchDarkly::start().await.unwrap();
    fill(&twin, 24);
    ids(&client(&twin)).await;
    assert_eq!(queries(&twin), ["limit=1000&offset=0&showAll=true"]);
}

#[tokio::test]
async fn pages_are_fetched_ahead_within_the_limit_and_kept_in_order() {
    let twin = LaunchDarkly::builder().max_limit(10).start().await.unwrap();
    let expected = fill(&twin, 200);
    // The later a page comes, the earlier it was asked for.
    for nth in 1..=20 {
        let late = Duration::from_millis(20 - nth);
        twin.on(Operation::GetTokens)
            .nth(nth)
            .then(Fault::Delay(late));
    }
    let ld = builder(&twin).concurrency(4).build().unwrap();
    let mut stream = ld.list().show_all(true).stream();
    let mut got = vec![stream.try_next().await.unwrap().unwrap().id.to_string()];
    // Four more go out while nobody asks for more.
    while queries(&twin).len() < 5 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // Nor do more while others get their turn.
    let id = got[0].parse().unwrap();
    for _ in 0..8 {
        ld.get(&id).await.unwrap();
    }
    assert_eq!(queries(&twin).len(), 5);
    while let Some(token) = stream.try_next().await.unwrap() {
        got.push(token.id.to_string());
    }
    assert_eq!(got, expected);
    assert_eq!(queries(&twin).len(), 20, "none twice");
}

#[tokio::test]
async fn a_stream_that_is_dropped_sends_for_nothing_more() {
    let twin = LaunchDarkly::builder().max_limit(10).start().await.unwrap();
    fill(&twin, 400);
    let ld = builder(&twin).concurrency(2).build().unwrap();
    let mut stream = ld.list().stream();
    stream.try_next().await.unwrap();
    drop(stream);
    // Whatever was on its way has left its place.
    for _ in 0..4 {
        ld.list().page().await.unwrap();
    }
    assert!(queries(&twin).len() <= 1 + 2 + 4);
}

#[tokio::test]
async fn a_page_that_failed_ahead_is_asked_for_again_when_it_is_needed() {
    let twin = LaunchDarkly::builder().max_limit(10).start().await.unwrap();
    let expected = fill(&twin, 45);
    twin.on(Operation::GetTokens)
        .nth(2)
        .then(Fault::Status(500));
    twin.on(Operation::GetTokens).nth(3).then(Fault::CutBody);
    assert_eq!(ids(&client(&twin)).await, expected);
    // One that goes on failing is an error, after what came before it.
    twin.on(Operation::GetTokens)
        .nth(2)
        .always()
        .then(Fault::Status(500));
    let mut stream = client(&twin).list().show_all(true).stream();
    for _ in 0..10 {
        assert!(stream.try_next().await.unwrap().is_some());
    }
    let error = stream.try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server, "{error}");
    assert!(stream.try_next().await.unwrap().is_none());
}

#[tokio::test]
async fn pages_on_their_way_do_not_keep_the_client_from_other_calls() {
    let twin = LaunchDarkly::builder().max_limit(10).start().await.unwrap();
    let expected = fill(&twin, 45);
    let ld = builder(&twin).concurrency(1).build().unwrap();
    let mut stream = ld.list().show_all(true).stream();
    let mut got = Vec::new();
    while let Some(token) = stream.try_next().await.unwrap() {
        ld.get(&token.id).await.unwrap();
        got.push(token.id.to_string());
    }
    assert_eq!(got, expected);
}

#[tokio::test]
async fn a_list_that_grows_under_way_gives_all_that_were_there() {
    let twin = LaunchDarkly::builder().max_limit(10).start().await.unwrap();
    let before = fill(&twin, 45);
    let mut stream = client(&twin).list().show_all(true).stream();
    let mut got = BTreeSet::new();
    while let Some(token) = stream.try_next().await.unwrap() {
        assert!(got.insert(token.id.to_string()), "{} came twice", token.id);
        if got.len() % 7 == 0 && got.len() < 45 {
            twin.seed(Seed::new("meanwhile"));
        }
    }
    assert!(before.iter().all(|id| got.contains(id)));
}

#[tokio::test]
async fn a_list_that_shrinks_under_way_gives_all_that_stayed() {
    for most in [1_000, 25, 10, 7] {
        let twin = LaunchDarkly::builder().max_limit(most);
        let twin = twin.start().await.unwrap();
        let before = fill(&twin, 60);
        let mut stream = client(&twin).list().show_all(true).stream();
        let mut got = Vec::new();
        while let Some(token) = stream.try_next().await.unwrap() {
            got.push(token.id.to_string());
            // Somebody removes tokens that were read, which moves those that were not.
            if got.len() == 20 {
                for id in &before[1..16] {
                    twin.remove(id);
                }
            }
        }
        let once: BTreeSet<_> = got.iter().collect();
        assert_eq!(once.len(), got.len(), "none twice");
        let missing = before.iter().filter(|id| !got.contains(id));
        assert_eq!(missing.count(), 0, "pages of {most}");
    }
}

#[tokio::test]
async fn deleting_what_a_stream_gives_reaches_every_token() {
    let twin = LaunchDarkly::builder().max_limit(25).start().await.unwrap();
    fill(&twin, 61);
    let ld = client(&twin);
    let own = twin.credential_id().to_owned();
    let mut stream = ld.list().show_all(true).stream();
    while let Some(token) = stream.try_next().await.unwrap() {
        if token.id.as_str() != own {
            ld.delete(&token.id).await.unwrap();
        }
    }
    let left: Vec<_> = twin.tokens().into_iter().map(|token| token.id).collect();
    assert_eq!(left, [own]);
}

#[tokio::test]
async fn a_long_list_in_small_pages_is_read_to_its_end() {
    const PAGE: usize = 25;
    const ALL: usize = 25_100;
    let server = Raw::reading(|_, request| {
        let query = request
            .split(' ')
            .nth(1)
            .unwrap()
            .split_once("offset=")
            .unwrap()
            .1;
        let offset: usize = query.split('&').next().unwrap().parse().unwrap();
        let items: Vec<_> = (offset..ALL.min(offset + PAGE))
            .map(|number| json!({"_id": format!("id-{number}")}))
            .collect();
        let body = json!({"items": items, "totalCount": ALL}).to_string();
        Reply::Bytes(whole(200, &[], &body))
    })
    .await;
    let builder = Client::builder().base_url(&server.uri).credential("c");
    let mut stream = builder.build().unwrap().list().stream();
    let mut count = 0;
    while let Some(token) = stream.try_next().await.unwrap() {
        assert_eq!(token.id.as_str(), format!("id-{count}"));
        count += 1;
    }
    assert_eq!(count, ALL);
}
