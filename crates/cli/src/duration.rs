//! Spans of time as people write them: `90d`, `36h`, `15m`, `2s`.

use std::time::Duration;

/// Reads a span: whole numbers with `w`, `d`, `h`, `m` or `s`, the larger unit first.
///
/// # Errors
/// If the text is anything else, or too long to be a time.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || "is not a duration; write it as 90d, 36h, 15m or 2s".to_owned();
    let mut rest = text.trim();
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(wrong());
    }
    let (mut total, mut smallest) = (0_u64, u64::MAX);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, unit) = rest.split_at_checked(digits).ok_or_else(wrong)?;
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let mut units = unit.chars();
        let seconds = match units.next() {
            Some('w') => 7 * 86_400,
            Some('d') => 86_400,
            Some('h') => 3_600,
            Some('m') => 60,
            Some('s') => 1,
            _ => return Err(wrong()),
        };
        // Each unit once, the larger first: anything else is a slip.
        if seconds >= smallest {
            return Err(wrong());
        }
        smallest = seconds;
        let span = number.checked_mul(seconds);
        total = span
            .and_then(|span| total.checked_add(span))
            .filter(|total| *total <= 100 * 366 * 86_400)
            .ok_or_else(|| "is longer than a hundred years".to_owned())?;
        rest = units.as_str();
    }
    Ok(Duration::from_secs(total))
}

/// Reads the time between two ticks.
///
/// # Errors
/// As [`parse`], and if nothing would lie between them.
pub(crate) fn pause(text: &str) -> Result<Duration, String> {
    match parse(text)? {
        Duration::ZERO => Err("must be 1s or longer".to_owned()),
        time => Ok(time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_slips_refused() {
        for (text, seconds) in [
            ("90d", 90 * 86_400),
            ("36h", 36 * 3_600),
            ("15m", 900),
            ("2s", 2),
            ("1d12h", 36 * 3_600),
            ("2w", 14 * 86_400),
            ("0", 0),
            ("0s", 0),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in [
            "",
            " ",
            "d",
            "5",
            "1.5h",
            "-1d",
            "1h1d",
            "1d1d",
            "1 d",
            "1D",
            "ten days",
            "5ms",
            "5é",
            "99999999999999999999d",
            "999999999d",
            "1\u{660}d",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
