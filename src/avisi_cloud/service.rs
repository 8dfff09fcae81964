//! Avisi Cloud as a [`TokenService`].

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::client::Client;
use super::wire::{LIST, PROVISION};
use super::{PersonalAccessToken, ProvisionBody, ProvisionBodyBuilder};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Service, TokenId};
use crate::listing::{UnreadableItem, place_of};
use crate::marker::Marker;
use crate::new_token::NewToken;
use crate::secret::Secret;
use crate::service::{
    Action, Answer, CallerIdentity, Capabilities, NewRecord, Overrides, OwnCredential,
    RecordStream, TokenKey, TokenKind, TokenRecord, TokenService, TokenState, TokenTemplate,
    Verification,
};
use crate::time::Expiry;

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
            Action::Secret
            | Action::Reset
            | Action::SetExpiry
            | Action::WhoAmI
            | Action::OwnCredential => &[],
        }
    }

    fn list(&self) -> RecordStream {
        let (list, core) = (Client::list(self), Arc::clone(&self.core));
        RecordStream::made_of(async move {
            let (tokens, unreadable) = list.await?.into_parts();
            let now = core.service_now();
            let others = unreadable.clone();
            let records = tokens.into_iter().enumerate();
            let records = records.map(move |(number, token)| {
                // One without an id can be neither named nor revoked.
                let no_id = || UnreadableItem::new(place_of(number, &others), None, "it has no id");
                record(token, now).ok_or_else(|| unreadable_item(no_id()))
            });
            let unreadable = unreadable.into_iter();
            Ok(records.chain(unreadable.map(|item| Err(unreadable_item(item)))))
        })
    }

    fn get(&self, key: &TokenKey) -> Answer<'_, TokenRecord> {
        let key = key.clone();
        Box::pin(async move { record(self.find(&key).await?, self.now()).ok_or_else(not_found) })
    }

    fn template(&self, key: &TokenKey) -> Answer<'_, TokenTemplate> {
        let key = key.clone();
        Box::pin(async move { Ok(TokenTemplate::from(body_like(self.find(&key).await?))) })
    }

    fn create(&self, template: &TokenTemplate, overrides: Overrides) -> Answer<'_, NewRecord> {
        let body = template.read::<ProvisionBody>(Service::AVISI_CLOUD);
        Box::pin(async move {
            let Overrides {
                name,
                marker,
                expires,
            } = overrides;
            if expires.is_some() {
                return Err(Error::unsupported(Service::AVISI_CLOUD, "expires"));
            }
            let mut token = ProvisionBodyBuilder::from(body?).unchecked();
            if let Some(name) = name {
                token = token.name(name);
            }
            if let Some(marker) = marker {
                token = token.marker(&marker);
            }
            let (token, secret) = self.provision(token).await?.into_parts();
            let record = record(token, self.now()).ok_or_else(|| {
                Error::of_kind(Service::AVISI_CLOUD, ErrorKind::Decode)
                    .with_operation(PROVISION.id())
                    .with_reason("the answer holds no id")
                    .with_effect(true)
            })?;
            Ok(NewToken::new(record, secret))
        })
    }

    fn secret(&self, _: &TokenKey) -> Answer<'_, Option<Secret>> {
        Box::pin(async { Ok(None) })
    }

    fn reset(&self, _: &TokenKey, _: Option<Duration>) -> Answer<'_, NewRecord> {
        Box::pin(async { Err(Error::unsupported(Service::AVISI_CLOUD, "reset")) })
    }

    fn set_expiry(&self, _: &TokenKey, _: Expiry) -> Answer<'_, TokenRecord> {
        Box::pin(async { Err(Error::unsupported(Service::AVISI_CLOUD, "set_expiry")) })
    }

    fn delete(&self, key: &TokenKey) -> Answer<'_, ()> {
        let key = key.clone();
        Box::pin(async move { self.revoke(&id(&key)?).await.map(drop) })
    }

    fn verify<'a>(&'a self, _: &TokenKey, secret: &'a Secret) -> Answer<'a, Verification> {
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

    fn whoami(&self) -> Answer<'_, CallerIdentity> {
        Box::pin(async { Err(Error::unsupported(Service::AVISI_CLOUD, "whoami")) })
    }

    fn is_own_credential<'a>(&'a self, _: &'a TokenRecord) -> Answer<'a, OwnCredential> {
        Box::pin(async { Ok(OwnCredential::Unknown) })
    }

    fn use_credential(&self, secret: Secret) -> Result<()> {
        self.replace_credential(secret)
    }

    fn now(&self) -> SystemTime {
        self.core.service_now()
    }
}

impl Client {
    async fn find(&self, key: &TokenKey) -> Result<PersonalAccessToken> {
        let id = id(key)?;
        let all = Client::list(self).await?;
        let found = all.find(id.as_str(), |token| token.id.as_ref() == Some(&id));
        found.map_err(unreadable_item)?.ok_or_else(not_found)
    }
}

fn id(key: &TokenKey) -> Result<TokenId> {
    TokenId::try_from(key.as_str())
        .map_err(|error| Error::input(Service::AVISI_CLOUD, "id", error.to_string()))
}

fn not_found() -> Error {
    Error::of_kind(Service::AVISI_CLOUD, ErrorKind::NotFound)
        .with_operation(LIST.id())
        .with_reason("there is no token with this id")
}

fn unreadable_item(item: UnreadableItem) -> Error {
    Error::unreadable(Service::AVISI_CLOUD, item).with_operation(LIST.id())
}

/// What a token like this one is created from. Taken apart member by member, so that one which the
/// document gains cannot be forgotten.
fn body_like(old: PersonalAccessToken) -> ProvisionBody {
    let PersonalAccessToken {
        id: _,
        name,
        subject: _,
        type_,
        active: _,
        ip_restriction,
        created_at: _,
        expire_at: _,
        last_used_at: _,
        token: _,
    } = old;
    ProvisionBody {
        name,
        ip_restriction: ip_restriction.filter(|text| !text.is_empty()),
        type_,
    }
}

fn record(token: PersonalAccessToken, now: SystemTime) -> Option<TokenRecord> {
    let (created, expires, last_used) = (token.created(), token.expires(), token.last_used());
    let state = match token.active {
        _ if expires.time().is_some_and(|end| end <= now) => TokenState::Expired,
        Some(true) => TokenState::Active,
        Some(false) => TokenState::Inactive,
        None => TokenState::Unknown,
    };
    let subject: Option<Arc<str>> = token.subject.map(Into::into);
    // What can change of a token; one is kept for each record of an inventory, so it is short.
    let active = token.active.map_or("", |on| if on { "on" } else { "off" });
    let addresses = token.ip_restriction.as_deref().unwrap_or_default();
    let revision = format!("{active}/{addresses}");
    Some(TokenRecord {
        kind: TokenKind::Personal,
        state,
        created,
        expires,
        last_used,
        owner: subject.clone(),
        owner_id: subject,
        marker: token.name.as_deref().and_then(Marker::in_text),
        name: token.name,
        revision,
        ..TokenRecord::new(Service::AVISI_CLOUD, TokenKey::from(token.id?))
    })
}
