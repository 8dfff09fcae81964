//! A call that has begun: what its requests share, and the errors that it can end with.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::answer::Received;
use super::call::{Call, Context};
use super::classify;
use super::core::Core;
use super::hints;
use super::items::Reading;
use super::operation::{Idempotency, Operation};
use super::options::CallOptions;
use super::retry::Delivery;
use crate::error::{Error, ErrorKind, Result};
use crate::listing::misfit;
use crate::sync::lock;

/// A call that has begun: its deadline runs.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) core: Arc<Core>,
    idempotency: Option<Idempotency>,
    pub(super) context: Arc<Context>,
}

impl Session {
    pub(super) fn start(core: Arc<Core>, mut options: CallOptions) -> Result<Self> {
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

    /// A request of this call, for who sends it.
    pub(super) fn request(&self, operation: &'static Operation, items: Option<Reading>) -> Call {
        Call {
            core: Arc::clone(&self.core),
            operation,
            items,
            idempotency: self.idempotency,
            context: Arc::clone(&self.context),
        }
    }

    /// Makes one request, and gives the body of its success, or what came beside its items.
    pub(crate) async fn send(
        &self,
        operation: &'static Operation,
        request: reqwest::Request,
        items: Option<Reading>,
    ) -> Result<Bytes> {
        // Large, and otherwise moved from one future into the next all the way up.
        let (_, body) = Box::pin(self.request(operation, items).send(request)).await?;
        if self.came_as_page() {
            return Err(self.misread(operation, A_PAGE));
        }
        Ok(body)
    }

    /// What the last answer of this call said of itself.
    fn received(&self) -> Option<Received> {
        lock(&self.context.outcome).received.clone()
    }

    /// Whether the last answer is a page for people.
    pub(super) fn came_as_page(&self) -> bool {
        lock(&self.context.outcome).html
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

    #[cfg(any_service)]
    /// An error about what the last answer of this call said, or did not.
    pub(crate) fn answered(&self, operation: &Operation, kind: ErrorKind) -> Error {
        self.finish(operation, self.of_answer(kind), Delivery::NotSent)
    }

    /// A success of which the answer cannot be read, for this reason.
    pub(crate) fn misread(&self, operation: &Operation, reason: impl Into<String>) -> Error {
        let error = self
            .of_answer(ErrorKind::Decode)
            .with_reason(reason)
            .with_hint(self.came_as_page().then_some(hints::NOT_THE_API));
        self.finish(operation, error, Delivery::Unknown)
    }

    /// Says that an answer is used though not all of it can be read.
    pub(crate) fn left_out(&self, operation: &Operation) {
        tracing::warn!(
            service = self.core.profile.service.name(),
            operation = operation.id(),
            "the answer holds what cannot be read, which is left out"
        );
    }

    /// An error with what the last answer of this call said of itself.
    fn of_answer(&self, kind: ErrorKind) -> Error {
        let error = self.core.error(kind);
        match self.received().map(Received::info) {
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
}

/// A login page is no success, even where nothing is expected of the body.
pub(super) const A_PAGE: &str = "a page came where the API should answer";

/// Reads a body whole, or tells where it does not fit, by the names and numbers on the way there; never
/// what it holds.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    // Whether it is text is found out once, and not string by string.
    if let Ok(text) = std::str::from_utf8(body)
        && let Ok(value) = serde_json::from_str(text)
    {
        return Ok(value);
    }
    if body.trim_ascii().is_empty() {
        return Err("it is empty".to_owned());
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let (path, error) = (error.path(), error.inner());
        if error.is_data() {
            return misfit("", path);
        }
        let (line, column) = (error.line(), error.column());
        format!("it is not JSON, at line {line} column {column}")
    })?;
    let end = json.end().map(|()| value);
    end.map_err(|_| "it goes on after its end".to_owned())
}
