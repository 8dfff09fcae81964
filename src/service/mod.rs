//! One vocabulary over all services: what every one of them can do, and what is known of a token.

use std::fmt;
use std::time::{Duration, SystemTime};

use crate::error::Result;
use crate::id::Service;
use crate::new_token::NewToken;
use crate::secret::Secret;
use crate::time::Expiry;
use futures_core::future::BoxFuture;

mod capabilities;
mod deletions;
mod ext;
mod identity;
mod key;
mod record;
mod shared;
mod stream;
mod template;

pub use self::capabilities::{Action, Capabilities};
pub use self::deletions::{Deletions, FailedDeletion};
pub use self::ext::TokenServiceExt;
pub use self::identity::{CallerIdentity, OwnCredential, Verification};
pub use self::key::TokenKey;
pub use self::record::{Privilege, TokenKind, TokenRecord, TokenState};
pub use self::stream::RecordStream;
#[cfg(feature = "launchdarkly")]
pub(crate) use self::stream::gather;
pub use self::template::{Overrides, TokenTemplate};

/// Short for what the methods of a service give.
pub(crate) type Answer<'a, T> = BoxFuture<'a, Result<T>>;
pub(crate) type NewRecord = NewToken<TokenRecord>;

/// A service whose tokens can be managed, seen through what all services have in common.
///
/// The three clients of this crate implement it, and so does an `Arc`, a `Box` or a reference of
/// whatever does; implement it yourself for a fourth service, as `examples/fourth_service` of the
/// repository does over a [`rest::Client`](crate::rest::Client). Every method is needed, so that a wrapper cannot forget one; what can be
/// made of them is in [`TokenServiceExt`].
///
/// The clients have methods of their own with some of these names, which take and give the
/// service's own types. Where a client is at hand and this trait is meant, go through
/// `client.as_service()`.
///
/// A method that a service cannot offer gives [`ErrorKind::Unsupported`](crate::ErrorKind), and
/// [`capabilities`](Self::capabilities) says so beforehand.
///
/// ```
/// use access_tokens::{Overrides, TokenKey, TokenService, Verification, days};
///
/// /// Makes a token like another one and says whether its secret works.
/// async fn copy(service: &dyn TokenService, key: &TokenKey) -> access_tokens::Result<bool> {
///     let template = service.template(key).await?;
///     let overrides = Overrides::new().name("a copy").expires(days(30));
///     let new = service.create(&template, overrides).await?;
///     // Store `new.secret()` before anything else.
///     let verified = service.verify(&new.token().key, new.secret()).await?;
///     Ok(verified == Verification::Accepted)
/// }
/// # #[cfg(feature = "query-server")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use access_tokens_testing::{QueryServer, query_server::Seed};
/// # let twin = QueryServer::start().await?;
/// # twin.seed(Seed::new("edge"));
/// # let query = access_tokens::query_server::Client::builder()
/// #     .base_url(twin.base_url()).credential(twin.credential()).build()?;
/// # assert!(copy(&query, &TokenKey::from("edge")).await?);
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "query-server"))]
/// # fn main() {}
/// ```
pub trait TokenService: fmt::Debug + Send + Sync {
    /// Which service this is.
    fn service(&self) -> Service;

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// The calls that an action makes, by their `operationId`, for people who want to know before.
    fn calls(&self, action: Action) -> &'static [&'static str];

    /// All tokens that the credential can see, one after another (on LaunchDarkly also those of other
    /// members); see [`RecordStream`] for errors.
    ///
    /// Do not delete while it is read: [`TokenServiceExt::delete_where`] does that safely.
    fn list(&self) -> RecordStream;

    /// Reads one token.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is none with this key.
    fn get(&self, key: &TokenKey) -> BoxFuture<'_, Result<TokenRecord>>;

    /// Reads what it takes to make another token like this one.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    fn template(&self, key: &TokenKey) -> BoxFuture<'_, Result<TokenTemplate>>;

    /// Creates a token after a template of the same service; [`TokenTemplate`] shows how one is made
    /// from nothing, and the `create` of each client takes a builder instead. Sent at most once unless it certainly
    /// did not happen.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a template of another
    /// service; [`ErrorKind::OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the answer was
    /// lost: look for the marker or the name.
    fn create(
        &self,
        template: &TokenTemplate,
        overrides: Overrides,
    ) -> BoxFuture<'_, Result<NewToken<TokenRecord>>>;

    /// Reads the secret of a token once more, where the service shows it; `None` where it does not.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    fn secret(&self, key: &TokenKey) -> BoxFuture<'_, Result<Option<Secret>>>;

    /// Gives a token a new secret; the old one goes on for the given time, or ends at once.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) where the service cannot;
    /// [`ErrorKind::OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the answer was lost: the
    /// old secret may be dead and the new one is not known.
    fn reset(
        &self,
        key: &TokenKey,
        old_secret_for: Option<Duration>,
    ) -> BoxFuture<'_, Result<NewToken<TokenRecord>>>;

    /// Gives a token another end, or takes its end away with [`Expiry::Never`]; the record is what
    /// the service answered.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) where the service cannot, or did
    /// not do it although it said yes.
    fn set_expiry(&self, key: &TokenKey, expiry: Expiry) -> BoxFuture<'_, Result<TokenRecord>>;

    /// Deletes a token for good.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is none with this key.
    fn delete(&self, key: &TokenKey) -> BoxFuture<'_, Result<()>>;

    /// Checks whether the service accepts this secret as that of this token, by the cheapest honest
    /// call: one that is made with the secret, where the service has such a call. Query Server has
    /// none; its module says what is done instead.
    ///
    /// # Errors
    /// Whatever leaves the question open; and
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if the secret works but is that of
    /// another token.
    fn verify<'a>(
        &'a self,
        key: &TokenKey,
        secret: &'a Secret,
    ) -> BoxFuture<'a, Result<Verification>>;

    /// Tells whom the service takes this client's credential for.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) where the service does not tell.
    fn whoami(&self) -> BoxFuture<'_, Result<CallerIdentity>>;

    /// Tells whether a token is the one that this client itself uses.
    ///
    /// [`OwnCredential::No`] is said only where it is certain.
    ///
    /// # Errors
    /// Those of the call that it takes to find out. A service that cannot tell is no error.
    fn is_own_credential<'a>(
        &'a self,
        record: &'a TokenRecord,
    ) -> BoxFuture<'a, Result<OwnCredential>>;

    /// Goes on with another secret.
    ///
    /// # Errors
    /// If it cannot be sent in a header, or if the credential comes from elsewhere.
    fn use_credential(&self, secret: Secret) -> Result<()>;

    /// The time by which this service's records are judged.
    fn now(&self) -> SystemTime;
}
