//! One account while it is read.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream as _;
use futures_core::future::BoxFuture;

use super::Limits;
use super::report::Account;
use crate::error::{Error, ErrorKind};
use crate::id::Service;
use crate::service::{RecordStream, TokenRecord, TokenService};

#[derive(Debug)]
pub(super) struct Source {
    pub(super) label: Arc<str>,
    pub(super) service: Service,
    pub(super) records: usize,
    max_records: usize,
    stream: RecordStream,
    deadline: Option<Deadline>,
}

struct Deadline(BoxFuture<'static, ()>);

impl std::fmt::Debug for Deadline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Deadline")
    }
}

impl Source {
    pub(super) fn new(label: Arc<str>, service: &dyn TokenService, limits: Limits) -> Self {
        Self {
            label,
            service: service.service(),
            records: 0,
            max_records: limits.max_records,
            stream: service.list(),
            deadline: limits
                .time
                .map(|limit| Deadline(Box::pin(tokio::time::sleep(limit)))),
        }
    }

    /// The next token; after an error nothing more may be asked for.
    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<TokenRecord, Error>>> {
        // Asked for before the records, so that a service that always has one ends too.
        if let Some(Deadline(deadline)) = &mut self.deadline
            && deadline.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Some(Err(self.failure(
                ErrorKind::Timeout,
                "the inventory's time limit for an account is over",
            ))));
        }
        let Poll::Ready(next) = Pin::new(&mut self.stream).poll_next(cx) else {
            return Poll::Pending;
        };
        Poll::Ready(match next {
            Some(Ok(_)) if self.records >= self.max_records => Some(Err(self.failure(
                ErrorKind::LimitExceeded,
                &format!(
                    "more than {} tokens, the inventory's limit for an account",
                    self.max_records
                ),
            ))),
            Some(Ok(mut record)) => {
                self.records += 1;
                record.account = Some(self.label.to_string());
                Some(Ok(record))
            }
            other => other,
        })
    }

    fn failure(&self, kind: ErrorKind, reason: &str) -> Error {
        Error::of_kind(self.service, kind).with_reason(reason)
    }

    /// What is to be told of the account at its end.
    pub(super) fn into_account(self, error: Option<Error>) -> Account {
        Account {
            label: self.label.to_string(),
            service: self.service,
            records: self.records,
            error,
        }
    }
}
