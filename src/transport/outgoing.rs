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

    pub(crate) fn request(&self, method: Method, url: &str) -> Outgoing<'_> {
        let request = Url::parse(url).map(|url| Request::new(method, url));
        Outgoing(self, request.ok())
    }
}

// No service needs all of it.
#[allow(dead_code)]
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorKind;
    use crate::id::Service;
    use crate::time::UnixMillis;
    use crate::transport::session::Session;
    use crate::transport::{ClientBuilder, Core, Operation, Profile, ServiceClient};

    static PROFILE: Profile = Profile {
        default_base: Some("http://127.0.0.1:1/below"),
        ..Profile::of(Service::new("Test"))
    };
    static OPERATION: Operation = Operation::get("test", "/");

    struct Bare(Arc<Core>);

    impl ServiceClient for Bare {
        type Options = ();

        fn from_core(core: Arc<Core>, (): ()) -> Result<Self> {
            Ok(Self(core))
        }
    }

    fn call() -> Call {
        let client: Bare = ClientBuilder::new(&PROFILE)
            .credential("secret")
            .build()
            .unwrap();
        let options = client.0.settings.options.clone();
        let session = Session::start(client.0, options).unwrap();
        session.request(&OPERATION, None)
    }

    /// The same request by reqwest and what belongs to progenitor.
    fn theirs(call: &Call) -> reqwest::RequestBuilder {
        call.core.http.post(call.base_url())
    }

    fn ours(call: &Call) -> Outgoing<'_> {
        call.request(Method::POST, call.base_url())
    }

    fn same(ours: Outgoing<'_>, theirs: reqwest::RequestBuilder) {
        let (ours, theirs) = (ours.1.unwrap(), theirs.build().unwrap());
        assert_eq!(ours.url(), theirs.url());
        assert_eq!(ours.method(), theirs.method());
        assert_eq!(ours.headers(), theirs.headers());
        let bytes =
            |request: &Request| request.body().map(|body| body.as_bytes().unwrap().to_vec());
        assert_eq!(bytes(&ours), bytes(&theirs));
    }

    fn same_query(call: &Call, name: &str, value: &impl Serialize) {
        let theirs = theirs(call).query(&progenitor_client::QueryParam::new(name, value));
        same(ours(call).query(name, value), theirs);
    }

    proptest! {
        #[test]
        fn a_segment_is_what_progenitor_makes_of_it(text in "\\PC*|[ -~]*|[\\x00-\\xff]*") {
            let theirs = progenitor_client::encode_path(&text);
            prop_assert_eq!(encode_path(&text).to_string(), theirs);
        }

        #[test]
        fn a_query_is_what_progenitor_makes_of_it(
            name in "[ -~]{1,9}",
            text in "\\PC*|[ -~]*|[\\x00-\\xff]*",
            number: i64,
            small: Option<u32>,
            yes: Option<bool>,
        ) {
            let call = call();
            let time = UnixMillis::new(number);
            same_query(&call, &name, &text.as_str());
            same_query(&call, &name, &Some(&text));
            same_query(&call, &name, &number);
            same_query(&call, &name, &time);
            same_query(&call, &name, &Some(&time));
            let theirs = theirs(&call)
                .query(&progenitor_client::QueryParam::new("small", &small))
                .query(&progenitor_client::QueryParam::new("yes", &yes));
            same(ours(&call).query("small", &small).query("yes", &yes), theirs);
        }

        #[test]
        fn a_body_is_what_reqwest_makes_of_it(text in "\\PC*", list: Vec<Option<i64>>) {
            let call = call();
            let body = serde_json::json!({"text": text, "list": list});
            let accept = || (header::ACCEPT, HeaderValue::from_static("application/json"));
            let theirs = theirs(&call).header(accept().0, accept().1).json(&&body);
            same(ours(&call).header(accept().0, accept().1).json(&&body), theirs);
        }
    }

    #[tokio::test]
    async fn what_has_no_place_in_a_request_is_refused_without_its_words() {
        let call = call();
        let unwritable = std::collections::BTreeMap::from([(vec![1], "hunter2")]);
        for request in [
            ours(&call).query("several", &["hunter2"]).query("one", &1),
            ours(&call).query("object", &serde_json::json!({"password": "hunter2"})),
            ours(&call).json(&unwritable).query("one", &1),
            call.request(Method::GET, "no address: hunter2"),
        ] {
            let error = request.send::<()>().await.map(|_| ()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(!error.may_have_been_sent(), "{error}");
            let said = format!("{error} {error:?}");
            assert!(
                said.contains("cannot be built") && !said.contains("hunter2"),
                "{said}"
            );
        }
    }
}
