//! An answer, and what it says beside its body.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::credential::Keyed;
use super::error_body::{clean_request_id, request_id};
use super::limits::{RateLimits, Timing};

/// A whole answer, whatever its status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(super) timing: Timing,
    pub(crate) body: Bytes,
}

/// What the last answer of a call said beside its body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResponseInfo {
    /// The HTTP status as the service sent it.
    pub status: StatusCode,
    /// The id under which the service knows the request, if it names one.
    pub request_id: Option<String>,
    /// How many attempts the request took.
    pub attempts: u32,
    /// The limits that the answer told of.
    pub rate_limits: RateLimits,
}

/// What is kept of an answer until somebody asks: to take the secret out of an id costs more than
/// all the rest of a call.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(super) status: StatusCode,
    pub(super) attempts: u32,
    headers: HeaderMap,
    rate_limits: RateLimits,
    keyed: Arc<Keyed>,
}

impl Received {
    /// Splits an answer into its body and the rest.
    pub(super) fn new(answer: Answer, keyed: Arc<Keyed>, attempts: u32) -> (Bytes, Self) {
        let received = Self {
            status: answer.status,
            attempts,
            headers: answer.headers,
            rate_limits: answer.timing.limits,
            keyed,
        };
        (answer.body, received)
    }

    pub(super) fn info(self) -> ResponseInfo {
        let id = request_id(&self.headers);
        ResponseInfo {
            status: self.status,
            request_id: id.and_then(|id| clean_request_id(id, self.keyed.secret())),
            attempts: self.attempts,
            rate_limits: self.rate_limits,
        }
    }
}
