//! What a call can be told, one builder a kind of call.

use std::time::{SystemTime, UNIX_EPOCH};

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

/// Whole seconds, rounded up: cut off, the time could be the current second, which means never.
pub(super) fn whole_seconds(time: SystemTime) -> Option<UnixSeconds> {
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    let up = u64::from(since.subsec_nanos() > 0);
    i64::try_from(since.as_secs().checked_add(up)?)
        .ok()
        .map(UnixSeconds::new)
}

/// Builds what a new token shall be; see [`TokenBody::builder`].
#[derive(Clone, Debug)]
#[must_use]
pub struct TokenBodyBuilder {
    draft: TokenDraft,
}

/// A [`TokenBody`] whose expiry may still depend on when the call is made.
#[derive(Clone, Debug)]
pub struct TokenDraft {
    pub(super) body: TokenBody,
    pub(super) expiry: Option<Expiry>,
}

impl TokenBody {
    /// Describes a new token by its name: not blank, no control characters, taken to the letter.
    ///
    /// Unless said otherwise it is active, may write, and never expires.
    pub fn builder(name: impl Into<String>) -> TokenBodyBuilder {
        let body = Self {
            name: name.into(),
            active: None,
            write: None,
            expiration_date: None,
        };
        TokenBodyBuilder {
            draft: TokenDraft { body, expiry: None },
        }
    }
}

impl TokenBodyBuilder {
    /// Whether it may be used; `true` by default.
    pub fn active(mut self, active: bool) -> Self {
        self.draft.body.active = Some(active);
        self
    }

    /// Whether it may write; `true` by default.
    pub fn write(mut self, write: bool) -> Self {
        self.draft.body.write = Some(write);
        self
    }

    /// When it shall stop working, to the second; never by default.
    pub fn expires(mut self, expiry: impl Into<Expiry>) -> Self {
        self.draft.expiry = Some(expiry.into());
        self
    }
}

impl From<TokenBodyBuilder> for TokenDraft {
    fn from(builder: TokenBodyBuilder) -> Self {
        builder.draft
    }
}

impl From<TokenBody> for TokenDraft {
    fn from(body: TokenBody) -> Self {
        Self { body, expiry: None }
    }
}

impl TokenDraft {
    pub(super) fn with_expiry(mut self, expiry: Expiry) -> Self {
        self.expiry = Some(expiry);
        self.body.expiration_date = None;
        self
    }

    pub(super) fn body(self, session: &Session, operation: &Operation) -> Result<TokenBody> {
        let mut body = self.body;
        check_new_name(session, operation, "name", &body.name)?;
        if let Some(expiry) = self.expiry {
            body.expiration_date = seconds(session, operation, expiry)?;
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

fn seconds(
    session: &Session,
    operation: &Operation,
    expiry: Expiry,
) -> Result<Option<UnixSeconds>> {
    match session.resolve(operation, "expiry", expiry)? {
        None => Ok(None),
        Some(time) => match whole_seconds(time) {
            Some(seconds) => Ok(Some(seconds)),
            None => Err(session.input(operation, "expiry", "lies too far in the future")),
        },
    }
}

/// The three things that can be changed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Changes {
    pub(super) active: Option<bool>,
    pub(super) write: Option<bool>,
    pub(super) expiry: Option<Expiry>,
}

impl Changes {
    pub(super) fn expiration_date(
        &self,
        session: &Session,
        operation: &Operation,
    ) -> Result<Option<UnixSeconds>> {
        match self.expiry {
            Some(expiry) => seconds(session, operation, expiry),
            None => Ok(None),
        }
    }
}
