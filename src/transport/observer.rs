//! What a client tells of its requests, for metrics.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use super::operation::Operation;
use crate::id::Service;
use crate::sync::catch_panic_in;

/// Observer of the requests of a client, for metrics: how long attempts take, what comes of them, and
/// what is waited for.
///
/// A closure is one. It is called on the task of the call, between two steps of it, so it has to be
/// quick and must not block. If it panics, the panic is caught, and the call goes on: what a create
/// brought is not lost for the sake of a figure.
///
/// No member of what it is told is a secret, a body, an id or a name of a token: they take only as many
/// values as there are operations, statuses, kinds of errors and servers, so that all of them can be
/// attributes of a metric.
///
/// ```
/// use access_tokens::{Observed, launchdarkly::Client};
/// use std::sync::{Arc, atomic::{AtomicU64, Ordering}};
/// # use access_tokens_testing::{Fault, LaunchDarkly, launchdarkly::Operation};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let twin = LaunchDarkly::start().await?;
/// # twin.on(Operation::GetTokens).then(Fault::Status(503));
/// let retries = Arc::new(AtomicU64::new(0));
/// let counter = Arc::clone(&retries);
/// # let (url, secret) = (twin.base_url(), twin.credential());
/// let ld = Client::builder()
///     .base_url(url)
///     .credential(secret)
///     .observer(move |observed: &Observed<'_>| {
///         if let Observed::Attempt(attempt) = observed {
///             counter.fetch_add(u64::from(attempt.resend_count > 0), Ordering::Relaxed);
///         }
///     })
///     # .clock(access_tokens_testing::VirtualClock::new())
///     .build()?;
/// ld.list().all().await?;
/// println!("{} retries", retries.load(Ordering::Relaxed));
/// # assert_eq!(retries.load(Ordering::Relaxed), 1);
/// # Ok(())
/// # }
/// ```
pub trait Observer: Send + Sync {
    /// Takes note of what has happened.
    fn observe(&self, observed: &Observed<'_>);
}

impl<F: Fn(&Observed<'_>) + Send + Sync> Observer for F {
    fn observe(&self, observed: &Observed<'_>) {
        self(observed);
    }
}

/// What an [`Observer`] is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Observed<'a> {
    /// An attempt is over.
    Attempt(Attempt<'a>),
    /// A wait is over.
    Wait(Wait<'a>),
}

/// Attempt of a call, which is over: a request, and its answer or the lack of one. An attempt that is
/// dropped is not told of.
///
/// The members are the attributes of `http.client.request.duration` in OpenTelemetry's conventions for
/// HTTP clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt<'a> {
    /// The service.
    pub service: Service,
    /// The operation; its [`template`](Operation::template) is `url.template`.
    pub operation: &'a Operation,
    /// `http.request.method`.
    pub method: &'a str,
    /// `server.address`: a name or an address, without a port.
    pub server_address: &'a str,
    /// `server.port`.
    pub server_port: u16,
    /// `http.response.status_code`, if there was an answer.
    pub status: Option<StatusCode>,
    /// `error.type`, if the attempt failed: the name of its [`ErrorKind`](crate::ErrorKind).
    pub error_type: Option<&'static str>,
    /// `http.request.resend_count`: how many attempts were made before this one.
    pub resend_count: u32,
    /// How long it took, the reading of the body included, by the client's clock: the value of
    /// `http.client.request.duration`, which is in seconds.
    pub duration: Duration,
}

/// Wait before an attempt, which is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wait<'a> {
    /// The service.
    pub service: Service,
    /// The operation that waited.
    pub operation: &'a Operation,
    /// What for.
    pub reason: WaitReason,
    /// How long, by the client's clock.
    pub duration: Duration,
}

/// What a call waits for before an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WaitReason {
    /// For the next attempt: back-off, or the time that the service asked for.
    Retry,
    /// For one of the client's places ([`concurrency`](crate::ClientBuilder::concurrency)), or for a
    /// window of the service's limits. What is shorter than a millisecond is not told.
    Limit,
}

impl WaitReason {
    /// The reason as a word for programs, such as `retry`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Limit => "limit",
        }
    }
}

/// The observer of a client, if it has one.
#[derive(Clone, Default)]
pub(crate) struct Observing(Option<Arc<dyn Observer>>);

impl Observing {
    pub(super) fn by(observer: impl Observer + 'static) -> Self {
        Self(Some(Arc::new(observer)))
    }

    pub(super) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn tell(&self, observed: &Observed<'_>) {
        if let Some(observer) = &self.0 {
            let _ = catch_panic_in(|| observer.observe(observed));
        }
    }
}

impl fmt::Debug for Observing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_on() { "on" } else { "off" })
    }
}
