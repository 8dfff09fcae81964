//! Which columns there are, how wide each is, and which have room.

use std::fmt::{self, Write as _};
use std::time::SystemTime;

use super::super::report::Report;
use super::text::{Fitted, columns_of, push_harmless};
use crate::service::{Privilege, TokenRecord};
use crate::text::short_duration;
use crate::time::{Rfc3339, When};

/// Between two columns.
const GAP: usize = 2;

/// The longest cell if there is room for all; ids of all services fit.
const WIDEST: usize = 40;

/// A column of the table.
pub(super) struct Column {
    pub(super) title: &'static str,
    /// The width below which it is of no use; `None` if it cannot be cut.
    least: Option<usize>,
    pub(super) write: fn(&TokenRecord, SystemTime, &mut String),
}

impl Column {
    const fn new(
        title: &'static str,
        least: Option<usize>,
        write: fn(&TokenRecord, SystemTime, &mut String),
    ) -> Self {
        Self {
            title,
            least,
            write,
        }
    }
}

/// The columns in the order of the table; what comes last is left out first.
static ALL: [Column; 10] = [
    Column::new("ACCOUNT", Some(8), |token, _, out| {
        push_harmless(out, token.account.as_deref().unwrap_or("-"));
    }),
    Column::new("NAME", Some(16), |token, _, out| {
        push_harmless(out, token.name.as_deref().unwrap_or("-"));
    }),
    Column::new("EXPIRES", None, |token, now, out| {
        expiry(token.expires, now, out);
    }),
    Column::new("LAST USED", None, |token, now, out| {
        past(token.last_used, now, out);
    }),
    Column::new("PRIVILEGE", Some(10), |token, _, out| {
        privilege(&token.privilege, out);
    }),
    Column::new("STATE", None, |token, _, out| {
        _ = write!(out, "{}", token.state);
    }),
    Column::new("KEY", Some(12), |token, _, out| {
        push_harmless(out, token.key.as_str());
    }),
    Column::new("OWNER", Some(12), |token, _, out| {
        push_harmless(out, token.owner.as_deref().unwrap_or("-"));
    }),
    Column::new("CREATED", None, |token, now, out| {
        past(token.created, now, out);
    }),
    Column::new("SERVICE", None, |token, _, out| {
        push_harmless(out, token.service.name());
    }),
];

fn privilege(privilege: &Privilege, out: &mut String) {
    match privilege {
        Privilege::NotReported => out.push_str("unknown"),
        Privilege::Custom(Some(role)) => {
            out.push_str("custom (");
            push_harmless(out, role);
            out.push(')');
        }
        other => _ = write!(out, "{other}"),
    }
}

/// The day, and how far it is from now.
fn expiry(when: When, now: SystemTime, out: &mut String) {
    let Some(time) = reported(when, out) else {
        return;
    };
    let start = out.len();
    // Writing to a string does not fail.
    let _ = write!(out, "{}", Rfc3339(time));
    out.truncate(start + "2026-01-01".len());
    let _ = match time.duration_since(now) {
        Ok(ahead) if ahead.as_secs() == 0 => write!(out, " (now)"),
        Ok(ahead) => write!(out, " (in {})", short_duration(ahead)),
        Err(past) => write!(out, " ({} ago)", short_duration(past.duration())),
    };
}

/// How long ago something was that cannot lie ahead: where it does, clocks differ, or it happened
/// since.
fn past(when: When, now: SystemTime, out: &mut String) {
    if let Some(time) = reported(when, out) {
        let ago = now.duration_since(time).unwrap_or_default();
        let _ = match ago.as_secs() {
            0 => write!(out, "just now"),
            _ => write!(out, "{} ago", short_duration(ago)),
        };
    }
}

/// The time, or else its word is written; a date that cannot be one tells nothing.
fn reported(when: When, out: &mut String) -> Option<SystemTime> {
    match when.credible() {
        When::At(time) => return Some(time),
        When::Never => out.push_str("never"),
        When::NotReported => out.push_str("unknown"),
    }
    None
}

/// The widths of the columns for which there is room, in the table's order.
pub(super) struct Layout {
    shown: Vec<(&'static Column, usize)>,
}

impl Layout {
    pub(super) fn new(report: &Report, width: usize) -> Self {
        let mut shown = natural(report);
        while shown.len() > 1 && narrowest(&shown) > width {
            shown.pop();
        }
        shrink(&mut shown, width);
        Self { shown }
    }

    pub(super) fn left_out(&self) -> impl Iterator<Item = &'static Column> + use<> {
        ALL.iter().skip(self.shown.len())
    }

    /// A line without spaces at its end, of cells that are written one by one.
    pub(super) fn line(
        &self,
        f: &mut fmt::Formatter<'_>,
        cell: &mut String,
        write: impl Fn(&Column, &mut String),
    ) -> fmt::Result {
        let mut blanks = 0;
        for (column, width) in &self.shown {
            cell.clear();
            write(column, cell);
            let text = Fitted::new(cell, *width);
            write!(f, "{:blanks$}{text}", "")?;
            blanks = width.saturating_sub(text.columns()) + GAP;
        }
        f.write_char('\n')
    }
}

/// As wide as their widest cells.
fn natural(report: &Report) -> Vec<(&'static Column, usize)> {
    let now = report.as_of();
    let mut shown: Vec<_> = ALL
        .iter()
        .map(|column| (column, column.title.len()))
        .collect();
    let mut cell = String::new();
    for token in report.records() {
        for (column, width) in &mut shown {
            cell.clear();
            (column.write)(token, now, &mut cell);
            *width = columns_of(&cell).min(WIDEST).max(*width);
        }
    }
    shown
}

fn total(widths: impl ExactSizeIterator<Item = usize>) -> usize {
    let gaps = widths.len().saturating_sub(1) * GAP;
    widths.sum::<usize>() + gaps
}

fn narrowest(shown: &[(&Column, usize)]) -> usize {
    total(
        shown
            .iter()
            .map(|(column, width)| column.least.map_or(*width, |least| least.min(*width))),
    )
}

/// Takes from the widest until all fits.
fn shrink(shown: &mut [(&Column, usize)], width: usize) {
    while total(shown.iter().map(|(_, width)| *width)) > width {
        let widest = shown
            .iter_mut()
            .filter(|(column, width)| column.least.is_some_and(|least| *width > least))
            .max_by_key(|(_, width)| *width);
        if let Some((_, width)) = widest {
            *width -= 1;
            continue;
        }
        // A terminal in which not even the first column fits.
        if let [(_, only)] = shown {
            *only = width;
        }
        return;
    }
}
