//! File names and keys made of any text: the one place where they are escaped.

use std::fmt::Write as _;

use hmac_sha256::Hash;

/// Longest escaped name that is written out; with an ending it stays below what any file system
/// takes.
const LONGEST: usize = 160;
/// How much of a longer name is kept for people.
const KEPT: usize = 100;

/// Escapes any text, such as the key of a token, into a name that every file system and store takes,
/// also one that does not tell `a` from `A`: no path, nothing hidden, nothing that a system has
/// another use for.
///
/// Different texts give different names of at most 160 characters, all of them `a` to `z`, digits
/// and `-_.%~`. A long text keeps its beginning, for people, and ends in `~` and a hash.
///
/// ```
/// use access_tokens::rotation::sink::{FileSink, escape_name};
///
/// assert_eq!(escape_name("nightly-export"), "nightly-export");
/// assert_eq!(escape_name("token/Nightly"), "token%2f%4eightly");
/// assert_eq!(escape_name("../../etc/passwd"), "%2e.%2f..%2fetc%2fpasswd");
///
/// let sink = FileSink::new(std::path::Path::new("/run/secrets").join(escape_name("Edge EU")));
/// # drop(sink);
/// ```
#[must_use]
pub fn escape_name(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (last, device) = (text.len().saturating_sub(1), end_of_device(text));
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if device == Some(at) => escape(&mut out, byte),
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => out.push(char::from(byte)),
            // Neither hidden nor cut off.
            b'.' if at > 0 && at < last => out.push('.'),
            _ => escape(&mut out, byte),
        }
    }
    if out.is_empty() {
        out.push('%');
    }
    if out.len() > LONGEST {
        out.truncate(KEPT);
        out.push('~');
        for byte in Hash::hash(text.as_bytes()).iter().take(16) {
            let _ = write!(out, "{byte:02x}");
        }
    }
    out
}

fn escape(out: &mut String, byte: u8) {
    let _ = write!(out, "%{byte:02x}");
}

/// Where the name ends that Windows takes for a device, with whatever ending.
fn end_of_device(text: &str) -> Option<usize> {
    let stem = text.split('.').next().unwrap_or_default();
    let numbered = |prefix| {
        let rest: Option<&str> = stem.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.len() == 1 && rest.bytes().all(|b| b.is_ascii_digit()))
    };
    let device =
        matches!(stem, "con" | "prn" | "aux" | "nul") || numbered("com") || numbered("lpt");
    device.then(|| stem.len().saturating_sub(1))
}

/// Finds the text of which [`escape_name`] made this name; `None` if it made it of none, or of one
/// that was too long to be kept whole.
///
/// ```
/// use access_tokens::rotation::state::unescape_name;
///
/// assert_eq!(unescape_name("token%2f%4eightly").as_deref(), Some("token/Nightly"));
/// assert_eq!(unescape_name("Nightly"), None);
/// ```
#[must_use]
pub fn unescape_name(name: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend(before.bytes());
        bytes.push(u8::from_str_radix(after.get(..2)?, 16).ok()?);
        rest = after.get(2..)?;
    }
    bytes.extend(rest.bytes());
    let text = String::from_utf8(bytes).ok()?;
    (escape_name(&text) == name).then_some(text)
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
        assert_eq!(escape_name(".."), "%2e%2e");
        assert_eq!(escape_name(""), "%");
        // Devices of Windows, and what only looks like one.
        assert_eq!(escape_name("con"), "co%6e");
        assert_eq!(escape_name("lpt1.old.txt"), "lpt%31.old.txt");
        assert_eq!(escape_name("console.nul"), "console.nul");
        assert_eq!(escape_name("A b~%é\0"), "%41%20b%7e%25%c3%a9%00");
        for name in [
            "token/x",
            "..",
            "x.",
            "nul",
            "com1.txt",
            "A",
            "a",
            "a%41",
            "\u{202e}é\n\0",
            "x~y",
        ] {
            let file = escape_name(name);
            assert_eq!(unescape_name(&file).as_deref(), Some(name), "{file}");
        }
        for odd in [
            "%", "%4", "%zz", "%+1", "A", "%61", "a/b", "a~b", ".x", "x.", "con", "nul.txt",
        ] {
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
