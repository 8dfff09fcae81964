//! The memory of a service's limits, which keeps a client within them.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::limits::{RateLimits, Timing, apart};
use super::operation::Operation;
use super::profile::Scope;
use crate::clock::Clock;
use crate::reactor::timeout;
use crate::sync::lock;

/// No service is known to have a window longer than ten seconds. An end further away than this is
/// junk, and one such answer must not shut a client for long.
const LONGEST_WINDOW: Duration = Duration::from_secs(60);

/// How long a window may be taken for used up on the strength of what was sent alone.
const LONGEST_GUESS: Duration = Duration::from_secs(10);

/// An end that is told in seconds from now moves by so much from one answer to the next.
const SAME_END: Duration = Duration::from_secs(1);

/// Of those who wait for the same moment, the last goes this much later.
const SPREAD: Duration = Duration::from_millis(250);

/// Lets only so many requests go at a time, and none that is sure to be turned away.
#[derive(Debug)]
pub(super) struct Limiter {
    places: Arc<Semaphore>,
    memory: Mutex<Memory>,
    /// Tells that a request is over.
    over: Notify,
}

/// At most one window a scope, and one an operation.
#[derive(Debug, Default)]
struct Memory {
    windows: Vec<(Key, Window)>,
    /// Until when `Retry-After` shuts everything, on our monotonic clock.
    shut_until: Duration,
    under_way: u64,
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
    /// It began after the last one that an answer told of, and is taken to have the same limit.
    guessed: bool,
}

/// Why no request may go.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Denied {
    /// The deadline is reached.
    Deadline,
    /// The service is known to refuse for longer than the call may wait.
    Window(Duration),
}

/// What to wait for.
#[derive(Debug, PartialEq, Eq)]
enum Wait {
    For(Duration),
    /// For a request to be over, whose answer may tell more.
    ForAnswer,
}

/// The right to have a request under way.
#[derive(Debug)]
pub(super) struct Permit {
    limiter: Arc<Limiter>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut memory = self.limiter.lock();
        memory.under_way = memory.under_way.saturating_sub(1);
        drop(memory);
        self.limiter.over.notify_waiters();
    }
}

impl Limiter {
    pub(super) fn new(concurrency: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(concurrency.min(Semaphore::MAX_PERMITS))),
            memory: Mutex::default(),
            over: Notify::new(),
        }
    }

    /// Waits for a free place within the known limits.
    pub(super) async fn acquire(
        self: &Arc<Self>,
        operation: &'static Operation,
        clock: &dyn Clock,
        deadline: Duration,
        longest: Duration,
        mut spread: impl FnMut() -> f64,
    ) -> Result<Permit, Denied> {
        loop {
            let mut now = clock.monotonic();
            let permit = if let Ok(permit) = Arc::clone(&self.places).try_acquire_owned() {
                permit
            } else {
                // Requests under way take real time on any clock, and so does waiting for them.
                let place = Arc::clone(&self.places).acquire_owned();
                let Ok(Ok(permit)) = timeout(deadline.saturating_sub(now), place).await else {
                    return Err(Denied::Deadline);
                };
                now = clock.monotonic();
                permit
            };
            if now >= deadline {
                return Err(Denied::Deadline);
            }
            let go = |permit| Permit {
                limiter: Arc::clone(self),
                _permit: permit,
            };
            let Err(wait) = self.reserve(operation, now) else {
                return Ok(go(permit));
            };
            let mut over = pin!(self.over.notified());
            if wait == Wait::ForAnswer {
                // It may have come just now.
                over.as_mut().enable();
                if self.reserve(operation, now).is_ok() {
                    return Ok(go(permit));
                }
            }
            drop(permit);
            match wait {
                Wait::For(wait) => {
                    let spread = wait.saturating_add(SPREAD.mul_f64(spread()));
                    if wait > longest || spread >= deadline.saturating_sub(now) {
                        return Err(Denied::Window(wait));
                    }
                    clock.sleep(spread).await;
                }
                // A deadline that passes meanwhile is noticed above.
                Wait::ForAnswer => drop(timeout(deadline.saturating_sub(now), over).await),
            }
        }
    }

    /// Takes a request out of every window that this operation counts in, or says what to wait for.
    fn reserve(&self, operation: &'static Operation, now: Duration) -> Result<(), Wait> {
        let mut memory = self.lock();
        let Memory {
            windows,
            shut_until,
            under_way,
            ..
        } = &mut *memory;
        windows.retain_mut(|(_, window)| window.lasts(now, *under_way));
        let mut end = *shut_until;
        let mut guessed = false;
        for (key, window) in windows.iter() {
            if counts(*key, operation) && window.left == 0 {
                guessed |= window.guessed;
                if !window.guessed {
                    end = end.max(window.ends);
                }
            }
        }
        if end > now {
            return Err(Wait::For(end.saturating_sub(now)));
        }
        if guessed {
            return Err(Wait::ForAnswer);
        }
        for (key, window) in windows {
            if counts(*key, operation) {
                window.left = window.left.saturating_sub(1);
            }
        }
        *under_way = under_way.saturating_add(1);
        Ok(())
    }

    /// Learns from an answer, while the request still holds its place; `now` is the time by the
    /// service's clock and by our monotonic one.
    pub(super) fn observe(
        &self,
        operation: &'static Operation,
        declined: bool,
        timing: &Timing,
        now: (SystemTime, Duration),
    ) {
        let (now, monotonic) = now;
        let shut = timing.retry_after.filter(|_| declined);
        let limits = &timing.limits;
        if shut.is_none() && limits.is_empty() {
            return;
        }
        let mut memory = self.lock();
        if let Some(wait) = shut {
            let end = monotonic.saturating_add(wait.min(LONGEST_WINDOW));
            memory.shut_until = memory.shut_until.max(end);
        }
        if limits.is_empty() {
            return;
        }
        let others = memory.under_way.saturating_sub(1);
        for (scope, told) in limits.windows() {
            let (Some(left), Some(reset)) = (told.remaining, told.reset) else {
                continue;
            };
            let Ok(length) = reset.duration_since(now) else {
                continue;
            };
            let key = key(scope, operation);
            let known = memory.windows.iter_mut().find(|(of, _)| *of == key);
            let left = match &known {
                // Answers overtake each other.
                Some((_, known)) if apart(known.reset, reset) <= SAME_END => known.left.min(left),
                // Requests under way may not be counted yet.
                _ => left.saturating_sub(others),
            };
            let window = Window {
                limit: told.limit,
                left,
                ends: monotonic.saturating_add(length.min(LONGEST_WINDOW)),
                reset,
                guessed: false,
            };
            match known {
                Some((_, known)) => *known = window,
                None => memory.windows.push((key, window)),
            }
        }
        memory.last.clone_from(limits);
    }

    #[cfg(feature = "launchdarkly")]
    /// The limits that the last answer told of.
    pub(super) fn last(&self) -> Option<RateLimits> {
        let last = self.lock().last.clone();
        (!last.is_empty()).then_some(last)
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        lock(&self.memory)
    }
}

impl Window {
    /// Whether anything is still known of it; if it is over and its limit is known, it begins anew.
    fn lasts(&mut self, now: Duration, under_way: u64) -> bool {
        if self.guessed && self.left == 0 && under_way == 0 {
            // All that were sent are back, and none told anything.
            return false;
        }
        if self.ends > now {
            return true;
        }
        match self.limit {
            Some(limit) if !self.guessed => {
                self.guessed = true;
                // Those under way may come to be counted in it.
                self.left = limit.saturating_sub(under_way);
                self.ends = now.saturating_add(LONGEST_GUESS);
                true
            }
            _ => false,
        }
    }
}

fn key(scope: Scope, operation: &'static Operation) -> Key {
    (scope, (scope == Scope::Route).then_some(operation.id))
}

/// Whether a request of this operation counts in this window.
fn counts((_, route): Key, operation: &'static Operation) -> bool {
    route.is_none_or(|id| id == operation.id)
}

#[cfg(test)]
mod tests;
