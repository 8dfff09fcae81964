//! The runner: does what the machine says, and tells it what came of it. Every write of the record
//! is a compare-and-swap; one that fails ends the tick, and nothing is undone or claimed.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::future::{Either, select};
use tracing::Instrument as _;

use super::super::event::Event;
use super::super::record::{Holder, Record, Stamp};
use super::super::rules::Now;
use super::super::state::{self, LocalGuard, StoreError, StoreErrorKind, StoreVersion, Stored};
use super::super::token::Declared;
use super::super::{kind::ErrorKind, problem::Problem};
use super::account::{Account, Snapshot};
use super::context::{Context, token_entry};
use super::evidence::Teller;
use super::machine::{Act, Machine};
use crate::secret::Secret;
use crate::service::TokenRecord;

/// More than any tick needs: beyond it something goes round in circles.
const MOST_ACTS: usize = 200;

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
    pub(super) teller: Teller,
    /// The keeper's time when the tick began, and the clock's own then.
    began: (Stamp, Duration),
    /// Whether the stored record names this tick as its holder.
    leased: bool,
    /// When the lease was last asked for, by the monotonic clock and by the other one.
    leased_at: (Duration, SystemTime),
    lock: Option<LocalGuard>,
    /// Whether somebody's lease was over: that one may be stopped, and still have the local lock.
    overdue: bool,
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
        (teller, now): (Teller, Stamp),
    ) -> Self {
        Self {
            began: (now, context.clock.monotonic()),
            context,
            declared,
            account,
            machine,
            version,
            teller,
            leased: false,
            leased_at: (context.clock.monotonic(), context.clock.now()),
            lock: None,
            overdue: false,
            new: None,
            asked_at: now,
            listing: None,
            after: None,
            warnings: Vec::new(),
            cause: None,
        }
    }

    /// Takes over from somebody who is gone: by whose local lock, or as the lease is over.
    pub(crate) fn taking_over(mut self, lock: Option<LocalGuard>) -> Self {
        (self.overdue, self.lock) = (lock.is_none(), lock);
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
            if act.writes_first() {
                if self.machine.dirty || !self.leased || act == Act::Hold {
                    self.write(false).await?;
                }
                self.keep_lease().await?;
            }
            let span = tracing::info_span!("access_tokens.act", otel.name = act.name());
            self.perform(act).instrument(span).await?;
        }
        let text = "a tick did not come to its end; please report this";
        self.machine.problem = Some(Problem::person(ErrorKind::Interrupted, text));
        self.let_go().await
    }

    /// Sees directly before something is sent that at least two thirds of the lease are left, which
    /// is more than a call takes, and is renewed while one lasts. A runner that was stopped between
    /// a swap and its act has to swap again, and sends nothing if somebody else was faster.
    pub(super) async fn keep_lease(&mut self) -> Result<(), Stop> {
        const TRIES: usize = 3;
        for _ in 0..TRIES {
            if self.lease_age() <= self.context.times.lease / 3 {
                return Ok(());
            }
            self.write(false).await?;
        }
        let text = "it takes so long to write that no lease can be kept";
        let error = StoreError::new(StoreErrorKind::NotWritten, text);
        Err(Stop::Store(error))
    }

    /// The monotonic clock may stand still while a machine sleeps, the other one may be set back.
    fn lease_age(&self) -> Duration {
        let (monotonic, wall) = self.leased_at;
        let clock = &self.context.clock;
        let passed = clock.now().duration_since(wall).unwrap_or_default();
        clock.monotonic().saturating_sub(monotonic).max(passed)
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
        if std::mem::take(&mut self.machine.untold)
            && let Some(rotation) = self.record().rotated.clone()
        {
            let warning = self.teller.tell_rotation(self.context, &rotation).await;
            self.warnings.extend(warning);
        }
        let asked_at = (self.context.clock.monotonic(), self.context.clock.now());
        let domain = self
            .lock
            .as_ref()
            .and_then(LocalGuard::domain)
            .map(str::to_owned);
        self.machine.record.holder = (!release).then(|| Holder {
            id: self.teller.runner.as_ref().to_owned(),
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
                self.leased_at = asked_at;
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
            Ok(state::LocalLock::Busy) if !self.overdue => return Err(Stop::Superseded),
            Ok(state::LocalLock::Busy | state::LocalLock::NotOffered) => {}
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
        let warning = self.teller.tell(self.context, action, fill).await;
        self.warnings.extend(warning);
    }

    pub(crate) fn record(&self) -> &Record {
        &self.machine.record
    }
}
