//! What `WWW-Authenticate` says of an error (RFC 6750).

use http::{HeaderMap, header};

/// The code and the words of the first challenge that has one of them.
pub(super) fn error(headers: &HeaderMap) -> (Option<String>, Option<String>) {
    let challenges = headers.get_all(header::WWW_AUTHENTICATE).into_iter();
    let errors = challenges.map(|challenge| {
        let challenge = String::from_utf8_lossy(challenge.as_bytes());
        let parameters = parameters(&challenge);
        let find = |name: &str| {
            let mut named = parameters.iter();
            let found = named.find(|(other, _)| other.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.clone())
        };
        (find("error"), find("error_description"))
    });
    let mut told = errors.filter(|(code, words)| code.is_some() || words.is_some());
    told.next().unwrap_or_default()
}

/// Names and values: `name=token` and `name="quoted \"string\""`.
fn parameters(challenge: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    let mut rest = challenge;
    while let Some((before, after)) = rest.split_once('=') {
        let name = before.trim_end();
        let name = name.rsplit([' ', '\t', ',']).next().unwrap_or_default();
        let after = after.trim_start();
        let (value, after) = if let Some(quoted) = after.strip_prefix('"') {
            unquoted(quoted)
        } else {
            let end = after.find([' ', '\t', ',']).unwrap_or(after.len());
            let (value, after) = after.split_at(end);
            (value.to_owned(), after)
        };
        rest = after;
        if !value.is_empty() {
            found.push((name, value));
        }
    }
    found
}

/// A string up to the quote that closes it, and what follows.
fn unquoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, text.get(at + 1..).unwrap_or_default()),
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            _ => value.push(c),
        }
    }
    (value, "")
}
