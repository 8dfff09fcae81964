//! What can go wrong.

use std::fmt;

/// What went wrong.
///
/// [`OutcomeUnknown`](Self::OutcomeUnknown) stands above the others: a call that must not be
/// repeated lost its answer. What it lost it to is in [`Error::cause`](crate::Error::cause).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The client cannot be built like this: address, credential or environment.
    Config,
    /// An argument breaks a rule; nothing was sent.
    InvalidInput,
    /// The service has no way to do this; nothing was sent.
    Unsupported,
    /// The credential could not be had from its provider; nothing was sent.
    Credential,
    /// No connection; nothing was sent.
    Connect,
    /// The server's certificate or the TLS handshake was refused; nothing was sent.
    Tls,
    /// No answer in time.
    Timeout,
    /// The connection broke, or what came was not HTTP.
    Transport,
    /// The service does not accept the credential (401).
    Unauthenticated,
    /// The credential is known but may not do this (403).
    PermissionDenied,
    /// There is no such token.
    NotFound,
    /// The address answers, but not on this path: a wrong base URL, or Query Server with the
    /// creation of tokens switched off.
    EndpointMissing,
    /// Another change came in between (409).
    Conflict,
    /// The service refuses the content of the request (400, 422).
    InvalidRequest,
    /// Too many requests (429), also after waiting as long as allowed.
    RateLimited,
    /// The service failed (5xx).
    Server,
    /// The service sent a redirect, which is never followed.
    Redirect,
    /// A status that nothing documents.
    UnexpectedStatus,
    /// The service reported success, but its answer cannot be read.
    Decode,
    /// The answer is larger than allowed.
    BodyTooLarge,
    /// The headers of the answer are larger than allowed.
    HeadersTooLarge,
    /// A list goes on for longer than allowed.
    LimitExceeded,
    /// A single item of a list cannot be read, while the others can.
    UnreadableItem,
    /// The answer to a call that must not be repeated was lost: it may or may not have happened.
    OutcomeUnknown,
}

impl ErrorKind {
    /// The kind as a word for programs, such as `permission_denied`; it does not change from one
    /// version to the next.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::InvalidInput => "invalid_input",
            Self::Unsupported => "unsupported",
            Self::Credential => "credential",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Transport => "transport",
            Self::Unauthenticated => "unauthenticated",
            Self::PermissionDenied => "permission_denied",
            Self::NotFound => "not_found",
            Self::EndpointMissing => "endpoint_missing",
            Self::Conflict => "conflict",
            Self::InvalidRequest => "invalid_request",
            Self::RateLimited => "rate_limited",
            Self::Server => "server",
            Self::Redirect => "redirect",
            Self::UnexpectedStatus => "unexpected_status",
            Self::Decode => "decode",
            Self::BodyTooLarge => "body_too_large",
            Self::HeadersTooLarge => "headers_too_large",
            Self::LimitExceeded => "limit_exceeded",
            Self::UnreadableItem => "unreadable_item",
            Self::OutcomeUnknown => "outcome_unknown",
        }
    }

    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Config => "wrong configuration",
            Self::InvalidInput => "invalid input",
            Self::Unsupported => "the service cannot do this",
            Self::Credential => "no credential to be had",
            Self::Connect => "no connection",
            Self::Tls => "TLS failed",
            Self::Timeout => "no answer in time",
            Self::Transport => "the connection failed",
            Self::Unauthenticated => "the credential is not accepted",
            Self::PermissionDenied => "not permitted",
            Self::NotFound => "not found",
            Self::EndpointMissing => "no such endpoint at this address",
            Self::Conflict => "a conflicting change",
            Self::InvalidRequest => "the service refuses the request",
            Self::RateLimited => "too many requests",
            Self::Server => "the service failed",
            Self::Redirect => "a redirect, not followed",
            Self::UnexpectedStatus => "an unexpected status",
            Self::Decode => "the answer cannot be read",
            Self::BodyTooLarge => "the answer is too large",
            Self::HeadersTooLarge => "the headers of the answer are too large",
            Self::LimitExceeded => "the list is longer than allowed",
            Self::UnreadableItem => "an item of the list cannot be read",
            Self::OutcomeUnknown => "the answer was lost and the call may have taken effect",
        }
    }
}

/// The kind in words, such as `not permitted`; [`ErrorKind::as_str`] is for programs.
impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text())
    }
}
