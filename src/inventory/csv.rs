//! A report as CSV.

use std::fmt::Write as _;

use super::json::Row;
use super::report::Report;
use crate::text::is_unsafe_to_print;

/// The names of [`Row`]'s members, in their order.
const HEADER: &str = "account,service,key,name,state,privilege,role,created,modified,expires,\
                      last_used,owner,marker\r\n";

impl Report {
    /// The tokens as CSV, with a line of names first; see [`Report`] for its columns, and for what
    /// is done so that a spreadsheet takes no name for a formula.
    ///
    /// Failures are not in it: ask [`is_complete`](Self::is_complete).
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut out = HEADER.to_owned();
        let mut date = String::new();
        for token in self.records() {
            let row = Row::new(token);
            for text in [
                row.account,
                row.service,
                row.key,
                row.name.unwrap_or_default(),
                row.state,
                row.privilege,
                row.role.unwrap_or_default(),
            ] {
                field(&mut out, text);
                out.push(',');
            }
            for told in [row.created, row.modified, row.expires, row.last_used] {
                date.clear();
                // Writing to a string does not fail.
                let _ = write!(date, "{told}");
                field(&mut out, &date);
                out.push(',');
            }
            field(&mut out, row.owner.unwrap_or_default());
            out.push(',');
            field(&mut out, row.marker.unwrap_or_default());
            out.push_str("\r\n");
        }
        out
    }
}

/// Writes a field: in quotes where it needs them, and so that no part of it begins a formula.
fn field(out: &mut String, text: &str) {
    let plain = |b: u8| (b.is_ascii_graphic() || b == b' ') && !b"\",;|".contains(&b);
    if text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(plain)
        && !text.ends_with(' ')
    {
        return out.push_str(text);
    }
    if text.is_empty() {
        return;
    }
    out.push('"');
    let mut begins = true;
    for (at, c) in text.char_indices() {
        if begins && begins_formula(text.get(at..).unwrap_or_default()) {
            out.push('\'');
        }
        begins = ends_cell(c);
        if c == '"' {
            out.push('"');
        }
        out.push(c);
    }
    out.push('"');
}

/// Whether a spreadsheet somewhere, by some setting, takes what follows for another cell. Quotes do
/// not keep it from that where the separator is another than that of this file.
fn ends_cell(c: char) -> bool {
    matches!(
        c,
        ',' | ';'
            | '|'
            | '\t'
            | '\n'
            | '\u{b}'
            | '\u{c}'
            | '\r'
            | '\u{85}'
            | '\u{2028}'
            | '\u{2029}'
    )
}

/// Whether a cell that begins here could be taken for a formula, whatever is trimmed before it.
fn begins_formula(text: &str) -> bool {
    let trimmed = |c: char| c == '"' || c.is_whitespace() || is_unsafe_to_print(c);
    let first = text.chars().find(|c| ends_cell(*c) || !trimmed(*c));
    first.is_some_and(|c| {
        matches!(
            c,
            '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' | '﹦' | '﹢' | '﹣' | '﹫' | '−'
        )
    })
}
