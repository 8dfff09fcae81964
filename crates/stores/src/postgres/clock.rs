//! The server's clock, which is asked now and then.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// How long a reading is carried on by this machine's own clock. In that time the two do not come
/// apart by anything that counts, and a pass over many tokens asks for the time at each of them.
const KEPT: Duration = Duration::from_secs(5);

/// The last reading, and when it was had.
#[derive(Debug, Default)]
pub(super) struct Clock(Mutex<Option<(SystemTime, Instant)>>);

impl Clock {
    /// The time by the last reading, if that is of late.
    pub(super) fn carried_on(&self) -> Option<SystemTime> {
        let (read, at) = (*self.0.lock().unwrap_or_else(PoisonError::into_inner))?;
        let since = at.elapsed();
        (since < KEPT).then(|| read.checked_add(since))?
    }

    /// Keeps a reading that was had just now.
    pub(super) fn keep(&self, read: SystemTime) {
        let kept = Some((read, Instant::now()));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = kept;
    }
}
