//! What ends a command early, and the exit codes.

use std::fmt;

/// Nothing needs attention.
pub(crate) const OK: u8 = 0;
/// Something failed.
pub(crate) const FAILED: u8 = 1;
/// The command line or the configuration is wrong.
pub(crate) const USAGE: u8 = 2;
/// There are findings.
pub(crate) const FINDINGS: u8 = 3;
/// A person has to decide something.
pub(crate) const PERSON: u8 = 4;

/// The graver of two exit codes: 4, then 1, then 3, then 0.
pub(crate) fn graver(one: u8, other: u8) -> u8 {
    let rank = |code| match code {
        USAGE => 4,
        PERSON => 3,
        FAILED => 2,
        FINDINGS => 1,
        _ => 0,
    };
    if rank(one) >= rank(other) { one } else { other }
}

/// A command that ended early: what happened, and what to do next.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    pub(crate) code: u8,
    /// The kind, for programs.
    pub(crate) kind: &'static str,
    pub(crate) message: String,
    /// What to do next.
    pub(crate) hint: String,
}

impl Stop {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(USAGE, "usage", message)
    }

    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self::new(USAGE, "config", message)
    }

    pub(crate) fn failed(kind: &'static str, message: impl Into<String>) -> Self {
        Self::new(FAILED, kind, message)
    }

    fn new(code: u8, kind: &'static str, message: impl Into<String>) -> Self {
        let hint = match kind {
            "usage" => "`tokens --help` says what there is.",
            "config" => "Mend the configuration; `tokens demo` shows a whole one.",
            _ => "Mend that, and run it again.",
        };
        Self {
            code,
            kind,
            message: message.into(),
            hint: hint.to_owned(),
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<access_tokens::Error> for Stop {
    fn from(error: access_tokens::Error) -> Self {
        let hint = error.hint().map(ToString::to_string);
        let stop = Self::failed("service", error.to_string());
        match hint {
            Some(hint) => stop.hint(hint),
            None => stop.hint("See to the account's address and credential, and run it again."),
        }
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::failed("io", error.to_string()).hint("See to that file or stream, and run it again.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_exit_code_wins() {
        let order = [OK, FINDINGS, FAILED, PERSON];
        for (place, one) in order.iter().enumerate() {
            for other in order.iter().take(place + 1) {
                assert_eq!(graver(*one, *other), *one);
                assert_eq!(graver(*other, *one), *one);
            }
        }
    }
}
