//! The door: one call does what is due.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::Stream;
use tokio::sync::OnceCell;

use super::error::{Error, ErrorKind};
use super::event::EventSink;
use super::outcome::Report;
use super::plan::Plan;
use super::record::Record;
use super::request::{Ask, Reason, Request};
use super::rules::Times;
use super::run::{
    Account, Context, How, Turn, claim_entry, keeper_now, plan, request_entry, tick, token_entry,
    turn,
};
use super::state::{self, Listed, StateStore, StoreErrorKind, Stored};
use super::status::Status;
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
    /// Whether the store was proved to keep its promises.
    proved: Arc<OnceCell<()>>,
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
        Keeper {
            context: self.0,
            proved: Arc::default(),
        }
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
        if let Err(error) = self.prove(token.name()).await {
            return Report::failed(error);
        }
        let account = Account::new(Arc::clone(&token.declared().service));
        tick(&self.context, token, &account, how).await.report
    }

    /// Ticks many managed tokens, some at a time, and gives the reports as they come.
    ///
    /// An account that several of them share ([`shared_service`](super::ManagedTokenBuilder::shared_service))
    /// is listed once. Steps after a delivery that have the same id are taken once, after all
    /// deliveries. Two tokens that would write to the same place, or have the same name, are
    /// refused before anything is sent. A failure of one does not touch the others.
    ///
    /// Dropping the stream stops all that are under way where they are; the next tick goes on.
    pub fn tick_all(
        &self,
        tokens: Vec<ManagedToken>,
        concurrency: usize,
    ) -> impl Stream<Item = Report> + Send + use<> {
        super::pass::pass(self.clone(), tokens, concurrency.max(1), false)
    }

    /// As [`tick_all`](Self::tick_all), but does not wait for back-offs after failures: for somebody
    /// who has mended what failed.
    pub fn retry_all(
        &self,
        tokens: Vec<ManagedToken>,
        concurrency: usize,
    ) -> impl Stream<Item = Report> + Send + use<> {
        super::pass::pass(self.clone(), tokens, concurrency.max(1), true)
    }

    /// Decides as [`tick`](Self::tick) would, tries the credential, the store and the sinks, and
    /// changes nothing: a dry run.
    ///
    /// # Errors
    /// What would keep a tick from doing it.
    pub async fn plan(&self, token: &ManagedToken) -> Result<Plan, Error> {
        self.prove(token.name()).await?;
        let account = Account::new(Arc::clone(&token.declared().service));
        plan(&self.context, token, &account).await
    }

    /// Rotates a managed token now, whatever its policy says. The request is written down first: if
    /// another runner is at work, or this one is killed, a later tick fulfils it.
    pub async fn rotate(&self, token: &ManagedToken, reason: Reason) -> Report {
        let ask = Ask::Rotate {
            suspected: reason == Reason::Suspected,
            by: match reason {
                Reason::Scheduled => "somebody asked for it".to_owned(),
                Reason::Suspected => "the token is suspected to be known".to_owned(),
            },
        };
        self.request(token, ask).await
    }

    /// Goes back to the former token, within its overlap: every sink gets its secret back. Rotation
    /// is on hold from then on, until [`release`](Self::release). The request is written down first,
    /// as with [`rotate`](Self::rotate).
    pub async fn rollback(&self, token: &ManagedToken) -> Report {
        let ask = Ask::RollBack {
            suspected: false,
            by: "somebody asked for it".to_owned(),
        };
        self.request(token, ask).await
    }

    async fn request(&self, token: &ManagedToken, ask: Ask) -> Report {
        if let Err(error) = self.prove(token.name()).await {
            return Report::failed(error);
        }
        if let Err(error) = self.write_down(token.name(), ask).await {
            return Report::failed(error);
        }
        self.retry(token).await
    }

    /// Writes a request down; asking again before it is fulfilled is the same request.
    async fn write_down(&self, name: &str, ask: Ask) -> Result<(), Error> {
        let store = &*self.context.store;
        let error = |error: &_| Error::store(name, error);
        let at = keeper_now(&self.context, name).await?;
        let fulfilled = self
            .load(name)
            .await?
            .and_then(|(record, _)| record.fulfilled);
        let earlier = store
            .load(&request_entry(name))
            .await
            .map_err(|e| error(&e))?;
        let request = Request {
            id: crate::Marker::random().as_str().to_owned(),
            ask,
            at,
        };
        let body = serde_json::to_value(&request)
            .map_err(|_| Error::new(name, ErrorKind::Store, "the request has no JSON form"))?;
        let (expected, entry) = match earlier {
            Some(earlier) => {
                let open = serde_json::from_value::<Request>(earlier.body.clone()).ok();
                if let Some(open) = open
                    && open.ask == request.ask
                    && fulfilled.as_ref() != Some(&open.id)
                {
                    return Ok(());
                }
                let entry = earlier.next(body);
                (Some(earlier.version), entry)
            }
            None => (None, Stored::new(request_entry(name), body)),
        };
        match state::write(store, expected.as_ref(), &entry).await {
            Ok(()) => Ok(()),
            // Somebody else has asked in the same moment.
            Err(lost)
                if matches!(
                    lost.kind(),
                    StoreErrorKind::Exists | StoreErrorKind::Superseded
                ) =>
            {
                Ok(())
            }
            Err(other) => Err(error(&other)),
        }
    }

    /// Ends the hold after a roll back.
    ///
    /// # Errors
    /// [`ErrorKind::Store`], or [`ErrorKind::NotFound`] if there is no such entry.
    pub async fn release(&self, name: &str) -> Result<(), Error> {
        const TRIES: usize = 5;
        for _ in 0..TRIES {
            let Some((mut record, stored)) = self.load(name).await? else {
                return Err(Error::new(
                    name,
                    ErrorKind::NotFound,
                    "there is no such entry in the state",
                ));
            };
            if record.on_hold.take().is_none() {
                return Ok(());
            }
            let body = serde_json::to_value(&record)
                .map_err(|_| Error::new(name, ErrorKind::Store, "the record has no JSON form"))?;
            match state::write(
                &*self.context.store,
                Some(&stored.version),
                &stored.next(body),
            )
            .await
            {
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == StoreErrorKind::Superseded => {}
                Err(error) => return Err(Error::store(name, &error)),
            }
        }
        Err(Error::new(
            name,
            ErrorKind::Interrupted,
            "other runners keep changing the record",
        ))
    }

    /// Stops managing a token: its record, its claim and its request are removed. At the service and
    /// in the sinks nothing is changed.
    ///
    /// # Errors
    /// If a runner is at work on it, or something is unfinished that would be left behind: tick it
    /// first. [`ErrorKind::NotFound`] if there is no such entry.
    pub async fn forget(&self, name: &str) -> Result<(), Error> {
        let store = &*self.context.store;
        let error = |error: &_| Error::store(name, error);
        let Some((record, stored)) = self.load(name).await? else {
            return Err(Error::new(
                name,
                ErrorKind::NotFound,
                "there is no such entry in the state",
            ));
        };
        let now = keeper_now(&self.context, name).await?;
        if let Turn::Theirs(_) = turn(&self.context, &record, now).await? {
            return Err(Error::new(
                name,
                ErrorKind::Interrupted,
                "a runner is at work on it",
            ));
        }
        if !record.is_at_rest() {
            let text = "something is unfinished, and would be left behind";
            return Err(Error::new(name, ErrorKind::Interrupted, text));
        }
        state::remove(store, &stored.name, &stored.version)
            .await
            .map_err(|e| error(&e))?;
        let retired = record.retired.iter().map(|retired| &retired.key);
        let keys = record.tokens().map(|token| &token.key).chain(retired);
        let claims = keys.map(|key| claim_entry(&record.service, record.account.as_deref(), key));
        for entry in claims.chain([request_entry(name)]) {
            if let Some(found) = store.load(&entry).await.map_err(|e| error(&e))? {
                let claimed = found.body.get("token").and_then(serde_json::Value::as_str);
                if claimed.is_none_or(|claimed| claimed == name) {
                    state::remove(store, &entry, &found.version)
                        .await
                        .map_err(|e| error(&e))?;
                }
            }
        }
        Ok(())
    }

    /// How a managed token stands, from the state alone; `None` if there is no such entry.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] or [`ErrorKind::Record`].
    pub async fn status(&self, name: &str) -> Result<Option<Status>, Error> {
        Ok(self
            .load(name)
            .await?
            .map(|(record, _)| Status::of(&record)))
    }

    /// How all managed tokens of the state stand, those included that nobody declares any more; in
    /// the place of one that cannot be read, why.
    ///
    /// # Errors
    /// [`ErrorKind::Store`].
    pub async fn statuses(&self) -> Result<Vec<Result<Status, Error>>, Error> {
        let all = self.context.store.list(&token_entry("")).await;
        let all = all.map_err(|error| Error::store("all", &error))?;
        let read = |listed| match listed {
            Listed::Entry(stored) => {
                let name = stored.name.trim_start_matches("token/").to_owned();
                Record::read(&stored.body)
                    .map(|record| Status::of(&record))
                    .map_err(|invalid| {
                        Error::new(&name, ErrorKind::Record, invalid.0).for_a_person()
                    })
            }
            Listed::Unreadable(unreadable) => {
                Err(
                    Error::new(&unreadable.name, ErrorKind::Record, unreadable.reason)
                        .for_a_person(),
                )
            }
        };
        Ok(all.into_iter().map(read).collect())
    }

    async fn load(&self, name: &str) -> Result<Option<(Record, Stored)>, Error> {
        let stored = self.context.store.load(&token_entry(name)).await;
        let stored = stored.map_err(|error| Error::store(name, &error))?;
        let Some(stored) = stored else {
            return Ok(None);
        };
        match Record::read(&stored.body) {
            Ok(record) => Ok(Some((record, stored))),
            Err(invalid) => Err(Error::new(name, ErrorKind::Record, invalid.0).for_a_person()),
        }
    }

    /// Nothing is sent before the store is proved to keep its promises.
    pub(crate) async fn prove(&self, name: &str) -> Result<(), Error> {
        let probe = || self.context.store.probe();
        let proved = self.proved.get_or_try_init(probe).await;
        proved.copied().map_err(|error| Error::store(name, &error))
    }

    pub(crate) fn context(&self) -> &Context {
        &self.context
    }
}
