//! What a generated client makes its requests with: the few names that its code calls.

use std::fmt::Display;
use std::marker::PhantomData;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use reqwest::Request;
use serde::Serialize;
use serde_json::Value;
use url::Url;

use super::call::Call;
use crate::error::{Error, Result};

/// A request in the making; `None` once there is something in it that cannot go out.
pub(crate) struct Outgoing<'a>(&'a Call, Option<Request>);

/// A success, not read yet, and the type that the generated client promises of its body.
pub(crate) struct ResponseValue<T> {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
    promised: PhantomData<T>,
}

impl Call {
    pub(crate) fn base_url(&self) -> &str {
        self.core.base.as_str()
    }

    pub(crate) fn request(&self, method: Method, url: String) -> Outgoing<'_> {
        let request = Url::parse(&url).map(|url| Request::new(method, url));
        Outgoing(self, request.ok())
    }
}

impl Outgoing<'_> {
    pub(crate) fn header(self, name: HeaderName, value: HeaderValue) -> Self {
        self.with(|request| {
            request.headers_mut().append(name, value);
            Some(())
        })
    }

    /// One more parameter of the query, if it is there: a scalar, as in JSON. No other has a place there.
    pub(crate) fn query(self, name: &str, value: &impl Serialize) -> Self {
        self.with(|request| {
            let text = match serde_json::to_value(value).ok()? {
                Value::Null => return Some(()),
                Value::String(text) => text,
                value @ (Value::Bool(_) | Value::Number(_)) => value.to_string(),
                Value::Array(_) | Value::Object(_) => return None,
            };
            request.url_mut().query_pairs_mut().append_pair(name, &text);
            Some(())
        })
    }

    pub(crate) fn json(self, body: &impl Serialize) -> Self {
        self.with(|request| {
            *request.body_mut() = Some(serde_json::to_vec(body).ok()?.into());
            let json = HeaderValue::from_static("application/json");
            request.headers_mut().insert(header::CONTENT_TYPE, json);
            Some(())
        })
    }

    fn with(mut self, change: impl FnOnce(&mut Request) -> Option<()>) -> Self {
        if self.1.as_mut().and_then(change).is_none() {
            self.1 = None;
        }
        self
    }

    /// Executes the request. Which success comes of it does not matter here.
    pub(crate) async fn send<T>(self) -> Result<ResponseValue<T>> {
        let Self(call, request) = self;
        let request = request.ok_or_else(|| {
            // Why could hold an argument.
            let rule = "cannot be built from these arguments";
            let error = Error::input(call.core.profile.service, "request", rule);
            error.with_operation(call.operation.id)
        })?;
        // Large, and otherwise moved from one future into the next all the way up.
        let (status, body) = Box::pin(call.send(request)).await?;
        Ok(ResponseValue {
            status,
            body,
            promised: PhantomData,
        })
    }
}

/// A parameter of a path, as exactly one segment of it.
pub(crate) fn encode_path(text: &str) -> impl Display {
    utf8_percent_encode(text, SEGMENT)
}

/// What does not stand for itself in a segment of a path, beside what is not ASCII.
const SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}');
