//! Locks that outlive a panic, and panics that stay where they happen.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};

#[cfg(feature = "rotation")]
use futures_util::FutureExt as _;

/// Locks, whether or not somebody panicked while holding the lock: no critical section of this crate
/// leaves its data half changed.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A panic in code that was called. What it said is left out: it could hold a secret.
#[derive(Debug)]
pub(crate) struct Panicked;

/// Runs somebody else's future to its end, or to its panic.
///
/// The future is dropped after a panic and never polled again, so nothing can see it half done but
/// what it shares with others; that is its owner's.
#[cfg(feature = "rotation")]
pub(crate) async fn catch_panic<T>(future: impl Future<Output = T> + Send) -> Result<T, Panicked> {
    let caught = AssertUnwindSafe(future).catch_unwind().await;
    caught.map_err(|_| Panicked)
}

/// Calls somebody else's function, to its return or its panic.
pub(crate) fn catch_panic_in<T>(call: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|_| Panicked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_outlives_a_panic() {
        let mutex = Mutex::new(1);
        let panicked = catch_panic_in(|| {
            let mut held = lock(&mutex);
            *held = 2;
            panic!("while holding it");
        });
        assert!(panicked.is_err() && mutex.is_poisoned());
        assert_eq!(*lock(&mutex), 2);
    }

    #[cfg(feature = "rotation")]
    #[tokio::test]
    async fn a_panic_ends_at_its_catcher() {
        assert!(matches!(catch_panic(async { 7 }).await, Ok(7)));
        let late = async {
            tokio::task::yield_now().await;
            panic!("canary")
        };
        let caught: Result<(), _> = catch_panic(late).await;
        assert!(!format!("{caught:?}").contains("canary"));
    }
}
