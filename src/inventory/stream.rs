//! Many accounts at a time, as one stream.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::stream::{SelectAll, Stream, StreamExt};

use super::limits::{Account, Limits};
use super::progress::Observer;
use super::source::{Event, Source, What};
use crate::error::Result;
use crate::service::TokenRecord;

/// How many events in a row before other tasks get their turn.
const TURN: usize = 64;

/// Stream of the tokens of all accounts; see [`Inventory::stream`](super::Inventory::stream).
#[must_use = "nothing is sent until the stream is polled"]
pub struct InventoryStream {
    waiting: std::vec::IntoIter<Account>,
    active: SelectAll<Source>,
    in_a_row: usize,
    limits: Limits,
    observer: Observer,
}

impl InventoryStream {
    pub(super) fn new(accounts: Vec<Account>, limits: Limits, observer: Observer) -> Self {
        Self {
            observer: observer.of(accounts.len()),
            waiting: accounts.into_iter(),
            active: SelectAll::new(),
            in_a_row: 0,
            limits,
        }
    }

    /// The next token, or an error: of the kind
    /// [`ErrorKind::UnreadableItem`](crate::ErrorKind::UnreadableItem) about one token of its
    /// account, after which others follow, or of any other with which the account ended. `None`
    /// once all have ended.
    pub async fn next(&mut self) -> Option<(Arc<str>, Result<TokenRecord>)> {
        StreamExt::next(self).await
    }

    pub(super) fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        if self.in_a_row == TURN {
            // Services that always have a record ready would keep the thread to themselves.
            self.in_a_row = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let event = loop {
            while self.has_room()
                && let Some(account) = self.waiting.next()
            {
                self.active.push(Source::new(account, self.limits));
            }
            match self.active.poll_next_unpin(cx) {
                Poll::Ready(Some(event)) => break event,
                // One that is over has made room.
                _ if self.has_room() && self.waiting.len() > 0 => {}
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => {
                    self.in_a_row = 0;
                    return Poll::Pending;
                }
            }
        };
        self.in_a_row += 1;
        self.observer.hear(&event);
        Poll::Ready(Some(event))
    }

    fn has_room(&self) -> bool {
        self.active.len() < self.limits.concurrency.max(1)
    }
}

impl Stream for InventoryStream {
    type Item = (Arc<str>, Result<TokenRecord>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        while let Some(event) = ready!(self.poll_event(cx)) {
            let item = match event.what {
                What::Record(record) => Ok(record),
                What::Unreadable(error) | What::End(Some(error)) => Err(error),
                What::Begun | What::End(None) => continue,
            };
            return Poll::Ready(Some((event.label, item)));
        }
        Poll::Ready(None)
    }
}

impl fmt::Debug for InventoryStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InventoryStream")
            .field("waiting", &self.waiting.len())
            .field("active", &self.active.len())
            .finish_non_exhaustive()
    }
}
