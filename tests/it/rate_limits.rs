//! Waits that a service asks for, and many calls at a time against one that limits them. All on a
//! clock that stands still, so that no wait takes real time.

use std::time::Duration;

use access_tokens::launchdarkly::{Client, Role, TokenBody};
use access_tokens::{Clock as _, ErrorKind, Result, RetryPolicy, TokenId};
use access_tokens_testing::launchdarkly::{Operation, RateLimit, Seed};
use access_tokens_testing::{Fault, LaunchDarkly, VirtualClock, launchdarkly};
use tokio::task::JoinSet;

use crate::all::world::client_of;
use crate::support::SECOND;

async fn twin(builder: launchdarkly::Builder) -> (LaunchDarkly, VirtualClock) {
    let clock = VirtualClock::new();
    let twin = builder.clock(clock.clone()).start().await.unwrap();
    (twin, clock)
}

fn client(twin: &LaunchDarkly, clock: &VirtualClock, concurrency: usize) -> Client {
    client_of!(launchdarkly, twin, clock)
        .concurrency(concurrency)
        .timeout(3_600 * SECOND)
        .random_seed(11)
        .build()
        .unwrap()
}

/// What came of many calls at once.
#[derive(Debug, Default)]
struct Crowd {
    answers: usize,
    failures: Vec<String>,
    requests: usize,
    refused: usize,
}

/// Makes 200 reads at once. The twin counts a request that it refuses as received, so the number of
/// refusals is what came beyond the answers.
async fn crowd(limit: RateLimit, concurrency: usize) -> Crowd {
    let (twin, clock) = twin(LaunchDarkly::builder().rate_limit(limit)).await;
    let id = TokenId::try_from(twin.seed(Seed::new("subject")).id).unwrap();
    let client = client(&twin, &clock, concurrency);
    let mut calls = JoinSet::new();
    for _ in 0..200 {
        let (client, id) = (client.clone(), id.clone());
        calls.spawn(async move { client.get(&id).await });
    }
    let mut crowd = Crowd::default();
    while let Some(call) = calls.join_next().await {
        match call.unwrap() {
            Ok(_) => crowd.answers += 1,
            Err(error) => crowd.failures.push(error.to_string()),
        }
    }
    crowd.requests = twin.requests().len();
    crowd.refused = crowd.requests - crowd.answers;
    crowd
}

#[tokio::test]
async fn two_hundred_calls_get_through_ten_per_window_almost_without_a_refusal() {
    for (name, limit) in [
        ("global", RateLimit::new().global(10)),
        ("route", RateLimit::new().route(10)),
        ("token", RateLimit::new().per_token(10)),
        (
            "all three",
            RateLimit::new().global(30).route(10).per_token(20),
        ),
    ] {
        let crowd = crowd(limit, 8).await;
        println!("{name}: {crowd:?}");
        assert_eq!(crowd.answers, 200, "{name}: {crowd:?}");
        assert!(crowd.refused <= 4, "{name}: {crowd:?}");
    }
}

/// With more requests at a time than a window holds, the first are sent before anything is known
/// of the limits; after that the memory does.
#[tokio::test]
async fn a_window_smaller_than_the_concurrency_costs_a_few_refusals() {
    let crowd = crowd(RateLimit::new().route(5), 16).await;
    println!("{crowd:?}");
    assert_eq!(crowd.answers, 200, "{crowd:?}");
    assert!(crowd.refused <= 20, "{crowd:?}");
}

/// Refusals without any hint are got through by backing off alone.
#[tokio::test]
async fn without_hints_a_lone_call_still_gets_through() {
    let clock = VirtualClock::new();
    let limit = RateLimit::new()
        .global(1)
        .window(2 * SECOND)
        .without_hints();
    let twin = LaunchDarkly::builder()
        .clock(clock.clone())
        .rate_limit(limit);
    let twin = twin.start().await.unwrap();
    // The headers on its answers would give the window away.
    let client = client(&twin, &clock, 1);
    for _ in 0..5 {
        client.list().page().await.unwrap();
    }
}

struct Wait {
    waited: Vec<Duration>,
    result: Result<()>,
    requests: usize,
}

/// One create whose first request is refused with these headers.
async fn refused(
    status: u16,
    headers: &[(&str, String)],
    policy: RetryPolicy,
    timeout: Duration,
) -> Wait {
    let (twin, clock) = twin(LaunchDarkly::builder()).await;
    twin.on(Operation::PostToken).then(Fault::Answer {
        status,
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
        body: Vec::new(),
    });
    let body = TokenBody::builder().name("made").role(Role::Reader);
    let create = client(&twin, &clock, 8)
        .create(body)
        .retry(policy)
        .timeout(timeout);
    let result = create.await.map(drop);
    assert_eq!(twin.tokens().len() - 1, usize::from(result.is_ok()));
    Wait {
        waited: clock.sleeps(),
        result,
        requests: twin.requests().len(),
    }
}

async fn waited(status: u16, headers: &[(&str, String)]) -> Duration {
    let wait = refused(status, headers, RetryPolicy::new(), 600 * SECOND).await;
    wait.result.unwrap();
    assert_eq!(wait.requests, 2);
    assert_eq!(wait.waited.len(), 1, "{:?}", wait.waited);
    wait.waited[0]
}

fn after(value: impl Into<String>) -> Vec<(&'static str, String)> {
    vec![("retry-after", value.into())]
}

fn reset(value: impl Into<String>) -> Vec<(&'static str, String)> {
    vec![
        ("x-ratelimit-route-remaining", "0".to_owned()),
        ("x-ratelimit-reset", value.into()),
    ]
}

#[tokio::test]
async fn waits_are_as_long_as_asked_for_with_jitter_and_never_longer_than_allowed() {
    let now = VirtualClock::new().now();
    let millis = |time: std::time::SystemTime| {
        let since = time.duration_since(std::time::UNIX_EPOCH).unwrap();
        since.as_millis().to_string()
    };
    let date = |time| httpdate::fmt_http_date(time);
    let in_seven = now + 7 * SECOND;
    let seconds = |text: String| text[..text.len() - 3].to_owned();
    let year = 365 * 86_400 * SECOND;
    let (asked, clamped, none) = ((7, 8), (60, 61), (0, 1));
    for (name, headers, (least, most)) in [
        ("seconds", after("7"), asked),
        ("seconds with space", after(" 7 "), asked),
        ("date", after(date(in_seven)), asked),
        ("zero", after("0"), none),
        ("past date", after(date(now - year)), none),
        ("ten years", after("315360000"), clamped),
        ("a date in ten years", after(date(now + 10 * year)), clamped),
        ("beyond 64 bits", after("99999999999999999999"), none),
        ("negative", after("-7"), none),
        ("fraction", after("7.5"), (7, 9)),
        ("garbage", after("soon"), none),
        ("not text", after("\u{7f}"), none),
        ("reset in milliseconds", reset(millis(in_seven)), asked),
        ("reset in seconds", reset(seconds(millis(in_seven))), asked),
        ("reset in the past", reset(millis(now - year)), none),
        ("reset far away", reset(millis(now + year)), clamped),
        ("reset beyond 64 bits", reset("99999999999999999999"), none),
        ("reset garbage", reset("tomorrow"), none),
        ("no hint", Vec::new(), none),
        (
            "the later of two",
            [after("2"), reset(millis(in_seven))].concat(),
            asked,
        ),
        (
            "the later of two, turned",
            [after("7"), reset(millis(now + 2 * SECOND))].concat(),
            asked,
        ),
    ] {
        let waited = waited(429, &headers).await;
        let range = least * SECOND..=most * SECOND;
        assert!(range.contains(&waited), "{name}: {waited:?}");
    }
    // A window that is not used up is no reason to wait.
    let mut open = reset(millis(in_seven));
    open[0].1 = "3".to_owned();
    open.push(("x-ratelimit-global-remaining", "90".to_owned()));
    assert!(waited(429, &open).await <= SECOND);
    // Another day on the service's clock moves its dates, not the wait.
    let day = 86_400 * SECOND;
    let mut skewed = after(date(now + day + 7 * SECOND));
    skewed.push(("date", date(now + day)));
    assert!((7 * SECOND..=8 * SECOND).contains(&waited(429, &skewed).await));
    assert!((7 * SECOND..=8 * SECOND).contains(&waited(503, &after("7")).await));
}

#[tokio::test]
async fn a_wait_that_would_reach_the_deadline_is_not_begun() {
    let wait = refused(429, &after("30"), RetryPolicy::new(), 20 * SECOND).await;
    let error = wait.result.unwrap_err();
    assert_eq!((wait.requests, wait.waited.len()), (1, 0));
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(30 * SECOND));
    assert!(!error.may_have_been_sent());
    assert!(error.to_string().contains("deadline"), "{error}");
}

#[tokio::test]
async fn the_longest_wait_can_be_set() {
    let policy = RetryPolicy::new().max_server_wait(2 * SECOND);
    let wait = refused(503, &after("30"), policy, 600 * SECOND).await;
    // The client knows that the service is shut for longer, and does not even send.
    let error = wait.result.unwrap_err();
    assert_eq!((wait.requests, wait.waited.len()), (1, 1));
    assert!((2 * SECOND..=3 * SECOND).contains(&wait.waited[0]));
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert!(!error.may_have_been_sent());
    assert!(error.retry_after().is_some_and(|wait| wait > 25 * SECOND));
}

/// One refusal with `Retry-After` holds back the other calls of the client too.
#[tokio::test]
async fn what_one_call_is_told_all_calls_heed() {
    let (twin, clock) = twin(LaunchDarkly::builder()).await;
    let client = client(&twin, &clock, 8);
    twin.on(Operation::GetTokens).then(Fault::Answer {
        status: 429,
        headers: vec![("retry-after".to_owned(), "9".to_owned())],
        body: Vec::new(),
    });
    let refused = client.list().page().retry(RetryPolicy::none()).await;
    assert!(refused.unwrap_err().is_rate_limited());
    let start = clock.monotonic();
    client.list().page().await.unwrap();
    assert!(clock.monotonic() >= start + 9 * SECOND);
    let last = twin.requests().pop().unwrap();
    assert!(last.at >= twin.requests()[0].at + 9 * SECOND);
}

/// The budget is one for all clones: against a service that is down, not every call tries four
/// times.
#[tokio::test]
async fn a_service_that_is_down_is_not_hit_four_times_as_hard() {
    let (twin, clock) = twin(LaunchDarkly::builder()).await;
    let client = client(&twin, &clock, 8);
    twin.on_any().always().then(Fault::Status(500));
    for _ in 0..100 {
        let error = client.clone().list().page().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Server);
    }
    // Twenty retries, and no more.
    assert_eq!(twin.requests().len(), 120);
    twin.clear_faults();
    for _ in 0..5 {
        client.list().page().await.unwrap();
    }
    twin.on_any().then(Fault::Status(500));
    client.list().page().await.unwrap();
}

#[tokio::test]
async fn limits_without_bounds_build_and_work() {
    let (twin, clock) = twin(LaunchDarkly::builder()).await;
    let policy = RetryPolicy::new()
        .max_attempts(u32::MAX)
        .backoff(Duration::MAX, Duration::MAX)
        .max_server_wait(Duration::MAX);
    let client = client_of!(launchdarkly, twin, clock)
        .concurrency(usize::MAX)
        .max_response_bytes(usize::MAX)
        .max_header_bytes(usize::MAX)
        .max_pages(usize::MAX)
        .timeout(Duration::MAX)
        .attempt_timeout(Duration::MAX)
        .retry(policy)
        .build()
        .unwrap();
    assert_eq!(client.list().all().await.unwrap().len(), 1);
}
