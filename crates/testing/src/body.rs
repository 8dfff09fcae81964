//! Response bodies: whole ones and those that a fault spoils.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, SizeHint};

#[derive(Debug)]
pub(super) enum TwinBody {
    Whole(Bytes),
    Partial {
        half: Bytes,
        /// What the head announces; `None` sends it chunked.
        announced: Option<u64>,
        state: Partial,
        end: End,
    },
    Endless {
        started: bool,
        chunk: Bytes,
    },
}

/// How a partial body ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    Stall,
    Cut,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Partial {
    Start,
    Sent,
    Flushed,
}

impl TwinBody {
    pub(super) fn partial(whole: &Bytes, end: End, chunked: bool) -> Self {
        if whole.is_empty() {
            return Self::Whole(Bytes::new());
        }
        Self::Partial {
            half: whole.slice(..whole.len() / 2),
            announced: u64::try_from(whole.len()).ok().filter(|_| !chunked),
            state: Partial::Start,
            end,
        }
    }

    pub(super) fn endless() -> Self {
        // A list, so that a reader which parses as it goes is kept busy as well.
        let item = br#"{"_id":"000000000000000000000000","name":"and so on"},"#;
        Self::Endless {
            started: false,
            chunk: Bytes::from(item.repeat(16 * 1024 / item.len())),
        }
    }
}

impl Body for TwinBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.get_mut() {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Endless { started, chunk } => {
                let next = if *started {
                    chunk.clone()
                } else {
                    Bytes::from_static(b"[")
                };
                *started = true;
                Poll::Ready(Some(Ok(Frame::data(next))))
            }
            Self::Partial {
                half, state, end, ..
            } => match (*state, *end) {
                (Partial::Start, _) => {
                    *state = Partial::Sent;
                    Poll::Ready(Some(Ok(Frame::data(std::mem::take(half)))))
                }
                (Partial::Sent, End::Cut) => {
                    // An error drops what is still buffered; not being ready lets it out first.
                    *state = Partial::Flushed;
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                (Partial::Flushed, End::Cut) => {
                    Poll::Ready(Some(Err(io::Error::other("cut by a fault"))))
                }
                (_, End::Stall) => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Partial {
                announced: Some(length),
                state: Partial::Start,
                ..
            } => SizeHint::with_exact(*length),
            Self::Partial { .. } | Self::Endless { .. } => SizeHint::default(),
        }
    }
}

/// Why a request has no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyError {
    TooLong,
    /// It broke off, or its chunks are none.
    Broken,
}

/// Reads a request body up to a limit.
pub(super) async fn read(body: hyper::body::Incoming, limit: usize) -> Result<Bytes, BodyError> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    match http_body_util::Limited::new(body, limit).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(BodyError::TooLong),
        Err(_) => Err(BodyError::Broken),
    }
}
