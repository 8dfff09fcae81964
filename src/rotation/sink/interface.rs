//! The trait of sinks.

use std::fmt;

use futures_core::future::BoxFuture;

use super::contract::{Delivery, Holds, Observed, SinkKind, SinkVersion, Written};
use super::error::SinkError;
use crate::marker::Marker;

/// Place that takes a new secret and keeps it for those who use it.
///
/// Several processes may work at one token, and any of them may be late. A sink that can keeps a
/// version, which is another one after every write, and the label of the attempt whose secret it
/// holds, *in the same write as the secret*; it then refuses every write that does not name the
/// version that it is at. What a sink can promise is its [`SinkKind`]:
///
/// | kind | `observe` | `deliver` | `rewrite` | `restore` |
/// |---|---|---|---|---|
/// | [`Restorable`](SinkKind::Restorable) | version and attempt | only at `seen` | yes | yes |
/// | [`Fenced`](SinkKind::Fenced) | version and attempt | only at `seen` | yes | unsupported |
/// | [`Observable`](SinkKind::Observable) | attempt | always | unsupported | unsupported |
/// | [`Blind`](SinkKind::Blind) | unknown | always | unsupported | unsupported |
///
/// The rules for all of them:
///
/// * An error says what is known: [`NotStored`](super::SinkErrorKind::NotStored) and
///   [`Conflict`](super::SinkErrorKind::Conflict) mean that nothing was changed *and nothing of this
///   call will be*; whatever is not certain is [`Unknown`](super::SinkErrorKind::Unknown).
/// * A call whose future is dropped may still take effect; a fenced sink refuses it from the next
///   write on.
/// * Delivering the secret of the attempt that the sink already holds succeeds, moves the version,
///   and forgets nothing that can be restored.
/// * A panic counts as an error after which the secret may be in use.
/// * Neither an id, nor a version, a warning or an error holds a secret.
///
/// The function `sinks::check` of the crate `access-tokens-testing` holds any sink to these rules.
///
/// ```
/// use std::sync::Mutex;
/// use access_tokens::{BoxFuture, Secret};
/// use access_tokens::rotation::sink::{Delivery, Sink, SinkError, SinkKind, Written};
///
/// /// The least that a sink can be.
/// #[derive(Debug, Default)]
/// struct Pocket(Mutex<Option<Secret>>);
///
/// impl Sink for Pocket {
///     fn id(&self) -> String {
///         "pocket".to_owned()
///     }
///
///     fn kind(&self) -> SinkKind {
///         SinkKind::Blind
///     }
///
///     fn check(&self) -> BoxFuture<'_, Result<(), SinkError>> {
///         Box::pin(async { Ok(()) })
///     }
///
///     fn deliver<'a>(
///         &'a self,
///         delivery: &'a Delivery<'a>,
///     ) -> BoxFuture<'a, Result<Written, SinkError>> {
///         Box::pin(async {
///             let mut pocket = self.0.lock().map_err(|_| SinkError::not_stored("poisoned"))?;
///             *pocket = Some(delivery.secret().clone());
///             Ok(Written::unversioned())
///         })
///     }
/// }
/// ```
pub trait Sink: fmt::Debug + Send + Sync {
    /// Identity of the place, such as `file /etc/app/token` or `dotenv /srv/app/.env#TOKEN`.
    ///
    /// Two sinks with the same id write to the same place, and two that write to the same place
    /// have the same id, however each was written down. It is the same after a restart, and stands
    /// in plans, records and errors.
    fn id(&self) -> String;

    /// Promise of the sink.
    fn kind(&self) -> SinkKind;

    /// Exercises what [`deliver`](Self::deliver) will do and leaves nothing behind; called before a
    /// token is made.
    ///
    /// # Errors
    /// If a delivery cannot be expected to work.
    fn check(&self) -> BoxFuture<'_, Result<(), SinkError>>;

    /// Version of what the sink holds and whose it is, read together.
    ///
    /// # Errors
    /// If it cannot be read. That is never taken for "nothing is there".
    fn observe(&self) -> BoxFuture<'_, Result<Observed, SinkError>> {
        Box::pin(async { Ok(Observed::unversioned(Holds::Unknown)) })
    }

    /// Stores a secret, if the sink still is at the version that the delivery names.
    ///
    /// # Errors
    /// Why it was not stored, or that it may have been.
    fn deliver<'a>(
        &'a self,
        delivery: &'a Delivery<'a>,
    ) -> BoxFuture<'a, Result<Written, SinkError>>;

    /// Puts back what an earlier attempt left, if the sink still is at `seen`: a secret that was
    /// delivered, or what was there before the first delivery, an empty place included.
    ///
    /// # Errors
    /// [`Unsupported`](super::SinkErrorKind::Unsupported) from a sink that does not keep it; else as
    /// [`deliver`](Self::deliver).
    fn restore<'a>(
        &'a self,
        _attempt: &'a Marker,
        _seen: &'a SinkVersion,
    ) -> BoxFuture<'a, Result<Written, SinkError>> {
        Box::pin(async { Err(SinkError::unsupported("it does not keep what it held")) })
    }

    /// Moves what the sink holds to a new version, if it still is at `seen`, so that every older
    /// write is refused from now on.
    ///
    /// # Errors
    /// [`Unsupported`](super::SinkErrorKind::Unsupported) from a sink without versions; else as
    /// [`deliver`](Self::deliver).
    fn rewrite<'a>(&'a self, _seen: &'a SinkVersion) -> BoxFuture<'a, Result<Written, SinkError>> {
        Box::pin(async { Err(SinkError::unsupported("it has no versions")) })
    }
}
