//! Evidence: what was decided and done, by whom, when and why.

mod json_lines;

use std::fmt;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::service::TokenKey;
use futures_core::future::BoxFuture;

pub use self::json_lines::JsonLines;
use super::record::Stamp;

/// What happened to a managed token. It holds no secret.
///
/// As JSON its fields are stable: new ones may come, none changes its meaning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Event {
    /// When, by the keeper's clock.
    #[serde(with = "stamp")]
    pub at: SystemTime,
    /// The managed token's name.
    pub token: String,
    /// The service.
    pub service: String,
    /// The account's label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The tick, by an id of its own.
    pub runner: String,
    /// What was done, such as `created`, `delivered`, `rotated`, `deleted`, `failed`.
    pub action: String,
    /// The token that it was done to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<TokenKey>,
    /// The token before, for a rotation or a roll back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<TokenKey>,
    /// The sink or step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sink: Option<String>,
    /// The cause or the kind of error, by its stable name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// More, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

mod stamp {
    use super::{Stamp, SystemTime};
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &SystemTime, s: S) -> Result<S::Ok, S::Error> {
        let text = Stamp::of(*time).to_string();
        s.serialize_str(&with_millis(&text))
    }

    /// Always three decimals, so that lines sort by their text.
    fn with_millis(text: &str) -> String {
        let Some(seconds) = text.strip_suffix('Z') else {
            return text.to_owned();
        };
        let (seconds, decimals) = seconds.split_once('.').unwrap_or((seconds, ""));
        format!("{seconds}.{decimals:0<3}Z")
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<SystemTime, D::Error> {
        Stamp::deserialize(d).map(Stamp::time)
    }
}

/// Place for evidence.
///
/// A sink that fails stops nothing: the tick goes on, and its report says so.
///
/// ```
/// use std::sync::Mutex;
/// use access_tokens::BoxFuture;
/// use access_tokens::rotation::{Event, EventError, EventSink};
///
/// #[derive(Debug, Default)]
/// struct Collected(Mutex<Vec<Event>>);
///
/// impl EventSink for Collected {
///     fn record<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<(), EventError>> {
///         Box::pin(async {
///             let mut all = self.0.lock().map_err(|_| EventError::new("poisoned"))?;
///             all.push(event.clone());
///             Ok(())
///         })
///     }
/// }
/// ```
pub trait EventSink: fmt::Debug + Send + Sync {
    /// Keeps an event.
    ///
    /// # Errors
    /// If it could not be kept.
    fn record<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<(), EventError>>;
}

/// Reason why an event could not be kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EventError(String);

impl EventError {
    /// An error for this reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}
