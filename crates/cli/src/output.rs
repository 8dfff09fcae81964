//! How results and failures are shown.

use anstyle::{AnsiColor, Effects};
use serde_json::{Map, Value, json};
use std::time::SystemTime;

use crate::args::{Color, Output};
use crate::context::Context;
use crate::error::Stop;

/// The version of every JSON document that the program prints.
pub(crate) const SCHEMA: u32 = 1;

/// Whether results and messages are coloured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    out: bool,
    err: bool,
    pub(crate) width: usize,
}

impl Style {
    pub(crate) fn new(context: &Context, color: Color) -> Self {
        let set = |name: &str| {
            context
                .var(name)
                .ok()
                .flatten()
                .is_some_and(|v| !v.is_empty())
        };
        let plain =
            set("NO_COLOR") || context.var("TERM").ok().flatten().as_deref() == Some("dumb");
        let choose = |terminal: bool| match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => (terminal && !plain) || set("CLICOLOR_FORCE"),
        };
        let columns = || {
            context
                .var("COLUMNS")
                .ok()
                .flatten()
                .and_then(|text| text.parse().ok())
        };
        let width = context.terminal.width.map(usize::from).or_else(columns);
        Self {
            out: choose(context.terminal.output),
            err: choose(context.terminal.error),
            width: width.unwrap_or(100).clamp(40, 100),
        }
    }

    /// Whether results are coloured.
    pub(crate) fn colored(self) -> bool {
        self.out
    }

    pub(crate) fn good(self, text: &str) -> String {
        paint(self.out, AnsiColor::Green, text)
    }

    pub(crate) fn warn(self, text: &str) -> String {
        paint(self.out, AnsiColor::Yellow, text)
    }

    pub(crate) fn bad(self, text: &str) -> String {
        paint(self.out, AnsiColor::Red, text)
    }

    pub(crate) fn head(self, text: &str) -> String {
        if !self.out {
            return text.to_owned();
        }
        let style = anstyle::Style::new().effects(Effects::BOLD);
        format!("{style}{text}{style:#}")
    }
}

fn paint(on: bool, color: AnsiColor, text: &str) -> String {
    if !on {
        return text.to_owned();
    }
    let style = color.on_default();
    format!("{style}{text}{style:#}")
}

/// A failure, for a person on the standard error, and for a program as JSON on the standard output.
pub(crate) fn stop(context: &Context, style: Style, output: Output, stop: &Stop) {
    let word = paint(style.err, AnsiColor::Red, "error:");
    context.tell(format_args!("{word} {}", stop.message));
    if let Some(hint) = &stop.hint {
        context.tell(format_args!("       {hint}"));
    }
    if output == Output::Json {
        let error = json!({ "kind": stop.kind, "message": stop.message, "hint": stop.hint });
        // There is nobody to tell if this fails.
        let _ = context.say(json!({ "schema": SCHEMA, "error": error }));
    }
}

/// Text of others, fit for a terminal.
pub(crate) fn shown(text: &str) -> String {
    text.escape_debug().to_string()
}

/// A point of time, as RFC 3339 has it.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    access_tokens::When::At(time).to_string()
}

/// A point of time for a person: the day, and how far that is.
pub(crate) fn ago(time: SystemTime, now: SystemTime) -> String {
    let (span, past) = match now.duration_since(time) {
        Ok(span) => (span, true),
        Err(error) => (error.duration(), false),
    };
    let seconds = span.as_secs();
    let span = match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    };
    let text = rfc3339(time);
    let text = text
        .split('.')
        .next()
        .unwrap_or(&text)
        .trim_end_matches('Z')
        .replace('T', " ");
    if past {
        format!("{text} ({span} ago)")
    } else {
        format!("{text} (in {span})")
    }
}

/// A JSON document of the program's own, with one member beside its version.
pub(crate) fn document(
    cx: &Context,
    name: &str,
    content: &impl serde::Serialize,
) -> Result<(), Stop> {
    let content = serde_json::to_value(content).map_err(|_| no_json())?;
    members(cx, [(name.to_owned(), content)])
}

/// A JSON document of the program's own, with these members beside its version.
pub(crate) fn members(
    cx: &Context,
    members: impl IntoIterator<Item = (String, Value)>,
) -> Result<(), Stop> {
    let schema = [("schema".to_owned(), json!(SCHEMA))];
    let document: Map<_, _> = schema.into_iter().chain(members).collect();
    cx.say(serde_json::to_string_pretty(&document).map_err(|_| no_json())?)
}

fn no_json() -> Stop {
    Stop::failed("internal", "the result cannot be written as JSON")
        .hint("Please report this, with the command.")
}
