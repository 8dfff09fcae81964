//! Clocks that a test moves.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use access_tokens::{BoxFuture, Clock, SystemClock};

/// A clock that a test turns by hand, shared by clients and twins.
///
/// It starts at 2026-01-01T00:00:00Z, or where [`starting_at`](Self::starting_at) puts it, and
/// stands still. It moves by [`advance`](Self::advance) and [`set`](Self::set), and whoever sleeps
/// on it moves it too: sleeping lets other tasks run once, then puts the clock where the sleep
/// ends and returns, without real time passing. Two tasks that sleep at the same time thus both
/// wake at their own time, and the clock ends at the later one.
///
/// Clones share the same time.
///
/// ```
/// use std::time::Duration;
/// use access_tokens::Clock;
/// use access_tokens_testing::VirtualClock;
///
/// let clock = VirtualClock::new();
/// let before = clock.now();
/// clock.advance(Duration::from_secs(31 * 86_400));
/// assert_eq!(clock.now(), before + Duration::from_secs(31 * 86_400));
/// ```
#[derive(Clone, Debug)]
pub struct VirtualClock {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    now: SystemTime,
    since_start: Duration,
    sleeps: Vec<Duration>,
}

/// 2026-01-01T00:00:00Z.
const START: Duration = Duration::from_secs(1_767_225_600);

impl VirtualClock {
    /// A clock that stands at 2026-01-01T00:00:00Z.
    #[must_use]
    pub fn new() -> Self {
        Self::starting_at(UNIX_EPOCH + START)
    }

    /// A clock that stands at the given time.
    #[must_use]
    pub fn starting_at(time: SystemTime) -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                now: time,
                since_start: Duration::ZERO,
                sleeps: Vec::new(),
            })),
        }
    }

    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        self.lock().advance(by);
    }

    /// Puts the clock to a date.
    ///
    /// A later date lets time pass; an earlier one is like a correction of a wrong clock: the date
    /// changes, [`monotonic`](Clock::monotonic) stays where it is.
    pub fn set(&self, time: SystemTime) {
        let mut state = self.lock();
        match time.duration_since(state.now) {
            Ok(later) => state.advance(later),
            Err(_) => state.now = time,
        }
    }

    /// How long each sleep on this clock was asked to be, in the order in which they began.
    #[must_use]
    pub fn sleeps(&self) -> Vec<Duration> {
        self.lock().sleeps.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for VirtualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    fn advance(&mut self, by: Duration) {
        // At the end of the system's range of dates the date stays.
        self.now = self.now.checked_add(by).unwrap_or(self.now);
        self.since_start = self.since_start.saturating_add(by);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> SystemTime {
        self.lock().now
    }

    fn monotonic(&self) -> Duration {
        self.lock().since_start
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let end = {
                let mut state = self.lock();
                state.sleeps.push(duration);
                state.since_start.saturating_add(duration)
            };
            yield_once().await;
            let mut state = self.lock();
            let rest = end.saturating_sub(state.since_start);
            state.advance(rest);
        })
    }
}

/// A clock that runs with another one, ahead of it or behind it by as much as a test says.
///
/// Over the system's clock (as [`new`](Self::new) makes it) it lets weeks pass for a twin that
/// another process talks to. Over a [`VirtualClock`] it is the clock of a machine that goes wrong
/// by minutes. Clones share the same difference.
///
/// ```
/// use std::time::Duration;
/// use access_tokens::Clock;
/// use access_tokens_testing::{ShiftedClock, VirtualClock};
///
/// let clock = VirtualClock::new();
/// let fast = ShiftedClock::over(clock.clone());
/// fast.set_ahead(Duration::from_secs(180));
/// assert_eq!(fast.now(), clock.now() + Duration::from_secs(180));
/// ```
#[derive(Clone, Debug)]
pub struct ShiftedClock {
    base: Arc<dyn Clock>,
    shift: Arc<Mutex<Shift>>,
}

#[derive(Debug, Default)]
struct Shift {
    ahead: Duration,
    behind: Duration,
    /// Only what was let pass: a difference that is set is a wrong date and no time.
    passed: Duration,
}

impl ShiftedClock {
    /// A clock that runs with the system's, without a difference yet.
    #[must_use]
    pub fn new() -> Self {
        Self::over(SystemClock::new())
    }

    /// A clock that runs with this one, without a difference yet.
    #[must_use]
    pub fn over(base: impl Clock + 'static) -> Self {
        Self {
            base: Arc::new(base),
            shift: Arc::default(),
        }
    }

    /// Lets time pass on this clock alone.
    pub fn advance(&self, by: Duration) {
        let mut shift = self.lock();
        shift.ahead = shift.ahead.saturating_add(by);
        shift.passed = shift.passed.saturating_add(by);
    }

    /// Puts the date ahead of the other clock's by this much; [`monotonic`](Clock::monotonic) stays
    /// where it is.
    pub fn set_ahead(&self, by: Duration) {
        let mut shift = self.lock();
        (shift.ahead, shift.behind) = (by, Duration::ZERO);
    }

    /// Puts the date behind the other clock's by this much; [`monotonic`](Clock::monotonic) stays
    /// where it is.
    pub fn set_behind(&self, by: Duration) {
        let mut shift = self.lock();
        (shift.ahead, shift.behind) = (Duration::ZERO, by);
    }

    fn lock(&self) -> MutexGuard<'_, Shift> {
        self.shift.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ShiftedClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> SystemTime {
        let (base, shift) = (self.base.now(), self.lock());
        // At the ends of the system's range of dates the difference is lost.
        let ahead = base.checked_add(shift.ahead).unwrap_or(base);
        ahead.checked_sub(shift.behind).unwrap_or(ahead)
    }

    fn monotonic(&self) -> Duration {
        self.base.monotonic().saturating_add(self.lock().passed)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        self.base.sleep(duration)
    }
}

/// Lets the other tasks run once, on any runtime.
async fn yield_once() {
    let mut yielded = false;
    poll_fn(|cx| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
