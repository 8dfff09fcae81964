//! Where a key stands in a file, if all readers agree on that.
//!
//! The readers differ in much: what a backslash does, whether a quote in the middle of a word opens
//! something, what a line is that is no assignment. Here a file is read strictly: whatever could make
//! one of them see another beginning or end of a line is refused, with the number of the line.

use super::{Found, shell};

/// Finds a key. `strict`: a shell is among the readers.
pub(super) fn find(text: &str, key: &str, strict: bool) -> Result<Option<Found>, String> {
    let body = match text.strip_prefix('\u{feff}') {
        Some(body) => text.len() - body.len()..text.len(),
        None => 0..text.len(),
    };
    let mut file = File {
        text,
        key,
        strict,
        number: 0,
        found: None,
    };
    if let Some((line, why)) = odd_character(text, body.start) {
        return Err(format!("line {line} {why}"));
    }
    let mut at = body.start;
    while at < text.len() {
        let lines = file
            .line(at)
            .map_err(|why| format!("line {} {why}", file.number))?;
        if body.start > 0 && at == body.start && file.found.is_some() {
            let why =
                "begins with a byte order mark, which some readers take for a part of the key";
            return Err(format!("line 1 {why}: remove it"));
        }
        at = lines;
    }
    Ok(file.found)
}

struct File<'a> {
    text: &'a str,
    key: &'a str,
    strict: bool,
    /// Of the line that is being read.
    number: usize,
    found: Option<Found>,
}

type Why = &'static str;

impl<'a> File<'a> {
    fn part(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }

    /// The end of a line, without its line end; and where the next one begins.
    fn end(&self, from: usize) -> (usize, usize) {
        let rest = self.part(from, self.text.len());
        let Some(length) = rest.find('\n') else {
            return (self.text.len(), self.text.len());
        };
        let end = from + length;
        let cr = rest.get(..length).is_some_and(|line| line.ends_with('\r'));
        (end - usize::from(cr), end + 1)
    }

    /// Reads what begins on this line and returns where the next begins.
    fn line(&mut self, start: usize) -> Result<usize, Why> {
        self.number += 1;
        let (end, next) = self.end(start);
        let line = self.part(start, end);
        let trimmed = line.trim_start_matches(BLANKS);
        if trimmed.is_empty() || trimmed.starts_with('#') {
            // Before the first line stands a mark that makes a shell run it.
            if self.strict && start > 0 && self.number == 1 {
                shell::read(line, true, true)?;
            }
            return Ok(next);
        }
        let Some(((name_start, name_end), spaced, equals)) = assignment(trimmed) else {
            return self.other(trimmed).map(|()| next);
        };
        let from = start + line.len() - trimmed.len();
        let value = from + equals + 1;
        let (value_end, next) = self.value(value, end, next)?;
        self.closed(start, next)?;
        let name = trimmed.get(name_start..name_end).unwrap_or_default();
        if name == self.key {
            let found = Found {
                lines: start..next,
                value: from + name_end..value_end,
            };
            if self.found.replace(found).is_some() {
                return Err("has the key a second time");
            }
            if self.strict && shell::sets_more(self.part(value, value_end)) {
                return Err("sets something else, too, to a shell");
            }
        } else if self.strict {
            let apart = self.part(value, value_end).starts_with(BLANKS);
            if trimmed.starts_with("export") && name_start > 0 && (spaced || apart) {
                return Err("exports what stands after a blank, to a shell");
            }
            if spaced && shell::diverts(name) {
                return Err("begins with a word that means something else to a shell");
            }
        }
        // The lines within quotes were counted for none.
        self.number += self
            .part(start, next)
            .trim_end_matches('\n')
            .matches('\n')
            .count();
        Ok(next)
    }

    /// Where a value ends, and where the next line begins.
    fn value(&self, start: usize, end: usize, next: usize) -> Result<(usize, usize), Why> {
        let line = self.part(start, end);
        let value = line.trim_start_matches(BLANKS);
        let from = end - value.len();
        let quote = match value.chars().next() {
            None => return Ok((start, next)),
            Some('#') if from > start => return Ok((start, next)),
            Some(quote @ ('"' | '\'' | '`')) => quote,
            Some(_) => return self.words(start, end, next),
        };
        if quote == '`' {
            if value.matches('`').count() % 2 == 1 {
                return Err("has a quote that is not closed on it");
            }
            return self.words(start, end, next);
        }
        let close = self.close(from + 1, quote)?;
        if self.strict && quote == '"' {
            // What stands within has an end of its own.
            shell::quoted(self.part(from + 1, close + 1), quote)?;
        }
        let (close_end, after) = self.end(close);
        let tail = self.part(close + 1, close_end);
        let rest = tail.trim_start_matches(BLANKS);
        let clean = rest.is_empty() || (rest.starts_with('#') && rest.len() < tail.len());
        if close < end {
            return if clean {
                Ok((close + 1, next))
            } else {
                self.words(start, end, next)
            };
        }
        if !clean {
            return Err("has more after a value of several lines");
        }
        if self.strict && quote == '"' && self.part(from + 1, close).contains("$(") {
            return Err("has a command within quotes");
        }
        Ok((close + 1, after))
    }

    /// A value that all of its line stands for.
    fn words(&self, start: usize, end: usize, next: usize) -> Result<(usize, usize), Why> {
        let rest = self.part(start, end);
        let line = shell::read(rest, true, self.strict)?;
        let value = rest
            .get(..line.comment.unwrap_or(rest.len()))
            .unwrap_or_default();
        if self.strict {
            self.sees_nothing_else(line.words.get(1..).unwrap_or_default())?;
        }
        Ok((start + value.trim_end_matches(BLANKS).len(), next))
    }

    /// The quote that closes; readers must agree on which one it is.
    fn close(&self, from: usize, quote: char) -> Result<usize, Why> {
        let rest = self.part(from, self.text.len());
        let mut backslashes = 0;
        for (at, c) in rest.char_indices() {
            if c == quote {
                let escaped = backslashes % 2 == 1 && quote == '"';
                if backslashes > 0 && !escaped {
                    return Err("has a backslash before a closing quote, which readers differ in");
                }
                if !escaped {
                    return Ok(from + at);
                }
            }
            backslashes = if c == '\\' { backslashes + 1 } else { 0 };
        }
        Err("has a quote that is never closed")
    }

    /// A line that is no assignment.
    fn other(&self, line: &str) -> Result<(), Why> {
        if line.starts_with(['"', '\'', '`', '=']) {
            return Err("begins with a quote or =, which some readers take for a value");
        }
        if line
            .chars()
            .any(|c| !c.is_ascii() && (c.is_whitespace() || c == '\u{feff}'))
        {
            return Err("has a blank that only some readers take for one");
        }
        let odd = |quote| line.matches(quote).count() % 2 == 1;
        if ['"', '\'', '`'].into_iter().any(odd) {
            return Err("has a quote that is not closed on it");
        }
        let bare = line
            .strip_prefix("export")
            .unwrap_or(line)
            .trim_start_matches(BLANKS);
        if let Some((name, after)) = bare.split_once(':')
            && is_name(name)
            && (name == self.key || after.trim_matches(BLANKS).is_empty())
        {
            return Err("has a key and a colon, which some readers take for an assignment");
        }
        let read = shell::read(line, false, self.strict)?;
        if !dotenvy_closes(line, false) {
            return Err("has quotes or blanks that some readers take for an open value");
        }
        self.sees_nothing_else(&read.words)
    }

    /// That no word sets this key or leads a shell elsewhere.
    fn sees_nothing_else(&self, words: &[(&str, bool)]) -> Result<(), Why> {
        for (at, (word, begins)) in words.iter().enumerate() {
            let bare = word.replace(['"', '\'', '\\'], "");
            if let Some(after) = bare.strip_prefix(self.key)
                && (after.is_empty() || after.starts_with(['=', '+', '[', ':']))
            {
                return Err("names the key a second time");
            }
            if self.strict && *begins && shell::subscripts(word) {
                return Err("has an unquoted [ after a name, which a shell closes on a later line");
            }
            let rest = words.get(at + 1..).unwrap_or_default();
            if self.strict && *begins && shell::diverts(&bare) && !shell::exports_all(&bare, rest) {
                return Err("has a word that means something else to a shell");
            }
        }
        Ok(())
    }

    /// That `dotenvy`, which counts quotes in its own way, sees the same end.
    fn closed(&self, start: usize, next: usize) -> Result<(), Why> {
        let lines = self.part(start, next);
        let at_end = !lines.ends_with('\n');
        if dotenvy_closes(lines, at_end) {
            Ok(())
        } else {
            Err("has quotes or blanks at its end that some readers take for an open value")
        }
    }
}

const BLANKS: [char; 2] = [' ', '\t'];

fn is_name(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
    !name.is_empty() && name.bytes().all(fits)
}

/// The range of the name on a line, whether a blank is between it and its `=`, and where that is.
fn assignment(line: &str) -> Option<((usize, usize), bool, usize)> {
    let equals = line.find('=')?;
    let before = line.get(..equals)?;
    let bare = before.trim_end_matches(BLANKS);
    let name = match bare.strip_prefix("export") {
        Some(rest) if rest.starts_with(BLANKS) => rest.trim_start_matches(BLANKS),
        _ => bare,
    };
    let range = (bare.len() - name.len(), bare.len());
    is_name(name).then_some((range, bare.len() < equals, equals))
}

/// Characters that some readers take for the end of a line, or stop at.
fn odd_character(text: &str, from: usize) -> Option<(usize, Why)> {
    let mut line = 1;
    let mut chars = text.get(from..)?.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' => line += 1,
            '\t' => {}
            '\r' if chars.peek() == Some(&'\n') => {}
            '\r' => return Some((line, "has a CR that does not belong to a line end")),
            '\u{2028}' | '\u{2029}' | '\u{85}' => {
                return Some((line, "has a line separator that only some readers know"));
            }
            _ if c.is_control() => return Some((line, "has a control character")),
            _ => {}
        }
    }
    None
}

/// Whether `dotenvy` takes these lines for complete.
fn dotenvy_closes(lines: &str, at_end: bool) -> bool {
    let (mut quote, mut escaped, mut blank) = (None, false, false);
    for (at, c) in lines.char_indices() {
        if escaped {
            escaped = false;
            continue;
        }
        match (quote, c) {
            (None, '#') if blank => {
                let comment = lines.get(at..).unwrap_or_default();
                return !comment.trim_end_matches('\n').contains('\n');
            }
            (_, '\\') => (escaped, blank) = (true, false),
            (None, '"' | '\'') => (quote, blank) = (Some(c), false),
            // A second blank ends what the first began.
            (None, _) => blank = !blank && c.is_whitespace() && c != '\n' && c != '\r',
            (Some(open), _) if open == c => quote = None,
            (Some(_), _) => {}
        }
    }
    quote.is_none() && !escaped && !(at_end && blank)
}
