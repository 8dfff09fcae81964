//! The JSON object in a secret, of which one key is ours.

use std::collections::BTreeMap;

use access_tokens::Secret;
use access_tokens::rotation::sink::Holds;
use serde_json::value::{RawValue, to_raw_value};

use crate::label::Label;

/// Keys and values, each value as it was written: the others' are kept to the digit.
///
/// It holds secrets, so there is no `Debug`.
pub(super) struct Fields(BTreeMap<String, Box<RawValue>>);

impl Fields {
    pub(super) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().map(Self)
    }

    pub(super) fn write(&self) -> Option<Secret> {
        serde_json::to_string(&self.0).ok().map(Secret::new)
    }

    pub(super) fn label(&self, key: &str) -> Option<Label> {
        let text = self.0.get(&label_key(key))?;
        let text: String = serde_json::from_str(text.get()).ok()?;
        Label::read(&text)
    }

    pub(super) fn holds(&self, key: &str) -> Holds {
        match (self.0.contains_key(key), self.label(key)) {
            (false, _) => Holds::Nothing,
            (true, Some(label)) => Holds::Attempt(label.attempt),
            (true, None) => Holds::Other,
        }
    }

    pub(super) fn value(&self, key: &str) -> Option<Box<RawValue>> {
        self.0.get(key).cloned()
    }

    pub(super) fn set(&mut self, key: &str, value: Box<RawValue>, label: &Label) -> Option<()> {
        let label = to_raw_value(&label.write()).ok()?;
        self.0.insert(key.to_owned(), value);
        self.0.insert(label_key(key), label);
        Some(())
    }

    pub(super) fn remove(&mut self, key: &str) {
        self.0.remove(key);
        self.0.remove(&label_key(key));
    }
}

fn label_key(key: &str) -> String {
    format!("{key}_attempt")
}
