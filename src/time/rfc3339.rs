//! Dates as RFC 3339 writes them, over all the years that it knows: 0000 to 9999.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// From 0000-01-01 to 1970-01-01.
const DAYS_BEFORE_EPOCH: i64 = 719_528;
/// From 1970-01-01 to 10000-01-01.
const DAYS_FROM_EPOCH: i64 = 2_932_897;

const DAY: i64 = 86_400;

/// Reads a date with its time and offset. More than the RFC, it takes a time without seconds, a
/// fraction after a comma, and an offset without a colon or minutes, as some libraries write them.
pub(super) fn parse(text: &str) -> Option<SystemTime> {
    let mut rest = Rest(text.as_bytes());
    let year = rest.number(4)?;
    rest.skip(b"-")?;
    let month = rest.number(2)?;
    rest.skip(b"-")?;
    let day = rest.number(2)?;
    let day = day_of(year, month, day)?;
    rest.skip(b"Tt ")?;
    let hour = rest.number(2).filter(|hour| *hour < 24)?;
    rest.skip(b":")?;
    let minute = rest.number(2).filter(|minute| *minute < 60)?;
    let (mut second, mut nanos) = (0, 0);
    if rest.skip(b":").is_some() {
        // The 61st is a leap second, which a clock of ours does not have.
        second = rest.number(2).filter(|second| *second <= 60)?.min(59);
        if rest.skip(b".,").is_some() {
            nanos = rest.fraction()?;
        }
    }
    let offset = rest.offset()?;
    let seconds = day + hour * 3_600 + minute * 60 + second - offset;
    let distance = Duration::from_secs(seconds.unsigned_abs());
    let whole = if seconds < 0 {
        UNIX_EPOCH.checked_sub(distance)?
    } else {
        UNIX_EPOCH.checked_add(distance)?
    };
    whole.checked_add(Duration::from_nanos(nanos))
}

/// The seconds from 1970 to the beginning of this day, if there is such a day.
pub(super) fn day_of(year: i64, month: i64, day: i64) -> Option<i64> {
    let is = (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
    is.then(|| days(year, month, day) * DAY)
}

/// Writes the date in UTC; `None`, and nothing written, outside of the years that the format knows.
pub(super) fn write(time: SystemTime, out: &mut impl fmt::Write) -> Option<fmt::Result> {
    let (seconds, nanos) = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => (i64::try_from(after.as_secs()).ok()?, after.subsec_nanos()),
        Err(before) => {
            let before = before.duration();
            let seconds = i64::try_from(before.as_secs()).ok()?.checked_neg()?;
            match before.subsec_nanos() {
                0 => (seconds, 0),
                nanos => (seconds.checked_sub(1)?, 1_000_000_000 - nanos),
            }
        }
    };
    let day = seconds.div_euclid(DAY);
    if !(-DAYS_BEFORE_EPOCH..DAYS_FROM_EPOCH).contains(&day) {
        return None;
    }
    let (year, month, day) = civil(day);
    let rest = seconds.rem_euclid(DAY);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    let written = write!(
        out,
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
    );
    if nanos == 0 {
        return Some(written.and_then(|()| out.write_char('Z')));
    }
    let fraction = format!("{nanos:09}");
    Some(written.and_then(|()| write!(out, ".{}Z", fraction.trim_end_matches('0'))))
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The days before a year, counted from the year 0000.
fn days_before(year: i64) -> i64 {
    let past = year - 1;
    // The year 0000 itself is a leap year.
    let leaps = past.div_euclid(4) - past.div_euclid(100) + past.div_euclid(400) + 1;
    year * 365 + leaps
}

/// The days from 1970-01-01 to a date.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let months: i64 = (1..month).map(|month| days_in(year, month)).sum();
    days_before(year) + months + day - 1 - DAYS_BEFORE_EPOCH
}

/// The date of a day after 1970-01-01.
fn civil(day: i64) -> (i64, i64, i64) {
    let day = day + DAYS_BEFORE_EPOCH;
    // No year is shorter, so this is never too small, and at most a few too large.
    let mut year = day / 365;
    while days_before(year) > day {
        year -= 1;
    }
    let (mut month, mut rest) = (1, day - days_before(year));
    while rest >= days_in(year, month) {
        rest -= days_in(year, month);
        month += 1;
    }
    (year, month, rest + 1)
}

/// What is left to read.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    /// Passes over one of these.
    fn skip(&mut self, any: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        any.contains(first).then(|| {
            self.0 = rest;
            *first
        })
    }

    /// Exactly so many digits.
    fn number(&mut self, length: usize) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        let mut digits = digits
            .iter()
            .map(|digit| digit.is_ascii_digit().then(|| i64::from(digit - b'0')));
        digits.try_fold(0, |number, digit| Some(number * 10 + digit?))
    }

    /// Any digits after the point, as billionths; what is finer is cut off.
    fn fraction(&mut self) -> Option<u64> {
        let length = self
            .0
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let (digits, rest) = self.0.split_at_checked(length).filter(|_| length > 0)?;
        self.0 = rest;
        let digits = digits.iter().map(|digit| u64::from(digit - b'0'));
        Some(
            digits
                .chain(std::iter::repeat(0))
                .take(9)
                .fold(0, |nanos, digit| nanos * 10 + digit),
        )
    }

    /// How far ahead of UTC, in seconds, at the end of the text.
    fn offset(mut self) -> Option<i64> {
        let offset = match self.skip(b"Zz+-")? {
            b'Z' | b'z' => 0,
            sign => {
                let hours = self.number(2).filter(|hours| *hours < 24)?;
                let mut minutes = 0;
                if self.skip(b":").is_some() || !self.0.is_empty() {
                    minutes = self.number(2).filter(|minutes| *minutes < 60)?;
                }
                let offset = hours * 3_600 + minutes * 60;
                if sign == b'-' { -offset } else { offset }
            }
        };
        self.0.is_empty().then_some(offset)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn format(time: SystemTime) -> Option<String> {
        let mut text = String::new();
        write(time, &mut text)?.unwrap();
        Some(text)
    }

    fn at(seconds: i64) -> SystemTime {
        let distance = Duration::from_secs(seconds.unsigned_abs());
        if seconds < 0 {
            UNIX_EPOCH - distance
        } else {
            UNIX_EPOCH + distance
        }
    }

    #[test]
    fn dates_are_read_in_all_forms_that_are_written() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-02-03T10:11:12Z", 1_770_113_472),
            ("2026-02-03t11:11:12+01:00", 1_770_113_472),
            ("2026-02-03 05:41:12-04:30", 1_770_113_472),
            ("2026-02-03T11:11:12+0100", 1_770_113_472),
            ("2026-02-03T11:11:12+01", 1_770_113_472),
            ("2026-02-03T10:11:12-00:00", 1_770_113_472),
            ("2026-02-03T10:11:12,000Z", 1_770_113_472),
            ("2026-02-03T10:11Z", 1_770_113_460),
            ("2024-02-29T00:00:00Z", 1_709_164_800),
            ("2000-02-29T00:00:00Z", 951_782_400),
            ("2016-12-31T23:59:60Z", 1_483_228_799),
            ("0001-01-01T00:00:00Z", -62_135_596_800),
            ("0000-01-01T00:00:00Z", -62_167_219_200),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
            ("9999-12-31T23:59:59-23:59", 253_402_387_139),
            ("1969-12-31T23:59:59Z", -1),
        ] {
            assert_eq!(parse(text), Some(at(seconds)), "{text}");
        }
        let fraction = parse("2026-02-03T10:11:12.1234567891Z").unwrap();
        assert_eq!(
            fraction,
            at(1_770_113_472) + Duration::from_nanos(123_456_789)
        );
        for text in [
            "",
            "soon",
            "2026-02-03",
            "2026-02-03T10:11:12",
            "2026-02-30T10:11:12Z",
            "2025-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-02-03T24:00:00Z",
            "2026-02-03T10:60:00Z",
            "2026-02-03T10:11:61Z",
            "2026-02-03T10:11:12.Z",
            "2026-02-03T10:11:12Z ",
            "2026-02-03T10:11:12+24:00",
            "2026-02-03T10:11:12+1:00",
            "26-02-03T10:11:12Z",
            "+10000-01-01T00:00:00Z",
            "-001-01-01T00:00:00Z",
            "2026-02-03T10:11:12Zé",
            "２026-02-03T10:11:12Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_ends_of_the_format_are_its_own() {
        for (seconds, text) in [
            (0, Some("1970-01-01T00:00:00Z")),
            (-1, Some("1969-12-31T23:59:59Z")),
            (-62_167_219_200, Some("0000-01-01T00:00:00Z")),
            (-62_167_219_201, None),
            (253_402_300_799, Some("9999-12-31T23:59:59Z")),
            (253_402_300_800, None),
            (i64::MAX, None),
        ] {
            assert_eq!(format(at(seconds)).as_deref(), text, "{seconds}");
        }
        let before = at(-1) - Duration::from_millis(250);
        assert_eq!(format(before).as_deref(), Some("1969-12-31T23:59:58.75Z"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_alike(seconds in -62_167_219_200_i64..253_402_300_800, nanos in 0_u64..1_000_000_000) {
            let time = at(seconds) + Duration::from_nanos(nanos);
            prop_assert_eq!(parse(&format(time).unwrap()), Some(time));
        }

        #[test]
        fn a_library_says_the_same(seconds in -62_135_596_800_i64..253_402_207_200, nanos in 0_u64..1_000_000_000) {
            let time = at(seconds) + Duration::from_nanos(nanos);
            let theirs = jiff::Timestamp::try_from(time).unwrap();
            prop_assert_eq!(format(time).unwrap(), theirs.to_string());
        }

        #[test]
        fn no_text_panics(text in "[0-9TZ:.+ -]{0,30}|.{0,30}") {
            parse(&text);
        }
    }
}
