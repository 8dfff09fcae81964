//! What to do next, by service and error.

use http::StatusCode;

use super::operation::{Idempotency, Operation};
use crate::error::{Error, ErrorKind};
use crate::id::Service;

/// The next step for somebody who met this error.
pub(super) fn hint(operation: &Operation, error: &Error) -> Option<&'static str> {
    let (service, status) = (error.service(), error.status());
    Some(match error.kind() {
        ErrorKind::Unauthenticated => match service {
            Service::LAUNCH_DARKLY => {
                "Check that the token is whole (api-…), not deleted or expired, and of this region's \
                 account; SDK and mobile keys do not work here."
            }
            Service::QUERY_SERVER => {
                "Use the token of an active admin user: tokens made through this API cannot manage \
                 tokens, and the server answers 401 for every trouble with a credential."
            }
            Service::AVISI_CLOUD => {
                "Check that the personal access token is active and not expired."
            }
            _ => "Check the credential.",
        },
        ErrorKind::PermissionDenied => match service {
            Service::LAUNCH_DARKLY => {
                "Managing tokens takes the Admin role or a custom role that allows it."
            }
            _ => {
                "The credential lacks the permission for this call, or its IP restriction forbids it."
            }
        },
        ErrorKind::NotFound => {
            "List the tokens to see which exist; it may have been deleted already."
        }
        ErrorKind::EndpointMissing => match service {
            Service::QUERY_SERVER => {
                "Check the base URL; or the server's option create_token is off, which hides all \
                 token operations."
            }
            _ => "Check the base URL and its path prefix.",
        },
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
        ErrorKind::Server if status == Some(StatusCode::INTERNAL_SERVER_ERROR) => match service {
            Service::QUERY_SERVER => "The cause is in the server's own log.",
            _ => "Try again later; give the request id to the service's support.",
        },
        ErrorKind::Server => "Try again later.",
        ErrorKind::OutcomeUnknown => lost(service, operation.id),
        // It did take effect, and what it gave back is lost.
        ErrorKind::Decode if operation.idempotency == Idempotency::NonIdempotent => {
            lost(service, operation.id)
        }
        ErrorKind::Decode => {
            "The service answers in another form than documented: look for a newer version of this \
             crate, or report it."
        }
        _ => return None,
    })
}

/// What to look for where the answer to a call that must not be repeated is lost.
fn lost(service: Service, operation: &str) -> &'static str {
    match (service, operation) {
        (Service::LAUNCH_DARKLY, "resetToken") => {
            "The old secret may be dead and the new one lost: reset again, or replace the token."
        }
        (Service::QUERY_SERVER, "createToken") => {
            "Ask for the name with `find`: if it is there, its secret can still be read. It may also \
             still come: look again before you create it anew."
        }
        (Service::QUERY_SERVER, "updateToken") => {
            "Read the token with `get` and look whether its updated_at moved before trying again."
        }
        (_, "patchToken") => "Read the token to see whether the change is there.",
        _ => {
            "List the tokens and look for the marker or name: if it is there, nobody holds its \
             secret, so delete it (`delete_marked` does both) before creating another. It may also \
             still come: look again."
        }
    }
}

/// For a success that carries something else than the API's answer.
pub(crate) const NOT_THE_API: &str = "This is not the API's answer: check the base URL, and look for a proxy or login page in between.";
