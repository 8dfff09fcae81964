//! One vocabulary over all services: what every one of them can do, and what is known of a token.

use std::fmt;
use std::time::{Duration, SystemTime};

use futures_core::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Result;
use crate::id::Service;
use crate::marker::Marker;
use crate::new_token::NewToken;
use crate::secret::Secret;
use crate::text::escape_untrusted;
use crate::time::Expiry;

mod record;
mod stream;

pub use self::record::{Privilege, TokenRecord, TokenState};
pub use self::stream::RecordStream;

/// A service whose tokens can be managed, seen through what all services have in common.
///
/// The three clients of this crate implement it; implement it yourself for a fourth service. Every
/// method is needed, so that a wrapper cannot forget one; what can be made of them is in
/// [`TokenServiceExt`].
///
/// A method that a service cannot offer gives [`ErrorKind::Unsupported`](crate::ErrorKind), and
/// [`capabilities`](Self::capabilities) says so beforehand.
pub trait TokenService: fmt::Debug + Send + Sync {
    /// Which service this is.
    fn service(&self) -> Service;

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// The calls that an action makes, by their `operationId`, for people who want to know before.
    fn calls(&self, action: Action) -> &'static [&'static str];

    /// All tokens that the credential can see.
    fn list(&self) -> RecordStream;

    /// Reads one token; [`ErrorKind::NotFound`](crate::ErrorKind) if there is none.
    fn get(&self, key: &TokenKey) -> BoxFuture<'_, Result<TokenRecord>>;

    /// What it takes to make another token like this one.
    fn template(&self, key: &TokenKey) -> BoxFuture<'_, Result<TokenTemplate>>;

    /// Creates a token after a template of the same service. Sent at most once unless it certainly
    /// did not happen.
    fn create(
        &self,
        template: &TokenTemplate,
        successor: Overrides,
    ) -> BoxFuture<'_, Result<NewToken<TokenRecord>>>;

    /// The secret of a token once more, where the service shows it; `None` where it does not.
    fn secret(&self, key: &TokenKey) -> BoxFuture<'_, Result<Option<Secret>>>;

    /// Gives a token a new secret; the old one goes on for the given time, or ends at once.
    fn reset(
        &self,
        key: &TokenKey,
        old_secret_for: Option<Duration>,
    ) -> BoxFuture<'_, Result<NewToken<TokenRecord>>>;

    /// Gives a token another end, or takes its end away with [`Expiry::Never`]; the record is what
    /// the service answered.
    fn set_expiry(&self, key: &TokenKey, expiry: Expiry) -> BoxFuture<'_, Result<TokenRecord>>;

    /// Removes a token for good; [`ErrorKind::NotFound`](crate::ErrorKind) if there is none.
    fn delete(&self, key: &TokenKey) -> BoxFuture<'_, Result<()>>;

    /// Whether the service accepts this secret of this token, by the cheapest honest check.
    fn verify<'a>(
        &'a self,
        key: &TokenKey,
        secret: &'a Secret,
    ) -> BoxFuture<'a, Result<Verification>>;

    /// Whom the service takes this client's credential for.
    fn whoami(&self) -> BoxFuture<'_, Result<CallerIdentity>>;

    /// Whether a token is the one that this client itself uses.
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

/// What can be made of [`TokenService`].
pub trait TokenServiceExt: TokenService {
    /// All records at once.
    fn list_all(&self) -> BoxFuture<'static, Result<Vec<TokenRecord>>> {
        let mut records = self.list();
        Box::pin(async move {
            let mut all = Vec::new();
            while let Some(record) = records.try_next().await? {
                all.push(record);
            }
            Ok(all)
        })
    }

    /// The tokens that carry this marker.
    fn find_marked(&self, marker: &Marker) -> BoxFuture<'static, Result<Vec<TokenRecord>>> {
        let (all, marker) = (self.list_all(), marker.clone());
        Box::pin(async move {
            let mut found = all.await?;
            found.retain(|record| record.marker.as_ref() == Some(&marker));
            Ok(found)
        })
    }

    /// Removes the tokens that carry this marker, and says which they were: for a create whose
    /// answer was lost, so that nobody holds the secret. **It asks nothing**: a token whose secret
    /// did arrive goes as well, so take a new marker for each create.
    ///
    /// That there is none does not prove that there will be none: a request that timed out may
    /// still be carried out. Look again later. Where a service goes on listing what is revoked, a
    /// repetition may name that again.
    ///
    /// # Errors
    /// Those of the list, or of the first removal that fails. What was removed before is gone; call
    /// again for the rest.
    fn delete_marked<'a>(&'a self, marker: &Marker) -> BoxFuture<'a, Result<Vec<TokenRecord>>> {
        let found = self.find_marked(marker);
        Box::pin(async move {
            let mut removed = Vec::new();
            for record in found.await? {
                match self.delete(&record.key).await {
                    Ok(()) => removed.push(record),
                    // Somebody else did.
                    Err(error) if error.is_not_found() => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(removed)
        })
    }
}

impl<T: TokenService + ?Sized> TokenServiceExt for T {}

/// What a service can do beyond listing, creating and deleting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, each asked for by its name"
)]
pub struct Capabilities {
    /// A token can be made to end at a given time.
    pub set_expiry: bool,
    /// A new token can be given the time at which it ends.
    pub expiry_on_create: bool,
    /// A token can get a new secret while the old one goes on for a while.
    pub reset_with_grace: bool,
    /// It tells when a token was last used.
    pub reports_last_use: bool,
    /// Two tokens cannot have the same name, so a successor needs another.
    pub unique_names: bool,
    /// It shows secrets again.
    pub shows_secrets: bool,
    /// A successor can carry a [`Marker`] without changing its name.
    pub marks_successors: bool,
}

impl Capabilities {
    /// None of them, to begin with.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            set_expiry: false,
            expiry_on_create: false,
            reset_with_grace: false,
            reports_last_use: false,
            unique_names: false,
            shows_secrets: false,
            marks_successors: false,
        }
    }
}

/// Something that is done with a service, for [`TokenService::calls`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// [`TokenService::list`]
    List,
    /// [`TokenService::get`]
    Get,
    /// [`TokenService::template`]
    TokenTemplate,
    /// [`TokenService::create`]
    Create,
    /// [`TokenService::secret`]
    Secret,
    /// [`TokenService::reset`]
    Reset,
    /// [`TokenService::set_expiry`]
    SetExpiry,
    /// [`TokenService::delete`]
    Delete,
    /// [`TokenService::verify`]
    Verify,
    /// [`TokenService::whoami`]
    WhoAmI,
}

/// By what a service knows a token: its id, or on Query Server its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenKey(Box<str>);

impl TokenKey {
    /// Takes an id or a name; it is checked when it is used.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into().into_boxed_str())
    }

    /// The id or name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&escape_untrusted(&self.0, usize::MAX))
    }
}

/// What it takes to make a token like another: its properties in the service's own form, without
/// its secret. It can be kept and used after the token is gone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenTemplate(Value);

impl TokenTemplate {
    /// Takes properties in a form that the service's own [`TokenService::create`] reads.
    #[must_use]
    pub fn new(properties: Value) -> Self {
        Self(properties)
    }

    /// The properties.
    #[must_use]
    pub fn properties(&self) -> &Value {
        &self.0
    }

    /// The properties as a service's own type.
    #[cfg(any(
        feature = "launchdarkly",
        feature = "query-server",
        feature = "avisi-cloud"
    ))]
    pub(crate) fn read<T: serde::de::DeserializeOwned>(&self, service: Service) -> Result<T> {
        T::deserialize(&self.0)
            .map_err(|_| crate::Error::input(service, "template", "is not one of this service"))
    }

    /// The properties of a service's own type.
    #[cfg(any(
        feature = "launchdarkly",
        feature = "query-server",
        feature = "avisi-cloud"
    ))]
    pub(crate) fn write<T: Serialize>(service: Service, properties: &T) -> Result<Self> {
        serde_json::to_value(properties)
            .map(Self)
            .map_err(|_| crate::Error::input(service, "template", "cannot be written down"))
    }
}

/// What a successor shall have different from the token that it follows.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Overrides {
    /// Its name; that of the template by default.
    pub name: Option<String>,
    /// A mark to find it by, where the service has a place for it.
    pub marker: Option<Marker>,
    /// When it ends; as the template says by default.
    pub expires: Option<Expiry>,
}

impl Overrides {
    /// Nothing different.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Another name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// A mark to find it by.
    #[must_use]
    pub fn marker(mut self, marker: Marker) -> Self {
        self.marker = Some(marker);
        self
    }

    /// Another end.
    #[must_use]
    pub fn expires(mut self, expiry: impl Into<Expiry>) -> Self {
        self.expires = Some(expiry.into());
        self
    }
}

/// Whether a secret works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verification {
    /// The service accepts it.
    Accepted,
    /// The service refuses it.
    Refused,
}

/// The caller that a service takes a credential for; what it does not tell is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallerIdentity {
    /// The token that the credential is the secret of, if it is one of the account's tokens.
    pub key: Option<TokenKey>,
    /// The token's name for people.
    pub name: Option<String>,
    /// The account.
    pub account: Option<String>,
    /// The member or user.
    pub owner: Option<String>,
    /// The kind of credential, in the service's own words.
    pub kind: Option<String>,
    /// The scopes that it was granted.
    pub scopes: Vec<String>,
}

impl CallerIdentity {
    /// A caller of whom nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

/// Whether a token is the one that the client itself uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OwnCredential {
    /// It is, or may well be: on LaunchDarkly the last four characters agree.
    Yes,
    /// It is not.
    No,
    /// The service shows nothing to tell by.
    Unknown,
}
