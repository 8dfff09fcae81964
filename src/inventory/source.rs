//! One account while it is read.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::future::BoxFuture;
use futures_util::Stream;

use super::limits::{Account, Limits};
use crate::error::{Error, ErrorKind};
use crate::id::Service;
use crate::service::{RecordStream, TokenRecord};

/// What has come of an account.
pub(super) struct Event {
    pub(super) label: Arc<str>,
    pub(super) service: Service,
    /// How many of its tokens are read by now.
    pub(super) records: usize,
    /// How many cannot be read.
    pub(super) unreadable: usize,
    pub(super) what: What,
}

/// The begin comes first, then the tokens, then the end.
#[expect(clippy::large_enum_variant, reason = "taken apart at once")]
pub(super) enum What {
    Begun,
    Record(TokenRecord),
    /// A token that cannot be read; others follow.
    Unreadable(Error),
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
    unreadable: usize,
    phase: Phase,
}

enum Phase {
    Waiting,
    Reading,
    Over,
}

impl Source {
    pub(super) fn new((label, service): Account, limits: Limits) -> Self {
        let sleep = |limit| Box::pin(crate::reactor::sleep(limit)) as _;
        let (service, stream) = match service {
            Ok(service) => (service.service(), service.list()),
            Err(error) => {
                let stream = futures_util::stream::iter([Err(error.clone())]);
                (error.service(), RecordStream::new(stream))
            }
        };
        Self {
            label,
            service,
            records: 0,
            limits,
            deadline: limits.time.map(sleep),
            stream,
            unreadable: 0,
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
        Pin::new(&mut self.stream)
            .poll_next(cx)
            .map(|next| match next {
                // One that cannot be read is one, too: a list of those alone has an end as well.
                Some(item)
                    if is_token(&item)
                        && self.records + self.unreadable >= self.limits.max_records =>
                {
                    let most = self.limits.max_records;
                    let reason = format!("more than {most} tokens, the inventory's `max_records`");
                    self.failed(ErrorKind::LimitExceeded, &reason)
                }
                Some(Ok(mut record)) => {
                    self.records += 1;
                    record.account = Some(Arc::clone(&self.label));
                    What::Record(record)
                }
                Some(Err(error)) if error.kind() == ErrorKind::UnreadableItem => {
                    self.unreadable += 1;
                    What::Unreadable(error)
                }
                Some(Err(error)) => What::End(Some(error)),
                None => What::End(None),
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
            unreadable: self.unreadable,
            what,
        }))
    }
}

fn is_token(item: &Result<TokenRecord, Error>) -> bool {
    let kind = item.as_ref().err().map(Error::kind);
    matches!(kind, None | Some(ErrorKind::UnreadableItem))
}
