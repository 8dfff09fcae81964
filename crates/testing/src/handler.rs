//! One request: the fault script, the recording, the service, the answer.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use tokio::net::TcpStream;

use super::body::{self, BodyError, End, TwinBody};
use super::connection::{reset_on_close, write_raw};
use super::fault::Fault;
use super::message::{Answer, Received};
use super::shared::{Service, Shared};

/// The longest request body that a twin reads.
const BODY_LIMIT: usize = 64 * 1024 * 1024;
const OVERSIZED_HEADER: usize = 512 * 1024;

/// Ends the connection without an answer.
#[derive(Debug)]
pub(super) struct Close;

impl fmt::Display for Close {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("closed by a fault")
    }
}

impl std::error::Error for Close {}

pub(super) async fn handle<S: Service>(
    shared: Arc<Shared<S>>,
    stream: Arc<TcpStream>,
    request: Request<Incoming>,
) -> Result<Response<TwinBody>, Close> {
    let (head, incoming) = request.into_parts();
    let operation = shared.service.operation(&head.method, head.uri.path());
    if let Some(operation) = operation {
        shared.count(operation);
    }
    let fault = shared.script.next(operation);
    let mut received = Received {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().map(str::to_owned),
        headers: head.headers,
        body: Bytes::new(),
        at: shared.clock.now(),
        broken: false,
    };
    let recording = shared.is_recording();
    if fault == Some(Fault::CloseBeforeRequest) {
        if recording {
            shared.record(&Arc::new(received));
        }
        return Err(Close);
    }
    match body::read(incoming, BODY_LIMIT).await {
        Ok(bytes) => received.body = bytes,
        Err(BodyError::Broken) => received.broken = true,
        Err(BodyError::TooLong) => {
            let date = shared.date().at(received.at);
            return Ok(response(Answer::empty(413), date, None));
        }
    }
    let received = Arc::new(received);
    if recording {
        shared.record(&received);
    }
    shared.catch_up();
    match fault {
        None => {
            let answer = shared.service.answer(&received);
            Ok(response(answer, shared.date().at(received.at), None))
        }
        Some(fault) => suffer(&shared, &stream, &received, fault).await,
    }
}

/// Answers, or does not, as the fault says.
async fn suffer<S: Service>(
    shared: &Shared<S>,
    stream: &TcpStream,
    received: &Received,
    fault: Fault,
) -> Result<Response<TwinBody>, Close> {
    let service = &*shared.service;
    let date = shared.date().at(received.at);
    let partial = |end, chunked| {
        let answer = service.answer(received);
        let body = TwinBody::partial(&answer.body, end, chunked);
        Ok(response(answer, date, Some(body)))
    };
    match fault {
        Fault::Delay(duration) => {
            let answer = service.answer(received);
            tokio::time::sleep(duration).await;
            Ok(response(answer, date, None))
        }
        Fault::SlowAnswer(duration) => {
            let answer = service.answer(received);
            shared.clock.sleep(duration).await;
            let date = shared.date().at(shared.clock.now());
            Ok(response(answer, date, None))
        }
        Fault::SlowAct(duration) => {
            shared.clock.sleep(duration).await;
            shared.catch_up();
            let received = Received {
                at: shared.clock.now(),
                ..received.clone()
            };
            let answer = service.answer(&received);
            Ok(response(answer, shared.date().at(received.at), None))
        }
        Fault::ActLater(duration) => {
            shared.postpone(received, duration);
            Err(Close)
        }
        Fault::Status(status) => Ok(response(Answer::empty(status), date, None)),
        Fault::Answer {
            status,
            headers,
            body,
        } => {
            let mut answer = Answer::empty(status);
            for (name, value) in &headers {
                answer = answer.with_header(name, value);
            }
            answer.body = Bytes::from(body);
            Ok(response(answer, date, None))
        }
        Fault::Redirect(location) => {
            let answer = Answer::empty(302).with_header("location", &location);
            Ok(response(answer, date, None))
        }
        Fault::CloseBeforeRequest | Fault::CloseAfterRequest => Err(Close),
        Fault::Reset => {
            reset_on_close(stream);
            Err(Close)
        }
        Fault::ActThenClose => {
            service.answer(received);
            Err(Close)
        }
        Fault::ActThenReset => {
            service.answer(received);
            reset_on_close(stream);
            Err(Close)
        }
        // hyper drops the handler when the client goes away.
        Fault::StallBeforeActing => std::future::pending().await,
        Fault::StallBeforeHead => {
            service.answer(received);
            std::future::pending().await
        }
        Fault::StallInBody => partial(End::Stall, false),
        Fault::CutBody => partial(End::Cut, false),
        Fault::CutChunkedBody => partial(End::Cut, true),
        Fault::EndlessBody => {
            let answer = Answer::json(200, &serde_json::Value::Null);
            Ok(response(answer, date, Some(TwinBody::endless())))
        }
        Fault::Garbage => {
            let _ = write_raw(stream, b"\x16\x03\x01 this is not HTTP\r\n\r\n\0\xff\xfe").await;
            Err(Close)
        }
        Fault::OversizedHeader => {
            let answer = service.answer(received);
            let value = "x".repeat(OVERSIZED_HEADER);
            let answer = answer.with_header("x-oversized", &value);
            Ok(response(answer, date, None))
        }
    }
}

/// `body` replaces the answer's own.
fn response(
    answer: Answer,
    date: Option<SystemTime>,
    body: Option<TwinBody>,
) -> Response<TwinBody> {
    let body = body.unwrap_or_else(|| TwinBody::Whole(answer.body));
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in answer.headers {
        response.headers_mut().append(name, value);
    }
    if let Some(date) = date.and_then(http_date) {
        response.headers_mut().entry(header::DATE).or_insert(date);
    }
    response
}

/// A date that does not fit a header is shown as the nearest one that does.
fn http_date(time: SystemTime) -> Option<HeaderValue> {
    const LAST: Duration = Duration::from_secs(253_402_300_799);
    // The formatter panics outside of these years.
    let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let shown = UNIX_EPOCH.checked_add(since_epoch.min(LAST))?;
    HeaderValue::try_from(httpdate::fmt_http_date(shown)).ok()
}
