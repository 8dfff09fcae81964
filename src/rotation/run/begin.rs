//! The guards of a rotation, its beginning, and what is noted when it fails.

use std::time::Duration;

use super::super::decision::{CurrentFact, Decision, decide};
use super::super::problem::Problem;
use super::super::record::{Failing, MOST_PREVIOUS, Stamp};
use super::super::request::Ask;
use super::super::rules::{BASE_AFTER, BASE_BEFORE, MOST_TIDY, MOST_WAIT, Now, back_off, hash};
use super::super::{kind::ErrorKind, outcome::Cause};
use super::machine::{Act, Machine, Wait};

/// What a rotation may wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Urgency {
    /// The hold, steps that are outstanding, and the overlap of a former token.
    CanWait,
    /// None of them, as consumers may be without a secret; but there are not to be too many tokens.
    Now,
    /// Nothing, as the token in use ends soon.
    LastCall,
}

impl Machine {
    /// Begins a rotation, if one is due and nothing stands in its way.
    pub(super) fn begin(&mut self, now: Now) -> Option<Act> {
        if self.begun || self.problem.is_some() || self.record.target.is_some() {
            return None;
        }
        if self.is_backing_off(now) {
            return None;
        }
        let ask = self.ask.as_ref().map(|(_, ask)| ask.clone());
        if matches!(ask, Some(Ask::RollBack { .. })) {
            return None;
        }
        if self.listed.is_none() {
            return Some(Act::List);
        }
        if self.seen.iter().any(Option::is_none) {
            return Some(Act::Observe);
        }
        let decision = decide(
            &self.rules,
            &self.record,
            &self.current,
            &self.seen,
            ask.as_ref(),
        );
        self.decision = Some(decision.clone());
        let why = match decision {
            Decision::Due(why) => why,
            Decision::NotDue { .. } => {
                self.note_blocked(None, now);
                return None;
            }
            Decision::Blocked(problem) => {
                self.note_blocked(Some(&problem), now);
                self.problem = Some(problem);
                return None;
            }
        };
        let forced = ask.is_some();
        let urgency = self.urgency(why.cause, now);
        if self.record.on_hold.is_some() && urgency == Urgency::CanWait && !forced {
            return None;
        }
        if !self.may_begin(forced, urgency, now) {
            return None;
        }
        if !self.prepared {
            self.why = Some(why);
            return Some(Act::Prepare);
        }
        if matches!(self.current, CurrentFact::Gone) && self.record.current.is_some() {
            self.record.current_gone();
        }
        if self.record.make_room() {
            self.dirty = true;
            // It goes before the next one comes, so that there are not more for a while.
            if let Some(act) = self.tidy(now) {
                return Some(act);
            }
            if !forced {
                self.report_untidy();
                return None;
            }
        }
        self.record.begin(now.service);
        self.record.tried = self.ask.as_ref().map(|(id, _)| id.clone());
        // As if it had failed already: whoever is killed on the way does not begin anew at once.
        self.note_failure(None, BASE_AFTER.max(self.times.settle), now);
        (self.why, self.begun, self.dirty) = (Some(why), true, true);
        Some(Act::Create)
    }

    /// Whether somebody asked for something that was not tried yet.
    fn is_new_request(&self) -> bool {
        let request = self.ask.as_ref();
        request.is_some_and(|(id, _)| self.record.tried.as_ref() != Some(id))
    }

    /// Whether an earlier failure is to be left alone for now; it is reported as it was.
    fn is_backing_off(&mut self, now: Now) -> bool {
        let asked = self.is_new_request();
        let changed = self.record.declared.as_ref() != Some(&self.rules.declared);
        let Some(failing) = &self.record.failing else {
            return false;
        };
        if failing.not_before <= now.keeper || asked || changed || self.impatient {
            return false;
        }
        self.problem = Some(Problem {
            kind: ErrorKind::of(&failing.kind),
            text: failing.message.clone(),
            person: failing.needs_person,
            retry_after: None,
        });
        true
    }

    fn urgency(&self, cause: Cause, now: Now) -> Urgency {
        let last_call = self.current.last_call();
        if last_call.is_some_and(|last| last <= now.service) {
            Urgency::LastCall
        } else if cause == Cause::Policy && self.current != CurrentFact::Unusable {
            Urgency::CanWait
        } else {
            Urgency::Now
        }
    }

    /// The guards of a create.
    fn may_begin(&mut self, forced: bool, urgency: Urgency, now: Now) -> bool {
        if let Some(lost) = self.record.lost.iter().map(|lost| lost.settles_at).max()
            && (!forced || self.record.lost.len() > 1)
        {
            self.waits(
                Some(lost),
                "a create without an answer may still take effect",
            );
            return false;
        }
        if !self.record.doomed.is_empty() && !forced {
            self.report_untidy();
            return false;
        }
        if self.record.after_due && urgency == Urgency::CanWait && !forced {
            self.waits(None, "the steps after the last delivery have not succeeded");
            return false;
        }
        let sinks = 0..self.record.sinks.len();
        let in_doubt = |sink: usize| {
            self.record
                .sinks
                .get(sink)
                .is_some_and(|state| state.write.is_some())
        };
        if sinks
            .clone()
            .any(|sink| in_doubt(sink) && !self.is_blind(sink))
        {
            if self.wait.is_none() && self.problem.is_none() {
                self.report_untidy();
            }
            return false;
        }
        let unfenced = sinks.filter(|sink| !self.is_fenced(*sink));
        let quiet = unfenced
            .filter_map(|sink| self.record.sinks.get(sink)?.quiet_at)
            .max();
        if let Some(until) = quiet.filter(|at| *at > now.keeper) {
            self.waits(
                Some(until),
                "a late write may still reach a sink that cannot refuse it",
            );
            return false;
        }
        // Once for each request: one that stays open must not make a token at every try.
        if self.record.is_stuck() && !self.is_new_request() {
            let text = "a sink that cannot be asked keeps failing without an answer; see to it, then rotate by name";
            self.problem = Some(Problem::person(ErrorKind::Stuck, text));
            return false;
        }
        let former = self.record.previous.iter().filter(|p| p.former);
        let (formers, until) = (former.clone().count(), former.map(|p| p.retire_at).min());
        let most = match urgency {
            Urgency::CanWait => 1,
            Urgency::Now => MOST_PREVIOUS,
            // At the commit the oldest makes room.
            Urgency::LastCall => usize::MAX,
        };
        if !forced && formers >= most {
            self.waits(until, "the former token is within its overlap");
            return false;
        }
        true
    }

    fn report_untidy(&mut self) {
        let Some(untidy) = &self.record.untidy else {
            return;
        };
        self.problem.get_or_insert(Problem {
            kind: ErrorKind::of(&untidy.kind),
            text: untidy.message.clone(),
            person: untidy.needs_person,
            retry_after: None,
        });
    }

    pub(super) fn waits(&mut self, until: Option<Stamp>, why: &'static str) {
        self.wait.get_or_insert(Wait { until, why });
    }

    pub(super) fn give_up(&mut self) {
        self.record.give_up();
        self.dirty = true;
    }

    /// A rotation did not go through.
    pub(super) fn fail(&mut self, problem: Problem, now: Now) {
        let base = if self.sent {
            BASE_AFTER.max(self.times.settle)
        } else {
            BASE_BEFORE
        };
        self.note_failure(Some(&problem), base, now);
        self.problem = Some(problem);
        self.dirty = true;
    }

    pub(super) fn note_failure(&mut self, problem: Option<&Problem>, base: Duration, now: Now) {
        let earlier = self.record.failing.take();
        let counted = problem.is_some() && self.begun;
        let before = earlier.as_ref().map_or(0, |failing| failing.times);
        let times = if counted {
            before.max(1)
        } else {
            before.saturating_add(1)
        };
        let since = earlier.map_or(now.keeper, |failing| failing.since);
        let failing = self.failing(problem, base, MOST_WAIT, times, since, now);
        self.record.declared = Some(self.rules.declared.clone());
        self.record.failing = Some(failing);
    }

    /// Notes what keeps a rotation from being thought of, for those who read the state alone, or that
    /// it is over. Written once; without a back-off, as the next tick sees what somebody has mended.
    fn note_blocked(&mut self, problem: Option<&Problem>, now: Now) {
        let noted = self.record.failing.as_ref();
        let since = noted.map_or(now.keeper, |noted| noted.since);
        let Some(problem) = problem else {
            if noted.is_some_and(|noted| noted.times == 0) {
                (self.record.failing, self.dirty) = (None, true);
            }
            return;
        };
        let kind = problem.kind.as_str();
        if noted.is_none_or(|noted| noted.kind != kind || noted.message != problem.text) {
            self.record.failing = Some(Failing {
                times: 0,
                since,
                not_before: now.keeper,
                kind: kind.to_owned(),
                message: problem.text.clone(),
                needs_person: problem.person,
            });
            self.dirty = true;
        }
    }

    fn failing(
        &self,
        problem: Option<&Problem>,
        base: Duration,
        most: Duration,
        times: u32,
        since: Stamp,
        now: Now,
    ) -> Failing {
        let person = problem.is_some_and(|problem| problem.person);
        let wait = back_off(base, times, most);
        // A fifth more or less, by the name, so that not all come back at once.
        let scatter = hash(&format!("{}#{times}", self.record.name)) % 401;
        let scattered = wait.saturating_mul(u32::try_from(800 + scatter).unwrap_or(1_000)) / 1_000;
        let asked = problem
            .and_then(|problem| problem.retry_after)
            .unwrap_or_default();
        let wait = if person {
            most
        } else {
            scattered.max(asked.min(MOST_WAIT))
        };
        Failing {
            times,
            since,
            not_before: now.keeper.plus(wait),
            kind: problem
                .map_or("interrupted", |problem| problem.kind.as_str())
                .to_owned(),
            message: problem.map_or_else(
                || "the tick that began a rotation did not come to its end".to_owned(),
                |problem| problem.text.clone(),
            ),
            needs_person: person,
        }
    }

    /// Something that was to be tidied up could not be.
    pub(super) fn note_untidy(&mut self, problem: Problem, now: Now) {
        let earlier = self.record.untidy.take();
        let times = earlier
            .as_ref()
            .map_or(1, |untidy| untidy.times.saturating_add(1));
        let since = earlier.map_or(now.keeper, |untidy| untidy.since);
        let untidy = self.failing(Some(&problem), BASE_BEFORE, MOST_TIDY, times, since, now);
        self.record.untidy = Some(untidy);
        self.problem.get_or_insert(problem);
        self.dirty = true;
    }
}
