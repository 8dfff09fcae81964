//! A line as a shell reads it, as far as needed to see that it ends where the line ends.

/// What stands on a line.
#[derive(Debug, Default)]
pub(super) struct Line<'a> {
    /// Words, quotes included, each with whether a command can begin with it.
    pub(super) words: Vec<(&'a str, bool)>,
    /// Where the comment begins, if there is one.
    pub(super) comment: Option<usize>,
}

/// Reads a line, or what follows the `=` of an assignment. `strict`: a shell is to read it; else only
/// quotes count.
pub(super) fn read(text: &str, after_equals: bool, strict: bool) -> Result<Line<'_>, &'static str> {
    let mut line = Line::default();
    let mut word: Option<usize> = after_equals.then_some(0);
    let mut begins = !after_equals;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            ' ' | '\t' => finish(text, &mut word, at, &mut begins, &mut line),
            '#' if word.is_none() => {
                line.comment = Some(at);
                return Ok(line);
            }
            // As in an address: two assignments to a shell.
            '&' if strict && is_assignment(first_word(text.get(at + 1..).unwrap_or_default())) => {
                finish(text, &mut word, at, &mut begins, &mut line);
                begins = true;
            }
            ';' | '&' | '|' if strict => {
                return Err("has an unquoted ; & or |, after which a shell sees a command");
            }
            '(' | ')' | '<' | '>' if strict => {
                return Err("has an unquoted ( ) < or >, which means something else in a shell");
            }
            '\\' => {
                word.get_or_insert(at);
                if chars.next().is_none() {
                    return Err(
                        "ends with a backslash, which joins it to the next line in a shell",
                    );
                }
            }
            '\'' | '"' | '`' => {
                word.get_or_insert(at);
                let inner = quoted(text.get(at + 1..).unwrap_or_default(), c)?;
                skip(&mut chars, at + 1 + inner);
            }
            '$' if strict => {
                word.get_or_insert(at);
                if let Some(length) = expansion(text.get(at + 1..).unwrap_or_default())? {
                    skip(&mut chars, at + 1 + length);
                }
            }
            _ => {
                word.get_or_insert(at);
            }
        }
    }
    finish(text, &mut word, text.len(), &mut begins, &mut line);
    Ok(line)
}

fn finish<'a>(
    text: &'a str,
    word: &mut Option<usize>,
    end: usize,
    begins: &mut bool,
    line: &mut Line<'a>,
) {
    let Some(word) = word.take().and_then(|start| text.get(start..end)) else {
        return;
    };
    line.words.push((word, *begins));
    // A command can follow assignments.
    *begins = line.words.len() == 1 && !*begins || (*begins && is_assignment(word));
}

fn first_word(text: &str) -> &str {
    let end = text.find([' ', '\t', ';', '&', '|', '#']);
    text.get(..end.unwrap_or(text.len())).unwrap_or_default()
}

fn is_assignment(word: &str) -> bool {
    let name = word.split('=').next().unwrap_or_default();
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let fits = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    name.len() < word.len() && starts && fits
}

fn skip(chars: &mut std::iter::Peekable<std::str::CharIndices<'_>>, past: usize) {
    while chars.next_if(|(at, _)| *at <= past).is_some() {}
}

/// Length of what is between quotes.
pub(super) fn quoted(rest: &str, quote: char) -> Result<usize, &'static str> {
    let mut escaped = false;
    for (at, c) in rest.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote != '\'' => escaped = true,
            '`' if quote == '"' => return Err("has a command within quotes"),
            '$' if quote == '"' => {
                let inner = rest.get(at + 1..).unwrap_or_default();
                if inner.starts_with(['{', '(', '[']) {
                    expansion(inner)?;
                }
            }
            _ if c == quote => return Ok(at),
            _ => {}
        }
    }
    Err("has a quote that is not closed on it")
}

/// Length of `{…}` or `(…)` after a `$`.
fn expansion(rest: &str) -> Result<Option<usize>, &'static str> {
    let close = match rest.chars().next() {
        Some('{') => '}',
        Some('(') => ')',
        Some('\'' | '"') => return Err("has a $ before a quote"),
        Some('[') => return Err("has a $[, which only some shells close"),
        _ => return Ok(None),
    };
    let inner = rest.get(1..).unwrap_or_default();
    let end = inner
        .find(close)
        .ok_or("has a ${ or $( that is not closed")?;
    let inner = inner.get(..end).unwrap_or_default();
    if inner.contains(['\'', '"', '`', '\\', '(', '{', '$', '#']) {
        Err("has something nested in ${…} or $(…)")
    } else if close == '}' && !goes_on(inner) {
        Err("has a ${…} at which a shell may give up")
    } else {
        Ok(Some(end + 1))
    }
}

/// Whether every shell goes on after `${…}` with this in it, set or not.
fn goes_on(inner: &str) -> bool {
    let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let rest = inner.trim_start_matches(name);
    let named = !inner.starts_with(|c: char| c.is_ascii_digit()) && rest.len() < inner.len();
    let operators = ["-", ":-", "=", ":=", "+", ":+", "%"];
    named && (rest.is_empty() || operators.iter().any(|operator| rest.starts_with(operator)))
}

/// Whether another assignment follows the value.
pub(super) fn sets_more(value: &str) -> bool {
    let line = read(value, true, true).unwrap_or_default();
    let mut more = line.words.iter().skip(1);
    more.any(|(word, begins)| *begins && is_assignment(word))
}

/// Whether this is a `set` that only turns on or off that what is assigned is exported.
pub(super) fn exports_all(word: &str, rest: &[(&str, bool)]) -> bool {
    word == "set"
        && matches!(
            rest,
            [("-a" | "+a", _)] | [("-o" | "+o", _), ("allexport", _)]
        )
}

/// Whether a word begins as an element of an array.
pub(super) fn subscripts(word: &str) -> bool {
    let name = word.split('[').next().unwrap_or_default();
    name.len() < word.len() && is_assignment(&format!("{name}="))
}

/// Words after which a shell does not simply go on with the next line.
pub(super) fn diverts(word: &str) -> bool {
    const WORDS: &[&str] = &[
        "!",
        "(",
        ")",
        ".",
        "[[",
        "alias",
        "break",
        "builtin",
        "case",
        "command",
        "continue",
        "coproc",
        "declare",
        "do",
        "done",
        "elif",
        "else",
        "enable",
        "esac",
        "eval",
        "exec",
        "exit",
        "fi",
        "for",
        "function",
        "if",
        "in",
        "kill",
        "let",
        "local",
        "logout",
        "mapfile",
        "printf",
        "read",
        "readarray",
        "readonly",
        "return",
        "select",
        "set",
        "shift",
        "shopt",
        "source",
        "suspend",
        "then",
        "time",
        "trap",
        "typeset",
        "unset",
        "until",
        "while",
        "{",
        "}",
    ];
    WORDS.contains(&word)
}
