//! Meaning and methods for the generated models.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::PersonalAccessToken;
use crate::time::{DateText, When};

/// New token with its secret.
pub type NewToken = crate::new_token::NewToken<PersonalAccessToken>;

/// Type of a personal access token: an open value, kept as it came.
///
/// Neither its values nor its JSON form are documented. It is sent only if the caller gives one.
///
/// ```
/// use access_tokens::avisi_cloud::PersonalAccessTokenType;
///
/// assert_eq!(PersonalAccessTokenType::from("SOME_TYPE").as_str(), Some("SOME_TYPE"));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersonalAccessTokenType(Value);

impl PersonalAccessTokenType {
    /// The value, if it is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        self.0.as_str()
    }

    /// The value, whatever it is.
    #[must_use]
    pub fn as_json(&self) -> &Value {
        &self.0
    }
}

impl From<&str> for PersonalAccessTokenType {
    fn from(value: &str) -> Self {
        Self(value.into())
    }
}

impl From<Value> for PersonalAccessTokenType {
    fn from(value: Value) -> Self {
        Self(value)
    }
}

impl PersonalAccessToken {
    /// When it was made. A date in a form that this crate cannot read is not reported; the text is
    /// in `created_at`.
    #[must_use]
    pub fn created(&self) -> When {
        reported(self.created_at.as_ref())
    }

    /// When it stops working. A date that is not set is `NotReported`: nothing says that such a token
    /// lasts for ever. So is one in a form that this crate cannot read; the text is in `expire_at`.
    #[must_use]
    pub fn expires(&self) -> When {
        reported(self.expire_at.as_ref())
    }

    /// When it was last used. A date that is not set is `NotReported`: nothing says that such a token
    /// was never used. So is one in a form that this crate cannot read; the text is in
    /// `last_used_at`.
    #[must_use]
    pub fn last_used(&self) -> When {
        reported(self.last_used_at.as_ref())
    }
}

fn reported(date: Option<&DateText>) -> When {
    date.map_or(When::NotReported, DateText::to_when)
}
