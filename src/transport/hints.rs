//! What to do next, where there is better advice than the usual.

use http::StatusCode;

use super::operation::{Idempotency, Operation};
use super::profile::Profile;
use crate::error::{Error, ErrorKind};

/// The next step for somebody who met this error, if it takes more than its kind to tell.
pub(super) fn hint(
    profile: &Profile,
    operation: &Operation,
    error: &Error,
) -> Option<&'static str> {
    let kind = error.kind();
    let internal = error.status() == Some(StatusCode::INTERNAL_SERVER_ERROR);
    // It did take effect, and what it gave back is lost.
    let lost = kind == ErrorKind::Decode && operation.idempotency == Idempotency::NonIdempotent;
    if lost || kind == ErrorKind::OutcomeUnknown {
        let usual = ErrorKind::OutcomeUnknown.usual_hint(None);
        return Some(operation.if_lost.unwrap_or(usual));
    }
    let mut own = profile.hints.iter().filter(|(of, _)| *of == kind);
    let (_, text) = own
        .next()
        .filter(|_| internal || kind != ErrorKind::Server)?;
    Some(text)
}

/// For a success that carries something else than the API's answer.
pub(crate) const NOT_THE_API: &str = "This is not the API's answer: check the base URL, and look for a proxy or login page in between.";

/// For a proxy that refuses.
pub(crate) const PROXY: &str = "A proxy in between does not pass the request on: check its credentials and its rules, or go without it for this host (`NO_PROXY`).";

/// For an https address in a build that has no TLS.
pub(crate) const NO_TLS: &str = "This build has no TLS: switch on one of the features `rustls`, `rustls-no-provider` and `native-tls`.";
