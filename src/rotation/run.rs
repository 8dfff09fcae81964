//! The engine: one step after another, each written down before it is taken.

use super::builder::Rotation;
use super::draw::next_name;
use super::entry::{Attempt, Entry, Made, Step, millis};
use super::error::{Error, ErrorKind, State};
use super::outcome::Rotated;
use super::plan::{Method, Own};
use crate::marker::Marker;
use crate::secret::Secret;
use crate::service::{Overrides, OwnCredential, TokenKey, TokenRecord, TokenServiceExt as _};

/// One go at a rotation, in one process.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) rotation: &'a Rotation,
    pub(super) entry: Entry,
    /// Whether nothing of this rotation happened before this go.
    pub(super) fresh: bool,
    /// The successor with its secret, while it is known.
    pub(super) new: Option<(TokenRecord, Secret)>,
    /// Whether the service was seen to accept that secret.
    pub(super) accepted: bool,
    /// The sinks that may hold that secret since this go, in the order of the deliveries.
    pub(super) touched: Vec<usize>,
    /// Whether a sink may hold that secret since an earlier go.
    pub(super) exposed: bool,
    pub(super) warnings: Vec<String>,
}

impl<'a> Run<'a> {
    pub(super) fn new(rotation: &'a Rotation, entry: Entry, fresh: bool) -> Self {
        Self {
            rotation,
            entry,
            fresh,
            new: None,
            accepted: false,
            touched: Vec::new(),
            exposed: false,
            warnings: Vec::new(),
        }
    }

    pub(super) fn key(&self) -> &TokenKey {
        &self.rotation.key
    }

    /// Writes down what comes next.
    pub(super) async fn step(&mut self, step: Step) -> Result<(), Error> {
        let mut next = self.entry.clone();
        next.step = step;
        next.generation = next.generation.saturating_add(1);
        next.updated = millis(self.rotation.service.now());
        let written = self.rotation.journal.write(&next).await;
        written.map_err(|error| Error::journal(self.key(), error))?;
        self.entry = next;
        Ok(())
    }

    /// Goes on until the old token is retired, or as far as that goes now.
    pub(super) async fn forward(mut self) -> Result<Rotated, Error> {
        loop {
            match self.entry.step {
                Step::Started => self.start().await?,
                Step::Replacing => {
                    self.replace().await?;
                    self.make().await?;
                }
                Step::Resetting => self.reset().await?,
                Step::Creating => {
                    self.lose_attempt();
                    if let Err(error) = self.sweep().await {
                        return Err(self.fail(error).await);
                    }
                    self.make().await?;
                }
                Step::Created | Step::Delivering(_) | Step::Delivered => {
                    if self.new.is_none() {
                        self.recover().await?;
                    } else {
                        self.deliver().await?;
                    }
                }
                Step::Verified
                | Step::Retiring
                | Step::Awaiting(_)
                | Step::Removing
                | Step::Settling => return Ok(self.retire().await),
            }
        }
    }

    /// Sees that the token is the one that the plan is for, and takes its properties.
    async fn start(&mut self) -> Result<(), Error> {
        let service = &self.rotation.service;
        let record = match service.get(self.key()).await {
            Ok(record) => record,
            Err(error) if error.is_not_found() => {
                let gone = Error::new(self.key(), ErrorKind::Stale).with_text("it is gone");
                return Err(self.fail(gone).await);
            }
            Err(error) => return Err(self.fail(Error::service(self.key(), error)).await),
        };
        if record.revision != self.entry.outline.revision {
            let stale = Error::new(self.key(), ErrorKind::Stale);
            return Err(self.fail(stale).await);
        }
        // The plan may have been made by a client with another credential.
        self.entry.outline.own = match service
            .is_own_credential(&record)
            .await
            .unwrap_or(OwnCredential::Unknown)
        {
            OwnCredential::Yes if !self.rotation.allow_own => {
                let own = Error::new(self.key(), ErrorKind::OwnCredential);
                return Err(self.fail(own).await);
            }
            OwnCredential::Yes => Own::Yes,
            OwnCredential::No => Own::No,
            OwnCredential::Unknown => Own::Unknown,
        };
        if self.entry.outline.method == Method::Reset {
            return self.reset().await;
        }
        match service.template(self.key()).await {
            Ok(template) => self.entry.template = Some(template),
            Err(error) => return Err(self.fail(Error::service(self.key(), error)).await),
        }
        if self.entry.outline.method == Method::InPlace {
            let written = self.step(Step::Replacing).await;
            return self.or_fail(written).await;
        }
        self.make().await
    }

    /// In place: deletes the old token.
    async fn replace(&mut self) -> Result<(), Error> {
        let old = self.old();
        match self.remove(&old).await {
            Ok(()) => Ok(()),
            Err(error) => {
                let untouched = error
                    .service_error()
                    .is_none_or(|error| !error.may_have_been_sent());
                if self.fresh && untouched {
                    self.entry.step = Step::Started;
                    return Err(self.fail(error).await);
                }
                Err(self.stay(error))
            }
        }
    }

    /// Gives the token a new secret; also once more, after a secret that was lost.
    pub(super) async fn reset(&mut self) -> Result<(), Error> {
        let written = self.step(Step::Resetting).await;
        self.or_fail(written).await?;
        let service = &self.rotation.service;
        let grace = self.entry.outline.grace;
        match service.reset(self.key(), grace).await {
            Ok(new) => {
                let (record, secret) = new.into_parts();
                if self.entry.outline.own == Own::Yes {
                    // The credential in use ends with its grace, or has ended.
                    self.switch(&secret);
                }
                self.entry.retire_at = grace
                    .and_then(|grace| service.now().checked_add(grace))
                    .map(millis);
                self.made(record, secret).await
            }
            Err(error) => {
                if self.fresh && !error.may_have_been_sent() {
                    self.entry.step = Step::Started;
                }
                Err(self.fail(Error::service(self.key(), error)).await)
            }
        }
    }

    /// Makes the successor.
    pub(super) async fn make(&mut self) -> Result<(), Error> {
        let service = &self.rotation.service;
        let outline = &self.entry.outline;
        let (in_place, can) = (outline.method == Method::InPlace, service.capabilities());
        let name = match &outline.method {
            // An earlier successor that a sink may hold has the name.
            Method::NewName(name) if can.unique_names => Some(self.free_name(name)),
            Method::NewName(name) => Some(name.clone()),
            Method::InPlace => Some(outline.key.as_str().to_owned()),
            Method::NewToken | Method::Reset => outline.name.clone(),
        };
        let marker = can.marks_successors.then(Marker::random);
        let mut before = Vec::new();
        if marker.is_none() && !in_place {
            let all = match service.list_all().await {
                Ok(all) => all,
                Err(error) => return Err(self.fail(Error::service(self.key(), error)).await),
            };
            before.extend(
                all.iter()
                    .filter(|record| has_name(record, name.as_deref()))
                    .map(|record| record.key.clone()),
            );
            if can.unique_names && !before.is_empty() {
                let taken = Error::new(self.key(), ErrorKind::NameTaken);
                return Err(self.fail(taken).await);
            }
        }
        let mut successor = Overrides::new();
        if let (Method::NewName(_), Some(name)) = (&outline.method, &name) {
            successor = successor.name(name);
        }
        if let Some(marker) = &marker {
            successor = successor.marker(marker.clone());
        }
        if let Some(expiry) = outline.lifetime.expiry() {
            successor = successor.expires(expiry);
        }
        let Some(template) = self.entry.template.clone() else {
            let lost = Error::new(self.key(), ErrorKind::Journal);
            return Err(self.stay(lost.with_text("the entry holds no template")));
        };
        self.entry.attempt = Some(Attempt {
            at: millis(service.now()),
            marker,
            name,
            before,
        });
        if let Err(error) = self.step(Step::Creating).await {
            self.entry.attempt = None;
            return Err(self.fail(error).await);
        }
        match service.create(&template, successor).await {
            Ok(new) => {
                let (record, secret) = new.into_parts();
                self.entry.attempt = None;
                self.made(record, secret).await
            }
            Err(error) => {
                if error.may_have_been_sent() {
                    self.lose_attempt();
                    // If this fails, the journal still knows what to look for.
                    let _ = self.sweep().await;
                } else {
                    self.entry.attempt = None;
                }
                Err(self.fail(Error::service(self.key(), error)).await)
            }
        }
    }

    /// Takes in a new token.
    async fn made(&mut self, record: TokenRecord, secret: Secret) -> Result<(), Error> {
        self.entry.successor = Some(Made {
            key: record.key.clone(),
            revision: record.revision.clone(),
        });
        self.new = Some((record, secret));
        (self.accepted, self.exposed) = (false, false);
        self.touched.clear();
        match self.step(Step::Created).await {
            Ok(()) => Ok(()),
            // The journal still says that it is about to be made, which is enough to find it.
            Err(error) => Err(self.stay(error)),
        }
    }

    fn free_name(&self, name: &str) -> String {
        let known: Vec<TokenKey> = self
            .entry
            .interim
            .iter()
            .map(|made| made.key.clone())
            .collect();
        if known.iter().any(|key| key.as_str() == name) {
            next_name(name, &known)
        } else {
            name.to_owned()
        }
    }

    /// The old token.
    pub(super) fn old(&self) -> Made {
        Made {
            key: self.entry.outline.key.clone(),
            revision: self.entry.outline.revision.clone(),
        }
    }

    /// The client goes on with the new secret.
    pub(super) fn switch(&mut self, secret: &Secret) {
        if let Err(error) = self.rotation.service.use_credential(secret.clone()) {
            self.warnings
                .push(format!("the client still uses the old credential: {error}"));
        }
    }

    async fn or_fail(&mut self, result: Result<(), Error>) -> Result<(), Error> {
        match result {
            Ok(()) => Ok(()),
            Err(error) => Err(self.fail(error).await),
        }
    }

    /// Leaves everything as it is, for `resume`.
    pub(super) fn stay(&self, error: Error) -> Error {
        let successor = self.entry.successor.as_ref().map(|made| made.key.clone());
        let begun = !matches!(self.entry.step, Step::Started | Step::Delivered);
        let state = if begun && self.entry.outline.has_gap() {
            State::Gap
        } else {
            State::Unfinished
        };
        error.in_state(state, successor)
    }
}

/// Whether a token goes by this name.
pub(super) fn has_name(record: &TokenRecord, name: Option<&str>) -> bool {
    record.name.as_deref() == name || name == Some(record.key.as_str())
}
