//! `tokens status`

use std::time::SystemTime;

use access_tokens::TokenKey;
use access_tokens::rotation::Status as Known;
use serde_json::{Value, json};

use super::Run;
use crate::args::Status;
use crate::error::{FINDINGS, OK, PERSON, Stop, graver};
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
    let selected = managed::selected(run.config, &status.names.names)?;
    let state = managed::open(run).await?;
    let keeper = &state.keeper;
    let now = run.context.clock.now();
    let mut standings = Vec::new();
    let mut code = OK;
    for (name, token) in &selected {
        let known = match keeper.status(name).await {
            Ok(known) => known,
            Err(error) => {
                let stop = Stop::from(error);
                code = graver(code, stop.code);
                run.context.tell(format_args!("{name}: {}", stop.message));
                None
            }
        };
        let account = run.config.accounts.get(&token.account);
        let next_due = known
            .as_ref()
            .and_then(|known| managed::next_due(token, known));
        let finding = match &known {
            Some(known) => finding(known, next_due, now),
            None => Some(("has no token yet".to_owned(), FINDINGS)),
        };
        standings.push(Standing {
            known,
            name: (*name).to_owned(),
            account: token.account.clone(),
            service: account
                .map(|a| a.service.text().to_owned())
                .unwrap_or_default(),
            next_due,
            declared: true,
            finding,
        });
    }
    if status.names.names.is_empty() {
        let all = keeper.statuses().await?;
        for known in all.into_iter().filter_map(Result::ok) {
            if run.config.tokens.contains_key(&known.token) {
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
    }
    if status.check {
        for (_, grave) in standings
            .iter()
            .filter_map(|standing| standing.finding.as_ref())
        {
            code = graver(code, *grave);
        }
    }
    let last_tick = crate::last_tick::read(run, &*state.store).await;
    if run.json() {
        let tokens: Vec<_> = standings.iter().map(Standing::json).collect();
        output::members(
            run.context,
            [
                ("store".to_owned(), json!(run.config.store.to_string())),
                ("last_tick".to_owned(), json!(last_tick.map(rfc3339))),
                ("tokens".to_owned(), json!(tokens)),
            ],
        )?;
        return Ok(code);
    }
    for standing in &standings {
        if run.quiet && standing.finding.is_none() {
            continue;
        }
        standing.show(run, now)?;
    }
    if let Some(at) = last_tick.filter(|_| !run.quiet) {
        run.context
            .say(format_args!("last tick {}", ago(at, now)))?;
    }
    Ok(code)
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
        let (context, style) = (run.context, run.style);
        let mark = match &self.finding {
            Some((_, PERSON)) => style.bad("needs a person"),
            Some((text, _)) => style.warn(text),
            None if !self.declared => style.warn("in the state and no more in the file"),
            None => style.good("fresh"),
        };
        let head = style.head(&shown(&self.name));
        context.say(format_args!(
            "{head}  {mark}  {} ({})",
            shown(&self.account),
            self.service
        ))?;
        let Some(known) = &self.known else {
            return context.say("  no token yet: the next tick makes the first contact");
        };
        let line = |label: &str, text: String| context.say(format_args!("  {label:<12}{text}"));
        if let Some(key) = &known.current {
            let made = known.created.map(|at| format!(", made {}", ago(at, now)));
            line("current", format!("{key}{}", made.unwrap_or_default()))?;
        }
        if let Some(at) = known.expires {
            line("expires", ago(at, now))?;
        }
        for (key, until) in &known.previous {
            line("previous", format!("{key} until {}", rfc3339(*until)))?;
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
                format!("since {}, after a rollback", rfc3339(at)),
            )?;
        }
        if let (Some(since), Some((kind, text))) = (known.failing_since, &known.last_error) {
            let tries = known.attempts;
            line(
                "failing",
                format!("since {}, {tries} times: {}", rfc3339(since), shown(text)),
            )?;
            line("to do", kind.hint().to_owned())?;
        }
        if let Some(at) = known.next_attempt {
            line("next attempt", ago(at, now))?;
        }
        Ok(())
    }
}
