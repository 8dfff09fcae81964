//! How results and failures are shown.

use anstyle::{AnsiColor, Effects};
use serde_json::{Map, Value, json};
use std::time::SystemTime;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

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
    /// The columns that lines are broken at, if somebody says how many there are.
    columns: Option<usize>,
    /// The columns that there are.
    terminal: Option<usize>,
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
        // A terminal that does not say how wide it is has what terminals have always had.
        let width = width.or(context.terminal.output.then_some(80));
        Self {
            out: choose(context.terminal.output),
            err: choose(context.terminal.error),
            columns: width.map(|width| width.clamp(40, 100)),
            terminal: width.map(|width| width.max(40)),
        }
    }

    /// The columns that lines are broken at.
    pub(crate) fn width(self) -> usize {
        self.columns.unwrap_or(100)
    }

    /// The columns that a table may have: all that there are, and without a terminal no end, so that
    /// what it is piped into finds each column whole.
    pub(crate) fn table_width(self) -> usize {
        self.terminal.unwrap_or(usize::MAX)
    }

    /// A line that fits the terminal: what is too long goes on below, indented by this much. Where
    /// nobody says how wide it is, as in a pipe, lines stay whole.
    pub(crate) fn fit(self, line: &str, indent: usize) -> String {
        match self.columns {
            Some(columns) => wrap(line, columns, indent),
            None => line.to_owned(),
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

fn wrap(line: &str, columns: usize, indent: usize) -> String {
    let wide = |text: &str| anstream::adapter::strip_str(text).to_string().width();
    if wide(line) <= columns {
        return line.to_owned();
    }
    let (mut out, mut at, mut begun) = (String::new(), 0, false);
    for word in line.split(' ') {
        let width = wide(word);
        if begun && at + 1 + width > columns && at > indent {
            out.truncate(out.trim_end_matches(' ').len());
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            at = indent;
            if word.is_empty() {
                continue;
            }
        } else if begun && !(at == indent && out.ends_with(' ')) {
            out.push(' ');
            at += 1;
        }
        begun = true;
        if at + width <= columns {
            out.push_str(word);
            at += width;
            continue;
        }
        // A word that is wider than a line, such as a path.
        for character in word.chars() {
            let width = character.width().unwrap_or(0);
            if at + width > columns {
                out.push('\n');
                out.push_str(&" ".repeat(indent));
                at = indent;
            }
            out.push(character);
            at += width;
        }
    }
    out
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
    context.tell(style.fit(&format!("{word} {}", stop.message), 7));
    context.tell(style.fit(&format!("       {}", stop.hint), 7));
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

/// A point of time without what nobody reads.
fn minute(time: SystemTime) -> String {
    let text = rfc3339(time);
    let text = text.split('.').next().unwrap_or(&text);
    text.trim_end_matches('Z').replace('T', " ")
}

/// A point of time for a person: the day, and how far that is.
pub(crate) fn ago(time: SystemTime, now: SystemTime) -> String {
    let (span, past) = match now.duration_since(time) {
        Ok(span) => (span, true),
        Err(error) => (error.duration(), false),
    };
    let seconds = span.as_secs();
    let span = match seconds {
        0..2 => return format!("{} (now)", minute(time)),
        2..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    };
    let text = minute(time);
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

pub(crate) fn no_json() -> Stop {
    Stop::failed("internal", "the result cannot be written as JSON")
        .hint("Please report this, with the command.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_goes_on_below_and_nothing_is_lost() {
        let red = AnsiColor::Red.on_default();
        let line = format!(
            "rotated     {red}name{red:#}  one two three  four {} five",
            "x".repeat(70)
        );
        for columns in 40..100 {
            let wrapped = wrap(&line, columns, 12);
            let plain = anstream::adapter::strip_str(&wrapped).to_string();
            assert!(plain.lines().all(|line| line.width() <= columns), "{plain}");
            let squeezed = |text: &str| text.replace([' ', '\n'], "");
            assert_eq!(squeezed(&wrapped), squeezed(&line));
            assert!(
                plain
                    .lines()
                    .skip(1)
                    .all(|line| line.starts_with("            "))
            );
        }
        assert_eq!(wrap("short  line", 40, 4), "short  line");
    }
}
