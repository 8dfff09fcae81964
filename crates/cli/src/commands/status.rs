//! `tokens status`

use std::time::SystemTime;

use access_tokens::TokenKey;
use access_tokens::rotation::{Keeper, Status as Known};
use serde_json::{Value, json};

use super::Run;
use crate::args::Status;
use crate::error::{FINDINGS, OK, PERSON, Stop, graver};
use crate::last_tick;
use crate::managed::{self, DAY};
use crate::output::{self, ago, rfc3339, shown};

/// How a token stands for whoever has to care.
struct Standing {
    known: Option<Known>,
    name: String,
    account: String,
    service: String,
    next_due: Option<SystemTime>,
    declared: bool,
    /// Why it needs attention, and the exit code for that.
    finding: Option<(String, u8)>,
}

pub(crate) async fn run(run: &Run<'_>, status: &Status) -> Result<u8, Stop> {
    let state = managed::open(run).await?;
    let now = run.context.clock.now();
    let (standings, mut code) = standings(run, &state.keeper, &status.names.names, now).await?;
    if status.check {
        let findings = standings.iter().filter_map(|s| s.finding.as_ref());
        code = findings.fold(code, |code, (_, grave)| graver(code, *grave));
    }
    let last_tick = last_tick::read(run, &*state.store).await;
    if run.json() {
        let tokens: Vec<_> = standings.iter().map(Standing::json).collect();
        let members = [
            ("store", json!(run.config.store.to_string())),
            ("last_tick", json!(last_tick.map(rfc3339))),
            ("tokens", json!(tokens)),
        ];
        let members = members.map(|(name, value)| (name.to_owned(), value));
        output::members(run.context, members)?;
        return Ok(code);
    }
    for standing in &standings {
        if run.quiet && standing.finding.is_none() {
            continue;
        }
        standing.show(run, now)?;
    }
    if let Some(at) = last_tick.filter(|_| !run.quiet) {
        run.line(format_args!("last tick {}", ago(at, now)), 2)?;
    }
    Ok(code)
}

/// How these tokens stand, or all: those of the file, then those that only the state knows.
async fn standings(
    run: &Run<'_>,
    keeper: &Keeper,
    names: &[String],
    now: SystemTime,
) -> Result<(Vec<Standing>, u8), Stop> {
    let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    let (mut standings, mut code) = (Vec::new(), OK);
    let declared = run.config.tokens.iter().filter(|(name, _)| wanted(name));
    for (name, token) in declared {
        let known = match keeper.status(name).await {
            Ok(known) => known,
            Err(error) => {
                let stop = Stop::from(error);
                code = graver(code, stop.code);
                run.tell(format_args!("{name}: {}; {}", stop.message, stop.hint), 2);
                None
            }
        };
        let next_due = known
            .as_ref()
            .and_then(|known| managed::next_due(token, known));
        let finding = match &known {
            Some(known) => finding(known, next_due, now),
            None => Some(("has no token yet".to_owned(), FINDINGS)),
        };
        let account = run.config.accounts.get(&token.account);
        standings.push(Standing {
            known,
            name: name.clone(),
            account: token.account.clone(),
            service: account
                .map_or("", |account| account.service.text())
                .to_owned(),
            next_due,
            declared: true,
            // What somebody has switched off is not late.
            finding: finding.filter(|(_, code)| !(token.suspend && *code == FINDINGS)),
        });
    }
    for known in keeper.statuses().await?.into_iter().filter_map(Result::ok) {
        if run.config.tokens.contains_key(&known.token) || !wanted(&known.token) {
            continue;
        }
        standings.push(Standing {
            name: known.token.clone(),
            account: known.account.clone().unwrap_or_default(),
            service: known.service.clone(),
            next_due: None,
            declared: false,
            finding: None,
            known: Some(known),
        });
    }
    let missing = |name: &&String| standings.iter().all(|standing| standing.name != **name);
    match names.iter().find(missing) {
        Some(name) => Err(managed::unknown(run.config, name)),
        None => Ok((standings, code)),
    }
}

/// Whether somebody has to look at it.
fn finding(known: &Known, due: Option<SystemTime>, now: SystemTime) -> Option<(String, u8)> {
    if known.needs_person {
        return Some(("needs a person".to_owned(), PERSON));
    }
    if known.expires.is_some_and(|end| end <= now) {
        return Some(("has expired".to_owned(), FINDINGS));
    }
    if known.failing_since.is_some() {
        return Some(("is failing".to_owned(), FINDINGS));
    }
    if known.after_due {
        return Some((
            "a step after its delivery has not succeeded".to_owned(),
            FINDINGS,
        ));
    }
    let late = due
        .and_then(|due| due.checked_add(DAY))
        .is_some_and(|due| due < now);
    (late && known.on_hold.is_none()).then(|| ("is overdue".to_owned(), FINDINGS))
}

impl Standing {
    fn json(&self) -> Value {
        let known = self.known.as_ref();
        let at = |time: Option<SystemTime>| time.map(rfc3339);
        let previous: Vec<_> = known
            .iter()
            .flat_map(|known| &known.previous)
            .map(|(key, until)| json!({ "key": key.as_str(), "until": rfc3339(*until) }))
            .collect();
        let last = known.and_then(|known| known.last_rotation.as_ref());
        let error = known.and_then(|known| known.last_error.as_ref());
        json!({
            "name": self.name,
            "account": self.account,
            "service": self.service,
            "declared": self.declared,
            "current": known.and_then(|k| k.current.as_ref()).map(TokenKey::as_str),
            "created": at(known.and_then(|k| k.created)),
            "expires": at(known.and_then(|k| k.expires)),
            "previous": previous,
            "pending": known.map(|k| k.pending.clone()).unwrap_or_default(),
            "last_rotated": at(last.map(|last| last.at)),
            "last_reason": last.map(|last| last.reason.clone()),
            "failing_since": at(known.and_then(|k| k.failing_since)),
            "attempts": known.map_or(0, |k| k.attempts),
            "last_error": error.map(|(kind, text)| json!({ "kind": kind.as_str(), "message": text })),
            "next_attempt": at(known.and_then(|k| k.next_attempt)),
            "next_due": at(self.next_due),
            "after_due": known.is_some_and(|k| k.after_due),
            "on_hold": at(known.and_then(|k| k.on_hold)),
            "holder": known.and_then(|k| k.holder.as_ref()).map(|(id, until)| {
                json!({ "id": id, "until": rfc3339(*until) })
            }),
            "finding": self.finding.as_ref().map(|(text, _)| text),
        })
    }

    fn show(&self, run: &Run<'_>, now: SystemTime) -> Result<(), Stop> {
        let style = run.style;
        let mark = match &self.finding {
            Some((_, PERSON)) => style.bad("needs a person"),
            Some((text, _)) => style.warn(text),
            None if !self.declared => style.warn("in the state and no more in the file"),
            None => style.good("fresh"),
        };
        let head = style.head(&shown(&self.name));
        let account = shown(&self.account);
        run.line(
            format_args!("{head}  {mark}  {account} ({})", self.service),
            2,
        )?;
        let Some(known) = &self.known else {
            return run.line("  no token yet: the next tick makes the first contact", 2);
        };
        let line = |label: &str, text: String| run.line(format_args!("  {label:<12} {text}"), 15);
        if let Some(key) = &known.current {
            let made = known.created.map(|at| format!(", made {}", ago(at, now)));
            line("current", format!("{key}{}", made.unwrap_or_default()))?;
        }
        if let Some(at) = known.expires {
            line("expires", ago(at, now))?;
        }
        for (key, until) in &known.previous {
            line("previous", format!("{key} until {}", ago(*until, now)))?;
        }
        if let Some(last) = &known.last_rotation {
            line(
                "rotated",
                format!("{}: {}", ago(last.at, now), shown(&last.detail)),
            )?;
        }
        if let Some(at) = self.next_due {
            line("next due", ago(at, now))?;
        }
        for text in &known.pending {
            line("unfinished", shown(text))?;
        }
        if let Some(at) = known.on_hold {
            line(
                "on hold",
                format!("since {}, after a rollback", ago(at, now)),
            )?;
        }
        if let (Some(since), Some((kind, text))) = (known.failing_since, &known.last_error) {
            let tries = match known.attempts {
                0 => String::new(),
                1 => ", once".to_owned(),
                tries => format!(", {tries} times"),
            };
            line(
                "failing",
                format!("since {}{tries}: {}", ago(since, now), shown(text)),
            )?;
            line("to do", managed::hint_of(*kind, &self.name))?;
        }
        if let Some(at) = known.next_attempt {
            line("next attempt", ago(at, now))?;
        }
        Ok(())
    }
}
