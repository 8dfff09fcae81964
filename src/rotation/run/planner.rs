//! A dry run: the same machine, stopped before its first act that changes anything.

use super::super::decision::Decision;
use super::super::error::{Error, State};
use super::super::outcome::Cause;
use super::super::plan::{Plan, PlannedStep, Verdict};
use super::super::record::{Record, Stamp};
use super::super::rules::Rules;
use super::super::sink::SinkKind;
use super::super::state::Stored;
use super::super::token::{Declared, ManagedToken};
use super::account::Account;
use super::contact::draft;
use super::context::{Context, token_entry};
use super::draft::is_draft;
use super::evidence::Teller;
use super::machine::{Act, Machine};
use super::runner::Runner;
use super::tick::{Turn, ask, listing, read, turn};
use crate::service::Action;
use crate::text::human_duration;

/// What a tick would do.
pub(crate) async fn plan(
    context: &Context,
    token: &ManagedToken,
    account: &Account,
) -> Result<Plan, Error> {
    let declared = token.declared();
    let name = &declared.name;
    let now = context.now(name).await?;
    let stored = context.store.load(&token_entry(name)).await;
    let stored = stored.map_err(|error| Error::store(name, &error))?;
    let mut notes = notes(&declared.rules);
    let stored = stored.filter(|stored| !is_draft(stored));
    let (record, version) = if let Some(stored) = stored {
        (read(token, &stored)?, stored.version)
    } else {
        let listing = listing(account, name, now).await?;
        let (record, warning) = draft(context, declared, &listing).await?;
        notes.push("it is the first contact: a record is made".to_owned());
        notes.extend(warning);
        (
            record,
            Stored::new(token_entry(name), serde_json::Value::Null).version,
        )
    };
    let mut plan = Plan {
        token: name.clone(),
        service: declared.service.service().name().to_owned(),
        account: declared.account.clone(),
        current: record.current.as_ref().map(|token| token.key.clone()),
        verdict: Verdict::NotDue,
        why: String::new(),
        steps: Vec::new(),
        notes,
        next: None,
    };
    if declared.rules.suspended {
        (plan.verdict, plan.why) = (Verdict::Suspended, "its declaration says so".to_owned());
        return Ok(plan);
    }
    let abandoned = match turn(context, &record, now).await? {
        Turn::Mine { abandoned, .. } => abandoned,
        Turn::Theirs(until) => {
            (plan.verdict, plan.next) = (Verdict::Busy, Some(until.time()));
            "another runner holds it".clone_into(&mut plan.why);
            return Ok(plan);
        }
    };
    let ask = ask(context, None, name).await?;
    let machine = Machine::new(
        declared.rules.clone(),
        context.times,
        record,
        ask,
        abandoned,
    );
    let mut runner = Runner::new(
        context,
        declared,
        account,
        machine,
        version,
        (Teller::new(declared), now),
    );
    let act = runner.look().await;
    plan.notes.append(&mut runner.warnings);
    let machine = &runner.machine;
    if let Some(problem) = &machine.problem {
        let retry = machine.record.failing.iter().chain(&machine.record.untidy);
        let retry = retry.map(|failing| failing.not_before.time()).max();
        let error = Error::problem(name, problem).in_state(State::AtRest);
        return Err(error.retried_at(retry).caused_by(runner.cause.take()));
    }
    describe(&mut plan, declared, machine, &act);
    Ok(plan)
}

fn describe(plan: &mut Plan, declared: &Declared, machine: &Machine, act: &Act) {
    let record = &machine.record;
    match act {
        Act::Create => {
            let why = match &machine.decision {
                Some(Decision::Due(why)) => why.clone(),
                _ => return,
            };
            (plan.verdict, plan.why) = (Verdict::Rotate(why.cause), why.detail);
            plan.steps = rotation(declared, record, why.cause == Cause::Suspected);
        }
        Act::Rest => {
            if let Some(wait) = &machine.wait {
                (plan.verdict, plan.next) = (Verdict::Wait, wait.until.map(Stamp::time));
                wait.why.clone_into(&mut plan.why);
            } else if let Some(why) = machine.on_hold() {
                (plan.verdict, plan.why) = (Verdict::Suspended, why);
            } else if let Some(Decision::NotDue { next }) = &machine.decision {
                plan.next = next.map(Stamp::time);
                "no rule asks for a rotation".clone_into(&mut plan.why);
            }
        }
        act => {
            let service = &declared.service;
            plan.verdict = Verdict::Tidy;
            let (what, calls) = match act {
                Act::Delete(token) => (
                    format!("delete {}", token.key),
                    service.calls(Action::Delete),
                ),
                Act::Rewrite(_) | Act::Restore(..) => (
                    "bring the sinks back to one token".to_owned(),
                    &[] as &[&str],
                ),
                Act::After => (
                    "take the steps after the last delivery".to_owned(),
                    &[] as &[&str],
                ),
                _ => ("write the state".to_owned(), &[] as &[&str]),
            };
            "something is unfinished, or its time is over".clone_into(&mut plan.why);
            plan.steps.push(PlannedStep::new(what, &[calls]));
            let then = "afterwards the tick judges it again, and rotates it if it is due";
            plan.notes.push(then.to_owned());
        }
    }
}

fn rotation(declared: &Declared, record: &Record, suspected: bool) -> Vec<PlannedStep> {
    let service = &declared.service;
    let mut steps = vec![PlannedStep::new(
        format!(
            "create a successor, marked {}",
            record.incarnation.attempt(record.counter)
        ),
        &[service.calls(Action::Create)],
    )];
    let mut checks = vec![service.calls(Action::TokenTemplate)];
    let mut what = "compare it with what was asked for".to_owned();
    if declared.verify {
        checks.push(service.calls(Action::Verify));
        what.push_str(", and authenticate with it");
    }
    steps.push(PlannedStep::new(what, &checks));
    for sink in &declared.rules.sinks {
        steps.push(PlannedStep::new(
            format!("deliver to {} ({})", sink.id, sink.kind),
            &[],
        ));
    }
    for step in &declared.after {
        steps.push(PlannedStep::new(format!("then: {}", step.id()), &[]));
    }
    if let Some(old) = &record.current {
        let overlap = declared.rules.overlap;
        let later = !suspected && !overlap.is_zero();
        let when = if later {
            format!(" after {}", human_duration(overlap))
        } else {
            String::new()
        };
        let step = PlannedStep::new(
            format!("delete {}{when}", old.key),
            &[service.calls(Action::Delete)],
        );
        steps.push(step.later(later));
    }
    steps
}

/// What there is to know about a declaration.
fn notes(rules: &Rules) -> Vec<String> {
    let mut notes = Vec::new();
    for sink in &rules.sinks {
        let text = match sink.kind {
            SinkKind::Restorable => continue,
            SinkKind::Fenced => {
                "does not keep what it held: a rotation that fails on the way cannot be taken back there, and it cannot be rolled back"
            }
            SinkKind::Observable => {
                "cannot refuse a late write: after a delivery without an answer it is left alone for a while"
            }
            _ => {
                "cannot refuse a late write and cannot be asked what it holds: after a delivery without an answer it is left alone for a while, and both tokens live on"
            }
        };
        notes.push(format!("{} {text}", sink.id));
    }
    notes
}

impl Runner<'_> {
    /// Goes on up to the first act that would change something, and says which.
    async fn look(&mut self) -> Act {
        const MOST: usize = 20;
        for _ in 0..MOST {
            let act = self.machine.next(self.now());
            if act.writes_first() || self.perform(act.clone()).await.is_err() {
                return act;
            }
        }
        Act::Rest
    }
}
