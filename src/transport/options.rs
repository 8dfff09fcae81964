//! What a client is told of all its calls, and each of them can be told anew.

use std::time::Duration;

use super::retry::RetryPolicy;

/// How long a call may take, and how often it is tried.
#[derive(Clone, Debug)]
pub(crate) struct CallOptions {
    pub(super) timeout: Duration,
    pub(super) attempt_timeout: Duration,
    pub(super) retry: RetryPolicy,
    /// On the core's monotonic clock; set when the call begins.
    pub(super) deadline: Duration,
}

impl Default for CallOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(120),
            attempt_timeout: Duration::from_secs(30),
            retry: RetryPolicy::default(),
            deadline: Duration::ZERO,
        }
    }
}

impl CallOptions {
    /// The option that is zero and must not be, if there is one.
    pub(super) fn zero(&self) -> Option<&'static str> {
        first_of([
            ("timeout", self.timeout.is_zero()),
            ("attempt_timeout", self.attempt_timeout.is_zero()),
            ("retry", self.retry.max_attempts == 0),
        ])
    }
}

/// The first name of which something is so.
pub(super) fn first_of<const N: usize>(all: [(&'static str, bool); N]) -> Option<&'static str> {
    let mut so = all.into_iter().filter(|(_, so)| *so);
    so.next().map(|(name, _)| name)
}
