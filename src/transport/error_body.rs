//! What services say in errors, made fit to be shown.

use bytes::Bytes;
use http::{HeaderMap, header};
use serde_json::Value;

use crate::secret::Secret;
use crate::text::redact_untrusted;

/// What a service says of itself in an error, from either of the shapes seen:
/// `{code, message, id}`, `{message, details}`, `{message, status}`, plain text, or nothing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ErrorBody {
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
    pub(super) details: Vec<String>,
    pub(super) request_id: Option<String>,
}

const MAX_WORDS: usize = 512;
const MAX_DETAILS: usize = 16;

impl ErrorBody {
    pub(super) fn read(headers: &HeaderMap, body: &Bytes, credential: &Secret) -> Self {
        let clean = |text: &str| clean(text, credential);
        let mut words = Self {
            request_id: request_id(headers, credential),
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
            // Broken JSON could be a piece of an answer that holds a secret.
            && !text.trim_start().starts_with(['{', '[', '"'])
        {
            words.message = Some(clean(text.trim()));
        }
        words
    }
}

/// The id under which the service knows a request.
pub(super) fn request_id(headers: &HeaderMap, credential: &Secret) -> Option<String> {
    let id = headers.get("x-request-id")?.to_str().ok()?;
    Some(clean(id, credential))
}

/// Fit to be shown, and without the credential, which some proxies and servers repeat.
fn clean(text: &str, credential: &Secret) -> String {
    redact_untrusted(text, credential, MAX_WORDS)
}

/// Whether this is a page for people and not an answer of an API.
pub(crate) fn looks_like_html(headers: &HeaderMap, body: &[u8]) -> bool {
    let body = body.trim_ascii_start();
    if body.is_empty() {
        return false;
    }
    let declared = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| {
            value
                .trim_start()
                .to_ascii_lowercase()
                .starts_with("text/html")
        });
    declared || body.starts_with(b"<")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(body: &str) -> ErrorBody {
        ErrorBody::read(
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
        assert_eq!(words(r#"{"message":5,"status":"x"}"#), ErrorBody::default());
        assert_eq!(
            words("database is locked").message.as_deref(),
            Some("database is locked")
        );
        for broken in [
            "<html>no</html>",
            r#"{"token":"api-"#,
            "[1]",
            "\"x\"",
            " {} x",
        ] {
            assert_eq!(words(broken), ErrorBody::default(), "{broken}");
        }
        assert_eq!(words(" \n"), ErrorBody::default());
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
}
