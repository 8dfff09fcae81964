//! What to do next, by error.

use http::StatusCode;

use super::operation::{Idempotency, Operation};
use super::profile::Profile;
use crate::error::{Error, ErrorKind};

/// The next step for somebody who met this error.
pub(super) fn hint(
    profile: &Profile,
    operation: &Operation,
    error: &Error,
) -> Option<&'static str> {
    let (kind, status) = (error.kind(), error.status());
    // It did take effect, and what it gave back is lost.
    let lost = kind == ErrorKind::Decode && operation.idempotency == Idempotency::NonIdempotent;
    if lost || kind == ErrorKind::OutcomeUnknown {
        return Some(operation.if_lost.unwrap_or(LOOK_FOR_IT));
    }
    let told = status == Some(StatusCode::INTERNAL_SERVER_ERROR) || kind != ErrorKind::Server;
    let mut own = profile.hints.iter().filter(|_| told);
    if let Some((_, text)) = own.find(|(of, _)| *of == kind) {
        return Some(text);
    }
    Some(match kind {
        ErrorKind::Unauthenticated => "Check the credential.",
        ErrorKind::PermissionDenied => {
            "The credential lacks the permission for this call, or its IP restriction forbids it."
        }
        ErrorKind::NotFound => {
            "List the tokens to see which exist; it may have been deleted already."
        }
        ErrorKind::EndpointMissing => "Check the base URL and its path prefix.",
        ErrorKind::Conflict => "Read the token again and repeat the change on what is there now.",
        ErrorKind::RateLimited => "Wait as long as the service asks, and lower the concurrency.",
        ErrorKind::Tls => {
            "If the server uses a private authority, give a reqwest::ClientBuilder that trusts it."
        }
        ErrorKind::Connect => "Check the base URL, the network and the proxy settings.",
        ErrorKind::Timeout => "Allow more time with `timeout` and `attempt_timeout`.",
        ErrorKind::Redirect => "Set the base URL to the address that the service redirects to.",
        ErrorKind::HeadersTooLarge => {
            "Look for a proxy in between that adds headers, or raise `max_header_bytes`."
        }
        ErrorKind::BodyTooLarge => "Raise `max_response_bytes`, or ask for smaller pages.",
        ErrorKind::LimitExceeded => "Raise `max_pages`.",
        ErrorKind::Server if status == Some(StatusCode::INTERNAL_SERVER_ERROR) => {
            "Try again later; give the request id to the service's support."
        }
        ErrorKind::Server => "Try again later.",
        ErrorKind::Decode => {
            "The service answers in another form than documented: look for a newer version of this \
             crate, or report it."
        }
        _ => return None,
    })
}

/// What to do where the answer to a call that must not be repeated is lost.
const LOOK_FOR_IT: &str = "List the tokens and look for the marker or name: if it is there, nobody \
    holds its secret, so delete it (`delete_marked` does both) before creating another. It may \
    also still come: look again.";

/// For a success that carries something else than the API's answer.
pub(crate) const NOT_THE_API: &str = "This is not the API's answer: check the base URL, and look for a proxy or login page in between.";
