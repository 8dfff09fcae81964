//! What is known of an operation before it is called.

use std::fmt;

/// What it means to send an operation twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Idempotency {
    /// Changes nothing.
    Safe,
    /// Leads to the same state however often it is sent.
    Idempotent,
    /// Does something new each time: sent again only if it certainly did not happen.
    NonIdempotent,
}

/// An operation of a service and what sending it again would mean.
///
/// Each service's module lists its own in a constant `OPERATIONS`. Those of a service of your own are
/// described once, as constants, for a [`rest::Client`](crate::rest::Client):
///
/// ```
/// use access_tokens::{Idempotency, Operation};
///
/// const GET: Operation = Operation::get("getToken", "/tokens/{id}").on_token();
/// const CREATE: Operation = Operation::post("createToken", "/tokens");
/// const PAUSE: Operation = Operation::post("pauseToken", "/tokens/{id}/pause")
///     .with_idempotency(Idempotency::Idempotent)
///     .on_token();
/// assert_eq!(GET.idempotency(), Idempotency::Safe);
/// assert_eq!(CREATE.idempotency(), Idempotency::NonIdempotent);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    pub(crate) id: &'static str,
    pub(crate) method: &'static str,
    pub(crate) template: &'static str,
    pub(crate) idempotency: Idempotency,
    /// The documented success; any other 2xx is taken for it.
    pub(crate) success: u16,
    /// What stands for a body where the service may leave it out.
    pub(crate) empty_body: Option<&'static str>,
    /// Whether it may leave it out with 204 alone.
    pub(crate) empty_by_status: bool,
    /// Whether the path names a token: only then does 404 mean that there is no such token.
    pub(crate) names_token: bool,
    /// What to do if the answer is lost, where it is not to look for a token that may have been made.
    pub(crate) if_lost: Option<&'static str>,
}

impl Operation {
    /// A `GET`, which is [`Safe`](Idempotency::Safe): its id, and its path below the base URL, in which
    /// `{name}` stands for a whole segment.
    #[must_use]
    pub const fn get(id: &'static str, template: &'static str) -> Self {
        Self::new(id, "GET", template, Idempotency::Safe)
    }

    /// A `POST`, which is [`NonIdempotent`](Idempotency::NonIdempotent) unless said otherwise.
    #[must_use]
    pub const fn post(id: &'static str, template: &'static str) -> Self {
        Self::new(id, "POST", template, Idempotency::NonIdempotent)
    }

    /// A `PUT`, which is [`Idempotent`](Idempotency::Idempotent) unless said otherwise.
    #[must_use]
    pub const fn put(id: &'static str, template: &'static str) -> Self {
        Self::new(id, "PUT", template, Idempotency::Idempotent)
    }

    /// A `PATCH`, which is [`NonIdempotent`](Idempotency::NonIdempotent) unless said otherwise.
    #[must_use]
    pub const fn patch(id: &'static str, template: &'static str) -> Self {
        Self::new(id, "PATCH", template, Idempotency::NonIdempotent)
    }

    /// A `DELETE`, which is [`Idempotent`](Idempotency::Idempotent) unless said otherwise.
    #[must_use]
    pub const fn delete(id: &'static str, template: &'static str) -> Self {
        Self::new(id, "DELETE", template, Idempotency::Idempotent)
    }

    const fn new(
        id: &'static str,
        method: &'static str,
        template: &'static str,
        idempotency: Idempotency,
    ) -> Self {
        Self {
            id,
            method,
            template,
            idempotency,
            success: 200,
            empty_body: None,
            empty_by_status: false,
            names_token: false,
            if_lost: None,
        }
    }

    /// Says what sending it twice means, where that is not what its method says. What does something
    /// new each time and is said to be idempotent is done twice when an answer is lost.
    #[must_use]
    pub const fn with_idempotency(mut self, idempotency: Idempotency) -> Self {
        self.idempotency = idempotency;
        self
    }

    /// Says that its path names a token: 404 is then [`NotFound`](crate::ErrorKind::NotFound), and a
    /// success where an idempotent operation is repeated because an answer was lost. Elsewhere it is
    /// [`EndpointMissing`](crate::ErrorKind::EndpointMissing).
    #[must_use]
    pub const fn on_token(mut self) -> Self {
        self.names_token = true;
        self
    }

    /// Says what to do if its answer is lost, for [`Error::hint`](crate::Error::hint); it is to look for
    /// a token that may have been made by default.
    #[must_use]
    pub const fn if_lost(mut self, hint: &'static str) -> Self {
        self.if_lost = Some(hint);
        self
    }

    #[cfg(any(feature = "launchdarkly", feature = "query-server"))]
    pub(crate) const fn success(mut self, status: u16) -> Self {
        self.success = status;
        self
    }

    #[cfg(feature = "avisi-cloud")]
    pub(crate) const fn or_empty(mut self, body: &'static str) -> Self {
        self.empty_body = Some(body);
        self
    }

    /// As [`or_empty`](Self::or_empty), where the status says that there is no content: an answer
    /// that is merely empty may be half of one.
    #[cfg(feature = "avisi-cloud")]
    pub(crate) const fn or_no_content(mut self, body: &'static str) -> Self {
        self.empty_by_status = true;
        self.or_empty(body)
    }

    /// The `operationId` in the service's document, such as `postToken`.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        self.id
    }

    /// The path in the service's document, such as `/api/v2/tokens/{id}`: what traces and metrics call
    /// `url.template`.
    #[must_use]
    pub const fn template(&self) -> &'static str {
        self.template
    }

    /// The HTTP method, such as `POST`.
    #[must_use]
    pub const fn method(&self) -> &'static str {
        self.method
    }

    /// What sending it twice means; decides what is retried.
    #[must_use]
    pub const fn idempotency(&self) -> Idempotency {
        self.idempotency
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id)
    }
}
