//! From a new secret to one that is in use; and back, if that fails.

use super::entry::{Made, Step};
use super::error::{Error, ErrorKind, State};
use super::guard::guarded;
use super::plan::{Checks, Method, Own};
use super::run::Run;
use super::sink::{Delivery, Holds, SinkKind};
use crate::marker::Marker;
use crate::secret::Secret;
use crate::service::{TokenRecord, Verification};

/// What is left of a successor whose secret went down with an earlier process.
enum Found {
    /// The service shows the secret, and accepts it.
    Secret(Box<TokenRecord>, Secret),
    /// It is there, and maybe in use, but its secret cannot be had.
    Hidden,
    /// It is gone.
    Gone,
    /// It is there, but the service does not accept it.
    Dead,
}

impl Run<'_> {
    /// Gets hold of a secret that can be delivered: the same once more, or that of another
    /// successor.
    pub(super) async fn recover(&mut self) -> Result<(), Error> {
        if self.entry.outline.method == Method::Reset {
            return self.reset().await;
        }
        let Some(made) = self.entry.successor.clone() else {
            return self.make().await;
        };
        let maybe_in_use = self.entry.step != Step::Created;
        match self.look_for(&made).await {
            Err(error) => return Err(self.stay(Error::service(self.key(), error))),
            Ok(Found::Secret(record, secret)) => {
                self.new = Some((*record, secret));
                (self.accepted, self.exposed) = (true, maybe_in_use);
                self.touched.clear();
                return Ok(());
            }
            Ok(Found::Hidden) if maybe_in_use && self.entry.outline.keeps_old() => {
                self.entry.interim.push(made);
            }
            Ok(Found::Gone) => {}
            Ok(Found::Hidden | Found::Dead) => {
                if let Err(error) = self.remove(&made).await {
                    return Err(self.stay(error));
                }
            }
        }
        self.entry.successor = None;
        self.make().await
    }

    async fn look_for(&self, made: &Made) -> Result<Found, crate::Error> {
        let service = &self.rotation.service;
        if !service.capabilities().shows_secrets {
            return Ok(Found::Hidden);
        }
        let gone = |error: crate::Error| {
            if error.is_not_found() {
                Ok(Found::Gone)
            } else {
                Err(error)
            }
        };
        let record = match service.get(&made.key).await {
            Ok(record) => record,
            Err(error) => return gone(error),
        };
        let secret = match service.secret(&made.key).await {
            Ok(Some(secret)) => secret,
            Ok(None) => return Ok(Found::Hidden),
            Err(error) => return gone(error),
        };
        if self.entry.outline.verify == Checks::Skip {
            return Ok(Found::Secret(Box::new(record), secret));
        }
        match service.verify(&made.key, &secret).await {
            Ok(Verification::Accepted) => Ok(Found::Secret(Box::new(record), secret)),
            Ok(_) => Ok(Found::Dead),
            Err(error) => gone(error),
        }
    }

    /// Checks the secret, delivers it to every sink, and checks again.
    pub(super) async fn deliver(&mut self) -> Result<(), Error> {
        let Some((record, secret)) = self.new.clone() else {
            return Ok(());
        };
        // A secret that does not work must not reach a sink.
        if self.entry.outline.verify != Checks::Skip && !self.accepted {
            let failed = match self.rotation.service.verify(&record.key, &secret).await {
                Ok(Verification::Accepted) => None,
                Ok(_) => Some(Error::new(self.key(), ErrorKind::NotAccepted)),
                Err(error) => Some(Error::service(self.key(), error)),
            };
            if let Some(error) = failed {
                return Err(self.fail(error).await);
            }
            self.accepted = true;
        }
        for number in 0..self.rotation.sinks.len() {
            if let Err(error) = self.step(Step::Delivering(number)).await {
                return Err(self.stay(error));
            }
            if let Err(error) = self.deliver_to(number, &secret, &record).await {
                return Err(self.fail(error).await);
            }
        }
        if let Err(error) = self.step(Step::Delivered).await {
            return Err(self.stay(error));
        }
        if self.entry.outline.verify == Checks::AuthenticateAndCustom
            && let Err(error) = self.rotation.verify.check(self.key(), &secret).await
        {
            return Err(self.fail(error).await);
        }
        if let Err(error) = self.step(Step::Verified).await {
            return Err(self.stay(error));
        }
        if self.entry.outline.own == Own::Yes && self.entry.outline.method != Method::Reset {
            self.switch(&secret);
        }
        Ok(())
    }

    async fn deliver_to(
        &mut self,
        number: usize,
        secret: &Secret,
        record: &TokenRecord,
    ) -> Result<(), Error> {
        let Some(sink) = self.rotation.sinks.get(number) else {
            return Ok(());
        };
        self.touched.push(number);
        let (attempt, replaces) = (self.mark(self.entry.generation), self.mark(0));
        let stored = guarded(async {
            let seen = sink.observe().await?.version;
            let delivery =
                Delivery::new(secret, record, &attempt, &replaces).with_seen(seen.as_ref());
            sink.deliver(&delivery).await
        });
        match stored.await {
            Ok(Ok(written)) => {
                self.warnings.extend(written.warning);
                Ok(())
            }
            Ok(Err(error)) => {
                if !error.may_hold_secret() {
                    self.touched.pop();
                }
                Err(Error::sink(self.key(), sink.id(), error.redacted(secret)))
            }
            Err(_) => Err(Error::new(self.key(), ErrorKind::Panicked).with_text(sink.id())),
        }
    }

    /// The label of an attempt; 0 is what was in a sink before.
    fn mark(&self, number: u64) -> Marker {
        let owner = self.entry.id.parse().unwrap_or_else(|_| Marker::random());
        owner.attempt(number)
    }

    /// Takes everything back, as far as that strands nobody: first the sinks, only then the token.
    pub(super) async fn fail(&mut self, error: Error) -> Error {
        let nothing_done = self.entry.step == Step::Started;
        if !nothing_done && (self.exposed || !self.entry.outline.keeps_old()) {
            return self.stay(error);
        }
        if !self.restore_sinks().await {
            return self.stay(error);
        }
        match self.take_back().await {
            Ok(true) => error,
            Ok(false) | Err(_) => self.stay(error),
        }
    }

    async fn restore_sinks(&mut self) -> bool {
        let before = self.mark(0);
        while let Some(number) = self.touched.last().copied() {
            if let Some(sink) = self.rotation.sinks.get(number) {
                if sink.kind() != SinkKind::Restorable {
                    return false;
                }
                let undone = guarded(async {
                    let now = sink.observe().await?;
                    match (now.version, now.holds) {
                        // Somebody else's change in between is not undone.
                        (Some(_), Holds::Nothing | Holds::Other) => Ok(true),
                        (Some(_), Holds::Attempt(attempt))
                            if attempt.owner() != before.owner() || attempt == before =>
                        {
                            Ok(true)
                        }
                        (Some(seen), _) => sink.restore(&before, &seen).await.map(|_| true),
                        (None, _) => Ok(false),
                    }
                });
                if !matches!(undone.await, Ok(Ok(true))) {
                    return false;
                }
            }
            self.touched.pop();
        }
        true
    }

    /// Removes the successor, which no sink holds. `true` if nothing is left of the rotation.
    pub(super) async fn take_back(&mut self) -> Result<bool, Error> {
        if let Some(made) = self.entry.successor.clone() {
            self.step(Step::Removing).await?;
            self.remove(&made).await?;
            self.entry.successor = None;
            self.new = None;
        }
        let clean = self.entry.interim.is_empty()
            && self.entry.lost.is_empty()
            && self.entry.attempt.is_none();
        if clean {
            let (slot, id) = (self.entry.slot(), self.entry.id.clone());
            let removed = self.rotation.journal.remove(&slot, &id).await;
            removed.map_err(|error| Error::journal(self.key(), error))?;
        } else {
            self.step(Step::Creating).await?;
        }
        Ok(clean)
    }

    /// How things stand after an error that took nothing back.
    pub(super) fn unfinished(&self, error: Error) -> Error {
        let successor = self.entry.successor.as_ref().map(|made| made.key.clone());
        error.in_state(State::Unfinished, successor)
    }
}
