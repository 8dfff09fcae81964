//! File names made of names of entries: the one place where they are escaped.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// Longest escaped name that is written out; with its ending it stays below what any file system
/// takes.
const LONGEST: usize = 160;
/// How much of a longer name is kept for people.
const KEPT: usize = 100;

/// A file name, without its ending, that every file system takes, also one that does not tell `a`
/// from `A`. Different names give different ones: only a longer name has a `~`, and what follows it
/// is taken from a hash of the whole.
pub(super) fn escaped(name: &str) -> String {
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

/// The name of which [`escaped`] made this, if it can be told.
pub(super) fn unescaped(escaped_name: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(escaped_name.len());
    let mut rest = escaped_name;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend(before.bytes());
        bytes.push(u8::from_str_radix(after.get(..2)?, 16).ok()?);
        rest = after.get(2..)?;
    }
    bytes.extend(rest.bytes());
    let name = String::from_utf8(bytes).ok()?;
    (escaped(&name) == escaped_name).then_some(name)
}

/// Which of 256 locks guards the writes of a file. It is the same in every process, and must stay so.
pub(super) fn stripe(escaped_name: &str) -> u8 {
    Sha256::digest(escaped_name).first().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_form_give_file_names_that_can_be_told_apart_and_read_back() {
        assert_eq!(escaped("token/nightly-export"), "token%2fnightly-export");
        assert_eq!(escaped(".."), "%2e.");
        assert_eq!(escaped("A b~%é\0"), "%41%20b%7e%25%c3%a9%00");
        for name in ["token/x", "..", "A", "a", "a%41", "\u{202e}é\n\0", "x~y"] {
            let file = escaped(name);
            assert_eq!(unescaped(&file).as_deref(), Some(name), "{file}");
        }
        for odd in ["%", "%4", "%zz", "%+1", "A", "%61", "a/b", "a~b", ".x"] {
            assert_eq!(unescaped(odd), None, "{odd}");
        }
    }

    #[test]
    fn long_names_stay_short_readable_and_different() {
        let long = format!("token/{}", "é".repeat(500));
        let (one, other) = (escaped(&(long.clone() + "1")), escaped(&(long + "2")));
        assert_ne!(one, other);
        assert!(
            one.len() < 200 && one.starts_with("token%2f%c3%a9"),
            "{one}"
        );
        assert_eq!(unescaped(&one), None);
        // A short name cannot be made to look like a long one.
        assert_ne!(escaped(&one), one);
    }
}
