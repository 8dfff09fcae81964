//! How a managed token stands, from the state alone.

use std::fmt;
use std::time::{Duration, SystemTime};

use super::decision::effective;
use super::kind::ErrorKind;
use super::record::{Record, Stamp, Token};
use super::rules::earlier;
use crate::due::RotationPolicy;
use crate::service::TokenKey;
use crate::time::rfc3339;

/// State of a managed token, as its record has it. Nobody else was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The managed token's name.
    pub token: String,
    /// The service.
    pub service: String,
    /// The account's label.
    pub account: Option<String>,
    /// The token that consumers should use.
    pub current: Option<TokenKey>,
    /// When it was made.
    pub created: Option<SystemTime>,
    /// When it ends, if it does.
    pub expires: Option<SystemTime>,
    /// Tokens that consumers may still use, and until when; the oldest first.
    pub previous: Vec<(TokenKey, SystemTime)>,
    /// Tokens, or attempts to make one, that are unfinished, in words.
    pub pending: Vec<String>,
    /// The last rotation: when, from what, to what, why, and the rule or wish behind it.
    pub last_rotation: Option<LastRotation>,
    /// Since when rotating fails, if it does.
    pub failing_since: Option<SystemTime>,
    /// How often it has failed since; 0 for what nothing is tried about until somebody mends it.
    pub attempts: u32,
    /// What failed last: its kind and the text.
    pub last_error: Option<(ErrorKind, String)>,
    /// Whether only a person can mend that.
    pub needs_person: bool,
    /// Before this time it is not tried again; `None` for what the next tick looks at anew.
    pub next_attempt: Option<SystemTime>,
    /// Whether a step after the last delivery has still to succeed.
    pub after_due: bool,
    /// Since when rotation is on hold, after a roll back.
    pub on_hold: Option<SystemTime>,
    /// Who holds the record, and until when.
    pub holder: Option<(String, SystemTime)>,
}

/// The last rotation of a managed token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LastRotation {
    /// When, by the service's time.
    pub at: SystemTime,
    /// The token before; `None` if there was none.
    pub from: Option<TokenKey>,
    /// The token that it brought.
    pub to: TokenKey,
    /// The name of the cause, such as `policy`, or `rolled_back`.
    pub reason: String,
    /// The rule, or who asked for it, in words.
    pub detail: String,
}

impl Status {
    /// When a policy asks for a rotation of the current token, as a tick reckons it: from the real
    /// life that the service granted, and earlier by the token's share of the
    /// [spread](super::ManagedTokenBuilder::spread).
    #[must_use]
    pub fn next_due(&self, policy: &RotationPolicy, spread: Duration) -> Option<SystemTime> {
        let (made, end) = (Stamp::of(self.created?), self.expires.map(Stamp::of));
        let (_, next) = effective(policy, earlier(&self.token, spread), made, end);
        next.map(Stamp::time)
    }

    pub(crate) fn of(record: &Record) -> Self {
        let current = record.current.as_ref();
        let failing = record.failing.as_ref().or(record.untidy.as_ref());
        let previous = record.previous.iter();
        Self {
            token: record.name.clone(),
            service: record.service.clone(),
            account: record.account.clone(),
            current: current.map(|token| token.key.clone()),
            created: current.map(|token| token.made_at.time()),
            expires: current.and_then(|token| token.expires).map(Stamp::time),
            previous: previous
                .map(|p| (p.token.key.clone(), p.retire_at.time()))
                .collect(),
            pending: pending(record),
            last_rotation: record.rotated.as_ref().map(|rotated| LastRotation {
                at: rotated.at.time(),
                from: rotated.from.clone(),
                to: rotated.to.clone(),
                reason: rotated.reason.clone(),
                detail: rotated.detail.clone(),
            }),
            failing_since: failing.map(|failing| failing.since.time()),
            attempts: failing.map_or(0, |failing| failing.times),
            last_error: failing.map(|f| (ErrorKind::of(&f.kind), f.message.clone())),
            needs_person: failing.is_some_and(|failing| failing.needs_person),
            next_attempt: failing
                .filter(|failing| failing.times > 0)
                .map(|failing| failing.not_before.time()),
            after_due: record.after_due,
            on_hold: record.on_hold.map(Stamp::time),
            holder: record
                .holder
                .as_ref()
                .map(|holder| (holder.id.clone(), holder.until.time())),
        }
    }
}

fn pending(record: &Record) -> Vec<String> {
    let mut all = Vec::new();
    all.extend(
        record
            .attempt
            .iter()
            .map(|a| format!("attempt {} is under way", a.number)),
    );
    let keys = |tokens: &[Token], what: &str| -> Vec<String> {
        tokens
            .iter()
            .map(|token| format!("{} {what}", token.key))
            .collect()
    };
    all.extend(
        record
            .pending
            .iter()
            .map(|token| format!("{} is being delivered", token.key)),
    );
    all.extend(record.lost.iter().map(|lost| {
        format!(
            "attempt {} had no answer, until {}",
            lost.number, lost.settles_at
        )
    }));
    all.extend(keys(
        &record.exposed,
        "was given up, and a sink may hold it",
    ));
    all.extend(keys(&record.doomed, "is to be deleted"));
    if record.target.is_some() {
        all.push("a roll back is under way".to_owned());
    }
    all
}

/// A few lines for people.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.token, self.service)?;
        match &self.current {
            Some(key) => write!(f, ": {key}")?,
            None => f.write_str(": no token yet")?,
        }
        if let Some(at) = self.expires {
            write!(f, ", ends {}", rfc3339(at))?;
        }
        for (key, until) in &self.previous {
            write!(f, "\n  {key} may be used until {}", rfc3339(*until))?;
        }
        if let Some(last) = &self.last_rotation {
            write!(
                f,
                "\n  rotated {}: {} ({})",
                rfc3339(last.at),
                last.reason,
                last.detail
            )?;
        }
        if let Some((kind, text)) = &self.last_error {
            match self.attempts {
                0 => write!(f, "\n  {kind}: {text}")?,
                times => write!(f, "\n  failing, {times} times: {kind}: {text}")?,
            }
        }
        for text in &self.pending {
            write!(f, "\n  {text}")?;
        }
        Ok(())
    }
}
