//! What an answer, or its absence, means.

use std::error::Error as _;
use std::io;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode, header};
use url::Url;

use super::answer::Answer;
use super::error_body::{ErrorBody, looks_like_html};
use super::hints;
use super::operation::{Idempotency, Operation};
use super::profile::Profile;
use super::retry::Delivery;
use crate::error::{Error, ErrorKind};
use crate::secret::Secret;
use crate::text::escape_untrusted;

/// A failed attempt: the error as far as it is known, and the facts that decide on a retry.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) sent: Delivery,
    pub(crate) transient: bool,
    pub(crate) asked: Option<Duration>,
}

impl Failure {
    pub(crate) fn new(error: Error, sent: Delivery, transient: bool) -> Self {
        Self {
            error,
            sent,
            transient,
            asked: None,
        }
    }
}

/// Judges a request that got no answer, or none to its end.
pub(crate) fn no_answer(
    profile: &Profile,
    error: &reqwest::Error,
    status: Option<StatusCode>,
) -> Failure {
    let io_kind = io_error(error).map(io::Error::kind);
    let words = innermost(error);
    let refused_by_proxy = PROXY_SAYS_NO.contains(&words.as_str());
    let without_tls = words == NO_TLS;
    let (kind, sent, transient) = if status.is_none() && (error.is_builder() || error.is_redirect())
    {
        (ErrorKind::InvalidInput, Delivery::NotSent, false)
    } else if status.is_none() && error.is_connect() {
        // rustls reports what it refuses as invalid data.
        if without_tls || io_kind == Some(io::ErrorKind::InvalidData) {
            (ErrorKind::Tls, Delivery::NotSent, false)
        } else {
            (ErrorKind::Connect, Delivery::NotSent, !refused_by_proxy)
        }
    } else if error.is_timeout() {
        (ErrorKind::Timeout, Delivery::Unknown, true)
    } else if words == HEAD_TOO_LARGE {
        (ErrorKind::HeadersTooLarge, Delivery::Unknown, false)
    } else {
        (ErrorKind::Transport, Delivery::Unknown, true)
    };
    let mut failure = Error::of_kind(profile.service, kind).with_status(status);
    if kind != ErrorKind::Timeout {
        failure = failure.with_reason(words);
    }
    if refused_by_proxy {
        failure = failure.with_hint(Some(hints::PROXY));
    } else if without_tls {
        failure = failure.with_hint(Some(hints::NO_TLS));
    }
    Failure::new(failure, sent, transient)
}

/// The connector's words for an https address in a build without TLS. Whether there is any cannot be
/// seen before: another crate may have switched it on.
const NO_TLS: &str = "invalid URL, scheme is not http";

/// hyper's own words for a proxy that answers `CONNECT`, and will answer the same again: 407, any
/// other status that is no 200, and nonsense.
const PROXY_SAYS_NO: [&str; 3] = [
    "tunnel error: proxy authorization required",
    "tunnel error: unsuccessful",
    "tunnel error: proxy response headers too long",
];

/// hyper's own words for more than a hundred headers, or more than about 400 KiB of them.
const HEAD_TOO_LARGE: &str = "message head is too large";

/// What a status alone says about the request. Everything that is no clear no leaves it open: an
/// informational answer is none, and `303 See Other` may point to what was just made.
pub(crate) fn sent_by(status: StatusCode) -> Delivery {
    match status.as_u16() {
        100..=299 | 303 | 408 | 500 | 502.. => Delivery::Unknown,
        429 => Delivery::Throttled,
        _ => Delivery::Rejected,
    }
}

/// The innermost error of the system or of the TLS library.
fn io_error(error: &reqwest::Error) -> Option<&io::Error> {
    let mut source = error.source();
    let mut found = None;
    while let Some(inner) = source {
        source = inner.source();
        let mut nested = inner.downcast_ref::<io::Error>();
        while let Some(io) = nested {
            found = Some(io);
            // One within another is passed over by `source`.
            nested = io.get_ref().and_then(|inner| inner.downcast_ref());
        }
    }
    found
}

/// The words of the innermost cause: those of the system, of hyper or of the TLS library, none of
/// which repeat anything of the request. reqwest's own, which hold the URL, are passed over.
fn innermost(error: &reqwest::Error) -> String {
    let mut words = None;
    let mut source = error.source();
    while let Some(inner) = source {
        if !inner.is::<reqwest::Error>() {
            words = Some(inner.to_string());
        }
        source = inner.source();
    }
    words.map_or_else(
        || "no further reason".to_owned(),
        |words| escape_untrusted(&words, 200),
    )
}

/// Judges an answer that is no success.
pub(crate) fn refusal(
    profile: &Profile,
    base: &Url,
    operation: &Operation,
    answer: &Answer,
    credential: &Secret,
    now: SystemTime,
) -> Failure {
    let Answer {
        status,
        headers,
        timing,
        body,
    } = answer;
    let status = *status;
    let words = ErrorBody::read(headers, body, credential);
    let asked = timing.asked_wait(status, now);
    let known = profile.texts.iter().find(|known| {
        known.status == status.as_u16() && words.message.as_deref() == Some(known.text)
    });
    let (kind, transient) = match status.as_u16() {
        300..=399 => (ErrorKind::Redirect, false),
        400 | 422 => (ErrorKind::InvalidRequest, false),
        401 => (ErrorKind::Unauthenticated, false),
        403 => (ErrorKind::PermissionDenied, false),
        404 if operation.names_token => (ErrorKind::NotFound, false),
        404 | 405 => (ErrorKind::EndpointMissing, false),
        407 => (ErrorKind::Connect, false),
        408 => (ErrorKind::Timeout, true),
        409 => (ErrorKind::Conflict, false),
        429 => (ErrorKind::RateLimited, true),
        // From 520 on: Cloudflare about the server behind it.
        500 | 502..=504 | 520..=524 | 530 => (ErrorKind::Server, true),
        501 | 505.. => (ErrorKind::Server, false),
        _ => (ErrorKind::UnexpectedStatus, false),
    };
    // Only `Retry-After` says that the service did not act: the headers about limits come with
    // every answer.
    let sent = if status == StatusCode::SERVICE_UNAVAILABLE && timing.retry_after.is_some() {
        Delivery::Throttled
    } else {
        sent_by(status)
    };
    let (kind, sent, transient) = match known {
        Some(known) => (known.kind, known.sent, known.sent == Delivery::Throttled),
        None => (kind, sent, transient),
    };
    let mut error = Error::of_kind(profile.service, kind)
        .with_status(status)
        .with_server_words(words.code, words.message, words.details)
        .with_request_id(words.request_id)
        .with_retry_after(asked);
    if kind == ErrorKind::Redirect {
        error = error.with_reason(redirect_target(headers, base));
    }
    if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
        error = error.with_hint(Some(hints::PROXY));
    } else if status.is_client_error()
        && !matches!(kind, ErrorKind::Unauthenticated | ErrorKind::RateLimited)
        && looks_like_html(headers, body)
    {
        error = error.with_hint(Some(hints::NOT_THE_API));
    }
    Failure {
        error,
        sent,
        transient,
        asked,
    }
}

/// Where a redirect points, without its path and query.
fn redirect_target(headers: &HeaderMap, base: &Url) -> String {
    let Some(location) = headers.get(header::LOCATION) else {
        return "to nowhere: it has no Location".to_owned();
    };
    match location
        .to_str()
        .ok()
        .and_then(|location| base.join(location).ok())
    {
        Some(url) if url.origin() == base.origin() => "to the same origin".to_owned(),
        Some(url) => format!(
            "to {}",
            escape_untrusted(&url.origin().ascii_serialization(), 200)
        ),
        None => "to an address that is none".to_owned(),
    }
}

/// Gives the final error its operation and its hint, and turns a lost answer into what it is.
pub(crate) fn finish(
    mut error: Error,
    profile: &Profile,
    operation: &Operation,
    sent_before: bool,
    failure: Delivery,
) -> Error {
    let may = sent_before || failure == Delivery::Unknown;
    error = error.with_operation(operation.id).with_effect(may);
    // An answer that came whole and cannot be read is not lost: the call did take effect.
    let lost = error.kind() != ErrorKind::Decode;
    if may && lost && operation.idempotency == Idempotency::NonIdempotent {
        error = error.into_outcome_unknown();
    }
    let hint = hints::hint(profile, operation, &error);
    if error.is_outcome_unknown() || !error.has_hint() {
        error = error.with_hint(hint);
    }
    error
}

#[cfg(feature = "query-server")]
/// Turns an error of a later request, which was to show what `operation` did, into one of that.
pub(crate) fn outcome_unknown(error: Error, profile: &Profile, operation: &Operation) -> Error {
    let error = error.into_outcome_unknown().for_operation(operation.id);
    let hint = hints::hint(profile, operation, &error);
    error.with_hint(hint)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;

    use super::super::limits::Timing;

    use super::*;

    #[test]
    fn a_redirect_tells_its_origin_only() {
        let mut headers = HeaderMap::new();
        let base = Url::parse("https://host/prefix").unwrap();
        assert!(redirect_target(&headers, &base).contains("nowhere"));
        for (location, told) in [
            ("https://evil.example/x?secret=1", "to https://evil.example"),
            ("//evil.example/x?secret=1", "to https://evil.example"),
            ("http://host/x", "to http://host"),
            ("/x?secret=1", "to the same origin"),
            ("https://host/x?secret=1", "to the same origin"),
            ("https://[", "to an address that is none"),
        ] {
            headers.insert(header::LOCATION, location.parse().unwrap());
            assert_eq!(redirect_target(&headers, &base), told);
        }
    }

    #[test]
    fn a_status_that_is_no_clear_no_leaves_it_open() {
        let by = |status| sent_by(StatusCode::from_u16(status).unwrap());
        for status in [101, 200, 202, 303, 408, 500, 502, 503, 504, 520, 999] {
            assert_eq!(by(status), Delivery::Unknown, "{status}");
        }
        for status in [301, 302, 307, 400, 401, 403, 404, 409, 413, 422, 451, 501] {
            assert_eq!(by(status), Delivery::Rejected, "{status}");
        }
        assert_eq!(by(429), Delivery::Throttled);
    }

    #[test]
    fn only_retry_after_makes_a_refusal_of_a_503() {
        const PROFILE: Profile = Profile::of(crate::id::Service::LAUNCH_DARKLY);
        let sent = |name: &'static str, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
            let answer = Answer {
                status: StatusCode::SERVICE_UNAVAILABLE,
                timing: Timing::read(&PROFILE, &headers, now),
                headers,
                body: Bytes::new(),
            };
            let operation = Operation::post("postToken", "/api/v2/tokens");
            let base = Url::parse("https://host").unwrap();
            refusal(&PROFILE, &base, &operation, &answer, &Secret::new("s"), now).sent
        };
        assert_eq!(sent("retry-after", "3"), Delivery::Throttled);
        assert_eq!(sent("retry-after", "soon"), Delivery::Unknown);
        // LaunchDarkly sends these with answers of any kind.
        assert_eq!(
            sent("x-ratelimit-reset", "1800000003000"),
            Delivery::Unknown
        );
        assert_eq!(
            sent("x-ratelimit-auth-token-remaining", "0"),
            Delivery::Unknown
        );
    }
}
