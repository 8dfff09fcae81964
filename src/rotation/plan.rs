//! What a tick would do: a dry run.

use std::fmt;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::outcome::Cause;
use super::record::Stamp;
use crate::service::TokenKey;
use crate::text::escape_untrusted;

/// What a tick would do now: decided by the same code, from the same facts, and not done.
///
/// `Display` shows it to people: every call, and everything that there is to know. It can be
/// serialised, and holds no secret. It is no promise: a tick decides anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Plan {
    /// The managed token's name.
    pub token: String,
    /// The service.
    pub service: String,
    /// The account's label.
    pub account: Option<String>,
    /// The token that consumers should use; `None` if there is none yet.
    pub current: Option<TokenKey>,
    /// What comes of a tick now.
    pub verdict: Verdict,
    /// Why.
    pub why: String,
    /// What is done if nothing goes wrong, in order.
    pub steps: Vec<PlannedStep>,
    /// What there is to know.
    pub notes: Vec<String>,
    /// When the policy asks for a rotation, or when what is waited for is over.
    #[serde(with = "stamp")]
    pub next: Option<SystemTime>,
}

/// What a tick would come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// A rotation, for this cause.
    Rotate(Cause),
    /// Something unfinished is finished or taken back, or something whose time is over is deleted.
    Tidy,
    /// Nothing is due.
    NotDue,
    /// Something has to wait.
    Wait,
    /// Another runner is at work.
    Busy,
    /// Nothing is done, as somebody wants it.
    Suspended,
}

impl Verdict {
    /// The name in reports. It is stable.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rotate(_) => "rotate",
            Self::Tidy => "tidy",
            Self::NotDue => "not_due",
            Self::Wait => "wait",
            Self::Busy => "busy",
            Self::Suspended => "suspended",
        }
    }
}

/// Step of a [`Plan`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PlannedStep {
    /// What is done.
    pub what: String,
    /// The operations that are called for it, by their `operationId`, in order.
    pub calls: Vec<String>,
    /// Whether a later tick does it.
    pub later: bool,
}

impl PlannedStep {
    pub(crate) fn new(what: impl Into<String>, calls: &[&[&str]]) -> Self {
        Self {
            what: what.into(),
            calls: calls
                .iter()
                .flat_map(|calls| calls.iter())
                .map(|call| (*call).to_owned())
                .collect(),
            later: false,
        }
    }

    pub(crate) fn later(mut self, later: bool) -> Self {
        self.later = later;
        self
    }
}

impl Plan {
    /// The calls that the tick would make from here on, if nothing goes wrong, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<&str> {
        let now = self.steps.iter().filter(|step| !step.later);
        now.flat_map(|step| &step.calls)
            .map(String::as_str)
            .collect()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |text: &str| escape_untrusted(text, 200);
        write!(f, "{} on {}", shown(&self.token), self.service)?;
        if let Some(account) = &self.account {
            write!(f, " ({})", shown(account))?;
        }
        match &self.current {
            Some(key) => writeln!(f, ", now {key}")?,
            None => writeln!(f, ", no token yet")?,
        }
        write!(f, "  {}: {}", self.verdict.as_str(), shown(&self.why))?;
        match self.next {
            Some(next) => writeln!(f, " ({})", Stamp::of(next))?,
            None => writeln!(f)?,
        }
        let width = self
            .steps
            .iter()
            .map(|step| step.what.chars().count())
            .max()
            .unwrap_or(0);
        for (number, step) in self.steps.iter().enumerate() {
            let line = format!(
                "  {:>2}  {:width$}  {}",
                number + 1,
                step.what,
                step.calls.join(", ")
            );
            writeln!(f, "{}", line.trim_end())?;
        }
        for note in &self.notes {
            writeln!(f, "   -  {}", shown(note))?;
        }
        Ok(())
    }
}

mod stamp {
    use super::{Stamp, SystemTime};
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    #[expect(clippy::ref_option, reason = "serde's form")]
    pub(super) fn serialize<S: Serializer>(
        time: &Option<SystemTime>,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        time.map(Stamp::of).serialize(s)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Option<SystemTime>, D::Error> {
        Ok(Option::<Stamp>::deserialize(d)?.map(Stamp::time))
    }
}
