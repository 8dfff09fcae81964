//! Whether somebody on this machine is at work on an entry.

use std::fmt;

/// Answer to [`StateStore::try_lock`](super::StateStore::try_lock).
#[derive(Debug)]
pub enum LocalLock {
    /// Nobody else has it until the guard is dropped or the process ends, in whatever way.
    Held(LocalGuard),
    /// Another task or process of this machine has it, and is alive.
    Busy,
    /// The store has no such lock. Whether somebody is at work is told by the lease alone.
    NotOffered,
}

/// Local lock on a name, let go when this is dropped or the process is killed.
///
/// It saves waiting, and nothing depends on it: what makes runners safe is the compare-and-swap.
pub struct LocalGuard {
    domain: Option<String>,
    _held: Box<dyn Send + Sync>,
}

impl LocalGuard {
    /// Makes a guard of whatever lets the lock go when it is dropped.
    pub fn new(domain: Option<String>, held: impl Send + Sync + 'static) -> Self {
        Self {
            domain,
            _held: Box::new(held),
        }
    }

    /// Within what the lock excludes others: one running system and one place of a store.
    ///
    /// Whoever gets the lock and reads a lease that was taken under a lock of the same domain knows
    /// that its holder is gone, and need not wait for the lease to end. `None`: that cannot be
    /// known.
    #[must_use]
    pub fn domain(&self) -> Option<&str> {
        self.domain.as_deref()
    }
}

impl fmt::Debug for LocalGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalGuard")
            .field("domain", &self.domain)
            .finish_non_exhaustive()
    }
}
