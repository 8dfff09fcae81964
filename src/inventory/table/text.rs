//! Text in a terminal: how wide it is, how it is cut, and what it may not do.

use std::fmt::{self, Write as _};

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::text::{escape_untrusted, is_unsafe_to_print};

/// How many columns of a terminal a text takes.
pub(super) fn columns_of(text: &str) -> usize {
    if text.is_ascii() {
        // Nothing that controls the terminal is left in it.
        return text.len();
    }
    text.width()
}

/// Adds a text without anything that a terminal obeys or that shows other text than there is.
pub(super) fn push_harmless(out: &mut String, text: &str) {
    if text.chars().any(is_unsafe_to_print) {
        out.push_str(&escape_untrusted(text, usize::MAX));
    } else {
        out.push_str(text);
    }
}

/// How much of a line a character takes; marks that are set upon others count too, so that there
/// cannot be any number of them.
fn cost(c: char) -> usize {
    c.width().unwrap_or(1).max(1)
}

/// A text in a column: whole, or its begin and its end where it is cut in its middle.
pub(super) struct Fitted<'a> {
    head: &'a str,
    tail: Option<&'a str>,
}

impl<'a> Fitted<'a> {
    pub(super) fn new(text: &'a str, width: usize) -> Self {
        if columns_of(text) <= width && text.chars().count() <= width.saturating_mul(2) {
            return Self {
                head: text,
                tail: None,
            };
        }
        let room = width.saturating_sub(1);
        let end = room / 2;
        let head = within(text.chars(), room - end);
        let tail = text.len() - within(text.chars().rev(), end);
        let tail = text.get(tail..).unwrap_or_default();
        Self {
            head: text.get(..head).unwrap_or_default(),
            // Marks that were set upon a character which is cut off.
            tail: Some(tail.trim_start_matches(|c: char| c.width() == Some(0))),
        }
    }

    pub(super) fn columns(&self) -> usize {
        let tail = self.tail.map_or(0, |tail| 1 + columns_of(tail));
        columns_of(self.head) + tail
    }
}

impl fmt::Display for Fitted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.head)?;
        match self.tail {
            None => Ok(()),
            Some(tail) => write!(f, "…{tail}"),
        }
    }
}

/// How many bytes of these characters have room.
fn within(chars: impl Iterator<Item = char>, mut room: usize) -> usize {
    chars
        .map_while(|c| {
            room = room.checked_sub(cost(c))?;
            Some(c.len_utf8())
        })
        .sum()
}

/// Writes a text in lines that fit, the second and further ones set in.
pub(super) fn paragraph(f: &mut fmt::Formatter<'_>, text: &str, width: usize) -> fmt::Result {
    const INDENT: usize = 2;
    let text = escape_untrusted(text, usize::MAX);
    let indent = if width > 4 * INDENT { INDENT } else { 0 };
    let mut used = 0_usize;
    for word in text.split(' ') {
        let needed = columns_of(word) + usize::from(used > 0);
        if used > 0 && used.saturating_add(needed) > width {
            write!(f, "\n{:indent$}", "")?;
            used = indent;
        } else if used > 0 {
            f.write_char(' ')?;
            used += 1;
        }
        for c in word.chars() {
            let cost = cost(c);
            if used + cost > width && used > indent {
                write!(f, "\n{:indent$}", "")?;
                used = indent;
            }
            f.write_char(c)?;
            used += cost;
        }
    }
    f.write_char('\n')
}
