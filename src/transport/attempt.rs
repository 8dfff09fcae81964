//! One request and its answer, read to the end within bounds.

use bytes::{Bytes, BytesMut};
use http::header;

use super::answer::Answer;
use super::classify::{self, Failure};
use super::core::Settings;
use super::limits::Timing;
use super::profile::Profile;
use crate::error::{Error, ErrorKind};

/// The most that is set aside for a body at once, whatever length it announces.
const SET_ASIDE: usize = 8 << 20;

/// Sends a request and waits for the head of its answer; errors are about the way there and back
/// only.
pub(crate) async fn send(
    http: &reqwest::Client,
    request: reqwest::Request,
    profile: &Profile,
) -> Result<reqwest::Response, Failure> {
    http.execute(request)
        .await
        .map_err(|error| classify::no_answer(profile, &error, None))
}

/// Reads the rest of an answer.
pub(crate) async fn read(
    response: reqwest::Response,
    timing: Timing,
    settings: &Settings,
    profile: &Profile,
) -> Result<Answer, Failure> {
    let (status, headers) = (response.status(), response.headers().clone());
    let too_large = |kind, most: usize| {
        let error = Error::of_kind(profile.service, kind)
            .with_status(status)
            .with_reason(format!("more than {most} bytes"));
        Failure::new(error, classify::sent_by(status), false)
    };
    let length = |(name, value): (&header::HeaderName, &header::HeaderValue)| {
        name.as_str().len().saturating_add(value.len())
    };
    if headers.iter().map(length).sum::<usize>() > settings.max_header_bytes {
        let most = settings.max_header_bytes;
        return Err(too_large(ErrorKind::HeadersTooLarge, most));
    }
    let body = match body(response, settings.max_response_bytes).await {
        Ok(body) => body,
        // A refusal whose text is lost is a refusal all the same.
        Err(_) if !status.is_success() => Bytes::new(),
        Err(Lost::TooLarge) => {
            let most = settings.max_response_bytes;
            return Err(too_large(ErrorKind::BodyTooLarge, most));
        }
        Err(Lost::Broken(error)) => {
            return Err(classify::no_answer(profile, &error, Some(status)));
        }
    };
    Ok(Answer {
        status,
        headers,
        timing,
        body,
    })
}

enum Lost {
    TooLarge,
    Broken(reqwest::Error),
}

/// The body; what is counted is what would be kept, after any decompression.
async fn body(mut response: reqwest::Response, most: usize) -> Result<Bytes, Lost> {
    let announced = response
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok())
        .map(|length| usize::try_from(length).unwrap_or(usize::MAX))
        .unwrap_or_default();
    if announced > most {
        return Err(Lost::TooLarge);
    }
    let mut body = BytesMut::with_capacity(announced.min(SET_ASIDE));
    while let Some(chunk) = response.chunk().await.map_err(Lost::Broken)? {
        if body.len().saturating_add(chunk.len()) > most {
            return Err(Lost::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}
