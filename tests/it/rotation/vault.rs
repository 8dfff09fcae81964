//! A sink in memory of whichever kind, that fails when told to.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use access_tokens::rotation::sink::{
    Delivery, Holds, Observed, Sink, SinkError, SinkKind, SinkVersion, Written,
};
use access_tokens::{BoxFuture, Marker, Secret};
use tokio::task::yield_now;

/// What becomes of the next write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It is refused, for certain.
    Refused,
    /// It arrives, and nobody says so.
    Unanswered,
    /// Nobody says so, and it arrives when [`Vault::land`] is called.
    Late,
    /// It never ends.
    Hangs,
    /// It arrives, perhaps not for good.
    NotSynced,
    /// It is refused, and the error says what was to be kept secret.
    SaysTheSecret,
}

#[derive(Debug, Default)]
struct Inside {
    version: u64,
    holds: Option<(Option<Marker>, Option<Secret>)>,
    earlier: BTreeMap<Marker, Option<Secret>>,
    troubles: VecDeque<Trouble>,
    late: Vec<(Marker, Secret, Option<SinkVersion>)>,
    check_fails: bool,
    observe_fails: bool,
    writes: Vec<&'static str>,
    seen: Vec<Secret>,
}

/// A sink in memory.
#[derive(Clone, Debug)]
pub(crate) struct Vault {
    name: String,
    kind: SinkKind,
    inside: Arc<Mutex<Inside>>,
}

impl Vault {
    pub(crate) fn new(name: impl Into<String>, kind: SinkKind) -> Self {
        Self {
            name: name.into(),
            kind,
            inside: Arc::default(),
        }
    }

    /// One that holds the user's own first secret.
    pub(crate) fn holding(name: impl Into<String>, kind: SinkKind, secret: &Secret) -> Self {
        let this = Self::new(name, kind);
        this.overwrite(secret);
        this
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap()
    }

    /// Somebody else writes.
    pub(crate) fn overwrite(&self, secret: &Secret) {
        let mut inside = self.inside();
        inside.version += 1;
        inside.holds = Some((None, Some(secret.clone())));
    }

    /// Everything in it is lost.
    pub(crate) fn wipe(&self) {
        let mut inside = self.inside();
        inside.version += 1;
        inside.holds = None;
        inside.earlier.clear();
    }

    pub(crate) fn trouble(&self, trouble: Trouble, times: usize) {
        self.inside()
            .troubles
            .extend(std::iter::repeat_n(trouble, times));
    }

    pub(crate) fn clear_troubles(&self) {
        self.inside().troubles.clear();
    }

    pub(crate) fn fail_check(&self, on: bool) {
        self.inside().check_fails = on;
    }

    pub(crate) fn fail_observe(&self, on: bool) {
        self.inside().observe_fails = on;
    }

    /// Late writes arrive now.
    pub(crate) fn land(&self) {
        let late = std::mem::take(&mut self.inside().late);
        for (mark, secret, seen) in late {
            let _ = self.write(&mark, Some(secret), seen.as_ref(), None);
        }
    }

    /// The secret that consumers find here.
    pub(crate) fn secret(&self) -> Option<Secret> {
        self.inside().holds.clone().and_then(|(_, secret)| secret)
    }

    pub(crate) fn writes(&self) -> Vec<&'static str> {
        self.inside().writes.clone()
    }

    /// All secrets that were ever delivered.
    pub(crate) fn seen(&self) -> Vec<Secret> {
        self.inside().seen.clone()
    }

    fn write(
        &self,
        mark: &Marker,
        secret: Option<Secret>,
        seen: Option<&SinkVersion>,
        replaces: Option<&Marker>,
    ) -> Result<Written, SinkError> {
        let mut inside = self.inside();
        let version = SinkVersion::new(inside.version.to_string());
        if self.kind.is_fenced() && seen != Some(&version) {
            return Err(SinkError::conflict("it has moved on"));
        }
        if let Some((label, held)) = inside.holds.clone() {
            if let Some(label) = label.or_else(|| replaces.cloned()) {
                inside.earlier.insert(label, held);
            }
        } else if let Some(replaces) = replaces {
            inside.earlier.entry(replaces.clone()).or_insert(None);
        }
        inside.version += 1;
        inside.holds = secret.map(|secret| (Some(mark.clone()), Some(secret)));
        Ok(self.written(&inside))
    }

    fn written(&self, inside: &Inside) -> Written {
        if self.kind.is_fenced() {
            Written::new(SinkVersion::new(inside.version.to_string()))
        } else {
            Written::unversioned()
        }
    }

    fn next(&self, what: &'static str) -> Option<Trouble> {
        let mut inside = self.inside();
        inside.writes.push(what);
        inside.troubles.pop_front()
    }
}

impl Sink for Vault {
    fn id(&self) -> String {
        format!("vault {}", self.name)
    }

    fn kind(&self) -> SinkKind {
        self.kind
    }

    fn check(&self) -> BoxFuture<'_, Result<(), SinkError>> {
        Box::pin(async {
            if self.inside().check_fails {
                return Err(SinkError::not_stored("sealed"));
            }
            Ok(())
        })
    }

    fn observe(&self) -> BoxFuture<'_, Result<Observed, SinkError>> {
        Box::pin(async {
            let inside = self.inside();
            if inside.observe_fails {
                return Err(SinkError::from("no answer"));
            }
            let holds = match (&inside.holds, self.kind) {
                (_, SinkKind::Blind) => Holds::Unknown,
                (None, _) => Holds::Nothing,
                (Some((Some(mark), _)), _) => Holds::Attempt(mark.clone()),
                (Some((None, _)), _) => Holds::Other,
            };
            if self.kind.is_fenced() {
                let version = SinkVersion::new(inside.version.to_string());
                return Ok(Observed::new(version, holds));
            }
            Ok(Observed::unversioned(holds))
        })
    }

    fn deliver<'a>(
        &'a self,
        delivery: &'a Delivery<'a>,
    ) -> BoxFuture<'a, Result<Written, SinkError>> {
        Box::pin(async move {
            self.inside().seen.push(delivery.secret().clone());
            // Whoever waits can be killed, before the write or before it hears of it.
            yield_now().await;
            let write = || {
                let secret = Some(delivery.secret().clone());
                self.write(
                    delivery.attempt(),
                    secret,
                    delivery.seen(),
                    Some(delivery.replaces()),
                )
            };
            match self.next("deliver") {
                None => {
                    let written = write();
                    yield_now().await;
                    written
                }
                Some(Trouble::Refused) => Err(SinkError::not_stored("no room")),
                Some(Trouble::Unanswered) => {
                    let _ = write();
                    Err(SinkError::unknown("no answer"))
                }
                Some(Trouble::Late) => {
                    let late = (
                        delivery.attempt().clone(),
                        delivery.secret().clone(),
                        delivery.seen().cloned(),
                    );
                    self.inside().late.push(late);
                    Err(SinkError::unknown("no answer"))
                }
                Some(Trouble::Hangs) => std::future::pending().await,
                Some(Trouble::NotSynced) => {
                    let text = "the directory could not be synced";
                    write().map(|written| written.with_warning(text))
                }
                Some(Trouble::SaysTheSecret) => {
                    let text = format!("cannot keep {}", delivery.secret().expose_secret());
                    Err(SinkError::not_stored(text))
                }
            }
        })
    }

    fn restore<'a>(
        &'a self,
        attempt: &'a Marker,
        seen: &'a SinkVersion,
    ) -> BoxFuture<'a, Result<Written, SinkError>> {
        Box::pin(async move {
            if self.kind != SinkKind::Restorable {
                return Err(SinkError::unsupported("it keeps nothing"));
            }
            let trouble = self.next("restore");
            if trouble == Some(Trouble::Refused) {
                return Err(SinkError::not_stored("no room"));
            }
            let secret = self.inside().earlier.get(attempt).cloned();
            let Some(secret) = secret else {
                return Err(SinkError::not_stored("it does not hold that any more"));
            };
            let written = self.write(attempt, secret, Some(seen), None);
            yield_now().await;
            if trouble.is_some() {
                return Err(SinkError::unknown("no answer"));
            }
            written
        })
    }

    fn rewrite<'a>(&'a self, seen: &'a SinkVersion) -> BoxFuture<'a, Result<Written, SinkError>> {
        Box::pin(async move {
            if !self.kind.is_fenced() {
                return Err(SinkError::unsupported("it has no versions"));
            }
            let trouble = self.next("rewrite");
            if trouble == Some(Trouble::Refused) {
                return Err(SinkError::not_stored("no room"));
            }
            let mut inside = self.inside();
            if *seen != SinkVersion::new(inside.version.to_string()) {
                return Err(SinkError::conflict("it has moved on"));
            }
            inside.version += 1;
            if trouble.is_some() {
                return Err(SinkError::unknown("no answer"));
            }
            Ok(self.written(&inside))
        })
    }
}
