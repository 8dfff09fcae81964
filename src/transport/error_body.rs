//! What services say in errors, made fit to be shown.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use serde_json::{Map, Value};

use super::challenge;
use crate::secret::Secret;
use crate::text::redact_untrusted;

/// What a service, or somebody before it, says in an error.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ErrorBody {
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
    pub(super) details: Vec<String>,
    pub(super) request_id: Option<String>,
}

const MAX_WORDS: usize = 512;
const MAX_DETAILS: usize = 16;

// Names that stand for the same, the best first: of the services' own shapes, of problem details
// (RFC 9457), of OAuth (RFC 6749), and of gateways.
const CODES: [&str; 7] = [
    "code",
    "error_code",
    "errorCode",
    "errorcode",
    "Code",
    "error",
    "type",
];
const MESSAGES: [&str; 13] = [
    "message",
    "detail",
    "error_description",
    "errorMessage",
    "error_message",
    "Message",
    "faultstring",
    "error",
    "Error",
    "title",
    "reason",
    "msg",
    "description",
];
const DETAILS: [&str; 6] = [
    "details",
    "errors",
    "detail",
    "issues",
    "invalid-params",
    "violations",
];
const LISTS: [&str; 4] = ["message", "messages", "error", "errorMessages"];
const REQUEST_IDS: [&str; 6] = [
    "id",
    "request_id",
    "requestId",
    "trace_id",
    "traceId",
    "correlationId",
];
const REQUEST_ID_HEADERS: [&str; 14] = [
    "x-request-id",
    "request-id",
    "x-amzn-requestid",
    "x-amz-request-id",
    "x-ms-request-id",
    "x-correlation-id",
    "correlation-id",
    "x-trace-id",
    "cf-ray",
    "x-amz-cf-id",
    "x-amzn-trace-id",
    "x-cloud-trace-context",
    "x-b3-traceid",
    "traceparent",
];

impl ErrorBody {
    pub(super) fn read(headers: &HeaderMap, body: &Bytes, credential: &Secret) -> Self {
        let mut words = Self::default();
        let all = String::from_utf8_lossy(body);
        if let Ok(value) = serde_json::from_str::<Value>(&all) {
            match &value {
                Value::Object(object) => words.take(object),
                // Of a bare list only what names itself a message: it could be one of tokens.
                Value::Array(values) => {
                    let objects = values.iter().filter_map(Value::as_object);
                    let messages = objects.filter_map(|object| find(&MESSAGES, object, text));
                    words.details = messages.take(MAX_DETAILS).collect();
                }
                _ => {}
            }
        } else if !looks_like_html(headers, body)
            && !all.trim().is_empty()
            // Of another encoding what can be read; no picture.
            && (matches!(all, Cow::Borrowed(_)) || !all.contains(is_binary))
            // Broken JSON could be a piece of an answer that holds a secret.
            && !all.trim_start().starts_with(['{', '[', '"'])
        {
            words.message = Some(all.trim().to_owned());
        }
        if words.message.is_none() && words.code.is_none() {
            (words.code, words.message) = challenge::error(headers);
        }
        let clean = |text: String| redact_untrusted(&text, credential, MAX_WORDS);
        words.code = words.code.map(clean);
        words.message = words.message.map(clean);
        words.details = words.details.into_iter().map(clean).collect();
        words.request_id = words.request_id.map(clean);
        words.request_id = words
            .request_id
            .or_else(|| clean_request_id(request_id(headers)?, credential));
        words
    }

    fn take(&mut self, object: &Map<String, Value>) {
        // Some wrap it all.
        let inner = ["error", "fault"].iter();
        let inner = inner.filter_map(|name| object.get(*name)?.as_object());
        for object in inner.chain([object]) {
            let code = find(&CODES, object, text_or_number);
            let message = find(&MESSAGES, object, text);
            self.code = self.code.take().or(code.filter(|code| {
                // A word that says all there is to say is the message.
                message.as_ref() != Some(code) && code != "about:blank"
            }));
            self.message = self.message.take().or(message);
            self.request_id = self.request_id.take().or(find(&REQUEST_IDS, object, text));
            for name in DETAILS {
                if let Some(value @ (Value::Array(_) | Value::Object(_))) = object.get(name) {
                    each(value, &mut self.details);
                }
            }
            for name in LISTS {
                if let Some(value @ Value::Array(_)) = object.get(name) {
                    each(value, &mut self.details);
                }
            }
        }
    }
}

fn is_binary(c: char) -> bool {
    c.is_control() && !c.is_whitespace()
}

/// The first of these members that there is.
fn find(
    names: &[&str],
    object: &Map<String, Value>,
    read: fn(&Value) -> Option<String>,
) -> Option<String> {
    names.iter().find_map(|name| read(object.get(*name)?))
}

fn text(value: &Value) -> Option<String> {
    let text = value.as_str().filter(|text| !text.trim().is_empty());
    text.map(str::to_owned)
}

fn text_or_number(value: &Value) -> Option<String> {
    text(value).or_else(|| Some(value.as_number()?.to_string()))
}

/// All messages in a list of them, or in an object by the names that they are about.
fn each(value: &Value, out: &mut Vec<String>) {
    if out.len() >= MAX_DETAILS {
        return;
    }
    match value {
        Value::String(_) => out.extend(text(value)),
        Value::Array(values) => values.iter().for_each(|value| each(value, out)),
        Value::Object(object) => {
            let about = find(&["field", "name", "path", "property"], object, text);
            match (about, find(&MESSAGES, object, text)) {
                (Some(about), Some(message)) => out.push(format!("{about}: {message}")),
                (None, Some(message)) => out.push(message),
                // Lists only: a bare text beside a name could be a value.
                (_, None) => {
                    let lists = object.iter().filter(|(_, value)| value.is_array());
                    for (name, value) in lists.take(MAX_DETAILS) {
                        let mut inner = Vec::new();
                        each(value, &mut inner);
                        out.extend(inner.into_iter().map(|text| format!("{name}: {text}")));
                    }
                }
            }
        }
        _ => {}
    }
    out.truncate(MAX_DETAILS);
}

/// The header with the id under which the service, or a gateway before it, knows a request.
pub(super) fn request_id(headers: &HeaderMap) -> Option<&HeaderValue> {
    let mut ids = REQUEST_ID_HEADERS
        .iter()
        .filter_map(|name| headers.get(*name));
    ids.find(|value| !value.is_empty())
}

/// The id as text that can be shown.
pub(super) fn clean_request_id(id: &HeaderValue, credential: &Secret) -> Option<String> {
    Some(redact_untrusted(id.to_str().ok()?, credential, MAX_WORDS))
}

/// Whether this is a page for people and not an answer of an API.
pub(crate) fn looks_like_html(headers: &HeaderMap, body: &[u8]) -> bool {
    let body = body.trim_ascii_start();
    if body.is_empty() {
        return false;
    }
    let html = |value: &header::HeaderValue| {
        let kind = value.as_bytes().trim_ascii_start().get(.."text/html".len());
        kind.is_some_and(|kind| kind.eq_ignore_ascii_case(b"text/html"))
    };
    body.starts_with(b"<") || headers.get(header::CONTENT_TYPE).is_some_and(html)
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
        for (body, code, message, details, id) in [
            (
                r#"{"code":"invalid_request","message":"Name is too long","id":"7d1c"}"#,
                "invalid_request",
                "Name is too long",
                "",
                "7d1c",
            ),
            (
                r#"{"message":"validation failed","details":["name must not be empty",7]}"#,
                "",
                "validation failed",
                "name must not be empty",
                "",
            ),
            (
                r#"{"type":"https://e.example/p/quota","title":"Quota","status":403,"detail":"Only 5 left","instance":"/i/1"}"#,
                "https://e.example/p/quota",
                "Only 5 left",
                "",
                "",
            ),
            (
                r#"{"type":"about:blank","title":"Forbidden","status":403}"#,
                "",
                "Forbidden",
                "",
                "",
            ),
            (
                r#"{"title":"Bad","invalid-params":[{"name":"age","reason":"must be positive"}]}"#,
                "",
                "Bad",
                "age: must be positive",
                "",
            ),
            (r#"{"error":"unauthorized"}"#, "", "unauthorized", "", ""),
            (
                r#"{"error":"invalid_token","error_description":"It expired"}"#,
                "invalid_token",
                "It expired",
                "",
                "",
            ),
            (
                r#"{"error":{"code":404,"message":"gone","status":"NOT_FOUND"}}"#,
                "404",
                "gone",
                "",
                "",
            ),
            (
                r#"{"errors":[{"message":"a"},{"detail":"b","code":"x"},"c"]}"#,
                "",
                "",
                "a|b|c",
                "",
            ),
            (
                r#"{"errors":{"name":["too long","taken"]},"message":"no"}"#,
                "",
                "no",
                "name: too long|name: taken",
                "",
            ),
            (
                r#"{"detail":[{"loc":["body","name"],"msg":"field required"}]}"#,
                "",
                "",
                "field required",
                "",
            ),
            (r#"[{"message":"a"}]"#, "", "", "a", ""),
            (
                r#"{"Message":"denied","requestId":"r-1"}"#,
                "",
                "denied",
                "",
                "r-1",
            ),
            ("database is locked", "", "database is locked", "", ""),
            (r#"{"message":{"x":5},"status":"x"}"#, "", "", "", ""),
            (r#"[{"token":"x"},"y"]"#, "", "", "", ""),
            (r#"{"details":{"token":"x"}}"#, "", "", "", ""),
            ("<html>no</html>", "", "", "", ""),
            (r#"{"token":"api-"#, "", "", "", ""),
            ("[1]", "", "", "", ""),
            ("\"x\"", "", "", "", ""),
            (" {} x", "", "", "", ""),
            (" \n", "", "", "", ""),
        ] {
            let read = words(body);
            let text = |text: Option<String>| text.unwrap_or_default();
            assert_eq!(text(read.code), code, "{body}");
            assert_eq!(text(read.message), message, "{body}");
            assert_eq!(read.details.join("|"), details, "{body}");
            assert_eq!(text(read.request_id), id, "{body}");
        }
    }

    #[test]
    fn a_challenge_speaks_where_the_body_is_silent() {
        let challenge =
            r#"Bearer realm="x", error="invalid_token", error_description="It expired""#;
        let challenge = challenge.parse().unwrap();
        let headers = HeaderMap::from_iter([(header::WWW_AUTHENTICATE, challenge)]);
        let read = |body: &'static str| {
            let read = ErrorBody::read(&headers, &Bytes::from(body), &Secret::new("canary"));
            (
                read.code.unwrap_or_default(),
                read.message.unwrap_or_default(),
            )
        };
        assert_eq!(read(""), ("invalid_token".into(), "It expired".into()));
        assert_eq!(read("no"), (String::new(), "no".into()));
    }

    #[test]
    fn a_request_is_known_by_many_names() {
        for name in REQUEST_ID_HEADERS {
            let headers =
                HeaderMap::from_iter([(name.parse().unwrap(), "r-canary".parse().unwrap())]);
            let id = clean_request_id(request_id(&headers).unwrap(), &Secret::new("canary"));
            assert_eq!(id.as_deref(), Some("r-[redacted]"), "{name}");
        }
        assert_eq!(request_id(&HeaderMap::new()), None);
    }

    #[test]
    fn words_are_bounded_escaped_and_without_the_credential() {
        let text = words(&format!("bad \u{1b}[31m canary {}", "x".repeat(9_000)))
            .message
            .unwrap();
        assert_eq!(text.chars().count(), MAX_WORDS);
        assert!(
            !text.contains('\u{1b}') && !text.contains("canary"),
            "{text}"
        );
        assert!(text.contains("[redacted]"));
        let many = format!("{{\"errors\":[{}\"x\"]}}", "\"x\",".repeat(99));
        assert_eq!(words(&many).details.len(), MAX_DETAILS);
    }
}
