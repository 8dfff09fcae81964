//! Many accounts at a time, as one stream.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::Limits;
use super::progress::{Observer, Phase, Progress};
use super::report::Account;
use super::source::Source;
use crate::error::Result;
use crate::service::{TokenRecord, TokenService};

/// How often the callback hears of an account.
const TELL_EVERY: usize = 1_000;

/// How many records of an account in a row before others, and other tasks, get their turn.
const TURN: usize = 64;

/// The tokens of all accounts; see [`Inventory::stream`](super::Inventory::stream).
#[must_use = "nothing is sent until the stream is polled"]
pub struct InventoryStream {
    waiting: VecDeque<(Arc<str>, Arc<dyn TokenService>)>,
    /// The first one has its turn.
    active: VecDeque<Source>,
    turn: usize,
    accounts: usize,
    ended: usize,
    limits: Limits,
    observer: Observer,
}

/// What happens next.
#[expect(clippy::large_enum_variant, reason = "taken apart at once")]
pub(super) enum Event {
    Record(Arc<str>, TokenRecord),
    End(Account),
}

impl InventoryStream {
    pub(super) fn new(
        accounts: Vec<(Arc<str>, Arc<dyn TokenService>)>,
        limits: Limits,
        observer: Observer,
    ) -> Self {
        Self {
            accounts: accounts.len(),
            waiting: accounts.into(),
            active: VecDeque::new(),
            turn: 0,
            ended: 0,
            limits,
            observer,
        }
    }

    /// The next token, or the error with which its account ended; `None` once all have ended.
    pub async fn next(&mut self) -> Option<(Arc<str>, Result<TokenRecord>)> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    pub(super) async fn next_event(&mut self) -> Option<Event> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        if self.turn == TURN {
            self.next_turn();
            // Services that always have a record ready would keep the thread to themselves.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.fill();
        for _ in 0..self.active.len() {
            let Some(source) = self.active.front_mut() else {
                break;
            };
            match source.poll_next(cx) {
                Poll::Pending => self.next_turn(),
                Poll::Ready(Some(Ok(record))) => {
                    let label = Arc::clone(&source.label);
                    if source.records.is_multiple_of(TELL_EVERY) {
                        self.tell_first(Phase::Reading);
                    }
                    self.turn += 1;
                    return Poll::Ready(Some(Event::Record(label, record)));
                }
                Poll::Ready(end) => {
                    self.ended += 1;
                    self.turn = 0;
                    let error = end.and_then(Result::err);
                    self.tell_first(if error.is_some() {
                        Phase::Failed
                    } else {
                        Phase::Read
                    });
                    let source = self.active.pop_front();
                    return Poll::Ready(
                        source.map(|source| Event::End(source.into_account(error))),
                    );
                }
            }
        }
        if self.active.is_empty() {
            Poll::Ready(None)
        } else {
            Poll::Pending
        }
    }

    fn next_turn(&mut self) {
        self.turn = 0;
        if let Some(first) = self.active.pop_front() {
            self.active.push_back(first);
        }
    }

    /// Begins as many accounts as there is room for.
    fn fill(&mut self) {
        while self.active.len() < self.limits.concurrency
            && let Some((label, service)) = self.waiting.pop_front()
        {
            let source = Source::new(label, &*service, self.limits);
            self.observer
                .tell(&progress(&source, Phase::Begun, self.ended, self.accounts));
            self.active.push_back(source);
        }
    }

    fn tell_first(&mut self, phase: Phase) {
        if let Some(source) = self.active.front() {
            let progress = progress(source, phase, self.ended, self.accounts);
            self.observer.tell(&progress);
        }
    }
}

fn progress(source: &Source, phase: Phase, accounts_ended: usize, accounts: usize) -> Progress<'_> {
    Progress {
        label: &source.label,
        service: source.service,
        phase,
        records: source.records,
        accounts_ended,
        accounts,
    }
}

impl Stream for InventoryStream {
    type Item = (Arc<str>, Result<TokenRecord>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            return match std::task::ready!(self.poll_event(cx)) {
                Some(Event::Record(label, record)) => Poll::Ready(Some((label, Ok(record)))),
                Some(Event::End(account)) => match account.error {
                    Some(error) => Poll::Ready(Some((account.label.into(), Err(error)))),
                    None => continue,
                },
                None => Poll::Ready(None),
            };
        }
    }
}

impl fmt::Debug for InventoryStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InventoryStream")
            .field("active", &self.active)
            .field("ended", &self.ended)
            .field("accounts", &self.accounts)
            .finish_non_exhaustive()
    }
}
