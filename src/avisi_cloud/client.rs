//! The client: one method an operation.

use std::sync::Arc;

use super::wire::{LIST, PROVISION, REVOKE};
use super::{NewToken, PersonalAccessToken, ProvisionBodyBuilder, RevokeAnswer};
use crate::error::Result;
use crate::generated::avisi_cloud::Client as Wire;
use crate::id::TokenId;
use crate::listing::Listing;
use crate::secret::Secret;
use crate::transport::{Core, Items, Request, ServiceClient};

/// Client for the personal access tokens of an Avisi Cloud user.
///
/// Cloning is cheap, and clones share connections and limits.
///
/// ```
/// use access_tokens::avisi_cloud::{Client, ProvisionBody};
/// use std::time::Duration;
/// # use access_tokens_testing::AvisiCloud;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let twin = AvisiCloud::start().await?;
/// # let (base_url, secret) = (twin.base_url(), twin.credential());
///
/// let avisi = Client::builder().base_url(base_url).credential(secret).build()?;
/// let new = avisi.provision(ProvisionBody::builder("ci runner")).await?;
/// println!("store {:?} now", new.secret()); // prints [redacted]
///
/// // Every call is a request, with limits of its own where they are wanted.
/// let id = new.token().id.as_ref().ok_or("no id")?;
/// avisi.revoke(id).timeout(Duration::from_secs(30)).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    pub(super) core: Arc<Core>,
}

impl ServiceClient for Client {
    type Options = ();

    fn from_core(core: Arc<Core>, (): ()) -> Result<Self> {
        Ok(Self { core })
    }
}

crate::wing::client! {
    /// Builds a client from the environment.
    ///
    /// | variable | meaning |
    /// |---|---|
    /// | `ACLOUD_PERSONAL_ACCESS_TOKEN` or `ACLOUD_PAT` | a personal access token of the user |
    /// | `ACLOUD_API_ENDPOINT` | the base URL, if not `https://api.avisi.cloud` |
    ///
    /// # Errors
    /// If the token is missing, if a variable is empty, or if the two tokens differ.
    from_env,
    super::wire::PROFILE, super::ProvisionBody,
}

impl Client {
    /// The same client with another credential.
    pub(super) fn with_credential(&self, secret: Secret) -> Result<Self> {
        Ok(Self {
            core: self.core.with_credential(secret)?,
        })
    }

    /// Lists the user's own tokens (`listPersonalAccessTokens`). The service does not page; whether
    /// revoked tokens are listed is not documented.
    pub fn list(&self) -> Request<Listing<PersonalAccessToken>> {
        Request::new(&self.core, "list", async |session| {
            let send = async |wire: Wire| wire.list_personal_access_tokens().await;
            let result = session.call_for_list(&LIST, Items::new("id"), send).await;
            let (all, tokens) = result.map_err(|(error, _)| error)?;
            Ok(tokens.unwrap_or_else(|| all.unwrap_or_default().into()))
        })
    }

    /// Creates a token (`provisionPersonalAccessToken`) from a
    /// [`ProvisionBody::builder`](super::ProvisionBody::builder) or a
    /// [`ProvisionBody`](super::ProvisionBody).
    ///
    /// Sent at most once unless it certainly did not happen: a repeated request may leave a second
    /// token whose secret nobody holds. With a
    /// [`marker`](super::ProvisionBodyBuilder::marker),
    /// [`delete_marked`](crate::TokenServiceExt::delete_marked) finds and revokes it.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for an empty name or an IP restriction that is no CIDR block;
    /// [`ErrorKind::OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the answer was lost: look for the marker or the name.
    pub fn provision(&self, token: impl Into<ProvisionBodyBuilder>) -> Request<NewToken> {
        let token = token.into();
        Request::new(&self.core, "provision", async move |session| {
            let body = token.build(&session, &PROVISION)?;
            let send = async move |wire: Wire| wire.provision_personal_access_token(&body).await;
            let mut token: PersonalAccessToken = session.call_for_secret(&PROVISION, send).await?;
            if let Some(secret) = token.token.take().filter(|secret| !secret.is_empty()) {
                return Ok(NewToken::new(token, secret));
            }
            Err(session.no_secret(&PROVISION, token.id.as_ref()))
        })
    }

    /// Revokes a token (`revokePersonalAccessToken`) and gives back what the service says.
    ///
    /// Whether a second revoke of the same token succeeds is not documented.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is none with this id; not if it vanished between two
    /// attempts of this call.
    pub fn revoke(&self, id: &TokenId) -> Request<RevokeAnswer> {
        let id = id.clone();
        Request::new(&self.core, "revoke", async move |session| {
            session.check_id(&REVOKE, &id)?;
            let send = async move |wire: Wire| wire.revoke_personal_access_token(&id).await;
            session.call(&REVOKE, send).await
        })
    }
}
