//! What identifies a token within its service.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::TokenId;
use crate::text::escape_untrusted;

/// Identifies a token within its service: an id, or on Query Server a name.
///
/// Any text is one; a service checks it when it is used.
///
/// ```
/// use access_tokens::{TokenId, TokenKey};
///
/// let id: TokenId = "66aa10f2c4d5e60011223344".parse()?;
/// assert_eq!(TokenKey::from(&id), TokenKey::from("66aa10f2c4d5e60011223344"));
/// # Ok::<(), access_tokens::ParseTokenIdError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenKey(Box<str>);

impl TokenKey {
    /// Takes an id or a name; it is checked when it is used.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into().into_boxed_str())
    }

    /// The id or name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for TokenKey {
    fn from(key: &str) -> Self {
        Self(key.into())
    }
}

impl From<String> for TokenKey {
    fn from(key: String) -> Self {
        Self(key.into_boxed_str())
    }
}

impl From<TokenId> for TokenKey {
    fn from(id: TokenId) -> Self {
        Self::from(String::from(id))
    }
}

impl From<&TokenId> for TokenKey {
    fn from(id: &TokenId) -> Self {
        Self(id.as_str().into())
    }
}

impl FromStr for TokenKey {
    type Err = Infallible;

    fn from_str(key: &str) -> Result<Self, Infallible> {
        Ok(Self::from(key))
    }
}

impl AsRef<str> for TokenKey {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// The id or name, with what could play tricks on a reader escaped.
impl fmt::Display for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&escape_untrusted(&self.0, usize::MAX))
    }
}
