//! A call that is yet to be made, and what can be said of it afterwards.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use progenitor_client::{Error as WireError, ResponseValue};
use serde::de::DeserializeOwned;
use tracing::Instrument as _;

use super::answer::{Received, ResponseInfo};
use super::call::{Call, Context};
use super::classify;
use super::core::Core;
use super::hints;
use super::operation::{Idempotency, Operation};
use super::options::CallOptions;
use super::retry::{Delivery, RetryPolicy};
use super::trace;
use crate::error::{Error, ErrorKind, Result};
use crate::listing::misfit;
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

/// What a generated client makes of an answer.
type Sent<T> = std::result::Result<ResponseValue<T>, WireError<()>>;

/// A generated client.
pub(crate) trait Wire {
    /// A client of this address, whose requests go to the transport as parts of a call.
    fn open(base_url: &str, http: reqwest::Client, call: Call) -> Self;
}

/// A call that has begun: its deadline runs.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) core: Arc<Core>,
    idempotency: Option<Idempotency>,
    context: Arc<Context>,
}

impl Session {
    pub(crate) fn start(core: Arc<Core>, mut options: CallOptions) -> Result<Self> {
        let service = core.profile.service;
        if let Some(name) = options.zero() {
            return Err(Error::input(service, name, "must be greater than zero"));
        }
        options.deadline = core.clock.monotonic().saturating_add(options.timeout);
        Ok(Self {
            core,
            idempotency: None,
            context: Arc::new(Context {
                options,
                outcome: Mutex::default(),
            }),
        })
    }

    #[cfg(feature = "launchdarkly")]
    /// The same call, for a request whose repetition means something else than usual.
    pub(crate) fn with_idempotency(mut self, idempotency: Idempotency) -> Self {
        self.idempotency = Some(idempotency);
        self
    }

    /// An argument that breaks a rule.
    pub(crate) fn input(
        &self,
        operation: &Operation,
        field: &'static str,
        rule: impl Into<String>,
    ) -> Error {
        Error::input(self.core.profile.service, field, rule).with_operation(operation.id)
    }

    #[cfg(feature = "query-server")]
    /// An error of this call that has no answer of its own.
    pub(crate) fn error(&self, operation: &Operation, kind: ErrorKind) -> Error {
        self.finish(operation, self.core.error(kind), Delivery::NotSent)
    }

    /// An error about what the last answer of this call said, or did not.
    pub(crate) fn answered(&self, operation: &Operation, kind: ErrorKind) -> Error {
        self.finish(operation, self.of_answer(kind), Delivery::NotSent)
    }

    /// An error with what the last answer of this call said of itself.
    fn of_answer(&self, kind: ErrorKind) -> Error {
        let received = lock(&self.context.outcome).received.clone();
        let error = self.core.error(kind);
        match received.map(Received::info) {
            Some(info) => error
                .with_status(info.status)
                .with_attempts(info.attempts)
                .with_request_id(info.request_id),
            None => error,
        }
    }

    #[cfg(any(feature = "launchdarkly", feature = "avisi-cloud"))]
    /// An error about an answer that should have held a secret: the token is there, and nobody holds it.
    pub(crate) fn no_secret(
        &self,
        operation: &Operation,
        id: Option<&crate::id::TokenId>,
    ) -> Error {
        let id = id.map_or("not told".into(), |id| {
            crate::text::escape_untrusted(id.as_str(), 64)
        });
        self.answered(operation, ErrorKind::Decode)
            .with_reason(format!(
                "the answer holds no secret; the token's id is {id}"
            ))
            .with_effect(true)
    }

    fn finish(&self, operation: &Operation, error: Error, sent: Delivery) -> Error {
        classify::finish(error, self.core.profile, operation, false, sent)
    }

    #[cfg(feature = "query-server")]
    /// An error of a later request, which was to show what the operation did.
    pub(crate) fn outcome_unknown(&self, operation: &Operation, error: Error) -> Error {
        classify::outcome_unknown(error, self.core.profile, operation)
    }

    #[cfg(any(feature = "launchdarkly", feature = "avisi-cloud"))]
    /// Refuses an id that could lead to another path.
    pub(crate) fn check_id(&self, operation: &Operation, id: &crate::id::TokenId) -> Result<()> {
        id.check()
            .map_err(|error| self.input(operation, "id", error.to_string()))
    }

    #[cfg(any(feature = "launchdarkly", feature = "query-server"))]
    /// The time at which a token shall end, in the unit of the wire; `None` for never. One that cannot
    /// go out is refused, since without it the call would mean something else.
    pub(crate) fn resolve<T>(
        &self,
        operation: &Operation,
        field: &'static str,
        expiry: crate::time::Expiry,
        unit: fn(std::time::SystemTime) -> Option<T>,
    ) -> Result<Option<T>> {
        let bad = |rule| self.input(operation, field, rule);
        match expiry.resolve(self.core.service_now()).map_err(bad)? {
            Some(time) => unit(time)
                .map(Some)
                .ok_or_else(|| bad("lies too far in the future")),
            None => Ok(None),
        }
    }

    /// Makes one request through a generated client.
    pub(crate) async fn call<W: Wire, T: DeserializeOwned>(
        &self,
        operation: &'static Operation,
        send: impl AsyncFnOnce(W) -> Sent<T>,
    ) -> Result<T> {
        let result = self.call_or_body(operation, send).await;
        result.map_err(|(error, _)| error)
    }

    #[cfg(any(feature = "launchdarkly", feature = "avisi-cloud"))]
    /// The same, of an answer that holds what is told only once: a member that cannot be read is left
    /// out and costs nothing else.
    pub(crate) async fn call_for_secret<W: Wire, T: DeserializeOwned>(
        &self,
        operation: &'static Operation,
        send: impl AsyncFnOnce(W) -> Sent<T>,
    ) -> Result<T> {
        let result = self.call_or_body(operation, send).await;
        result.or_else(|(error, body)| {
            let part = crate::lenient::readable_part(&body.ok_or_else(|| error.clone())?);
            if part.is_some() {
                tracing::warn!(
                    service = self.core.profile.service.name(),
                    operation = operation.id(),
                    "the answer holds what cannot be read, which is left out"
                );
            }
            part.ok_or(error)
        })
    }

    /// The same, and gives back the body of a success that cannot be read as a whole.
    pub(crate) async fn call_or_body<W: Wire, T: DeserializeOwned>(
        &self,
        operation: &'static Operation,
        send: impl AsyncFnOnce(W) -> Sent<T>,
    ) -> Result<T, (Error, Option<Bytes>)> {
        let call = Call {
            core: Arc::clone(&self.core),
            operation,
            idempotency: self.idempotency,
            context: Arc::clone(&self.context),
        };
        let client = W::open(self.core.base.as_str(), self.core.http.clone(), call);
        let result = send(client).await;
        let mut outcome = lock(&self.context.outcome);
        let (failure, html) = (outcome.failure.take(), outcome.html);
        drop(outcome);
        if let Some(error) = failure {
            return Err((error, None));
        }
        let (reason, body) = match result {
            // A login page is no success, even where nothing is expected of the body.
            Ok(_) if html => ("a page came where the API should answer".to_owned(), None),
            Ok(value) => return Ok(value.into_inner()),
            Err(WireError::InvalidResponsePayload(body, _)) => {
                (unreadable::<T>(&body), (!html).then_some(body))
            }
            // Left are requests that could not be built; the words could hold an argument.
            Err(_) => {
                let rule = "cannot be built from these arguments";
                return Err((self.input(operation, "request", rule), None));
            }
        };
        let error = self
            .of_answer(ErrorKind::Decode)
            .with_reason(reason)
            .with_hint(html.then_some(hints::NOT_THE_API));
        Err((self.finish(operation, error, Delivery::Unknown), body))
    }
}

/// Where a body does not fit, by the names and numbers on the way there; never what it holds.
fn unreadable<T: DeserializeOwned>(body: &[u8]) -> String {
    if body.trim_ascii().is_empty() {
        return "it is empty".to_owned();
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    match serde_path_to_error::deserialize::<_, T>(&mut json) {
        Err(error) if error.inner().is_data() => misfit(error.path()),
        Err(error) => format!(
            "it is not JSON, at line {} column {}",
            error.inner().line(),
            error.inner().column()
        ),
        Ok(_) => "it goes on after its end".to_owned(),
    }
}
