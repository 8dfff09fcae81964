//! What came of a tick.

use std::fmt;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::error::Error;
use crate::service::TokenKey;
use crate::text::escape_untrusted;
use crate::time::rfc3339;

/// Why a token was rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// A rule of the policy asked for it.
    Policy,
    /// Somebody asked for it.
    Requested,
    /// The token may be known to somebody who should not.
    Suspected,
    /// There was none yet.
    First,
    /// A sink was added to the declaration.
    Config,
    /// A sink was found empty.
    Missing,
    /// A sink held another token of the same entry.
    Drift,
    /// An earlier rotation could not be finished or taken back everywhere.
    Repair,
    /// The token was gone at the service.
    Gone,
    /// An unfinished rotation turned out to have arrived everywhere.
    Resumed,
}

impl Cause {
    /// The name in records, events and reports. It is stable.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Requested => "requested",
            Self::Suspected => "suspected",
            Self::First => "first",
            Self::Config => "config",
            Self::Missing => "missing",
            Self::Drift => "drift",
            Self::Repair => "repair",
            Self::Gone => "gone",
            Self::Resumed => "resumed",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What came of one tick of one managed token.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use = "it may say that something failed"]
pub struct Report {
    /// The name of the managed token.
    pub token: String,
    /// What was done, or why nothing was.
    pub outcome: Outcome,
    /// The token that consumers should use.
    pub current: Option<TokenKey>,
    /// Tokens that consumers may still use, and until when; the oldest first.
    pub previous: Vec<(TokenKey, SystemTime)>,
    /// Why a step after the delivery failed, beside an outcome that is none: the new token is in
    /// place, and the previous one stays.
    pub after: Option<Error>,
    /// What somebody should know although nothing failed.
    pub warnings: Vec<String>,
}

/// What a tick did, or why it did nothing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// Another runner is at work on it, until this time at the latest unless it goes on.
    Busy {
        /// When its lease ends.
        until: Option<SystemTime>,
    },
    /// Nothing is due.
    NotDue {
        /// When the policy asks for a rotation, if that is known.
        next: Option<SystemTime>,
    },
    /// Something is due that has to wait.
    Waiting {
        /// Until when, if that is known.
        until: Option<SystemTime>,
        /// What for.
        why: String,
    },
    /// Nothing is done, as somebody wants it.
    Suspended {
        /// Who says so.
        why: String,
    },
    /// A new token is delivered everywhere.
    Rotated {
        /// The token that it follows; `None` if there is none to follow, since it is the first one or the
        /// one before is gone.
        from: Option<TokenKey>,
        /// The new token.
        to: TokenKey,
        /// Why.
        cause: Cause,
        /// The rule, or who asked for it, in words.
        detail: String,
    },
    /// What an earlier tick had left unfinished is finished, or taken back.
    Resumed,
    /// Tokens are deleted whose time was over.
    Retired {
        /// Which.
        keys: Vec<TokenKey>,
    },
    /// The former token is the current one again, in every sink.
    RolledBack {
        /// The token that was given up.
        from: TokenKey,
        /// The former token.
        to: TokenKey,
    },
    /// It did not go through.
    Failed(Error),
}

impl Outcome {
    /// The name in events and reports, such as `not_due`. It is stable.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Busy { .. } => "busy",
            Self::NotDue { .. } => "not_due",
            Self::Waiting { .. } => "waiting",
            Self::Suspended { .. } => "suspended",
            Self::Rotated { .. } => "rotated",
            Self::Resumed => "resumed",
            Self::Retired { .. } => "retired",
            Self::RolledBack { .. } => "rolled_back",
            Self::Failed(_) => "failed",
        }
    }
}

impl Report {
    pub(crate) fn new(token: &str, outcome: Outcome) -> Self {
        Self {
            token: token.to_owned(),
            outcome,
            current: None,
            previous: Vec::new(),
            after: None,
            warnings: Vec::new(),
        }
    }

    pub(crate) fn failed(error: Error) -> Self {
        let token = error.token().to_owned();
        Self::new(&token, Outcome::Failed(error))
    }

    /// The same tick, once the steps after the delivery were taken too.
    pub(crate) fn followed_by(self, then: Self) -> Self {
        let quiet = matches!(
            self.outcome,
            Outcome::NotDue { .. } | Outcome::Waiting { .. } | Outcome::Suspended { .. }
        );
        let mut warnings = self.warnings;
        warnings.extend(
            then.warnings
                .iter()
                .filter(|w| !warnings.contains(w))
                .cloned()
                .collect::<Vec<_>>(),
        );
        if quiet {
            return Self { warnings, ..then };
        }
        Self {
            after: then.error().cloned(),
            outcome: self.outcome,
            warnings,
            ..then
        }
    }

    /// What failed, be it the tick or a step after a delivery.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        match &self.outcome {
            Outcome::Failed(error) => Some(error),
            _ => self.after.as_ref(),
        }
    }

    /// When something is to happen next, if that is known.
    #[must_use]
    pub fn next(&self) -> Option<SystemTime> {
        match &self.outcome {
            Outcome::NotDue { next: at }
            | Outcome::Waiting { until: at, .. }
            | Outcome::Busy { until: at } => *at,
            Outcome::Failed(error) => error.retry_at(),
            _ => self.previous.iter().map(|(_, until)| *until).min(),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let until =
            |time: &Option<SystemTime>| time.map(rfc3339).map(|time| format!(" until {time}"));
        match self {
            Self::Busy { until: at } => {
                write!(
                    f,
                    "busy: another runner holds it{}",
                    until(at).unwrap_or_default()
                )
            }
            Self::NotDue { next: None } => f.write_str("not due"),
            Self::NotDue { next: Some(next) } => write!(f, "not due before {}", rfc3339(*next)),
            Self::Waiting { until: at, why } => {
                write!(f, "waiting{}: {why}", until(at).unwrap_or_default())
            }
            Self::Suspended { why } => write!(f, "suspended: {why}"),
            Self::Rotated {
                from,
                to,
                cause,
                detail,
            } => {
                match from {
                    Some(from) => write!(f, "rotated: {from} is followed by {to}")?,
                    None => write!(f, "rotated: {to} is the first one")?,
                }
                write!(f, " ({cause}: {})", escape_untrusted(detail, 200))
            }
            Self::Resumed => f.write_str("resumed: nothing is unfinished any more"),
            Self::Retired { keys } => {
                let keys: Vec<_> = keys.iter().map(ToString::to_string).collect();
                write!(f, "retired: {}", keys.join(", "))
            }
            Self::RolledBack { from, to } => write!(f, "rolled back: {to} again, after {from}"),
            Self::Failed(error) => write!(f, "failed: {error}"),
        }
    }
}

/// One line, and one for each thing to know.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}",
            escape_untrusted(&self.token, 200),
            self.outcome
        )?;
        if let Some(error) = &self.after {
            write!(f, "\n  after: {error}")?;
        }
        for warning in &self.warnings {
            write!(f, "\n  note: {warning}")?;
        }
        Ok(())
    }
}
