//! What a call can be told, one builder a kind of call.

use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::time::{Duration, SystemTime};

use futures_core::future::BoxFuture;

use super::api::{Api, RESET_TOKEN, with_secret};
use super::models::Access;
use super::{NewToken, Role, Statement, TokenBody};
use crate::error::Result;
use crate::generated::launchdarkly::Client as Wire;
use crate::id::TokenId;
use crate::marker::Marker;
use crate::time::{Expiry, UnixMillis};
use crate::transport::{Operation, Request, Session};

/// Marks a [`TokenBodyBuilder`] that does not say yet what the token may do.
#[derive(Clone, Copy, Debug)]
pub enum NoAccess {}

/// Marks a [`TokenBodyBuilder`] that says what the token may do.
#[derive(Clone, Copy, Debug)]
pub enum HasAccess {}

/// Builds what a new token shall be; see [`TokenBody::builder`].
///
/// A base role, custom roles and a policy exclude each other, so only one of them can be given:
///
/// ```compile_fail
/// use access_tokens::launchdarkly::{Role, TokenBody};
///
/// TokenBody::builder().role(Role::Reader).custom_roles(["on-call"]);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct TokenBodyBuilder<A> {
    draft: TokenDraft,
    access: PhantomData<A>,
}

impl TokenBody {
    /// Describes a new token.
    ///
    /// ```
    /// use access_tokens::launchdarkly::{Role, TokenBody};
    /// use std::time::Duration;
    ///
    /// let body = TokenBody::builder()
    ///     .name("nightly export")
    ///     .role(Role::Reader)
    ///     .service_token(true)
    ///     .expires(Duration::from_secs(30 * 86_400));
    /// ```
    pub fn builder() -> TokenBodyBuilder<NoAccess> {
        TokenBodyBuilder {
            draft: TokenDraft::default(),
            access: PhantomData,
        }
    }
}

impl TokenBodyBuilder<NoAccess> {
    /// A base role.
    pub fn role(self, role: Role) -> TokenBodyBuilder<HasAccess> {
        self.access(Access::Role(role))
    }

    /// Custom roles, by key or id.
    pub fn custom_roles<S: Into<String>>(
        self,
        roles: impl IntoIterator<Item = S>,
    ) -> TokenBodyBuilder<HasAccess> {
        self.access(Access::CustomRoles(
            roles.into_iter().map(Into::into).collect(),
        ))
    }

    /// A policy of its own.
    pub fn inline_policy(
        self,
        statements: impl IntoIterator<Item = Statement>,
    ) -> TokenBodyBuilder<HasAccess> {
        self.access(Access::InlinePolicy(statements.into_iter().collect()))
    }

    /// Any of the three kinds, such as what [`Token::access`](super::Token::access) gives.
    pub fn access(mut self, access: impl Into<Access>) -> TokenBodyBuilder<HasAccess> {
        let body = &mut self.draft.body;
        let access = access.into();
        self.draft.no_access = match &access {
            Access::Role(_) => false,
            Access::CustomRoles(roles) => roles.is_empty(),
            Access::InlinePolicy(statements) => statements.is_empty(),
        };
        match access {
            Access::Role(role) => body.role = Some(role),
            Access::CustomRoles(roles) => body.custom_role_ids = roles,
            Access::InlinePolicy(statements) => body.inline_role = statements,
        }
        TokenBodyBuilder {
            draft: self.draft,
            access: PhantomData,
        }
    }
}

impl<A> TokenBodyBuilder<A> {
    /// The name for people; it need not be unique, but must not be empty.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.draft.body.name = Some(name.into());
        self
    }

    /// A text for people.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.draft.body.description = Some(description.into());
        self
    }

    /// A mark at the end of the description, by which the token is found again should the answer to
    /// its creation be lost; see [`Client::create`](super::Client::create).
    pub fn marker(mut self, marker: &Marker) -> Self {
        self.draft.marker = Some(marker.clone());
        self
    }

    /// Whether the token stands for a service and not for its maker. Cannot be changed afterwards,
    /// and neither can what a service token may do.
    pub fn service_token(mut self, service: bool) -> Self {
        self.draft.body.service_token = Some(service);
        self
    }

    /// The API version for calls that do not name one. Cannot be changed afterwards.
    pub fn default_api_version(mut self, version: u32) -> Self {
        self.draft.body.default_api_version = Some(version.into());
        self
    }

    /// When it shall stop working: a time or a duration from the call. Not set by default.
    ///
    /// The service knows this since October 2026; one that does not ignores it, so look at
    /// [`Token::expires`](super::Token::expires) of what comes back.
    pub fn expires(mut self, expiry: impl Into<Expiry>) -> Self {
        self.draft.expiry = Some(expiry.into());
        self
    }
}

/// A [`TokenBody`] whose expiry may still depend on when the call is made, and its marker.
#[derive(Clone, Debug, Default)]
pub struct TokenDraft {
    body: TokenBody,
    expiry: Option<Expiry>,
    marker: Option<Marker>,
    /// Custom roles or a policy were given, but none in them.
    no_access: bool,
}

impl TokenDraft {
    pub(super) fn new(body: TokenBody, expiry: Option<Expiry>) -> Self {
        Self {
            body,
            expiry,
            marker: None,
            no_access: false,
        }
    }

    pub(super) fn body(self, session: &Session, operation: &Operation) -> Result<TokenBody> {
        let mut body = self.body;
        if body
            .name
            .as_deref()
            .is_some_and(|name| name.trim().is_empty())
        {
            return Err(session.input(
                operation,
                "name",
                "must not be empty; leave it out for none",
            ));
        }
        if self.no_access {
            let rule = "must name at least one role or statement";
            return Err(session.input(operation, "access", rule));
        }
        if let Some(end) = body.expiry
            && end <= UnixMillis::from_system_time(session.core.service_now()).unwrap_or(end)
        {
            return Err(session.input(operation, "expiry", "must lie in the future"));
        }
        if let Some(expiry) = self.expiry {
            body.expiry = millis(session, operation, "expiry", expiry)?;
        }
        if let Some(marker) = self.marker {
            let before = body.description.unwrap_or_default();
            body.description = Some(marker.appended_to(&before));
        }
        Ok(body)
    }
}

impl From<TokenBody> for TokenDraft {
    fn from(body: TokenBody) -> Self {
        Self::new(body, None)
    }
}

impl<A> From<TokenBodyBuilder<A>> for TokenDraft {
    fn from(builder: TokenBodyBuilder<A>) -> Self {
        builder.draft
    }
}

/// A time as it goes out; one that cannot go out is refused, since without it the call would mean
/// something else.
pub(super) fn millis(
    session: &Session,
    operation: &Operation,
    field: &'static str,
    expiry: Expiry,
) -> Result<Option<UnixMillis>> {
    let Some(time) = session.resolve(operation, field, expiry)? else {
        return Ok(None);
    };
    // Up to whole milliseconds, since a time cut off could be over.
    match time
        .checked_add(Duration::from_nanos(999_999))
        .and_then(UnixMillis::from_system_time)
    {
        Some(millis) => Ok(Some(millis)),
        None => Err(session.input(operation, field, "lies too far in the future")),
    }
}

/// A reset that is yet to be made.
#[must_use = "nothing is sent until the reset is awaited"]
pub struct Reset {
    api: Api,
    id: TokenId,
    old_key: Option<Expiry>,
}

impl Reset {
    pub(super) fn new(api: Api, id: TokenId) -> Self {
        Self {
            api,
            id,
            old_key: None,
        }
    }

    /// How long the old secret goes on working.
    pub fn old_key_valid_for(mut self, time: Duration) -> Self {
        self.old_key = Some(Expiry::In(time));
        self
    }

    /// Until when the old secret goes on working.
    pub fn old_key_valid_until(mut self, time: SystemTime) -> Self {
        self.old_key = Some(Expiry::At(time));
        self
    }

    /// The request, to set the limits of this one call.
    pub fn request(self) -> Request<NewToken> {
        let Self {
            api: Api { core, version },
            id,
            old_key,
        } = self;
        Request::new(&core, async move |session| {
            session.check_id(&RESET_TOKEN, &id)?;
            let expiry = match old_key {
                Some(expiry) => millis(&session, &RESET_TOKEN, "old_key_valid_for", expiry)?,
                None => None,
            };
            let send = async move |wire: Wire| {
                wire.reset_token(&id, expiry.as_ref(), Some(&version)).await
            };
            let token = session
                .call(&RESET_TOKEN, Wire::new_with_client, send)
                .await?;
            with_secret(&session, &RESET_TOKEN, token)
        })
    }
}

impl IntoFuture for Reset {
    type Output = Result<NewToken>;
    type IntoFuture = BoxFuture<'static, Result<NewToken>>;

    fn into_future(self) -> Self::IntoFuture {
        self.request().into_future()
    }
}

impl fmt::Debug for Reset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reset")
            .field("id", &self.id)
            .field("old_key", &self.old_key)
            .finish_non_exhaustive()
    }
}
