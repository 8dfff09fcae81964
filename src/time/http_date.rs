//! Dates as HTTP has them (RFC 9110, section 5.6.7), and as mail does, which some services send instead.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::rfc3339;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Reads `Fri, 31 Dec 1999 23:59:59 GMT`, with another name of the zone or a day of one digit too,
/// `Friday, 31-Dec-99 23:59:59 GMT` and `Fri Dec 31 23:59:59 1999`. The day of the week is not held
/// against the date.
pub(crate) fn parse(text: &str) -> Option<SystemTime> {
    let mut words = text.split_ascii_whitespace();
    let weekday = words.next()?;
    let (name, comma) = weekday
        .strip_suffix(',')
        .map_or((weekday, false), |name| (name, true));
    if name.len() < 3 || !name.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    let first = words.next()?;
    let (day, month, year, clock) = if !comma {
        let (day, clock) = (words.next()?, words.next()?);
        (day, first, words.next()?, clock)
    } else if let Some((day, rest)) = first.split_once('-') {
        let (month, year) = rest.split_once('-')?;
        (day, month, year, words.next()?)
    } else {
        let (month, year) = (words.next()?, words.next()?);
        (first, month, year, words.next()?)
    };
    let zone = if comma { words.next()? } else { "GMT" };
    let utc = ["GMT", "UTC", "UT", "Z", "+0000", "-0000"].contains(&zone);
    if !utc || words.next().is_some() {
        return None;
    }
    let month = MONTHS.iter().position(|name| *name == month)?;
    let year = match number(year)? {
        short @ ..70 if year.len() == 2 => short + 2_000,
        short if year.len() == 2 => short + 1_900,
        long if year.len() == 4 => long,
        _ => return None,
    };
    let day = number(day).filter(|_| day.len() <= 2)?;
    let day = rfc3339::day_of(year, i64::try_from(month).ok()? + 1, day)?;
    let mut parts = clock.split(':');
    // To the second, and no less; a clock of ours does not have the 61st.
    let mut part = |most| {
        let text = parts.next().filter(|part| part.len() == 2)?;
        number(text).filter(|number| *number <= most)
    };
    let (hours, minutes, seconds) = (part(23)?, part(59)?, part(60)?.min(59));
    let seconds = day + hours * 3_600 + minutes * 60 + seconds;
    let after = Duration::from_secs(u64::try_from(seconds).ok()?);
    UNIX_EPOCH
        .checked_add(after)
        .filter(|_| parts.next().is_none())
}

fn number(digits: &str) -> Option<i64> {
    let all = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| all)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Duration, UNIX_EPOCH, parse};

    proptest! {
        #[test]
        fn reads_what_the_library_writes(seconds in 0..253_402_300_800_u64) {
            let time = UNIX_EPOCH + Duration::from_secs(seconds);
            prop_assert_eq!(parse(&httpdate::fmt_http_date(time)), Some(time));
        }

        #[test]
        fn reads_the_old_forms_as_the_library_does(seconds in 0..3_155_760_000_u64) {
            let time = UNIX_EPOCH + Duration::from_secs(seconds);
            let text = httpdate::fmt_http_date(time);
            let words: Vec<_> = text.split([' ', ',']).filter(|word| !word.is_empty()).collect();
            let [weekday, day, month, year, clock, _] = words[..] else {
                panic!("{text}")
            };
            let longer = ["Sun", "Mon", "Tues", "Wednes", "Thurs", "Fri", "Satur"];
            let longer = longer.iter().find(|name| name.starts_with(weekday)).unwrap();
            for old in [
                format!("{weekday} {month} {:>2} {clock} {year}", day.trim_start_matches('0')),
                format!("{longer}day, {day}-{month}-{} {clock} GMT", &year[2..]),
            ] {
                let theirs = httpdate::parse_http_date(&old).unwrap();
                prop_assert_eq!(parse(&old), Some(theirs), "{}", old);
            }
        }

        #[test]
        fn no_text_panics(text in "\\PC*|[A-Za-z0-9:, -]{0,40}") {
            parse(&text);
        }
    }

    #[test]
    fn knows_each_form_and_nothing_else() {
        let time =
            |text| parse(text).map(|time| time.duration_since(UNIX_EPOCH).unwrap().as_secs());
        for text in [
            "Fri, 31 Dec 1999 23:59:59 GMT",
            "Friday, 31-Dec-99 23:59:59 GMT",
            "Fri Dec 31 23:59:59 1999",
            "Fri, 31 Dec 1999 23:59:59 +0000",
            "Fri, 31 Dec 1999 23:59:60 UTC",
        ] {
            assert_eq!(time(text), Some(946_684_799), "{text}");
        }
        assert_eq!(time("Thu Jan  1 00:00:09 1970"), Some(9));
        assert_eq!(time("Thu, 1 Jan 1970 00:00:09 UT"), Some(9));
        assert_eq!(time("Friday, 01-Jan-27 00:00:00 GMT"), Some(1_798_761_600));
        for text in [
            "",
            "Fri, 31 Dec 1999 23:59:59",
            "Fri, 31 Dec 1999 23:59:59 CET",
            "Fri, 31 Dec 1999 23:59:59 GMT, maybe",
            "Fri, 31 Dec 1999 23:59 GMT",
            "Fri, 32 Dec 1999 23:59:59 GMT",
            "Fri, 31 dec 1999 23:59:59 GMT",
            "Fri, 31 Dec 199 23:59:59 GMT",
            "Fri, 31 Dec é9 23:59:59 GMT",
            "31 Dec 1999 23:59:59 GMT",
            "1999-12-31T23:59:59Z",
        ] {
            assert_eq!(time(text), None, "{text}");
        }
    }
}
