//! What a call can be told: one builder for each body.

use super::TokenBody;
use crate::error::Result;
use crate::time::{Expiry, UnixSeconds};
use crate::transport::{Operation, Session};

/// Longer names, as they stand in a URL, can be stored but not asked for.
const MAX_NAME: usize = 60_000;

/// A name under which a token may be made.
pub(super) fn check_new_name(
    session: &Session,
    operation: &Operation,
    field: &'static str,
    name: &str,
) -> Result<()> {
    check_name(session, operation, field, name)?;
    if name.trim().is_empty() {
        return Err(session.input(operation, field, "must not be blank"));
    }
    if name.chars().any(char::is_control) {
        return Err(session.input(operation, field, "must hold no control characters"));
    }
    Ok(())
}

/// A name by which a token may be asked for, whoever made it.
pub(super) fn check_name(
    session: &Session,
    operation: &Operation,
    field: &'static str,
    name: &str,
) -> Result<()> {
    if name.is_empty() {
        return Err(session.input(operation, field, "must not be empty"));
    }
    let encoded: usize = url::form_urlencoded::byte_serialize(name.as_bytes())
        .map(str::len)
        .sum();
    if encoded > MAX_NAME {
        return Err(session.input(operation, field, "must not exceed 60,000 bytes in a URL"));
    }
    Ok(())
}

/// Builder of a [`TokenBody`], whose expiry may still depend on when the call is made.
///
/// ```
/// use access_tokens::days;
/// use access_tokens::query_server::TokenBody;
///
/// let body = TokenBody::builder("edge").write(false).expires(days(90));
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct TokenBodyBuilder {
    body: TokenBody,
    expiry: Option<Expiry>,
}

impl TokenBody {
    /// Describes a new token by its name: not blank, no control characters, taken to the letter.
    ///
    /// Unless said otherwise it is active, may write, and never expires.
    pub fn builder(name: impl Into<String>) -> TokenBodyBuilder {
        TokenBodyBuilder::from(Self {
            name: name.into(),
            expiration_date: None,
            active: None,
            write: None,
        })
    }
}

impl TokenBodyBuilder {
    /// Whether it may be used; `true` by default.
    pub fn active(mut self, active: bool) -> Self {
        self.body.active = Some(active);
        self
    }

    /// Whether it may write; `true` by default.
    pub fn write(mut self, write: bool) -> Self {
        self.body.write = Some(write);
        self
    }

    /// Sets when it stops working, to the second; never by default.
    pub fn expires(mut self, expiry: impl Into<Expiry>) -> Self {
        self.body.expiration_date = None;
        self.expiry = Some(expiry.into());
        self
    }

    pub(super) fn build(self, session: &Session, operation: &Operation) -> Result<TokenBody> {
        let Self { mut body, expiry } = self;
        check_new_name(session, operation, "name", &body.name)?;
        if let Some(expiry) = expiry {
            body.expiration_date =
                session.resolve(operation, "expiry", expiry, UnixSeconds::not_before)?;
        }
        // A time in the current second would be taken for "never".
        if let Some(at) = body.expiration_date
            && UnixSeconds::from_system_time(session.core.service_now())
                .is_some_and(|now| at <= now)
        {
            return Err(session.input(operation, "expiry", "must lie in the future"));
        }
        Ok(body)
    }
}

impl From<TokenBody> for TokenBodyBuilder {
    fn from(body: TokenBody) -> Self {
        Self { body, expiry: None }
    }
}

/// Changes to a token, in an update or together with a rotation; what is not set stays.
///
/// ```
/// use access_tokens::{days, query_server::Changes};
///
/// let changes = Changes::new().write(false).expires(days(30));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Changes {
    pub(super) active: Option<bool>,
    pub(super) write: Option<bool>,
    pub(super) expiry: Option<Expiry>,
}

impl Changes {
    /// No changes, to begin with.
    pub fn new() -> Self {
        Self::default()
    }

    /// Switches it on or off.
    pub fn active(mut self, active: bool) -> Self {
        self.active = Some(active);
        self
    }

    /// Whether it may write.
    pub fn write(mut self, write: bool) -> Self {
        self.write = Some(write);
        self
    }

    /// Sets when it stops working, to the second.
    pub fn expires(mut self, expiry: impl Into<Expiry>) -> Self {
        self.expiry = Some(expiry.into());
        self
    }
}
