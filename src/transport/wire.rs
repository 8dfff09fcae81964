//! Calls through a generated client, which sends what its document says, and whose types are read.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::StatusCode;
use serde::de::DeserializeOwned;

use super::call::Call;
use super::items::{Items, Reading};
use super::operation::{Body, Operation};
use super::outgoing::ResponseValue;
use super::session::{A_PAGE, Session, read};
use crate::error::{Error, Result};
use crate::listing::Listing;
use crate::sync::lock;

impl Session {
    /// Makes one request through a generated client.
    pub(crate) async fn call<W: From<Call>, T: DeserializeOwned>(
        &self,
        operation: &'static Operation,
        send: impl AsyncFnOnce(W) -> Result<ResponseValue<T>>,
    ) -> Result<T> {
        let result = self.call_or_body(operation, send, None).await;
        result.map_err(|(error, _)| error)
    }

    #[cfg(any(feature = "launchdarkly", feature = "avisi-cloud"))]
    /// The same, of an answer that holds what is told only once: a member that cannot be read is left
    /// out and costs nothing else.
    pub(crate) async fn call_for_secret<W: From<Call>, T: DeserializeOwned>(
        &self,
        operation: &'static Operation,
        send: impl AsyncFnOnce(W) -> Result<ResponseValue<T>>,
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
        send: impl AsyncFnOnce(W) -> Result<ResponseValue<T>>,
    ) -> Result<(T, Option<Listing<I>>), (Error, Option<Bytes>)>
    where
        W: From<Call>,
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
    async fn call_or_body<W: From<Call>, T: DeserializeOwned>(
        &self,
        operation: &'static Operation,
        send: impl AsyncFnOnce(W) -> Result<ResponseValue<T>>,
        items: Option<Reading>,
    ) -> Result<T, (Error, Option<Bytes>)> {
        let answer = send(W::from(self.request(operation, items))).await;
        let ResponseValue { status, body, .. } = answer.map_err(|error| (error, None))?;
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
