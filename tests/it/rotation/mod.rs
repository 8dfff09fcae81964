//! Managed tokens on the twins.

mod asking;
mod bounded;
mod drift;
mod evidence;
mod failing;
mod fleet;
mod kept;
mod lease;
mod looking;
mod lost_state;
mod readme;
mod second_night;
mod steady;
mod truth;
mod vault;

use std::sync::Arc;
use std::time::Duration;

use access_tokens::rotation::sink::{Sink, SinkKind};
use access_tokens::rotation::state::{MemoryStore, StateStore};
use access_tokens::rotation::{
    Keeper, KeeperBuilder, ManagedToken, ManagedTokenBuilder, Outcome, Report,
};
use access_tokens::{RotationPolicy, Secret, days};
use tokio::sync::Notify;

use self::kept::Hanging;
pub(crate) use self::kept::{Ledger, Then, Watched};
pub(crate) use self::vault::{Trouble, Vault};
pub(crate) use crate::all::world::{Call, KINDS, Kind, World};

pub(crate) const HOUR: Duration = Duration::from_secs(3_600);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// A world with a managed token in one sink, and a keeper.
pub(crate) struct Setup {
    pub(crate) world: World,
    pub(crate) store: MemoryStore,
    pub(crate) vault: Vault,
    pub(crate) ledger: Ledger,
    hung: Arc<Notify>,
}

impl Setup {
    pub(crate) async fn new(kind: Kind) -> Self {
        Self::with(kind, SinkKind::Restorable).await
    }

    pub(crate) async fn with(kind: Kind, sink: SinkKind) -> Self {
        Self::on(World::new(kind).await, sink)
    }

    /// On a world that is there already.
    pub(crate) fn on(world: World, sink: SinkKind) -> Self {
        let vault = Vault::holding("first", sink, &world.secret);
        Self {
            world,
            store: MemoryStore::new(),
            vault,
            ledger: Ledger::default(),
            hung: Arc::default(),
        }
    }

    /// A keeper of its own, as another process would have.
    pub(crate) fn keeper(&self) -> Keeper {
        self.keeper_on(self.store.clone())
    }

    /// The same on another store.
    pub(crate) fn keeper_on(&self, store: impl StateStore + 'static) -> Keeper {
        self.keeper_builder(store).build()
    }

    pub(crate) fn keeper_builder(&self, store: impl StateStore + 'static) -> KeeperBuilder {
        Keeper::builder(store)
            .clock(self.world.clock.clone())
            .events(self.ledger.clone())
            .act_timeout(Duration::from_millis(100))
    }

    /// A keeper whose event of this action is never answered.
    pub(crate) fn events_hang_at(&self, action: &'static str) -> Keeper {
        let events = Hanging {
            ledger: self.ledger.clone(),
            at: action,
            reached: Arc::clone(&self.hung),
            go_on: None,
        };
        self.keeper_builder(self.store.clone())
            .events(events)
            .build()
    }

    /// A keeper whose event of this action waits for a word.
    pub(crate) fn events_stop_at(&self, action: &'static str, go_on: &Arc<Notify>) -> Keeper {
        let events = Hanging {
            ledger: self.ledger.clone(),
            at: action,
            reached: Arc::clone(&self.hung),
            go_on: Some(Arc::clone(go_on)),
        };
        self.keeper_builder(self.store.clone())
            .events(events)
            .act_timeout(HOUR)
            .build()
    }

    /// Waits until it hangs.
    pub(crate) async fn hung(&self) {
        self.hung.notified().await;
    }

    /// All secrets that there were.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let mut secrets = self.vault.seen();
        secrets.extend([self.world.secret.clone(), self.world.credential()]);
        let shown = secrets
            .iter()
            .map(|secret| secret.expose_secret().to_owned());
        shown.collect()
    }

    /// The token of the world, due after 90 days, with a day of overlap.
    pub(crate) fn builder(&self) -> ManagedTokenBuilder {
        self.bare().deliver_to(self.vault.clone())
    }

    /// The same without a sink.
    pub(crate) fn bare(&self) -> ManagedTokenBuilder {
        ManagedToken::builder("edge-token")
            .shared_service(self.world.service())
            .adopt(self.world.key.clone())
            .policy(RotationPolicy::new().max_age(days(90)))
            .overlap(days(1))
            .allow_own_credential(self.world.kind == Kind::AvisiCloud)
    }

    pub(crate) fn token(&self) -> ManagedToken {
        self.builder().build().unwrap()
    }

    pub(crate) fn with_sinks(&self, sinks: &[&Vault]) -> ManagedToken {
        let mut builder = self.bare();
        for sink in sinks {
            let sink: Arc<dyn Sink> = Arc::new((*sink).clone());
            builder = builder.deliver_to_shared(sink);
        }
        builder.build().unwrap()
    }

    /// The secret that consumers find works.
    pub(crate) fn assert_works(&self) {
        let secret = self.vault.secret().unwrap();
        assert!(self.world.accepts(&secret), "a dead secret is delivered");
    }

    pub(crate) fn delivered(&self) -> Secret {
        self.vault.secret().unwrap()
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.world.clock.advance(time);
    }
}

/// The name of an outcome, with what failed.
pub(crate) fn said(report: &Report) -> String {
    match &report.outcome {
        Outcome::Failed(error) => format!("failed {}", error.kind()),
        other => other.as_str().to_owned(),
    }
}
