//! What can go wrong, what it is called, and what to do next.

use std::fmt;

use http::StatusCode;

/// Each kind: its word for programs, its words for people, and the next step for who meets it.
macro_rules! kinds {
    ($($(#[$doc:meta])+ $kind:ident = $word:literal, $text:literal, $next:literal;)+) => {
        /// Kind of an [`Error`](crate::Error): what went wrong, in a word that a program can match.
        ///
        /// [`OutcomeUnknown`](Self::OutcomeUnknown) stands above the others: a call that must not be
        /// repeated lost its answer. What it lost it to is in [`Error::cause`](crate::Error::cause).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[$doc])+ $kind,)+
        }

        impl ErrorKind {
            /// The kind as a word for programs, such as `permission_denied`; it does not change from
            /// one version to the next.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $word,)+
                }
            }

            pub(super) fn text(self) -> &'static str {
                match self {
                    $(Self::$kind => $text,)+
                }
            }

            /// The next step for somebody who met an error of this kind.
            pub(crate) fn usual_hint(self, status: Option<StatusCode>) -> &'static str {
                match self {
                    Self::Server if status == Some(StatusCode::INTERNAL_SERVER_ERROR) => {
                        "Try again later; give the request id to the service's support."
                    }
                    $(Self::$kind => $next,)+
                }
            }
        }
    };
}

kinds! {
    /// The client cannot be built like this: address, credential or environment.
    Config = "config", "wrong configuration",
        "Change the setting that is named here; nothing was sent.";
    /// An argument breaks a rule; nothing was sent.
    InvalidInput = "invalid_input", "invalid input",
        "Change the argument that is named here; nothing was sent.";
    /// The service has no way to do this; nothing was sent.
    Unsupported = "unsupported", "the service cannot do this",
        "Ask `capabilities` first what the service can do; nothing was sent.";
    /// The credential could not be had from its provider; nothing was sent.
    Credential = "credential", "no credential to be had",
        "See to what the credential provider says; nothing was sent.";
    /// No connection; nothing was sent.
    Connect = "connect", "no connection",
        "Check the base URL, the network and the proxy settings.";
    /// The server's certificate or the TLS handshake was refused; nothing was sent.
    Tls = "tls", "TLS failed",
        "If the server uses a private authority, give an HTTP client that trusts it.";
    /// No answer in time.
    Timeout = "timeout", "no answer in time",
        "Allow more time with `timeout` and `attempt_timeout`.";
    /// The connection broke, or what came was not HTTP.
    Transport = "transport", "the connection failed",
        "Try again; if it goes on, look at the network and at what stands in between.";
    /// The service does not accept the credential (401).
    Unauthenticated = "unauthenticated", "the credential is not accepted",
        "Check the credential.";
    /// The credential is known but may not do this (403).
    PermissionDenied = "permission_denied", "not permitted",
        "The credential lacks the permission for this call, or its IP restriction forbids it.";
    /// There is no such token.
    NotFound = "not_found", "not found",
        "List the tokens to see which exist; it may have been deleted already.";
    /// The address answers, but not on this path: a wrong base URL, or Query Server with the
    /// creation of tokens switched off.
    EndpointMissing = "endpoint_missing", "no such endpoint at this address",
        "Check the base URL and its path prefix.";
    /// Another change came in between (409).
    Conflict = "conflict", "a conflicting change",
        "Read the token again and repeat the change on what is there now.";
    /// The service refuses the content of the request (400, 422).
    InvalidRequest = "invalid_request", "the service refuses the request",
        "Change what the service finds fault with; the same request will be refused again.";
    /// Too many requests (429), also after waiting as long as allowed.
    RateLimited = "rate_limited", "too many requests",
        "Wait as long as the service asks, and lower the concurrency.";
    /// The service failed (5xx).
    Server = "server", "the service failed",
        "Try again later.";
    /// The service sent a redirect, which is never followed.
    Redirect = "redirect", "a redirect, not followed",
        "Set the base URL to the address that the service redirects to.";
    /// A status that nothing documents.
    UnexpectedStatus = "unexpected_status", "an unexpected status",
        "Look for a proxy in between; or ask the service's support what it means.";
    /// The service reported success, but its answer cannot be read.
    Decode = "decode", "the answer cannot be read",
        "The service answers in another form than documented: look for a newer version of this \
         crate, or report it.";
    /// The answer is larger than allowed.
    BodyTooLarge = "body_too_large", "the answer is too large",
        "Raise `max_response_bytes`, or ask for smaller pages.";
    /// The headers of the answer are larger than allowed.
    HeadersTooLarge = "headers_too_large", "the headers of the answer are too large",
        "Look for a proxy in between that adds headers, or raise `max_header_bytes`.";
    /// A list goes on for longer than allowed.
    LimitExceeded = "limit_exceeded", "the list is longer than allowed",
        "Raise `max_pages`.";
    /// A single item of a list cannot be read, while the others can.
    UnreadableItem = "unreadable_item", "an item of the list cannot be read",
        "Look at this token where the service shows it: it is left out here, and the others are \
         not. Then look for a newer version of this crate, or report it.";
    /// The answer to a call that must not be repeated was lost: it may or may not have happened.
    OutcomeUnknown = "outcome_unknown", "the answer was lost and the call may have taken effect",
        "List the tokens and look for the marker or name: if it is there, nobody holds its \
         secret, so delete it (`delete_marked` does both) before creating another. It may also \
         still come: look again.";
}

/// The kind in words, such as `not permitted`; [`ErrorKind::as_str`] is for programs.
impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text())
    }
}
