//! An answer, and what it says beside its body.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::error_body::{clean_request_id, request_id};
use super::limits::{RateLimits, Timing};
use crate::secret::Secret;

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
    request_id: Option<HeaderValue>,
    rate_limits: RateLimits,
    secret: Secret,
}

impl Received {
    pub(super) fn new(answer: &Answer, secret: Secret, attempts: u32) -> Self {
        Self {
            status: answer.status,
            attempts,
            request_id: request_id(&answer.headers).cloned(),
            rate_limits: answer.timing.limits.clone(),
            secret,
        }
    }

    pub(super) fn info(self) -> ResponseInfo {
        let clean = |id: HeaderValue| clean_request_id(&id, &self.secret);
        ResponseInfo {
            status: self.status,
            request_id: self.request_id.and_then(clean),
            attempts: self.attempts,
            rate_limits: self.rate_limits,
        }
    }
}
