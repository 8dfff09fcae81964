//! Lengths of time for people: rounded, and in few words.

use std::time::Duration;

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
pub(crate) fn short_duration(time: Duration) -> String {
    let seconds = time.as_secs();
    let largest = UNITS.iter().find(|(length, ..)| seconds >= *length);
    let (length, _, unit) = largest.unwrap_or(&(1, "second", "s"));
    format!("{} {unit}", seconds / length)
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
            assert_eq!(short_duration(Duration::from_secs(seconds)), short);
        }
        assert!(human_duration(Duration::MAX).contains("days"));
    }
}
