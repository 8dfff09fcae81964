//! What the store holds, read once for all that are ticked together.

use std::collections::HashMap;
use std::time::Duration;

use super::super::state::{Listed, Stored};
use super::context::{Context, request_entry, token_entry};

/// Records and requests as they were a moment ago. That they have changed since does no harm: every
/// write of a record is a compare-and-swap.
#[derive(Debug)]
pub(crate) struct Known {
    entries: HashMap<String, Stored>,
    read_at: Duration,
}

impl Known {
    /// Reads them with two lists; `None` if something cannot be read, whereupon each tick
    /// reads for itself.
    pub(crate) async fn read(context: &Context) -> Option<Self> {
        let read_at = context.clock.monotonic();
        let mut entries = HashMap::new();
        for prefix in [token_entry(""), request_entry("")] {
            for listed in context.store.list(&prefix).await.ok()? {
                // The names of what cannot be read may be incomplete.
                let Listed::Entry(stored) = listed else {
                    return None;
                };
                entries.insert(stored.name.clone(), stored);
            }
        }
        Some(Self { entries, read_at })
    }

    /// Whether it was read a moment ago.
    pub(super) fn is_fresh(&self, context: &Context) -> bool {
        let age = context.clock.monotonic().saturating_sub(self.read_at);
        age <= context.times.lease / 3
    }

    pub(super) fn entry(&self, name: &str) -> Option<Stored> {
        self.entries.get(name).cloned()
    }
}
