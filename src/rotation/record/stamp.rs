//! Times in records: whole milliseconds, which a person can read in the file.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::time::{DateText, UnixMillis};

/// Point of time in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Stamp(UnixMillis);

impl Stamp {
    /// The time, cut to milliseconds; the end of the range where it lies beyond.
    pub(crate) fn of(time: SystemTime) -> Self {
        Self(UnixMillis::from_system_time(time).unwrap_or(UnixMillis::new(i64::MAX)))
    }

    pub(crate) fn time(self) -> SystemTime {
        let most = SystemTime::UNIX_EPOCH;
        self.0.to_system_time().unwrap_or(most)
    }

    /// Later by this much, at most the end of the range.
    pub(crate) fn plus(self, span: Duration) -> Self {
        let span = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Self(UnixMillis::new(self.0.get().saturating_add(span)))
    }

    /// Earlier by this much.
    pub(crate) fn minus(self, span: Duration) -> Self {
        let span = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Self(UnixMillis::new(self.0.get().saturating_sub(span)))
    }

    /// How long after an earlier time; nothing if it is not after it.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        let span = self.0.get().saturating_sub(earlier.0.get());
        Duration::from_millis(u64::try_from(span).unwrap_or(0))
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Stamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // Beyond the calendar a time is shown as its bare number.
        if let Ok(number) = text.parse() {
            return Ok(Self(UnixMillis::new(number)));
        }
        match DateText::new(text).parse() {
            Ok(Some(time)) => Ok(Self::of(time)),
            _ => Err(de::Error::custom("a time is not RFC 3339")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_comes_back_from_its_text() {
        for millis in [0, 1_759_312_800_123, -1, i64::MAX, i64::MIN] {
            let stamp = Stamp(UnixMillis::new(millis));
            let text = serde_json::to_string(&stamp).unwrap_or_default();
            assert_eq!(
                serde_json::from_str::<Stamp>(&text).ok(),
                Some(stamp),
                "{text}"
            );
        }
        assert_eq!(
            Stamp(UnixMillis::new(i64::MAX)).plus(Duration::MAX).0.get(),
            i64::MAX
        );
    }
}
