//! The records of a service, one after another.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_core::future::BoxFuture;

use super::TokenRecord;
use crate::error::Result;

/// The records of a service, one after another; ends after the first error.
#[must_use = "nothing is sent until the stream is polled"]
pub struct RecordStream(Pin<Box<dyn Stream<Item = Result<TokenRecord>> + Send>>);

impl RecordStream {
    /// Wraps a stream.
    pub fn new(records: impl Stream<Item = Result<TokenRecord>> + Send + 'static) -> Self {
        Self(Box::pin(records))
    }

    /// A stream of records that all come at once.
    pub fn from_future(
        records: impl Future<Output = Result<Vec<TokenRecord>>> + Send + 'static,
    ) -> Self {
        Self::new(AtOnce {
            coming: Some(Box::pin(records)),
            ready: Vec::new().into_iter(),
        })
    }

    /// The next record, or `None` at the end.
    ///
    /// # Errors
    /// Those of the requests; the stream ends there.
    pub async fn try_next(&mut self) -> Result<Option<TokenRecord>> {
        poll_fn(|cx| self.0.as_mut().poll_next(cx))
            .await
            .transpose()
    }
}

impl Stream for RecordStream {
    type Item = Result<TokenRecord>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for RecordStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecordStream")
    }
}

struct AtOnce {
    coming: Option<BoxFuture<'static, Result<Vec<TokenRecord>>>>,
    ready: std::vec::IntoIter<TokenRecord>,
}

impl Stream for AtOnce {
    type Item = Result<TokenRecord>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(coming) = &mut self.coming {
            let Poll::Ready(result) = coming.as_mut().poll(cx) else {
                return Poll::Pending;
            };
            self.coming = None;
            match result {
                Ok(records) => self.ready = records.into_iter(),
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
        Poll::Ready(self.ready.next().map(Ok))
    }
}
