//! Lengths of time as people write them into settings: `90d`, `1h30m`. As a module for serde it is that
//! of a length in a configuration, which may be missing.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Names of units with their length in seconds; the first of each is the one that is written.
const UNITS: [(u64, &[&str]); 5] = [
    (7 * 86_400, &["w", "week", "weeks"]),
    (86_400, &["d", "day", "days"]),
    (3_600, &["h", "hour", "hours"]),
    (60, &["min", "m", "minute", "minutes"]),
    (1, &["s", "sec", "second", "seconds"]),
];

/// Reads one or more numbers with their units; seconds may have a fraction.
pub(crate) fn parse_span(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut whole = None;
    while !rest.is_empty() {
        let (number, after) = split(rest, |c| c.is_ascii_digit() || c == '.');
        let (unit, after) = split(after.trim_start(), |c| c.is_ascii_alphabetic());
        let part = match unit {
            "ms" => Duration::from_millis(number.parse().ok()?),
            _ => part(
                number,
                UNITS.iter().find(|(_, names)| names.contains(&unit))?.0,
            )?,
        };
        whole = Some(whole.unwrap_or(Duration::ZERO).checked_add(part)?);
        rest = after.trim_start();
    }
    whole
}

fn part(number: &str, unit: u64) -> Option<Duration> {
    let Some((seconds, fraction)) = number.split_once('.') else {
        return Some(Duration::from_secs(
            number.parse::<u64>().ok()?.checked_mul(unit)?,
        ));
    };
    let digits = (1..=9).contains(&fraction.len()) && unit == 1;
    let nanos = format!("{fraction:0<9}")
        .parse::<u32>()
        .ok()
        .filter(|_| digits)?;
    Some(Duration::new(seconds.parse().ok()?, nanos))
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !belongs(c)).unwrap_or(text.len());
    text.split_at(end)
}

/// The shortest text that [`parse_span`] reads as this: in the largest unit that divides it, weeks
/// excepted.
pub(crate) fn format_span(span: Duration) -> String {
    let (seconds, nanos) = (span.as_secs(), span.subsec_nanos());
    if nanos > 0 {
        let fraction = format!("{nanos:09}");
        return format!("{seconds}.{}s", fraction.trim_end_matches('0'));
    }
    let mut units = UNITS
        .iter()
        .skip(1)
        .filter(|(length, _)| seconds.is_multiple_of(*length));
    match units.next() {
        Some((length, [name, ..])) if seconds > 0 => format!("{}{name}", seconds / length),
        _ => format!("{seconds}s"),
    }
}

#[expect(clippy::ref_option, reason = "as serde calls it")]
pub(crate) fn serialize<S: Serializer>(
    time: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    time.map(format_span).serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    let Some(text) = Option::<Cow<'_, str>>::deserialize(deserializer)? else {
        return Ok(None);
    };
    // Of a policy, somebody could mean months by it.
    let clear = text
        .split(|c: char| !c.is_alphabetic())
        .all(|unit| unit != "m");
    let span = parse_span(&text).filter(|_| clear).map(Some);
    span.ok_or_else(|| de::Error::custom("expected a length of time such as \"90d\" or \"1d 12h\""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spans_are_read_as_people_write_them() {
        for (text, millis) in [
            ("90d", 7_776_000_000),
            (" 90 days ", 7_776_000_000),
            ("1h30m", 5_400_000),
            (" 1d12h ", 129_600_000),
            ("1 d 12 h", 129_600_000),
            ("2160min", 129_600_000),
            ("1 hour 30 min", 5_400_000),
            ("2w", 1_209_600_000),
            ("1500ms", 1_500),
            ("1.5s", 1_500),
            ("0s", 0),
        ] {
            assert_eq!(
                parse_span(text),
                Some(Duration::from_millis(millis)),
                "{text}"
            );
        }
        for text in [
            "",
            " ",
            "90",
            "d",
            "-1d",
            "1.5d",
            "1x",
            "1y",
            "1D",
            "1d é",
            "213503982334602d",
            "1 d d",
            "1..5s",
            ".5s",
            "1.s",
            "1.0000000001s",
            "99999999999999999999d",
            "18446744073709551615w",
            "1d,2h",
            "９d",
            "1é",
        ] {
            assert_eq!(parse_span(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_alike(seconds: u64, nanos in 0_u32..1_000_000_000, days in 0_u64..100_000) {
            for span in [Duration::new(seconds, nanos), Duration::from_secs(days * 86_400)] {
                prop_assert_eq!(parse_span(&format_span(span)), Some(span));
            }
        }

        #[test]
        fn no_text_panics(text in "[0-9a-z. ]{0,20}|.{0,20}") {
            parse_span(&text);
        }
    }
}
