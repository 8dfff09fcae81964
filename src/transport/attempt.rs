//! One request and its answer, read to the end within bounds.

use std::pin::pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::answer::Answer;
use super::classify::{self, Failure};
use super::core::Core;
use super::encoding::{self, Unread};
use super::items::Reading;
use super::operation::Operation;
use super::retry::Delivery;
use crate::error::ErrorKind;
use crate::reactor;
use crate::sync::lock;

/// The most that is set aside for a body at once, whatever length it announces.
const SET_ASIDE: usize = 8 << 20;

/// A list that announces less than this is read when it is there.
const SMALL: usize = 64 << 10;

/// Sends a request and reads its answer, if that comes within this time.
pub(super) async fn send(
    core: &Core,
    operation: &'static Operation,
    request: reqwest::Request,
    items: Option<&Reading>,
    time: Duration,
) -> Result<Answer, Failure> {
    let mut timer = pin!(reactor::timer(time));
    let answer = pin!(core.connections.used(core.http.execute(request)));
    let Some(response) = reactor::before(timer.as_mut(), answer).await else {
        return Err(timed_out(core, None));
    };
    let mut response = response.map_err(|error| classify::no_answer(core.profile, &error, None))?;
    let status = response.status();
    let headers = std::mem::take(response.headers_mut());
    let timing = core.observe(operation, status, &headers);
    if size(&headers) > core.settings.max_header_bytes {
        let most = core.settings.max_header_bytes;
        return Err(too_large(core, ErrorKind::HeadersTooLarge, status, most));
    }
    let most = core.settings.max_response_bytes;
    let items = items.filter(|_| status.is_success());
    let body = reactor::before(timer, body(response, &headers, most, items)).await;
    let body = match body.unwrap_or(Err(Lost::TimedOut)) {
        Ok(body) => body,
        // A refusal whose text is lost is a refusal all the same.
        Err(_) if !status.is_success() => Bytes::new(),
        Err(lost) => return Err(unread(core, status, lost)),
    };
    Ok(Answer {
        status,
        headers,
        timing,
        body,
    })
}

enum Lost {
    TimedOut,
    TooLarge,
    Encoded(Unread),
    Broken(reqwest::Error),
}

fn unread(core: &Core, status: StatusCode, lost: Lost) -> Failure {
    match lost {
        Lost::TimedOut => timed_out(core, Some(status)),
        Lost::TooLarge | Lost::Encoded(Unread::TooLarge) => {
            let most = core.settings.max_response_bytes;
            too_large(core, ErrorKind::BodyTooLarge, status, most)
        }
        Lost::Encoded(Unread::Encoded(name)) => {
            let reason = format!("its body came encoded as {name}, which was not asked for");
            let error = core.error(ErrorKind::Decode).with_status(status);
            let error = error.with_reason(reason);
            Failure::new(error, classify::sent_by(status), false)
        }
        Lost::Broken(error) => classify::no_answer(core.profile, &error, Some(status)),
    }
}

fn timed_out(core: &Core, status: Option<StatusCode>) -> Failure {
    let error = core.error(ErrorKind::Timeout).with_status(status);
    Failure::new(error, Delivery::Unknown, true)
}

fn too_large(core: &Core, kind: ErrorKind, status: StatusCode, most: usize) -> Failure {
    let error = core.error(kind).with_status(status);
    let error = error.with_reason(format!("more than {most} bytes"));
    Failure::new(error, classify::sent_by(status), false)
}

fn size(headers: &HeaderMap) -> usize {
    let length = |(name, value): (&HeaderName, &HeaderValue)| {
        name.as_str().len().saturating_add(value.len())
    };
    headers.iter().map(length).fold(0, usize::saturating_add)
}

/// The body, or what is left of it where somebody reads the items in it; what is counted is what would
/// be kept of it whole, after any decompression.
async fn body(
    mut response: reqwest::Response,
    headers: &HeaderMap,
    most: usize,
    items: Option<&Reading>,
) -> Result<Bytes, Lost> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok())
        .map(|length| usize::try_from(length).unwrap_or(usize::MAX))
        .unwrap_or_default();
    if announced > most {
        return Err(Lost::TooLarge);
    }
    if let Some(items) = items {
        lock(items).restart();
    }
    // Where a piece ends an item is read twice, which a small body is not worth.
    let small = (1..SMALL).contains(&announced);
    let may_flow = items.is_some() && !small;
    let (mut length, mut flows) = (0_usize, false);
    let mut whole = Bytes::new();
    let mut pieces = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(Lost::Broken)? {
        flows |= length == 0 && may_flow && encoding::is_plain(headers, &chunk);
        length = length.saturating_add(chunk.len());
        if length > most {
            return Err(Lost::TooLarge);
        }
        if let Some(items) = items.filter(|_| flows) {
            lock(items).take(&chunk);
            continue;
        }
        if whole.is_empty() && pieces.is_empty() {
            // Mostly it is all there is, and nothing needs to be copied.
            whole = chunk;
            continue;
        }
        if pieces.is_empty() {
            pieces.reserve(announced.clamp(length, SET_ASIDE.max(length)));
            pieces.extend_from_slice(&whole);
            whole = Bytes::new();
        }
        pieces.extend_from_slice(&chunk);
    }
    let body = if pieces.is_empty() {
        whole
    } else {
        pieces.freeze()
    };
    let body = encoding::decode(headers, body, most).map_err(Lost::Encoded)?;
    let Some(items) = items else {
        return Ok(body);
    };
    let mut items = lock(items);
    items.take(&body);
    Ok(items.rest().into())
}
