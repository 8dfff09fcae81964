//! What a journal holds of one rotation: where it stands, and every token that it may have made.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::plan::Outline;
use crate::marker::Marker;
use crate::service::{TokenKey, TokenTemplate};
use crate::time::UnixMillis;

/// The form in which entries are written; others are not read.
pub(super) const VERSION: u32 = 1;

/// One unfinished rotation, as a [`Journal`](super::Journal) keeps it. It holds no secret.
///
/// It is serialisable, so that a journal of your own can keep it as it likes; its form is
/// versioned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub(super) version: u32,
    pub(super) id: String,
    pub(super) generation: u64,
    pub(super) updated: UnixMillis,
    pub(super) outline: Outline,
    pub(super) step: Step,
    pub(super) template: Option<TokenTemplate>,
    /// The create that is or was under way.
    pub(super) attempt: Option<Attempt>,
    /// Creates whose answers were lost and whose tokens have not been seen.
    pub(super) lost: Vec<Attempt>,
    pub(super) successor: Option<Made>,
    /// Earlier successors that a sink may hold.
    pub(super) interim: Vec<Made>,
    /// What is still to be retired, once that has begun.
    pub(super) left: Option<Vec<Made>>,
    /// When the grace ends, once that is known.
    pub(super) retire_at: Option<UnixMillis>,
}

impl Entry {
    pub(super) fn new(outline: Outline, now: SystemTime) -> Self {
        Self {
            version: VERSION,
            id: Marker::random().as_str().to_owned(),
            generation: 0,
            updated: millis(now),
            outline,
            step: Step::Started,
            template: None,
            attempt: None,
            lost: Vec::new(),
            successor: None,
            interim: Vec::new(),
            left: None,
            retire_at: None,
        }
    }

    /// What stands for the token that is rotated: its service, account and key. A journal keeps at
    /// most one entry for each.
    #[must_use]
    pub fn slot(&self) -> String {
        self.outline.slot()
    }

    /// Tells this rotation from all others, also of the same token.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Grows by one with every change. A journal takes a change only if it follows the one that it
    /// has.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The token that is rotated.
    #[must_use]
    pub fn key(&self) -> &TokenKey {
        &self.outline.key
    }

    /// The name of its service.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.outline.service
    }

    /// The label of the account, if one was given.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.outline.account.as_deref()
    }

    /// When it was last changed.
    #[must_use]
    pub fn updated(&self) -> Option<SystemTime> {
        self.updated.to_system_time()
    }

    /// Where it stands.
    #[must_use]
    pub fn step(&self) -> &Step {
        &self.step
    }

    /// The new token, once there is one.
    #[must_use]
    pub fn successor(&self) -> Option<&TokenKey> {
        self.successor.as_ref().map(|made| &made.key)
    }

    /// All tokens that the rotation has made and not yet seen gone, the successor last.
    #[must_use]
    pub fn made(&self) -> Vec<&TokenKey> {
        let made = self.interim.iter().chain(&self.successor);
        made.map(|made| &made.key).collect()
    }

    /// Whether a token is one that the rotation knows of.
    pub(super) fn knows(&self, key: &TokenKey) -> bool {
        let left = self.left.iter().flatten();
        let mut made = self.interim.iter().chain(&self.successor).chain(left);
        made.any(|made| made.key == *key)
    }
}

/// Where a rotation stands. Each step is written down before what it names is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// Nothing has been done.
    Started,
    /// In place: the old token is being deleted.
    Replacing,
    /// The token is being given a new secret.
    Resetting,
    /// The successor is being made.
    Creating,
    /// The successor is there; no sink has seen its secret.
    Created,
    /// The secret is being delivered to the sink of this number, counted from zero.
    Delivering(usize),
    /// All sinks have it.
    Delivered,
    /// It is checked; the old token is next.
    Verified,
    /// The old token is being retired.
    Retiring,
    /// The old token is to be deleted at this time, or later, by
    /// [`finish`](super::Rotation::finish).
    Awaiting(UnixMillis),
    /// The rotation is given up, no sink holds the successor's secret, and it is being removed.
    Removing,
    /// All is done, but the answer to a create was lost and its token may still appear.
    Settling,
}

/// A token that the rotation has made, or the old one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Made {
    pub(super) key: TokenKey,
    pub(super) revision: String,
}

/// A create that was or will be sent, at most once, and how its token can be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attempt {
    pub(super) at: UnixMillis,
    /// Where the service has a place for it.
    pub(super) marker: Option<Marker>,
    pub(super) name: Option<String>,
    /// The tokens of this name that are not the one that was made.
    pub(super) before: Vec<TokenKey>,
}

/// The times of a journal; beyond the range nothing sensible is left to say.
pub(super) fn millis(time: SystemTime) -> UnixMillis {
    UnixMillis::from_system_time(time).unwrap_or(UnixMillis::new(0))
}
