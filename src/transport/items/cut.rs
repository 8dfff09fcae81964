//! JSON of which there is more to come.

use serde::de::{Deserialize, IgnoredAny};

/// What of it is text, and whether the rest is only cut.
pub(super) fn text_of(bytes: &[u8]) -> (&str, bool) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text, true),
        Err(error) => {
            let text = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let cut = error.error_len().is_none();
            (std::str::from_utf8(text).unwrap_or_default(), cut)
        }
    }
}

/// The value that these bytes begin with, and where it ends; `None` if there is more of it to come.
pub(super) fn value<'a, T: Deserialize<'a>>(
    json: serde_json::Deserializer<impl serde_json::de::Read<'a>>,
    bytes: &[u8],
) -> Option<serde_json::Result<(T, usize)>> {
    let mut json = json.into_iter();
    match json.next()? {
        // A number may go on.
        Ok(_) if json.byte_offset() == bytes.len() => None,
        Ok(value) => Some(Ok((value, json.byte_offset()))),
        Err(error) if error.is_eof() => None,
        // Of a number that is passed over, what is cut is not told from what is wrong.
        Err(_) if matches!(bytes.last(), Some(b'-' | b'+' | b'.' | b'e' | b'E')) => None,
        Err(error) => Some(Err(error)),
    }
}

/// The next byte that is no space, and where it is.
pub(super) fn past_space(bytes: &[u8]) -> Option<(u8, usize)> {
    let at = bytes.iter().position(|byte| !b" \t\r\n".contains(byte))?;
    Some((*bytes.get(at)?, at))
}

/// What stands before the first item, with the bracket: `None` if there is more of it to come, and
/// `Some(None)` if no items follow.
#[expect(clippy::option_option, reason = "more to come, or nothing")]
pub(super) fn head(member: Option<&str>, bytes: &[u8]) -> Option<Option<usize>> {
    let ahead = |at: usize| bytes.get(at..).unwrap_or_default();
    let json = |at: usize| serde_json::Deserializer::from_slice(ahead(at));
    // Where it goes on behind this byte, if that is what is next.
    let expect = |byte: u8, at: usize| {
        let (next, space) = past_space(ahead(at))?;
        Some((next == byte).then(|| at.saturating_add(space).saturating_add(1)))
    };
    let Some(member) = member else {
        return expect(b'[', 0);
    };
    let mut next = b'{';
    let mut at = 0_usize;
    loop {
        let Some(name) = expect(next, at)? else {
            return Some(None);
        };
        let Ok((text, used)) = value::<String>(json(name), ahead(name))? else {
            return Some(None);
        };
        let Some(behind) = expect(b':', name.saturating_add(used))? else {
            return Some(None);
        };
        if text == member {
            return expect(b'[', behind);
        }
        let Ok((IgnoredAny, used)) = value(json(behind), ahead(behind))? else {
            return Some(None);
        };
        at = behind.saturating_add(used);
        next = b',';
    }
}
