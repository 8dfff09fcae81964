//! Sinks that hand everything to the one inside of them.

use std::sync::Arc;

use futures_core::future::BoxFuture;

use super::contract::{Delivery, Observed, SinkKind, SinkVersion, Written};
use super::dotenv::DotenvSink;
use super::error::SinkError;
use super::file::FileSink;
use super::interface::Sink;
use crate::marker::Marker;

/// Makes a sink of what has one inside.
macro_rules! sink_through {
    ([$($generics:tt)*] $sink:ty, $this:ident => $inner:expr) => {
        impl<$($generics)*> Sink for $sink {
            fn id(&$this) -> String {
                $inner.id()
            }

            fn kind(&$this) -> SinkKind {
                $inner.kind()
            }

            fn check(&$this) -> BoxFuture<'_, Result<(), SinkError>> {
                $inner.check()
            }

            fn observe(&$this) -> BoxFuture<'_, Result<Observed, SinkError>> {
                $inner.observe()
            }

            fn deliver<'a>(
                &'a $this,
                delivery: &'a Delivery<'a>,
            ) -> BoxFuture<'a, Result<Written, SinkError>> {
                $inner.deliver(delivery)
            }

            fn restore<'a>(
                &'a $this,
                attempt: &'a Marker,
                seen: &'a SinkVersion,
            ) -> BoxFuture<'a, Result<Written, SinkError>> {
                $inner.restore(attempt, seen)
            }

            fn rewrite<'a>(
                &'a $this,
                seen: &'a SinkVersion,
            ) -> BoxFuture<'a, Result<Written, SinkError>> {
                $inner.rewrite(seen)
            }
        }
    };
}

sink_through!([T: Sink + ?Sized] &T, self => (**self));
sink_through!([T: Sink + ?Sized] Box<T>, self => (**self));
sink_through!([T: Sink + ?Sized] Arc<T>, self => (**self));
sink_through!([] FileSink, self => self.0);
sink_through!([] DotenvSink, self => self.0);
