//! The runner: does what the machine says, and tells it what came of it. Every write of the record
//! is a compare-and-swap; one that fails ends the tick, and nothing is undone or claimed.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};

use super::super::event::{Event, EventSink};
use super::super::record::{Holder, Record, Stamp};
use super::super::rules::{Now, Times};
use super::super::state::{
    self, LocalGuard, StateStore, StoreError, StoreErrorKind, StoreVersion, Stored,
};
use super::super::token::Declared;
use super::super::{ErrorKind, problem::Problem};
use super::account::{Account, Snapshot};
use super::machine::{Act, Machine};
use crate::clock::Clock;
use crate::secret::Secret;
use crate::service::{TokenKey, TokenRecord};

/// More than any tick needs: beyond it something goes round in circles.
const MOST_ACTS: usize = 200;

/// What all ticks of a keeper share.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) store: Arc<dyn StateStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) events: Option<Arc<dyn EventSink>>,
    pub(crate) times: Times,
}

/// Why a tick ended on the spot.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Another runner was first. It says until when it holds the record.
    Superseded,
    /// The store failed.
    Store(StoreError),
}

/// One tick at work.
#[derive(Debug)]
pub(crate) struct Runner<'a> {
    pub(super) context: &'a Context,
    pub(super) declared: &'a Declared,
    pub(super) account: &'a Account,
    pub(super) machine: Machine,
    version: StoreVersion,
    /// Random for each tick.
    id: String,
    /// The keeper's time when the tick began, and the clock's own then.
    began: (Stamp, Duration),
    /// Whether the stored record names this tick as its holder.
    leased: bool,
    lock: Option<LocalGuard>,
    /// The successor with its secret, as long as this tick lasts.
    pub(super) new: Option<(TokenRecord, Secret)>,
    /// When the successor was asked for, by the service's time.
    pub(super) asked_at: Stamp,
    pub(super) listing: Option<Arc<Snapshot>>,
    /// What the steps after the delivery came to, where somebody else took them.
    pub(super) after: Option<Result<(), Problem>>,
    pub(super) warnings: Vec<String>,
    pub(super) cause: Option<Arc<crate::Error>>,
}

impl<'a> Runner<'a> {
    pub(crate) fn new(
        context: &'a Context,
        declared: &'a Declared,
        account: &'a Account,
        machine: Machine,
        version: StoreVersion,
        now: Stamp,
    ) -> Self {
        Self {
            began: (now, context.clock.monotonic()),
            context,
            declared,
            account,
            machine,
            version,
            id: crate::Marker::random().as_str().to_owned(),
            leased: false,
            lock: None,
            new: None,
            asked_at: now,
            listing: None,
            after: None,
            warnings: Vec::new(),
            cause: None,
        }
    }

    /// Goes on under a local lock that is held already.
    pub(crate) fn with_lock(mut self, lock: Option<LocalGuard>) -> Self {
        self.lock = lock;
        self
    }

    /// Uses what the steps after the delivery have come to.
    pub(crate) fn with_after(mut self, after: Option<Result<(), Problem>>) -> Self {
        self.after = after;
        self
    }

    pub(super) fn now(&self) -> Now {
        let (stamp, clock) = self.began;
        let elapsed = self.context.clock.monotonic().saturating_sub(clock);
        Now {
            keeper: stamp.plus(elapsed),
            service: Stamp::of(self.declared.service.now()),
        }
    }

    /// Does everything that is due.
    pub(crate) async fn run(&mut self) -> Result<(), Stop> {
        for _ in 0..MOST_ACTS {
            let act = self.machine.next(self.now());
            if act == Act::Rest {
                return self.let_go().await;
            }
            if act.writes_first() && (self.machine.dirty || !self.leased || act == Act::Hold) {
                self.write(false).await?;
            }
            tracing::debug!(token = %self.declared.name, act = ?act.name(), "tick");
            self.perform(act).await?;
        }
        let text = "a tick did not come to its end; please report this";
        self.machine.problem = Some(Problem::person(ErrorKind::Interrupted, text));
        self.let_go().await
    }

    async fn let_go(&mut self) -> Result<(), Stop> {
        if self.machine.dirty || self.leased {
            self.write(true).await?;
        }
        Ok(())
    }

    /// Swaps the record in as it is now, and renews the lease or ends it.
    async fn write(&mut self, release: bool) -> Result<(), Stop> {
        if self.lock.is_none() && !self.leased {
            self.take_lock().await?;
        }
        let domain = self
            .lock
            .as_ref()
            .and_then(LocalGuard::domain)
            .map(str::to_owned);
        self.machine.record.holder = (!release).then(|| Holder {
            id: self.id.clone(),
            until: self.now().keeper.plus(self.context.times.lease),
            domain,
        });
        let entry = Stored {
            name: token_entry(&self.declared.name),
            version: self.version.next(),
            body: serde_json::to_value(&self.machine.record).map_err(|_| {
                Stop::Store(StoreError::new(
                    StoreErrorKind::NotWritten,
                    "the record has no JSON form",
                ))
            })?,
        };
        match state::write(&*self.context.store, Some(&self.version), &entry).await {
            Ok(()) => {
                self.version = entry.version;
                (self.machine.dirty, self.leased) = (false, !release);
                Ok(())
            }
            Err(error) if error.kind() == StoreErrorKind::Superseded => Err(Stop::Superseded),
            Err(error) => Err(Stop::Store(error)),
        }
    }

    async fn take_lock(&mut self) -> Result<(), Stop> {
        let name = token_entry(&self.declared.name);
        match self.context.store.try_lock(&name).await {
            Ok(state::LocalLock::Held(guard)) => self.lock = Some(guard),
            Ok(state::LocalLock::Busy) => return Err(Stop::Superseded),
            Ok(state::LocalLock::NotOffered) => {}
            Err(error) => return Err(Stop::Store(error)),
        }
        Ok(())
    }

    /// Waits for an act that may be slow, and renews the lease in the meantime.
    pub(super) async fn renewing<T>(&mut self, act: impl Future<Output = T>) -> Result<T, Stop> {
        let mut act = pin!(act);
        loop {
            // Real time, as the limits of all calls are.
            let pause = pin!(crate::reactor::sleep(self.context.times.lease / 3));
            match select(act.as_mut(), pause).await {
                Either::Left((done, _)) => return Ok(done),
                Either::Right(_) if self.leased => self.write(false).await?,
                Either::Right(_) => {}
            }
        }
    }

    /// Keeps evidence of something, and says it in the log.
    pub(super) async fn tell(&mut self, action: &str, fill: impl FnOnce(&mut Event)) {
        let mut event = Event {
            at: self.now().keeper.time(),
            token: self.declared.name.clone(),
            service: self.declared.service.service().name().to_owned(),
            account: self.declared.account.clone(),
            runner: self.id.clone(),
            action: action.to_owned(),
            key: None,
            from: None,
            sink: None,
            reason: None,
            detail: None,
        };
        fill(&mut event);
        if let Err(warning) = tell(self.context, &event).await {
            self.warnings.push(warning);
        }
    }

    pub(crate) fn record(&self) -> &Record {
        &self.machine.record
    }
}

/// Keeps evidence of something, and says it in the log; a warning if it could not be kept.
pub(crate) async fn tell(context: &Context, event: &Event) -> Result<(), String> {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let key =
        |field: &Option<TokenKey>| field.as_ref().map(ToString::to_string).unwrap_or_default();
    tracing::info!(
        token = %event.token,
        service = %event.service,
        account = %text(&event.account),
        runner = %event.runner,
        action = %event.action,
        key = %key(&event.key),
        from = %key(&event.from),
        sink = %text(&event.sink),
        reason = %text(&event.reason),
        detail = %text(&event.detail),
        "managed token"
    );
    let Some(events) = &context.events else {
        return Ok(());
    };
    match crate::sync::catch_panic(events.record(event)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(format!("an event could not be kept: {error}")),
        Err(_) => Err("an event could not be kept: the sink panicked".to_owned()),
    }
}

/// The name of a managed token's record in the store.
pub(crate) fn token_entry(name: &str) -> String {
    format!("token/{name}")
}

/// The name of its request.
pub(crate) fn request_entry(name: &str) -> String {
    format!("request/{name}")
}

/// The name of the claim to a token. Its parts are told apart whatever is in them.
pub(crate) fn claim_entry(service: &str, account: Option<&str>, key: &TokenKey) -> String {
    let part = |text: &str| text.replace('%', "%25").replace('/', "%2F");
    format!(
        "claim/{}/{}/{}",
        part(service),
        part(account.unwrap_or_default()),
        part(key.as_str())
    )
}
