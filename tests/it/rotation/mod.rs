//! Rotations on the twins.

mod fleet;
mod lost;
mod plans;
mod safety;
mod strategies;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use access_tokens::rotation::sink::{self, FileSink, Sink, SinkError};
use access_tokens::rotation::{Journal, MemoryJournal, Rotation};
use access_tokens::{Secret, TokenKey, TokenRecord};

pub(crate) use crate::all::world::{Call, KINDS, Kind, NAME, Twin, World};
pub(crate) use crate::support::{Scratch, secret_in};

pub(crate) const HOUR: Duration = Duration::from_secs(3_600);

/// A world with a file that its token was delivered to, and a journal.
pub(crate) struct Setup {
    pub(crate) world: World,
    pub(crate) scratch: Scratch,
    pub(crate) journal: Arc<MemoryJournal>,
}

impl Setup {
    pub(crate) async fn new(kind: Kind) -> Self {
        let world = World::new(kind).await;
        let scratch = Scratch::new();
        std::fs::write(scratch.path("token"), world.secret.expose_secret()).unwrap();
        Self {
            world,
            scratch,
            journal: Arc::default(),
        }
    }

    /// A rotation that delivers to the file.
    pub(crate) fn rotation(&self) -> Rotation {
        self.bare()
            .deliver(FileSink::new(self.scratch.path("token")))
    }

    /// A rotation without a sink.
    pub(crate) fn bare(&self) -> Rotation {
        let journal: Arc<dyn Journal> = self.journal.clone();
        Rotation::of_shared(self.world.service(), &self.world.key).shared_journal(journal)
    }

    pub(crate) fn delivered(&self) -> Secret {
        secret_in(&self.scratch.path("token")).unwrap()
    }

    /// The old token is as it was, there is no other, and no entry.
    pub(crate) async fn assert_untouched(&self) {
        assert_eq!(self.delivered(), self.world.secret);
        assert!(self.world.accepts(&self.world.secret));
        assert_eq!(self.world.alive(), std::slice::from_ref(&self.world.key));
        self.assert_no_entry().await;
    }

    /// The file holds a secret that works, of a new token; the old one is gone.
    pub(crate) async fn assert_rotated(&self) {
        assert_ne!(self.delivered(), self.world.secret);
        assert!(self.world.accepts(&self.delivered()));
        assert!(!self.world.accepts(&self.world.secret));
        assert_eq!(self.world.alive().len(), 1, "{:?}", self.world.alive());
        self.assert_no_entry().await;
    }

    pub(crate) async fn assert_no_entry(&self) {
        let entries = self.journal.entries().await.unwrap();
        assert!(entries.is_empty(), "{entries:?}");
    }

    pub(crate) async fn entry_count(&self) -> usize {
        self.journal.entries().await.unwrap().len()
    }
}

/// Keeps what it was given, and fails when told to.
#[derive(Clone, Default)]
pub(crate) struct Vault {
    pub(crate) given: Arc<Mutex<Vec<(TokenKey, Secret)>>>,
    pub(crate) failure: Arc<Mutex<Option<SinkError>>>,
}

impl Vault {
    pub(crate) fn sink(&self) -> impl Sink + use<> {
        let vault = self.clone();
        sink::from_fn("vault", move |secret: Secret, token: TokenRecord| {
            let vault = vault.clone();
            async move {
                let failure = vault.failure.lock().unwrap().clone();
                if failure.as_ref().is_none_or(SinkError::may_hold_secret) {
                    vault.given.lock().unwrap().push((token.key, secret));
                }
                failure.map_or(Ok(()), Err)
            }
        })
    }

    pub(crate) fn fail(&self, error: impl Into<Option<SinkError>>) {
        *self.failure.lock().unwrap() = error.into();
    }

    pub(crate) fn last(&self) -> Option<Secret> {
        let given = self.given.lock().unwrap();
        given.last().map(|(_, secret)| secret.clone())
    }
}
