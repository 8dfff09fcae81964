//! A place and its slot as a sink.

use std::fmt;
use std::sync::OnceLock;

use futures_core::future::BoxFuture;

use super::change::Change;
use super::{Place, Slot};
use crate::marker::Marker;
use crate::rotation::sink::blocking::blocking;
use crate::rotation::sink::{Delivery, Observed, Sink, SinkError, SinkKind, SinkVersion, Written};

/// What the sinks for files have in common.
#[derive(Debug)]
pub(in super::super) struct Stored<S> {
    pub(in super::super) place: Place,
    pub(in super::super) slot: S,
    /// Whether there can be a sidecar, once that has been found out.
    sidecar: OnceLock<bool>,
}

impl<S: Slot + Clone + fmt::Debug + Send + Sync + 'static> Stored<S> {
    pub(in super::super) fn new(place: Place, slot: S) -> Self {
        Self {
            place,
            slot,
            sidecar: OnceLock::new(),
        }
    }

    fn change(
        &self,
        change: Change,
        seen: Option<&SinkVersion>,
    ) -> BoxFuture<'_, Result<Written, SinkError>> {
        let (place, slot) = (self.place.clone(), self.slot.clone());
        let (kind, seen) = (self.kind(), seen.cloned());
        Box::pin(blocking(move || match (kind, change) {
            (SinkKind::Blind, Change::Deliver { secret, .. }) => {
                place.overwrite_unlabelled(&slot, &secret)
            }
            (SinkKind::Blind, _) => Err(SinkError::unsupported("nothing is kept beside the file")),
            (_, change) => place.change(&slot, &change, seen.as_ref()),
        }))
    }
}

impl<S: Slot + Clone + fmt::Debug + Send + Sync + 'static> Sink for Stored<S> {
    fn id(&self) -> String {
        self.slot.id(&self.place.id())
    }

    fn kind(&self) -> SinkKind {
        if *self.sidecar.get_or_init(|| self.place.can_have_sidecar()) {
            SinkKind::Restorable
        } else {
            SinkKind::Blind
        }
    }

    fn check(&self) -> BoxFuture<'_, Result<(), SinkError>> {
        let (place, slot) = (self.place.clone(), self.slot.clone());
        let with_sidecar = self.kind() != SinkKind::Blind;
        Box::pin(blocking(move || place.check(&slot, with_sidecar)))
    }

    fn observe(&self) -> BoxFuture<'_, Result<Observed, SinkError>> {
        let (place, slot, kind) = (self.place.clone(), self.slot.clone(), self.kind());
        Box::pin(blocking(move || match kind {
            SinkKind::Blind => place.observe_unlabelled(&slot),
            _ => place.observe(&slot),
        }))
    }

    fn deliver<'a>(
        &'a self,
        delivery: &'a Delivery<'a>,
    ) -> BoxFuture<'a, Result<Written, SinkError>> {
        self.change(Change::of(delivery), delivery.seen())
    }

    fn restore<'a>(
        &'a self,
        attempt: &'a Marker,
        seen: &'a SinkVersion,
    ) -> BoxFuture<'a, Result<Written, SinkError>> {
        self.change(Change::Restore(attempt.clone()), Some(seen))
    }

    fn rewrite<'a>(&'a self, seen: &'a SinkVersion) -> BoxFuture<'a, Result<Written, SinkError>> {
        self.change(Change::Rewrite, Some(seen))
    }
}

/// How the file of a sink is written: setters of a tuple around a [`Stored`].
macro_rules! file_setters {
    ($sink:ident) => {
        impl $sink {
            /// Sets the mode, such as 0640 for a group that reads the file, whether or not it is new.
            #[must_use]
            pub fn mode(mut self, mode: u32) -> Self {
                self.0.place.mode = Some(mode & 0o777);
                self
            }

            /// Sets the group, by name or number, whether or not the file is new.
            #[must_use]
            pub fn group(mut self, group: impl Into<String>) -> Self {
                self.0.place.group = Some(group.into());
                self
            }

            /// Writes over what is in the file instead of replacing it: for a single file that is
            /// mounted, as into a container. A reader can see half of the change for a moment.
            ///
            /// If nothing can be put beside the file, the sink is
            /// [blind](crate::rotation::sink::SinkKind::Blind), unless [`sidecar`](Self::sidecar)
            /// names another place.
            #[must_use]
            pub fn in_place(mut self) -> Self {
                self.0.place.over = true;
                self
            }

            /// Keeps the sidecar in this file, for a directory where nothing can be put beside the
            /// secret. Every sink for the same file must name the same.
            #[must_use]
            pub fn sidecar(mut self, path: impl Into<std::path::PathBuf>) -> Self {
                self.0.place.sidecar = Some(path.into());
                self
            }
        }
    };
}
pub(in super::super) use file_setters;
