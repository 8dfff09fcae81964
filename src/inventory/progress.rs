//! How far a collection is.

use super::source::{Event, What};
use crate::id::Service;
use crate::sync::catch_panic_in;

/// How often the callback hears of an account.
const TELL_EVERY: usize = 1_000;

/// Progress of a collection, as told to [`Inventory::progress`](super::Inventory::progress).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// The account that has come further.
    pub label: &'a str,
    /// Its service.
    pub service: Service,
    /// What it has come to.
    pub phase: Phase,
    /// How many of its tokens are read.
    pub records: usize,
    /// How many accounts have ended, well or not.
    pub accounts_ended: usize,
    /// How many accounts there are.
    pub accounts: usize,
}

/// What an account has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Reading begins.
    Begun,
    /// Another 1,000 tokens are read.
    Reading,
    /// All its tokens are read.
    Read,
    /// It failed, or some of its tokens cannot be read; the report will say why.
    Failed,
}

type Callback = Box<dyn FnMut(&Progress<'_>) + Send>;

/// The caller's callback, as long as it behaves.
#[derive(Default)]
pub(super) struct Observer {
    callback: Option<Callback>,
    accounts: usize,
    ended: usize,
}

impl Observer {
    pub(super) fn new(callback: impl FnMut(&Progress<'_>) + Send + 'static) -> Self {
        Self {
            callback: Some(Box::new(callback)),
            ..Self::default()
        }
    }

    /// Says how many accounts there will be.
    pub(super) fn of(mut self, accounts: usize) -> Self {
        self.accounts = accounts;
        self
    }

    pub(super) fn hear(&mut self, event: &Event) {
        let phase = match &event.what {
            What::Begun => Phase::Begun,
            What::Record(_) if event.records.is_multiple_of(TELL_EVERY) => Phase::Reading,
            What::Record(_) | What::Unreadable(_) => return,
            What::End(None) if event.unreadable == 0 => Phase::Read,
            What::End(_) => Phase::Failed,
        };
        self.ended += usize::from(matches!(event.what, What::End(_)));
        let progress = Progress {
            label: &event.label,
            service: event.service,
            phase,
            records: event.records,
            accounts_ended: self.ended,
            accounts: self.accounts,
        };
        if let Some(callback) = &mut self.callback {
            // What it left half done is its own: it is not called again.
            if catch_panic_in(|| callback(&progress)).is_err() {
                self.callback = None;
            }
        }
    }
}
