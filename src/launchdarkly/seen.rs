//! Which ids have come, in little memory.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};

/// So many at least are in the tree before they go into the sorted list.
const FEW: usize = 1_000;

/// 96 bits in three parts, so that it takes no more than twelve bytes.
type Print = [u32; 3];

/// Ids that have come, by fingerprints of 96 bits with keys of their own: among a million ids, that two
/// share one is as likely as 1 to 10^17, and nobody can make up ids that do.
///
/// Those that came lately are in a tree, all others in a sorted list without gaps, into which an eighth
/// of them goes at a time.
#[derive(Default)]
pub(super) struct Seen {
    keys: (RandomState, RandomState),
    sorted: Vec<Print>,
    lately: BTreeSet<Print>,
}

impl Seen {
    /// Whether the id comes for the first time.
    pub(super) fn insert(&mut self, id: &str) -> bool {
        let (first, second) = (self.keys.0.hash_one(id), self.keys.1.hash_one(id));
        let all = u128::from(first) << 64 | u128::from(second);
        #[expect(clippy::cast_possible_truncation, reason = "a part of it")]
        self.add([32, 64, 96].map(|at| (all >> at) as u32))
    }

    fn add(&mut self, print: Print) -> bool {
        if self.sorted.binary_search(&print).is_ok() || !self.lately.insert(print) {
            return false;
        }
        if self.lately.len() >= FEW.max(self.sorted.len() / 8) {
            self.sorted.reserve_exact(self.lately.len());
            self.sorted.extend(std::mem::take(&mut self.lately));
            #[expect(clippy::stable_sort_primitive, reason = "it merges sorted runs")]
            self.sorted.sort();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        // Few ids and many, so that most come again: from the tree, and from the list.
        #[test]
        fn says_what_a_set_says(ids in prop::collection::vec(0_u32..6_000, 0..12_000)) {
            let (mut seen, mut set) = (Seen::default(), HashSet::new());
            for id in ids {
                prop_assert_eq!(seen.insert(&id.to_string()), set.insert(id));
            }
            prop_assert!(seen.sorted.is_sorted());
            prop_assert_eq!(seen.sorted.len() + seen.lately.len(), set.len());
            prop_assert_eq!(seen.sorted.len(), seen.sorted.capacity());
        }
    }
}
