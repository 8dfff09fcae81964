//! LaunchDarkly as a [`TokenService`].

use std::time::{Duration, SystemTime};

use futures_core::future::BoxFuture;
use futures_util::StreamExt as _;

use super::client::Client;
use super::{Access, NewToken, Patch, Role, Token, TokenBody, TokenDraft};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Service, TokenId};
use crate::marker::Marker;
use crate::new_token::NewToken as NewTokenOf;
use crate::secret::Secret;
use crate::service::{
    Action, CallerIdentity, Capabilities, Overrides, OwnCredential, Privilege, RecordStream,
    TokenKey, TokenRecord, TokenService, TokenState, TokenTemplate, Verification,
};
use crate::time::{Expiry, When};

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
            ..Capabilities::none()
        }
    }

    fn calls(&self, action: Action) -> &'static [&'static str] {
        match action {
            Action::List => &["getTokens"],
            // To verify, it is called with the new secret.
            Action::Get | Action::TokenTemplate | Action::Verify => &["getToken"],
            Action::Create => &["postToken"],
            Action::Reset => &["resetToken"],
            Action::SetExpiry => &["patchToken"],
            Action::Delete => &["deleteToken"],
            Action::Secret | Action::WhoAmI => &[],
        }
    }

    fn list(&self) -> RecordStream {
        let seen = self.seen();
        let tokens = Client::list(self).show_all(true).stream();
        RecordStream::new(tokens.map(move |token| token.map(|token| seen.record(&token))))
    }

    fn get(&self, key: &TokenKey) -> BoxFuture<'_, Result<TokenRecord>> {
        let key = key.clone();
        Box::pin(async move { Ok(self.seen().record(&Client::get(self, &id(&key)?).await?)) })
    }

    fn template(&self, key: &TokenKey) -> BoxFuture<'_, Result<TokenTemplate>> {
        let key = key.clone();
        Box::pin(async move {
            let old = Client::get(self, &id(&key)?).await?;
            TokenTemplate::write(Service::LAUNCH_DARKLY, &body_like(&old))
        })
    }

    fn create(
        &self,
        template: &TokenTemplate,
        successor: Overrides,
    ) -> BoxFuture<'_, Result<NewTokenOf<TokenRecord>>> {
        let body = template.read::<TokenBody>(Service::LAUNCH_DARKLY);
        Box::pin(async move {
            let mut body = body?;
            if let Some(name) = successor.name {
                body.name = Some(name);
            }
            if let Some(marker) = successor.marker {
                // There is no place but the description that nobody goes by.
                let before = body.description.unwrap_or_default();
                body.description = Some(marker.appended_to(&before));
            }
            if successor.expires.is_some() {
                body.expiry = None;
            }
            let new = Client::create(self, TokenDraft::new(body, successor.expires)).await?;
            Ok(self.seen().new_record(new))
        })
    }

    fn secret(&self, _: &TokenKey) -> BoxFuture<'_, Result<Option<Secret>>> {
        Box::pin(async { Ok(None) })
    }

    fn reset(
        &self,
        key: &TokenKey,
        old_secret_for: Option<Duration>,
    ) -> BoxFuture<'_, Result<NewTokenOf<TokenRecord>>> {
        let key = key.clone();
        Box::pin(async move {
            let reset = Client::reset(self, &id(&key)?);
            let reset = match old_secret_for {
                Some(time) => reset.old_key_valid_for(time),
                None => reset,
            };
            Ok(self.seen().new_record(reset.await?))
        })
    }

    fn set_expiry(&self, key: &TokenKey, expiry: Expiry) -> BoxFuture<'_, Result<TokenRecord>> {
        let key = key.clone();
        Box::pin(async move {
            let patch = match expiry {
                Expiry::Never => Patch::new().remove("/expiry"),
                Expiry::At(time) => Patch::new().expire_at(time),
                Expiry::In(span) => {
                    let time = self.now().checked_add(span).ok_or_else(|| {
                        let rule = "lies too far in the future";
                        Error::input(Service::LAUNCH_DARKLY, "expiry", rule)
                    })?;
                    Patch::new().expire_at(time)
                }
            };
            let token = self.patch(&id(&key)?, patch).await?;
            if expiry != Expiry::Never && token.expires().time().is_none() {
                // Fields that a service does not know are dropped without an error.
                return Err(Error::unsupported(Service::LAUNCH_DARKLY, "set_expiry"));
            }
            Ok(self.seen().record(&token))
        })
    }

    fn delete(&self, key: &TokenKey) -> BoxFuture<'_, Result<()>> {
        let key = key.clone();
        Box::pin(async move { Client::delete(self, &id(&key)?).await })
    }

    fn verify<'a>(
        &'a self,
        key: &TokenKey,
        secret: &'a Secret,
    ) -> BoxFuture<'a, Result<Verification>> {
        let key = key.clone();
        Box::pin(async move {
            let other = Self {
                core: self.core.with_credential(secret.clone())?,
                version: self.version(),
            };
            match Client::get(&other, &id(&key)?).await {
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
        Box::pin(async { Err(Error::unsupported(Service::LAUNCH_DARKLY, "whoami")) })
    }

    fn is_own_credential<'a>(
        &'a self,
        record: &'a TokenRecord,
    ) -> BoxFuture<'a, Result<OwnCredential>> {
        let own = self.own_by_tail(record);
        Box::pin(async move { Ok(own) })
    }

    fn use_credential(&self, secret: Secret) -> Result<()> {
        self.replace_credential(secret)
    }

    fn now(&self) -> SystemTime {
        self.core.service_now()
    }
}

/// The oldest version of the API that is known to show when a token ends; earlier ones may hide it.
const TELLS_END: u32 = 20_240_415;

impl Client {
    fn seen(&self) -> Seen {
        // A version that is not a date is a newer one, such as `beta`.
        let version = self.version.parse::<u32>();
        Seen {
            now: self.now(),
            tells_end: version.map_or(true, |version| version >= TELLS_END),
        }
    }

    fn own_by_tail(&self, record: &TokenRecord) -> OwnCredential {
        // The revision ends with the four characters that the service shows of the secret.
        let Some((_, tail)) = record.revision.rsplit_once('/') else {
            return OwnCredential::Unknown;
        };
        match self.core.fixed_credential() {
            Some(own) if !tail.is_empty() && own.expose_secret().ends_with(tail) => {
                OwnCredential::Yes
            }
            Some(_) if !tail.is_empty() => OwnCredential::No,
            _ => OwnCredential::Unknown,
        }
    }
}

fn id(key: &TokenKey) -> Result<TokenId> {
    TokenId::try_from(key.as_str())
        .map_err(|error| Error::input(Service::LAUNCH_DARKLY, "id", error.to_string()))
}

/// What a token like this one is created from.
fn body_like(old: &Token) -> TokenBody {
    let mut body = TokenBody {
        name: old.name.clone().filter(|name| !name.trim().is_empty()),
        description: old.description.clone(),
        service_token: old.service_token,
        default_api_version: old.default_api_version,
        expiry: old.expiry.filter(|end| end.get() != 0),
        ..TokenBody::default()
    };
    match old.access() {
        Some(Access::Role(role)) => body.role = Some(role),
        Some(Access::CustomRoles(roles)) => body.custom_role_ids = roles,
        Some(Access::InlinePolicy(statements)) => body.inline_role = statements,
        None => {}
    }
    body
}

/// What a token's record depends on beside the token.
#[derive(Clone, Copy)]
struct Seen {
    now: SystemTime,
    /// Whether a token shown without an end has none.
    tells_end: bool,
}

impl Seen {
    fn new_record(self, new: NewToken) -> NewTokenOf<TokenRecord> {
        let (token, secret) = new.into_parts();
        NewTokenOf::new(self.record(&token), secret)
    }

    fn record(self, token: &Token) -> TokenRecord {
        let at = |time: Option<SystemTime>| time.map_or(When::NotReported, When::At).credible();
        let privilege = match token.access() {
            Some(Access::Role(Role::Admin)) => Privilege::Admin,
            Some(Access::Role(Role::Writer)) => Privilege::Write,
            Some(Access::Role(Role::Reader)) => Privilege::Read,
            // The user interface offers this one, too, and it stands above Admin.
            Some(Access::Role(Role::Other(role))) if role == "owner" => Privilege::Admin,
            Some(Access::Role(other)) => Privilege::Custom(Some(other.into())),
            Some(Access::CustomRoles(roles)) => Privilege::Custom(Some(roles.join(" "))),
            Some(Access::InlinePolicy(_)) => Privilege::Custom(None),
            None => Privilege::NotReported,
        };
        let end = match token.expires() {
            When::NotReported if token.expiry.is_none() && self.tells_end => When::Never,
            told => told.credible(),
        };
        let expired = end.time().is_some_and(|end| end <= self.now);
        let tail = token.secret_tail().unwrap_or_default();
        TokenRecord {
            account: None,
            name: token.name.clone(),
            state: if expired {
                TokenState::Expired
            } else {
                TokenState::Active
            },
            created: at(token.created()),
            modified: at(token.last_modified.to_system_time()),
            expires: end,
            last_used: token.last_used(),
            privilege,
            owner: Some(
                token
                    .member
                    .as_ref()
                    .map_or(&*token.member_id, |member| &member.email)
                    .into(),
            ),
            marker: token.description.as_deref().and_then(Marker::in_text),
            revision: format!("{}/{tail}", token.last_modified.get()),
            ..TokenRecord::new(Service::LAUNCH_DARKLY, TokenKey::new(token.id.as_str()))
        }
    }
}
