//! An answer, and what it says beside its body.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::error_body::request_id;
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

impl ResponseInfo {
    pub(super) fn new(answer: &Answer, credential: &Secret, attempts: u32) -> Self {
        Self {
            status: answer.status,
            request_id: request_id(&answer.headers, credential),
            attempts,
            rate_limits: answer.timing.limits.clone(),
        }
    }
}
