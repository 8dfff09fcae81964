//! What is to be read, and how much of it.

use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::service::TokenService;

/// Label and service, or why there is none to ask.
pub(super) type Account = (Arc<str>, Result<Arc<dyn TokenService>, Error>);

/// The bounds of one collection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) concurrency: usize,
    pub(super) max_records: usize,
    pub(super) time: Option<Duration>,
}

impl Limits {
    /// The name of a limit that lets nothing through.
    pub(super) fn zero(&self) -> Option<&'static str> {
        [
            ("concurrency", self.concurrency == 0),
            ("max_records", self.max_records == 0),
            ("time_limit", self.time.is_some_and(|limit| limit.is_zero())),
        ]
        .into_iter()
        .find_map(|(name, zero)| zero.then_some(name))
    }
}
