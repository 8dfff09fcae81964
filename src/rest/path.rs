//! Where a call goes: ids and names become exactly one segment each, or nothing is sent.

use crate::error::{Error, Result};

/// The segments of an operation's path, none of which leads anywhere else.
pub(super) fn segments(
    template: &'static str,
    mut given: Vec<(&'static str, String)>,
    bad: &dyn Fn(&'static str, &str) -> Error,
) -> Result<Vec<String>> {
    let template = template.strip_prefix('/');
    let template = template.ok_or_else(|| bad("path", "of this operation must begin with /"))?;
    let mut path = Vec::new();
    for part in template.split('/') {
        let name = part
            .strip_prefix('{')
            .and_then(|part| part.strip_suffix('}'));
        let Some(name) = name else {
            if part.contains(['{', '}', '?', '#', '%', '\\']) || only_dots(part) {
                let rule = "of this operation must be made of plain segments and {names}";
                return Err(bad("path", rule));
            }
            path.push(part.to_owned());
            continue;
        };
        let place = given.iter().position(|(given, _)| *given == name);
        let place = place.ok_or_else(|| bad(name, "is missing in the path of this call"))?;
        let (_, value) = given.swap_remove(place);
        if value.is_empty() || value.len() > MOST {
            return Err(bad(
                name,
                "must have 1 to 256 bytes, to be a segment of the path",
            ));
        }
        // Also escaped they could be taken for what they stand for, by a server further in.
        if value.contains(['/', '\\']) || value.contains(char::is_control) || only_dots(&value) {
            let rule = "would lead to another path: it must hold no slash, backslash or control \
                        character, and more than dots";
            return Err(bad(name, rule));
        }
        path.push(value);
    }
    match given.first() {
        Some((name, _)) => Err(bad(name, "has no place in the path of this operation")),
        None => Ok(path),
    }
}

/// The longest id or name in a path, in bytes.
const MOST: usize = 256;

fn only_dots(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte == b'.')
}
