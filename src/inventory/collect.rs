//! What is kept of a collection while it goes on.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::SystemTime;

use super::report::{AccountOutcome, Report};
use super::source::{Event, What};
use crate::service::TokenRecord;

/// The accounts and tokens so far.
#[derive(Default)]
pub(super) struct Collected {
    accounts: Vec<AccountOutcome>,
    records: Vec<TokenRecord>,
    /// Few people own many tokens: each name is kept once.
    owners: HashSet<Arc<str>>,
}

impl Collected {
    pub(super) fn add(&mut self, event: Event) {
        match event.what {
            What::Begun => {}
            What::Record(mut record) => {
                if let Some(owner) = &mut record.owner {
                    match self.owners.get(owner) {
                        Some(known) => *owner = Arc::clone(known),
                        None => _ = self.owners.insert(Arc::clone(owner)),
                    }
                }
                record.revision.shrink_to_fit();
                self.records.push(record);
            }
            What::End(error) => self.accounts.push(AccountOutcome {
                label: event.label.to_string(),
                service: event.service,
                records: event.records,
                error,
            }),
        }
    }

    pub(super) fn into_report(mut self, as_of: SystemTime) -> Report {
        self.records.shrink_to_fit();
        Report::new(as_of, self.accounts, self.records)
    }
}
