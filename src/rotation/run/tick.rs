//! A tick from the record in the store to a report.

use std::sync::Arc;
use std::time::SystemTime;

use tracing::Instrument as _;
use tracing::field::Empty;

use super::super::decision::Decision;
use super::super::error::{Error, State};
use super::super::event::Event;
use super::super::outcome::{Outcome, Report};
use super::super::record::{Record, Stamp};
use super::super::request::{Ask, Request};
use super::super::state::{LocalGuard, LocalLock, Stored};
use super::super::token::ManagedToken;
use super::super::{kind::ErrorKind, problem::Problem};
use super::account::{Account, Snapshot};
use super::confirm::of_account;
use super::contact::contact;
use super::context::{Context, request_entry, token_entry};
use super::draft::{is_draft, note_failure, still_waits};
use super::evidence::Teller;
use super::known::Known;
use super::machine::Machine;
use super::runner::{Runner, Stop};

/// How a tick is run.
#[derive(Clone, Debug, Default)]
pub(crate) struct How {
    /// Does not wait for a back-off.
    pub(crate) impatient: bool,
    /// Leaves the steps after a delivery to the caller.
    pub(crate) defer_after: bool,
    /// What those steps came to.
    pub(crate) after: Option<Result<(), Problem>>,
    /// What was read for all that are ticked together.
    pub(crate) known: Option<Arc<Known>>,
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

/// Ticks one managed token. Whatever came of it leaves its event.
pub(crate) async fn tick(
    context: &Context,
    token: &ManagedToken,
    account: &Account,
    how: How,
) -> Ticked {
    let declared = token.declared();
    let name = &declared.name;
    let teller = Teller::new(declared);
    let span = tracing::info_span!(
        "access_tokens.tick",
        otel.status_code = Empty,
        token = %name,
        service = declared.service.service().name(),
        account = declared.account.as_deref(),
        runner = %teller.runner,
        outcome = Empty,
        error.type = Empty,
    );
    let mut ticked = if declared.rules.suspended {
        let why = "its declaration says so".to_owned();
        Report::new(name, Outcome::Suspended { why }).into()
    } else {
        let ticked = attempt(context, token, account, &how, &teller);
        let ticked = ticked.instrument(span.clone()).await;
        ticked.unwrap_or_else(|error| Report::failed(error).into())
    };
    span.record("outcome", ticked.report.outcome.as_str());
    if let Some(error) = ticked.report.error() {
        span.record("error.type", error.kind().as_str())
            .record("otel.status_code", "ERROR");
    }
    let tell = teller.tell_outcome(context, &mut ticked.report);
    tell.instrument(span).await;
    ticked
}

async fn attempt(
    context: &Context,
    token: &ManagedToken,
    account: &Account,
    how: &How,
    teller: &Teller,
) -> Result<Ticked, Error> {
    let declared = token.declared();
    let name = &declared.name;
    context.prove(name).await?;
    let now = context.now(name).await?;
    let known = how.known.as_deref();
    let stored = load(context, known, name, &token_entry(name)).await?;
    let mut warnings = Vec::new();
    let stored = match stored {
        Some(stored) if !is_draft(&stored) => stored,
        earlier => {
            let earlier = earlier.as_ref();
            if let Some(error) = earlier.and_then(|e| still_waits(declared, e, how.impatient, now))
            {
                return Err(error);
            }
            let made = async {
                let listing = listing(account, name, now).await?;
                contact(context, declared, &listing, earlier).await
            };
            match made.await {
                Ok(made) => {
                    warnings.extend(made.warning);
                    made.stored
                }
                Err(error) => {
                    note_failure(context, declared, earlier, &error, now).await;
                    return Err(error);
                }
            }
        }
    };
    let record = read(token, &stored)?;
    let (abandoned, lock) = match turn(context, &record, now).await? {
        Turn::Mine { abandoned, lock } => (abandoned, lock),
        Turn::Theirs(until) => return Ok(busy(name, &record, Some(until.time())).into()),
    };
    let ask = ask(context, known, name).await?;
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
    let now = (teller.clone(), now);
    let runner = Runner::new(context, declared, account, machine, stored.version, now);
    let mut runner = runner.with_after(how.after.clone());
    if abandoned.is_some() {
        runner = runner.taking_over(lock);
    }
    let mut ticked = match runner.run().await {
        Ok(()) => report(&mut runner),
        Err(Stop::Superseded) => {
            let fill = |event: &mut Event| {
                let text = "another runner was faster: what this one was about to write down does not count";
                event.detail = Some(text.to_owned());
            };
            runner.tell("superseded", fill).await;
            superseded(context, name, runner.record()).await.into()
        }
        Err(Stop::Store(error)) => return Err(Error::store(name, &error)),
    };
    ticked.report.warnings.splice(0..0, warnings);
    Ok(ticked)
}

/// An entry of the store.
async fn load(
    context: &Context,
    known: Option<&Known>,
    name: &str,
    entry: &str,
) -> Result<Option<Stored>, Error> {
    if let Some(known) = known.filter(|known| known.is_fresh(context)) {
        return Ok(known.entry(entry));
    }
    let found = context.store.load(entry).await;
    found.map_err(|error| Error::store(name, &error))
}

/// The list of the account, or what is wrong with the account.
pub(super) async fn listing(
    account: &Account,
    name: &str,
    now: Stamp,
) -> Result<Arc<Snapshot>, Error> {
    account
        .shared(now)
        .await
        .map_err(|error| Error::problem(name, &of_account(&error)).caused_by(Some(error)))
}

/// The record of this declaration.
pub(crate) fn read(token: &ManagedToken, stored: &Stored) -> Result<Record, Error> {
    let declared = token.declared();
    let record = Record::read(&stored.body).map_err(|invalid| {
        let text = format!("the record is refused: {}", invalid.0);
        let error = Error::new(&declared.name, ErrorKind::Record, text);
        error.in_state(State::Unknown).for_a_person()
    })?;
    if record.draft {
        let text = "another runner is at the first contact";
        return Err(Error::new(&declared.name, ErrorKind::Interrupted, text));
    }
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
pub(super) async fn ask(
    context: &Context,
    known: Option<&Known>,
    name: &str,
) -> Result<Option<(String, Ask)>, Error> {
    let Some(stored) = load(context, known, name, &request_entry(name)).await? else {
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
async fn superseded(context: &Context, name: &str, mine: &Record) -> Report {
    let stored = context.store.load(&token_entry(name)).await.ok().flatten();
    let theirs = stored.and_then(|stored| Record::read(&stored.body).ok());
    let until = theirs
        .as_ref()
        .and_then(|record| record.holder.as_ref())
        .map(|holder| holder.until.time());
    busy(name, theirs.as_ref().unwrap_or(mine), until)
}

fn stand(report: &mut Report, record: &Record) {
    report.current = record.current.as_ref().map(|token| token.key.clone());
    let previous = record.previous.iter();
    report.previous = previous
        .map(|p| (p.token.key.clone(), p.retire_at.time()))
        .collect();
}

/// What came of it.
fn report(runner: &mut Runner<'_>) -> Ticked {
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
    } else if let Some(why) = runner.machine.on_hold() {
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
    report.warnings = warnings;
    let after_due = record.after_due && runner.machine.defers_after();
    Ticked { report, after_due }
}
