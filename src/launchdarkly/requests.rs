//! What a call can be told: one builder for each body.

use std::time::{Duration, SystemTime};

use super::models::Access;
use super::{NewToken, Role, Statement, Token, TokenBody};
use crate::error::Result;
use crate::marker::Marker;
use crate::time::{Expiry, UnixMillis};
use crate::transport::{Operation, Session};

/// Builder of a [`TokenBody`], whose expiry may still depend on when the call is made.
///
/// ```
/// use access_tokens::days;
/// use access_tokens::launchdarkly::{Role, TokenBody};
///
/// let body = TokenBody::builder()
///     .name("nightly export")
///     .role(Role::Reader)
///     .service_token(true)
///     .expires(days(30));
/// ```
///
/// A base role, custom roles and a policy exclude each other: a call that is given two of them is
/// refused before anything is sent.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct TokenBodyBuilder {
    body: TokenBody,
    access: Option<Access>,
    /// Another kind of access was given before.
    ambiguous: bool,
    expiry: Option<Expiry>,
    marker: Option<Marker>,
}

impl TokenBody {
    /// Describes a new token; see [`TokenBodyBuilder`].
    pub fn builder() -> TokenBodyBuilder {
        TokenBodyBuilder::default()
    }
}

impl TokenBodyBuilder {
    /// Gives it a base role.
    pub fn role(self, role: Role) -> Self {
        self.access(Access::Role(role))
    }

    /// Gives it custom roles, by key or id.
    pub fn custom_roles<S: Into<String>>(self, roles: impl IntoIterator<Item = S>) -> Self {
        self.access(Access::CustomRoles(
            roles.into_iter().map(Into::into).collect(),
        ))
    }

    /// Gives it a policy of its own.
    pub fn inline_policy(self, statements: impl IntoIterator<Item = Statement>) -> Self {
        self.access(Access::InlinePolicy(statements.into_iter().collect()))
    }

    /// Gives it any of the three kinds of access, such as what
    /// [`Token::access`](super::Token::access) tells.
    pub fn access(mut self, access: impl Into<Access>) -> Self {
        let access = access.into();
        self.ambiguous |= self.access.as_ref().is_some_and(|before| {
            std::mem::discriminant(before) != std::mem::discriminant(&access)
        });
        self.access = Some(access);
        self
    }

    /// Sets the name for people; it need not be unique, but must not be empty.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.body.name = Some(name.into());
        self
    }

    /// Sets a text for people.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.body.description = Some(description.into());
        self
    }

    /// Puts a mark at the end of the description, by which the token is found again should the
    /// answer to its creation be lost; see [`Client::create`](super::Client::create).
    pub fn marker(mut self, marker: &Marker) -> Self {
        self.marker = Some(marker.clone());
        self
    }

    /// Whether the token stands for a service and not for its maker. Cannot be changed afterwards,
    /// and neither can what a service token may do.
    pub fn service_token(mut self, service: bool) -> Self {
        self.body.service_token = Some(service);
        self
    }

    /// Sets the API version for calls that do not name one. Cannot be changed afterwards.
    pub fn default_api_version(mut self, version: u32) -> Self {
        self.body.default_api_version = Some(version.into());
        self
    }

    /// Sets when it stops working: a time or a duration from the call. Not set by default.
    ///
    /// The service knows this since October 2026; one that does not ignores it, so look at
    /// [`Token::expires`](super::Token::expires) of what comes back.
    pub fn expires(mut self, expiry: impl Into<Expiry>) -> Self {
        self.body.expiry = None;
        self.expiry = Some(expiry.into());
        self
    }

    pub(super) fn build(self, session: &Session, operation: &Operation) -> Result<TokenBody> {
        let Self {
            mut body,
            access,
            ambiguous,
            expiry,
            marker,
        } = self;
        let blank = |name: &String| name.trim().is_empty();
        if body.name.as_ref().is_some_and(blank) {
            let rule = "must not be empty; leave it out for none";
            return Err(session.input(operation, "name", rule));
        }
        let nothing = match &access {
            None | Some(Access::Role(_)) => false,
            Some(Access::CustomRoles(roles)) => roles.is_empty(),
            Some(Access::InlinePolicy(statements)) => statements.is_empty(),
        };
        if nothing {
            let rule = "must name at least one role or statement";
            return Err(session.input(operation, "access", rule));
        }
        if ambiguous {
            let rule = "must be one of role, custom_roles and inline_policy";
            return Err(session.input(operation, "access", rule));
        }
        if let Some(access) = access {
            access.put_into(&mut body);
        }
        if let Some(end) = body.expiry
            && end <= UnixMillis::from_system_time(session.core.service_now()).unwrap_or(end)
        {
            return Err(session.input(operation, "expiry", "must lie in the future"));
        }
        if let Some(expiry) = expiry {
            body.expiry = session.resolve(operation, "expiry", expiry, UnixMillis::not_before)?;
        }
        if let Some(marker) = marker {
            // There is no place but the description that nobody goes by.
            let before = body.description.unwrap_or_default();
            body.description = Some(marker.appended_to(&before));
        }
        Ok(body)
    }
}

impl From<TokenBody> for TokenBodyBuilder {
    fn from(body: TokenBody) -> Self {
        Self {
            body,
            ..Self::default()
        }
    }
}

/// Fate of the old secret when a token gets a new one.
///
/// ```
/// use access_tokens::{days, launchdarkly::OldSecret};
///
/// assert_eq!(OldSecret::from(days(1)), OldSecret::ValidFor(days(1)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OldSecret {
    /// It stops working with the reset.
    EndsAtOnce,
    /// It goes on for this long.
    ValidFor(Duration),
    /// It goes on until this time.
    ValidUntil(SystemTime),
}

impl From<Duration> for OldSecret {
    fn from(time: Duration) -> Self {
        Self::ValidFor(time)
    }
}

impl From<SystemTime> for OldSecret {
    fn from(time: SystemTime) -> Self {
        Self::ValidUntil(time)
    }
}

impl OldSecret {
    pub(super) fn millis(
        self,
        session: &Session,
        operation: &Operation,
    ) -> Result<Option<UnixMillis>> {
        let end = match self {
            Self::EndsAtOnce => return Ok(None),
            Self::ValidFor(time) => Expiry::In(time),
            Self::ValidUntil(time) => Expiry::At(time),
        };
        session.resolve(operation, "old_secret", end, UnixMillis::not_before)
    }
}

/// Splits the secret off an answer that must hold it. What the service sends is the secret, whatever
/// it looks like.
pub(super) fn with_secret(
    session: &Session,
    operation: &Operation,
    mut token: Token,
) -> Result<NewToken> {
    if let Some(secret) = token.take_secret() {
        if secret.expose_secret().len() < SHORT {
            tracing::warn!(
                service = session.core.profile.service.name(),
                operation = operation.id(),
                "the secret that came is shorter than a secret of this service should be"
            );
        }
        return Ok(NewToken::new(token, secret));
    }
    Err(session.no_secret(operation, Some(&token.id)))
}

/// Shorter than any secret of this service that was seen, and longer than the end that a read shows.
const SHORT: usize = 16;
