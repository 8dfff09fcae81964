//! File names made of what services call a token.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// Name of a file for a token, safe whatever the key is: no path, nothing hidden, nothing that a file
/// system has another use for.
///
/// Different keys have different names, also where a file system does not tell `a` from `A`. Letters
/// in lower case, digits, `-`, `_` and most dots stay as they are; everything else becomes `%` and
/// two digits, and a long key is cut and told apart by a hash.
///
/// ```
/// use access_tokens::rotation::sink::{FileSink, file_name};
///
/// assert_eq!(file_name("nightly-export"), "nightly-export");
/// assert_eq!(file_name("../etc/app.conf"), "%2e.%2fetc%2fapp.conf");
///
/// let sink = FileSink::new(std::path::Path::new("/run/secrets").join(file_name("Edge EU")));
/// # drop(sink);
/// ```
#[must_use]
pub fn file_name(key: &str) -> String {
    /// What is put after it must fit as well.
    const LONGEST: usize = 160;
    const KEPT: usize = 100;

    let mut name = String::with_capacity(key.len());
    let last = key.len().saturating_sub(1);
    for (at, byte) in key.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            // Neither hidden nor cut off.
            b'.' if at > 0 && at < last => name.push('.'),
            _ => {
                let _ = write!(name, "%{byte:02x}");
            }
        }
    }
    if name.is_empty() {
        name.push('%');
    }
    if is_reserved(&name) {
        let first = name.remove(0);
        name = format!("%{:02x}{name}", u32::from(first));
    }
    if name.len() > LONGEST {
        name.truncate(KEPT);
        name.push('~');
        for byte in Sha256::digest(key).iter().take(16) {
            let _ = write!(name, "{byte:02x}");
        }
    }
    name
}

/// What Windows takes for a device, with whatever ending.
fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    let numbered = |prefix| {
        let rest: Option<&str> = stem.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.len() == 1 && rest.bytes().all(|b| b.is_ascii_digit()))
    };
    matches!(stem, "con" | "prn" | "aux" | "nul") || numbered("com") || numbered("lpt")
}
