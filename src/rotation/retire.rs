//! The end of the old token, and of the entry.

use std::time::SystemTime;

use super::entry::{Made, Step, millis};
use super::error::{Error, ErrorKind};
use super::outcome::{Old, Rotated};
use super::plan::Method;
use super::run::Run;
use crate::error::ErrorKind as ServiceErrorKind;
use crate::service::TokenKey;
use crate::time::UnixMillis;

/// How a token ended.
enum End {
    Gone,
    At(SystemTime),
    /// It has to be deleted later.
    Waits,
}

impl Run<'_> {
    /// Retires the old token, and the earlier successors. Whatever happens here, the rotation has
    /// succeeded.
    pub(super) async fn retire(mut self) -> Rotated {
        let now = self.rotation.service.now();
        if self.entry.left.is_none() {
            let mut left = self.entry.interim.clone();
            if self.entry.outline.keeps_old() {
                left.push(self.old());
                let grace = self.entry.outline.grace;
                let end = grace.and_then(|grace| now.checked_add(grace));
                self.entry.retire_at = end.map(millis);
            }
            self.entry.left = Some(left);
        }
        let retire_at = self.entry.retire_at.and_then(UnixMillis::to_system_time);
        let later = retire_at.filter(|at| *at > now);
        let old = match later {
            Some(at) if !self.rotation.service.capabilities().set_expiry => {
                self.wait_until(at).await
            }
            _ => self.retire_all(later).await,
        };
        self.done(old)
    }

    async fn wait_until(&mut self, at: SystemTime) -> Old {
        match self.step(Step::Awaiting(millis(at))).await {
            Ok(()) => Old::AwaitingFinish(at),
            Err(error) => Old::Remains(self.unfinished(error)),
        }
    }

    async fn retire_all(&mut self, later: Option<SystemTime>) -> Old {
        if let Err(error) = self.step(Step::Retiring).await {
            return Old::Remains(self.unfinished(error));
        }
        let mut old = match later {
            // A reset has said so to the service.
            Some(at) if self.entry.outline.method == Method::Reset => Old::Expires(at),
            _ => Old::Retired,
        };
        let (mut left, mut failed, mut waits) = (Vec::new(), None, false);
        for made in self.entry.left.clone().unwrap_or_default() {
            match self.end(&made, later).await {
                Ok(End::Gone) => {}
                Ok(End::At(at)) => old = Old::Expires(at),
                Ok(End::Waits) => {
                    waits = true;
                    left.push(made);
                }
                Err(error) => {
                    left.push(made);
                    failed.get_or_insert(error);
                }
            }
        }
        self.entry.left = Some(left);
        if let Some(error) = failed {
            if let Err(error) = self.step(Step::Retiring).await {
                self.warnings.push(error.to_string());
            }
            return Old::Remains(self.unfinished(error));
        }
        match later {
            Some(at) if waits => self.wait_until(at).await,
            _ => {
                self.close().await;
                old
            }
        }
    }

    async fn end(&self, made: &Made, later: Option<SystemTime>) -> Result<End, Error> {
        let Some(at) = later else {
            return self.remove(made).await.map(|()| End::Gone);
        };
        let own_end = self
            .entry
            .outline
            .old_end
            .filter(|_| made.key == *self.key());
        if let Some(end) = own_end.and_then(UnixMillis::to_system_time)
            && end <= at
        {
            return Ok(End::At(end));
        }
        match self
            .rotation
            .service
            .set_expiry(&made.key, crate::Expiry::At(at))
            .await
        {
            Ok(_) => Ok(End::At(at)),
            Err(error) if error.is_not_found() => Ok(End::Gone),
            Err(error) if error.kind() == ServiceErrorKind::Unsupported => Ok(End::Waits),
            Err(error) => Err(Error::service(self.key(), error)),
        }
    }

    /// Deletes a token; one that is gone is deleted already. Where a name can be given to another
    /// token, only if it is still the same.
    pub(super) async fn remove(&self, made: &Made) -> Result<(), Error> {
        let service = &self.rotation.service;
        let result = async {
            if service.capabilities().unique_names
                && service.get(&made.key).await?.revision != made.revision
            {
                return Ok(false);
            }
            service.delete(&made.key).await.map(|()| true)
        };
        match result.await {
            Ok(true) => Ok(()),
            Ok(false) => {
                let changed = Error::new(self.key(), ErrorKind::Changed);
                Err(changed.with_text(made.key.to_string()))
            }
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(Error::service(self.key(), error)),
        }
    }

    /// Drops the entry, unless a lost create can still bring a token about.
    pub(super) async fn close(&mut self) {
        if let Err(error) = self.sweep().await {
            self.warnings.push(error.to_string());
        }
        let closed = if self.entry.lost.is_empty() {
            let (slot, id) = (self.entry.slot(), self.entry.id.clone());
            let removed = self.rotation.journal.remove(&slot, &id).await;
            removed.map_err(|error| Error::journal(self.key(), error))
        } else {
            self.warnings.push(
                "the answer to a create was lost, and its token may still appear: call resume() in a quarter of an hour".to_owned(),
            );
            self.step(Step::Settling).await
        };
        if let Err(error) = closed {
            self.warnings.push(error.to_string());
        }
    }

    pub(super) fn done(self, old: Old) -> Rotated {
        let successor = match (&self.entry.successor, &self.new) {
            (Some(made), _) => made.key.clone(),
            (None, Some((record, _))) => record.key.clone(),
            (None, None) => TokenKey::new(""),
        };
        Rotated {
            key: self.rotation.key.clone(),
            successor,
            record: self.new.map(|(record, _)| record),
            old,
            warnings: self.warnings,
        }
    }
}
