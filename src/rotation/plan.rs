//! What a rotation is going to do: decided once, shown, kept, and only then done.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::builder::Rotation;
use super::entry::millis;
use super::error::{Error, ErrorKind};
use super::outcome::Rotated;
use crate::service::TokenKey;
use crate::text::escape_untrusted;
use crate::time::{Expiry, UnixMillis};

/// The decisions, as they are kept in plans and journals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Outline {
    pub(super) service: String,
    pub(super) account: Option<String>,
    pub(super) key: TokenKey,
    pub(super) name: Option<String>,
    pub(super) revision: String,
    pub(super) method: Method,
    pub(super) grace: Option<Duration>,
    pub(super) lifetime: Lifetime,
    pub(super) old_end: Option<UnixMillis>,
    pub(super) own: Own,
    pub(super) verify: Checks,
    pub(super) sinks: Vec<String>,
}

impl Outline {
    /// What stands for the token.
    pub(super) fn slot(&self) -> String {
        let account = self.account.as_deref().unwrap_or_default();
        format!("{}/{account}/{}", self.service, self.key.as_str())
    }

    /// Whether the old secret goes on working until the old token is retired, so that a failed
    /// rotation can be taken back.
    pub(super) fn keeps_old(&self) -> bool {
        matches!(self.method, Method::NewToken | Method::NewName(_))
    }

    /// Whether whoever uses the token has no secret that works for a moment.
    pub(super) fn has_gap(&self) -> bool {
        match self.method {
            Method::InPlace => true,
            Method::Reset => self.grace.is_none(),
            Method::NewToken | Method::NewName(_) => false,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Method {
    NewToken,
    NewName(String),
    InPlace,
    Reset,
}

/// How long the successor lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Lifetime {
    AsTheOld,
    At(UnixMillis),
    In(Duration),
    Never,
}

impl Lifetime {
    pub(super) fn of(expiry: Expiry) -> Self {
        match expiry {
            Expiry::At(time) => Self::At(millis(time)),
            Expiry::In(time) => Self::In(time),
            Expiry::Never => Self::Never,
        }
    }

    pub(super) fn expiry(self) -> Option<Expiry> {
        match self {
            Self::AsTheOld => None,
            Self::At(time) => Some(time.to_system_time().map_or(Expiry::Never, Expiry::At)),
            Self::In(time) => Some(Expiry::In(time)),
            Self::Never => Some(Expiry::Never),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Own {
    Yes,
    No,
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Checks {
    Skip,
    Authenticate,
    AuthenticateAndCustom,
}

/// One step of a [`Plan`], and the calls that it makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PlannedStep {
    /// What is done.
    pub what: String,
    /// The operations that are called for it, by their `operationId`, in order.
    pub calls: Vec<String>,
    /// Whether it is left to [`finish`](Rotation::finish).
    pub later: bool,
}

/// What a rotation is going to do, decided for the token as it is now.
///
/// `Display` shows it to people: every call, and everything that is taken for granted. It is
/// serialisable and holds no secret; one that comes from elsewhere runs after
/// [`Rotation::with_plan`] has given it a service and sinks. A plan whose token has changed since
/// is refused.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[must_use = "nothing is done before the plan is run"]
pub struct Plan {
    pub(super) outline: Outline,
    pub(super) steps: Vec<PlannedStep>,
    /// What is called if the rotation is given up on the way.
    pub(super) undo: Vec<PlannedStep>,
    pub(super) assumptions: Vec<String>,
    #[serde(skip)]
    pub(super) rotation: Option<Rotation>,
}

impl Plan {
    /// The token to rotate.
    #[must_use]
    pub fn key(&self) -> &TokenKey {
        &self.outline.key
    }

    /// What is done if nothing goes wrong, in order.
    #[must_use]
    pub fn steps(&self) -> &[PlannedStep] {
        &self.steps
    }

    /// The calls that [`run`](Self::run) makes if nothing goes wrong and nothing is repeated, in
    /// order.
    #[must_use]
    pub fn calls(&self) -> Vec<&str> {
        let now = self.steps.iter().filter(|step| !step.later);
        let calls = now.flat_map(|step| &step.calls);
        calls.map(String::as_str).collect()
    }

    /// What is done if the rotation is given up before the old token is retired.
    #[must_use]
    pub fn undo_steps(&self) -> &[PlannedStep] {
        &self.undo
    }

    /// What is taken for granted, and what there is to know.
    #[must_use]
    pub fn assumptions(&self) -> &[String] {
        &self.assumptions
    }

    /// Rotates the token.
    ///
    /// # Errors
    /// [`ErrorKind::Stale`] if the token changed since the plan was made,
    /// [`ErrorKind::InProgress`] if another rotation of it is not finished, and whatever goes wrong
    /// on the way: [`Error::state`] says how things stand then.
    pub async fn run(&self) -> Result<Rotated, Error> {
        let Some(rotation) = &self.rotation else {
            let error = Error::new(self.key(), ErrorKind::WrongPlan);
            return Err(error.with_text("it has no service; use Rotation::with_plan"));
        };
        rotation.run(&self.outline).await
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outline = &self.outline;
        write!(f, "Rotation of {} on {}", outline.key, outline.service)?;
        if let Some(account) = &outline.account {
            write!(f, " ({})", escape_untrusted(account, usize::MAX))?;
        }
        writeln!(f)?;
        if let Some(name) = outline
            .name
            .as_deref()
            .filter(|n| *n != outline.key.as_str())
        {
            writeln!(f, "  named \"{}\"", escape_untrusted(name, usize::MAX))?;
        }
        let all = self.steps.iter().chain(&self.undo);
        let width = all.map(|step| step.what.chars().count()).max().unwrap_or(0);
        for (number, step) in self.steps.iter().enumerate() {
            let calls = step.calls.join(", ");
            let line = format!("  {:>2}  {:width$}  {calls}", number + 1, step.what);
            writeln!(f, "{}", line.trim_end())?;
        }
        if !self.undo.is_empty() {
            writeln!(f, "If a delivery or check fails:")?;
        }
        for step in &self.undo {
            let line = format!("   -  {:width$}  {}", step.what, step.calls.join(", "));
            writeln!(f, "{}", line.trim_end())?;
        }
        if !self.assumptions.is_empty() {
            writeln!(f, "To know:")?;
        }
        for text in &self.assumptions {
            writeln!(f, "   -  {text}")?;
        }
        Ok(())
    }
}
