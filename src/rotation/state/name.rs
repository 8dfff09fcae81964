//! File names and keys made of names of entries: the one place where they are escaped.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::error::{StoreError, StoreErrorKind};

/// Longest escaped name that is written out; with its ending it stays below what any file system
/// takes.
const LONGEST: usize = 160;
/// How much of a longer name is kept for people.
const KEPT: usize = 100;

/// Checks the name of an entry: any text that is not empty.
///
/// # Errors
/// [`StoreErrorKind::InvalidName`].
pub fn check_name(name: &str) -> Result<&str, StoreError> {
    if name.is_empty() {
        let text = "the name of an entry is empty: name what it is for";
        return Err(StoreError::new(StoreErrorKind::InvalidName, text));
    }
    Ok(name)
}

/// Escapes the name of an entry into a file name or key that every store takes, also one that does
/// not tell `a` from `A`.
///
/// Different names give different keys of at most 160 characters, all of them `a` to `z`, digits and
/// `-_.%~`; none begins with a dot. A long name keeps its beginning, for people, and ends in `~` and
/// a hash.
///
/// ```
/// use access_tokens::rotation::state::{escape_name, unescape_name};
///
/// assert_eq!(escape_name("token/Nightly"), "token%2f%4eightly");
/// assert_eq!(unescape_name("token%2f%4eightly").as_deref(), Some("token/Nightly"));
/// assert_eq!(escape_name("../../etc/passwd"), "%2e.%2f..%2fetc%2fpasswd");
/// ```
#[must_use]
pub fn escape_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "%{byte:02x}");
            }
        }
    }
    // Hidden, or special as `..` is.
    if out.starts_with('.') {
        out.replace_range(..1, "%2e");
    }
    if out.len() > LONGEST {
        out.truncate(KEPT);
        out.push('~');
        for byte in Sha256::digest(name).iter().take(16) {
            let _ = write!(out, "{byte:02x}");
        }
    }
    out
}

/// Finds the name of which [`escape_name`] made this key; `None` if it made it of no name, or of one
/// that was too long to be kept whole.
#[must_use]
pub fn unescape_name(key: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend(before.bytes());
        bytes.push(u8::from_str_radix(after.get(..2)?, 16).ok()?);
        rest = after.get(2..)?;
    }
    bytes.extend(rest.bytes());
    let name = String::from_utf8(bytes).ok()?;
    (escape_name(&name) == key).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_form_give_file_names_that_can_be_told_apart_and_read_back() {
        assert_eq!(
            escape_name("token/nightly-export"),
            "token%2fnightly-export"
        );
        assert_eq!(escape_name(".."), "%2e.");
        assert_eq!(escape_name("A b~%é\0"), "%41%20b%7e%25%c3%a9%00");
        for name in ["token/x", "..", "A", "a", "a%41", "\u{202e}é\n\0", "x~y"] {
            let file = escape_name(name);
            assert_eq!(unescape_name(&file).as_deref(), Some(name), "{file}");
        }
        for odd in ["%", "%4", "%zz", "%+1", "A", "%61", "a/b", "a~b", ".x"] {
            assert_eq!(unescape_name(odd), None, "{odd}");
        }
    }

    #[test]
    fn long_names_stay_short_readable_and_different() {
        let long = format!("token/{}", "é".repeat(500));
        let (one, other) = (
            escape_name(&(long.clone() + "1")),
            escape_name(&(long + "2")),
        );
        assert_ne!(one, other);
        assert!(
            one.len() < 200 && one.starts_with("token%2f%c3%a9"),
            "{one}"
        );
        assert_eq!(unescape_name(&one), None);
        // A short name cannot be made to look like a long one.
        assert_ne!(escape_name(&one), one);
    }
}
