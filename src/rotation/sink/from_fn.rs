//! A closure as a sink.

use std::fmt;

use futures_core::future::BoxFuture;

use super::{Delivery, Sink, SinkError, SinkKind, Written};
use crate::secret::Secret;
use crate::service::TokenRecord;

/// Sink that calls an async closure with the secret and the record of the new token.
///
/// It is [blind](SinkKind::Blind): what it did cannot be taken back. Two closures of the same name
/// count as the same place. An error that is not [`SinkError::not_stored`] counts as unknown: the
/// secret may have been stored, and the new token stays alive.
///
/// ```
/// use access_tokens::rotation::sink;
///
/// let vault = sink::from_fn("vault", |secret, token| async move {
///     println!("storing {} characters for {}", secret.expose_secret().len(), token.key);
///     Ok::<(), sink::SinkError>(())
/// });
/// ```
pub fn from_fn<F, W, E>(name: impl Into<String>, deliver: F) -> impl Sink
where
    F: Fn(Secret, TokenRecord) -> W + Send + Sync,
    W: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<SinkError>,
{
    FromFn {
        name: name.into(),
        deliver,
    }
}

struct FromFn<F> {
    name: String,
    deliver: F,
}

impl<F> fmt::Debug for FromFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromFn")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl<F, W, E> Sink for FromFn<F>
where
    F: Fn(Secret, TokenRecord) -> W + Send + Sync,
    W: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<SinkError>,
{
    fn id(&self) -> String {
        self.name.clone()
    }

    fn kind(&self) -> SinkKind {
        SinkKind::Blind
    }

    fn check(&self) -> BoxFuture<'_, Result<(), SinkError>> {
        Box::pin(async { Ok(()) })
    }

    fn deliver<'a>(
        &'a self,
        delivery: &'a Delivery<'a>,
    ) -> BoxFuture<'a, Result<Written, SinkError>> {
        Box::pin(async move {
            let stored = (self.deliver)(delivery.secret().clone(), delivery.token().clone());
            stored.await.map_err(Into::into)?;
            Ok(Written::unversioned())
        })
    }
}
