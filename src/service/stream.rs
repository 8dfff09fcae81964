//! The records of a service, one after another.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::{StreamExt as _, TryFutureExt as _, TryStreamExt as _, stream};

use super::TokenRecord;
use crate::error::Result;
use crate::listing::Listing;

/// Everything that a stream gives; items that cannot be read are named in [`Listing::unreadable`].
pub(crate) async fn gather<T>(
    mut items: impl Stream<Item = Result<T>> + Unpin,
) -> Result<Listing<T>> {
    let (mut all, mut unreadable) = (Vec::new(), Vec::new());
    while let Some(item) = items.next().await {
        match item {
            Ok(item) => all.push(item),
            Err(error) => match error.unreadable_item(all.len() + unreadable.len()) {
                Some(item) => unreadable.push(item),
                None => return Err(error),
            },
        }
    }
    Ok(Listing::new(all, unreadable))
}

/// Records of a service, one after another, as [`TokenService::list`](crate::TokenService::list)
/// gives them.
///
/// An error of the kind [`ErrorKind::UnreadableItem`](crate::ErrorKind::UnreadableItem) is about a
/// single record, and others follow. Any other error is the last item.
///
/// ```
/// use access_tokens::{ErrorKind, TokenService};
///
/// async fn names(service: &dyn TokenService) -> access_tokens::Result<Vec<String>> {
///     let (mut names, mut records) = (Vec::new(), service.list());
///     loop {
///         match records.try_next().await {
///             Ok(Some(record)) => names.extend(record.name),
///             Ok(None) => return Ok(names),
///             Err(error) if error.kind() == ErrorKind::UnreadableItem => eprintln!("{error}"),
///             Err(error) => return Err(error),
///         }
///     }
/// }
/// ```
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
        Self::made_of(async { Ok(records.await?.into_iter().map(Ok)) })
    }

    /// A stream of records that are made one by one of what comes at once.
    pub(crate) fn made_of<I>(coming: impl Future<Output = Result<I>> + Send + 'static) -> Self
    where
        I: Iterator<Item = Result<TokenRecord>> + Send + 'static,
    {
        Self::new(coming.map_ok(stream::iter).try_flatten_stream())
    }

    /// The next record, or `None` at the end.
    ///
    /// # Errors
    /// [`ErrorKind::UnreadableItem`](crate::ErrorKind::UnreadableItem) if the next record cannot be
    /// read; go on for those after it. Any other is that of a request, and the stream ends there.
    pub async fn try_next(&mut self) -> Result<Option<TokenRecord>> {
        self.0.try_next().await
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
