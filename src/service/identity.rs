//! Whom a service takes a credential for.

use serde::{Deserialize, Serialize};

use super::TokenKey;

/// Whether a secret works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verification {
    /// The service accepts it.
    Accepted,
    /// The service refuses it.
    Refused,
}

/// The caller that a service takes a credential for; what it does not tell is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CallerIdentity {
    /// The token that the credential is the secret of, if it is one of the account's tokens.
    pub key: Option<TokenKey>,
    /// The token's name for people.
    pub name: Option<String>,
    /// The account.
    pub account: Option<String>,
    /// The member or user.
    pub owner: Option<String>,
    /// The kind of credential, in the service's own words.
    pub kind: Option<String>,
    /// The scopes that it was granted.
    pub scopes: Vec<String>,
}

impl CallerIdentity {
    /// A caller of whom nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

/// Whether a token is the one that the client itself uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OwnCredential {
    /// It is, or may well be: take care as if it were.
    Yes,
    /// It certainly is not.
    No,
    /// The service shows nothing to tell by.
    Unknown,
}
