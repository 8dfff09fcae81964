//! What is known of a token.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::TokenKey;
use crate::id::Service;
use crate::marker::Marker;
use crate::text::escape_untrusted;
use crate::time::When;

/// Facts about a token, on any service. It holds no secret.
///
/// As JSON it has a member for each field, with `snake_case` words for states and kinds; see
/// [`When`] for times and [`Privilege`] for what a token may do.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TokenRecord {
    /// The service.
    pub service: Service,
    /// The label of the account, where the records of several are put together.
    #[serde(default)]
    pub account: Option<Arc<str>>,
    /// What identifies it within the service.
    pub key: TokenKey,
    /// Its name for people.
    #[serde(default)]
    pub name: Option<String>,
    /// Whether it stands for a service or for a person.
    #[serde(default)]
    pub kind: TokenKind,
    /// Whether it works.
    #[serde(default)]
    pub state: TokenState,
    /// When it was made.
    #[serde(default)]
    pub created: When,
    /// When it was last changed.
    #[serde(default)]
    pub modified: When,
    /// When it ends.
    #[serde(default)]
    pub expires: When,
    /// When it was last used.
    #[serde(default)]
    pub last_used: When,
    /// What it may do, as far as the service tells.
    #[serde(default)]
    pub privilege: Privilege,
    /// Whose it is, for people: an e-mail address where the service tells one, or else an id.
    #[serde(default)]
    pub owner: Option<Arc<str>>,
    /// Whose it is, by the service's own id: what to compare, since an answer may lack the rest.
    #[serde(default)]
    pub owner_id: Option<Arc<str>>,
    /// The mark that it carries.
    #[serde(default)]
    pub marker: Option<Marker>,
    /// Another with every change that could matter to somebody who decided on an earlier state; not
    /// with mere use.
    #[serde(default)]
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
            kind: TokenKind::NotReported,
            state: TokenState::Unknown,
            created: When::NotReported,
            modified: When::NotReported,
            expires: When::NotReported,
            last_used: When::NotReported,
            privilege: Privilege::NotReported,
            owner: None,
            owner_id: None,
            marker: None,
            revision: String::new(),
        }
    }
}

/// Whether a token stands for a service or for a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TokenKind {
    /// For a service: it stands on its own, whoever made it.
    Service,
    /// For a person, with whose rights it works.
    Personal,
    /// The service does not tell.
    #[default]
    NotReported,
}

impl fmt::Display for TokenKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Service => "service",
            Self::Personal => "personal",
            Self::NotReported => "not reported",
        })
    }
}

/// Whether a token works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    #[default]
    Unknown,
}

impl TokenState {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Expired => "expired",
            Self::Unusable => "unusable",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for TokenState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// What a token may do, as far as a service tells.
///
/// As JSON it is `"admin"`, `"write"`, `"read"`, `"not_reported"` or `{"custom": "the name"}`, with
/// `null` in the place of a name that there is not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    #[default]
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
