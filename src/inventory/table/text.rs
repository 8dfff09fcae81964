//! Text in a terminal: how wide it is, how it is cut, and what it may not do.

use std::borrow::Cow;
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

/// The text, cut in its middle if it is wider.
pub(super) fn fitted(text: &str, width: usize) -> Cow<'_, str> {
    if columns_of(text) <= width && text.chars().count() <= width.saturating_mul(2) {
        return Cow::Borrowed(text);
    }
    let room = width.saturating_sub(1);
    let end = room / 2;
    let head: String = within(text.chars(), room - end).collect();
    let mut tail: Vec<char> = within(text.chars().rev(), end).collect();
    // A mark that was set upon a character which is cut off.
    while tail.last().is_some_and(|c| c.width() == Some(0)) {
        tail.pop();
    }
    let cut = head.chars().chain(['…']).chain(tail.into_iter().rev());
    Cow::Owned(cut.collect())
}

fn within(chars: impl Iterator<Item = char>, mut room: usize) -> impl Iterator<Item = char> {
    chars.take_while(move |c| {
        let left = room.checked_sub(cost(*c));
        room = left.unwrap_or_default();
        left.is_some()
    })
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
