//! Where this crate waits: connections, timers and processes are on threads of their own.
//!
//! A connection may read 128 times before anything else on its thread has a turn, and what a server
//! pours out ahead of its answer (`103 Early Hints`, without end) is parsed meanwhile: for seconds,
//! in which no timer of that thread goes off. Over there it holds up nobody's deadline. Besides, the
//! caller's runtime needs neither network nor timers, and need not be Tokio's.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::LazyLock;
use std::task::Poll;
use std::time::Duration;

#[cfg(any(feature = "blocking", feature = "rotation"))]
use tokio::runtime::Handle;
use tokio::runtime::{Builder, EnterGuard, Runtime};
use tokio::time::Sleep;

/// One thread, which does nothing else.
static TIMERS: LazyLock<Option<Runtime>> = LazyLock::new(|| start("tokens-timers"));
/// For processes, for work that blocks, and for what is begun beside a call that somebody waits for.
#[cfg(any(feature = "blocking", feature = "rotation"))]
static WORK: LazyLock<Option<Runtime>> = LazyLock::new(|| start("tokens-work"));

/// A runtime of one thread.
pub(crate) fn start(name: &str) -> Option<Runtime> {
    let mut builder = Builder::new_multi_thread();
    let builder = builder.worker_threads(1).thread_name(name).enable_all();
    builder.build().ok()
}

/// Where blocking work and helpers of it run; `None` if there is no such place.
#[cfg(any(feature = "blocking", feature = "rotation"))]
pub(crate) fn handle() -> Option<Handle> {
    let work = WORK.as_ref().map(Runtime::handle);
    work.cloned().or_else(|| Handle::try_current().ok())
}

/// Does what starts and hears of processes.
#[cfg(feature = "rotation")]
pub(crate) async fn work<T>(work: impl Future<Output = T>) -> T {
    within(WORK.as_ref(), work).await
}

/// Does work whose sockets and processes are another runtime's. Where no thread could be started, the
/// caller's own runtime has to do.
pub(crate) async fn within<T>(runtime: Option<&Runtime>, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let (mut waited, mut over) = (false, None);
    poll_fn(|cx| {
        if let Some(done) = over.take() {
            return Poll::Ready(done);
        }
        let _entered = runtime.map(Runtime::enter);
        let Poll::Ready(done) = work.as_mut().poll(cx) else {
            waited = true;
            return Poll::Pending;
        };
        if waited {
            return Poll::Ready(done);
        }
        // The other thread was so quick that nothing was waited for. The caller's other tasks get
        // their turn all the same.
        over = Some(done);
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

fn timers() -> Option<EnterGuard<'static>> {
    TIMERS.as_ref().map(Runtime::enter)
}

pub(crate) fn sleep(time: Duration) -> Sleep {
    let _entered = timers();
    tokio::time::sleep(time)
}

/// Does work, for no longer than this.
pub(crate) fn timeout<F: Future>(limit: Duration, work: F) -> tokio::time::Timeout<F> {
    let _entered = timers();
    tokio::time::timeout(limit, work)
}

/// One time limit, of one or several pieces of work.
pub(crate) type Timer = tokio::task::Unconstrained<Sleep>;

/// Goes off also where work that is always ready uses up all turns.
pub(crate) fn timer(limit: Duration) -> Timer {
    tokio::task::unconstrained(sleep(limit))
}

/// Does work until the time is over. What is ready counts, however late it is looked at: a thread that
/// was kept busy by something else gets to see what came meanwhile.
pub(crate) async fn before<T>(
    mut timer: std::pin::Pin<&mut Timer>,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => timer.as_mut().poll(cx).map(|()| None),
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::task::{Context, Waker};

    use super::*;

    #[tokio::test]
    async fn a_limit_holds_also_where_work_uses_up_every_turn() {
        use tokio::task::coop::poll_proceed;

        // Each poll takes all that Tokio allows between two waits, and is never done.
        let greedy = poll_fn(|cx| {
            while let Poll::Ready(turn) = poll_proceed(cx) {
                turn.made_progress();
            }
            cx.waker().wake_by_ref();
            Poll::<()>::Pending
        });
        let limit = pin!(timer(Duration::from_millis(20)));
        assert_eq!(before(limit, greedy).await, None);
    }

    #[test]
    fn what_is_ready_at_once_lets_others_have_a_turn() {
        let mut work = pin!(within(None, ready(7)));
        let mut context = Context::from_waker(Waker::noop());
        assert!(work.as_mut().poll(&mut context).is_pending());
        assert_eq!(work.as_mut().poll(&mut context), Poll::Ready(7));
    }
}
