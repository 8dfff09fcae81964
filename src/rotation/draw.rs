//! Making a plan: what suits the service and the token, in which steps, and what there is to know.

use std::time::{Duration, SystemTime};

use super::builder::{Rotation, Strategy, Verify};
use super::entry::millis;
use super::error::{Error, ErrorKind};
use super::plan::{Checks, Lifetime, Method, Outline, Own, Plan, PlannedStep};
use crate::service::{Action, OwnCredential, TokenKey, TokenRecord, TokenState};
use crate::time::When;

impl Rotation {
    /// Looks at the token and decides.
    pub(super) fn draw(
        &self,
        record: &TokenRecord,
        taken: &[TokenKey],
        own: OwnCredential,
        now: SystemTime,
    ) -> Result<Plan, Error> {
        let outline = self.outline(record, taken, own, now)?;
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
        own: OwnCredential,
        now: SystemTime,
    ) -> Result<Outline, Error> {
        let unsuitable =
            |why: &str| Err(Error::new(&self.key, ErrorKind::Unsuitable).with_text(why));
        if self.sinks.is_empty() {
            return unsuitable("there is no sink, so the new secret would be lost");
        }
        let own = match own {
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
            Strategy::NewToken if can.unique_names => {
                return unsuitable("names are unique on this service: the successor needs another");
            }
            Strategy::Auto | Strategy::NewToken => Method::NewToken,
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
            sinks: self.sinks.iter().map(|sink| sink.id()).collect(),
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
            later: false,
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
            steps.push(step("take its properties".into(), &[Action::TokenTemplate]));
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
                steps.push(step(what, &[Action::SetExpiry]));
            }
            (true, Some(grace)) => {
                let what = format!("after {}, by finish(): delete the old token", human(grace));
                steps.push(PlannedStep {
                    later: true,
                    ..step(what, delete)
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
        if seconds >= unit * 2 && seconds.is_multiple_of(unit) {
            return format!("{} {name}", seconds / unit);
        }
    }
    if seconds >= 2 * 86_400 {
        return format!("{} days", seconds / 86_400);
    }
    format!("{seconds} s")
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
