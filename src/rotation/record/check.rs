//! Whether a record makes sense. One that does not is refused before anything is done.

use super::{FORMAT, Record};
use crate::marker::Marker;

/// What is wrong with a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InvalidRecord(pub(crate) String);

impl Record {
    /// Reads a record.
    pub(crate) fn read(body: &serde_json::Value) -> Result<Self, InvalidRecord> {
        use serde::Deserialize as _;
        let format = body.get("format").and_then(serde_json::Value::as_u64);
        match format {
            Some(format) if format == u64::from(FORMAT) => {}
            Some(newer) if newer > u64::from(FORMAT) => {
                return Err(InvalidRecord(format!(
                    "it has format {newer}, which a newer version wrote; update this one"
                )));
            }
            _ => {
                return Err(InvalidRecord(
                    "it is no record of a managed token".to_owned(),
                ));
            }
        }
        // The words of serde could quote what somebody put there.
        let record = Self::deserialize(body)
            .map_err(|_| InvalidRecord("a field is missing or of another type".to_owned()))?;
        record.makes_sense().map_err(InvalidRecord)?;
        Ok(record)
    }

    fn makes_sense(&self) -> Result<(), String> {
        let tokens: Vec<_> = self.tokens().collect();
        for (place, token) in tokens.iter().enumerate() {
            let mut rest = tokens.iter().skip(place + 1);
            if rest.any(|other| other.key == token.key || other.mark == token.mark) {
                return Err(format!("it names the token {} twice", token.key));
            }
            let above = |number| number > self.counter;
            if self.is_own(&token.mark) && token.mark.number().is_none_or(above) {
                return Err(format!("its counter is behind the token {}", token.key));
            }
            if token.key.as_str().is_empty() {
                return Err("it names a token without a key".to_owned());
            }
        }
        let under_way = self.attempt.iter().map(|attempt| attempt.number);
        let mut numbers = under_way.chain(self.lost.iter().map(|lost| lost.number));
        if numbers.any(|number| number == 0 || number > self.counter) {
            return Err("its counter is behind an attempt".to_owned());
        }
        if self.attempt.is_some() && self.pending.is_some() {
            return Err("it has an attempt and its token at once".to_owned());
        }
        if let Some(target) = &self.target {
            let mut known = tokens.iter().filter(|token| !self.doomed.contains(token));
            if !known.any(|token| token.mark == target.mark) {
                return Err("it rolls back to a token that it does not name".to_owned());
            }
        }
        let ids = self.sinks.iter().enumerate();
        for (place, sink) in ids {
            let mut rest = self.sinks.iter().skip(place + 1);
            if rest.any(|other| other.id == sink.id) {
                return Err("it names a sink twice".to_owned());
            }
            let doomed = |mark: &Marker| self.doomed.iter().any(|token| token.mark == *mark);
            if sink.holds.as_ref().is_some_and(doomed) {
                return Err("a sink holds a token that is to be deleted".to_owned());
            }
        }
        Ok(())
    }
}
