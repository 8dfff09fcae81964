//! Which ids have come, in little memory.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};

/// Ids that have come, by fingerprints of 128 bits with keys of their own: that two ids share one is
/// out of the question, and nobody can make up ids that do.
///
/// A tree and not a table of hashes, which would double all at once.
#[derive(Default)]
pub(super) struct Seen {
    keys: (RandomState, RandomState),
    prints: BTreeSet<u128>,
}

impl Seen {
    /// Whether the id comes for the first time.
    pub(super) fn insert(&mut self, id: &str) -> bool {
        let (first, second) = (self.keys.0.hash_one(id), self.keys.1.hash_one(id));
        self.prints
            .insert(u128::from(first) << 64 | u128::from(second))
    }
}
