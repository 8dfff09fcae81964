//! Points of time: the units of the wire in their types, and facts that may be missing.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_with::{As, DisplayFromStr, PickFirst, Same, TryFromInto};

/// When something happened or will happen, as far as a service tells.
///
/// "Never" and "not reported" are different answers: a token that was never used may go, one whose
/// service does not report its use must not be taken for unused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum When {
    /// At this time.
    At(SystemTime),
    /// The service says: never.
    Never,
    /// The service does not say.
    NotReported,
}

impl When {
    /// The time, if there is one.
    #[must_use]
    pub fn time(self) -> Option<SystemTime> {
        match self {
            Self::At(time) => Some(time),
            Self::Never | Self::NotReported => None,
        }
    }

    /// The same, but a date that cannot be that of a token (before the year 2000, or after 9999)
    /// counts as not reported: such are zeros, seconds taken for milliseconds, and overflows.
    pub(crate) fn credible(self) -> Self {
        match self {
            Self::At(time) if !CREDIBLE.contains(&seconds_since_epoch(time)) => Self::NotReported,
            other => other,
        }
    }

    /// Whether the service says "never".
    #[must_use]
    pub fn is_never(self) -> bool {
        self == Self::Never
    }

    /// Whether the service tells at all.
    #[must_use]
    pub fn is_reported(self) -> bool {
        self != Self::NotReported
    }
}

/// The time as RFC 3339 in UTC, or `never`, or `not reported`.
impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(time) => f.pad(&rfc3339(*time)),
            Self::Never => f.pad("never"),
            Self::NotReported => f.pad("not reported"),
        }
    }
}

/// The years 2000 to 9999, in seconds since the Unix epoch.
const CREDIBLE: std::ops::RangeInclusive<i64> = 946_684_800..=253_402_300_799;

fn seconds_since_epoch(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        Err(_) => -1,
    }
}

/// When a token that is about to be made or changed shall stop working.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use access_tokens::Expiry;
///
/// let in_a_day = Expiry::In(Duration::from_secs(86_400));
/// let fixed = Expiry::At(SystemTime::now() + Duration::from_secs(3_600));
/// assert_ne!(in_a_day, fixed);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

macro_rules! unix_time {
    ($(#[$doc:meta])* $name:ident, $unit:literal, $to:ident, $from:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(
            // Whole numbers are what is sent. Strings stand in some documented samples, and a
            // fraction can get into a database by hand: both are read.
            #[serde(with = "As::<PickFirst<(Same, DisplayFromStr, TryFromInto<Fraction>)>>")]
            i64,
        );

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
    UnixMillis, "milliseconds", from_millis, as_millis
}

unix_time! {
    /// A point of time on the wire in **seconds** since the Unix epoch (Query Server).
    ///
    /// ```
    /// let time = access_tokens::UnixSeconds::new(1_759_312_800);
    /// assert_eq!(time.to_string(), "2025-10-01T10:00:00Z");
    /// ```
    UnixSeconds, "seconds", from_secs, as_secs
}

/// A number with a fraction where a whole one belongs; the fraction is cut off.
#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(transparent)]
struct Fraction(f64);

impl TryFrom<Fraction> for i64 {
    type Error = &'static str;

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the range is checked, the rest is to be cut"
    )]
    fn try_from(number: Fraction) -> Result<Self, Self::Error> {
        // Below this every whole number can be told from the next.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if number.0.abs() < EXACT {
            Ok(number.0 as Self)
        } else {
            Err("out of range")
        }
    }
}

impl TryFrom<i64> for Fraction {
    type Error = &'static str;

    /// Never asked for: whole numbers are written as such.
    fn try_from(_: i64) -> Result<Self, Self::Error> {
        Err("not a fraction")
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
        let time: jiff::Timestamp = text.parse().map_err(|_| ParseDateError(()))?;
        if time.as_second() == GO_ZERO_TIME {
            return Ok(None);
        }
        Ok(Some(SystemTime::from(time)))
    }
}

impl fmt::Display for DateText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// 0001-01-01T00:00:00Z in Unix seconds.
const GO_ZERO_TIME: i64 = -62_135_596_800;

/// A date that is not in the form of RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the date is not in the form of RFC 3339 (such as 2026-02-03T10:11:12Z)")]
pub struct ParseDateError(());

/// RFC 3339 in UTC; a time outside the years that the format knows gives a stand-in.
pub(crate) struct Rfc3339(pub(crate) SystemTime);

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::try_from(self.0) {
            Ok(time) => fmt::Display::fmt(&time, f),
            Err(_) => f.write_str("(out of range)"),
        }
    }
}

/// As [`Rfc3339`].
pub(crate) fn rfc3339(time: SystemTime) -> String {
    Rfc3339(time).to_string()
}

fn try_rfc3339(time: SystemTime) -> Option<String> {
    jiff::Timestamp::try_from(time)
        .ok()
        .map(|time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_what_they_say() {
        let millis = UnixMillis::new(1_759_312_800_123);
        let seconds = UnixSeconds::new(1_759_312_800);
        assert_eq!(
            millis.to_system_time().unwrap(),
            seconds.to_system_time().unwrap() + Duration::from_millis(123)
        );
        assert_eq!(
            UnixMillis::from_system_time(millis.to_system_time().unwrap()),
            Some(millis)
        );
        assert_eq!(
            UnixSeconds::from_system_time(millis.to_system_time().unwrap()),
            Some(seconds)
        );
    }

    #[test]
    fn numbers_and_numeric_strings_are_read_and_numbers_written() {
        for body in ["1628001602644", "\"1628001602644\""] {
            let time: UnixMillis = serde_json::from_str(body).unwrap();
            assert_eq!(serde_json::to_string(&time).unwrap(), "1628001602644");
        }
        assert_eq!(
            serde_json::from_str::<UnixSeconds>("1628001602.9")
                .unwrap()
                .get(),
            1_628_001_602
        );
        assert!(serde_json::from_str::<UnixSeconds>("1e300").is_err());
        assert!(serde_json::from_str::<UnixMillis>("\"soon\"").is_err());
        assert!(serde_json::from_str::<UnixMillis>("true").is_err());
    }

    #[test]
    fn the_ends_of_the_range_do_not_panic() {
        for value in [i64::MIN, -1, 0, 1, i64::MAX] {
            let (millis, seconds) = (UnixMillis::new(value), UnixSeconds::new(value));
            let _ = (millis.to_string(), seconds.to_string());
            let _ = (millis.to_system_time(), seconds.to_system_time());
        }
        assert_eq!(UnixSeconds::new(i64::MAX).to_string(), i64::MAX.to_string());
    }

    #[test]
    fn dates_as_text_keep_their_text() {
        let offset = DateText::new("2026-02-03T11:11:12+01:00");
        let utc = DateText::new("2026-02-03T10:11:12Z");
        assert_eq!(offset.parse().unwrap(), utc.parse().unwrap());
        assert_eq!(offset.as_str(), "2026-02-03T11:11:12+01:00");
        assert_eq!(DateText::new(" ").parse(), Ok(None));
        assert!(DateText::new("03.02.2026").parse().is_err());
    }

    #[test]
    fn never_and_not_reported_differ() {
        assert_ne!(When::Never, When::NotReported);
        assert!(When::Never.is_never() && When::Never.is_reported());
        assert!(!When::NotReported.is_never() && !When::NotReported.is_reported());
        assert_eq!(When::NotReported.to_string(), "not reported");
    }
}
