//! The form of `docker run --env-file`: a line is a name, `=` and the value as it stands.

use zeroize::Zeroizing;

use super::Found;

pub(super) fn find(text: &str, key: &str) -> Result<Option<Found>, String> {
    let mut found = None;
    let mut start = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let lines = start..start + line.len();
        start = lines.end;
        let content = line.strip_suffix('\n').unwrap_or(line);
        let content = content.strip_suffix('\r').unwrap_or(content);
        let bare = match content.strip_prefix('\u{feff}') {
            Some(bare) if number == 0 => bare,
            _ => content,
        };
        let bare = bare.trim_start();
        if bare.starts_with('#') {
            continue;
        }
        let name = bare.split('=').next().unwrap_or_default();
        if name.trim_end() != key {
            continue;
        }
        if found.is_some() {
            return Err(format!(
                "line {}: the key is there a second time",
                number + 1
            ));
        }
        if name.len() == bare.len() || name != key {
            return Err(format!(
                "line {}: write the key, `=` and the value, with nothing in between",
                number + 1
            ));
        }
        let value = lines.start + content.len() - bare.len() + name.len();
        found = Some(Found {
            value: value..lines.start + content.len(),
            lines,
        });
    }
    Ok(found)
}

/// What follows the name.
pub(super) fn written(secret: &str) -> Result<Zeroizing<String>, String> {
    if secret.chars().any(char::is_control) || secret.trim() != secret {
        return Err("the secret has line ends or blanks that this form cannot hold".to_owned());
    }
    Ok(Zeroizing::new(format!("={secret}")))
}
