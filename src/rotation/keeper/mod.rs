//! The door: one call does what is due.

mod asking;
mod records;

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::Stream;

use super::error::Error;
use super::event::EventSink;
use super::outcome::Report;
use super::pass::pass;
use super::plan::Plan;
use super::rules::Times;
use super::run::{Account, Context, How, plan, tick};
use super::state::StateStore;
use super::token::ManagedToken;
use crate::clock::{Clock, SystemClock};

/// Keeper of managed tokens: [`tick`](Self::tick) does whatever is due for one and nothing else.
///
/// Any number of keepers may tick the same tokens at the same time, in any number of processes on
/// any number of machines, as long as they share the state store. Whoever comes second is told
/// [`Outcome::Busy`](super::Outcome); a process that is killed in the middle leaves nothing that the next tick does
/// not finish or take back.
///
/// A copy shares everything with its original.
///
/// ```
/// use access_tokens::rotation::state::MemoryStore;
/// use access_tokens::rotation::{Keeper, ManagedToken, Outcome, sink};
/// use access_tokens::{RotationPolicy, TokenKey, days};
///
/// # #[cfg(feature = "launchdarkly")] mod example {
/// # use super::*;
/// # pub async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// # let twin = access_tokens_testing::LaunchDarkly::start().await?;
/// # let seed = twin.seed(access_tokens_testing::launchdarkly::Seed::new("export"));
/// # let ld = access_tokens::launchdarkly::Client::builder();
/// # let ld = ld.base_url(twin.base_url()).credential(twin.credential()).build()?;
/// let token = ManagedToken::builder("nightly-export")
///     .service(ld)
///     .adopt(TokenKey::new(&seed.id))
///     .policy(RotationPolicy::new().max_age(days(90)))
///     .overlap(days(1))
///     .deliver_to(sink::from_fn("my store", |secret, _token| async move {
///         // … keep it …
///         let _ = secret;
///         Ok::<(), sink::SinkError>(())
///     }))
///     .build()?;
///
/// let keeper = Keeper::new(MemoryStore::new()); // a store that lasts, in earnest
/// let report = keeper.tick(&token).await;
/// println!("{report}"); // nightly-export: not due before …
/// assert!(matches!(report.outcome, Outcome::NotDue { .. }));
/// # Ok(())
/// # }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// #     #[cfg(feature = "launchdarkly")]
/// #     example::run().await?;
/// #     Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Keeper {
    context: Context,
}

/// Builder of a [`Keeper`].
#[derive(Debug)]
#[must_use = "nothing is kept before build()"]
pub struct KeeperBuilder(Context);

impl KeeperBuilder {
    /// The clock; the system's by default. A store that has a clock of its own is asked instead.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.0.clock = Arc::new(clock);
        self
    }

    /// Where evidence goes: an event for every decision and act.
    pub fn events(mut self, events: impl EventSink + 'static) -> Self {
        self.0.events = Some(Arc::new(events));
        self
    }

    /// How long a runner holds a token without renewing that: 2 minutes. It is renewed while a slow
    /// sink works, so this is how long a runner that was killed blocks others, on other machines.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.0.times.lease = lease.max(Duration::from_secs(1));
        self
    }

    /// How far the clocks of two machines may be apart: 5 minutes. Somebody else's lease counts as
    /// over only this much later, unless the store has a clock of its own. What a clock that is
    /// further off can do is to make two runners work at once, of which one loses.
    pub fn clock_skew(mut self, skew: Duration) -> Self {
        self.0.times.skew = skew;
        self
    }

    /// How long after its sender's lease a request may still take effect: 15 minutes. For that long
    /// a create without an answer is looked for, and a sink that cannot refuse a late write is left
    /// alone.
    pub fn settle_time(mut self, settle: Duration) -> Self {
        self.0.times.settle = settle;
        self
    }

    /// How long a service may take until it knows a token that it has made: 20 seconds.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.0.times.patience = patience;
        self
    }

    /// The longest that one delivery, or one step after it, may take: 5 minutes.
    pub fn act_timeout(mut self, limit: Duration) -> Self {
        self.0.times.act = limit;
        self
    }

    /// The keeper.
    #[must_use]
    pub fn build(self) -> Keeper {
        Keeper { context: self.0 }
    }
}

impl Keeper {
    /// A keeper with the system's clock, the default times and no event sink.
    pub fn new(store: impl StateStore + 'static) -> Self {
        Self::builder(store).build()
    }

    /// Begins a keeper whose records are in this store.
    pub fn builder(store: impl StateStore + 'static) -> KeeperBuilder {
        KeeperBuilder(Context {
            store: Arc::new(store),
            clock: Arc::new(SystemClock::new()),
            events: None,
            times: Times::default(),
            proved: Arc::default(),
        })
    }

    /// Does whatever is due now for a managed token, and nothing else: makes the first contact,
    /// finishes or takes back what was left unfinished, deletes what has outlived its overlap,
    /// judges the current token by the policy, and rotates it.
    ///
    /// It is safe to call at any time, from anywhere, any number of times at once, and to drop. A
    /// failure is in the report.
    pub async fn tick(&self, token: &ManagedToken) -> Report {
        self.tick_once(token, How::default()).await
    }

    /// As [`tick`](Self::tick), but does not wait for the back-off after a failure.
    pub async fn retry(&self, token: &ManagedToken) -> Report {
        let how = How {
            impatient: true,
            ..How::default()
        };
        self.tick_once(token, how).await
    }

    async fn tick_once(&self, token: &ManagedToken, how: How) -> Report {
        let account = Account::new(Arc::clone(&token.declared().service));
        tick(&self.context, token, &account, how).await.report
    }

    /// Ticks many managed tokens, some at a time, and gives the reports as they come.
    ///
    /// An account that several of them share ([`shared_service`](super::ManagedTokenBuilder::shared_service))
    /// is listed once. Steps after a delivery that have the same id are taken once, after all
    /// deliveries; a token that may be the credential of its own client
    /// ([`allow_own_credential`](super::ManagedTokenBuilder::allow_own_credential)) comes after all
    /// others. Two tokens that would write to the same place, or have the same name, are
    /// refused before anything is sent. A failure of one does not touch the others.
    ///
    /// Dropping the stream stops all that are under way where they are; the next tick goes on.
    pub fn tick_all(
        &self,
        tokens: Vec<ManagedToken>,
        concurrency: usize,
    ) -> impl Stream<Item = Report> + Send + use<> {
        pass(self.context.clone(), tokens, concurrency.max(1), false)
    }

    /// As [`tick_all`](Self::tick_all), but does not wait for back-offs after failures: for somebody
    /// who has mended what failed.
    pub fn retry_all(
        &self,
        tokens: Vec<ManagedToken>,
        concurrency: usize,
    ) -> impl Stream<Item = Report> + Send + use<> {
        pass(self.context.clone(), tokens, concurrency.max(1), true)
    }

    /// Decides as [`tick`](Self::tick) would, tries the credential, the store and the sinks, and
    /// changes nothing: a dry run.
    ///
    /// # Errors
    /// What would keep a tick from doing it.
    pub async fn plan(&self, token: &ManagedToken) -> Result<Plan, Error> {
        self.context.prove(token.name()).await?;
        let account = Account::new(Arc::clone(&token.declared().service));
        plan(&self.context, token, &account).await
    }
}
