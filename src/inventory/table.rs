//! A report as a table for a terminal.

use std::fmt::Write as _;
use std::time::SystemTime;

use super::report::{Account, Report};
use crate::text::{escape_untrusted, short_duration};
use crate::time::{When, rfc3339};

const HEADER: [&str; 10] = [
    "ACCOUNT",
    "SERVICE",
    "NAME",
    "STATE",
    "PRIVILEGE",
    "CREATED",
    "EXPIRES",
    "LAST USED",
    "OWNER",
    "KEY",
];

/// The longest cell, in characters. Ids of all services fit.
const WIDEST: usize = 40;

impl Report {
    /// The tokens as an aligned table, then how many there are, then a line for each account that
    /// could not be read.
    ///
    /// Cells of more than 40 characters are cut, and characters that could move the cursor or hide
    /// others are escaped. Characters count as one column each, so that tables with wide ones
    /// (such as Chinese) are not quite straight. Dates have `in 6 d` or `5 h ago` beside them.
    #[must_use]
    pub fn to_table(&self) -> String {
        let now = self.as_of();
        let rows: Vec<[String; HEADER.len()]> = self
            .records()
            .map(|token| {
                [
                    cell(token.account.as_deref().unwrap_or_default()),
                    cell(token.service.name()),
                    cell(token.name.as_deref().unwrap_or("-")),
                    token.state.to_string(),
                    cell(&token.privilege.to_string()),
                    date(token.created, now),
                    date(token.expires, now),
                    date(token.last_used, now),
                    cell(token.owner.as_deref().unwrap_or("-")),
                    cell(token.key.as_str()),
                ]
            })
            .collect();
        let mut widths = HEADER.map(str::len);
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let mut out = String::new();
        if !rows.is_empty() {
            line(&mut out, &HEADER, &widths);
        }
        for row in &rows {
            line(&mut out, &row.each_ref().map(String::as_str), &widths);
        }
        self.footer(&mut out);
        out
    }

    fn footer(&self, out: &mut String) {
        let (shown, read) = (self.len(), self.read());
        let mut summary = count(shown, "token");
        if !self.selection().is_empty() {
            summary = format!("{summary} of {read} ({})", self.selection().join(", "));
        }
        let accounts = count(self.accounts().len(), "account");
        out.push_str(&escape_untrusted(
            &format!("{summary} in {accounts}"),
            usize::MAX,
        ));
        out.push('\n');
        for account in self.failures() {
            out.push_str(&escape_untrusted(&failure(account), usize::MAX));
            out.push('\n');
        }
    }
}

fn failure(account: &Account) -> String {
    let label = &account.label;
    let how_far = match account.records {
        0 => "not read".to_owned(),
        some => format!("not complete, {} read", count(some, "token")),
    };
    let error = account
        .error
        .as_ref()
        .map_or_else(String::new, ToString::to_string);
    format!("! {label}: {how_far}: {error}")
}

fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

fn line(out: &mut String, cells: &[&str; HEADER.len()], widths: &[usize; HEADER.len()]) {
    let start = out.len();
    for (cell, width) in cells.iter().zip(widths) {
        // Writing to a string does not fail.
        let _ = write!(out, "{cell:width$}  ");
    }
    let end = out.trim_end_matches(' ').len();
    out.truncate(end.max(start));
    out.push('\n');
}

/// The day, and how far it is from now; the time of day does not help to decide anything.
fn date(when: When, now: SystemTime) -> String {
    let When::At(time) = when else {
        return when.to_string();
    };
    let text = rfc3339(time);
    let day = text.split('T').next().unwrap_or_default();
    match time.duration_since(now) {
        Ok(ahead) => format!("{day} (in {})", short_duration(ahead)),
        Err(past) => format!("{day} ({} ago)", short_duration(past.duration())),
    }
}

fn cell(text: &str) -> String {
    escape_untrusted(text, WIDEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::due::days;

    #[test]
    fn nothing_moves_the_cursor_and_long_names_are_cut() {
        assert_eq!(cell("a\u{1b}[2Jb\nc"), "a\\u{1b}[2Jb\\nc");
        assert_eq!(cell("a\u{202e}b\u{9b}c"), "a\\u{202e}b\\u{9b}c");
        assert_eq!(cell("naïve \"quoted\" \\ 名"), "naïve \"quoted\" \\ 名");
        assert_eq!(cell(&"x".repeat(40)), "x".repeat(40));
        let cut = cell(&"é".repeat(41));
        assert_eq!(cut.chars().count(), 40);
        assert!(cut.ends_with("é…"));
    }

    #[test]
    fn dates_say_how_far_they_are() {
        let now = std::time::UNIX_EPOCH + days(20_454);
        assert_eq!(date(When::At(now + days(6)), now), "2026-01-07 (in 6 d)");
        assert_eq!(date(When::At(now - days(2)), now), "2025-12-30 (2 d ago)");
        let almost_a_day = std::time::Duration::from_secs(86_399);
        assert_eq!(
            date(When::At(now + almost_a_day), now),
            "2026-01-01 (in 23 h)"
        );
        assert_eq!(date(When::Never, now), "never");
        let far = When::At(now + days(9_000_000));
        assert!(date(far, now).starts_with("(out of range)"));
    }
}
