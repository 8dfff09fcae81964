//! What to do next, by kind of error.

use http::StatusCode;

use super::kind::ErrorKind;

/// The next step for somebody who met an error of this kind.
pub(crate) fn usual(kind: ErrorKind, status: Option<StatusCode>) -> &'static str {
    let internal = status == Some(StatusCode::INTERNAL_SERVER_ERROR);
    match kind {
        ErrorKind::Config => "Change the setting that is named here; nothing was sent.",
        ErrorKind::InvalidInput => "Change the argument that is named here; nothing was sent.",
        ErrorKind::Unsupported => {
            "Ask `capabilities` first what the service can do; nothing was sent."
        }
        ErrorKind::Credential => "See to what the credential provider says; nothing was sent.",
        ErrorKind::Unauthenticated => "Check the credential.",
        ErrorKind::PermissionDenied => {
            "The credential lacks the permission for this call, or its IP restriction forbids it."
        }
        ErrorKind::NotFound => {
            "List the tokens to see which exist; it may have been deleted already."
        }
        ErrorKind::EndpointMissing => "Check the base URL and its path prefix.",
        ErrorKind::Conflict => "Read the token again and repeat the change on what is there now.",
        ErrorKind::InvalidRequest => {
            "Change what the service finds fault with; the same request will be refused again."
        }
        ErrorKind::RateLimited => "Wait as long as the service asks, and lower the concurrency.",
        ErrorKind::Tls => {
            "If the server uses a private authority, give an HTTP client that trusts it."
        }
        ErrorKind::Connect => "Check the base URL, the network and the proxy settings.",
        ErrorKind::Transport => {
            "Try again; if it goes on, look at the network and at what stands in between."
        }
        ErrorKind::Timeout => "Allow more time with `timeout` and `attempt_timeout`.",
        ErrorKind::Redirect => "Set the base URL to the address that the service redirects to.",
        ErrorKind::HeadersTooLarge => {
            "Look for a proxy in between that adds headers, or raise `max_header_bytes`."
        }
        ErrorKind::BodyTooLarge => "Raise `max_response_bytes`, or ask for smaller pages.",
        ErrorKind::LimitExceeded => "Raise `max_pages`.",
        ErrorKind::Server if internal => {
            "Try again later; give the request id to the service's support."
        }
        ErrorKind::Server => "Try again later.",
        ErrorKind::UnexpectedStatus => {
            "Look for a proxy in between; or ask the service's support what it means."
        }
        ErrorKind::Decode => {
            "The service answers in another form than documented: look for a newer version of this \
             crate, or report it."
        }
        ErrorKind::UnreadableItem => {
            "Look at this token where the service shows it: it is left out here, and the others are \
             not. Then look for a newer version of this crate, or report it."
        }
        ErrorKind::OutcomeUnknown => {
            "List the tokens and look for the marker or name: if it is there, nobody holds its \
             secret, so delete it (`delete_marked` does both) before creating another. It may also \
             still come: look again."
        }
    }
}
