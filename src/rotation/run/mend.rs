//! What an earlier tick, or this one, has left unfinished; rolling back; retiring.

use super::super::decision::is_foreign;
use super::super::kind::ErrorKind;
use super::super::problem::Problem;
use super::super::record::{Previous, Token};
use super::super::request::Ask;
use super::super::rules::Now;
use super::super::sink::{Holds, SinkKind};
use super::machine::{Act, AfterMode, Machine, held};
use crate::marker::Marker;
use crate::service::TokenKey;

impl Machine {
    /// Deletes what is doomed, and looks for what was lost.
    pub(super) fn tidy(&mut self, now: Now) -> Option<Act> {
        if !self.strays.is_empty() {
            return self.strays(now);
        }
        if self.tidies(now) {
            let mut doomed = self.record.doomed.iter();
            if let Some(token) = doomed.find(|token| !self.tried.contains(&token.key)) {
                return Some(Act::Delete(token.clone()));
            }
        }
        (!self.record.lost.is_empty() && self.listed.is_none()).then_some(Act::List)
    }

    /// Whether tidying is not backing off.
    pub(super) fn tidies(&self, now: Now) -> bool {
        let untidy = self.record.untidy.as_ref();
        self.impatient || untidy.is_none_or(|untidy| untidy.not_before <= now.keeper)
    }

    /// Tokens of this record that it does not name: nobody has their secrets, unless the record is
    /// an old one, put back from somewhere.
    fn strays(&mut self, now: Now) -> Option<Act> {
        if self.seen.iter().any(Option::is_none) {
            return Some(Act::Observe);
        }
        let strays = std::mem::take(&mut self.strays);
        let held = |token: &Token| {
            self.seen
                .iter()
                .flatten()
                .any(|(_, holds)| *holds == Holds::Attempt(token.mark.clone()))
        };
        let ahead = |token: &Token| token.mark.number() > Some(self.record.counter);
        if !strays.iter().any(|token| held(token) || ahead(token)) {
            for token in strays {
                self.record.found(token);
            }
            self.dirty = true;
            return self.tidy(now);
        }
        // Another runner may have gone on since the record was read: the swap tells.
        if !self.held {
            self.strays = strays;
            return Some(Act::Hold);
        }
        let everywhere = |token: &&Token| {
            let mark = Holds::Attempt(token.mark.clone());
            !self.seen.is_empty()
                && self
                    .seen
                    .iter()
                    .all(|seen| seen.as_ref().is_some_and(|(_, holds)| *holds == mark))
        };
        if let Some(found) = strays.iter().find(everywhere).cloned() {
            let newest = strays.iter().filter_map(|token| token.mark.number()).max();
            self.record.counter = self.record.counter.max(newest.unwrap_or(0));
            let numbers: Vec<_> = strays.iter().map(|token| token.mark.number()).collect();
            self.record
                .lost
                .retain(|lost| !numbers.contains(&Some(lost.number)));
            self.record.exposed.extend(strays);
            for sink in 0..self.record.sinks.len() {
                self.record.holds(sink, Some(found.mark.clone()));
            }
            self.commit(&found, now);
            return None;
        }
        let keys: Vec<String> = strays.iter().map(|token| token.key.to_string()).collect();
        self.problem = Some(Problem::person(
            ErrorKind::Record,
            format!(
                "the state is older than the tokens that it made ({}), and the sinks do not all tell which one they hold; put the newest state back, or forget the entry and adopt the right token",
                keys.join(", ")
            ),
        ));
        None
    }

    /// Finds out what became of successors that were given up.
    pub(super) fn resolve(&mut self, now: Now) -> Option<Act> {
        if self.record.target.is_some() || self.is_settled() || !self.tidies(now) {
            return None;
        }
        let sinks = 0..self.record.sinks.len();
        if sinks
            .clone()
            .any(|sink| self.is_open(sink, now) && self.seen_of(sink).is_none())
        {
            return Some(Act::Observe);
        }
        for sink in sinks.clone() {
            if !self.is_open(sink, now) {
                continue;
            }
            let Some((version, holds)) = self.seen_of(sink).cloned() else {
                continue;
            };
            let write = self
                .record
                .sinks
                .get(sink)
                .and_then(|state| state.write.as_ref());
            let still = write.is_some_and(|write| write.seen == version);
            if self.is_fenced(sink) && still {
                // What it holds may change a moment later by a write that was under way; not any
                // more once its version has moved.
                if self.rewritten.insert(sink) {
                    return Some(Act::Rewrite(sink));
                }
                continue;
            }
            self.record.holds(sink, held(&holds));
            self.dirty = true;
        }
        self.wait_for_quiet(now);
        let certain = |sink: usize| {
            self.record
                .sinks
                .get(sink)
                .is_some_and(|state| state.write.is_none())
        };
        let all_certain = sinks.clone().all(certain);
        if all_certain && let Some(token) = self.held_by_all() {
            self.commit(&token, now);
            return None;
        }
        let current = self.record.current_mark();
        let exposed = |mark: &Marker| self.record.exposed.iter().any(|token| token.mark == *mark);
        let back = sinks.clone().find(|sink| {
            let state = self.record.sinks.get(*sink);
            let holds = state.and_then(|state| state.holds.as_ref());
            all_certain
                && holds.is_some_and(exposed)
                && self.kind(*sink) == SinkKind::Restorable
                && !self.restored.contains(sink)
        });
        if let Some(sink) = back {
            let Some((version, holds)) = self.seen_of(sink).cloned() else {
                return Some(Act::Observe);
            };
            self.dirty = true;
            if !held(&holds).is_some_and(|mark| exposed(&mark)) {
                // It does not hold it any more: what it has done since is its own.
                self.record.holds(sink, held(&holds));
                return self.resolve(now);
            }
            self.restored.insert(sink);
            self.record.write_ahead(sink, version, false);
            return Some(Act::Restore(sink, current));
        }
        let before = self.record.clone();
        self.record.settle_exposed(self.aside(false, now));
        if self.record != before {
            self.dirty = true;
            self.did.resumed = true;
            return self.tidy(now);
        }
        None
    }

    /// Whether no successor is exposed, or all that can be known of them is.
    fn is_settled(&self) -> bool {
        self.record.exposed.is_empty() && self.record.sinks.iter().all(|sink| sink.write.is_none())
    }

    /// Whether it can be found out now what a write to this sink has come to.
    fn is_open(&self, sink: usize, now: Now) -> bool {
        let Some(state) = self.record.sinks.get(sink) else {
            return false;
        };
        let quiet = state.quiet_at.is_none_or(|at| at <= now.keeper);
        state.write.is_some() && !self.is_blind(sink) && (self.is_fenced(sink) || quiet)
    }

    fn wait_for_quiet(&mut self, now: Now) {
        let unfenced = (0..self.record.sinks.len()).filter(|sink| !self.is_fenced(*sink));
        let quiet = unfenced
            .filter_map(|sink| self.record.sinks.get(sink)?.quiet_at)
            .max();
        if let Some(until) = quiet.filter(|at| *at > now.keeper) {
            let why = "a late write may still reach a sink that cannot refuse it";
            self.waits(Some(until), why);
        }
    }

    /// The exposed successor that every sink is certain to hold.
    fn held_by_all(&self) -> Option<Token> {
        let everywhere = |token: &&Token| {
            let mut sinks = self.record.sinks.iter();
            sinks.all(|sink| sink.holds.as_ref() == Some(&token.mark))
        };
        let any = !self.record.sinks.is_empty();
        self.record
            .exposed
            .iter()
            .find(everywhere)
            .filter(|_| any)
            .cloned()
    }

    /// Brings all sinks back to the former token.
    pub(super) fn roll_back(&mut self, now: Now) -> Option<Act> {
        if self.record.target.is_none() {
            let Some((id, Ask::RollBack { suspected, .. })) = self.ask.clone() else {
                return None;
            };
            if self.problem.is_some() {
                return None;
            }
            // Answered whatever is unfinished, which need not come to an end in such a sink.
            let mut refused = self.keeps_too_little();
            if refused.is_none() {
                if self.wait.is_some() {
                    return None;
                }
                if !self.is_settled() {
                    self.waits(None, "something is unfinished");
                    return None;
                }
                if self.seen.iter().any(Option::is_none) {
                    return Some(Act::Observe);
                }
                refused = self.cannot_roll_back();
            }
            if let Some(text) = refused {
                // Answered, so that it does not come up again.
                self.ask = None;
                self.record.fulfilled = Some(id);
                self.dirty = true;
                self.problem = Some(Problem::new(ErrorKind::RollbackImpossible, text));
                return None;
            }
            let mark = self
                .record
                .former()
                .map(|former| former.token.mark.clone())?;
            self.record.roll_back_to(mark, suspected, id);
            self.dirty = true;
        }
        self.go_back(now)
    }

    /// A sink from which no former secret can be had.
    fn keeps_too_little(&self) -> Option<String> {
        let mut rules = self.rules.sinks.iter();
        let weak = rules.find(|sink| sink.kind != SinkKind::Restorable)?;
        Some(format!(
            "{} does not keep what it held; rotate instead",
            weak.id
        ))
    }

    fn cannot_roll_back(&self) -> Option<String> {
        let Some(former) = self.record.former() else {
            return Some("no former token is within its overlap any more".to_owned());
        };
        let number = former.token.mark.number();
        for (state, seen) in self.record.sinks.iter().zip(&self.seen) {
            if Some(state.since) > number.max(Some(0)) {
                return Some(format!(
                    "{} never held the former token; rotate instead",
                    state.id
                ));
            }
            if seen
                .as_ref()
                .is_some_and(|(_, holds)| is_foreign(&self.record, holds))
            {
                return Some(format!(
                    "{} holds what somebody else has put there",
                    state.id
                ));
            }
        }
        None
    }

    fn go_back(&mut self, now: Now) -> Option<Act> {
        let target = self.record.target.clone()?;
        if !self.tidies(now) {
            return None;
        }
        for sink in 0..self.record.sinks.len() {
            let Some((version, holds)) = self.seen_of(sink).cloned() else {
                return Some(Act::Observe);
            };
            let write = self
                .record
                .sinks
                .get(sink)
                .and_then(|state| state.write.clone());
            let there = holds == Holds::Attempt(target.mark.clone());
            let still = write.as_ref().is_some_and(|write| write.seen == version);
            if there && !still {
                self.dirty |= write.is_some();
                self.record.holds(sink, Some(target.mark.clone()));
                continue;
            }
            if there {
                return self.rewritten.insert(sink).then_some(Act::Rewrite(sink));
            }
            if !self.restored.insert(sink) {
                return None;
            }
            if !still {
                self.record.holds(sink, held(&holds));
                self.record.write_ahead(sink, version, false);
                self.dirty = true;
            }
            return Some(Act::Restore(sink, target.mark));
        }
        let from = self.record.current.clone();
        let aside = self.aside(target.suspected, now);
        if from.as_ref().is_some_and(|token| token.mark == target.mark) {
            // It was given up on the way.
            self.record.fulfilled = Some(target.request);
            self.record.target = None;
        } else {
            let detail = match self.ask.take() {
                Some((_, Ask::RollBack { by, .. })) => by,
                _ => String::new(),
            };
            self.record.rolled_back(aside, now.service, detail);
            self.record.after_due = self.rules.has_after;
            self.untold = true;
            let to = self.record.current.as_ref().map(|token| token.key.clone());
            self.did.rolled_back = from.map(|token| token.key).zip(to);
        }
        self.dirty = true;
        self.tidy(now)
    }

    pub(super) fn after(&mut self) -> Option<Act> {
        let due = self.record.after_due && !self.after_tried && self.after_mode == AfterMode::Run;
        if self.record.after_due && !self.rules.has_after {
            // They are not declared any more.
            (self.record.after_due, self.dirty) = (false, true);
            return None;
        }
        due.then(|| {
            self.after_tried = true;
            Act::After
        })
    }

    /// Dooms what has outlived its overlap.
    pub(super) fn retire(&mut self, now: Now) -> Option<Act> {
        if self.record.after_due || self.record.target.is_some() || !self.tidies(now) {
            return None;
        }
        let over = |p: &&Previous| p.retire_at <= now.service;
        if !self.record.previous.iter().any(|p| over(&p)) {
            return None;
        }
        // A list also brings the service's time.
        if self.listed.is_none() {
            return Some(Act::List);
        }
        if self.seen.iter().any(Option::is_none) {
            return Some(Act::Observe);
        }
        let in_a_sink = |mark: &Marker| {
            let mark = Holds::Attempt(mark.clone());
            self.seen.iter().flatten().any(|(_, holds)| *holds == mark)
        };
        let previous = self.record.previous.iter().filter(over);
        let keys: Vec<TokenKey> = previous
            .filter(|p| !in_a_sink(&p.token.mark))
            .map(|p| p.token.key.clone())
            .collect();
        if keys.is_empty() {
            return None;
        }
        for key in keys {
            self.record.retire(&key);
        }
        self.dirty = true;
        self.tidy(now)
    }
}
