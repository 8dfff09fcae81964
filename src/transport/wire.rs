//! Calls through a generated client, which sends what its document says, and whose types are read.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::StatusCode;
use progenitor_client::ResponseValue;
use serde::de::DeserializeOwned;

use super::call::Call;
use super::items::{Items, Reading};
use super::operation::{Body, Operation};
use super::session::{A_PAGE, Session, read};
use crate::error::{Error, Result};
use crate::listing::Listing;
use crate::sync::lock;

/// What a generated client makes of an answer.
type Sent<T> = std::result::Result<ResponseValue<T>, progenitor_client::Error<()>>;

/// A generated client.
pub(crate) trait Wire {
    /// A client of this address, whose requests go to the transport as parts of a call.
    fn open(base_url: &str, http: reqwest::Client, call: Call) -> Self;
}

impl Call {
    /// Executes a request for a generated client.
    ///
    /// Its signature leaves no room for an error of ours, nor for a body that can be read in one go, so
    /// what came of it goes by `Outcome`, and the client gets an error that means nothing.
    pub(crate) async fn execute(
        &self,
        request: reqwest::Request,
    ) -> reqwest::Result<reqwest::Response> {
        // Large, and otherwise moved from one future into the next all the way up.
        let sent = Box::pin(self.send(request)).await;
        lock(&self.context.outcome).sent = Some(sent);
        let nothing = self.core.http.get("").build();
        nothing.map(|_| http::Response::new("").into())
    }
}

impl Session {
    /// Makes one request through a generated client.
    pub(crate) async fn call<W: Wire, T: DeserializeOwned>(
        &self,
        operation: &'static Operation,
        send: impl AsyncFnOnce(W) -> Sent<T>,
    ) -> Result<T> {
        let result = self.call_or_body(operation, send, None).await;
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
        let result = self.call_or_body(operation, send, None).await;
        result.or_else(|(error, body)| {
            let part = crate::partial::readable_part(&body.ok_or_else(|| error.clone())?);
            if part.is_some() {
                self.left_out(operation);
            }
            part.ok_or(error)
        })
    }

    /// The same, of a list: its items, if there are any where they should be, and what came beside them;
    /// with the body of a success that cannot be read.
    pub(crate) async fn call_for_list<W, T, I>(
        &self,
        operation: &'static Operation,
        items: Items<I>,
        send: impl AsyncFnOnce(W) -> Sent<T>,
    ) -> Result<(T, Option<Listing<I>>), (Error, Option<Bytes>)>
    where
        W: Wire,
        T: DeserializeOwned,
        I: DeserializeOwned + Send + 'static,
    {
        let items = Arc::new(Mutex::new(items));
        let reading = Some(Arc::clone(&items) as Reading);
        let result = self.call_or_body(operation, send, reading).await;
        let items = lock(&items).listing();
        match (result, items) {
            (Ok(_) | Err((_, Some(_))), Err(reason)) => {
                Err((self.misread(operation, reason), None))
            }
            (result, items) => Ok((result?, items.unwrap_or_default())),
        }
    }

    /// The same, and gives back the body of a success that cannot be read as a whole.
    async fn call_or_body<W: Wire, T: DeserializeOwned>(
        &self,
        operation: &'static Operation,
        send: impl AsyncFnOnce(W) -> Sent<T>,
        items: Option<Reading>,
    ) -> Result<T, (Error, Option<Bytes>)> {
        let core = &self.core;
        let call = self.request(operation, items);
        let client = W::open(core.base.as_str(), core.http.clone(), call);
        // What came of it is in the outcome.
        let _: Sent<T> = send(client).await;
        let outcome = lock(&self.context.outcome).sent.take();
        let (status, body) = outcome
            .unwrap_or_else(|| {
                // The client could not build the request. Its words could hold an argument.
                let rule = "cannot be built from these arguments";
                Err(self.input(operation, "request", rule))
            })
            .map_err(|error| (error, None))?;
        let empty = body.trim_ascii().is_empty();
        let text = match operation.body {
            Body::Ignored => b"null",
            Body::OrElse(text) if empty => text.as_bytes(),
            Body::OrNoContent(text) if empty && status == StatusCode::NO_CONTENT => text.as_bytes(),
            Body::Read | Body::OrElse(_) | Body::OrNoContent(_) => &*body,
        };
        let html = self.came_as_page();
        let reason = match read(text) {
            Ok(value) if !html => return Ok(value),
            Ok(_) => A_PAGE.to_owned(),
            Err(reason) => reason,
        };
        Err((self.misread(operation, reason), (!html).then_some(body)))
    }
}
