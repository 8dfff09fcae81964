//! What the time is and how to wait, for the system and for tests.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use futures_core::future::BoxFuture;

use crate::pointer::pass_on;
use crate::reactor;

/// What the time is and how to wait: the system's clock, or one that a test turns by hand.
///
/// Time limits of a single attempt on the network are real time whatever the clock; everything
/// else that the crate measures or waits for goes through this trait.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The date and time.
    fn now(&self) -> SystemTime;

    /// How long ago an arbitrary fixed moment was; never goes back.
    fn monotonic(&self) -> Duration;

    /// Waits.
    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()>;
}

/// The system's own clock; sleeping uses a timer of this crate, in any runtime.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock that follows the system's.
    #[must_use]
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

pass_on!(Clock for Arc<T> => {
    fn now(&self) -> SystemTime;
    fn monotonic(&self) -> Duration;
    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()>;
});

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(reactor::sleep(duration))
    }
}
