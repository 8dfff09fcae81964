//! Query Server as a [`TokenService`]; a token's key is its name.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::claims::Bearer;
use super::client::Client;
use super::models::{Created, Liveness};
use super::wire::{CREATE, LIST};
use super::{Token, TokenBody, TokenBodyBuilder};
use crate::error::{Error, ErrorKind, Result};
use crate::id::Service;
use crate::marker::Marker;
use crate::new_token::NewToken;
use crate::secret::Secret;
use crate::service::{
    Action, Answer, CallerIdentity, Capabilities, NewRecord, Overrides, OwnCredential, Privilege,
    RecordStream, TokenKey, TokenKind, TokenRecord, TokenService, TokenState, TokenTemplate,
    Verification,
};
use crate::time::Expiry;
use crate::transport::Operation;

impl TokenService for Client {
    fn service(&self) -> Service {
        Service::QUERY_SERVER
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            expiry_on_create: true,
            unique_names: true,
            shows_secrets: true,
            identifies_caller: true,
            ..Capabilities::none()
        }
    }

    fn calls(&self, action: Action) -> &'static [&'static str] {
        match action {
            Action::List | Action::Get | Action::TokenTemplate | Action::Verify => &["listTokens"],
            Action::Create => &["getTokenValue", "createToken", "listTokens"],
            // The second, where the credential could be a token of the list.
            Action::Secret | Action::OwnCredential => &["getTokenValue"],
            Action::Delete => &["getTokenValue", "deleteToken"],
            Action::Reset | Action::SetExpiry | Action::WhoAmI => &[],
        }
    }

    fn list(&self) -> RecordStream {
        let (list, core) = (Client::list(self), Arc::clone(&self.core));
        RecordStream::made_of(async move {
            let (tokens, unreadable) = list.await?.data.into_parts();
            let now = core.service_now();
            let unreadable = unreadable.into_iter().map(|item| {
                let error = Error::unreadable(Service::QUERY_SERVER, item);
                Err(error.with_operation(LIST.id()))
            });
            let records = tokens.into_iter().map(move |token| Ok(record(token, now)));
            Ok(records.chain(unreadable))
        })
    }

    fn get(&self, key: &TokenKey) -> Answer<'_, TokenRecord> {
        let token = Client::get(self, key.as_str());
        Box::pin(async move { Ok(record(token.await?, self.now())) })
    }

    fn template(&self, key: &TokenKey) -> Answer<'_, TokenTemplate> {
        let token = Client::get(self, key.as_str());
        Box::pin(async move { body_like(token.await?).map(TokenTemplate::from) })
    }

    fn create(&self, template: &TokenTemplate, overrides: Overrides) -> Answer<'_, NewRecord> {
        let body = template.read::<TokenBody>(Service::QUERY_SERVER);
        Box::pin(async move {
            let Overrides {
                name,
                marker,
                expires,
            } = overrides;
            let mut body = body?;
            if let Some(name) = name {
                body.name = name;
            }
            if let Some(marker) = marker
                && Marker::in_text(&body.name).as_ref() != Some(&marker)
            {
                body.name = marker.appended_after(&body.name, '-');
            }
            let mut token = TokenBodyBuilder::from(body);
            if let Some(expiry) = expires {
                token = token.expires(expiry);
            }
            match Client::create(self, token).await? {
                Created::New(new) => Ok(new_record(new, self.now())),
                Created::AlreadyExists(_) => Err(error(
                    ErrorKind::Conflict,
                    &CREATE,
                    "the name is taken already",
                )),
            }
        })
    }

    fn secret(&self, key: &TokenKey) -> Answer<'_, Option<Secret>> {
        let value = self.value(key.as_str());
        Box::pin(async move { value.await.map(Some) })
    }

    fn reset(&self, _: &TokenKey, _: Option<Duration>) -> Answer<'_, NewRecord> {
        Box::pin(async { Err(Error::unsupported(Service::QUERY_SERVER, "reset")) })
    }

    fn set_expiry(&self, _: &TokenKey, _: Expiry) -> Answer<'_, TokenRecord> {
        // An update would kill the secret on the spot.
        Box::pin(async { Err(Error::unsupported(Service::QUERY_SERVER, "set_expiry")) })
    }

    fn delete(&self, key: &TokenKey) -> Answer<'_, ()> {
        let delete = self.delete_existing(key.as_str());
        Box::pin(async move {
            if delete.await? {
                return Ok(());
            }
            Err(Error::of_kind(Service::QUERY_SERVER, ErrorKind::NotFound)
                .with_reason("there is no token with this name"))
        })
    }

    fn verify<'a>(&'a self, key: &TokenKey, secret: &'a Secret) -> Answer<'a, Verification> {
        // To a token made here every documented call answers 401, be it good or not, so it cannot
        // be tried out; the server's own rule decides, on the row as it is now.
        let token = Client::get(self, key.as_str());
        Box::pin(async move {
            let token = token.await?;
            if token.secret() != Some(secret) {
                return Ok(Verification::Refused);
            }
            match token.liveness(self.now()) {
                Liveness::Alive => Ok(Verification::Accepted),
                Liveness::Inactive | Liveness::Expired | Liveness::Unusable => {
                    Ok(Verification::Refused)
                }
                Liveness::Unknown => {
                    let reason = "the token's row does not tell whether the server accepts it";
                    Err(error(ErrorKind::Decode, &LIST, reason))
                }
            }
        })
    }

    fn whoami(&self) -> Answer<'_, CallerIdentity> {
        Box::pin(async {
            // The server has no such call, and a credential that says whose it is.
            let credential = self.core.current_credential().await?;
            let Some(bearer) = Bearer::read(&credential) else {
                return Err(Error::unsupported(Service::QUERY_SERVER, "whoami")
                    .with_reason("the credential holds no claims that can be read"));
            };
            let mut caller = CallerIdentity::new();
            caller.owner = bearer.sub;
            caller.kind = Some(bearer.iss);
            Ok(caller)
        })
    }

    fn is_own_credential<'a>(&'a self, record: &'a TokenRecord) -> Answer<'a, OwnCredential> {
        Box::pin(async {
            // What may manage tokens is a user's token, which is never among these.
            let credential = self.core.current_credential().await?;
            if Bearer::read(&credential).is_some_and(|bearer| !bearer.is_of_the_list()) {
                return Ok(OwnCredential::No);
            }
            match self.value(record.key.as_str()).await {
                Ok(secret) if secret == credential => Ok(OwnCredential::Yes),
                Ok(_) => Ok(OwnCredential::No),
                Err(error) if error.is_not_found() => Ok(OwnCredential::No),
                Err(error) => Err(error),
            }
        })
    }

    fn use_credential(&self, secret: Secret) -> Result<()> {
        self.replace_credential(secret)
    }

    fn now(&self) -> SystemTime {
        self.core.service_now()
    }
}

fn error(kind: ErrorKind, operation: &Operation, reason: &str) -> Error {
    Error::new(Service::QUERY_SERVER, kind, reason).with_operation(operation.id())
}

/// What a token like this one is created from. Taken apart member by member, so that one which the
/// document gains cannot be forgotten.
fn body_like(old: Token) -> Result<TokenBody> {
    let reason = "the token's expiration_date cannot be read";
    let end = old
        .end()
        .map_err(|_| error(ErrorKind::Decode, &LIST, reason))?;
    let Token {
        id: _,
        name,
        token: _,
        active,
        write,
        expiration_date: _,
        created_at: _,
        updated_at: _,
    } = old;
    Ok(TokenBody {
        name,
        expiration_date: end,
        active: Some(active.get()),
        write: Some(write.get()),
    })
}

fn new_record(new: super::NewToken, now: SystemTime) -> NewToken<TokenRecord> {
    let (mut token, secret) = new.into_parts();
    token.token = Some(secret.clone());
    NewToken::new(record(token, now), secret)
}

fn record(token: Token, now: SystemTime) -> TokenRecord {
    let state = match token.liveness(now) {
        Liveness::Alive => TokenState::Active,
        Liveness::Inactive => TokenState::Inactive,
        Liveness::Expired => TokenState::Expired,
        Liveness::Unusable => TokenState::Unusable,
        Liveness::Unknown => TokenState::Unknown,
    };
    let id = token.id.unwrap_or_default();
    let updated = token.updated_at.map_or(0, crate::UnixSeconds::get);
    let (created, modified, expires) = (token.created(), token.modified(), token.expires());
    let write = token.can_write();
    TokenRecord {
        // None of them belongs to a user.
        kind: TokenKind::Service,
        state,
        created,
        modified,
        expires,
        privilege: if write {
            Privilege::Write
        } else {
            Privilege::Read
        },
        marker: Marker::in_text(&token.name),
        revision: format!("{id}/{updated}"),
        name: Some(token.name.clone()),
        ..TokenRecord::new(Service::QUERY_SERVER, TokenKey::from(token.name))
    }
}
