//! How far a collection is.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::id::Service;

/// How far a collection is, as told to [`Inventory::progress`](super::Inventory::progress).
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
    /// It failed; the report will say why.
    Failed,
}

type Callback = Box<dyn FnMut(&Progress<'_>) + Send>;

/// The caller's callback, as long as it behaves.
#[derive(Default)]
pub(super) struct Observer(Option<Callback>);

impl Observer {
    pub(super) fn new(callback: impl FnMut(&Progress<'_>) + Send + 'static) -> Self {
        Self(Some(Box::new(callback)))
    }

    pub(super) fn tell(&mut self, progress: &Progress<'_>) {
        if let Some(callback) = &mut self.0 {
            // What it left half done is its own: it is not called again.
            if catch_unwind(AssertUnwindSafe(|| callback(progress))).is_err() {
                self.0 = None;
            }
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Observer").field(&self.0.is_some()).finish()
    }
}
