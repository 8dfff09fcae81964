//! Changes that are yet to be made.

use std::future::IntoFuture;
use std::sync::Arc;

use futures_core::future::BoxFuture;

use super::calls;
use super::models::{Rotated, Updated};
use super::requests::Changes;
use crate::error::Result;
use crate::time::Expiry;
use crate::transport::{Core, Request};

/// What to change in a token; see [`Client::update`](super::Client::update).
#[derive(Clone, Debug)]
#[must_use = "nothing is sent until the update is awaited"]
pub struct Update {
    pub(super) core: Arc<Core>,
    pub(super) name: String,
    pub(super) changes: Changes,
}

impl Update {
    /// Switches it on or off.
    pub fn active(mut self, active: bool) -> Self {
        self.changes.active = Some(active);
        self
    }

    /// Whether it may write.
    pub fn write(mut self, write: bool) -> Self {
        self.changes.write = Some(write);
        self
    }

    /// When it shall stop working, to the second. [`Expiry::Never`] is refused: the server has no
    /// dependable way to make an existing token last for ever.
    pub fn expires(mut self, expiry: impl Into<Expiry>) -> Self {
        self.changes.expiry = Some(expiry.into());
        self
    }

    /// The request, to set the limits of this one call.
    pub fn request(self) -> Request<Updated> {
        let Self {
            core,
            name,
            changes,
        } = self;
        Request::new(&core, async move |session| {
            calls::update(&session, name, changes).await
        })
    }
}

impl IntoFuture for Update {
    type Output = Result<Updated>;
    type IntoFuture = BoxFuture<'static, Result<Updated>>;

    fn into_future(self) -> Self::IntoFuture {
        self.request().into_future()
    }
}

/// A rotation that is yet to be made; see [`Client::rotate_to`](super::Client::rotate_to) and [`Client::rotate_in_place`](super::Client::rotate_in_place).
#[derive(Clone, Debug)]
#[must_use = "nothing is sent until the rotation is awaited"]
pub struct Rotate {
    pub(super) core: Arc<Core>,
    pub(super) name: String,
    /// `None` for the same name.
    pub(super) to: Option<String>,
    pub(super) changes: Changes,
}

impl Rotate {
    /// Whether the new token may be used; by default like the old one.
    pub fn active(mut self, active: bool) -> Self {
        self.changes.active = Some(active);
        self
    }

    /// Whether the new token may write; by default like the old one.
    pub fn write(mut self, write: bool) -> Self {
        self.changes.write = Some(write);
        self
    }

    /// When the new token shall stop working; by default when the old one does.
    pub fn expires(mut self, expiry: impl Into<Expiry>) -> Self {
        self.changes.expiry = Some(expiry.into());
        self
    }

    /// The request, to set the limits of this one call.
    pub fn request(self) -> Request<Rotated> {
        let Self {
            core,
            name,
            to,
            changes,
        } = self;
        Request::new(&core, async move |session| {
            calls::rotate(&session, name, to, changes).await
        })
    }
}

impl IntoFuture for Rotate {
    type Output = Result<Rotated>;
    type IntoFuture = BoxFuture<'static, Result<Rotated>>;

    fn into_future(self) -> Self::IntoFuture {
        self.request().into_future()
    }
}
