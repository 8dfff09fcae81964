use std::time::UNIX_EPOCH;

use futures_core::future::BoxFuture;

use super::super::profile::Profile;
use super::super::profile::{LimitHeaders, Scope};
use super::*;

static LIST: Operation = Operation::get("list", "/list");
static MAKE: Operation = Operation::post("make", "/make");
const PROFILE: Profile = Profile {
    limits: &[
        LimitHeaders {
            scope: Scope::Global,
            limit: "x-ratelimit-global-limit",
            remaining: "x-ratelimit-global-remaining",
            reset: "x-ratelimit-reset",
        },
        LimitHeaders {
            scope: Scope::Route,
            limit: "x-ratelimit-route-limit",
            remaining: "x-ratelimit-route-remaining",
            reset: "x-ratelimit-reset",
        },
    ],
    ..Profile::of(crate::id::Service::LAUNCH_DARKLY)
};
const SECOND: Duration = Duration::from_secs(1);
const START: Duration = Duration::from_secs(1_800_000_000);

/// Stands still: these tests move time by hand.
#[derive(Debug)]
struct At(Duration);

impl Clock for At {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + START + self.0
    }

    fn monotonic(&self) -> Duration {
        self.0
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

fn learn(limiter: &Limiter, status: u16, at: Duration, pairs: &[(&'static str, String)]) {
    let headers = pairs
        .iter()
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .collect();
    let now = At(at).now();
    let timing = Timing::read(&PROFILE, &headers, now);
    let declined = matches!(status, 429 | 503);
    limiter.observe(&LIST, declined, &timing, (now, at));
}

fn window(scope: &'static str, left: u64, ends: Duration) -> [(&'static str, String); 3] {
    let names = match scope {
        "route" => (
            "x-ratelimit-route-limit",
            "x-ratelimit-route-remaining",
            "x-ratelimit-reset",
        ),
        _ => (
            "x-ratelimit-global-limit",
            "x-ratelimit-global-remaining",
            "x-ratelimit-reset",
        ),
    };
    let reset = (START + ends).as_millis().to_string();
    [
        (names.0, "5".to_owned()),
        (names.1, left.to_string()),
        (names.2, reset),
    ]
}

#[test]
fn a_used_up_window_shuts_until_its_end_and_then_counts_anew() {
    let limiter = Limiter::new(8);
    learn(&limiter, 200, SECOND, &window("global", 2, 9 * SECOND));
    assert_eq!(limiter.reserve(&LIST, SECOND), Ok(()));
    assert_eq!(limiter.reserve(&MAKE, SECOND), Ok(()));
    assert_eq!(limiter.reserve(&LIST, SECOND), Err(Wait::For(8 * SECOND)));
    // Two are still under way and may be counted in the new window.
    for _ in 0..3 {
        assert_eq!(limiter.reserve(&LIST, 9 * SECOND), Ok(()));
    }
    assert_eq!(limiter.reserve(&LIST, 9 * SECOND), Err(Wait::ForAnswer));
    assert_eq!(limiter.reserve(&LIST, 18 * SECOND), Err(Wait::ForAnswer));
    assert_eq!(limiter.reserve(&LIST, 19 * SECOND), Ok(()));
}

#[test]
fn a_guess_ends_when_all_are_back_and_none_told_anything() {
    let limiter = Limiter::new(8);
    learn(&limiter, 200, SECOND, &window("global", 0, 2 * SECOND));
    for _ in 0..5 {
        assert_eq!(limiter.reserve(&LIST, 2 * SECOND), Ok(()));
    }
    assert_eq!(limiter.reserve(&LIST, 2 * SECOND), Err(Wait::ForAnswer));
    limiter.lock().under_way = 0;
    assert_eq!(limiter.reserve(&LIST, 2 * SECOND), Ok(()));
    assert!(limiter.lock().windows.is_empty());
}

#[tokio::test]
async fn whoever_waits_for_an_answer_goes_on_when_one_comes() {
    let limiter = Arc::new(Limiter::new(8));
    learn(&limiter, 200, SECOND, &window("global", 0, 2 * SECOND));
    let clock = At(2 * SECOND);
    let acquire = || limiter.acquire(&LIST, &clock, 60 * SECOND, SECOND, || 0.0);
    let mut places = Vec::new();
    for _ in 0..5 {
        places.push(acquire().await.unwrap());
    }
    let mut sixth = pin!(acquire());
    let soon = Duration::from_millis(20);
    assert!(timeout(soon, &mut sixth).await.is_err());
    // One that is back without having told anything changes nothing, while others may.
    places.pop();
    assert!(timeout(soon, &mut sixth).await.is_err());
    learn(&limiter, 200, 2 * SECOND, &window("global", 9, 12 * SECOND));
    places.pop();
    assert!(timeout(60 * SECOND, sixth).await.unwrap().is_ok());
}

#[test]
fn a_route_shuts_its_own_operation_only() {
    let limiter = Limiter::new(8);
    learn(
        &limiter,
        200,
        Duration::ZERO,
        &window("route", 0, 9 * SECOND),
    );
    assert_eq!(limiter.reserve(&LIST, SECOND), Err(Wait::For(8 * SECOND)));
    assert_eq!(limiter.reserve(&MAKE, SECOND), Ok(()));
}

#[tokio::test]
async fn requests_under_way_are_taken_off_what_is_left() {
    let (limiter, clock) = (Arc::new(Limiter::new(8)), At(Duration::ZERO));
    let mut places = Vec::new();
    for _ in 0..4 {
        let acquire = limiter.acquire(&LIST, &clock, SECOND, SECOND, || 0.0);
        places.push(acquire.await.unwrap());
    }
    learn(&limiter, 200, SECOND, &window("global", 4, 9 * SECOND));
    assert_eq!(limiter.reserve(&LIST, SECOND), Ok(()));
    assert_eq!(limiter.reserve(&LIST, SECOND), Err(Wait::For(8 * SECOND)));
    // An answer that was overtaken changes nothing.
    learn(&limiter, 200, SECOND, &window("global", 3, 9 * SECOND));
    assert_eq!(limiter.reserve(&LIST, SECOND), Err(Wait::For(8 * SECOND)));
}

#[test]
fn retry_after_shuts_everything_but_never_for_long() {
    let limiter = Limiter::new(8);
    let after = |seconds: &str| [("retry-after", seconds.to_owned())];
    learn(&limiter, 200, Duration::ZERO, &after("7"));
    assert_eq!(limiter.reserve(&MAKE, SECOND), Ok(()));
    learn(&limiter, 429, Duration::ZERO, &after("7"));
    assert_eq!(limiter.reserve(&MAKE, SECOND), Err(Wait::For(6 * SECOND)));
    assert_eq!(limiter.reserve(&MAKE, 7 * SECOND), Ok(()));
    learn(&limiter, 429, Duration::ZERO, &after("315360000"));
    assert_eq!(limiter.reserve(&MAKE, 59 * SECOND), Err(Wait::For(SECOND)));
    assert_eq!(limiter.reserve(&MAKE, LONGEST_WINDOW), Ok(()));
}

#[test]
fn junk_neither_shuts_for_long_nor_fills_the_memory() {
    let limiter = Limiter::new(usize::MAX);
    let far = 400_000_000 * SECOND;
    learn(&limiter, 200, Duration::ZERO, &window("global", 0, far));
    assert_eq!(
        limiter.reserve(&LIST, Duration::ZERO),
        Err(Wait::For(LONGEST_WINDOW))
    );
    learn(&limiter, 429, 90 * SECOND, &window("route", 0, SECOND));
    assert_eq!(limiter.reserve(&LIST, 90 * SECOND), Ok(()));
    for round in 0..1_000 {
        let at = round * SECOND;
        learn(&limiter, 200, at, &window("route", 3, at + 9 * SECOND));
        learn(&limiter, 200, at, &window("global", 3, at + 9 * SECOND));
    }
    assert_eq!(limiter.lock().windows.len(), 2);
}

#[tokio::test]
async fn nothing_goes_at_or_after_the_deadline() {
    let limiter = Arc::new(Limiter::new(1));
    let acquire = |at, deadline, longest| {
        let limiter = &limiter;
        async move {
            let clock = At(at);
            let acquire = limiter.acquire(&LIST, &clock, deadline, longest, || 1.0);
            acquire.await.map(drop)
        }
    };
    assert_eq!(acquire(SECOND, SECOND, SECOND).await, Err(Denied::Deadline));
    assert_eq!(acquire(Duration::ZERO, SECOND, SECOND).await, Ok(()));
    learn(
        &limiter,
        200,
        Duration::ZERO,
        &window("global", 0, 9 * SECOND),
    );
    for (deadline, longest) in [(9 * SECOND, 60 * SECOND), (60 * SECOND, 8 * SECOND)] {
        let closed = acquire(Duration::ZERO, deadline, longest).await;
        assert_eq!(closed, Err(Denied::Window(9 * SECOND)));
    }
}
