//! What is known of a token.

use std::fmt;
use std::sync::Arc;

use super::TokenKey;
use crate::id::Service;
use crate::marker::Marker;
use crate::text::escape_untrusted;
use crate::time::When;

/// What is known of a token, on any service. It holds no secret.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TokenRecord {
    /// The service.
    pub service: Service,
    /// The label of the account, where the records of several are put together.
    pub account: Option<Arc<str>>,
    /// By what the service knows it.
    pub key: TokenKey,
    /// Its name for people.
    pub name: Option<String>,
    /// Whether it works.
    pub state: TokenState,
    /// When it was made.
    pub created: When,
    /// When it was last changed.
    pub modified: When,
    /// When it ends.
    pub expires: When,
    /// When it was last used.
    pub last_used: When,
    /// What it may do, as far as the service tells.
    pub privilege: Privilege,
    /// Whose it is, as the service names them.
    pub owner: Option<Arc<str>>,
    /// The mark that it carries.
    pub marker: Option<Marker>,
    /// Another with every change that could matter to somebody who decided on an earlier state; not
    /// with mere use.
    pub revision: String,
}

impl TokenRecord {
    /// A record of which nothing is known but this.
    #[must_use]
    pub fn new(service: Service, key: TokenKey) -> Self {
        Self {
            service,
            account: None,
            key,
            name: None,
            state: TokenState::Unknown,
            created: When::NotReported,
            modified: When::NotReported,
            expires: When::NotReported,
            last_used: When::NotReported,
            privilege: Privilege::NotReported,
            owner: None,
            marker: None,
            revision: String::new(),
        }
    }
}

/// Whether a token works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenState {
    /// It does.
    Active,
    /// It is switched off, or revoked where the service keeps revoked tokens.
    Inactive,
    /// Its time is over.
    Expired,
    /// The service does not accept it although it is neither switched off nor over.
    Unusable,
    /// The service does not tell.
    Unknown,
}

impl fmt::Display for TokenState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Expired => "expired",
            Self::Unusable => "unusable",
            Self::Unknown => "unknown",
        })
    }
}

/// What a token may do, as far as a service tells.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Privilege {
    /// Everything, tokens included.
    Admin,
    /// Read and write.
    Write,
    /// Read.
    Read,
    /// What a role or policy of the account's own says; its name, if it has one.
    Custom(Option<String>),
    /// The service does not tell.
    NotReported,
}

impl Privilege {
    /// Whether it is certain that the token can do everything.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        *self == Self::Admin
    }
}

impl fmt::Display for Privilege {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Admin => f.pad("admin"),
            Self::Write => f.pad("write"),
            Self::Read => f.pad("read"),
            Self::Custom(Some(name)) => {
                f.pad(&format!("custom ({})", escape_untrusted(name, usize::MAX)))
            }
            Self::Custom(None) => f.pad("custom"),
            Self::NotReported => f.pad("not reported"),
        }
    }
}
