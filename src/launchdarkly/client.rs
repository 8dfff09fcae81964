//! The client: one method an operation.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::api::{Api, DELETE_TOKEN, GET_TOKEN, PATCH_TOKEN, POST_TOKEN, with_secret};
use super::list::List;
use super::requests::{Reset, TokenDraft};
use super::{ClientBuilder, NewToken, Patch, Token};
use crate::error::{Error, ErrorKind, Result};
use crate::generated::launchdarkly::Client as Wire;
use crate::id::{Service, TokenId};
use crate::secret::Secret;
use crate::transport::{
    Core, Idempotency, LimitHeaders, Profile, RateLimits, Request, Scope, ServiceClient,
};

const API_VERSION: HeaderName = HeaderName::from_static("ld-api-version");

static PROFILE: Profile = Profile {
    default_base: Some(Region::Us.base_url()),
    scheme: "",
    paths: &["/api/v2", "/api/v2/tokens"],
    credential_vars: &["LD_ACCESS_TOKEN", "LAUNCHDARKLY_ACCESS_TOKEN"],
    url_vars: &["LAUNCHDARKLY_API_HOST"],
    json_content_type: true,
    other_keys: &[("sdk-", "an SDK key"), ("mob-", "a mobile key")],
    limits: &[
        LimitHeaders {
            scope: Scope::Global,
            limit: "x-ratelimit-global-limit",
            remaining: "x-ratelimit-global-remaining",
            reset: "x-ratelimit-reset",
        },
        LimitHeaders {
            scope: Scope::Route,
            limit: "x-ratelimit-route-limit",
            remaining: "x-ratelimit-route-remaining",
            reset: "x-ratelimit-reset",
        },
        LimitHeaders {
            scope: Scope::AuthToken,
            limit: "x-ratelimit-auth-token-limit",
            remaining: "x-ratelimit-auth-token-remaining",
            reset: "x-ratelimit-auth-token-reset",
        },
    ],
    hints: &[
        (
            ErrorKind::Unauthenticated,
            "Check that the token is whole (api-…), not deleted or expired, and of this region's \
             account; SDK and mobile keys do not work here.",
        ),
        (
            ErrorKind::PermissionDenied,
            "Managing tokens takes the Admin role or a custom role that allows it.",
        ),
    ],
    ..Profile::of(Service::LAUNCH_DARKLY)
};

/// Where an account lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Region {
    /// The United States; the default.
    Us,
    /// The European Union.
    Eu,
    /// The federal instance.
    Federal,
}

impl Region {
    /// The address of the region's API.
    #[must_use]
    pub const fn base_url(self) -> &'static str {
        match self {
            Self::Us => "https://app.launchdarkly.com",
            Self::Eu => "https://app.eu.launchdarkly.com",
            Self::Federal => "https://app.launchdarkly.us",
        }
    }
}

/// What only this service can be told; see the methods of [`ClientBuilder`].
#[derive(Clone, Debug)]
pub struct Options {
    api_version: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            api_version: "20240415".to_owned(),
        }
    }
}

impl ClientBuilder {
    /// The region of the account. Shorthand for its base URL.
    pub fn region(self, region: Region) -> Self {
        self.base_url(region.base_url())
    }

    /// The version of the API to ask for in `LD-API-Version`, which is always sent.
    ///
    /// The default is `20240415`. Versions before that one do not page their lists.
    pub fn api_version(mut self, version: impl Into<String>) -> Self {
        self.options.api_version = version.into();
        self
    }
}

/// A client for the access tokens of a LaunchDarkly account.
///
/// Cloning is cheap, and clones share connections and limits.
#[derive(Clone, Debug)]
pub struct Client {
    pub(super) core: Arc<Core>,
    pub(super) version: Arc<str>,
}

impl ServiceClient for Client {
    type Options = Options;
    const PROFILE: &'static Profile = &PROFILE;

    fn headers(options: &Options) -> Result<HeaderMap> {
        let version = &options.api_version;
        match HeaderValue::from_str(version) {
            Ok(value) if !version.is_empty() && version.bytes().all(|b| b.is_ascii_graphic()) => {
                Ok(HeaderMap::from_iter([(API_VERSION, value)]))
            }
            _ => {
                let rule = "must be visible ASCII, such as 20240415";
                Err(Error::config(Service::LAUNCH_DARKLY, "api_version", rule))
            }
        }
    }

    fn from_core(core: Arc<Core>, options: Options) -> Result<Self> {
        let version = options.api_version.into();
        Ok(Self { core, version })
    }
}

impl Client {
    /// Builds a client.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }

    /// A client from the environment.
    ///
    /// | variable | meaning |
    /// |---|---|
    /// | `LD_ACCESS_TOKEN` or `LAUNCHDARKLY_ACCESS_TOKEN` | the access token |
    /// | `LAUNCHDARKLY_API_HOST` | the base URL, if not that of the US |
    ///
    /// # Errors
    /// If the token is missing, if a variable is empty, or if the two tokens differ.
    pub fn from_env() -> Result<Self> {
        Self::builder().from_env()?.build()
    }

    /// The address that this client talks to.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.core.base.as_str()
    }

    /// The rate limits that the last answer told of.
    #[must_use]
    pub fn rate_limits(&self) -> Option<RateLimits> {
        self.core.rate_limits()
    }

    /// Goes on with another secret, on all clones of this client.
    ///
    /// # Errors
    /// If the secret cannot be sent in a header, or if the credential comes from a provider.
    pub fn replace_credential(&self, secret: impl Into<Secret>) -> Result<()> {
        self.core.replace_credential(secret.into())
    }

    /// Lists tokens (`getTokens`): a page, all of them, or a stream.
    pub fn list(&self) -> List {
        List::new(self.api())
    }

    /// Reads a token (`getToken`).
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is none with this id.
    pub fn get(&self, id: &TokenId) -> Request<Token> {
        let (id, version) = (id.clone(), self.version());
        Request::new(&self.core, async move |session| {
            session.check_id(&GET_TOKEN, &id)?;
            let send = async move |wire: Wire| wire.get_token(&id, Some(&version)).await;
            session.call(&GET_TOKEN, Wire::new_with_client, send).await
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
    ///         let removed = ld.delete_marked(&marker).await?;
    ///         # assert_eq!(removed.len(), 1);
    ///         println!("{error}; removed {}", removed.len());
    ///     }
    ///     Err(error) => return Err(error.into()),
    /// }
    /// # assert_eq!(twin.tokens().len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for an empty name or an expiry in the past;
    /// [`ErrorKind::OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the answer was lost: look for the marker or the name.
    pub fn create(&self, token: impl Into<TokenDraft>) -> Request<NewToken> {
        let (draft, version) = (token.into(), self.version());
        Request::new(&self.core, async move |session| {
            let body = draft.body(&session, &POST_TOKEN)?;
            let send = async move |wire: Wire| wire.post_token(Some(&version), &body).await;
            let token = session
                .call(&POST_TOKEN, Wire::new_with_client, send)
                .await?;
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
        let (id, patch, version) = (id.clone(), patch.into(), self.version());
        Request::new(&self.core, async move |session| {
            session.check_id(&PATCH_TOKEN, &id)?;
            let guarded = patch.is_guarded();
            let body = patch.body(&session, &PATCH_TOKEN)?;
            let session = if guarded {
                session.with_idempotency(Idempotency::Idempotent)
            } else {
                session
            };
            let send = async move |wire: Wire| wire.patch_token(&id, Some(&version), &body).await;
            session
                .call(&PATCH_TOKEN, Wire::new_with_client, send)
                .await
        })
    }

    /// Deletes a token (`deleteToken`). Calls made with it fail from then on.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is none with this id; not if it vanished between two
    /// attempts of this call.
    pub fn delete(&self, id: &TokenId) -> Request<()> {
        let (id, version) = (id.clone(), self.version());
        Request::new(&self.core, async move |session| {
            session.check_id(&DELETE_TOKEN, &id)?;
            let send = async move |wire: Wire| wire.delete_token(&id, Some(&version)).await;
            session
                .call(&DELETE_TOKEN, Wire::new_with_client, send)
                .await
        })
    }

    /// Gives a token a new secret (`resetToken`). Without a time in which the old one goes on, that
    /// dies at once.
    ///
    /// Deprecated by the service since October 2026, in favour of a new token and an end for the
    /// old one: [`create`](Self::create), then [`patch`](Self::patch) with
    /// [`Patch::expire_at`].
    ///
    /// Sent at most once unless it certainly did not happen. Resetting the token that this client
    /// itself uses cuts it off.
    ///
    /// # Errors
    /// [`ErrorKind::OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the answer was lost: the old secret may be dead and the new
    /// one is not known.
    pub fn reset(&self, id: &TokenId) -> Reset {
        Reset::new(self.api(), id.clone())
    }

    pub(super) fn version(&self) -> Arc<str> {
        Arc::clone(&self.version)
    }

    fn api(&self) -> Api {
        Api {
            core: Arc::clone(&self.core),
            version: self.version(),
        }
    }
}
