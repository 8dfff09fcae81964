//! The JSON object of which one key is ours.

use std::collections::BTreeMap;

use access_tokens::Marker;
use access_tokens::rotation::sink::{Delivery, Holds, SinkError};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::label::Label;

/// Keys and values, each value as it was written: the others' are kept to the digit.
///
/// It holds secrets, so there is no `Debug`.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub(crate) struct Fields(BTreeMap<String, Box<RawValue>>);

/// Where what an attempt left is to be found.
pub(crate) enum Former {
    /// It is there.
    Here,
    /// This version shows it.
    At(String),
}

impl Fields {
    pub(crate) fn holds(&self, key: &str) -> Holds {
        match (self.0.contains_key(key), self.label(key)) {
            (false, _) => Holds::Nothing,
            (true, Some(label)) => Holds::Attempt(label.attempt),
            (true, None) => Holds::Other,
        }
    }

    /// Puts a secret under the key, in the place of what is there at this version.
    pub(crate) fn deliver(
        &mut self,
        key: &str,
        delivery: &Delivery<'_>,
        version: &str,
    ) -> Result<(), SinkError> {
        let attempt = delivery.attempt();
        let label = match self.label(key) {
            Some(label) if label.attempt == *attempt => label,
            Some(old) => Label::new(attempt, (&old.attempt, version), Some(&old)),
            None => Label::new(attempt, (delivery.replaces(), version), None),
        };
        let value = json(delivery.secret().expose_secret())?;
        self.set(key, value, &label)
    }

    /// Where what an attempt left under the key is, if that is known.
    pub(crate) fn former(&self, key: &str, attempt: &Marker) -> Result<Former, SinkError> {
        let label = self.label(key);
        let here = |label: &Label| label.attempt == *attempt;
        if label.as_ref().is_some_and(here) {
            return Ok(Former::Here);
        }
        let version = label.as_ref().and_then(|label| label.former(attempt));
        let version = version.ok_or_else(|| {
            SinkError::not_stored(format!("it does not know what {attempt} left there"))
        })?;
        Ok(Former::At(version.to_owned()))
    }

    /// Puts back what an attempt left under the key, which the earlier object shows, in the place of
    /// what is there at this version.
    pub(crate) fn restore(
        &mut self,
        key: &str,
        attempt: &Marker,
        earlier: &Self,
        version: &str,
    ) -> Result<(), SinkError> {
        let Some(value) = earlier.0.get(key).cloned() else {
            self.0.remove(key);
            self.0.remove(&label_key(key));
            return Ok(());
        };
        // What was there at first had no label; from now on it is told by the attempt's name. The
        // way back to what is taken back now is kept.
        match self.label(key) {
            Some(now) => {
                let label = Label::new(attempt, (&now.attempt, version), Some(&now));
                self.set(key, value, &label)
            }
            None => Ok(()),
        }
    }

    fn label(&self, key: &str) -> Option<Label> {
        let text = self.0.get(&label_key(key))?;
        let text: String = serde_json::from_str(text.get()).ok()?;
        Label::read(&text)
    }

    fn set(&mut self, key: &str, value: Box<RawValue>, label: &Label) -> Result<(), SinkError> {
        let label = json(&label.write())?;
        self.0.insert(key.to_owned(), value);
        self.0.insert(label_key(key), label);
        Ok(())
    }
}

fn json(text: &str) -> Result<Box<RawValue>, SinkError> {
    to_raw_value(text).map_err(|_| SinkError::not_stored("the secret cannot be written as JSON"))
}

fn label_key(key: &str) -> String {
    format!("{key}_attempt")
}
