//! Text for people: what came from elsewhere made fit to be shown, and lengths of time.

use std::fmt;
use std::time::Duration;

mod redact;

pub(crate) use self::redact::redact;
use crate::secret::Secret;

/// The text with what could play tricks on a reader spelled out: one line of at most `most`
/// characters, the last of them `…` if something was cut off.
pub(crate) fn escape_untrusted(text: &str, most: usize) -> String {
    let mut out = String::new();
    let (mut count, mut cut) = (0_usize, 0);
    for c in text.chars() {
        if is_unsafe_to_print(c) {
            let spelled = c.escape_default();
            count = count.saturating_add(spelled.len());
            out.extend(spelled);
        } else {
            count = count.saturating_add(1);
            out.push(c);
        }
        if count > most {
            out.truncate(cut);
            out.push('…');
            break;
        }
        if count < most {
            cut = out.len();
        }
    }
    out
}

/// Words of somebody who knew the secret: without it, and escaped as by [`escape_untrusted`].
pub(crate) fn redact_untrusted(text: &str, secret: &Secret, most: usize) -> String {
    // What lies beyond is not shown, however much a redaction shortens the rest.
    const AMPLE: usize = 32;
    let end = most.saturating_mul(AMPLE).min(text.len());
    let end = (0..=end).rev().find(|end| text.is_char_boundary(*end));
    let text = text.get(..end.unwrap_or_default()).unwrap_or_default();
    escape_untrusted(redact(text, secret).trim(), most)
}

/// Whether a character controls a terminal, breaks the line, turns the direction of what follows, or
/// shows nothing at all.
pub(crate) fn is_unsafe_to_print(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}' | '\u{1160}'
                | '\u{17b4}' | '\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

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

/// A length of time that may be missing, in the form of [`exact_duration`].
pub(crate) mod text_duration {
    use std::borrow::Cow;
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    #[expect(clippy::ref_option, reason = "as serde calls it")]
    pub(crate) fn serialize<S: Serializer>(
        time: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        time.map(super::exact_duration).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        let Some(text) = Option::<Cow<'_, str>>::deserialize(deserializer)? else {
            return Ok(None);
        };
        let expected =
            || de::Error::custom("expected a length of time such as \"90d\" or \"1d 12h\"");
        super::parse_duration(&text).map(Some).ok_or_else(expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_and_its_tricks_are_spelled_out() {
        assert_eq!(escape_untrusted("abc", 2), "a…");
        assert_eq!(escape_untrusted("abc", 3), "abc");
        assert_eq!(escape_untrusted("ab\n", 3), "ab…");
        assert_eq!(escape_untrusted("ab\nc", 4), "ab…");
        assert_eq!(escape_untrusted("", 0), "");
        assert_eq!(escape_untrusted("a", 0), "…");
        for trick in [
            '\n',
            '\u{1b}',
            '\u{7f}',
            '\u{9b}',
            '\u{ad}',
            '\u{61c}',
            '\u{200b}',
            '\u{2028}',
            '\u{202e}',
            '\u{2066}',
            '\u{3164}',
            '\u{feff}',
            '\u{e0041}',
        ] {
            let shown = escape_untrusted(&trick.to_string(), 9);
            assert!(shown.is_ascii() && shown.starts_with('\\'), "{shown}");
        }
        for plain in ["é 漢 \u{1f600}", "❤\u{fe0f} say \"hi\" \\ it's"] {
            assert_eq!(escape_untrusted(plain, 99), plain);
        }
    }

    #[test]
    fn words_without_the_secret_are_one_bounded_line() {
        let secret = Secret::new("canary");
        assert_eq!(
            redact_untrusted("one: canary\r\ntwo: xcanaryx\u{202e}\n", &secret, 99),
            "one: [redacted]\\r\\ntwo: x[redacted]x\\u{202e}"
        );
        let long = redact_untrusted(&"é".repeat(400_000), &secret, 512);
        assert_eq!(long.chars().count(), 512);
    }

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
