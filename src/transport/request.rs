//! A call that is yet to be made, and what can be said of it afterwards.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_core::future::BoxFuture;
use tracing::Instrument as _;

use super::answer::{Received, ResponseInfo};
use super::core::Core;
use super::options::CallOptions;
use super::retry::RetryPolicy;
use super::session::Session;
use super::trace;
use crate::error::Result;
use crate::sync::lock;

/// A call to a service; nothing is sent before it is awaited.
///
/// It owns all it needs, so it can be moved to another task. The limits of the client can be
/// changed for this one call.
///
/// # Errors
/// Awaiting gives [`Error`](crate::Error); see there for what it tells.
#[must_use = "nothing is sent until the request is awaited"]
pub struct Request<T> {
    core: Arc<Core>,
    options: CallOptions,
    run: Box<Run<T>>,
}

type Run<T> = dyn FnOnce(Start) -> BoxFuture<'static, Result<T>> + Send;

/// What a call begins with.
struct Start {
    core: Arc<Core>,
    options: CallOptions,
    /// Where to leave what the last answer said, if somebody asks for it.
    slot: Option<Arc<Mutex<Option<Received>>>>,
}

impl<T: Send + 'static> Request<T> {
    /// A call of this name that does what `run` does; `run` may make several requests, within one deadline.
    pub(crate) fn new<F, Fut>(core: &Arc<Core>, name: &'static str, run: F) -> Self
    where
        F: FnOnce(Session) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T>> + Send + 'static,
    {
        // The time begins to run when the call is first polled, not when it is made ready.
        let begin = async move |start: Start| {
            let span = trace::call(start.core.profile.service, name);
            let result = match Session::start(start.core, start.options) {
                Ok(session) => {
                    let context = Arc::clone(&session.context);
                    let result = run(session).instrument(span.clone()).await;
                    if let Some(slot) = start.slot {
                        *lock(&slot) = lock(&context.outcome).received.take();
                    }
                    result
                }
                Err(error) => Err(error),
            };
            result.inspect_err(|error| trace::failed(&span, error))
        };
        Self {
            core: Arc::clone(core),
            options: core.settings.options.clone(),
            run: Box::new(move |start| Box::pin(begin(start))),
        }
    }

    /// The time for this whole call; see [`ClientBuilder::timeout`](crate::ClientBuilder::timeout).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = timeout;
        self
    }

    /// The time for one attempt of this call; see
    /// [`ClientBuilder::attempt_timeout`](crate::ClientBuilder::attempt_timeout).
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.options.attempt_timeout = timeout;
        self
    }

    /// When a failed attempt of this call is followed by another.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.options.retry = policy;
        self
    }

    /// Makes the call and tells of its last answer too, such as its request id and rate limits.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn with_info(self) -> Result<(T, ResponseInfo)> {
        let slot = Arc::default();
        let value = self.begin(Some(Arc::clone(&slot))).await?;
        let received = lock(&slot).take();
        Ok((value, received.map(Received::info).unwrap_or_default()))
    }

    fn begin(self, slot: Option<Arc<Mutex<Option<Received>>>>) -> BoxFuture<'static, Result<T>> {
        (self.run)(Start {
            core: self.core,
            options: self.options,
            slot,
        })
    }
}

impl<T: Send + 'static> IntoFuture for Request<T> {
    type Output = Result<T>;
    type IntoFuture = BoxFuture<'static, Result<T>>;

    fn into_future(self) -> Self::IntoFuture {
        self.begin(None)
    }
}

impl<T> fmt::Debug for Request<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
