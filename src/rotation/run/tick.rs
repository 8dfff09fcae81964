//! A tick from the record in the store to a report.

use std::sync::Arc;
use std::time::SystemTime;

use super::super::decision::Decision;
use super::super::error::{Error, State};
use super::super::outcome::{Outcome, Report};
use super::super::record::{Record, Stamp};
use super::super::request::{Ask, Request};
use super::super::state::{LocalGuard, LocalLock, Stored};
use super::super::token::ManagedToken;
use super::super::{ErrorKind, problem::Problem};
use super::account::{Account, Snapshot};
use super::confirm::of_service;
use super::contact::contact;
use super::machine::Machine;
use super::runner::{Context, Runner, Stop, request_entry, token_entry};

/// How a tick is run.
#[derive(Clone, Debug, Default)]
pub(crate) struct How {
    /// Does not wait for a back-off.
    pub(crate) impatient: bool,
    /// Leaves the steps after a delivery to the caller.
    pub(crate) defer_after: bool,
    /// What those steps came to.
    pub(crate) after: Option<Result<(), Problem>>,
}

/// A report, and whether steps after a delivery are left to the caller.
pub(crate) struct Ticked {
    pub(crate) report: Report,
    pub(crate) after_due: bool,
}

impl From<Report> for Ticked {
    fn from(report: Report) -> Self {
        Self {
            report,
            after_due: false,
        }
    }
}

/// Who may go on with a record.
pub(crate) enum Turn {
    /// This tick; what its last holder sent settles at this time, and nobody else here is at work.
    Mine {
        abandoned: Option<Stamp>,
        lock: Option<LocalGuard>,
    },
    /// Somebody else, until then.
    Theirs(Stamp),
}

/// The keeper's time: the store's own, where it has one.
pub(crate) async fn keeper_now(context: &Context, name: &str) -> Result<Stamp, Error> {
    let now = context
        .store
        .now()
        .await
        .map_err(|error| Error::store(name, &error))?;
    Ok(Stamp::of(now.unwrap_or_else(|| context.clock.now())))
}

/// Whose turn it is.
pub(crate) async fn turn(context: &Context, record: &Record, now: Stamp) -> Result<Turn, Error> {
    let Some(holder) = &record.holder else {
        return Ok(Turn::Mine {
            abandoned: None,
            lock: None,
        });
    };
    let settled = Some(holder.until.plus(context.times.settle));
    let end = holder.until.plus(context.times.skew);
    if end <= now {
        return Ok(Turn::Mine {
            abandoned: settled,
            lock: None,
        });
    }
    // On the same machine a lock tells whether the holder is alive.
    if let Some(domain) = &holder.domain {
        let lock = context.store.try_lock(&token_entry(&record.name)).await;
        let lock = lock.map_err(|error| Error::store(&record.name, &error))?;
        if let LocalLock::Held(guard) = lock
            && guard.domain() == Some(domain)
        {
            return Ok(Turn::Mine {
                abandoned: settled,
                lock: Some(guard),
            });
        }
    }
    Ok(Turn::Theirs(end))
}

/// Ticks one managed token.
pub(crate) async fn tick(
    context: &Context,
    token: &ManagedToken,
    account: &Account,
    how: How,
) -> Ticked {
    let declared = token.declared();
    let name = &declared.name;
    if declared.rules.suspended {
        let why = "its declaration says so".to_owned();
        return Report::new(name, Outcome::Suspended { why }).into();
    }
    match attempt(context, token, account, &how).await {
        Ok(ticked) => ticked,
        Err(error) => {
            let key = error.kind().as_str().to_owned();
            tracing::warn!(token = %name, reason = %key, "managed token failed");
            Report::failed(error).into()
        }
    }
}

async fn attempt(
    context: &Context,
    token: &ManagedToken,
    account: &Account,
    how: &How,
) -> Result<Ticked, Error> {
    let declared = token.declared();
    let name = &declared.name;
    let now = keeper_now(context, name).await?;
    let stored = context.store.load(&token_entry(name)).await;
    let stored = stored.map_err(|error| Error::store(name, &error))?;
    let mut warnings = Vec::new();
    let stored = if let Some(stored) = stored {
        stored
    } else {
        let listing = listing(account, name, now).await?;
        let made = contact(context, declared, &listing).await?;
        warnings.extend(made.warning);
        made.stored
    };
    let record = read(token, &stored)?;
    let (abandoned, lock) = match turn(context, &record, now).await? {
        Turn::Mine { abandoned, lock } => (abandoned, lock),
        Turn::Theirs(until) => return Ok(busy(name, &record, Some(until.time())).into()),
    };
    let ask = ask(context, name).await?;
    let mut machine = Machine::new(
        declared.rules.clone(),
        context.times,
        record,
        ask,
        abandoned,
    );
    machine = machine.impatient(how.impatient);
    if how.defer_after {
        machine = machine.defer_after();
    }
    let runner = Runner::new(context, declared, account, machine, stored.version, now);
    let mut runner = runner.with_lock(lock).with_after(how.after.clone());
    match runner.run().await {
        Ok(()) => {}
        Err(Stop::Superseded) => return superseded(context, name, runner.record()).await,
        Err(Stop::Store(error)) => return Err(Error::store(name, &error)),
    }
    let mut ticked = report(&mut runner).await;
    ticked.report.warnings.splice(0..0, warnings);
    Ok(ticked)
}

/// The list of the account, or what is wrong with the account.
pub(super) async fn listing(
    account: &Account,
    name: &str,
    now: Stamp,
) -> Result<Arc<Snapshot>, Error> {
    account.shared(now).await.map_err(|error| {
        let problem = Problem {
            kind: ErrorKind::Account,
            ..of_service(&error)
        };
        Error::problem(name, &problem).caused_by(Some(error))
    })
}

/// The record of this declaration.
pub(crate) fn read(token: &ManagedToken, stored: &Stored) -> Result<Record, Error> {
    let declared = token.declared();
    let record = Record::read(&stored.body).map_err(|invalid| {
        let text = format!("the record is refused: {}", invalid.0);
        let error = Error::new(&declared.name, ErrorKind::Record, text);
        error.in_state(State::Unknown).for_a_person()
    })?;
    let service = declared.service.service();
    if record.service != service.name() || record.account != declared.account {
        let of = |service: &str, account: &Option<String>| match account {
            Some(account) => format!("{service} ({account})"),
            None => service.to_owned(),
        };
        let text = format!(
            "its record is of {}, the declaration of {}; forget the entry, or give the new one another name",
            of(&record.service, &record.account),
            of(service.name(), &declared.account)
        );
        return Err(Error::declaration(&declared.name, text));
    }
    Ok(record)
}

/// What somebody asked for.
pub(super) async fn ask(context: &Context, name: &str) -> Result<Option<(String, Ask)>, Error> {
    let stored = context.store.load(&request_entry(name)).await;
    let stored = stored.map_err(|error| Error::store(name, &error))?;
    let Some(stored) = stored else {
        return Ok(None);
    };
    let request: Request = serde_json::from_value(stored.body).map_err(|_| {
        let text = "the request that is stored for it cannot be read; forget the entry's request";
        Error::new(name, ErrorKind::Record, text).for_a_person()
    })?;
    Ok(Some((request.id, request.ask)))
}

fn busy(name: &str, record: &Record, until: Option<SystemTime>) -> Report {
    let mut report = Report::new(name, Outcome::Busy { until });
    stand(&mut report, record);
    report
}

/// Another runner was first: nothing is undone, and nothing is claimed but that.
async fn superseded(context: &Context, name: &str, mine: &Record) -> Result<Ticked, Error> {
    let stored = context.store.load(&token_entry(name)).await.ok().flatten();
    let theirs = stored.and_then(|stored| Record::read(&stored.body).ok());
    let until = theirs
        .as_ref()
        .and_then(|record| record.holder.as_ref())
        .map(|holder| holder.until.time());
    Ok(busy(name, theirs.as_ref().unwrap_or(mine), until).into())
}

fn stand(report: &mut Report, record: &Record) {
    report.current = record.current.as_ref().map(|token| token.key.clone());
    let previous = record.previous.iter();
    report.previous = previous
        .map(|p| (p.token.key.clone(), p.retire_at.time()))
        .collect();
}

/// What came of it.
async fn report(runner: &mut Runner<'_>) -> Ticked {
    let machine = &mut runner.machine;
    let name = machine.record.name.clone();
    let did = std::mem::take(&mut machine.did);
    let (problem, after) = (machine.problem.take(), machine.after_problem.take());
    let record = machine.record.clone();
    let state = if record.is_at_rest() {
        State::AtRest
    } else {
        State::Unfinished
    };
    let retry = record
        .failing
        .iter()
        .chain(&record.untidy)
        .map(|f| f.not_before.time())
        .max();
    let error = |problem: &Problem, cause: Option<Arc<crate::Error>>| {
        let error = Error::problem(&name, problem).in_state(state);
        error.retried_at(retry).caused_by(cause)
    };
    let cause = runner.cause.take();
    let mut warnings = std::mem::take(&mut runner.warnings);
    let after = after.map(|problem| error(&problem, None));
    let mut after_left = after.clone();
    let mut aside = |problem: Option<Problem>| warnings.extend(problem.map(|problem| problem.text));
    let outcome = if let Some((from, to, why)) = did.rotated {
        aside(problem);
        Outcome::Rotated {
            from,
            to,
            cause: why.cause,
            detail: why.detail,
        }
    } else if let Some((from, to)) = did.rolled_back {
        aside(problem);
        Outcome::RolledBack { from, to }
    } else if let Some(problem) = problem {
        Outcome::Failed(error(&problem, cause))
    } else if let Some(error) = after_left.take() {
        Outcome::Failed(error)
    } else if !did.retired.is_empty() {
        Outcome::Retired { keys: did.retired }
    } else if did.resumed {
        Outcome::Resumed
    } else if let Some(wait) = &runner.machine.wait {
        Outcome::Waiting {
            until: wait.until.map(Stamp::time),
            why: wait.why.to_owned(),
        }
    } else if record.on_hold.is_some() {
        let why = "rotation is on hold since it was rolled back; rotate or release it to go on".to_owned();
        Outcome::Suspended { why }
    } else {
        let next = match &runner.machine.decision {
            Some(Decision::NotDue { next }) => next.map(Stamp::time),
            _ => None,
        };
        Outcome::NotDue { next }
    };
    let mut report = Report::new(&name, outcome);
    stand(&mut report, &record);
    report.after = after_left;
    let quiet = matches!(
        report.outcome,
        Outcome::NotDue { .. } | Outcome::Waiting { .. } | Outcome::Suspended { .. }
    );
    if !quiet {
        let (action, from, to, reason, detail) = evidence(&report);
        runner
            .tell(action, |event| {
                (event.from, event.key, event.reason, event.detail) = (from, to, reason, detail);
            })
            .await;
        warnings.append(&mut runner.warnings);
    }
    report.warnings = warnings;
    let after_due = record.after_due && runner.machine.defers_after();
    Ticked { report, after_due }
}

type Evidence = (
    &'static str,
    Option<crate::TokenKey>,
    Option<crate::TokenKey>,
    Option<String>,
    Option<String>,
);

/// The event of an outcome.
fn evidence(report: &Report) -> Evidence {
    let action = report.outcome.as_str();
    let current = report.current.clone();
    match &report.outcome {
        Outcome::Rotated {
            from,
            to,
            cause,
            detail,
        } => (
            action,
            from.clone(),
            Some(to.clone()),
            Some(cause.as_str().to_owned()),
            Some(detail.clone()),
        ),
        Outcome::RolledBack { from, to } => {
            (action, Some(from.clone()), Some(to.clone()), None, None)
        }
        Outcome::Retired { keys } => {
            let keys: Vec<_> = keys.iter().map(ToString::to_string).collect();
            (action, None, current, None, Some(keys.join(", ")))
        }
        Outcome::Failed(error) => (
            action,
            None,
            current,
            Some(error.kind().as_str().to_owned()),
            Some(error.message().to_owned()),
        ),
        _ => (action, None, current, None, None),
    }
}
