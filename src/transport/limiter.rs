//! The memory of a service's limits, which keeps a client within them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::limits::{RateLimits, Scope, retry_after, service_now};
use super::operation::Operation;
use crate::clock::Clock;

/// No service is known to have a window longer than ten seconds. An end further away than this is
/// junk, and one such answer must not shut a client for long.
const LONGEST_WINDOW: Duration = Duration::from_secs(60);

/// How long a window is taken to be until an answer tells.
const GUESSED_WINDOW: Duration = Duration::from_secs(1);

/// Of those who wait for the same moment, the last goes this much later.
const SPREAD: Duration = Duration::from_millis(250);

/// Lets only so many requests go at a time, and none that is sure to be turned away.
#[derive(Debug)]
pub(super) struct Limiter {
    most: usize,
    places: Arc<Semaphore>,
    memory: Mutex<Memory>,
}

/// At most one window a scope, and one an operation.
#[derive(Debug, Default)]
struct Memory {
    windows: HashMap<Key, Window>,
    /// Until when `Retry-After` shuts everything, on our monotonic clock.
    shut_until: Duration,
    last: RateLimits,
}

type Key = (Scope, Option<&'static str>);

#[derive(Clone, Copy, Debug)]
struct Window {
    limit: Option<u64>,
    left: u64,
    /// Its end on our monotonic clock.
    ends: Duration,
    reset: SystemTime,
}

/// Why no request may go.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// The deadline is reached.
    Deadline,
    /// The service is known to refuse for longer than the call may wait.
    Window(Duration),
}

impl Limiter {
    pub(super) fn new(concurrency: usize) -> Self {
        let most = concurrency.min(Semaphore::MAX_PERMITS);
        Self {
            most,
            places: Arc::new(Semaphore::new(most)),
            memory: Mutex::default(),
        }
    }

    /// Waits for a free place within the known limits.
    pub(super) async fn enter(
        &self,
        operation: &'static Operation,
        clock: &dyn Clock,
        deadline: Duration,
        longest: Duration,
        mut spread: impl FnMut() -> f64,
    ) -> Result<OwnedSemaphorePermit, Closed> {
        loop {
            let left = deadline.saturating_sub(clock.monotonic());
            let place = Arc::clone(&self.places).acquire_owned();
            // Places are held for as long as requests take, which is real time on any clock.
            let Ok(Ok(permit)) = tokio::time::timeout(left, place).await else {
                return Err(Closed::Deadline);
            };
            let now = clock.monotonic();
            if now >= deadline {
                return Err(Closed::Deadline);
            }
            let Some(wait) = self.reserve(operation, now) else {
                return Ok(permit);
            };
            drop(permit);
            let spread = wait.saturating_add(SPREAD.mul_f64(spread()));
            if wait > longest || spread >= deadline.saturating_sub(now) {
                return Err(Closed::Window(wait));
            }
            clock.sleep(spread).await;
        }
    }

    /// Takes a request out of every window that this operation counts in, or says how long to wait.
    fn reserve(&self, operation: &'static Operation, now: Duration) -> Option<Duration> {
        let mut memory = self.lock();
        let shut = memory
            .shut_until
            .checked_sub(now)
            .filter(|wait| !wait.is_zero());
        let windows = &mut memory.windows;
        // A window that is over begins anew with its limit; one without a known limit is forgotten.
        windows.retain(|_, window| window.ends > now || window.limit.is_some());
        let keys = keys(operation);
        let wait = keys
            .iter()
            .filter_map(|key| windows.get(key))
            .filter(|window| window.left == 0 && window.ends > now)
            .map(|window| window.ends.saturating_sub(now))
            .chain(shut)
            .max();
        if wait.is_some() {
            return wait;
        }
        for key in keys {
            if let Some(window) = windows.get_mut(&key) {
                if window.ends <= now
                    && let Some(limit) = window.limit.take()
                {
                    window.left = limit;
                    window.ends = now.saturating_add(GUESSED_WINDOW);
                }
                window.left = window.left.saturating_sub(1);
            }
        }
        None
    }

    /// Learns from an answer, while the request still holds its place.
    pub(super) fn observe(
        &self,
        operation: &'static Operation,
        status: StatusCode,
        headers: &HeaderMap,
        clock: &dyn Clock,
    ) {
        let (now, monotonic) = (clock.now(), clock.monotonic());
        let declined = matches!(status.as_u16(), 429 | 503);
        let shut = retry_after(headers, now).filter(|_| declined);
        let limits = RateLimits::read(headers);
        if shut.is_none() && limits.is_empty() {
            return;
        }
        let now = service_now(headers, now);
        let mut memory = self.lock();
        if let Some(wait) = shut {
            let end = monotonic.saturating_add(wait.min(LONGEST_WINDOW));
            memory.shut_until = memory.shut_until.max(end);
        }
        if limits.is_empty() {
            return;
        }
        for (scope, told) in limits.windows() {
            let (Some(left), Some(reset)) = (told.remaining, told.reset) else {
                continue;
            };
            let Ok(length) = reset.duration_since(now) else {
                continue;
            };
            let key = key(scope, operation);
            let left = match memory.windows.get(&key) {
                // Answers overtake each other.
                Some(known) if known.reset == reset => known.left.min(left),
                // Requests under way may not be counted yet.
                _ => left.saturating_sub(self.others_under_way()),
            };
            let window = Window {
                limit: told.limit,
                left,
                ends: monotonic.saturating_add(length.min(LONGEST_WINDOW)),
                reset,
            };
            memory.windows.insert(key, window);
        }
        memory.last = limits;
    }

    /// The limits that the last answer told of.
    pub(super) fn last(&self) -> Option<RateLimits> {
        let last = self.lock().last.clone();
        (!last.is_empty()).then_some(last)
    }

    fn others_under_way(&self) -> u64 {
        let all = self.most.saturating_sub(self.places.available_permits());
        u64::try_from(all.saturating_sub(1)).unwrap_or(u64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(scope: Scope, operation: &'static Operation) -> Key {
    (scope, (scope == Scope::Route).then_some(operation.id))
}

fn keys(operation: &'static Operation) -> [Key; 3] {
    [
        key(Scope::Global, operation),
        key(Scope::Route, operation),
        key(Scope::AuthToken, operation),
    ]
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::super::operation::Effect;
    use super::*;
    use crate::BoxFuture;

    static LIST: Operation = Operation::new("list", Effect::Read, 200);
    static MAKE: Operation = Operation::new("make", Effect::Once, 201);
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
        let status = StatusCode::from_u16(status).unwrap();
        limiter.observe(&LIST, status, &headers, &At(at));
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
        assert_eq!(limiter.reserve(&LIST, SECOND), None);
        assert_eq!(limiter.reserve(&MAKE, SECOND), None);
        assert_eq!(limiter.reserve(&LIST, SECOND), Some(8 * SECOND));
        for _ in 0..5 {
            assert_eq!(limiter.reserve(&LIST, 9 * SECOND), None);
        }
        assert_eq!(limiter.reserve(&LIST, 9 * SECOND), Some(GUESSED_WINDOW));
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
        assert_eq!(limiter.reserve(&LIST, SECOND), Some(8 * SECOND));
        assert_eq!(limiter.reserve(&MAKE, SECOND), None);
    }

    #[tokio::test]
    async fn requests_under_way_are_taken_off_what_is_left() {
        let (limiter, clock) = (Limiter::new(8), At(Duration::ZERO));
        let mut places = Vec::new();
        for _ in 0..4 {
            let enter = limiter.enter(&LIST, &clock, SECOND, SECOND, || 0.0);
            places.push(enter.await.unwrap());
        }
        learn(&limiter, 200, SECOND, &window("global", 4, 9 * SECOND));
        assert_eq!(limiter.reserve(&LIST, SECOND), None);
        assert_eq!(limiter.reserve(&LIST, SECOND), Some(8 * SECOND));
        // An answer that was overtaken changes nothing.
        learn(&limiter, 200, SECOND, &window("global", 3, 9 * SECOND));
        assert_eq!(limiter.reserve(&LIST, SECOND), Some(8 * SECOND));
    }

    #[test]
    fn retry_after_shuts_everything_but_never_for_long() {
        let limiter = Limiter::new(8);
        let after = |seconds: &str| [("retry-after", seconds.to_owned())];
        learn(&limiter, 200, Duration::ZERO, &after("7"));
        assert_eq!(limiter.reserve(&MAKE, SECOND), None);
        learn(&limiter, 429, Duration::ZERO, &after("7"));
        assert_eq!(limiter.reserve(&MAKE, SECOND), Some(6 * SECOND));
        assert_eq!(limiter.reserve(&MAKE, 7 * SECOND), None);
        learn(&limiter, 429, Duration::ZERO, &after("315360000"));
        assert_eq!(limiter.reserve(&MAKE, 59 * SECOND), Some(SECOND));
        assert_eq!(limiter.reserve(&MAKE, LONGEST_WINDOW), None);
    }

    #[test]
    fn junk_neither_shuts_for_long_nor_fills_the_memory() {
        let limiter = Limiter::new(usize::MAX);
        let far = 400_000_000 * SECOND;
        learn(&limiter, 200, Duration::ZERO, &window("global", 0, far));
        assert_eq!(limiter.reserve(&LIST, Duration::ZERO), Some(LONGEST_WINDOW));
        learn(&limiter, 429, 90 * SECOND, &window("route", 0, SECOND));
        assert_eq!(limiter.reserve(&LIST, 90 * SECOND), None);
        for round in 0..1_000 {
            let at = round * SECOND;
            learn(&limiter, 200, at, &window("route", 3, at + 9 * SECOND));
            learn(&limiter, 200, at, &window("global", 3, at + 9 * SECOND));
        }
        assert_eq!(limiter.lock().windows.len(), 2);
    }

    #[tokio::test]
    async fn nothing_goes_at_or_after_the_deadline() {
        let limiter = Limiter::new(1);
        let enter = |at, deadline, longest| {
            let limiter = &limiter;
            async move {
                let clock = At(at);
                let enter = limiter.enter(&LIST, &clock, deadline, longest, || 1.0);
                enter.await.map(drop)
            }
        };
        assert_eq!(enter(SECOND, SECOND, SECOND).await, Err(Closed::Deadline));
        assert_eq!(enter(Duration::ZERO, SECOND, SECOND).await, Ok(()));
        learn(
            &limiter,
            200,
            Duration::ZERO,
            &window("global", 0, 9 * SECOND),
        );
        for (deadline, longest) in [(9 * SECOND, 60 * SECOND), (60 * SECOND, 8 * SECOND)] {
            let closed = enter(Duration::ZERO, deadline, longest).await;
            assert_eq!(closed, Err(Closed::Window(9 * SECOND)));
        }
    }
}
