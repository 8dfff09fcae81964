//! Lengths of time, for people and for configurations. As a module for serde it is that of a length
//! that may be missing, in the form of [`exact_duration`].

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

const UNITS: [(u64, &str, &str); 4] = [
    (86_400, "day", "d"),
    (3_600, "hour", "h"),
    (60, "minute", "min"),
    (1, "second", "s"),
];

/// A length of time in its two largest units, the rest cut off: `2 days 3 hours`.
pub(crate) fn human_duration(time: Duration) -> String {
    let mut rest = time.as_secs();
    let mut parts = Vec::new();
    for (length, name, _) in UNITS {
        let count = rest / length;
        rest %= length;
        if count > 0 && parts.len() < 2 {
            let plural = if count == 1 { "" } else { "s" };
            parts.push(format!("{count} {name}{plural}"));
        }
    }
    if parts.is_empty() {
        return "0 seconds".to_owned();
    }
    parts.join(" ")
}

/// A length of time in its largest unit, the rest cut off, for where there is little room: `2 d`.
pub(crate) fn short_duration(time: Duration) -> impl fmt::Display {
    let seconds = time.as_secs();
    let largest = UNITS.iter().find(|(length, ..)| seconds >= *length);
    let (length, _, unit) = largest.unwrap_or(&(1, "second", "s"));
    Short(seconds / length, unit)
}

struct Short(u64, &'static str);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, self.1)
    }
}

/// A length of time to the second, as it is written in a configuration: `1d 12h`.
pub(crate) fn exact_duration(time: Duration) -> String {
    let mut rest = time.as_secs();
    let mut parts = Vec::new();
    for (length, _, unit) in UNITS {
        if rest >= length {
            parts.push(format!("{}{unit}", rest / length));
            rest %= length;
        }
    }
    if parts.is_empty() {
        return "0s".to_owned();
    }
    parts.join(" ")
}

/// Reads what [`exact_duration`] writes: whole numbers, each with its unit; spaces do not count.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let mut seconds = 0_u64;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at_checked(digits)?;
        let after = after.trim_start();
        let letters = after.find(|c: char| !c.is_ascii_alphabetic());
        let (name, after) = after.split_at_checked(letters.unwrap_or(after.len()))?;
        let (length, ..) = UNITS.iter().find(|(_, _, unit)| *unit == name)?;
        let part = number.parse::<u64>().ok()?.checked_mul(*length)?;
        seconds = seconds.checked_add(part)?;
        rest = after.trim_start();
    }
    Some(Duration::from_secs(seconds))
}

#[expect(clippy::ref_option, reason = "as serde calls it")]
pub(crate) fn serialize<S: Serializer>(
    time: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    time.map(exact_duration).serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    let Some(text) = Option::<Cow<'_, str>>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let expected = || de::Error::custom("expected a length of time such as \"90d\" or \"1d 12h\"");
    parse_duration(&text).map(Some).ok_or_else(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_units_that_fit() {
        for (seconds, text, short) in [
            (0, "0 seconds", "0 s"),
            (59, "59 seconds", "59 s"),
            (90, "1 minute 30 seconds", "1 min"),
            (7_200, "2 hours", "2 h"),
            (86_399, "23 hours 59 minutes", "23 h"),
            (86_400, "1 day", "1 d"),
            (30 * 86_400 + 1, "30 days 1 second", "30 d"),
            (30 * 86_400 + 3_661, "30 days 1 hour", "30 d"),
        ] {
            assert_eq!(human_duration(Duration::from_secs(seconds)), text);
            assert_eq!(
                short_duration(Duration::from_secs(seconds)).to_string(),
                short
            );
        }
        assert!(human_duration(Duration::MAX).contains("days"));
    }

    #[test]
    fn lengths_of_time_are_read_as_they_are_written() {
        for seconds in [0, 59, 60, 86_399, 86_400, 90 * 86_400, 129_600, u64::MAX] {
            let time = Duration::from_secs(seconds);
            assert_eq!(parse_duration(&exact_duration(time)), Some(time));
        }
        assert_eq!(exact_duration(Duration::from_secs(129_600)), "1d 12h");
        for text in ["36h", " 1d12h ", "1 d 12 h", "2160min"] {
            assert_eq!(parse_duration(text), Some(Duration::from_secs(129_600)));
        }
        for text in [
            "",
            " ",
            "90",
            "d",
            "-1d",
            "1.5d",
            "1m",
            "1y",
            "1D",
            "1d é",
            "999999999999999999999d",
            "213503982334602d",
        ] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
