//! What came of each act, and what that makes of the record.

use super::super::decision::{CurrentFact, Seen, judge};
use super::super::kind::ErrorKind;
use super::super::problem::Problem;
use super::super::record::{MadeLike, Stamp, Token};
use super::super::rules::Now;
use super::super::sink::{Holds, SinkErrorKind, SinkVersion};
use super::machine::{Machine, held};
use crate::marker::Marker;
use crate::service::{TokenKey, TokenRecord, TokenState};

/// How often a delivery begins anew in one tick.
const MOST_AGAIN: u8 = 3;

/// What came of a create that brought no token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotCreated {
    pub(crate) problem: Problem,
    /// Whether it may have happened all the same.
    pub(crate) maybe: bool,
    /// Whether it left this process.
    pub(crate) sent: bool,
}

/// What was found out before a create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prepared {
    pub(crate) made_like: MadeLike,
    /// Whether the current token is the client's own credential.
    pub(crate) own_credential: bool,
}

impl Machine {
    /// From when on nothing that is sent under this lease takes effect any more.
    pub(crate) fn settles_at(&self, now: Now) -> Stamp {
        let lease = self.record.holder.as_ref().map(|holder| holder.until);
        lease
            .unwrap_or_else(|| now.keeper.plus(self.times.lease))
            .plus(self.times.settle)
    }

    /// What concerns this record of a list that began at this time; `hidden`: the current token may
    /// be one that could not be read.
    pub(crate) fn listed(&mut self, began: Stamp, tokens: &[TokenRecord], hidden: bool, now: Now) {
        self.listed = Some(began);
        let key = self.record.current.as_ref().map(|token| &token.key);
        let current = tokens.iter().find(|token| Some(&token.key) == key);
        self.current = judge(
            &self.rules,
            &self.record,
            current,
            Now {
                keeper: began,
                ..now
            },
        );
        if hidden && self.current == CurrentFact::Gone {
            self.current = CurrentFact::Unknown;
        }
        let strays = tokens.iter().filter_map(|token| self.stray(token));
        self.strays = strays.collect();
        let lost = self.record.lost.len();
        self.record.drop_settled(began, &self.strays);
        self.dirty |= self.record.lost.len() != lost;
    }

    /// A token with a mark of this record that it does not name.
    fn stray(&self, token: &TokenRecord) -> Option<Token> {
        let mark = mark_of(token)?;
        let known = !self.record.is_own(&mark) || self.record.names(&token.key);
        if known || token.state == TokenState::Inactive || mark.number().is_none() {
            return None;
        }
        Some(Token {
            key: token.key.clone(),
            mark,
            revision: token.revision.clone(),
            made_at: token
                .created
                .time()
                .map_or(Stamp::of(std::time::UNIX_EPOCH), Stamp::of),
            expires: token.expires.time().map(Stamp::of),
            settles_at: None,
        })
    }

    /// The list could not be had: nothing more can be said about this account now.
    pub(crate) fn not_listed(&mut self, problem: Problem) {
        self.problem.get_or_insert(problem);
        self.stopped = true;
    }

    /// What the sinks hold.
    pub(crate) fn observed(&mut self, seen: Vec<Seen>) {
        self.seen = seen.into_iter().map(Some).collect();
    }

    /// A sink did not say what it holds.
    pub(crate) fn not_observed(&mut self, problem: Problem, now: Now) {
        if self.record.pending.is_some() {
            self.fail(problem, now);
            self.give_up();
        } else {
            self.problem.get_or_insert(problem);
        }
        self.stopped = true;
    }

    /// What came of the last looks before a create.
    pub(crate) fn prepared(&mut self, prepared: Result<Prepared, Problem>, now: Now) {
        match prepared {
            Ok(found) => {
                self.record.made_like = found.made_like;
                (self.own_credential, self.prepared) = (found.own_credential, true);
            }
            Err(problem) => self.fail(problem, now),
        }
    }

    /// What came of the create.
    pub(crate) fn created(&mut self, created: Result<Token, NotCreated>, now: Now) {
        let settles_at = self.settles_at(now);
        self.dirty = true;
        match created {
            Ok(token) if self.record.names(&token.key) => {
                let text = format!(
                    "the service answered with {}, which is there already",
                    token.key
                );
                self.record.lost(settles_at);
                self.fail(Problem::person(ErrorKind::NotAsRequested, text), now);
                self.listed = None;
            }
            Ok(mut token) => {
                self.sent = true;
                token.settles_at = Some(settles_at);
                self.record.made(token);
            }
            Err(NotCreated {
                problem,
                maybe,
                sent,
            }) => {
                if maybe {
                    self.record.lost(settles_at);
                    // Look once, at once; later ticks look again.
                    self.listed = None;
                } else {
                    self.record.refused();
                }
                self.sent = maybe || sent;
                self.fail(problem, now);
            }
        }
    }

    /// What came of comparing the new token with what was asked for.
    pub(crate) fn confirmed(&mut self, confirmed: Result<(), Problem>, now: Now) {
        match confirmed {
            Ok(()) => self.confirmed = true,
            Err(problem) => {
                self.fail(problem, now);
                self.give_up();
            }
        }
    }

    /// What came of a delivery.
    pub(crate) fn delivered(
        &mut self,
        sink: usize,
        written: Result<Option<SinkVersion>, (SinkErrorKind, Problem)>,
        now: Now,
    ) {
        let Some(mark) = self.record.pending.as_ref().map(|token| token.mark.clone()) else {
            return;
        };
        let (kind, problem) = match written {
            Ok(version) => {
                // The commit writes it down; until then the store may know less.
                self.record.holds(sink, Some(mark.clone()));
                self.see(sink, Some((version, Holds::Attempt(mark))));
                return;
            }
            Err(failed) => failed,
        };
        self.dirty = true;
        self.again = self.again.saturating_add(1);
        match kind {
            SinkErrorKind::Conflict => self.record.not_stored(sink),
            SinkErrorKind::Unknown => self.record.in_doubt(sink, self.settles_at(now)),
            _ => {
                self.record.not_stored(sink);
                self.again = MOST_AGAIN;
            }
        }
        self.see(sink, None);
        // As long as the secret is at hand, where a late write can be refused.
        if self.again >= MOST_AGAIN || !self.is_fenced(sink) {
            self.fail(problem, now);
            self.give_up();
        }
    }

    /// What came of moving a sink to a new version.
    pub(crate) fn rewritten(
        &mut self,
        sink: usize,
        written: Result<Option<SinkVersion>, (SinkErrorKind, Problem)>,
        now: Now,
    ) {
        match written {
            Ok(version) => {
                let holds = self
                    .seen_of(sink)
                    .map_or(Holds::Unknown, |(_, holds)| holds.clone());
                self.record.holds(sink, held(&holds));
                self.see(sink, Some((version, holds)));
                self.dirty = true;
            }
            // It has moved by itself, which is as good.
            Err((SinkErrorKind::Conflict, _)) => self.see(sink, None),
            Err((_, problem)) => {
                self.see(sink, None);
                self.note_untidy(problem, now);
                self.stopped = true;
            }
        }
    }

    /// What came of giving a sink an earlier secret back.
    pub(crate) fn restored(
        &mut self,
        sink: usize,
        mark: &Marker,
        written: Result<Option<SinkVersion>, (SinkErrorKind, Problem)>,
        now: Now,
    ) {
        self.dirty = true;
        match written {
            Ok(version) => {
                self.record.holds(sink, Some(mark.clone()));
                self.see(sink, Some((version, Holds::Attempt(mark.clone()))));
            }
            Err((kind, problem)) => {
                self.see(sink, None);
                match kind {
                    SinkErrorKind::Unknown => self.record.in_doubt(sink, self.settles_at(now)),
                    _ => self.record.not_stored(sink),
                }
                if kind == SinkErrorKind::Conflict {
                    // Somebody else wrote; look again.
                    return;
                }
                if kind != SinkErrorKind::Unknown {
                    self.turn_round(mark);
                }
                self.note_untidy(problem, now);
                self.stopped = true;
            }
        }
    }

    /// A roll back that is impossible goes back to where it came from.
    fn turn_round(&mut self, mark: &Marker) {
        let current = self.record.current_mark();
        if let Some(target) = &mut self.record.target
            && target.mark == *mark
        {
            target.mark = current;
        }
    }

    /// What came of deleting a doomed token: whether it is gone for certain.
    pub(crate) fn deleted(&mut self, key: &TokenKey, gone: Result<(), Problem>, now: Now) {
        self.tried.insert(key.clone());
        match gone {
            Ok(()) => {
                self.record.gone(key);
                self.did.retired.push(key.clone());
                self.dirty = true;
                if self.record.doomed.is_empty() {
                    self.record.untidy = None;
                }
            }
            Err(problem) => self.note_untidy(problem, now),
        }
    }

    /// A doomed token was not found, but may be too new to be seen.
    pub(crate) fn not_seen_yet(&mut self, key: &TokenKey, until: Stamp) {
        self.tried.insert(key.clone());
        self.waits(Some(until), "a token that is to go may not be visible yet");
    }

    /// Whether the client goes on with the new secret.
    pub(crate) fn switched(&mut self, switched: Result<(), Problem>) {
        self.switch = false;
        if let Err(problem) = switched {
            self.problem.get_or_insert(problem);
            // What the client may still use is not to be deleted.
            self.stopped = true;
        }
    }

    /// What came of the steps after a delivery.
    pub(crate) fn after_done(&mut self, done: Result<(), Problem>) {
        self.after_tried = true;
        match done {
            Ok(()) => (self.record.after_due, self.dirty) = (false, true),
            Err(problem) => self.after_problem = Some(problem),
        }
    }

    /// The record was swapped in for the lease alone.
    pub(crate) fn holds_lease(&mut self) {
        self.held = true;
    }

    fn see(&mut self, sink: usize, seen: Option<Seen>) {
        if let Some(place) = self.seen.get_mut(sink) {
            *place = seen;
        }
    }
}

/// The mark of a token, in whichever place the service has for it.
pub(crate) fn mark_of(token: &TokenRecord) -> Option<Marker> {
    let named = || Marker::in_text(token.name.as_deref().unwrap_or(token.key.as_str()));
    token.marker.clone().or_else(named)
}

/// Whose a token is: by the id where there is one, since an answer may lack the rest.
pub(super) fn owner_of(token: &TokenRecord) -> Option<String> {
    token
        .owner_id
        .as_deref()
        .or(token.owner.as_deref())
        .map(str::to_owned)
}

/// The token of a list that carries this mark and works.
pub(super) fn marked<'a>(tokens: &'a [TokenRecord], mark: &Marker) -> Option<&'a TokenRecord> {
    let mut tokens = tokens.iter();
    tokens.find(|token| {
        mark_of(token).as_ref() == Some(mark) && token.state != crate::TokenState::Inactive
    })
}

/// Whether the current token is known to be there.
impl CurrentFact {
    pub(crate) fn is_there(&self) -> bool {
        !matches!(self, Self::Gone | Self::Inactive)
    }
}
