//! The client: one method an operation.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::identity::Identity;
use super::list::List;
use super::region::Region;
use super::requests::{OldSecret, TokenBodyBuilder, with_secret};
use super::wire::{
    DELETE_TOKEN, GET_CALLER_IDENTITY, GET_TOKEN, PATCH_TOKEN, POST_TOKEN, RESET_TOKEN,
};
use super::{Caller, NewToken, Patch, Token};
use crate::error::{Error, Result};
use crate::generated::launchdarkly::Client as Wire;
use crate::id::{Service, TokenId};
use crate::secret::Secret;
use crate::transport::{Core, Idempotency, RateLimits, Request, ServiceClient};

/// Settings that only this service has; see the methods of [`ClientBuilder`].
#[derive(Clone, Debug)]
pub struct Options {
    api_version: String,
    max_pages: usize,
}

/// The newest version of the API, and the first under which the vendor's clients know `expiry`.
const API_VERSION: u32 = 20_240_415;

impl Default for Options {
    fn default() -> Self {
        Self {
            api_version: API_VERSION.to_string(),
            max_pages: 100_000,
        }
    }
}

impl ClientBuilder {
    /// Sets the region of a LaunchDarkly account: shorthand for its base URL.
    pub fn region(self, region: Region) -> Self {
        self.base_url(region.base_url())
    }

    /// Sets the version of LaunchDarkly's API to ask for in `LD-API-Version`, which is always sent.
    ///
    /// The default is `20240415`. Versions before that one do not page their lists, and do not tell
    /// whether a token without an end has none.
    pub fn api_version(mut self, version: impl Into<String>) -> Self {
        self.options.api_version = version.into();
        self
    }

    /// Sets how many pages of a list of LaunchDarkly's a stream follows before it gives up with
    /// [`ErrorKind::LimitExceeded`](crate::ErrorKind::LimitExceeded): 100,000 by default.
    pub fn max_pages(mut self, pages: usize) -> Self {
        self.options.max_pages = pages;
        self
    }
}

/// Client for the access tokens of a LaunchDarkly account.
///
/// Cloning is cheap, and clones share connections and limits.
///
/// ```
/// use access_tokens::launchdarkly::{Client, Patch, Role, TokenBody};
/// use std::time::Duration;
/// # use access_tokens_testing::LaunchDarkly;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let twin = LaunchDarkly::start().await?;
/// # let (base_url, secret) = (twin.base_url(), twin.credential());
///
/// let ld = Client::builder().base_url(base_url).credential(secret).build()?;
/// let new = ld.create(TokenBody::builder().name("nightly").role(Role::Reader)).await?;
/// let id = &new.token().id;
///
/// // Every call is a request, with limits of its own where they are wanted.
/// let rename = Patch::new().test_name("nightly").replace_name("hourly");
/// let renamed = ld.patch(id, rename).timeout(Duration::from_secs(5)).await?;
/// assert_eq!(renamed.name.as_deref(), Some("hourly"));
/// ld.delete(id).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    pub(super) core: Arc<Core>,
    max_pages: usize,
    /// Whether an answer without `expiry` says that the token has no end.
    pub(super) knows_expiry: bool,
    pub(super) identity: Arc<Identity>,
}

impl ServiceClient for Client {
    type Options = Options;

    fn headers(options: &Options) -> Result<HeaderMap> {
        let version = &options.api_version;
        let rule = "must be visible ASCII, such as 20240415";
        let bad = || Error::config(Service::LAUNCH_DARKLY, "api_version", rule);
        if version.is_empty() || !version.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(bad());
        }
        let value = HeaderValue::from_str(version).map_err(|_| bad())?;
        let name = HeaderName::from_static("ld-api-version");
        Ok(HeaderMap::from_iter([(name, value)]))
    }

    fn from_core(core: Arc<Core>, options: Options) -> Result<Self> {
        let max_pages = options.max_pages;
        if max_pages == 0 {
            let rule = "must be greater than zero";
            return Err(Error::config(Service::LAUNCH_DARKLY, "max_pages", rule));
        }
        let version = options.api_version.as_str();
        // `beta` comes on top of the newest version.
        let newest = version == "beta" || version.parse().is_ok_and(|v: u32| v >= API_VERSION);
        Ok(Self {
            core,
            max_pages,
            knows_expiry: newest,
            identity: Arc::default(),
        })
    }
}

crate::wing::client! {
    /// Builds a client from the environment.
    ///
    /// | variable | meaning |
    /// |---|---|
    /// | `LD_ACCESS_TOKEN` or `LAUNCHDARKLY_ACCESS_TOKEN` | the access token |
    /// | `LAUNCHDARKLY_API_HOST` | the base URL, if not that of the US |
    ///
    /// # Errors
    /// If the token is missing, if a variable is empty, or if the two tokens differ.
    from_env,
    super::wire::PROFILE, super::TokenBody,
}

impl Client {
    /// The rate limits that the last answer told of.
    #[must_use]
    pub fn rate_limits(&self) -> Option<RateLimits> {
        self.core.rate_limits()
    }

    /// Lists tokens (`getTokens`): a page, all of them, or a stream.
    pub fn list(&self) -> List {
        List::new(&self.core, self.max_pages)
    }

    /// Reads a token (`getToken`).
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is none with this id.
    pub fn get(&self, id: &TokenId) -> Request<Token> {
        let id = id.clone();
        Request::new(&self.core, "get", async move |session| {
            session.check_id(&GET_TOKEN, &id)?;
            let send = async move |wire: Wire| wire.get_token(&id).await;
            session.call(&GET_TOKEN, send).await
        })
    }

    /// Creates a token (`postToken`) from a [`TokenBody::builder`](super::TokenBody::builder) or a
    /// [`TokenBody`](super::TokenBody).
    ///
    /// Sent at most once unless it certainly did not happen: the service knows no idempotency key,
    /// so a repeated request may leave a second token whose secret nobody holds. A
    /// [`marker`](super::TokenBodyBuilder::marker) finds it again:
    ///
    /// ```
    /// use access_tokens::launchdarkly::{Client, Role, TokenBody};
    /// use access_tokens::{Marker, TokenServiceExt as _};
    /// # use access_tokens_testing::{Fault, LaunchDarkly, launchdarkly::Operation};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let twin = LaunchDarkly::start().await?;
    /// # twin.on(Operation::PostToken).then(Fault::CutBody);
    /// # let ld = Client::builder().base_url(twin.base_url()).credential(twin.credential()).build()?;
    /// let marker = Marker::random();
    /// let body = TokenBody::builder().name("nightly export").role(Role::Reader).marker(&marker);
    /// match ld.create(body).await {
    ///     Ok(new) => println!("store {:?} now", new.secret()),
    ///     // The token may exist, and nobody holds its secret: away with it.
    ///     Err(error) if error.may_have_been_sent() => {
    ///         println!("{error}; its marker is {marker}"); // the sweep may fail too
    ///         let removed = ld.delete_marked(&marker).await?.into_result()?;
    ///         # assert_eq!(removed.len(), 1);
    ///         println!("removed {}", removed.len());
    ///     }
    ///     Err(error) => return Err(error.into()),
    /// }
    /// # assert_eq!(twin.tokens().len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for an empty name, two kinds of
    /// access or an expiry in the past;
    /// [`ErrorKind::OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the answer was lost: look for the marker or the name.
    pub fn create(&self, token: impl Into<TokenBodyBuilder>) -> Request<NewToken> {
        let token = token.into();
        Request::new(&self.core, "create", async move |session| {
            let body = token.build(&session, &POST_TOKEN)?;
            let send = async move |wire: Wire| wire.post_token(&body).await;
            let token = session.call_for_secret(&POST_TOKEN, send).await?;
            with_secret(&session, &POST_TOKEN, token)
        })
    }

    /// Changes a token (`patchToken`) by a JSON Patch and gives it back as it is then.
    ///
    /// A patch that contains a `test` is repeated after a lost answer, unless a repetition could do
    /// something else than the first time (as an insertion into a list does); a patch without a
    /// `test` is not.
    ///
    /// # Errors
    /// [`Error::is_patch_conflict`] tells a failed `test` or a member that is not there;
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for an empty patch or an expiry in the past.
    pub fn patch(&self, id: &TokenId, patch: impl Into<Patch>) -> Request<Token> {
        let (id, patch) = (id.clone(), patch.into());
        Request::new(&self.core, "patch", async move |session| {
            session.check_id(&PATCH_TOKEN, &id)?;
            let guarded = patch.is_guarded();
            let body = patch.body(&session, &PATCH_TOKEN)?;
            let session = if guarded {
                session.with_idempotency(Idempotency::Idempotent)
            } else {
                session
            };
            let send = async move |wire: Wire| wire.patch_token(&id, &body).await;
            session.call(&PATCH_TOKEN, send).await
        })
    }

    /// Deletes a token (`deleteToken`). Calls made with it fail from then on.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is none with this id; not if it vanished between two
    /// attempts of this call.
    pub fn delete(&self, id: &TokenId) -> Request<()> {
        let id = id.clone();
        Request::new(&self.core, "delete", async move |session| {
            session.check_id(&DELETE_TOKEN, &id)?;
            let send = async move |wire: Wire| wire.delete_token(&id).await;
            session.call(&DELETE_TOKEN, send).await
        })
    }

    /// Gives a token a new secret (`resetToken`), and says what becomes of the old one: a duration
    /// or a time until which it goes on, or [`OldSecret::EndsAtOnce`].
    ///
    /// Deprecated by the service since October 2026, in favour of a new token and an end for the
    /// old one: [`create`](Self::create), then [`patch`](Self::patch) with
    /// [`Patch::expire_at`].
    ///
    /// Sent at most once unless it certainly did not happen. Resetting the token that this client
    /// itself uses cuts it off.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a time in the past;
    /// [`ErrorKind::OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the answer was lost: the old secret may be dead and the new
    /// one is not known.
    pub fn reset(&self, id: &TokenId, old_secret: impl Into<OldSecret>) -> Request<NewToken> {
        let (id, old_secret) = (id.clone(), old_secret.into());
        Request::new(&self.core, "reset", async move |session| {
            session.check_id(&RESET_TOKEN, &id)?;
            let expiry = old_secret.millis(&session, &RESET_TOKEN)?;
            let send = async move |wire: Wire| wire.reset_token(&id, expiry.as_ref()).await;
            let token = session.call_for_secret(&RESET_TOKEN, send).await?;
            with_secret(&session, &RESET_TOKEN, token)
        })
    }

    /// Reads whom the service takes this client's credential for (`getCallerIdentity`). Any
    /// credential that works may ask.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthenticated`](crate::ErrorKind::Unauthenticated) if the credential is not
    /// accepted.
    pub fn whoami(&self) -> Request<Caller> {
        Request::new(&self.core, "whoami", async |session| {
            let send = async |wire: Wire| wire.get_caller_identity().await;
            session.call(&GET_CALLER_IDENTITY, send).await
        })
    }

    /// The same client with another credential.
    pub(super) fn with_credential(&self, secret: Secret) -> Result<Self> {
        Ok(Self {
            core: self.core.with_credential(secret)?,
            max_pages: self.max_pages,
            knows_expiry: self.knows_expiry,
            identity: Arc::default(),
        })
    }
}
