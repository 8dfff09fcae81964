//! LaunchDarkly as a [`TokenService`].

use std::time::{Duration, SystemTime};

use futures_util::StreamExt as _;

use super::client::Client;
use super::identity::Own;
use super::record::{Reading, body_like, ends_like};
use super::wire::GET_CALLER_IDENTITY;
use super::{Caller, OldSecret, Patch, Token, TokenBody, TokenBodyBuilder};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Service, TokenId};
use crate::secret::Secret;
use crate::service::{
    Action, Answer, CallerIdentity, Capabilities, NewRecord, Overrides, OwnCredential,
    RecordStream, TokenKey, TokenRecord, TokenService, TokenTemplate, Verification,
};
use crate::time::Expiry;

impl TokenService for Client {
    fn service(&self) -> Service {
        Service::LAUNCH_DARKLY
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            set_expiry: true,
            expiry_on_create: true,
            reset_with_grace: true,
            reports_last_use: true,
            marks_successors: true,
            identifies_caller: true,
            ..Capabilities::none()
        }
    }

    fn calls(&self, action: Action) -> &'static [&'static str] {
        match action {
            Action::List => &["getTokens"],
            Action::Get | Action::TokenTemplate => &["getToken"],
            // To verify, it is called with the new secret.
            Action::Verify | Action::WhoAmI | Action::OwnCredential => &["getCallerIdentity"],
            Action::Create => &["postToken"],
            Action::Reset => &["resetToken"],
            // To take an end away, the token is read before.
            Action::SetExpiry => &["patchToken"],
            Action::Delete => &["deleteToken"],
            Action::Secret => &[],
        }
    }

    fn list(&self) -> RecordStream {
        let client = self.clone();
        let tokens = Client::list(self).show_all(true).stream();
        RecordStream::new(tokens.map(move |token| Ok(client.reading().record(token?))))
    }

    fn get(&self, key: &TokenKey) -> Answer<'_, TokenRecord> {
        let key = key.clone();
        Box::pin(async move {
            let token = Client::get(self, &id(&key)?).await?;
            Ok(self.reading().record(token))
        })
    }

    fn template(&self, key: &TokenKey) -> Answer<'_, TokenTemplate> {
        let key = key.clone();
        Box::pin(async move {
            let old = Client::get(self, &id(&key)?).await?;
            Ok(TokenTemplate::from(body_like(old)))
        })
    }

    fn create(&self, template: &TokenTemplate, overrides: Overrides) -> Answer<'_, NewRecord> {
        let body = template.read::<TokenBody>(Service::LAUNCH_DARKLY);
        Box::pin(async move {
            let Overrides {
                name,
                marker,
                expires,
            } = overrides;
            let mut token = TokenBodyBuilder::from(body?);
            if let Some(name) = name {
                token = token.name(name);
            }
            if let Some(marker) = marker {
                token = token.marker(&marker);
            }
            if let Some(expiry) = expires {
                token = token.expires(expiry);
            }
            let new = Client::create(self, token).await?;
            Ok(self.reading().new_record(new))
        })
    }

    fn secret(&self, _: &TokenKey) -> Answer<'_, Option<Secret>> {
        Box::pin(async { Ok(None) })
    }

    fn reset(&self, key: &TokenKey, old_secret_for: Option<Duration>) -> Answer<'_, NewRecord> {
        let key = key.clone();
        Box::pin(async move {
            let old = old_secret_for.map_or(OldSecret::EndsAtOnce, OldSecret::ValidFor);
            let new = Client::reset(self, &id(&key)?, old).await?;
            Ok(self.reading().new_record(new))
        })
    }

    fn set_expiry(&self, key: &TokenKey, expiry: Expiry) -> Answer<'_, TokenRecord> {
        let key = key.clone();
        Box::pin(async move {
            let id = id(&key)?;
            let time = match expiry {
                Expiry::Never => return Ok(self.reading().record(self.without_end(&id).await?)),
                Expiry::At(time) => time,
                Expiry::In(span) => self.now().checked_add(span).ok_or_else(|| {
                    let rule = "lies too far in the future";
                    Error::input(Service::LAUNCH_DARKLY, "expiry", rule)
                })?,
            };
            let token = self.patch(&id, Patch::new().expire_at(time)).await?;
            if token.expires().time().is_none() {
                // Fields that a service does not know are dropped without an error.
                return Err(Error::unsupported(Service::LAUNCH_DARKLY, "set_expiry"));
            }
            Ok(self.reading().record(token))
        })
    }

    fn delete(&self, key: &TokenKey) -> Answer<'_, ()> {
        let key = key.clone();
        Box::pin(async move { Client::delete(self, &id(&key)?).await })
    }

    fn verify<'a>(&'a self, key: &TokenKey, secret: &'a Secret) -> Answer<'a, Verification> {
        let key = key.clone();
        Box::pin(async move {
            // Reading the token with the new secret would answer 401 as well if the secret works
            // but may not read tokens.
            match self.with_credential(secret.clone())?.whoami().await {
                Ok(caller) => belongs_to(&key, caller),
                Err(error) if error.is_unauthenticated() => Ok(Verification::Refused),
                Err(error) => Err(error),
            }
        })
    }

    fn whoami(&self) -> Answer<'_, CallerIdentity> {
        let caller = Client::whoami(self);
        Box::pin(async move { caller.await.map(CallerIdentity::from) })
    }

    fn is_own_credential<'a>(&'a self, record: &'a TokenRecord) -> Answer<'a, OwnCredential> {
        Box::pin(self.owns(record))
    }

    fn use_credential(&self, secret: Secret) -> Result<()> {
        self.replace_credential(secret)
    }

    fn now(&self) -> SystemTime {
        self.core.service_now()
    }
}

impl Client {
    /// Takes the end of a token away, if it has one: to remove what is not there is refused.
    async fn without_end(&self, id: &TokenId) -> Result<Token> {
        let before = Client::get(self, id).await?;
        if before.expires().time().is_none() {
            return Ok(before);
        }
        let after = self.patch(id, Patch::new().remove("/expiry")).await?;
        match after.expires().time() {
            None => Ok(after),
            Some(_) => Err(Error::unsupported(Service::LAUNCH_DARKLY, "set_expiry")
                .with_reason("the service said yes and kept the end")),
        }
    }

    /// Whether a token is the one that this client uses; by its id, or where the service does not
    /// tell that, by the last characters of its secret, which cannot prove that it is another.
    pub(super) async fn owns(&self, record: &TokenRecord) -> Result<OwnCredential> {
        let mut known = self.identity.0.lock().await;
        let mut secret = self.core.current_credential().await?;
        let own = match &*known {
            Some((of, own)) if *of == secret => own.clone(),
            _ => {
                let mut answer = self.identified_by(&secret).await;
                if matches!(&answer, Err(error) if error.is_unauthenticated())
                    && self.core.renew_credential(&secret).await
                {
                    secret = self.core.current_credential().await?;
                    answer = self.identified_by(&secret).await;
                }
                let own = answer?;
                *known = Some((secret.clone(), own.clone()));
                own
            }
        };
        Ok(match own {
            Own::Token(id) if id.as_str() == record.key.as_str() => OwnCredential::Yes,
            Own::Token(_) | Own::NoToken => OwnCredential::No,
            Own::Unknown if ends_like(record, &secret) => OwnCredential::Yes,
            Own::Unknown => OwnCredential::Unknown,
        })
    }

    async fn identified_by(&self, secret: &Secret) -> Result<Own> {
        match self.with_credential(secret.clone())?.whoami().await {
            Ok(caller) => Ok(Own::read(caller)),
            // It answers, but not this question.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::EndpointMissing
                        | ErrorKind::PermissionDenied
                        | ErrorKind::InvalidRequest
                        | ErrorKind::UnexpectedStatus
                        | ErrorKind::Redirect
                        | ErrorKind::Decode
                ) =>
            {
                Ok(Own::Unknown)
            }
            Err(error) => Err(error),
        }
    }

    fn reading(&self) -> Reading {
        Reading {
            now: self.core.service_now(),
            knows_expiry: self.knows_expiry,
        }
    }
}

/// Whether a secret that works is that of this token.
fn belongs_to(key: &TokenKey, caller: Caller) -> Result<Verification> {
    let error = |kind, reason: &str| {
        Err(Error::of_kind(Service::LAUNCH_DARKLY, kind)
            .with_operation(GET_CALLER_IDENTITY.id())
            .with_reason(reason))
    };
    match CallerIdentity::from(caller).key {
        Some(of) if of == *key => Ok(Verification::Accepted),
        Some(of) => {
            let reason = format!("the secret works, but is that of another token, {of:.64}");
            error(ErrorKind::Conflict, &reason)
        }
        None => {
            let reason = "the secret works, but the service does not say that it is the token's";
            error(ErrorKind::Decode, reason)
        }
    }
}

fn id(key: &TokenKey) -> Result<TokenId> {
    TokenId::try_from(key.as_str())
        .map_err(|error| Error::input(Service::LAUNCH_DARKLY, "id", error.to_string()))
}
