//! `tokens tick`

use std::collections::BTreeSet;

use access_tokens::rotation::{Outcome, Report};
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::Run;
use crate::args::Tick;
use crate::error::{FAILED, OK, Stop, USAGE, graver};
use crate::last_tick;
use crate::managed::{self, Clients, State};
use crate::metrics;
use crate::output::{self, rfc3339, shown};
use crate::progress::Progress;

/// Where what belongs to an outcome stands.
const INDENT: usize = 12;

/// How many tokens are ticked at a time.
const AT_A_TIME: usize = 8;

pub(crate) async fn run(run: &Run<'_>, tick: &Tick) -> Result<u8, Stop> {
    if tick.watch.is_none() {
        run.lasting_state()?;
    }
    let mut state = None;
    let Some(pause) = tick.watch else {
        return once(run, &mut state, &tick.names.names).await;
    };
    let mut signals = Signals::new()?;
    loop {
        tokio::select! {
            // What is under way comes to its end: an act that is broken off is work for the next
            // tick. Somebody who asks twice does not want to wait.
            biased;
            ended = once(run, &mut state, &tick.names.names) => { ended?; }
            () = signals.twice(run) => return Ok(OK),
        }
        tokio::select! {
            biased;
            () = signals.once() => return Ok(OK),
            () = run.context.clock.sleep(pause) => {}
        }
    }
}

/// The signals by which the program is asked to end. They are counted from the moment that this is
/// made.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    asked: bool,
}

impl Signals {
    #[cfg(unix)]
    fn new() -> Result<Self, Stop> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            asked: false,
        })
    }

    #[cfg(not(unix))]
    #[expect(clippy::unnecessary_wraps, reason = "as elsewhere")]
    fn new() -> Result<Self, Stop> {
        Ok(Self { asked: false })
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }

    /// Once somebody has asked.
    async fn once(&mut self) {
        if !self.asked {
            self.next().await;
        }
    }

    /// Once somebody has asked again.
    async fn twice(&mut self, run: &Run<'_>) {
        self.next().await;
        self.asked = true;
        run.context
            .tell("ending with what is under way; once more ends at once");
        self.next().await;
    }
}

/// One pass over the tokens.
async fn once(run: &Run<'_>, state: &mut Option<State>, names: &[String]) -> Result<u8, Stop> {
    let selected = managed::selected(run.config, names)?;
    let state = match state {
        Some(state) => state,
        None => match managed::open(run).await {
            Ok(opened) => state.insert(opened),
            Err(stop) if stop.code == USAGE => return Err(stop),
            // Nothing is sent without a state; each token has its outcome all the same.
            Err(stop) => {
                for name in selected.keys() {
                    refused(run, name, &stop)?;
                }
                return Ok(stop.code);
            }
        },
    };
    let keeper = &state.keeper;
    let accounts = selected.values().map(|token| token.account.as_str());
    let clients = Clients::connect(run, accounts).await;
    let mut code = OK;
    let (mut first, mut last) = (Vec::new(), Vec::new());
    for (name, token) in &selected {
        let declared = match clients.get(&token.account) {
            Ok(service) => managed::declare(run, name, token, service).await?,
            Err(stop) => {
                code = graver(code, stop.code);
                refused(run, name, stop)?;
                continue;
            }
        };
        if managed::feeds_its_account(run.config, token) {
            last.push(declared);
        } else {
            first.push(declared);
        }
    }
    // An account's own credential is changed when nobody needs it any more: one after another.
    // All are one pass, so that steps after a delivery are taken once and after all deliveries.
    let at_a_time = if last.is_empty() { AT_A_TIME } else { 1 };
    first.append(&mut last);
    let mut reports = if names.is_empty() {
        keeper.tick_all(first, at_a_time).boxed()
    } else {
        // Who names a token does not want to wait.
        keeper.retry_all(first, at_a_time).boxed()
    };
    let progress = Progress::begin(run, "ticking", selected.len());
    while let Some(report) = reports.next().await {
        code = graver(code, progress.done(|| show(run, &report))?);
    }
    drop(progress);
    if names.is_empty() {
        leftovers(run, keeper).await;
    }
    last_tick::note(run, &*state.store).await;
    metrics::write(run, keeper).await;
    Ok(code)
}

/// Names what is in the state and no more in the configuration.
async fn leftovers(run: &Run<'_>, keeper: &access_tokens::rotation::Keeper) {
    let Ok(statuses) = keeper.statuses().await else {
        return;
    };
    let declared: BTreeSet<_> = run.config.tokens.keys().map(String::as_str).collect();
    for status in statuses.into_iter().filter_map(Result::ok) {
        if declared.contains(status.token.as_str()) {
            continue;
        }
        // Whoever wants to hear little hears of what lives on.
        if run.quiet && status.previous.is_empty() {
            continue;
        }
        let name = shown(&status.token);
        let lives = status
            .previous
            .iter()
            .map(|(key, until)| format!("{key} until {}", rfc3339(*until)));
        let lives: Vec<_> = lives.collect();
        let lives = if lives.is_empty() {
            String::new()
        } else {
            format!(", and nothing will retire {}", lives.join(", "))
        };
        let file = run.config.path.display();
        let line = format!(
            "{name} is in the state and no more in {file}{lives}; put it back, or `tokens forget {name}`"
        );
        run.tell(line, 2);
    }
}

fn refused(run: &Run<'_>, name: &str, stop: &Stop) -> Result<(), Stop> {
    if run.json() {
        let error = json!({ "kind": stop.kind, "message": stop.message, "hint": stop.hint });
        return run.context.say(json!({
            "token": name, "outcome": "failed", "current": null, "previous": [],
            "reason": null, "next": null, "error": error,
        }));
    }
    let word = run.style.bad("failed");
    run.line(
        format_args!("{word}      {}  {}", shown(name), stop.message),
        INDENT,
    )?;
    run.tell(format_args!("            {}", stop.hint), INDENT);
    Ok(())
}

/// Shows the one report of a command, and gives its exit code.
pub(crate) fn show_one(run: &Run<'_>, report: &Report) -> Result<u8, Stop> {
    if !run.json() {
        return show(run, report);
    }
    if let Value::Object(members) = line(report) {
        output::members(run.context, members)?;
    }
    Ok(code(report))
}

fn code(report: &Report) -> u8 {
    report.error().map_or(OK, managed::exit_code)
}

/// Shows a report among others, and gives its exit code.
fn show(run: &Run<'_>, report: &Report) -> Result<u8, Stop> {
    let code = code(report);
    if run.json() {
        run.context.say(line(report))?;
        return Ok(code);
    }
    for warning in &report.warnings {
        run.tell(
            format_args!("{}: {}", shown(&report.token), shown(warning)),
            2,
        );
    }
    let idle = matches!(
        report.outcome,
        Outcome::NotDue { .. }
            | Outcome::Waiting { .. }
            | Outcome::Busy { .. }
            | Outcome::Suspended { .. }
    );
    let needs_attention = code != OK;
    if run.quiet && !needs_attention {
        return Ok(code);
    }
    let word = report.outcome.as_str().replace('_', " ");
    let word = format!("{word:<11}");
    let word = match &report.outcome {
        Outcome::Failed(_) => run.style.bad(&word),
        _ if code == FAILED || code == crate::error::PERSON => run.style.warn(&word),
        _ if idle => word,
        _ => run.style.good(&word),
    };
    let text = outcome(&report.outcome);
    let name = run.style.head(&shown(&report.token));
    run.line(format_args!("{word} {name}  {text}"), INDENT)?;
    if let Some(error) = &report.after {
        run.tell(
            format_args!("            after: {}", error.message()),
            INDENT,
        );
    }
    if let Some(error) = report.error() {
        run.tell(format_args!("            {}", managed::hint(error)), INDENT);
    }
    Ok(code)
}

/// An outcome without its name, for a person.
fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::NotDue { next: Some(next) } => format!("before {}", rfc3339(*next)),
        Outcome::NotDue { next: None } => String::new(),
        Outcome::Waiting {
            until: Some(at),
            why,
        } => format!("until {}: {why}", rfc3339(*at)),
        Outcome::Waiting { until: None, why } | Outcome::Suspended { why } => why.clone(),
        Outcome::Busy { .. } => "another runner is at work on it".to_owned(),
        Outcome::Failed(error) => match error.retry_at() {
            Some(at) => format!("{}; tried again from {} on", error.message(), rfc3339(at)),
            None => error.message().to_owned(),
        },
        other => {
            let text = other.to_string();
            let rest = text.split_once(": ").map(|(_, rest)| rest.to_owned());
            rest.unwrap_or(text)
        }
    }
}

/// The line of an outcome, for programs; the hint of an error is in this program's words.
fn line(report: &Report) -> Value {
    let mut line = serde_json::to_value(report).unwrap_or_default();
    if let (Some(error), Some(told)) = (report.error(), line.get_mut("error")) {
        *told = json!({
            "kind": error.kind().as_str(), "message": error.message(), "hint": managed::hint(error),
        });
    }
    line
}
