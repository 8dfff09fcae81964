//! Whether a token is due now, why, and when it will be.

use std::time::Duration;

use super::problem::Problem;
use super::record::{Record, Stamp};
use super::request::Ask;
use super::rules::{Now, Rules};
use super::sink::{Holds, SinkVersion};
use super::{kind::ErrorKind, outcome::Cause};
use crate::due::{Due, RotationPolicy, days};
use crate::service::{TokenRecord, TokenState};
use crate::time::When;

/// What is to be done about the current token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Decision {
    Due(Why),
    NotDue { next: Option<Stamp> },
    Blocked(Problem),
}

/// Why a token is due.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Why {
    pub(crate) cause: Cause,
    pub(crate) detail: String,
}

/// What a list says about the current token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum CurrentFact {
    /// Nothing that counts: it is not there, but may be too new to be seen.
    #[default]
    Unknown,
    /// It is there: the rule that asks for a change, or when one will, and from when on a change
    /// that is due waits for nothing, as the token ends soon after.
    Judged {
        due: Option<String>,
        next: Option<Stamp>,
        last: Option<Stamp>,
    },
    /// It is there, and the service does not accept its secret any more.
    Unusable,
    /// It is gone.
    Gone,
    /// Somebody has switched it off.
    Inactive,
}

impl CurrentFact {
    /// From when on a rotation waits for nothing, as consumers would soon be without a secret.
    pub(crate) fn last_call(&self) -> Option<Stamp> {
        match self {
            Self::Judged { last, .. } => *last,
            _ => None,
        }
    }
}

/// What a sink said.
pub(crate) type Seen = (Option<SinkVersion>, Holds);

/// Judges a token as a list shows it.
pub(crate) fn judge(
    rules: &Rules,
    record: &Record,
    listed: Option<&TokenRecord>,
    now: Now,
) -> CurrentFact {
    let Some(current) = &record.current else {
        return CurrentFact::Unknown;
    };
    let Some(listed) = listed else {
        let settled = current.settles_at.is_none_or(|at| at <= now.keeper);
        return if settled {
            CurrentFact::Gone
        } else {
            CurrentFact::Unknown
        };
    };
    match listed.state {
        TokenState::Inactive => return CurrentFact::Inactive,
        TokenState::Unusable => return CurrentFact::Unusable,
        _ => {}
    }
    let mut token = listed.clone();
    if !token.created.is_reported() {
        token.created = When::At(current.made_at.time());
    }
    let made = token.created.time().map_or(current.made_at, Stamp::of);
    let end = token.expires.time().map(Stamp::of).or(current.expires);
    let (policy, next) = effective(&rules.policy, rules.earlier, made, end);
    let (due, next) = match policy.due(&token, now.service.time()) {
        Due::Now(reason) => (Some(reason.to_string()), Some(now.service)),
        Due::NotYet(_) | Due::Unknown(_) => (None, next),
    };
    let last = end.map(|end| end.minus(last_window(end.since(made))));
    // A policy may ask for it later still.
    let last = last.map(|last| next.map_or(last, |next| last.max(next)));
    CurrentFact::Judged { due, next, last }
}

/// The policy as it fits a token's real life, and when it asks for a change.
pub(crate) fn effective(
    policy: &RotationPolicy,
    earlier: Duration,
    made: Stamp,
    end: Option<Stamp>,
) -> (RotationPolicy, Option<Stamp>) {
    let mut policy = policy.clone().include_expired(true);
    if let Some(age) = policy.max_age {
        policy.max_age = Some(age.saturating_sub(earlier.min(age / 2)));
    }
    let by_age = policy.max_age.map(|age| made.plus(age));
    let mut by_end = None;
    if let Some(end) = end {
        let most = widest_window(end.since(made));
        policy.expires_within = match policy.expires_within {
            Some(window) => Some(window.saturating_add(earlier).min(most)),
            // Whatever the rules are, it is not to run out unnoticed.
            None if by_age.is_none_or(|at| at >= end) => Some(most),
            None => None,
        };
        by_end = policy.expires_within.map(|window| end.minus(window));
    }
    let next = [by_age, by_end].into_iter().flatten().min();
    (policy, next)
}

/// How long before its end a token may be due at most: a service that grants shorter lives than it
/// was asked for must not cause a loop.
pub(crate) fn widest_window(life: Duration) -> Duration {
    if life <= days(10) { life / 2 } else { life / 3 }
}

/// How long before its end a token is followed although something else should come first: a tenth of its
/// life, a week at most.
fn last_window(life: Duration) -> Duration {
    (life / 10).min(days(7))
}

/// Decides from the record, a list and what the sinks say.
pub(crate) fn decide(
    rules: &Rules,
    record: &Record,
    fact: &CurrentFact,
    sinks: &[Option<Seen>],
    ask: Option<&Ask>,
) -> Decision {
    if let Some(Ask::Rotate { suspected, by }) = ask {
        let cause = if *suspected {
            Cause::Suspected
        } else {
            Cause::Requested
        };
        return due(cause, by.clone());
    }
    if record.current.is_none() {
        return due(Cause::First, "it is declared, and there is none yet");
    }
    match fact {
        CurrentFact::Gone if rules.creates => {
            return due(Cause::Gone, "it is gone at the service");
        }
        CurrentFact::Gone => {
            let text = "the token is gone at the service; rotate it to make another one like it, or forget the entry";
            return Decision::Blocked(Problem::person(ErrorKind::Gone, text));
        }
        CurrentFact::Inactive => {
            let text = "the token is switched off or revoked; rotate it to make another one like it, or forget the entry";
            return Decision::Blocked(Problem::person(ErrorKind::Gone, text));
        }
        CurrentFact::Unknown | CurrentFact::Unusable | CurrentFact::Judged { .. } => {}
    }
    if let Some(decision) = of_sinks(record, sinks) {
        return decision;
    }
    match fact {
        CurrentFact::Unusable => due(Cause::Policy, "the service does not accept it any more"),
        CurrentFact::Judged {
            due: Some(rule), ..
        } => due(Cause::Policy, rule.clone()),
        CurrentFact::Judged { next, .. } => Decision::NotDue { next: *next },
        _ => Decision::NotDue { next: None },
    }
}

fn due(cause: Cause, detail: impl Into<String>) -> Decision {
    let detail = detail.into();
    Decision::Due(Why { cause, detail })
}

fn of_sinks(record: &Record, sinks: &[Option<Seen>]) -> Option<Decision> {
    let states = record.sinks.iter().zip(sinks);
    for (state, seen) in states.clone() {
        if let Some((_, holds)) = seen
            && is_foreign(record, holds)
        {
            return Some(Decision::Blocked(Problem::person(
                ErrorKind::Drift,
                format!(
                    "{} holds what somebody else has put there; rotate to overwrite it, or put the token's secret back",
                    state.id
                ),
            )));
        }
    }
    if !record.exposed.is_empty() {
        return Some(due(Cause::Repair, "not every sink holds the same token"));
    }
    let current = record.current_mark();
    for (state, seen) in states {
        if state.added {
            return Some(due(Cause::Config, format!("{} was added", state.id)));
        }
        match seen {
            Some((_, Holds::Nothing)) => {
                return Some(due(Cause::Missing, format!("{} is empty", state.id)));
            }
            Some((_, Holds::Attempt(mark))) if *mark != current => {
                let text = format!("{} holds another token of this entry", state.id);
                return Some(due(Cause::Drift, text));
            }
            _ => {}
        }
    }
    None
}

/// Whether somebody else has put this there.
pub(crate) fn is_foreign(record: &Record, holds: &Holds) -> bool {
    // Content without a label is what was there before the first delivery.
    let delivered = record
        .current
        .as_ref()
        .is_some_and(|token| record.is_own(&token.mark) && token.mark.number() != Some(0));
    match holds {
        Holds::Other => delivered,
        Holds::Attempt(mark) => !record.is_own(mark) && *mark != record.current_mark(),
        _ => false,
    }
}
