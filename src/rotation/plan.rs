//! What a rotation is going to do: decided once, shown, kept, and only then done.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::builder::{Rotation, Strategy, Verify};
use super::entry::millis;
use super::error::{Error, ErrorKind};
use super::outcome::Rotated;
use crate::service::{Action, OwnCredential, TokenKey, TokenRecord, TokenState};
use crate::time::{Expiry, UnixMillis, When};

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
    fn of(expiry: Expiry) -> Self {
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
    steps: Vec<PlannedStep>,
    /// What is called if the rotation is given up on the way.
    undo: Vec<PlannedStep>,
    assumptions: Vec<String>,
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

    /// The calls that are made if nothing goes wrong and nothing is repeated, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<&str> {
        let calls = self.steps.iter().flat_map(|step| &step.calls);
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

impl Rotation {
    /// Looks at the token and decides.
    pub(super) fn draw(
        &self,
        record: &TokenRecord,
        taken: &[TokenKey],
        now: SystemTime,
    ) -> Result<Plan, Error> {
        let outline = self.outline(record, taken, now)?;
        let (steps, undo) = self.steps(&outline);
        Ok(Plan {
            assumptions: self.assumptions(&outline, record, now),
            steps,
            undo,
            outline,
            rotation: Some(self.clone()),
        })
    }

    fn outline(
        &self,
        record: &TokenRecord,
        taken: &[TokenKey],
        now: SystemTime,
    ) -> Result<Outline, Error> {
        let unsuitable =
            |why: &str| Err(Error::new(&self.key, ErrorKind::Unsuitable).with_text(why));
        if self.sinks.is_empty() {
            return unsuitable("there is no sink, so the new secret would be lost");
        }
        for sink in &self.sinks {
            if let Err(error) = sink.check() {
                return Err(Error::sink(&self.key, sink.name(), error));
            }
        }
        let own = match self.service.is_own_credential(record) {
            OwnCredential::Yes if !self.allow_own => {
                return Err(Error::new(&self.key, ErrorKind::OwnCredential));
            }
            OwnCredential::Yes => Own::Yes,
            OwnCredential::No => Own::No,
            OwnCredential::Unknown => Own::Unknown,
        };
        if record.state == TokenState::Inactive {
            return unsuitable("it is switched off or revoked");
        }
        let can = self.service.capabilities();
        let old = record.name.as_deref().unwrap_or(record.key.as_str());
        let method = match &self.strategy {
            Strategy::Auto if can.unique_names => Method::NewName(next_name(old, taken)),
            Strategy::Auto => Method::NewToken,
            Strategy::NewToken if can.unique_names => {
                return unsuitable("names are unique on this service: the successor needs another");
            }
            Strategy::NewToken => Method::NewToken,
            Strategy::NewName(name)
                if can.unique_names && taken.iter().any(|t| t.as_str() == name) =>
            {
                let error = Error::new(&self.key, ErrorKind::NameTaken);
                return Err(error.with_text(name.escape_debug().to_string()));
            }
            Strategy::NewName(name) => Method::NewName(name.clone()),
            Strategy::InPlace if !can.unique_names => {
                return unsuitable("the service allows the same name twice, which leaves no gap");
            }
            Strategy::InPlace if self.grace.is_some() => {
                return unsuitable("in place there can be no grace");
            }
            Strategy::InPlace => Method::InPlace,
            Strategy::Reset if !can.reset_with_grace => {
                return unsuitable("the service cannot give a token a new secret");
            }
            Strategy::Reset if self.lifetime.is_some() => {
                return unsuitable("a reset keeps the end of the token");
            }
            Strategy::Reset => Method::Reset,
        };
        let lifetime = match (self.lifetime, record.expires) {
            _ if method == Method::Reset => Lifetime::AsTheOld,
            (Some(_), _) if !can.expiry_on_create => {
                return unsuitable("the service does not let the end of a new token be chosen");
            }
            (Some(expiry), _) => {
                if let Err(rule) = expiry.resolve(now) {
                    return unsuitable(&format!("the end of the successor {rule}"));
                }
                Lifetime::of(expiry)
            }
            (None, When::At(end)) if can.expiry_on_create => match record.created {
                When::At(created) if end > created => {
                    Lifetime::In(end.duration_since(created).unwrap_or_default())
                }
                _ => {
                    return unsuitable(
                        "it has an end, but how long it was to live is not known; set lifetime",
                    );
                }
            },
            (None, _) => Lifetime::AsTheOld,
        };
        Ok(Outline {
            service: self.service.service().name().to_owned(),
            account: self.account.clone(),
            key: record.key.clone(),
            name: record.name.clone(),
            revision: record.revision.clone(),
            method,
            grace: self.grace.filter(|grace| !grace.is_zero()),
            lifetime,
            old_end: record.expires.time().map(millis),
            own,
            verify: match self.verify {
                Verify::Skip => Checks::Skip,
                Verify::Authenticate => Checks::Authenticate,
                Verify::Custom(_) => Checks::AuthenticateAndCustom,
            },
            sinks: self.sinks.iter().map(|sink| sink.name()).collect(),
        })
    }

    fn steps(&self, outline: &Outline) -> (Vec<PlannedStep>, Vec<PlannedStep>) {
        let can = self.service.capabilities();
        let step = |what: String, actions: &[Action]| PlannedStep {
            what,
            calls: actions
                .iter()
                .flat_map(|action| self.service.calls(*action))
                .map(|call| (*call).to_owned())
                .collect(),
        };
        // Where a name can be given to another token, a look comes before every delete.
        let delete: &[Action] = if can.unique_names {
            &[Action::Get, Action::Delete]
        } else {
            &[Action::Delete]
        };
        let mut steps = vec![step(
            "see that the token has not changed".into(),
            &[Action::Get],
        )];
        if outline.method != Method::Reset {
            steps.push(step("take its properties".into(), &[Action::Blueprint]));
        }
        if outline.keeps_old() && !can.marks_successors {
            steps.push(step("see which names there are".into(), &[Action::List]));
        }
        if outline.method == Method::InPlace {
            steps.push(step(
                "delete the old token: its secret ends here".into(),
                delete,
            ));
        }
        steps.push(match &outline.method {
            Method::NewToken => step("make the successor".into(), &[Action::Create]),
            Method::NewName(name) => step(
                format!("make the successor, {}", TokenKey::new(name)),
                &[Action::Create],
            ),
            Method::InPlace => step("make it anew".into(), &[Action::Create]),
            Method::Reset => step("give it a new secret".into(), &[Action::Reset]),
        });
        let switch = || step("go on with the new secret in this client".into(), &[]);
        let switches = outline.own == Own::Yes;
        if switches && outline.method == Method::Reset {
            steps.push(switch());
        }
        if outline.verify != Checks::Skip {
            let what = "see that the service accepts the new secret";
            steps.push(step(what.into(), &[Action::Verify]));
        }
        for sink in &outline.sinks {
            steps.push(step(format!("deliver to {sink}"), &[]));
        }
        if outline.verify == Checks::AuthenticateAndCustom {
            steps.push(step("the caller's own check".into(), &[]));
        }
        if switches && outline.method != Method::Reset {
            steps.push(switch());
        }
        match (outline.keeps_old(), outline.grace) {
            (false, _) => {}
            (true, None) => steps.push(step("delete the old token".into(), delete)),
            (true, Some(grace)) if can.set_expiry => {
                let what = format!("let the old token end in {}", human(grace));
                steps.push(step(what, &[Action::ExpireAt]));
            }
            (true, Some(grace)) => {
                let what = format!("after {}, by finish(): delete the old token", human(grace));
                steps.push(PlannedStep {
                    what,
                    calls: Vec::new(),
                });
            }
        }
        let mut undo = Vec::new();
        if outline.keeps_old() {
            undo.push(step("put back what the sinks held".into(), &[]));
            undo.push(step("delete the successor".into(), delete));
        }
        (steps, undo)
    }

    fn assumptions(&self, outline: &Outline, record: &TokenRecord, now: SystemTime) -> Vec<String> {
        let can = self.service.capabilities();
        let mut all = Vec::new();
        let mut say = |text: String| all.push(text);
        match (outline.lifetime, record.expires) {
            (Lifetime::In(time), _) => say(format!("the successor lives for {}", human(time))),
            (Lifetime::At(end), _) => say(format!("the successor ends at {end}")),
            (Lifetime::Never, _) => say("the successor never ends".into()),
            (Lifetime::AsTheOld, When::At(_)) if outline.method != Method::Reset => {
                say("the service alone decides when the successor ends".into());
            }
            (Lifetime::AsTheOld, _) => {}
        }
        match outline.method {
            Method::InPlace => say("from the delete until the delivery no secret works; if a step fails in between, resume() must go on".into()),
            Method::Reset => {
                say("a reset cannot be taken back: if its answer is lost, resume() resets once more".into());
                if outline.grace.is_none() {
                    say("from the reset until the delivery no secret works".into());
                }
            }
            Method::NewName(_) if can.unique_names => {
                say("whoever knows the token by its name has to learn the new one".into());
            }
            _ if !can.marks_successors => say("if the answer to the create is lost, the new token is told by its name: nobody else makes one of the same name meanwhile".into()),
            _ => {}
        }
        if outline.keeps_old() && outline.grace.is_some() && !can.set_expiry {
            say("the service cannot end the old token by itself: finish() must be called after the grace".into());
        }
        match outline.own {
            Own::Unknown => say("the service does not show whether this is the credential that the client itself uses; if it is, the client needs another after this".into()),
            Own::Yes => say("it is the credential that this client uses; other clients with it need the new one".into()),
            Own::No => {}
        }
        if record.state != TokenState::Active && record.state != TokenState::Unknown {
            say(format!("the token is {} now", record.state));
        }
        if let Some(end) = record.expires.time()
            && let Ok(left) = end.duration_since(now)
            && outline.grace.is_some_and(|grace| grace > left)
        {
            say(format!(
                "the old token ends before the grace does, at {}",
                record.expires
            ));
        }
        if outline.verify == Checks::Skip {
            say("nothing checks that the new secret works".into());
        }
        if !self.journal_lasts {
            say("the journal is in memory: a crash of this process loses it".into());
        }
        all
    }
}

/// The name for the successor of a token whose name cannot be used twice.
pub(super) fn next_name(old: &str, taken: &[TokenKey]) -> String {
    // A long number is more likely a date than a count.
    let (stem, count) = match old.rsplit_once('-') {
        Some((stem, number))
            if !stem.is_empty() && number.len() <= 3 && !number.starts_with('0') =>
        {
            match number.parse::<u32>() {
                Ok(count) => (stem, count),
                Err(_) => (old, 1),
            }
        }
        _ => (old, 1),
    };
    let mut count = count;
    loop {
        count = count.saturating_add(1);
        let name = format!("{stem}-{count}");
        if count == u32::MAX || taken.iter().all(|key| key.as_str() != name) {
            return name;
        }
    }
}

/// A time for people, in the largest unit that divides it.
pub(super) fn human(time: Duration) -> String {
    let seconds = time.as_secs();
    for (unit, name) in [(86_400, "days"), (3_600, "hours"), (60, "minutes")] {
        if seconds >= unit * 2 && seconds % unit == 0 {
            return format!("{} {name}", seconds / unit);
        }
    }
    if seconds >= 2 * 86_400 {
        return format!("{} days", seconds / 86_400);
    }
    format!("{seconds} s")
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outline = &self.outline;
        write!(f, "Rotation of {} on {}", outline.key, outline.service)?;
        if let Some(account) = &outline.account {
            write!(f, " ({})", account.escape_debug())?;
        }
        writeln!(f)?;
        if let Some(name) = outline
            .name
            .as_deref()
            .filter(|n| *n != outline.key.as_str())
        {
            writeln!(f, "  named \"{}\"", name.escape_debug())?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_successor_gets_the_next_free_name() {
        let taken = |names: &[&str]| names.iter().map(|n| TokenKey::new(*n)).collect::<Vec<_>>();
        assert_eq!(next_name("edge", &[]), "edge-2");
        assert_eq!(next_name("edge-2", &[]), "edge-3");
        assert_eq!(next_name("edge", &taken(&["edge-2", "edge-3"])), "edge-4");
        assert_eq!(next_name("edge-20260101", &[]), "edge-20260101-2");
        assert_eq!(next_name("edge-007", &[]), "edge-007-2");
        assert_eq!(next_name("-1", &[]), "-1-2");
    }

    #[test]
    fn times_are_told_in_a_unit_that_fits() {
        for (seconds, text) in [
            (86_400, "24 hours"),
            (90, "90 s"),
            (7_200, "2 hours"),
            (30 * 86_400, "30 days"),
            (30 * 86_400 + 1, "30 days"),
        ] {
            assert_eq!(human(Duration::from_secs(seconds)), text);
        }
    }
}
