//! Points of time as they are on the wire: the unit is the type.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, de};

use super::{When, try_rfc3339};

macro_rules! unix_time {
    ($(#[$doc:meta])* $name:ident, $unit:literal, $to:ident, $from:ident, $feature:tt) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(i64);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let dates = |time| Self::from_system_time(time).map(Self::get);
                deserializer.deserialize_any(Lenient(dates)).map(Self)
            }
        }

        impl $name {
            #[doc = concat!("A time given in ", $unit, " since the Unix epoch.")]
            #[must_use]
            pub const fn new(value: i64) -> Self {
                Self(value)
            }

            #[doc = concat!("The ", $unit, " since the Unix epoch.")]
            #[must_use]
            pub const fn get(self) -> i64 {
                self.0
            }

            /// The same point of time, or `None` where the system's clock has no such time.
            #[must_use]
            pub fn to_system_time(self) -> Option<SystemTime> {
                let distance = Duration::$to(self.0.unsigned_abs());
                if self.0 < 0 {
                    UNIX_EPOCH.checked_sub(distance)
                } else {
                    UNIX_EPOCH.checked_add(distance)
                }
            }

            /// The same as a fact: what cannot be true, such as zero, is not reported.
            #[must_use]
            pub fn to_when(self) -> When {
                When::told(self.to_system_time())
            }

            #[cfg(feature = $feature)]
            /// The first whole number of them that is not before a time: cut off, it could be over.
            pub(crate) fn not_before(time: SystemTime) -> Option<Self> {
                let rest = Duration::$to(1).saturating_sub(Duration::from_nanos(1));
                Self::from_system_time(time.checked_add(rest)?)
            }

            #[doc = concat!("The whole ", $unit, " of a time; the rest is cut off, `None` if it does not fit.")]
            #[must_use]
            pub fn from_system_time(time: SystemTime) -> Option<Self> {
                match time.duration_since(UNIX_EPOCH) {
                    Ok(after) => i64::try_from(after.$from()).ok().map(Self),
                    Err(before) => i64::try_from(before.duration().$from()).ok().map(|v| Self(-v)),
                }
            }
        }

        /// The time as RFC 3339 in UTC, or the bare number where there is no such date.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.to_system_time().and_then(try_rfc3339) {
                    Some(text) => f.pad(&text),
                    None => f.pad(&self.0.to_string()),
                }
            }
        }
    };
}

unix_time! {
    /// A point of time on the wire in **milliseconds** since the Unix epoch (LaunchDarkly).
    ///
    /// ```
    /// let time = access_tokens::UnixMillis::new(1_759_312_800_123);
    /// assert_eq!(time.to_string(), "2025-10-01T10:00:00.123Z");
    /// ```
    UnixMillis, "milliseconds", from_millis, as_millis, "launchdarkly"
}

unix_time! {
    /// A point of time on the wire in **seconds** since the Unix epoch (Query Server).
    ///
    /// ```
    /// let time = access_tokens::UnixSeconds::new(1_759_312_800);
    /// assert_eq!(time.to_string(), "2025-10-01T10:00:00Z");
    /// ```
    UnixSeconds, "seconds", from_secs, as_secs, "query-server"
}

/// Reads a number that means a time. Whole numbers are what is sent; strings stand in some documented
/// samples, and a fraction can get into a database by hand. A number that is too large stays so: one
/// absurd date must not hide what came with it.
struct Lenient<F>(F);

impl<F: Fn(SystemTime) -> Option<i64>> de::Visitor<'_> for Lenient<F> {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a point of time as a number")
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<i64, E> {
        Ok(number)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<i64, E> {
        Ok(i64::try_from(number).unwrap_or(i64::MAX))
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the fraction is to be cut off, and what is out of range to be kept at its end"
    )]
    fn visit_f64<E: de::Error>(self, number: f64) -> Result<i64, E> {
        Ok(number as i64)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<i64, E> {
        let text = text.trim();
        let number = text.parse::<i64>().ok();
        let number = number.or_else(|| (self.0)(super::rfc3339::parse(text)?));
        number.ok_or_else(|| E::custom("the text is no point of time"))
    }
}

/// A date kept as the text in which it came (Avisi Cloud, whose format is not documented).
///
/// ```
/// let text = access_tokens::DateText::new("2026-02-03T10:11:12Z");
/// assert!(text.parse()?.is_some());
/// // What some servers send for "not set":
/// assert!(access_tokens::DateText::new("0001-01-01T00:00:00Z").parse()?.is_none());
/// assert!(access_tokens::DateText::new("next week").parse().is_err());
/// # Ok::<(), access_tokens::ParseDateError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DateText(String);

impl DateText {
    /// Keeps the text as it is.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text read as RFC 3339; `None` where it stands for "not set": empty, or the zero time
    /// `0001-01-01T00:00:00Z` of servers written in Go.
    ///
    /// # Errors
    /// If the text is neither.
    pub fn parse(&self) -> Result<Option<SystemTime>, ParseDateError> {
        let text = self.0.trim();
        if text.is_empty() {
            return Ok(None);
        }
        match super::rfc3339::parse(text) {
            Some(time) if Some(time) == go_zero_time() => Ok(None),
            Some(time) => Ok(Some(time)),
            None => Err(ParseDateError(())),
        }
    }

    /// The same as a fact: what cannot be read or cannot be true is not reported.
    #[must_use]
    pub fn to_when(&self) -> When {
        When::told(self.parse().ok().flatten())
    }
}

impl fmt::Display for DateText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// 0001-01-01T00:00:00Z.
fn go_zero_time() -> Option<SystemTime> {
    UNIX_EPOCH.checked_sub(Duration::from_secs(62_135_596_800))
}

/// A date that is not in the form of RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the date is not in the form of RFC 3339 (such as 2026-02-03T10:11:12Z)")]
pub struct ParseDateError(());

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match &*std::borrow::Cow::<str>::deserialize(deserializer)? {
            "never" => Ok(Self::Never),
            "not_reported" => Ok(Self::NotReported),
            text => match DateText::new(text).parse() {
                Ok(Some(time)) => Ok(Self::At(time)),
                _ => Err(de::Error::custom(
                    "expected a date of RFC 3339, never, or not_reported",
                )),
            },
        }
    }
}
