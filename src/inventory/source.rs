//! One account while it is read.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_util::Stream;

use crate::error::{Error, ErrorKind};
use crate::id::Service;
use crate::service::{RecordStream, TokenRecord, TokenService};

/// The bounds of one collection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) concurrency: usize,
    pub(super) max_records: usize,
    pub(super) time: Option<Duration>,
}

impl Limits {
    /// The name of a limit that lets nothing through.
    pub(super) fn zero(&self) -> Option<&'static str> {
        [
            ("concurrency", self.concurrency == 0),
            ("max_records", self.max_records == 0),
            ("time_limit", self.time.is_some_and(|limit| limit.is_zero())),
        ]
        .into_iter()
        .find_map(|(name, zero)| zero.then_some(name))
    }
}

/// What has come of an account.
pub(super) struct Event {
    pub(super) label: Arc<str>,
    pub(super) service: Service,
    /// How many of its tokens are read by now.
    pub(super) records: usize,
    pub(super) what: What,
}

/// The begin comes first, then the tokens, then the end.
#[expect(clippy::large_enum_variant, reason = "taken apart at once")]
pub(super) enum What {
    Begun,
    Record(TokenRecord),
    End(Option<Error>),
}

/// The events of one account; nothing is sent before the second is asked for.
pub(super) struct Source {
    label: Arc<str>,
    service: Service,
    records: usize,
    limits: Limits,
    deadline: Option<BoxFuture<'static, ()>>,
    stream: RecordStream,
    unreadable: Vec<Error>,
    phase: Phase,
}

enum Phase {
    Waiting,
    Reading,
    Over,
}

impl Source {
    pub(super) fn new(label: Arc<str>, service: &dyn TokenService, limits: Limits) -> Self {
        let sleep = |limit| Box::pin(tokio::time::sleep(limit)) as _;
        Self {
            label,
            service: service.service(),
            records: 0,
            limits,
            deadline: limits.time.map(sleep),
            stream: service.list(),
            unreadable: Vec::new(),
            phase: Phase::Waiting,
        }
    }

    fn poll_record(&mut self, cx: &mut Context<'_>) -> Poll<What> {
        if let Some(setting) = self.limits.zero() {
            let reason = format!("the inventory's `{setting}` must not be 0");
            return Poll::Ready(self.failed(ErrorKind::Config, &reason));
        }
        // Asked for before the records, so that a service that always has one ends too.
        if let Some(deadline) = &mut self.deadline
            && deadline.as_mut().poll(cx).is_ready()
        {
            let reason = "reading took longer than the inventory's `time_limit`";
            return Poll::Ready(self.failed(ErrorKind::Timeout, reason));
        }
        loop {
            let next = std::task::ready!(Pin::new(&mut self.stream).poll_next(cx));
            return Poll::Ready(match next {
                Some(Ok(_)) if self.records >= self.limits.max_records => {
                    let most = self.limits.max_records;
                    let reason = format!("more than {most} tokens, the inventory's `max_records`");
                    self.failed(ErrorKind::LimitExceeded, &reason)
                }
                Some(Ok(mut record)) => {
                    self.records += 1;
                    record.account = Some(Arc::clone(&self.label));
                    What::Record(record)
                }
                // The others follow; that it is missing is told at the end.
                Some(Err(error)) if error.kind() == ErrorKind::UnreadableItem => {
                    self.unreadable.push(error);
                    continue;
                }
                Some(Err(error)) => What::End(Some(error)),
                None => What::End(self.odd()),
            });
        }
    }

    /// What to say of the records that could not be read.
    fn odd(&mut self) -> Option<Error> {
        let more = self.unreadable.len().saturating_sub(1);
        let first = self.unreadable.drain(..).next()?;
        Some(match more {
            0 => first,
            more => first.with_reason(format!("and {more} more")),
        })
    }

    fn failed(&self, kind: ErrorKind, reason: &str) -> What {
        What::End(Some(Error::of_kind(self.service, kind).with_reason(reason)))
    }
}

impl Stream for Source {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let what = match self.phase {
            Phase::Waiting => What::Begun,
            Phase::Reading => std::task::ready!(self.poll_record(cx)),
            Phase::Over => return Poll::Ready(None),
        };
        self.phase = match what {
            What::End(_) => Phase::Over,
            _ => Phase::Reading,
        };
        Poll::Ready(Some(Event {
            label: Arc::clone(&self.label),
            service: self.service,
            records: self.records,
            what,
        }))
    }
}
