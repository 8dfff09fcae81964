//! Beginning, going on, giving up.

use super::builder::Rotation;
use super::entry::{Entry, Step};
use super::error::{Error, ErrorKind, State};
use super::outcome::{Old, Resumed, Rotated};
use super::plan::Outline;
use super::run::Run;
use crate::time::UnixMillis;

impl Rotation {
    /// Begins, after a look at nothing but the plan.
    pub(super) async fn run(&self, outline: &Outline) -> Result<Rotated, Error> {
        self.fits(outline, true)?;
        let entry = Entry::new(outline.clone(), self.service.now());
        // First of all: of two that come this far one goes on.
        let begun = self.journal.begin(&entry).await;
        begun.map_err(|error| Error::journal(&self.key, error))?;
        Run::new(self, entry, true).forward().await
    }

    /// What the journal knows of an unfinished rotation of this token.
    ///
    /// # Errors
    /// [`ErrorKind::Journal`] if it cannot be read.
    pub async fn unfinished(&self) -> Result<Option<Entry>, Error> {
        let found = self.journal.find(&self.slot()).await;
        found.map_err(|error| Error::journal(&self.key, error).in_state(State::Unfinished, None))
    }

    /// Goes on with an unfinished rotation of this token, whatever stopped it, and however often.
    ///
    /// It goes forward: a token whose answer was lost is found and removed, a secret that was lost
    /// with its process is read again or replaced by that of another successor, the sinks get it,
    /// it is checked, and then the old token and all but the last successor are retired.
    ///
    /// **Nobody else may be at it**: a process that still works at the same rotation is stopped
    /// before its next step, but what it is just doing goes through.
    ///
    /// # Errors
    /// Those of [`Plan::run`](super::Plan::run); [`ErrorKind::WrongPlan`] if this rotation's sinks
    /// are not those with which it began.
    pub async fn resume(&self) -> Result<Resumed, Error> {
        let Some(mut run) = self.take_over().await? else {
            return Ok(Resumed::Nothing);
        };
        match run.entry.step {
            Step::Removing => match run.take_back().await {
                Ok(true) => Ok(Resumed::RolledBack),
                // Earlier successors may be in use, so there is no way back.
                Ok(false) => run.forward().await.map(rotated),
                Err(error) => Err(run.unfinished(error)),
            },
            Step::Settling => Ok(run.settle().await),
            _ => run.forward().await.map(rotated),
        }
    }

    /// Retires the old token after its grace, where the service cannot end it by itself; or tries
    /// once more, where that failed.
    ///
    /// # Errors
    /// [`ErrorKind::TooEarly`] before the end of the grace; [`ErrorKind::WrongStep`] if no rotation
    /// has come that far.
    pub async fn finish(&self) -> Result<Rotated, Error> {
        let wrong = |text: &str, state| {
            let error = Error::new(&self.key, ErrorKind::WrongStep).with_text(text);
            Err(error.in_state(state, None))
        };
        let Some(entry) = self.unfinished().await? else {
            return wrong("no rotation of this token is unfinished", State::Untouched);
        };
        match entry.step {
            Step::Awaiting(at) => {
                let early = at
                    .to_system_time()
                    .is_some_and(|at| self.service.now() < at);
                if early {
                    let error = Error::new(&self.key, ErrorKind::TooEarly);
                    let error = error.with_text(format!("it ends at {at}"));
                    return Err(error.in_state(State::Unfinished, entry.successor().cloned()));
                }
            }
            Step::Verified | Step::Retiring => {}
            Step::Settling if entry.successor.is_some() => {}
            _ => {
                return wrong(
                    "the new secret is not in place; resume() first",
                    State::Unfinished,
                );
            }
        }
        match self.resume().await? {
            Resumed::Rotated(rotated) => Ok(*rotated),
            Resumed::Nothing | Resumed::RolledBack => {
                wrong("somebody else has finished it", State::Untouched)
            }
        }
    }

    /// Gives up an unfinished rotation whose successor no sink can hold, and removes what it left.
    ///
    /// # Errors
    /// [`ErrorKind::WrongStep`] if there is no way back: a sink may hold the new secret, or the old
    /// one may not work any more. [`resume`](Self::resume) goes forward.
    pub async fn abandon(&self) -> Result<(), Error> {
        let Some(mut run) = self.take_over().await? else {
            return Ok(());
        };
        let entry = &run.entry;
        let back = match entry.step {
            Step::Started | Step::Removing => true,
            Step::Creating | Step::Created => entry.outline.keeps_old(),
            Step::Settling => entry.successor.is_none(),
            _ => false,
        };
        if !back || !entry.interim.is_empty() {
            let error = Error::new(&self.key, ErrorKind::WrongStep);
            let error = error.with_text("there is no way back; resume() goes forward");
            return Err(run.unfinished(error));
        }
        run.lose_attempt();
        if let Err(error) = run.sweep().await {
            return Err(run.unfinished(error));
        }
        match run.take_back().await {
            Ok(true) => Ok(()),
            // Nothing can be seen now, and what a lost request may bring is looked for later.
            Ok(false) => run
                .step(Step::Settling)
                .await
                .map_err(|error| run.unfinished(error)),
            Err(error) => Err(run.unfinished(error)),
        }
    }

    /// Drops what the journal knows of this token's rotation and touches nothing else: for somebody
    /// who has put things in order by hand. What is returned says what there was.
    ///
    /// # Errors
    /// [`ErrorKind::Journal`] if it cannot be dropped.
    pub async fn forget(&self) -> Result<Option<Entry>, Error> {
        let entry = self.unfinished().await?;
        if let Some(entry) = &entry {
            let removed = self.journal.remove(&entry.slot(), entry.id()).await;
            removed.map_err(|error| Error::journal(&self.key, error))?;
        }
        Ok(entry)
    }

    /// Makes the unfinished rotation ours: whoever else is at it cannot write it down any more.
    async fn take_over(&self) -> Result<Option<Run<'_>>, Error> {
        let Some(entry) = self.unfinished().await? else {
            return Ok(None);
        };
        let successor = entry.successor().cloned();
        let delivers = !matches!(
            entry.step,
            Step::Verified | Step::Retiring | Step::Awaiting(_) | Step::Removing | Step::Settling
        );
        self.fits(&entry.outline, delivers)
            .map_err(|error| error.in_state(State::Unfinished, successor))?;
        let mut run = Run::new(self, entry, false);
        let step = run.entry.step.clone();
        match run.step(step).await {
            Ok(()) => Ok(Some(run)),
            Err(error) => Err(run.unfinished(error)),
        }
    }
}

fn rotated(rotated: Rotated) -> Resumed {
    Resumed::Rotated(Box::new(rotated))
}

impl Run<'_> {
    /// Looks once more for what a lost request may have brought.
    async fn settle(mut self) -> Resumed {
        self.close().await;
        if self.entry.successor.is_none() {
            return Resumed::RolledBack;
        }
        let now = self.rotation.service.now();
        let at = self.entry.retire_at.and_then(UnixMillis::to_system_time);
        let old = at.filter(|at| *at > now).map_or(Old::Retired, Old::Expires);
        rotated(self.done(old))
    }
}
