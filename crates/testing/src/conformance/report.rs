//! What came out of a run.

use std::fmt;

use access_tokens::{Marker, Service};

/// Outcome of one conformance check.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The server does as expected.
    Passed,
    /// It does not: in what.
    Failed(String),
    /// It could not be told: why.
    Skipped(String),
}

/// Result of one conformance check: a behaviour, and whether the server has it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// The behaviour, such as `reset_ends_the_old_secret_at_once`.
    pub name: &'static str,
    /// How it ended.
    pub outcome: Outcome,
    /// What was seen where the service may choose, such as the status of a failed `test`.
    pub seen: Option<String>,
}

/// One line: the outcome, the name, and what there is to say.
impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, reason) = match &self.outcome {
            Outcome::Passed => ("passed", self.seen.as_ref()),
            Outcome::Failed(reason) => ("FAILED", Some(reason)),
            Outcome::Skipped(reason) => ("skipped", Some(reason)),
        };
        write!(f, "{word:<8} {}", self.name)?;
        reason.map_or(Ok(()), |reason| write!(f, ": {reason}"))
    }
}

/// Report of a conformance run. Prints as a line for each, and a sum; holds no secrets.
#[derive(Clone, Debug)]
#[must_use = "a failed check is not an error"]
pub struct Report {
    service: Service,
    base_url: String,
    marker: Marker,
    checks: Vec<Check>,
}

impl Report {
    pub(super) fn new(service: Service, base_url: &str, marker: Marker) -> Self {
        Self {
            service,
            base_url: base_url.to_owned(),
            marker,
            checks: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, check: Check) {
        self.checks.push(check);
    }

    /// Whether no check failed. Skipped ones do not count.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.failed().next().is_none()
    }

    /// All checks, in the order in which they were made.
    #[must_use]
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// The check of this name.
    #[must_use]
    pub fn check(&self, name: &str) -> Option<&Check> {
        self.checks.iter().find(|check| check.name == name)
    }

    /// Those that failed.
    pub fn failed(&self) -> impl Iterator<Item = &Check> {
        self.checks
            .iter()
            .filter(|check| matches!(check.outcome, Outcome::Failed(_)))
    }

    /// Those that could not be made.
    pub fn skipped(&self) -> impl Iterator<Item = &Check> {
        self.checks
            .iter()
            .filter(|check| matches!(check.outcome, Outcome::Skipped(_)))
    }

    /// What stands at the end of the names of all tokens that were made.
    #[must_use]
    pub fn marker(&self) -> &Marker {
        &self.marker
    }

    /// The service that was checked.
    #[must_use]
    pub fn service(&self) -> Service {
        self.service
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} at {}", self.service, self.base_url)?;
        for check in &self.checks {
            writeln!(f, "  {check}")?;
        }
        let (failed, skipped) = (self.failed().count(), self.skipped().count());
        let passed = self.checks.len() - failed - skipped;
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}
