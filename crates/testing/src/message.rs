//! What a twin receives and what it answers.

use std::fmt;
use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::Value;

/// A request as a twin received it.
///
/// `Debug` leaves out the values of headers that carry credentials; the fields have them.
#[derive(Clone)]
#[non_exhaustive]
pub struct Received {
    /// The method.
    pub method: Method,
    /// The path, still percent-encoded.
    pub path: String,
    /// What stood behind the question mark, still encoded.
    pub query: Option<String>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; empty if a fault closed the connection before it was read.
    pub body: Bytes,
    /// When it came, by the twin's clock.
    pub at: SystemTime,
    /// Whether the body broke off or was no body.
    pub(crate) broken: bool,
}

impl Received {
    /// The pairs of the query string, decoded as a form (`+` is a space).
    #[must_use]
    pub fn query_pairs(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.query.as_deref().unwrap_or_default().as_bytes())
            .into_owned()
            .collect()
    }

    /// The first value of a header, if it is there and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body read as JSON.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("query", &self.query)
            .field("headers", &Redacted(&self.headers))
            .field("body", &String::from_utf8_lossy(&self.body))
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

struct Redacted<'a>(&'a HeaderMap);

impl fmt::Debug for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (name, value) in self.0 {
            if [
                header::AUTHORIZATION,
                header::PROXY_AUTHORIZATION,
                header::COOKIE,
            ]
            .contains(name)
            {
                map.entry(name, &format_args!("[redacted]"));
            } else {
                map.entry(name, value);
            }
        }
        map.finish()
    }
}

/// What a service answers. The server adds `date` and `content-length`.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
}

impl Answer {
    /// No body and no content type.
    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// Text, without a content type.
    pub(crate) fn text(status: u16, text: &str) -> Self {
        Self {
            body: Bytes::copy_from_slice(text.as_bytes()),
            ..Self::empty(status)
        }
    }

    /// JSON with its content type.
    pub(crate) fn json(status: u16, value: &Value) -> Self {
        Self::json_text(status, value.to_string())
    }

    /// JSON that is already written, with its content type.
    pub(crate) fn json_text(status: u16, json: impl Into<Bytes>) -> Self {
        let mut answer = Self {
            body: json.into(),
            ..Self::empty(status)
        };
        answer.headers.push((
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ));
        answer
    }

    /// JSON without a content type.
    pub(crate) fn json_untyped(status: u16, value: &Value) -> Self {
        Self {
            body: Bytes::from(value.to_string()),
            ..Self::empty(status)
        }
    }

    /// Adds a header; one that HTTP does not allow is left out.
    #[must_use]
    pub(crate) fn with_header(mut self, name: &str, value: &str) -> Self {
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_bytes(value.as_bytes()),
        ) {
            self.headers.push((name, value));
        }
        self
    }
}
