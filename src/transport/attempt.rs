//! One request and its answer, read to the end within bounds.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode, header};

use super::classify::{self, Failure};
use super::config::Profile;
use super::retry::Sent;
use crate::error::{Error, ErrorKind};

/// A whole answer, whatever its status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Sends a request and reads its answer; errors are about the way there and back only.
pub(crate) async fn send(
    http: &reqwest::Client,
    request: reqwest::Request,
    most: usize,
    profile: &Profile,
) -> Result<Answer, Failure> {
    let response = http
        .execute(request)
        .await
        .map_err(|error| classify::no_answer(profile, &error, None))?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = read_body(response, most, profile).await?;
    Ok(Answer {
        status,
        headers,
        body,
    })
}

async fn read_body(
    mut response: reqwest::Response,
    most: usize,
    profile: &Profile,
) -> Result<Bytes, Failure> {
    let status = response.status();
    let too_large = || {
        let error = Error::new(profile.service, ErrorKind::BodyTooLarge)
            .with_status(status)
            .with_reason(format!("more than {most} bytes"));
        Failure::new(error, sent_by(status), false)
    };
    let announced = response
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok())
        .map(|length| usize::try_from(length).unwrap_or(usize::MAX));
    if announced.is_some_and(|length| length > most) {
        return Err(too_large());
    }
    let mut body = BytesMut::with_capacity(announced.unwrap_or_default());
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len().saturating_add(chunk.len()) > most => {
                return Err(too_large());
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body.freeze()),
            Err(error) => {
                let mut failure = classify::no_answer(profile, &error, Some(status));
                // A refusal whose text is lost is a refusal all the same.
                if sent_by(status) == Sent::Refused {
                    failure.sent = Sent::Refused;
                    failure.transient = false;
                }
                return Err(failure);
            }
        }
    }
}

/// What a status alone says about the request.
fn sent_by(status: StatusCode) -> Sent {
    if status.is_success() || status.is_server_error() {
        Sent::Maybe
    } else {
        Sent::Refused
    }
}
