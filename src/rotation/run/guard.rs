//! Code of somebody else's: within its time, and its panics stay its own.

use std::time::Duration;

use crate::sync::catch_panic;

/// The longest text of somebody else's.
pub(super) const LONGEST: usize = 400;

/// Waits for it; if nothing comes of it, in words why.
pub(super) async fn guarded<T>(
    limit: Duration,
    code: impl Future<Output = T> + Send,
) -> Result<T, &'static str> {
    match crate::reactor::timeout(limit, catch_panic(code)).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(_)) => Err("panicked"),
        Err(_) => Err("took too long"),
    }
}
