//! Small things in the form that the service gives them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::message::Answer;

pub(super) const NEWEST_API_VERSION: u32 = 20_240_415;
/// The versions a token can be given.
pub(super) const API_VERSIONS: [u32; 3] = [NEWEST_API_VERSION, 20_191_212, 20_160_426];

/// Milliseconds since the epoch.
pub(super) fn millis(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
    }
}

pub(super) fn from_millis(millis: u64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_millis(millis))
}

pub(super) fn error(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(status, &json!({"code": code, "message": message}))
}

pub(super) fn invalid(message: &str) -> Answer {
    error(400, "invalid_request", message)
}

pub(super) fn link(href: &str) -> Value {
    json!({"href": href, "type": "application/json"})
}
