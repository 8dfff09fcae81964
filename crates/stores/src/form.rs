//! The form in which entries are written down outside.

use access_tokens::rotation::state::{StoreError, StoreErrorKind, Stored};
use serde::{Deserialize, Serialize};

/// The form of this version; others are not read.
const FORMAT: u64 = 1;

pub(crate) const OTHER_NAME: &str = "holds the entry of another name: was it copied?";

#[derive(Serialize)]
struct Written<'a> {
    format: u64,
    entry: &'a Stored,
}

#[derive(Deserialize)]
struct Read {
    format: u64,
    #[serde(default)]
    entry: Option<serde_json::Value>,
}

/// The text of an entry. What could not be read back is not written.
pub(crate) fn text(entry: &Stored) -> Result<String, StoreError> {
    let written = Written {
        format: FORMAT,
        entry,
    };
    let text = serde_json::to_string(&written).ok();
    let text = text.filter(|text| self::entry(text.as_bytes(), &entry.name).is_ok());
    text.ok_or_else(|| {
        let text = format!(
            "{:?} cannot be stored: its body cannot be read back",
            entry.name
        );
        StoreError::new(StoreErrorKind::NotWritten, text)
    })
}

/// The entry in a text, which has to be of this name unless that is empty.
pub(crate) fn entry(text: &[u8], name: &str) -> Result<Stored, &'static str> {
    const DAMAGED: &str = "is damaged: it holds no entry";
    let read: Read = serde_json::from_slice(text).map_err(|_| DAMAGED)?;
    if read.format != FORMAT {
        return Err("was written by another version of this software");
    }
    let entry: Stored = serde_json::from_value(read.entry.ok_or(DAMAGED)?).map_err(|_| DAMAGED)?;
    if !name.is_empty() && entry.name != name {
        return Err(OTHER_NAME);
    }
    Ok(entry)
}

pub(crate) fn unreadable(place: &str, why: &str) -> StoreError {
    let text = format!(
        "{place} {why}: put it back from a backup, or remove it as unreadable and adopt its token again"
    );
    StoreError::new(StoreErrorKind::Unreadable, text)
}
