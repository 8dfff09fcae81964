//! Work on files, off the executor and not too much of it at once.

use tokio::sync::Semaphore;

use super::SinkError;
use crate::reactor;

/// Most files are on one disk, which more threads do not make faster.
static PERMITS: Semaphore = Semaphore::const_new(16);

/// Runs blocking work on a thread for it; where there is none, here.
///
/// Work whose future is dropped goes on to its end.
pub(super) async fn blocking<T, F>(work: F) -> Result<T, SinkError>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, SinkError> + Send + 'static,
{
    let Some(runtime) = reactor::handle() else {
        return work();
    };
    // It is never closed.
    let permit = PERMITS.acquire().await.ok();
    let done = runtime.spawn_blocking(move || {
        let done = work();
        drop(permit);
        done
    });
    done.await
        .unwrap_or_else(|_| Err(SinkError::unknown("its work on files was cut short")))
}
