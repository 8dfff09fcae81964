//! What a single call can be told.

use std::time::Duration;

use super::retry::RetryPolicy;

/// What a single call can change of its client's settings.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallOptions {
    pub(super) timeout: Option<Duration>,
    pub(crate) attempt_timeout: Option<Duration>,
    pub(crate) retry: Option<RetryPolicy>,
    /// On the core's monotonic clock; set when the call begins.
    pub(crate) deadline: Duration,
}

impl CallOptions {
    /// The option that is zero and must not be, if there is one.
    pub(super) fn zero(&self) -> Option<&'static str> {
        let zero = |time: Option<Duration>| time.is_some_and(|time| time.is_zero());
        let attempts = self.retry.as_ref().map(|policy| policy.max_attempts);
        [
            ("timeout", zero(self.timeout)),
            ("attempt_timeout", zero(self.attempt_timeout)),
            ("retry", attempts == Some(0)),
        ]
        .into_iter()
        .find_map(|(name, zero)| zero.then_some(name))
    }
}
