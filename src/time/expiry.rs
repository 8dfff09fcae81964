//! When a token shall end.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use super::rfc3339;
use super::span::{format_span, parse_span};

/// When a token that is about to be made or changed shall stop working.
///
/// As text it is a length of time, a date of RFC 3339, or `never`:
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use access_tokens::Expiry;
///
/// let in_a_day = Expiry::In(Duration::from_secs(86_400));
/// let fixed = Expiry::At(SystemTime::now() + Duration::from_secs(3_600));
/// assert_ne!(in_a_day, fixed);
///
/// let expiry: Expiry = "90d".parse()?;
/// assert_eq!(expiry, Expiry::In(access_tokens::days(90)));
/// assert_eq!(expiry.to_string(), "90d");
/// assert_eq!("never".parse(), Ok(Expiry::Never));
/// # Ok::<(), access_tokens::ParseExpiryError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Expiry {
    /// At this time.
    At(SystemTime),
    /// This long after the call is made.
    In(Duration),
    /// Not at all.
    Never,
}

impl Expiry {
    #[cfg(any(feature = "launchdarkly", feature = "query-server"))]
    /// The time meant, `None` for never, or the rule that it breaks.
    pub(crate) fn resolve(self, now: SystemTime) -> Result<Option<SystemTime>, &'static str> {
        let time = match self {
            Self::Never => return Ok(None),
            Self::At(time) => time,
            Self::In(ttl) => now.checked_add(ttl).ok_or("lies too far in the future")?,
        };
        if time <= now {
            return Err("must lie in the future");
        }
        Ok(Some(time))
    }
}

impl From<SystemTime> for Expiry {
    fn from(time: SystemTime) -> Self {
        Self::At(time)
    }
}

impl From<Duration> for Expiry {
    fn from(ttl: Duration) -> Self {
        Self::In(ttl)
    }
}

/// A text that says no expiry; see [`Expiry`] for those that do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not an expiry: write a length of time such as 90d or 12h, a date such as 2026-02-03T10:11:12Z, or never"
)]
pub struct ParseExpiryError(());

impl FromStr for Expiry {
    type Err = ParseExpiryError;

    fn from_str(text: &str) -> Result<Self, ParseExpiryError> {
        let text = text.trim();
        if text == "never" {
            return Ok(Self::Never);
        }
        let span = parse_span(text).filter(|span| !span.is_zero());
        let expiry = span
            .map(Self::In)
            .or_else(|| rfc3339::parse(text).map(Self::At));
        expiry.ok_or(ParseExpiryError(()))
    }
}

/// The text that is read as the same; a time outside the years 0000 to 9999 gives a stand-in.
impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(time) => f.pad(&super::rfc3339(*time)),
            Self::In(span) => f.pad(&format_span(*span)),
            Self::Never => f.pad("never"),
        }
    }
}

impl Serialize for Expiry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::At(time) if super::try_rfc3339(*time).is_none() => Err(ser::Error::custom(
                "the time is outside of the years 0000 to 9999",
            )),
            _ => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Expiry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
