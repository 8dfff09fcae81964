//! The record of a managed token: everything that outlives a process, and no secret.
//!
//! It says what may be done next; what a process knows beside it may be lost at any moment. Only
//! the functions of [`steps`] change it, and every change is written by compare-and-swap.

mod check;
mod stamp;
mod steps;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) use self::stamp::Stamp;
pub(crate) use self::steps::Aside;
use super::sink::SinkVersion;
use crate::marker::Marker;
use crate::service::{TokenKey, TokenKind, TokenTemplate};

/// The format that this version writes, and the newest that it reads.
pub(crate) const FORMAT: u32 = 1;

/// How many keys that are gone are remembered with their successors.
const RETIRED: usize = 64;

/// How many tokens that consumers may still use there can be.
pub(crate) const MOST_PREVIOUS: usize = 3;

/// How many successors may be on their way into blind sinks.
pub(crate) const MOST_EXPOSED: usize = 2;

/// The durable state of one managed token.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) format: u32,
    pub(crate) name: String,
    pub(crate) service: String,
    pub(crate) account: Option<String>,
    /// Whether the first contact has still to succeed: nothing but what keeps it from that is known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) draft: bool,
    /// Part of every mark: no two records ever take each other's tokens for their own.
    pub(crate) incarnation: Marker,
    /// Who works at it, and until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) holder: Option<Holder>,
    /// What was declared when something last failed, as a digest: a change skips the back-off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) declared: Option<String>,
    /// What a successor is made after.
    pub(crate) made_like: MadeLike,
    /// The number of the last attempt; it only grows.
    pub(crate) counter: u64,
    pub(crate) current: Option<Token>,
    /// Tokens that consumers may still use, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) previous: Vec<Previous>,
    /// The create that is or may be under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) attempt: Option<Attempt>,
    /// Creates whose answer was lost and whose token was not seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) lost: Vec<Lost>,
    /// The successor that is on its way into the sinks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pending: Option<Token>,
    /// Successors given up that a sink holds, or may hold, or may come to hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) exposed: Vec<Token>,
    /// Tokens that are to be deleted. No step leads out of it but "gone".
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) doomed: Vec<Token>,
    pub(crate) sinks: Vec<SinkState>,
    /// A roll back under way: the token that all sinks are to hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<Target>,
    /// Whether the steps after the last delivery are still to succeed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) after_due: bool,
    /// Rotation is on hold since then, after a roll back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) on_hold: Option<Stamp>,
    /// The last request that was fulfilled or answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fulfilled: Option<String>,
    /// The last request for which a back-off was skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tried: Option<String>,
    /// Attempts that failed, or that began and have not been heard of since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failing: Option<Failing>,
    /// Tidying that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) untidy: Option<Failing>,
    /// The last rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rotated: Option<Rotation>,
    /// Keys that are gone or about to go, with their successors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) retired: Vec<Retired>,
}

/// Who holds a record. Random for each tick.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Holder {
    pub(crate) id: String,
    pub(crate) until: Stamp,
    /// Within what the local lock that the holder has excludes others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) domain: Option<String>,
}

/// What a successor is made after, also if the token that it follows is gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct MadeLike {
    /// Its name at the service, without a mark.
    pub(crate) name: Option<String>,
    /// Its properties; its own end, if it holds one, does not count.
    pub(crate) template: Template,
    pub(crate) life: Life,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<String>,
    #[serde(default)]
    pub(crate) kind: TokenKind,
}

/// A template that can be hashed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Template(pub(crate) serde_json::Value);

impl Template {
    pub(crate) fn get(&self) -> TokenTemplate {
        TokenTemplate::new(self.0.clone())
    }
}

impl From<TokenTemplate> for Template {
    fn from(template: TokenTemplate) -> Self {
        Self(template.properties().clone())
    }
}

/// How long a token lives by its owner's wish; never what an overlap has left of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Life {
    /// It has no end.
    Endless,
    /// This many seconds.
    Seconds(u64),
    /// The service does not tell.
    #[default]
    Unknown,
}

impl Life {
    pub(crate) fn span(self) -> Option<Duration> {
        match self {
            Self::Seconds(seconds) => Some(Duration::from_secs(seconds)),
            Self::Endless | Self::Unknown => None,
        }
    }
}

/// A token of this record.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Token {
    pub(crate) key: TokenKey,
    /// The attempt that made it; number 0 is the one that was adopted.
    pub(crate) mark: Marker,
    pub(crate) revision: String,
    /// When it was made, by the service's time.
    pub(crate) made_at: Stamp,
    /// When it ends, as the service granted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<Stamp>,
    /// From then on "not found" means that it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) settles_at: Option<Stamp>,
}

/// A token that consumers may still use.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Previous {
    #[serde(flatten)]
    pub(crate) token: Token,
    /// When it is to go, by the service's time.
    pub(crate) retire_at: Stamp,
    /// Whether it was the current one; else it is a successor that was given up.
    pub(crate) former: bool,
}

/// A create that is or may be under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) number: u64,
    /// When it was written down, by the service's time: what was made before is not its token.
    pub(crate) at: Stamp,
}

/// A create whose answer was lost.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Lost {
    pub(crate) number: u64,
    /// From then on it will not happen any more.
    pub(crate) settles_at: Stamp,
}

/// What is known of a sink.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct SinkState {
    pub(crate) id: String,
    /// The write that is or may be under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) write: Option<SinkWrite>,
    /// Whose secret it holds, as far as that is certain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) holds: Option<Marker>,
    /// An unfenced sink gets another secret from then on only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) quiet_at: Option<Stamp>,
    /// Whether it was added to a token that had others, or found empty, and is still to get its
    /// first delivery.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) added: bool,
    /// The first attempt whose secret it got: there is no earlier one to go back to.
    #[serde(default)]
    pub(crate) since: u64,
}

/// A write to a sink that is or may be under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct SinkWrite {
    /// The version that it replaces.
    pub(crate) seen: Option<SinkVersion>,
    /// Whether the answer to one that was sent is missing.
    pub(crate) doubt: bool,
}

impl SinkState {
    pub(crate) fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            write: None,
            holds: None,
            quiet_at: None,
            added: false,
            since: 0,
        }
    }
}

/// A token that all sinks are to hold again.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Target {
    pub(crate) mark: Marker,
    /// Whether the token rolled back from is suspected, and goes at once.
    pub(crate) suspected: bool,
    /// The request that asked for it.
    pub(crate) request: String,
}

/// Something that keeps failing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Failing {
    /// How often it was tried; 0 for what is only waited for until somebody mends it.
    pub(crate) times: u32,
    pub(crate) since: Stamp,
    /// Not tried again before.
    pub(crate) not_before: Stamp,
    /// What went wrong last; empty while nothing has been heard.
    pub(crate) kind: String,
    pub(crate) message: String,
    /// Whether only a person can mend it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) needs_person: bool,
}

/// The last rotation, for those who ask.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Rotation {
    pub(crate) at: Stamp,
    pub(crate) from: Option<TokenKey>,
    pub(crate) to: TokenKey,
    pub(crate) reason: String,
    /// The rule, or who asked for it, in words.
    pub(crate) detail: String,
}

impl Rotation {
    /// The reason of a roll back; that of a rotation is the name of its cause.
    pub(crate) const ROLLED_BACK: &'static str = "rolled_back";

    pub(crate) fn is_roll_back(&self) -> bool {
        self.reason == Self::ROLLED_BACK
    }
}

/// A key that is not to be used again.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Retired {
    pub(crate) key: TokenKey,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) successor: Option<TokenKey>,
}

impl Record {
    /// A record that nothing has happened to yet.
    pub(crate) fn new(name: &str, service: &str, account: Option<&str>) -> Self {
        Self {
            format: FORMAT,
            name: name.to_owned(),
            service: service.to_owned(),
            account: account.map(str::to_owned),
            draft: false,
            incarnation: Marker::random(),
            holder: None,
            declared: None,
            made_like: MadeLike::default(),
            counter: 0,
            current: None,
            previous: Vec::new(),
            attempt: None,
            lost: Vec::new(),
            pending: None,
            exposed: Vec::new(),
            doomed: Vec::new(),
            sinks: Vec::new(),
            target: None,
            after_due: false,
            on_hold: None,
            fulfilled: None,
            tried: None,
            failing: None,
            untidy: None,
            rotated: None,
            retired: Vec::new(),
        }
    }

    /// All tokens that it names, those of attempts without an answer aside.
    pub(crate) fn tokens(&self) -> impl Iterator<Item = &Token> {
        let previous = self.previous.iter().map(|previous| &previous.token);
        let one = self.current.iter().chain(&self.pending);
        one.chain(previous).chain(&self.exposed).chain(&self.doomed)
    }

    /// Whether a token is one of those.
    pub(crate) fn names(&self, key: &TokenKey) -> bool {
        self.tokens().any(|token| token.key == *key)
    }

    /// Whether a mark is one of this record's attempts.
    pub(crate) fn is_own(&self, mark: &Marker) -> bool {
        mark.owner() == self.incarnation.owner()
    }

    /// The mark of the token that the sinks should hold; before the first one, that of what was
    /// there.
    pub(crate) fn current_mark(&self) -> Marker {
        match &self.current {
            Some(token) => token.mark.clone(),
            None => self.incarnation.attempt(0),
        }
    }

    /// The token that a roll back goes to.
    pub(crate) fn former(&self) -> Option<&Previous> {
        self.previous.iter().rev().find(|previous| previous.former)
    }

    /// Whether nothing more comes of a request: who asks again then asks for something new.
    pub(crate) fn is_done_with(&self, request: &str) -> bool {
        let is = |id: &Option<String>| id.as_deref() == Some(request);
        is(&self.fulfilled) || is(&self.tried) && self.is_stuck() && self.holder.is_none()
    }

    /// Whether so many successors are on their way into sinks that cannot be asked that no other is made,
    /// unless a person has seen to the sink and asks for one.
    pub(crate) fn is_stuck(&self) -> bool {
        self.exposed.len() >= MOST_EXPOSED
    }

    /// Whether nothing is unfinished.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.attempt.is_none()
            && self.lost.is_empty()
            && self.pending.is_none()
            && self.exposed.is_empty()
            && self.doomed.is_empty()
            && self.target.is_none()
            && !self.after_due
            && self.sinks.iter().all(|sink| sink.write.is_none())
    }
}
