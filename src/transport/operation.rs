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
/// Each service's module lists its own in a constant `OPERATIONS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    pub(crate) id: &'static str,
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
    pub(crate) const fn new(
        id: &'static str,
        template: &'static str,
        idempotency: Idempotency,
        success: u16,
    ) -> Self {
        Self {
            id,
            template,
            idempotency,
            success,
            empty_body: None,
            empty_by_status: false,
            names_token: false,
            if_lost: None,
        }
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

    #[cfg(any(feature = "launchdarkly", feature = "avisi-cloud"))]
    pub(crate) const fn on_token(mut self) -> Self {
        self.names_token = true;
        self
    }

    #[cfg(any(feature = "launchdarkly", feature = "query-server"))]
    pub(crate) const fn if_lost(mut self, hint: &'static str) -> Self {
        self.if_lost = Some(hint);
        self
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
