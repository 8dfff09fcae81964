//! How often a whole rotation waits for the disk, counted where files are written.

use std::sync::atomic::{AtomicU32, Ordering};

static WAITS: AtomicU32 = AtomicU32::new(0);

/// Something waits for the disk, in whichever thread.
pub(super) fn count() {
    WAITS.fetch_add(1, Ordering::Relaxed);
}

#[cfg(feature = "launchdarkly")]
mod tests;
