//! Reports and statuses as JSON, for programs. Names do not change from one version to the next.

use std::time::SystemTime;

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use super::error::Error;
use super::outcome::{Outcome, Report};
use super::record::Stamp;
use super::status::{LastRotation, Status};
use crate::service::TokenKey;

/// A token that may still be used.
#[derive(Serialize)]
struct Previous<'a> {
    key: &'a TokenKey,
    until: Stamp,
}

fn previous(tokens: &[(TokenKey, SystemTime)]) -> Vec<Previous<'_>> {
    tokens
        .iter()
        .map(|(key, until)| Previous {
            key,
            until: Stamp::of(*until),
        })
        .collect()
}

fn stamp(time: Option<SystemTime>) -> Option<Stamp> {
    time.map(Stamp::of)
}

/// An object with `kind`, `message`, `hint`, `needs_person` and `retry_at`.
impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Error", 5)?;
        object.serialize_field("kind", self.kind().as_str())?;
        object.serialize_field("message", self.message())?;
        object.serialize_field("hint", self.hint())?;
        object.serialize_field("needs_person", &self.needs_person())?;
        object.serialize_field("retry_at", &stamp(self.retry_at()))?;
        object.end()
    }
}

/// Its [name](Outcome::as_str).
impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// An object with `token`, `outcome`, `current`, `previous` (each with `key` and `until`), `reason`,
/// `next`, `error` and `warnings`; times as RFC 3339.
impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let reason = match &self.outcome {
            Outcome::Rotated { cause, .. } => Some(cause.as_str()),
            Outcome::Waiting { why, .. } | Outcome::Suspended { why } => Some(why.as_str()),
            _ => None,
        };
        let mut object = serializer.serialize_struct("Report", 8)?;
        object.serialize_field("token", &self.token)?;
        object.serialize_field("outcome", &self.outcome)?;
        object.serialize_field("current", &self.current)?;
        object.serialize_field("previous", &previous(&self.previous))?;
        object.serialize_field("reason", &reason)?;
        object.serialize_field("next", &stamp(self.next()))?;
        object.serialize_field("error", &self.error())?;
        object.serialize_field("warnings", &self.warnings)?;
        object.end()
    }
}

/// An object with `at`, `from`, `to`, `reason` and `detail`.
impl Serialize for LastRotation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("LastRotation", 5)?;
        object.serialize_field("at", &Stamp::of(self.at))?;
        object.serialize_field("from", &self.from)?;
        object.serialize_field("to", &self.to)?;
        object.serialize_field("reason", &self.reason)?;
        object.serialize_field("detail", &self.detail)?;
        object.end()
    }
}

#[derive(Serialize)]
struct Holder<'a> {
    id: &'a str,
    until: Stamp,
}

#[derive(Serialize)]
struct LastError<'a> {
    kind: &'static str,
    message: &'a str,
}

/// An object with a member for each field; times as RFC 3339.
impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let last_error = self.last_error.as_ref().map(|(kind, text)| LastError {
            kind: kind.as_str(),
            message: text,
        });
        let holder = self.holder.as_ref().map(|(id, until)| Holder {
            id,
            until: Stamp::of(*until),
        });
        let mut object = serializer.serialize_struct("Status", 17)?;
        object.serialize_field("token", &self.token)?;
        object.serialize_field("service", &self.service)?;
        object.serialize_field("account", &self.account)?;
        object.serialize_field("current", &self.current)?;
        object.serialize_field("created", &stamp(self.created))?;
        object.serialize_field("expires", &stamp(self.expires))?;
        object.serialize_field("previous", &previous(&self.previous))?;
        object.serialize_field("pending", &self.pending)?;
        object.serialize_field("last_rotation", &self.last_rotation)?;
        object.serialize_field("failing_since", &stamp(self.failing_since))?;
        object.serialize_field("attempts", &self.attempts)?;
        object.serialize_field("last_error", &last_error)?;
        object.serialize_field("needs_person", &self.needs_person)?;
        object.serialize_field("next_attempt", &stamp(self.next_attempt))?;
        object.serialize_field("after_due", &self.after_due)?;
        object.serialize_field("on_hold", &stamp(self.on_hold))?;
        object.serialize_field("holder", &holder)?;
        object.end()
    }
}
