//! What a single call can be told.

use std::time::Duration;

use super::operation::Idempotency;
use super::retry::RetryPolicy;

/// What a single call can change of its client's settings.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallOptions {
    pub(super) timeout: Option<Duration>,
    pub(crate) attempt_timeout: Option<Duration>,
    pub(crate) retry: Option<RetryPolicy>,
    pub(crate) idempotency: Option<Idempotency>,
    /// On the core's monotonic clock; set when the call begins.
    pub(crate) deadline: Duration,
}
