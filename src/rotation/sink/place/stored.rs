//! A place and its slot as a sink.

use std::sync::OnceLock;

use futures_core::future::BoxFuture;

use super::{Change, Place, Slot};
use crate::rotation::sink::blocking::blocking;
use crate::rotation::sink::{Delivery, Observed, SinkError, SinkKind, SinkVersion, Written};

/// What the sinks for files have in common.
#[derive(Debug)]
pub(in super::super) struct Stored<S> {
    pub(in super::super) place: Place,
    pub(in super::super) slot: S,
    /// Whether there can be a sidecar, once that has been found out.
    sidecar: OnceLock<bool>,
}

impl<S: Slot + Clone + Send + 'static> Stored<S> {
    pub(in super::super) fn new(place: Place, slot: S) -> Self {
        Self {
            place,
            slot,
            sidecar: OnceLock::new(),
        }
    }

    pub(in super::super) fn kind(&self) -> SinkKind {
        if *self.sidecar.get_or_init(|| self.place.can_have_sidecar()) {
            SinkKind::Restorable
        } else {
            SinkKind::Blind
        }
    }

    pub(in super::super) fn check(&self) -> BoxFuture<'_, Result<(), SinkError>> {
        let (place, slot) = (self.place.clone(), self.slot.clone());
        let with_sidecar = self.kind() != SinkKind::Blind;
        Box::pin(blocking(move || place.check(&slot, with_sidecar)))
    }

    pub(in super::super) fn observe(&self) -> BoxFuture<'_, Result<Observed, SinkError>> {
        let (place, slot, kind) = (self.place.clone(), self.slot.clone(), self.kind());
        Box::pin(blocking(move || match kind {
            SinkKind::Blind => place.observe_unlabelled(&slot),
            _ => place.observe(&slot),
        }))
    }

    pub(in super::super) fn deliver<'a>(
        &'a self,
        delivery: &'a Delivery<'a>,
    ) -> BoxFuture<'a, Result<Written, SinkError>> {
        self.change(Change::of(delivery), delivery.seen())
    }

    pub(in super::super) fn change(
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
