//! What an answer, or its absence, means.

use std::error::Error as _;
use std::io;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use super::attempt::Answer;
use super::config::Profile;
use super::limits::{asked_wait, retry_after};
use super::operation::{Effect, Operation};
use super::retry::Sent;
use crate::error::{Error, ErrorKind};
use crate::secret::Secret;

/// A failed attempt: the error as far as it is known, and the facts that decide on a retry.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) sent: Sent,
    pub(crate) transient: bool,
    pub(crate) asked: Option<Duration>,
}

impl Failure {
    pub(crate) fn new(error: Error, sent: Sent, transient: bool) -> Self {
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
    let (kind, sent, transient) = if status.is_none() && (error.is_builder() || error.is_redirect())
    {
        (ErrorKind::InvalidInput, Sent::No, false)
    } else if status.is_none() && error.is_connect() {
        // rustls reports what it refuses as invalid data.
        if io_kind == Some(io::ErrorKind::InvalidData) {
            (ErrorKind::Tls, Sent::No, false)
        } else {
            (ErrorKind::Connect, Sent::No, true)
        }
    } else if error.is_timeout() {
        (ErrorKind::Timeout, Sent::Maybe, true)
    } else if words == HEAD_TOO_LARGE {
        (ErrorKind::HeadersTooLarge, Sent::Maybe, false)
    } else {
        (ErrorKind::Transport, Sent::Maybe, true)
    };
    let mut failure = Error::new(profile.service, kind);
    if kind != ErrorKind::Timeout {
        failure = failure.with_reason(words);
    }
    if let Some(status) = status {
        failure = failure.with_status(status);
    }
    Failure::new(failure, sent, transient)
}

/// hyper's own words for more than a hundred headers, or more than about 400 KiB of them.
const HEAD_TOO_LARGE: &str = "message head is too large";

/// What a status alone says about the request. Everything that is no clear no leaves it open: an
/// informational answer is none, and `303 See Other` may point to what was just made.
pub(crate) fn sent_by(status: StatusCode) -> Sent {
    match status.as_u16() {
        100..=299 | 303 | 408 | 500 | 502.. => Sent::Maybe,
        429 => Sent::Declined,
        _ => Sent::Refused,
    }
}

fn io_error(error: &reqwest::Error) -> Option<&io::Error> {
    let mut source = error.source();
    let mut found = None;
    while let Some(inner) = source {
        found = inner.downcast_ref::<io::Error>().or(found);
        source = inner.source();
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
    words.map_or_else(|| "no further reason".to_owned(), |words| tame(&words, 200))
}

/// Judges an answer that is no success.
pub(crate) fn refusal(
    profile: &Profile,
    operation: &Operation,
    answer: &Answer,
    credential: &Secret,
    now: SystemTime,
) -> Failure {
    let Answer {
        status,
        headers,
        body,
    } = answer;
    let status = *status;
    let words = Words::read(headers, body, credential);
    let asked = asked_wait(headers, now);
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
        408 => (ErrorKind::Timeout, true),
        409 => (ErrorKind::Conflict, false),
        429 => (ErrorKind::RateLimited, true),
        500 | 502..=504 => (ErrorKind::Server, true),
        501 | 505.. => (ErrorKind::Server, false),
        _ => (ErrorKind::UnexpectedStatus, false),
    };
    // Only `Retry-After` says that the service did not act: the headers about limits come with
    // every answer.
    let sent = if status == StatusCode::SERVICE_UNAVAILABLE && retry_after(headers, now).is_some() {
        Sent::Declined
    } else {
        sent_by(status)
    };
    let (kind, sent, transient) = match known {
        Some(known) => (known.kind, known.sent, known.sent == Sent::Declined),
        None => (kind, sent, transient),
    };
    let mut error = Error::new(profile.service, kind)
        .with_status(status)
        .with_server_words(words.code, words.message, words.details)
        .with_request_id(words.request_id)
        .with_retry_after(asked);
    if kind == ErrorKind::Redirect {
        error = error.with_reason(redirect_target(headers));
    }
    Failure {
        error,
        sent,
        transient,
        asked,
    }
}

/// Where a redirect points, without its path and query.
fn redirect_target(headers: &HeaderMap) -> String {
    let location = headers
        .get(header::LOCATION)
        .and_then(|value| value.to_str().ok());
    match location.map(url::Url::parse) {
        Some(Ok(url)) => format!("to {}", tame(&url.origin().ascii_serialization(), 200)),
        Some(Err(_)) => "to the same origin".to_owned(),
        None => "to nowhere: it has no Location".to_owned(),
    }
}

/// What a service says of itself in an error, from either of the shapes seen:
/// `{code, message, id}`, `{message, details}`, `{message, status}`, plain text, or nothing.
#[derive(Debug, Default, PartialEq, Eq)]
struct Words {
    code: Option<String>,
    message: Option<String>,
    details: Vec<String>,
    request_id: Option<String>,
}

const MAX_WORDS: usize = 512;
const MAX_DETAILS: usize = 16;

impl Words {
    fn read(headers: &HeaderMap, body: &Bytes, credential: &Secret) -> Self {
        let clean = |text: &str| {
            let text = match credential.expose_secret() {
                "" => text.to_owned(),
                secret => text.replace(secret, "[redacted]"),
            };
            tame(&text, MAX_WORDS)
        };
        let in_header = headers
            .get("x-request-id")
            .and_then(|id| id.to_str().ok())
            .map(clean);
        let mut words = Self {
            request_id: in_header,
            ..Self::default()
        };
        if let Ok(Value::Object(object)) = serde_json::from_slice::<Value>(body) {
            let text = |key: &str| object.get(key).and_then(Value::as_str).map(clean);
            words.code = text("code");
            words.message = text("message");
            words.request_id = text("id").or(words.request_id);
            if let Some(Value::Array(details)) = object.get("details") {
                let details = details.iter().filter_map(Value::as_str).take(MAX_DETAILS);
                words.details = details.map(clean).collect();
            }
        } else if !looks_like_html(headers, body)
            && let Ok(text) = std::str::from_utf8(body)
            && !text.trim().is_empty()
        {
            words.message = Some(clean(text.trim()));
        }
        words
    }
}

/// Whether this is a page for people and not an answer of an API.
pub(crate) fn looks_like_html(headers: &HeaderMap, body: &[u8]) -> bool {
    let declared = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| {
            value
                .trim_start()
                .to_ascii_lowercase()
                .starts_with("text/html")
        });
    declared || body.trim_ascii_start().starts_with(b"<")
}

/// Bounded, on one line, and without characters that could play tricks on a terminal.
pub(crate) fn tame(text: &str, most: usize) -> String {
    let mut out = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == most {
            out.push('…');
            break;
        }
        let bidi = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || bidi {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Gives the final error its operation and its hint, and turns a lost answer into what it is.
pub(crate) fn finish(
    mut error: Error,
    operation: &Operation,
    sent_before: bool,
    failure: Sent,
) -> Error {
    let may = sent_before || failure == Sent::Maybe;
    error = error.with_operation(operation.id).with_effect(may);
    // An answer that came whole and cannot be read is not lost: the call did take effect.
    let lost = error.kind() != ErrorKind::Decode;
    if may && lost && operation.effect == Effect::Once {
        error = error.into_outcome_unknown();
    }
    let hint = super::hints::hint(operation, &error);
    if error.hint().is_none() {
        error = error.with_hint(hint);
    }
    error
}

/// Turns an error of a later request, which was to show what `operation` did, into one of that.
pub(crate) fn unseen(error: Error, operation: &Operation) -> Error {
    let error = error.into_outcome_unknown().of_operation(operation.id);
    let hint = super::hints::hint(operation, &error);
    error.with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(body: &str) -> Words {
        Words::read(
            &HeaderMap::new(),
            &Bytes::copy_from_slice(body.as_bytes()),
            &Secret::new("canary"),
        )
    }

    #[test]
    fn every_shape_of_error_is_read() {
        let full = words(r#"{"code":"invalid_request","message":"Name is too long","id":"7d1c"}"#);
        assert_eq!(full.code.as_deref(), Some("invalid_request"));
        assert_eq!(full.request_id.as_deref(), Some("7d1c"));
        let details =
            words(r#"{"message":"validation failed","details":["name must not be empty",7]}"#);
        assert_eq!(details.details, ["name must not be empty"]);
        assert_eq!(words(r#"{"message":5,"status":"x"}"#), Words::default());
        assert_eq!(
            words("database is locked").message.as_deref(),
            Some("database is locked")
        );
        assert_eq!(words("<html>no</html>"), Words::default());
        assert_eq!(words(" \n"), Words::default());
    }

    #[test]
    fn words_are_bounded_escaped_and_without_the_credential() {
        let text = words(&format!("bad \u{1b}[31m canary {}", "x".repeat(9_000)))
            .message
            .unwrap();
        assert!(text.chars().count() < MAX_WORDS + 40);
        assert!(
            !text.contains('\u{1b}') && !text.contains("canary"),
            "{text}"
        );
        assert!(text.contains("[redacted]"));
    }

    #[test]
    fn a_redirect_tells_its_origin_only() {
        let mut headers = HeaderMap::new();
        assert!(redirect_target(&headers).contains("nowhere"));
        headers.insert(
            header::LOCATION,
            "https://evil.example/x?secret=1".parse().unwrap(),
        );
        assert_eq!(redirect_target(&headers), "to https://evil.example");
    }

    #[test]
    fn a_status_that_is_no_clear_no_leaves_it_open() {
        let by = |status| sent_by(StatusCode::from_u16(status).unwrap());
        for status in [101, 200, 202, 303, 408, 500, 502, 503, 504, 520, 999] {
            assert_eq!(by(status), Sent::Maybe, "{status}");
        }
        for status in [301, 302, 307, 400, 401, 403, 404, 409, 413, 422, 451, 501] {
            assert_eq!(by(status), Sent::Refused, "{status}");
        }
        assert_eq!(by(429), Sent::Declined);
    }

    #[test]
    fn only_retry_after_makes_a_refusal_of_a_503() {
        const PROFILE: Profile = Profile {
            service: crate::Service::LAUNCH_DARKLY,
            default_base: None,
            scheme: "",
            paths: &[],
            credential_vars: &[],
            url_vars: &[],
            json_content_type: false,
            texts: &[],
        };
        let sent = |name: &'static str, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            let answer = Answer {
                status: StatusCode::SERVICE_UNAVAILABLE,
                headers,
                body: Bytes::new(),
            };
            let operation = Operation::new("postToken", Effect::Once, 201);
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
            refusal(&PROFILE, &operation, &answer, &Secret::new("s"), now).sent
        };
        assert_eq!(sent("retry-after", "3"), Sent::Declined);
        assert_eq!(sent("retry-after", "soon"), Sent::Maybe);
        // LaunchDarkly sends these with answers of any kind.
        assert_eq!(sent("x-ratelimit-reset", "1800000003000"), Sent::Maybe);
        assert_eq!(sent("x-ratelimit-auth-token-remaining", "0"), Sent::Maybe);
    }
}
