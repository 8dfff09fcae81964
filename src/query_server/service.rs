//! Query Server as a [`TokenService`]; a token's key is its name.

use std::time::{Duration, SystemTime};

use futures_core::future::BoxFuture;

use super::client::Client;
use super::models::{Created, Liveness};
use super::{Token, TokenBody, TokenDraft};
use crate::error::{Error, ErrorKind, Result};
use crate::id::Service;
use crate::marker::Marker;
use crate::new_token::NewToken;
use crate::secret::Secret;
use crate::service::{
    Action, CallerIdentity, Capabilities, Overrides, OwnCredential, Privilege, RecordStream,
    TokenKey, TokenRecord, TokenService, TokenState, TokenTemplate, Verification,
};
use crate::time::{Expiry, When};

impl TokenService for Client {
    fn service(&self) -> Service {
        Service::QUERY_SERVER
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            expiry_on_create: true,
            unique_names: true,
            shows_secrets: true,
            ..Capabilities::none()
        }
    }

    fn calls(&self, action: Action) -> &'static [&'static str] {
        match action {
            Action::List | Action::Get | Action::TokenTemplate | Action::Verify => &["listTokens"],
            Action::Create => &["getTokenValue", "createToken", "listTokens"],
            Action::Secret => &["getTokenValue"],
            Action::Delete => &["getTokenValue", "deleteToken"],
            Action::Reset | Action::SetExpiry | Action::WhoAmI => &[],
        }
    }

    fn list(&self) -> RecordStream {
        let (list, now) = (Client::list(self), self.now());
        RecordStream::from_future(async move {
            Ok(list
                .await?
                .data
                .iter()
                .map(|token| record(token, now))
                .collect())
        })
    }

    fn get(&self, key: &TokenKey) -> BoxFuture<'_, Result<TokenRecord>> {
        let token = Client::get(self, key.as_str());
        Box::pin(async move { Ok(record(&token.await?, self.now())) })
    }

    fn template(&self, key: &TokenKey) -> BoxFuture<'_, Result<TokenTemplate>> {
        let token = Client::get(self, key.as_str());
        Box::pin(async move {
            let token = token.await?;
            let body = TokenBody {
                name: token.name.clone(),
                active: Some(token.is_active()),
                write: Some(token.can_write()),
                expiration_date: (!token.never_expires()).then_some(token.expiration_date),
            };
            TokenTemplate::write(Service::QUERY_SERVER, &body)
        })
    }

    fn create(
        &self,
        template: &TokenTemplate,
        successor: Overrides,
    ) -> BoxFuture<'_, Result<NewToken<TokenRecord>>> {
        let body = template.read::<TokenBody>(Service::QUERY_SERVER);
        Box::pin(async move {
            let mut body = body?;
            if let Some(name) = successor.name {
                body.name = name;
            }
            let mut draft = TokenDraft::from(body);
            if let Some(expiry) = successor.expires {
                draft = draft.with_expiry(expiry);
            }
            match Client::create(self, draft).await? {
                Created::New(new) => Ok(new_record(new, self.now())),
                Created::AlreadyExists(_) => {
                    Err(Error::of_kind(Service::QUERY_SERVER, ErrorKind::Conflict)
                        .with_reason("the name is taken already"))
                }
            }
        })
    }

    fn secret(&self, key: &TokenKey) -> BoxFuture<'_, Result<Option<Secret>>> {
        let value = self.value(key.as_str());
        Box::pin(async move { value.await.map(Some) })
    }

    fn reset(
        &self,
        _: &TokenKey,
        _: Option<Duration>,
    ) -> BoxFuture<'_, Result<NewToken<TokenRecord>>> {
        Box::pin(async { Err(Error::unsupported(Service::QUERY_SERVER, "reset")) })
    }

    fn set_expiry(&self, _: &TokenKey, _: Expiry) -> BoxFuture<'_, Result<TokenRecord>> {
        // An update would kill the secret on the spot.
        Box::pin(async { Err(Error::unsupported(Service::QUERY_SERVER, "set_expiry")) })
    }

    fn delete(&self, key: &TokenKey) -> BoxFuture<'_, Result<()>> {
        let delete = self.delete_existing(key.as_str());
        Box::pin(async move {
            if delete.await? {
                return Ok(());
            }
            Err(Error::of_kind(Service::QUERY_SERVER, ErrorKind::NotFound)
                .with_reason("there is no token with this name"))
        })
    }

    fn verify<'a>(
        &'a self,
        key: &TokenKey,
        secret: &'a Secret,
    ) -> BoxFuture<'a, Result<Verification>> {
        // A token made here may not ask the server anything about tokens, itself included; the
        // server's own rule decides.
        let token = Client::get(self, key.as_str());
        Box::pin(async move {
            let token = token.await?;
            let same = token.secret() == Some(secret);
            let alive = same && token.liveness(self.now()).is_alive();
            Ok(if alive {
                Verification::Accepted
            } else {
                Verification::Refused
            })
        })
    }

    fn whoami(&self) -> BoxFuture<'_, Result<CallerIdentity>> {
        Box::pin(async { Err(Error::unsupported(Service::QUERY_SERVER, "whoami")) })
    }

    fn is_own_credential<'a>(&'a self, _: &'a TokenRecord) -> BoxFuture<'a, Result<OwnCredential>> {
        // The credential is a user's token, which is never among these.
        Box::pin(async { Ok(OwnCredential::No) })
    }

    fn use_credential(&self, secret: Secret) -> Result<()> {
        self.replace_credential(secret)
    }

    fn now(&self) -> SystemTime {
        self.clock_now()
    }
}

fn new_record(new: super::NewToken, now: SystemTime) -> NewToken<TokenRecord> {
    let (mut token, secret) = new.into_parts();
    token.token = Some(secret.clone());
    NewToken::new(record(&token, now), secret)
}

fn record(token: &Token, now: SystemTime) -> TokenRecord {
    let state = match token.liveness(now) {
        Liveness::Alive => TokenState::Active,
        Liveness::Inactive => TokenState::Inactive,
        Liveness::Expired => TokenState::Expired,
        Liveness::Unusable => TokenState::Unusable,
        Liveness::Unknown => TokenState::Unknown,
    };
    let revision = token.updated_at.map_or(0, crate::UnixSeconds::get);
    TokenRecord {
        name: Some(token.name.clone()),
        state,
        created: token.created().credible(),
        modified: token.updated().credible(),
        expires: token.expires(),
        last_used: When::NotReported,
        privilege: if token.can_write() {
            Privilege::Write
        } else {
            Privilege::Read
        },
        marker: Marker::in_text(&token.name),
        revision: format!("{}/{revision}", token.id),
        ..TokenRecord::new(Service::QUERY_SERVER, TokenKey::new(token.name.as_str()))
    }
}
