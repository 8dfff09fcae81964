//! A suite that holds a [state store](StateStore) to what it promises, and what goes wrong with
//! stores, on demand.
//!
//! [`check`] runs the suite on a store of your own. It works on entries whose names begin with
//! `check`, and removes them; the entries of others stay as they are.
//!
//! ```
//! use access_tokens::rotation::state::MemoryStore;
//! use access_tokens_testing::stores;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), stores::Failure> {
//! let report = stores::check(MemoryStore::new()).await?;
//! println!("{report}");
//! # Ok(())
//! # }
//! ```
//!
//! A store that several processes share should be checked with several handles, each made as another
//! process would make it, and with a way to damage an entry; and then with processes as writers, for
//! which there is [`race`]:
//!
//! ```
//! use access_tokens::rotation::state::FileStore;
//! use access_tokens_testing::stores::Check;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = std::env::temp_dir().join(format!("stores-doc-{}", std::process::id()));
//! let check = Check::new(FileStore::new(&directory))
//!     .handle(FileStore::new(&directory))
//!     .damage({
//!         let directory = directory.clone();
//!         move |name| {
//!             let file = name.replace('/', "%2f") + ".record";
//!             std::fs::write(directory.join(file), "not a record\n")
//!         }
//!     });
//! println!("{}", check.run().await?);
//! # std::fs::remove_dir_all(&directory)?;
//! # Ok(())
//! # }
//! ```

mod faulty;
mod forms;
mod promises;
mod race;
mod report;
mod steps;

use std::io;
use std::sync::Arc;

use access_tokens::Marker;
use access_tokens::rotation::state::{Listed, StateStore};

pub use faulty::{Call, FaultyStore, StoreFault};
pub use race::{Win, judge, race};
pub use report::{Failure, Promise, Report};

type Damage = dyn Fn(&str) -> io::Result<()> + Send + Sync;

/// Runs the suite on one handle of a store.
///
/// # Errors
/// The first promise that the store breaks.
pub async fn check(store: impl StateStore + 'static) -> Result<Report, Failure> {
    Check::new(store).run().await
}

/// Run of the suite: the store, by all handles that there are on it, and what else is known of it.
#[must_use = "nothing is checked before `run`"]
pub struct Check {
    handles: Vec<Arc<dyn StateStore>>,
    damage: Option<Arc<Damage>>,
    rounds: u32,
}

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Check")
            .field("handles", &self.handles)
            .field("rounds", &self.rounds)
            .finish_non_exhaustive()
    }
}

impl Check {
    /// A run on one handle.
    pub fn new(store: impl StateStore + 'static) -> Self {
        Self {
            handles: vec![Arc::new(store)],
            damage: None,
            rounds: 50,
        }
    }

    /// Adds another handle on the same store, as another process would have it.
    pub fn handle(mut self, store: impl StateStore + 'static) -> Self {
        self.handles.push(Arc::new(store));
        self
    }

    /// Sets how the entry of a name is made unreadable, behind the store's back. Without it that
    /// promise is not checked.
    pub fn damage(
        mut self,
        damage: impl Fn(&str) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.damage = Some(Arc::new(damage));
        self
    }

    /// Sets how often each race is run (50).
    pub fn rounds(mut self, rounds: u32) -> Self {
        self.rounds = rounds.max(1);
        self
    }

    /// Runs it.
    ///
    /// # Errors
    /// The first promise that the store breaks.
    pub async fn run(&self) -> Result<Report, Failure> {
        let run = Run {
            handles: &self.handles,
            rounds: self.rounds,
            prefix: format!("check/{}/", Marker::random().as_str()),
        };
        let mut report = Report::default();
        let done = run.all(self.damage.as_deref(), &mut report).await;
        // Nothing is to stay, whatever came of it.
        let tidied = run.tidy().await;
        done.and(tidied).map(|()| report)
    }
}

/// What all parts of the suite share.
struct Run<'a> {
    handles: &'a [Arc<dyn StateStore>],
    rounds: u32,
    prefix: String,
}

impl Run<'_> {
    async fn all(&self, damage: Option<&Damage>, report: &mut Report) -> Result<(), Failure> {
        promises::probes(self, report).await?;
        promises::create_is_exclusive(self, report).await?;
        promises::replace_is_conditional(self, report).await?;
        promises::writers_never_both_win(self, report).await?;
        promises::remove_is_conditional(self, report).await?;
        promises::lost_answers_are_told_from_lost_races(self, report).await?;
        match damage {
            Some(damage) => promises::unreadable_entries_hide_nothing(self, damage, report).await?,
            None => report.skip(
                Promise::UnreadableHidesNothing,
                "no way to damage was given",
            ),
        }
        forms::names_of_any_form(self, report).await?;
        forms::bodies_of_any_form(self, report).await?;
        forms::many_generations(self, report).await?;
        forms::listing_while_others_write(self, report).await?;
        forms::local_locks(self, report).await?;
        forms::clock(self, report).await
    }

    /// The handle of a task.
    fn handle(&self, number: usize) -> Arc<dyn StateStore> {
        let handle = self.handles.get(number % self.handles.len().max(1));
        // `Check::new` puts the first one in.
        handle.map_or_else(
            || Arc::new(access_tokens::rotation::state::MemoryStore::new()) as _,
            Arc::clone,
        )
    }

    fn name(&self, rest: &str) -> String {
        format!("{}{rest}", self.prefix)
    }

    async fn tidy(&self) -> Result<(), Failure> {
        let store = self.handle(0);
        let broken = |error| Failure::call(Promise::RemoveIsConditional, "tidying up", &error);
        for listed in store.list(&self.prefix).await.map_err(broken)? {
            match listed {
                Listed::Entry(entry) => {
                    store
                        .remove(&entry.name, &entry.version)
                        .await
                        .map_err(broken)?;
                }
                Listed::Unreadable(entry) if entry.name.starts_with(&self.prefix) => {
                    store.remove_unreadable(&entry.name).await.map_err(broken)?;
                }
                // Somebody else's.
                Listed::Unreadable(_) => {}
            }
        }
        Ok(())
    }
}
