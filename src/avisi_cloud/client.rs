//! The client: one method an operation.

use std::sync::Arc;
use std::time::SystemTime;

use progenitor_client::{ClientHooks, ClientInfo as _, OperationInfo};

use super::{ClientBuilder, NewToken, PersonalAccessToken, ProvisionDraft, RevokeAnswer};
use crate::error::{ErrorKind, Result};
use crate::generated::avisi_cloud::Client as Wire;
use crate::id::{Service, TokenId};
use crate::secret::Secret;
use crate::text::escape_untrusted;
use crate::transport::{Call, Core, Idempotency, Operation, Profile, Request, ServiceClient};

// Nothing at all is taken for an empty list, as null is.
const LIST: Operation =
    Operation::new("listPersonalAccessTokens", Idempotency::Safe, 200).or_empty("null");
const PROVISION: Operation = Operation::new(
    "provisionPersonalAccessToken",
    Idempotency::NonIdempotent,
    200,
);
const REVOKE: Operation = Operation::new("revokePersonalAccessToken", Idempotency::Idempotent, 200)
    .on_token()
    .or_empty("{}");

/// The operations of this service and what repeating them means.
pub const OPERATIONS: [Operation; 3] = [LIST, PROVISION, REVOKE];

static PROFILE: Profile = Profile {
    default_base: Some("https://api.avisi.cloud"),
    scheme: "Token ",
    paths: &["/sts/v1", "/sts/v1/personal-access-tokens"],
    credential_vars: &["ACLOUD_PERSONAL_ACCESS_TOKEN", "ACLOUD_PAT"],
    url_vars: &["ACLOUD_API_ENDPOINT"],
    hints: &[(
        ErrorKind::Unauthenticated,
        "Check that the personal access token is active and not expired.",
    )],
    ..Profile::of(Service::AVISI_CLOUD)
};

/// A client for the personal access tokens of an Avisi Cloud user.
///
/// Cloning is cheap, and clones share connections and limits.
#[derive(Clone, Debug)]
pub struct Client {
    core: Arc<Core>,
}

impl ServiceClient for Client {
    type Options = ();
    const PROFILE: &'static Profile = &PROFILE;

    fn from_core(core: Arc<Core>, (): ()) -> Result<Self> {
        Ok(Self { core })
    }
}

/// Hands every request of the generated client to the transport.
impl ClientHooks<Call> for Wire {
    async fn exec(
        &self,
        request: reqwest::Request,
        _: &OperationInfo,
    ) -> reqwest::Result<reqwest::Response> {
        self.inner().execute(request).await
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
    /// | `ACLOUD_PERSONAL_ACCESS_TOKEN` or `ACLOUD_PAT` | a personal access token of the user |
    /// | `ACLOUD_API_ENDPOINT` | the base URL, if not `https://api.avisi.cloud` |
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

    /// Goes on with another secret, on all clones of this client.
    ///
    /// # Errors
    /// If the secret cannot be sent in a header, or if the credential comes from a provider.
    pub fn replace_credential(&self, secret: impl Into<Secret>) -> Result<()> {
        self.core.replace_credential(secret.into())
    }

    pub(super) fn clock_now(&self) -> SystemTime {
        self.core.service_now()
    }

    /// The same client with another credential.
    pub(super) fn with_credential(&self, secret: Secret) -> Result<Self> {
        Ok(Self {
            core: self.core.with_credential(secret)?,
        })
    }

    /// Lists the user's own tokens (`listPersonalAccessTokens`). The service does not page; whether
    /// revoked tokens are listed is not documented.
    pub fn list(&self) -> Request<Vec<PersonalAccessToken>> {
        Request::new(&self.core, async |session| {
            let send = async |wire: Wire| wire.list_personal_access_tokens().await;
            let tokens = session.call(&LIST, Wire::new_with_client, send).await?;
            Ok(tokens.unwrap_or_default())
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
    /// [`ErrorKind::InvalidInput`] for an empty name or an IP restriction that is no CIDR block;
    /// [`ErrorKind::OutcomeUnknown`] if the answer was lost: look for the marker or the name.
    pub fn provision(&self, token: impl Into<ProvisionDraft>) -> Request<NewToken> {
        let draft = token.into();
        Request::new(&self.core, async move |session| {
            let body = draft.body(&session, &PROVISION)?;
            let send = async move |wire: Wire| wire.provision_personal_access_token(&body).await;
            let mut token: PersonalAccessToken = session
                .call(&PROVISION, Wire::new_with_client, send)
                .await?;
            if let Some(secret) = token.token.take().filter(|secret| !secret.is_empty()) {
                return Ok(NewToken::new(token, secret));
            }
            let id = token.id.map_or_else(
                || "not told".to_owned(),
                |id| escape_untrusted(id.as_str(), 64),
            );
            Err(session
                .answered(&PROVISION, ErrorKind::Decode)
                .with_reason(format!(
                    "the answer holds no secret; the token's id is {id}"
                ))
                .with_effect(true))
        })
    }

    /// Revokes a token (`revokePersonalAccessToken`) and gives back what the service says.
    ///
    /// Whether a second revoke of the same token succeeds is not documented.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is none with this id; not if it vanished between two
    /// attempts of this call.
    pub fn revoke(&self, id: &TokenId) -> Request<RevokeAnswer> {
        let id = id.clone();
        Request::new(&self.core, async move |session| {
            session.check_id(&REVOKE, &id)?;
            let send = async move |wire: Wire| wire.revoke_personal_access_token(&id).await;
            session.call(&REVOKE, Wire::new_with_client, send).await
        })
    }
}
