//! What a policy says of a token.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Verdict of a [`RotationPolicy`](crate::RotationPolicy) on a token: due now, not yet, or unknown.
///
/// As JSON it has the members `due` (`"now"`, `"not_yet"` or `"unknown"`) and `reason`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "due", content = "reason", rename_all = "snake_case")]
pub enum Due {
    /// The token is due: all rules that ask for it.
    Now(Reason),
    /// No rule asks for it: how all of them stand.
    NotYet(Reason),
    /// No rule asks for it as far as can be told, but at least one lacks a fact that the service
    /// does not report: which.
    Unknown(Reason),
}

impl Due {
    /// Whether the token is certainly due.
    #[must_use]
    pub fn is_now(&self) -> bool {
        matches!(self, Self::Now(_))
    }

    /// Why the token is due or not.
    #[must_use]
    pub fn reason(&self) -> &Reason {
        match self {
            Self::Now(reason) | Self::NotYet(reason) | Self::Unknown(reason) => reason,
        }
    }
}

/// `due: …`, `not due: …` or `unknown: …` with the reason.
impl fmt::Display for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self {
            Self::Now(_) => "due",
            Self::NotYet(_) => "not due",
            Self::Unknown(_) => "unknown",
        };
        f.pad(&format!("{verdict}: {}", self.reason()))
    }
}

/// Reason why a token is due or not, in words for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reason(pub(super) String);

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
