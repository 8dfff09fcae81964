//! The machine: what a tick does next, as a function of the record, of what it has seen, and of the
//! time. It calls nobody; the runner does, and tells it what came of it.
//!
//! Whatever can change something elsewhere is [written ahead](Act::writes_first): the runner swaps
//! the record in first, and a swap that fails ends the tick on the spot.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::decision::{CurrentFact, Decision, Seen, Why, is_foreign};
use super::super::kind::ErrorKind;
use super::super::problem::Problem;
use super::super::record::{Record, Stamp, Token};
use super::super::request::Ask;
use super::super::rules::{Now, Rules, Times};
use super::super::sink::{Holds, SinkKind};
use crate::marker::Marker;
use crate::service::TokenKey;

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Act {
    /// List the account's tokens.
    List,
    /// Ask the sinks what they hold.
    Observe,
    /// Try the sinks, see whose credential it is, read what the successor is made after.
    Prepare,
    /// Create the token of the attempt.
    Create,
    /// Compare it with what was asked for, and authenticate with it.
    Confirm,
    /// Deliver its secret to this sink.
    Deliver(usize),
    /// Move this sink to a new version.
    Rewrite(usize),
    /// Give this sink the secret of an earlier attempt back.
    Restore(usize, Marker),
    /// Delete a doomed token.
    Delete(Token),
    /// Let the client go on with the new secret.
    UseCredential,
    /// Take the user's steps after the delivery.
    After,
    /// Nothing but the lease.
    Hold,
    /// Nothing more: let go.
    Rest,
}

impl Act {
    /// Whether the record has to be swapped in before.
    pub(crate) fn writes_first(&self) -> bool {
        !matches!(
            self,
            Self::List | Self::Observe | Self::Prepare | Self::Confirm
        )
    }
}

/// Whether the steps after a delivery are taken in this tick or by whoever runs many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum AfterMode {
    Run,
    Defer,
}

/// What a tick waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Wait {
    pub(crate) until: Option<Stamp>,
    pub(crate) why: &'static str,
}

/// What a tick has done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Did {
    pub(crate) rotated: Option<(Option<TokenKey>, TokenKey, Why)>,
    pub(crate) rolled_back: Option<(TokenKey, TokenKey)>,
    pub(crate) resumed: bool,
    pub(crate) retired: Vec<TokenKey>,
}

/// One tick of one managed token.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub(crate) struct Machine {
    pub(crate) rules: Arc<Rules>,
    pub(crate) times: Times,
    pub(super) after_mode: AfterMode,
    /// The request that is not fulfilled.
    pub(super) ask: Option<(String, Ask)>,
    /// Whether a back-off is skipped.
    pub(super) impatient: bool,
    /// The record as it is to be.
    pub(crate) record: Record,
    /// Whether that differs from what the store holds.
    pub(crate) dirty: bool,
    /// Whether the event of the record's last rotation is still to be told.
    pub(crate) untold: bool,
    // From here on: what is known beside it, and lost with the process.
    /// When the list began that the facts are from.
    pub(super) listed: Option<Stamp>,
    pub(super) current: CurrentFact,
    /// Tokens with a mark of this record that it does not name.
    pub(super) strays: Vec<Token>,
    pub(super) seen: Vec<Option<Seen>>,
    pub(super) prepared: bool,
    pub(super) own_credential: bool,
    pub(super) why: Option<Why>,
    pub(super) begun: bool,
    /// Whether the create left this process.
    pub(super) sent: bool,
    pub(super) confirmed: bool,
    /// How often a delivery had to begin anew.
    pub(super) again: u8,
    pub(super) switch: bool,
    pub(super) tried: BTreeSet<TokenKey>,
    pub(super) rewritten: BTreeSet<usize>,
    pub(super) restored: BTreeSet<usize>,
    /// Nothing more can be done in this tick.
    pub(super) stopped: bool,
    pub(super) after_tried: bool,
    pub(super) held: bool,
    pub(crate) decision: Option<Decision>,
    pub(crate) problem: Option<Problem>,
    pub(crate) after_problem: Option<Problem>,
    pub(crate) wait: Option<Wait>,
    pub(crate) did: Did,
}

impl Machine {
    /// Begins a tick on a record that nobody holds, or whose holder is gone: then
    /// `abandoned` says until when what that one sent may take effect.
    pub(crate) fn new(
        rules: Arc<Rules>,
        times: Times,
        mut record: Record,
        ask: Option<(String, Ask)>,
        abandoned: Option<Stamp>,
    ) -> Self {
        let before = record.clone();
        if let Some(settles_at) = abandoned {
            record.take_over(settles_at);
        }
        let dirty = record != before;
        let ids: Vec<String> = rules.sinks.iter().map(|sink| sink.id.clone()).collect();
        // Not a reason to write by itself: what is new is due, what is not declared is forgotten.
        record.align_sinks(&ids);
        let ask = ask.filter(|(id, _)| record.fulfilled.as_ref() != Some(id));
        Self {
            seen: vec![None; record.sinks.len()],
            rules,
            times,
            after_mode: AfterMode::Run,
            ask,
            impatient: false,
            record,
            dirty,
            untold: false,
            listed: None,
            current: CurrentFact::Unknown,
            strays: Vec::new(),
            prepared: false,
            own_credential: false,
            why: None,
            begun: false,
            sent: false,
            confirmed: false,
            again: 0,
            switch: false,
            tried: BTreeSet::new(),
            rewritten: BTreeSet::new(),
            restored: BTreeSet::new(),
            stopped: false,
            after_tried: false,
            held: false,
            decision: None,
            problem: None,
            after_problem: None,
            wait: None,
            did: Did::default(),
        }
    }

    /// Leaves the steps after a delivery to whoever runs many ticks.
    pub(crate) fn defer_after(mut self) -> Self {
        self.after_mode = AfterMode::Defer;
        self
    }

    /// Does not wait for a back-off.
    pub(crate) fn impatient(mut self, on: bool) -> Self {
        self.impatient = on;
        self
    }

    /// What comes next.
    pub(crate) fn next(&mut self, now: Now) -> Act {
        if self.record.pending.is_some() {
            return self.forward(now);
        }
        if self.switch {
            return Act::UseCredential;
        }
        if self.stopped {
            return Act::Rest;
        }
        self.tidy(now)
            .or_else(|| self.resolve(now))
            .or_else(|| self.roll_back(now))
            .or_else(|| self.after())
            .or_else(|| self.retire(now))
            .or_else(|| self.begin(now))
            .unwrap_or(Act::Rest)
    }

    /// From a new token to one that every sink holds.
    fn forward(&mut self, now: Now) -> Act {
        let Some(pending) = self.record.pending.clone() else {
            return Act::Rest;
        };
        if !self.confirmed {
            return Act::Confirm;
        }
        let mark = &pending.mark;
        for sink in 0..self.record.sinks.len() {
            self.believe(sink, mark);
        }
        let open = |sink: &usize| {
            let state = self.record.sinks.get(*sink);
            state.is_some_and(|state| state.holds.as_ref() != Some(mark) || state.write.is_some())
        };
        let open: Vec<usize> = (0..self.record.sinks.len()).filter(open).collect();
        let Some(first) = open.first().copied() else {
            self.commit(&pending, now);
            return self.next(now);
        };
        if open.iter().any(|sink| self.seen_of(*sink).is_none()) {
            return Act::Observe;
        }
        let foreign = |sink: &usize| {
            let seen = self.seen_of(*sink);
            seen.is_some_and(|(_, holds)| is_foreign(&self.record, holds))
        };
        let drifted = open.iter().find(|sink| foreign(sink));
        let drifted = drifted.and_then(|sink| self.record.sinks.get(*sink));
        if let (None, Some(sink)) = (&self.ask, drifted) {
            let text = format!("{} holds what somebody else has put there", sink.id);
            self.fail(Problem::person(ErrorKind::Drift, text), now);
            self.give_up();
            return self.next(now);
        }
        for sink in open {
            let version = self.seen_of(sink).and_then(|(version, _)| version.clone());
            let state = self.record.sinks.get(sink);
            let written = state.and_then(|state| state.write.as_ref());
            if written.is_none_or(|write| write.seen != version) {
                let empty = matches!(self.seen_of(sink), Some((_, Holds::Nothing)));
                self.record.write_ahead(sink, version, empty);
                self.dirty = true;
            }
        }
        Act::Deliver(first)
    }

    /// The sink's own word that a delivery without an answer has arrived: it has moved on from the
    /// version that the delivery replaces, so nothing older can arrive any more.
    fn believe(&mut self, sink: usize, mark: &Marker) {
        let Some((version, Holds::Attempt(held))) = self.seen_of(sink) else {
            return;
        };
        let write = self
            .record
            .sinks
            .get(sink)
            .and_then(|state| state.write.as_ref());
        let moved = write.is_some_and(|write| write.doubt && write.seen != *version);
        if self.is_fenced(sink) && moved && held == mark {
            self.record.holds(sink, Some(mark.clone()));
            self.dirty = true;
        }
    }

    /// Whether the current token can be read at the service.
    pub(crate) fn current_is_there(&self) -> bool {
        self.current.is_there()
    }

    /// Why nothing is done while rotation is on hold.
    pub(crate) fn on_hold(&self) -> Option<String> {
        self.record.on_hold?;
        let until = self.current.last_call().map_or_else(String::new, |last| {
            format!(", until {last}, since the token ends soon after")
        });
        Some(format!(
            "rotation is on hold since it was rolled back{until}; rotate or release it to go on"
        ))
    }

    /// Whether the steps after a delivery are left to the caller.
    pub(crate) fn defers_after(&self) -> bool {
        self.after_mode == AfterMode::Defer
    }

    pub(super) fn seen_of(&self, sink: usize) -> Option<&Seen> {
        self.seen.get(sink).and_then(Option::as_ref)
    }

    pub(super) fn kind(&self, sink: usize) -> SinkKind {
        self.rules
            .sinks
            .get(sink)
            .map_or(SinkKind::Blind, |rule| rule.kind)
    }

    pub(super) fn is_fenced(&self, sink: usize) -> bool {
        self.kind(sink).is_fenced()
    }

    /// Whether the sink cannot tell what it holds.
    pub(super) fn is_blind(&self, sink: usize) -> bool {
        let unknown = matches!(self.seen_of(sink), Some((_, Holds::Unknown)));
        self.kind(sink) == SinkKind::Blind || unknown
    }
}

#[cfg(test)]
impl Machine {
    /// Everything that counts for what comes next.
    pub(super) fn model_hash(&self, to: &mut impl std::hash::Hasher) {
        use std::hash::Hash as _;
        (
            &self.record,
            self.dirty,
            &self.ask,
            self.listed,
            &self.current,
            &self.strays,
        )
            .hash(to);
        (
            &self.seen,
            self.prepared,
            self.begun,
            self.sent,
            self.confirmed,
            self.again,
        )
            .hash(to);
        (
            &self.tried,
            &self.rewritten,
            &self.restored,
            self.stopped,
            self.held,
        )
            .hash(to);
        (
            &self.problem,
            &self.wait,
            &self.why,
            self.after_tried,
            self.switch,
        )
            .hash(to);
    }
}

/// The mark that a sink is known to hold.
pub(super) fn held(holds: &Holds) -> Option<Marker> {
    match holds {
        Holds::Attempt(mark) => Some(mark.clone()),
        _ => None,
    }
}
