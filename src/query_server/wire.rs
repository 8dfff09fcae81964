//! The service on the wire: its operations and what sets it apart.

use crate::error::ErrorKind;
use crate::id::Service;
use crate::transport::{Body, Delivery, Idempotency, KnownText, Operation, Profile};

/// The server leaves a taken name alone, so a repeated request would do no harm; but only the first
/// answer would tell whether the token is the caller's. A lost answer is settled by looking instead.
pub(super) const CREATE: Operation = Operation::post("createToken", "/_/token")
    .with_body(Body::Ignored)
    .if_lost(
        "Ask for the name with `find`: if it is there, its secret can still be read. It may also \
         still come: look again before you create it anew.",
    );
pub(super) const LIST: Operation = Operation::get("listTokens", "/_/token");
pub(super) const UPDATE: Operation = Operation::put("updateToken", "/_/token")
    .with_idempotency(Idempotency::NonIdempotent)
    .with_body(Body::Ignored)
    .if_lost(
        "Read the token with `get` and look whether its updated_at moved before trying again.",
    );
pub(super) const DELETE: Operation =
    Operation::delete("deleteToken", "/_/token").with_body(Body::Ignored);
pub(super) const VALUE: Operation = Operation::get("getTokenValue", "/_/token/value");

/// Operations of this service and what repeating each of them means.
pub const OPERATIONS: [Operation; 5] = [CREATE, LIST, UPDATE, DELETE, VALUE];

pub(super) static PROFILE: Profile = Profile {
    scheme: "Bearer",
    // The server drops the connection without an answer on a bare `/_`.
    paths: &["/_", "/_/token"],
    credential_vars: &["QUERY_DEPLOY_TOKEN", "QUERY_PRIVATE_TOKEN"],
    url_vars: &["QUERY_DEPLOY_URL"],
    texts: &[
        // SQLite gave up waiting for its lock: nothing was written.
        KnownText {
            status: 400,
            text: "database is locked",
            kind: ErrorKind::Server,
            sent: Delivery::Throttled,
        },
        KnownText {
            status: 400,
            text: "Query returned no rows",
            kind: ErrorKind::NotFound,
            sent: Delivery::Rejected,
        },
    ],
    hints: &[
        (
            ErrorKind::Unauthenticated,
            "Use the token of an active admin user: tokens made through this API cannot manage \
             tokens, and the server answers 401 for every trouble with a credential.",
        ),
        (
            ErrorKind::EndpointMissing,
            "Check the base URL; or the server's option create_token is off, which hides all token \
             operations.",
        ),
        (ErrorKind::Server, "The cause is in the server's own log."),
    ],
    ..Profile::of(Service::QUERY_SERVER)
};
