//! Calls into code of the user's, which may panic.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

/// The callee panicked. What it said is left out: it could hold a secret.
#[derive(Debug)]
pub(super) struct Panicked;

/// Runs to the end, or to a panic.
///
/// The future is dropped after a panic and never polled again, so nothing can see it half done but
/// what it shares with others; that is the callee's own.
pub(super) async fn guarded<T>(future: impl Future<Output = T> + Send) -> Result<T, Panicked> {
    let mut future = Box::pin(future);
    poll_fn(
        |cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(_) => Poll::Ready(Err(Panicked)),
        },
    )
    .await
}

/// The same without waiting.
pub(super) fn guarded_call<T>(call: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|_| Panicked)
}
