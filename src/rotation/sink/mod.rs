//! Where a new secret goes.
//!
//! A [`Sink`] stores a secret for whoever uses it: [`FileSink`], [`DotenvSink`], [`CommandSink`], a
//! closure by [`from_fn`], or your own.

mod command;
mod dotenv;
mod file;

use std::fmt;
use std::io;

pub use command::CommandSink;
pub use dotenv::DotenvSink;
pub use file::FileSink;

use crate::secret::Secret;
use crate::service::TokenRecord;
use crate::text::redact_untrusted;
use futures_core::future::BoxFuture;

/// Takes a new secret and keeps it for those who use it.
///
/// The rules that let a rotation strand nobody:
///
/// * [`deliver`](Self::deliver) may be called again with the same or another secret; the last one
///   counts.
/// * If it fails, the error says whether the new secret may be in use all the same
///   ([`SinkError::maybe_delivered`]); without that it must not be.
/// * [`undo`](Self::undo) puts back what was there before the last delivery, or says that it
///   cannot: then the new token is left alive.
///
/// A panic counts as an error after which the secret may be in use.
pub trait Sink: Send + Sync {
    /// What a plan and an error call it; it must not hold a secret, and should be the same after a
    /// restart.
    fn name(&self) -> String;

    /// Whether a delivery can be expected to work, asked before a token is made.
    ///
    /// # Errors
    /// If it cannot.
    fn check(&self) -> Result<(), SinkError> {
        Ok(())
    }

    /// Stores the secret of this new token.
    fn deliver<'a>(
        &'a self,
        secret: &'a Secret,
        token: &'a TokenRecord,
    ) -> BoxFuture<'a, Result<(), SinkError>>;

    /// Takes the last delivery back.
    fn undo(&self) -> BoxFuture<'_, Result<Undone, SinkError>>;
}

/// What became of a delivery that was to be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Undone {
    /// The sink does not hold the new secret any more.
    Restored,
    /// It cannot be taken back: the new secret must stay alive.
    Impossible,
}

/// Why a sink did not take a secret.
///
/// Before such an error leaves a rotation, every occurrence of the secret in its text is replaced.
#[derive(Clone, PartialEq, Eq)]
pub struct SinkError {
    text: String,
    maybe_delivered: bool,
}

impl SinkError {
    /// The secret was not stored, for this reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            text: reason.into(),
            maybe_delivered: false,
        }
    }

    /// The secret may have been stored all the same: the new token has to stay alive.
    #[must_use]
    pub fn maybe_delivered(mut self) -> Self {
        self.maybe_delivered = true;
        self
    }

    /// Whether the secret may have been stored.
    #[must_use]
    pub fn may_hold_secret(&self) -> bool {
        self.maybe_delivered
    }

    pub(crate) fn redacted(mut self, secret: &Secret) -> Self {
        self.text = redact(&self.text, secret);
        self
    }
}

impl fmt::Display for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SinkError")
            .field("text", &self.text)
            .field("maybe_delivered", &self.maybe_delivered)
            .finish()
    }
}

impl std::error::Error for SinkError {}

impl From<&str> for SinkError {
    fn from(reason: &str) -> Self {
        Self::new(reason)
    }
}

impl From<String> for SinkError {
    fn from(reason: String) -> Self {
        Self::new(reason)
    }
}

impl From<io::Error> for SinkError {
    fn from(error: io::Error) -> Self {
        Self::new(error.to_string())
    }
}

/// The longest text of somebody else's that is kept.
const LONGEST: usize = 512;

/// Text of somebody else's without the secret: one line, bounded.
pub(crate) fn redact(text: &str, secret: &Secret) -> String {
    redact_untrusted(text, secret, LONGEST)
}

/// A sink that calls an async closure with the secret and the record of the new token.
///
/// What it did cannot be taken back, so a rotation that fails after it leaves both tokens alive and
/// can be resumed. An error means that the secret was not stored; see
/// [`SinkError::maybe_delivered`] for when that is not certain.
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

impl<F, W, E> Sink for FromFn<F>
where
    F: Fn(Secret, TokenRecord) -> W + Send + Sync,
    W: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<SinkError>,
{
    fn name(&self) -> String {
        self.name.clone()
    }

    fn deliver<'a>(
        &'a self,
        secret: &'a Secret,
        token: &'a TokenRecord,
    ) -> BoxFuture<'a, Result<(), SinkError>> {
        Box::pin(async move {
            let delivery = (self.deliver)(secret.clone(), token.clone());
            delivery.await.map_err(Into::into)
        })
    }

    fn undo(&self) -> BoxFuture<'_, Result<Undone, SinkError>> {
        Box::pin(async { Ok(Undone::Impossible) })
    }
}
