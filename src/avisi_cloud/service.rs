//! Avisi Cloud as a [`TokenService`].

use std::time::{Duration, SystemTime};

use futures_core::future::BoxFuture;

use super::client::Client;
use super::{PersonalAccessToken, ProvisionBody, ProvisionDraft};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Service, TokenId};
use crate::marker::Marker;
use crate::new_token::NewToken;
use crate::secret::Secret;
use crate::service::{
    Action, CallerIdentity, Capabilities, Overrides, OwnCredential, RecordStream, TokenKey,
    TokenRecord, TokenService, TokenState, TokenTemplate, Verification,
};
use crate::time::{Expiry, ParseDateError, When};

impl TokenService for Client {
    fn service(&self) -> Service {
        Service::AVISI_CLOUD
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            reports_last_use: true,
            ..Capabilities::none()
        }
    }

    fn calls(&self, action: Action) -> &'static [&'static str] {
        match action {
            // To verify, it is called with the new secret.
            Action::List | Action::Get | Action::TokenTemplate | Action::Verify => {
                &["listPersonalAccessTokens"]
            }
            Action::Create => &["provisionPersonalAccessToken"],
            Action::Delete => &["revokePersonalAccessToken"],
            Action::Secret | Action::Reset | Action::SetExpiry | Action::WhoAmI => &[],
        }
    }

    fn list(&self) -> RecordStream {
        let (list, now) = (Client::list(self), self.now());
        RecordStream::from_future(async move {
            // A token without an id can be neither named nor revoked.
            Ok(list
                .await?
                .iter()
                .filter_map(|token| record(token, now))
                .collect())
        })
    }

    fn get(&self, key: &TokenKey) -> BoxFuture<'_, Result<TokenRecord>> {
        let key = key.clone();
        Box::pin(async move { record(&self.find(&key).await?, self.now()).ok_or_else(not_found) })
    }

    fn template(&self, key: &TokenKey) -> BoxFuture<'_, Result<TokenTemplate>> {
        let key = key.clone();
        Box::pin(async move {
            let old = self.find(&key).await?;
            let body = ProvisionBody {
                name: old.name,
                ip_restriction: old.ip_restriction.filter(|text| !text.is_empty()),
                type_: old.type_,
            };
            TokenTemplate::write(Service::AVISI_CLOUD, &body)
        })
    }

    fn create(
        &self,
        template: &TokenTemplate,
        successor: Overrides,
    ) -> BoxFuture<'_, Result<NewToken<TokenRecord>>> {
        let body = template.read::<ProvisionBody>(Service::AVISI_CLOUD);
        Box::pin(async move {
            let mut body = body?;
            if successor.expires.is_some() {
                return Err(Error::unsupported(Service::AVISI_CLOUD, "expires"));
            }
            if let Some(name) = successor.name {
                body.name = Some(name);
            }
            if let Some(marker) = successor.marker {
                let before = body.name.unwrap_or_default();
                body.name = Some(marker.appended_to(&before));
            }
            let (token, secret) = self
                .provision(ProvisionDraft::unchecked(body))
                .await?
                .into_parts();
            let record = record(&token, self.now()).ok_or_else(|| {
                Error::of_kind(Service::AVISI_CLOUD, ErrorKind::Decode)
                    .with_operation("provisionPersonalAccessToken")
                    .with_reason("the answer holds no id")
                    .with_effect(true)
            })?;
            Ok(NewToken::new(record, secret))
        })
    }

    fn secret(&self, _: &TokenKey) -> BoxFuture<'_, Result<Option<Secret>>> {
        Box::pin(async { Ok(None) })
    }

    fn reset(
        &self,
        _: &TokenKey,
        _: Option<Duration>,
    ) -> BoxFuture<'_, Result<NewToken<TokenRecord>>> {
        Box::pin(async { Err(Error::unsupported(Service::AVISI_CLOUD, "reset")) })
    }

    fn set_expiry(&self, _: &TokenKey, _: Expiry) -> BoxFuture<'_, Result<TokenRecord>> {
        Box::pin(async { Err(Error::unsupported(Service::AVISI_CLOUD, "set_expiry")) })
    }

    fn delete(&self, key: &TokenKey) -> BoxFuture<'_, Result<()>> {
        let key = key.clone();
        Box::pin(async move { self.revoke(&id(&key)?).await.map(drop) })
    }

    fn verify<'a>(
        &'a self,
        _: &TokenKey,
        secret: &'a Secret,
    ) -> BoxFuture<'a, Result<Verification>> {
        Box::pin(async move {
            match Client::list(&self.with_credential(secret.clone())?).await {
                Ok(_) => Ok(Verification::Accepted),
                // Known, but not allowed to look at tokens.
                Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                    Ok(Verification::Accepted)
                }
                Err(error) if error.is_unauthenticated() => Ok(Verification::Refused),
                Err(error) => Err(error),
            }
        })
    }

    fn whoami(&self) -> BoxFuture<'_, Result<CallerIdentity>> {
        Box::pin(async { Err(Error::unsupported(Service::AVISI_CLOUD, "whoami")) })
    }

    fn is_own_credential<'a>(&'a self, _: &'a TokenRecord) -> BoxFuture<'a, Result<OwnCredential>> {
        Box::pin(async { Ok(OwnCredential::Unknown) })
    }

    fn use_credential(&self, secret: Secret) -> Result<()> {
        self.replace_credential(secret)
    }

    fn now(&self) -> SystemTime {
        self.clock_now()
    }
}

impl Client {
    async fn find(&self, key: &TokenKey) -> Result<PersonalAccessToken> {
        let id = id(key)?;
        let found = Client::list(self)
            .await?
            .into_iter()
            .find(|token| token.id.as_ref() == Some(&id));
        found.ok_or_else(not_found)
    }
}

fn id(key: &TokenKey) -> Result<TokenId> {
    TokenId::try_from(key.as_str())
        .map_err(|error| Error::input(Service::AVISI_CLOUD, "id", error.to_string()))
}

fn not_found() -> Error {
    Error::of_kind(Service::AVISI_CLOUD, ErrorKind::NotFound)
        .with_operation("listPersonalAccessTokens")
        .with_reason("there is no token with this id")
}

fn record(token: &PersonalAccessToken, now: SystemTime) -> Option<TokenRecord> {
    let key = TokenKey::new(token.id.as_ref()?.as_str());
    // A date in a form that is not known is not reported; the text is in the service's own model.
    let told = |date: Result<When, ParseDateError>| date.unwrap_or(When::NotReported).credible();
    let expires = told(token.expires());
    let state = match token.active {
        _ if expires.time().is_some_and(|end| end <= now) => TokenState::Expired,
        Some(true) => TokenState::Active,
        Some(false) => TokenState::Inactive,
        None => TokenState::Unknown,
    };
    Some(TokenRecord {
        name: token.name.clone(),
        state,
        created: told(token.created()),
        expires,
        last_used: told(token.last_used()),
        owner: token.subject.as_deref().map(Into::into),
        marker: token.name.as_deref().and_then(Marker::in_text),
        revision: format!(
            "{:?}/{:?}/{:?}",
            token.active,
            token.ip_restriction,
            token.created_at.as_ref().map(crate::DateText::as_str)
        ),
        ..TokenRecord::new(Service::AVISI_CLOUD, key)
    })
}
