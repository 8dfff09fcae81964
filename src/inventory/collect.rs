//! What is kept of a collection while it goes on.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::SystemTime;

use super::report::{AccountOutcome, Report};
use super::source::{Event, What};
use crate::listing::UnreadableItem;
use crate::service::TokenRecord;

/// The accounts and tokens so far.
#[derive(Default)]
pub(super) struct Collected {
    accounts: Vec<AccountOutcome>,
    records: Vec<TokenRecord>,
    /// Those of accounts that have not ended.
    unreadable: HashMap<Arc<str>, Vec<UnreadableItem>>,
    /// Few people own many tokens: each name is kept once.
    owners: HashSet<Arc<str>>,
}

impl Collected {
    pub(super) fn add(&mut self, event: Event) {
        match event.what {
            What::Begun => {}
            What::Record(mut record) => {
                for owner in [&mut record.owner, &mut record.owner_id]
                    .into_iter()
                    .flatten()
                {
                    match self.owners.get(owner) {
                        Some(known) => *owner = Arc::clone(known),
                        None => _ = self.owners.insert(Arc::clone(owner)),
                    }
                }
                if let Some(name) = &mut record.name {
                    name.shrink_to_fit();
                }
                record.revision.shrink_to_fit();
                self.records.push(record);
            }
            What::Unreadable(error) => {
                let place = event.records + event.unreadable - 1;
                let unreadable = self.unreadable.entry(event.label).or_default();
                unreadable.extend(error.unreadable_item(place));
            }
            What::End(error) => self.accounts.push(AccountOutcome {
                label: event.label.to_string(),
                service: event.service,
                records: event.records,
                unreadable: self.unreadable.remove(&event.label).unwrap_or_default(),
                error,
            }),
        }
    }

    pub(super) fn into_report(mut self, as_of: SystemTime) -> Report {
        self.records.shrink_to_fit();
        Report::new(as_of, self.accounts, self.records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts of a record are about 60 bytes; together they are to be less than 300.
    #[cfg(target_pointer_width = "64")]
    #[test]
    fn a_record_is_small() {
        assert!(
            size_of::<TokenRecord>() <= 232,
            "{}",
            size_of::<TokenRecord>()
        );
    }
}
