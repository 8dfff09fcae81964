//! What came of the faults, and how it is written down.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use access_tokens::{Error, ErrorKind};

use super::cases;
use crate::all::world::op::{Kind, Op};

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Requests of this operation that the server read; `None` where there is no server to count.
    pub(crate) requests: Option<usize>,
    /// The error, or nothing for a success.
    pub(crate) failed: Option<Failed>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    pub(crate) kind: ErrorKind,
    pub(crate) cause: Option<ErrorKind>,
    pub(crate) attempts: u32,
    pub(crate) may_have_been_sent: bool,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self {
            kind: error.kind(),
            cause: error.cause(),
            attempts: error.attempts(),
            may_have_been_sent: error.may_have_been_sent(),
        }
    }
}

/// By the places of the case and the operation in their lists.
pub(crate) type Results = BTreeMap<(usize, usize), Outcome>;

const INTRODUCTION: &str = "\
# What comes of each fault

Written by `tests/it/faults/`, which fails if anything here is not so; every cell is a call that was
made against a local server with this fault, with the default limits.

A cell says how many requests went out · the kind of the error, or ok · whether the call may have
taken effect ([`Error::may_have_been_sent`]). `Unknown` stands for `ErrorKind::OutcomeUnknown`, with
its cause in brackets. Where the services differ, each has its own line.

The rule behind it: a request goes out again only if it certainly did not leave, if the service
certainly declined it (429, or 503 with `Retry-After`), or if the failure may pass and a repetition
changes nothing. Creates, changes and resets are therefore never sent twice once they may have been
carried out. Query Server's create looks afterwards whether the token is there; if so, nothing is
lost.

| column | operations |
|---|---|
| read | `getTokens`, `getToken`; `listTokens`, `getTokenValue`; `listPersonalAccessTokens` |
| create | `postToken`; `createToken`; `provisionPersonalAccessToken` |
| change | `patchToken` without a `test`; `updateToken` |
| reset | `resetToken` |
| delete | `deleteToken` of both; `revokePersonalAccessToken` |

[`Error::may_have_been_sent`]: https://docs.rs/access-tokens/latest/access_tokens/struct.Error.html#method.may_have_been_sent
";

pub(crate) fn document(always: &Results, once: &Results) -> String {
    let mut text = String::from(INTRODUCTION);
    text.push_str("\n## The fault stays\n\n");
    table(&mut text, always, |_| true);
    text.push_str("\n## The fault passes after the first request\n\n");
    text.push_str("All others are as above.\n\n");
    table(&mut text, once, |place| {
        always.get(place) != once.get(place)
    });
    text
}

const KINDS: [(Kind, &str); 5] = [
    (Kind::Read, "read"),
    (Kind::Create, "create"),
    (Kind::Change, "change"),
    (Kind::Reset, "reset"),
    (Kind::Delete, "delete"),
];

fn table(text: &mut String, results: &Results, tells: impl Fn(&(usize, usize)) -> bool) {
    text.push_str("| fault |");
    for (_, name) in KINDS {
        let _ = write!(text, " {name} |");
    }
    text.push_str("\n|---|---|---|---|---|---|\n");
    for (row, case) in cases::all().iter().enumerate() {
        let mut columns = 0..Op::ALL.len();
        if !columns.any(|column| results.contains_key(&(row, column)) && tells(&(row, column))) {
            continue;
        }
        let _ = write!(text, "| {} |", case.name);
        for (kind, _) in KINDS {
            let _ = write!(text, " {} |", cell(results, row, kind));
        }
        text.push('\n');
    }
}

/// The outcomes of a kind of operation, those that agree put together.
fn cell(results: &Results, row: usize, kind: Kind) -> String {
    let mut groups: Vec<(String, Vec<Op>)> = Vec::new();
    for (column, &op) in Op::ALL.iter().enumerate() {
        if op.kind() != kind {
            continue;
        }
        let said = say(&results[&(row, column)]);
        match groups.iter_mut().find(|(known, _)| *known == said) {
            Some((_, ops)) => ops.push(op),
            None => groups.push((said, vec![op])),
        }
    }
    if let [(said, _)] = groups.as_slice() {
        return said.clone();
    }
    let lines = groups.iter().map(|(said, ops)| {
        let names: Vec<_> = ops.iter().map(|op| name(*op)).collect();
        format!("{}: {said}", names.join(", "))
    });
    lines.collect::<Vec<_>>().join("<br>")
}

fn name(op: Op) -> String {
    let shared = Op::ALL.iter().filter(|other| other.id() == op.id()).count() > 1;
    if shared {
        format!("`{}` ({})", op.id(), op.service())
    } else {
        format!("`{}`", op.id())
    }
}

fn say(outcome: &Outcome) -> String {
    let tried = |failed: &Failed| match outcome.requests {
        Some(requests) => requests.to_string(),
        None => format!("0 (tried {})", failed.attempts),
    };
    match &outcome.failed {
        None => format!("{} · ok", outcome.requests.unwrap_or_default()),
        Some(failed) => {
            let may = if failed.may_have_been_sent {
                "yes"
            } else {
                "no"
            };
            let kind = match failed.cause {
                Some(cause) => format!("Unknown ({cause:?})"),
                None => format!("{:?}", failed.kind),
            };
            format!("{} · {kind} · {may}", tried(failed))
        }
    }
}
