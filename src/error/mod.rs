//! The one error type: what happened, whether it may have taken effect, and what to do next.

use std::time::Duration;

use http::StatusCode;

use crate::id::Service;
use crate::listing::UnreadableItem;

mod display;
mod kind;

pub use self::kind::ErrorKind;

/// The result of every call of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Failure of a call, or of what leads to one: what happened, whether it may have taken effect, and
/// what to do next.
///
/// `Display` is one line for a person and needs nothing beside it; [`source`] is always empty,
/// because the errors below could carry a body, a header or a URL. For a program there are
/// [`kind`](Self::kind), the predicates and the accessors. Nothing of it ever holds a secret.
///
/// # Whether it may have taken effect
///
/// [`may_have_been_sent`](Self::may_have_been_sent) answers the one question that matters after a
/// failed create, reset or update. If it says `true`, do not simply call again: look first.
///
/// [`source`]: std::error::Error::source
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    service: Service,
    operation: Option<&'static str>,
    kind: ErrorKind,
    cause: Option<ErrorKind>,
    status: Option<StatusCode>,
    code: Option<String>,
    message: Option<String>,
    details: Vec<String>,
    request_id: Option<String>,
    retry_after: Option<Duration>,
    attempts: u32,
    may_have_been_sent: bool,
    field: Option<&'static str>,
    reason: Option<String>,
    hint: Option<&'static str>,
    item: Option<UnreadableItem>,
}

impl Error {
    pub(crate) fn of_kind(service: Service, kind: ErrorKind) -> Self {
        Self(Box::new(Inner {
            service,
            operation: None,
            kind,
            cause: None,
            status: None,
            code: None,
            message: None,
            details: Vec::new(),
            request_id: None,
            retry_after: None,
            attempts: 0,
            may_have_been_sent: false,
            field: None,
            reason: None,
            hint: None,
            item: None,
        }))
    }

    /// An error of a service of your own, for those who implement
    /// [`TokenService`](crate::TokenService).
    ///
    /// The reason is printed wherever the error is: it must not hold a secret.
    /// [`ErrorKind::OutcomeUnknown`] says that the call may have taken effect.
    ///
    /// ```
    /// use access_tokens::{Error, ErrorKind, Service};
    ///
    /// const VAULT: Service = Service::new("Vault");
    /// let error = Error::new(VAULT, ErrorKind::NotFound, "there is no such token");
    /// assert_eq!(error.to_string(), "Vault: not found: there is no such token");
    /// ```
    #[must_use]
    pub fn new(service: Service, kind: ErrorKind, reason: impl Into<String>) -> Self {
        Self::of_kind(service, kind)
            .with_reason(reason)
            .with_effect(kind == ErrorKind::OutcomeUnknown)
    }

    /// An error about a single item of a list that cannot be read, for those who implement
    /// [`TokenService`](crate::TokenService).
    #[must_use]
    pub fn unreadable(service: Service, item: UnreadableItem) -> Self {
        let mut error =
            Self::of_kind(service, ErrorKind::UnreadableItem).with_reason(item.to_string());
        error.0.item = Some(item);
        error
    }

    /// The note on the item that this error is about, if it is about a single one: its own, or one of
    /// the item at this place.
    pub(crate) fn unreadable_item(&self, place: usize) -> Option<UnreadableItem> {
        let note = || {
            let place = u64::try_from(place).unwrap_or(u64::MAX);
            UnreadableItem::new(place, None, self.to_string())
        };
        let about_one = self.0.kind == ErrorKind::UnreadableItem;
        about_one.then(|| self.0.item.clone().unwrap_or_else(note))
    }

    /// An argument that breaks a rule: which one, and the rule. Nothing was sent.
    pub(crate) fn input(service: Service, field: &'static str, rule: impl Into<String>) -> Self {
        Self::of_kind(service, ErrorKind::InvalidInput)
            .with_field(field)
            .with_reason(rule)
    }

    #[cfg(any_service)]
    /// Something that a service has no operation for.
    pub(crate) fn unsupported(service: Service, what: &'static str) -> Self {
        Self::of_kind(service, ErrorKind::Unsupported).with_field(what)
    }

    /// A setting that breaks a rule.
    pub(crate) fn config(service: Service, field: &'static str, rule: impl Into<String>) -> Self {
        Self::of_kind(service, ErrorKind::Config)
            .with_field(field)
            .with_reason(rule)
    }

    pub(crate) fn with_field(mut self, field: &'static str) -> Self {
        self.0.field = Some(field);
        self
    }

    /// Our own words on what happened; they must not hold anything that came from a body.
    pub(crate) fn with_reason(mut self, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        self.0.reason = Some(match self.0.reason.take() {
            Some(first) => format!("{first}; {reason}"),
            None => reason,
        });
        self
    }

    pub(crate) fn with_operation(mut self, operation: &'static str) -> Self {
        self.0.operation.get_or_insert(operation);
        self
    }

    #[cfg(feature = "query-server")]
    /// Makes it an error of another operation than the one that failed.
    pub(crate) fn for_operation(mut self, operation: &'static str) -> Self {
        self.0.operation = Some(operation);
        self
    }

    pub(crate) fn with_status(mut self, status: impl Into<Option<StatusCode>>) -> Self {
        self.0.status = status.into();
        self
    }

    /// What the server said of itself; bounded and escaped by the caller.
    pub(crate) fn with_server_words(
        mut self,
        code: Option<String>,
        message: Option<String>,
        details: Vec<String>,
    ) -> Self {
        self.0.code = code;
        self.0.message = message;
        self.0.details = details;
        self
    }

    pub(crate) fn with_request_id(mut self, id: Option<String>) -> Self {
        if id.is_some() {
            self.0.request_id = id;
        }
        self
    }

    pub(crate) fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.0.retry_after = wait;
        self
    }

    pub(crate) fn with_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    pub(crate) fn with_effect(mut self, may_have_been_sent: bool) -> Self {
        self.0.may_have_been_sent = may_have_been_sent;
        self
    }

    /// Whether there is better advice than the usual.
    pub(crate) fn has_hint(&self) -> bool {
        self.0.hint.is_some()
    }

    pub(crate) fn with_hint(mut self, hint: Option<&'static str>) -> Self {
        self.0.hint = hint;
        self
    }

    /// Makes a lost answer of this error; what it was lost to becomes the cause.
    pub(crate) fn into_outcome_unknown(mut self) -> Self {
        if self.0.kind != ErrorKind::OutcomeUnknown {
            self.0.cause = Some(self.0.kind);
            self.0.kind = ErrorKind::OutcomeUnknown;
        }
        self.0.may_have_been_sent = true;
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// For [`ErrorKind::OutcomeUnknown`]: what the answer was lost to.
    #[must_use]
    pub fn cause(&self) -> Option<ErrorKind> {
        self.0.cause
    }

    /// The service that was called.
    #[must_use]
    pub fn service(&self) -> Service {
        self.0.service
    }

    /// The operation that was called, by the `operationId` of the service's document, such as
    /// `postToken`; `None` if it did not come to a call.
    #[must_use]
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// The HTTP status, if there was an answer; kept whatever the body was.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// The service's own code for the error, such as `patch_failed`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The service's own message: at most 512 characters, control characters escaped.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// The service's further details, bounded and escaped like [`message`](Self::message).
    #[must_use]
    pub fn details(&self) -> &[String] {
        &self.0.details
    }

    /// The id that the service's support asks for.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// How long the service asked to wait, if it did (from its header, before any limit of ours).
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// How many requests were sent for this call; 0 if none.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// The item of a list that cannot be read, for [`ErrorKind::UnreadableItem`].
    #[must_use]
    pub fn item(&self) -> Option<&UnreadableItem> {
        self.0.item.as_ref()
    }

    /// The argument or setting that is at fault, such as `name`.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        self.0.field
    }

    /// Whether the call may have taken effect all the same.
    ///
    /// `false` means: certainly not. The request did not leave, or the service said no.
    #[must_use]
    pub fn may_have_been_sent(&self) -> bool {
        self.0.may_have_been_sent
    }

    /// What to do next, in a sentence.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        let usual = || self.0.kind.usual_hint(self.0.status);
        Some(self.0.hint.unwrap_or_else(usual))
    }

    fn is(&self, kind: ErrorKind) -> bool {
        self.0.kind == kind || self.0.cause == Some(kind)
    }

    /// Whether the service does not accept the credential.
    #[must_use]
    pub fn is_unauthenticated(&self) -> bool {
        self.is(ErrorKind::Unauthenticated)
    }

    /// Whether there is no such token.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.is(ErrorKind::NotFound)
    }

    /// Whether no answer came in time; for a lost answer too.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.is(ErrorKind::Timeout)
    }

    /// Whether the service asks for fewer requests.
    #[must_use]
    pub fn is_rate_limited(&self) -> bool {
        self.is(ErrorKind::RateLimited)
    }

    /// Whether the answer to a call that must not be repeated was lost.
    #[must_use]
    pub fn is_outcome_unknown(&self) -> bool {
        self.is(ErrorKind::OutcomeUnknown)
    }

    /// Whether a patch did not fit what is there: a conflict (409), or LaunchDarkly's
    /// `patch_failed` (422), which is also how a failed `test` is expected to come back.
    #[must_use]
    pub fn is_patch_conflict(&self) -> bool {
        self.is(ErrorKind::Conflict) || self.code() == Some("patch_failed")
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_answer_names_what_it_was_lost_to() {
        let error = Error::of_kind(Service::AVISI_CLOUD, ErrorKind::Timeout).into_outcome_unknown();
        assert!(error.is_outcome_unknown() && error.is_timeout() && error.may_have_been_sent());
        assert!(error.to_string().contains("no answer in time"));
    }

    #[test]
    fn the_error_is_small_and_can_travel() {
        fn travels<T: Send + Sync + 'static>() {}
        travels::<Error>();
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }
}
