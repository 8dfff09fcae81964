//! Calls through a generated client, which sends and reads what its document says.

use bytes::Bytes;
use http::StatusCode;
use progenitor_client::{Error as WireError, ResponseValue};
use reqwest::ResponseBuilderExt as _;
use serde::de::DeserializeOwned;

use super::call::Call;
use super::operation::Operation;
use super::session::{A_PAGE, Session, unreadable};
use crate::error::{Error, Result};
use crate::sync::lock;

/// What a generated client makes of an answer.
type Sent<T> = std::result::Result<ResponseValue<T>, WireError<()>>;

/// A generated client.
pub(crate) trait Wire {
    /// A client of this address, whose requests go to the transport as parts of a call.
    fn open(base_url: &str, http: reqwest::Client, call: Call) -> Self;
}

impl Call {
    /// Executes a request for a generated client.
    ///
    /// Its signature leaves no room for an error of ours, so that goes by `Outcome`, and the
    /// client gets a response that it cannot take for a success.
    pub(crate) async fn execute(
        &self,
        request: reqwest::Request,
    ) -> reqwest::Result<reqwest::Response> {
        // Large, and otherwise moved from one future into the next all the way up.
        match Box::pin(self.send(request)).await {
            Ok((status, body)) => Ok(self.deliver(status, body)),
            Err(error) => {
                lock(&self.context.outcome).failure = Some(error);
                Ok(self.response(NOT_OURS, Bytes::new()))
            }
        }
    }

    /// Hands a success to the generated client in the form that its document promises.
    fn deliver(&self, status: StatusCode, body: Bytes) -> reqwest::Response {
        let may_be_empty = !self.operation.empty_by_status || status == StatusCode::NO_CONTENT;
        let body = match self.operation.empty_body {
            Some(stand_in) if may_be_empty && body.trim_ascii().is_empty() => {
                Bytes::from_static(stand_in.as_bytes())
            }
            _ => body,
        };
        self.response(self.operation.success, body)
    }

    fn response(&self, status: u16, body: Bytes) -> reqwest::Response {
        // Nobody asks for the address; without one, another would be parsed.
        let response = http::Response::builder().url(self.core.base.url().clone());
        let response = response.body(body);
        let mut response = response.unwrap_or_else(|_| http::Response::new(Bytes::new()));
        *response.status_mut() =
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response.into()
    }
}

/// Documented nowhere, so that no generated client takes it for a success.
const NOT_OURS: u16 = 599;

impl Session {
    /// Makes one request through a generated client.
    pub(crate) async fn call<W: Wire, T: DeserializeOwned>(
        &self,
        operation: &'static Operation,
        send: impl AsyncFnOnce(W) -> Sent<T>,
    ) -> Result<T> {
        let result = self.call_or_body(operation, send).await;
        result.map_err(|(error, _)| error)
    }

    #[cfg(any(feature = "launchdarkly", feature = "avisi-cloud"))]
    /// The same, of an answer that holds what is told only once: a member that cannot be read is left
    /// out and costs nothing else.
    pub(crate) async fn call_for_secret<W: Wire, T: DeserializeOwned>(
        &self,
        operation: &'static Operation,
        send: impl AsyncFnOnce(W) -> Sent<T>,
    ) -> Result<T> {
        let result = self.call_or_body(operation, send).await;
        result.or_else(|(error, body)| {
            let part = crate::partial::readable_part(&body.ok_or_else(|| error.clone())?);
            if part.is_some() {
                self.left_out(operation);
            }
            part.ok_or(error)
        })
    }

    /// The same, and gives back the body of a success that cannot be read as a whole.
    pub(crate) async fn call_or_body<W: Wire, T: DeserializeOwned>(
        &self,
        operation: &'static Operation,
        send: impl AsyncFnOnce(W) -> Sent<T>,
    ) -> Result<T, (Error, Option<Bytes>)> {
        let core = &self.core;
        let call = self.request(operation);
        let client = W::open(core.base.as_str(), core.http.clone(), call);
        let result = send(client).await;
        if let Some(error) = lock(&self.context.outcome).failure.take() {
            return Err((error, None));
        }
        let html = self.came_as_page();
        let (reason, body) = match result {
            Ok(_) if html => (A_PAGE.to_owned(), None),
            Ok(value) => return Ok(value.into_inner()),
            Err(WireError::InvalidResponsePayload(body, _)) => {
                (unreadable::<T>(&body), (!html).then_some(body))
            }
            // Left are requests that could not be built; the words could hold an argument.
            Err(_) => {
                let rule = "cannot be built from these arguments";
                return Err((self.input(operation, "request", rule), None));
            }
        };
        Err((self.misread(operation, reason), body))
    }
}
