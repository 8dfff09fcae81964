//! The changes of a record: one function a step of the protocol, none of them does anything else.

use std::time::Duration;

use super::{
    Attempt, Lost, MOST_PREVIOUS, Previous, RETIRED, Record, Retired, Rotation, SinkState,
    SinkWrite, Target, Token,
};
use crate::marker::Marker;
use crate::rotation::record::Stamp;
use crate::rotation::sink::SinkVersion;
use crate::service::TokenKey;

/// What becomes of tokens that are replaced.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Aside {
    /// When they are to go, by the service's time.
    pub(crate) retire_at: Stamp,
    /// Whether they may be doomed at once.
    pub(crate) at_once: bool,
}

impl Aside {
    /// After an overlap; at once if there is none and nothing else has to happen before.
    pub(crate) fn after(overlap: Duration, service_now: Stamp, wait: bool) -> Self {
        Self {
            retire_at: service_now.plus(overlap),
            at_once: overlap.is_zero() && !wait,
        }
    }
}

impl Record {
    /// What a tick that ended in the middle has left; its memory, and its secret, are gone.
    ///
    /// `settles_at`: from then on nothing that it sent takes effect any more.
    pub(crate) fn take_over(&mut self, settles_at: Stamp) {
        if let Some(attempt) = self.attempt.take() {
            self.lose(attempt.number, settles_at);
        }
        self.exposed.extend(self.pending.take());
        for sink in &mut self.sinks {
            if let Some(write) = &mut sink.write {
                write.doubt = true;
                sink.quiet_at = sink.quiet_at.max(Some(settles_at));
            }
        }
        self.holder = None;
    }

    /// Sinks as they are declared: those that are new are to get a first delivery, those that are
    /// not declared any more are forgotten.
    pub(crate) fn align_sinks(&mut self, ids: &[String]) {
        let first = self.sinks.is_empty() && self.current.is_none();
        let known = std::mem::take(&mut self.sinks);
        self.sinks = ids
            .iter()
            .map(|id| {
                let found = known.iter().find(|sink| sink.id == *id);
                found.cloned().unwrap_or_else(|| SinkState {
                    added: !first,
                    ..SinkState::new(id)
                })
            })
            .collect();
    }

    /// Writes an attempt ahead.
    pub(crate) fn begin(&mut self, at: Stamp) {
        self.counter = self.counter.saturating_add(1);
        self.attempt = Some(Attempt {
            number: self.counter,
            at,
        });
    }

    /// Of those that were given up, the oldest makes room for another, if there are many.
    pub(crate) fn make_room(&mut self) -> bool {
        let given_up = |p: &Previous| !p.former;
        let many = self.previous.iter().filter(|p| given_up(p)).count() + 1 >= MOST_PREVIOUS;
        let oldest = self.previous.iter().position(given_up);
        let Some(oldest) = oldest.filter(|_| many) else {
            return false;
        };
        self.doomed.push(self.previous.remove(oldest).token);
        true
    }

    /// The create was refused for certain.
    pub(crate) fn refused(&mut self) {
        self.attempt = None;
    }

    /// The answer to the create was lost.
    pub(crate) fn lost(&mut self, settles_at: Stamp) {
        if let Some(attempt) = self.attempt.take() {
            self.lose(attempt.number, settles_at);
        }
    }

    fn lose(&mut self, number: u64, settles_at: Stamp) {
        self.lost.push(Lost { number, settles_at });
    }

    /// The create was answered.
    pub(crate) fn made(&mut self, token: Token) {
        self.attempt = None;
        self.pending = Some(token);
    }

    /// A token with a mark of this record that it does not name: nobody has its secret.
    pub(crate) fn found(&mut self, token: Token) {
        self.lost
            .retain(|lost| Some(lost.number) != token.mark.number());
        self.doomed.push(token);
    }

    /// Creates that will not happen any more, as a list that began at this time does not show them;
    /// those that it does show stay until they are named otherwise.
    pub(crate) fn drop_settled(&mut self, listed: Stamp, shown: &[Token]) {
        let is_shown = |number| {
            shown
                .iter()
                .any(|token| token.mark.number() == Some(number))
        };
        self.lost
            .retain(|lost| lost.settles_at > listed || is_shown(lost.number));
    }

    /// Writes ahead that a sink gets another secret, or its old one back; `empty`: it holds nothing
    /// so far.
    pub(crate) fn write_ahead(&mut self, sink: usize, seen: Option<SinkVersion>, empty: bool) {
        if let Some(sink) = self.sinks.get_mut(sink) {
            sink.added |= empty;
            // A late one with the same content may still be on its way to the same version.
            let doubt = sink
                .write
                .as_ref()
                .is_some_and(|write| write.doubt && write.seen == seen);
            sink.write = Some(SinkWrite { seen, doubt });
        }
    }

    /// A sink holds this for certain, and every earlier write to it is over.
    pub(crate) fn holds(&mut self, sink: usize, mark: Option<Marker>) {
        if let Some(sink) = self.sinks.get_mut(sink) {
            sink.write = None;
            sink.holds = mark;
        }
    }

    /// A write was not sent, or refused for certain; an earlier one that is in doubt stays so.
    pub(crate) fn not_stored(&mut self, sink: usize) {
        if let Some(sink) = self.sinks.get_mut(sink)
            && sink.write.as_ref().is_some_and(|write| !write.doubt)
        {
            sink.write = None;
        }
    }

    /// The answer to a write is missing.
    pub(crate) fn in_doubt(&mut self, sink: usize, quiet_at: Stamp) {
        if let Some(sink) = self.sinks.get_mut(sink) {
            if let Some(write) = &mut sink.write {
                write.doubt = true;
            }
            sink.quiet_at = sink.quiet_at.max(Some(quiet_at));
        }
    }

    /// Whether a sink holds this token, or may come to.
    pub(crate) fn may_be_held(&self, mark: &Marker) -> bool {
        let mut sinks = self.sinks.iter();
        sinks.any(|sink| sink.holds.as_ref() == Some(mark) || sink.write.is_some())
    }

    /// Gives the successor up. What was written ahead and not sent is over.
    pub(crate) fn give_up(&mut self) {
        for sink in 0..self.sinks.len() {
            self.not_stored(sink);
        }
        if let Some(token) = self.pending.take() {
            if self.may_be_held(&token.mark) {
                self.exposed.push(token);
            } else {
                self.doomed.push(token);
            }
        }
    }

    /// Successors that no sink holds, and none can come to hold, go: at once if none can have shown
    /// them, else after the overlap.
    pub(crate) fn settle_exposed(&mut self, aside: Aside) {
        if self.sinks.iter().any(|sink| sink.write.is_some()) {
            return;
        }
        for token in std::mem::take(&mut self.exposed) {
            if self.may_be_held(&token.mark) {
                self.exposed.push(token);
            } else {
                self.set_aside(token, false, aside);
            }
        }
    }

    /// The one way in which a token becomes the current one: every sink holds it for certain.
    pub(crate) fn commit(&mut self, mark: &Marker, aside: Aside, at: Stamp, why: (String, String)) {
        let pending = self.pending.take_if(|token| token.mark == *mark);
        let exposed = self.exposed.iter().position(|token| token.mark == *mark);
        let Some(token) = pending.or_else(|| exposed.map(|place| self.exposed.remove(place)))
        else {
            return;
        };
        let key = token.key.clone();
        let number = token.mark.number().unwrap_or(0);
        let old = self.current.replace(token);
        let from = old.as_ref().map(|token| token.key.clone());
        for token in std::mem::take(&mut self.exposed) {
            self.set_aside(token, false, aside);
        }
        if let Some(old) = old {
            self.set_aside(old, true, aside);
        }
        for sink in self.sinks.iter_mut().filter(|sink| sink.added) {
            (sink.added, sink.since) = (false, number);
        }
        (self.failing, self.declared) = (None, None);
        let (reason, detail) = why;
        self.rotated = Some(Rotation {
            at,
            from,
            to: key,
            reason,
            detail,
        });
    }

    fn set_aside(&mut self, token: Token, former: bool, aside: Aside) {
        self.retire_key(&token.key);
        if aside.at_once {
            self.doomed.push(token);
            return;
        }
        self.previous.push(Previous {
            token,
            retire_at: aside.retire_at,
            former,
        });
        let formers = self.previous.iter().filter(|p| p.former).count();
        if formers > MOST_PREVIOUS
            && let Some(oldest) = self.previous.iter().position(|p| p.former)
        {
            self.doomed.push(self.previous.remove(oldest).token);
        }
    }

    fn retire_key(&mut self, key: &TokenKey) {
        self.retired.retain(|retired| retired.key != *key);
        self.retired.push(Retired {
            key: key.clone(),
            successor: self.current.as_ref().map(|token| token.key.clone()),
        });
        let more = self.retired.len().saturating_sub(RETIRED);
        self.retired.drain(..more);
    }

    /// The overlap of a token is over.
    pub(crate) fn retire(&mut self, key: &TokenKey) {
        if let Some(place) = self.previous.iter().position(|p| p.token.key == *key) {
            self.doomed.push(self.previous.remove(place).token);
        }
    }

    /// A doomed token is gone.
    pub(crate) fn gone(&mut self, key: &TokenKey) {
        self.doomed.retain(|token| token.key != *key);
    }

    /// The current token is gone, and not by this record's doing.
    pub(crate) fn current_gone(&mut self) {
        if let Some(token) = self.current.take() {
            self.retire_key(&token.key);
        }
    }

    /// Writes a roll back ahead.
    pub(crate) fn roll_back_to(&mut self, mark: Marker, suspected: bool, request: String) {
        self.target = Some(Target {
            mark,
            suspected,
            request,
        });
    }

    /// Every sink holds the target for certain: it is the current one again, or still.
    pub(crate) fn rolled_back(&mut self, aside: Aside, at: Stamp, detail: String) {
        let Some(target) = self.target.take() else {
            return;
        };
        let place = self
            .previous
            .iter()
            .position(|p| p.token.mark == target.mark);
        let Some(place) = place else { return };
        let token = self.previous.remove(place).token;
        let to = token.key.clone();
        self.retired.retain(|retired| retired.key != to);
        let from = self.current.replace(token);
        let from_key = from.as_ref().map(|token| token.key.clone());
        if let Some(from) = from {
            self.set_aside(from, false, aside);
        }
        self.fulfilled = Some(target.request);
        self.on_hold = Some(at);
        (self.failing, self.declared) = (None, None);
        self.rotated = Some(Rotation {
            at,
            from: from_key,
            to,
            reason: Rotation::ROLLED_BACK.to_owned(),
            detail,
        });
    }
}
