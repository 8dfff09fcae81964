//! A report as CSV.

use std::borrow::Cow;

use super::json::Row;
use super::report::Report;

const HEADER: [&str; 13] = [
    "account",
    "service",
    "key",
    "name",
    "state",
    "privilege",
    "role",
    "created",
    "modified",
    "expires",
    "last_used",
    "owner",
    "marker",
];

impl Report {
    /// The tokens as CSV, with a line of names first; see [`Report`] for its columns, and for what
    /// is done so that a spreadsheet takes no name for a formula.
    ///
    /// Failures are not in it: ask [`is_complete`](Self::is_complete).
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut out = String::new();
        line(&mut out, HEADER);
        for row in self.records().map(Row::new) {
            line(
                &mut out,
                [
                    row.account,
                    row.service,
                    row.key,
                    row.name.unwrap_or_default(),
                    row.state,
                    row.privilege,
                    row.role.unwrap_or_default(),
                    &row.created,
                    &row.modified,
                    &row.expires,
                    &row.last_used,
                    row.owner.unwrap_or_default(),
                    row.marker.unwrap_or_default(),
                ],
            );
        }
        out
    }
}

fn line(out: &mut String, cells: [&str; HEADER.len()]) {
    for (at, cell) in cells.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        out.push_str(&quoted(&harmless(cell)));
    }
    out.push_str("\r\n");
}

/// A cell that no spreadsheet takes for a formula. The wide forms count as such in some locales.
fn harmless(cell: &str) -> Cow<'_, str> {
    let formula = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    if cell.starts_with(formula) {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

fn quoted(cell: &str) -> Cow<'_, str> {
    let special = |c| matches!(c, ',' | '"' | '\r' | '\n');
    // Spaces at the ends are part of a field, but some readers take them away unless quoted.
    if cell.contains(special) || cell.starts_with(' ') || cell.ends_with(' ') {
        Cow::Owned(format!("\"{}\"", cell.replace('"', "\"\"")))
    } else {
        Cow::Borrowed(cell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        for (cell, expected) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            (" padded", "\" padded\""),
            ("", ""),
        ] {
            assert_eq!(quoted(cell), expected);
        }
    }

    #[test]
    fn no_cell_is_a_formula() {
        for cell in [
            "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1",
        ] {
            assert_eq!(harmless(cell), format!("'{cell}"));
        }
        for cell in ["", "a=b", "1-2", "x@example.com"] {
            assert_eq!(harmless(cell), cell);
        }
    }
}
