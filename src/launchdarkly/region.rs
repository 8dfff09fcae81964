//! Where an account lives.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Region in which a LaunchDarkly account lives.
///
/// ```
/// use access_tokens::launchdarkly::Region;
///
/// assert_eq!("eu".parse(), Ok(Region::Eu));
/// assert_eq!(Region::Eu.base_url(), "https://app.eu.launchdarkly.com");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Region {
    /// The United States, `us`.
    #[default]
    Us,
    /// The European Union, `eu`.
    Eu,
    /// The federal instance, `federal`.
    Federal,
}

impl Region {
    /// The address of the region's API.
    #[must_use]
    pub const fn base_url(self) -> &'static str {
        match self {
            Self::Us => "https://app.launchdarkly.com",
            Self::Eu => "https://app.eu.launchdarkly.com",
            Self::Federal => "https://app.launchdarkly.us",
        }
    }
}

/// `us`, `eu` or `federal`.
impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Us => "us",
            Self::Eu => "eu",
            Self::Federal => "federal",
        })
    }
}

/// `us`, `eu` or `federal`, in capitals too.
impl FromStr for Region {
    type Err = ParseRegionError;

    fn from_str(text: &str) -> Result<Self, ParseRegionError> {
        let regions = [Self::Us, Self::Eu, Self::Federal];
        regions
            .into_iter()
            .find(|region| text.eq_ignore_ascii_case(&region.to_string()))
            .ok_or(ParseRegionError(()))
    }
}

/// Text that is no [`Region`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such region; there are us, eu and federal")]
pub struct ParseRegionError(());
