//! Calls without async: [`wait`](Blocking::wait) on anything that would be awaited, and
//! [`wait_each`](BlockingStream::wait_each) on any stream, for programs that are not asynchronous.
//!
//! Clients, methods, settings and errors are the same as everywhere; there is no second client whose
//! methods could differ. Nothing has to be started first.
//!
//! ```
//! use access_tokens::blocking::{Blocking as _, BlockingStream as _};
//! # #[cfg(feature = "launchdarkly")] mod example {
//! # use super::*;
//! use access_tokens::launchdarkly::{Client, Role, TokenBody};
//! # use access_tokens_testing::LaunchDarkly;
//! # pub fn run() -> Result<(), Box<dyn std::error::Error>> {
//! # let runtime = tokio::runtime::Runtime::new()?;
//! # let twin = runtime.block_on(LaunchDarkly::start())?;
//! # let (base_url, secret) = (twin.base_url(), twin.credential());
//!
//! let ld = Client::builder().base_url(base_url).credential(secret).build()?;
//! let new = ld.create(TokenBody::builder().name("nightly").role(Role::Reader)).wait()?;
//! for token in ld.list().stream().wait_each() {
//!     println!("{}", token?.id);
//! }
//! ld.delete(&new.token().id).wait()?;
//! # Ok(())
//! # }
//! # }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! #     #[cfg(feature = "launchdarkly")]
//! #     example::run()?;
//! #     Ok(())
//! # }
//! ```
//!
//! # Inside a runtime
//!
//! Whoever waits keeps the thread, and with it everything else that a runtime has to do on it. So a wait
//! inside of an asynchronous task of Tokio is refused: the error is [`InsideRuntime`], or one of the
//! call's own made of it, and nothing was sent. Where Tokio allows to block, such as in
//! `spawn_blocking`, a wait is fine. Other runtimes cannot be told from none; there it blocks, and what
//! it waits for still comes, since connections and timers are on threads of this crate.

use std::fmt;
use std::future::{IntoFuture, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use futures_core::Stream;
use tokio::runtime::Handle;
use tokio::task::coop::poll_proceed;

use self::sealed::Answer;
use crate::error::{Error, ErrorKind};
use crate::id::Service;
use crate::reactor;

/// Anything that can be awaited, for those who wait instead: a [`Request`](crate::Request), a tick, an
/// inventory.
///
/// What it gives are the results of what is awaited. Where those are no `Result`, such as a tick's
/// report, it gives one whose error is [`InsideRuntime`].
///
/// ```
/// use access_tokens::blocking::Blocking as _;
/// use access_tokens::inventory::Inventory;
///
/// let report = Inventory::new().collect().wait()?;
/// assert!(report.is_complete());
/// # Ok::<(), access_tokens::blocking::InsideRuntime>(())
/// ```
pub trait Blocking: IntoFuture<Output: Answer> + Sized {
    /// Blocks this thread until it is done.
    ///
    /// # Errors
    /// Those of what is waited for; [`InsideRuntime`] in an asynchronous task, with nothing done.
    fn wait(self) -> Result<<Self::Output as Answer>::Value, <Self::Output as Answer>::Error> {
        if in_a_task() {
            return Err(InsideRuntime(()).into());
        }
        block_on(self.into_future()).into_result()
    }
}

impl<F: IntoFuture<Output: Answer>> Blocking for F {}

/// Any stream, for those who wait for one item after another.
///
/// ```
/// use access_tokens::TokenService;
/// use access_tokens::blocking::BlockingStream as _;
///
/// fn names(service: &dyn TokenService) -> access_tokens::Result<Vec<String>> {
///     let records = service.list().wait_each();
///     records.filter_map(|record| record.map(|record| record.name).transpose()).collect()
/// }
/// ```
pub trait BlockingStream: Stream<Item: Answer> + Sized {
    /// The items one after another, each blocking this thread until it is there. In an asynchronous
    /// task there is one item, [`InsideRuntime`].
    fn wait_each(self) -> Each<Self> {
        Each(Some(Box::pin(self)))
    }
}

impl<S: Stream<Item: Answer>> BlockingStream for S {}

/// Items of a stream, one after another; see [`wait_each`](BlockingStream::wait_each).
#[must_use = "nothing is sent until an item is asked for"]
pub struct Each<S>(Option<Pin<Box<S>>>);

impl<S: Stream<Item: Answer>> Iterator for Each<S> {
    type Item = Result<<S::Item as Answer>::Value, <S::Item as Answer>::Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let stream = self.0.as_mut()?;
        if in_a_task() {
            self.0 = None;
            return Some(Err(InsideRuntime(()).into()));
        }
        let next = block_on(poll_fn(|cx| stream.as_mut().poll_next(cx)));
        if next.is_none() {
            self.0 = None;
        }
        next.map(Answer::into_result)
    }
}

impl<S> fmt::Debug for Each<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Each").finish_non_exhaustive()
    }
}

/// Refusal of a wait in an asynchronous task: it would have held up the runtime. Nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("wait() would hold up the runtime of this task: {HINT}")]
pub struct InsideRuntime(());

const HINT: &str = "await the call instead, or wait in spawn_blocking or on a thread of your own";

impl From<InsideRuntime> for Error {
    fn from(refused: InsideRuntime) -> Self {
        Self::of_kind(Service::new("access-tokens"), ErrorKind::InvalidInput)
            .with_reason(refused.to_string())
            .with_hint(Some(HINT))
    }
}

#[cfg(feature = "rotation")]
impl From<InsideRuntime> for crate::rotation::Error {
    fn from(refused: InsideRuntime) -> Self {
        use crate::rotation::ErrorKind::Interrupted;
        Self::new("access-tokens", Interrupted, refused.to_string())
    }
}

mod sealed {
    use super::InsideRuntime;

    /// What comes of a wait, which may have been refused.
    pub trait Answer {
        /// What a wait gives.
        type Value;
        /// Why it gives nothing.
        type Error: From<InsideRuntime>;

        fn into_result(self) -> Result<Self::Value, Self::Error>;
    }

    impl<T, E: From<InsideRuntime>> Answer for Result<T, E> {
        type Value = T;
        type Error = E;

        fn into_result(self) -> Self {
            self
        }
    }

    macro_rules! never_fails {
        ($($(#[$cfg:meta])* $type:ty),+ $(,)?) => {$(
            $(#[$cfg])*
            impl Answer for $type {
                type Value = Self;
                type Error = InsideRuntime;

                fn into_result(self) -> Result<Self, InsideRuntime> {
                    Ok(self)
                }
            }
        )+};
    }

    never_fails! {
        crate::inventory::Report,
        /// What an inventory streams.
        (std::sync::Arc<str>, crate::Result<crate::TokenRecord>),
        #[cfg(feature = "rotation")]
        crate::rotation::Report,
    }
}

/// Whether this thread is just polling a task of Tokio's. A task has so many turns until it must let
/// others have theirs, and where blocking is allowed they have no end.
fn in_a_task() -> bool {
    if Handle::try_current().is_err() {
        return false;
    }
    let mut context = Context::from_waker(Waker::noop());
    (0..=u8::MAX).any(|_| match poll_proceed(&mut context) {
        Poll::Ready(turn) => {
            turn.made_progress();
            false
        }
        Poll::Pending => true,
    })
}

/// Wakes a thread that waits. What else parks on that thread meanwhile may take its token, so it looks
/// whether it was woken.
struct Signal {
    thread: Thread,
    woken: AtomicBool,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// Polls to the end on this thread. What is begun beside it (pages ahead, say) is on threads of this
/// crate, whatever runtime this thread belongs to: nobody drives that one meanwhile.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    let signal = Arc::new(Signal {
        thread: thread::current(),
        woken: AtomicBool::new(false),
    });
    let waker = Waker::from(Arc::clone(&signal));
    let runtime = reactor::handle();
    let _entered = runtime.as_ref().map(Handle::enter);
    let mut work = pin!(work);
    loop {
        if let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(&waker)) {
            return done;
        }
        while !signal.woken.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }
}
