//! The faults, each with what it means for a request that meets it.

use std::time::{Duration, SystemTime};

use access_tokens::Clock as _;
use access_tokens::ErrorKind;
use access_tokens_testing::{Fault, VirtualClock};

use crate::support::Reply;

/// What is known of a request that met a fault; everything else follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// It did not leave, and may the next time.
    NotSent,
    /// It did not leave, and never will.
    Hopeless,
    /// The service says that it did not act and may be asked again.
    Declined,
    /// The same, but for so long that the deadline comes before the third attempt.
    DeclinedForLong,
    /// The service says no.
    Refused,
    /// Nobody knows; it may pass.
    Unknown,
    /// Nobody knows; the next answer would be the same.
    UnknownForGood,
    /// A success that cannot be read.
    Unreadable,
}

/// How the fault comes about.
#[derive(Clone, Debug)]
pub(crate) enum Cause {
    /// By the twin's script.
    Twin(Fault),
    /// By bytes of our own.
    Raw(Reply),
    /// Nobody listens.
    Refused,
    /// No address for the name.
    NoSuchHost,
    /// TLS with somebody who hangs up.
    TlsHangUp,
    /// TLS with somebody who speaks plain HTTP.
    TlsPlain,
    /// TLS with a certificate that nobody trusts.
    TlsUntrusted,
}

#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) cause: Cause,
    pub(crate) meaning: Meaning,
    pub(crate) kind: ErrorKind,
    /// The fault is in the body, so that answers without one do not meet it.
    pub(crate) in_body: bool,
}

impl Case {
    fn new(name: &'static str, cause: Cause, meaning: Meaning, kind: ErrorKind) -> Self {
        Self {
            name,
            cause,
            meaning,
            kind,
            in_body: false,
        }
    }

    fn in_body(mut self) -> Self {
        self.in_body = true;
        self
    }

    /// Whether a request that meets it takes effect.
    pub(crate) fn acts(&self) -> bool {
        matches!(
            self.cause,
            Cause::Twin(
                Fault::ActThenClose
                    | Fault::ActThenReset
                    | Fault::StallBeforeHead
                    | Fault::StallInBody
                    | Fault::CutBody
                    | Fault::CutChunkedBody
                    | Fault::OversizedHeader
            )
        )
    }

    pub(crate) fn stalls(&self) -> bool {
        match &self.cause {
            Cause::Twin(fault) => matches!(
                fault,
                Fault::StallBeforeActing | Fault::StallBeforeHead | Fault::StallInBody
            ),
            Cause::Raw(reply) => matches!(reply, Reply::Stall(_)),
            _ => false,
        }
    }
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Cause {
    Cause::Twin(Fault::Answer {
        status,
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        body: body.as_bytes().to_vec(),
    })
}

fn raw(text: &str) -> Cause {
    Cause::Raw(Reply::Bytes(text.into()))
}

fn millis(time: SystemTime) -> String {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    since.as_millis().to_string()
}

/// All of them; dates in headers are by the clock, which starts anew for every case.
#[rustfmt::skip]
pub(crate) fn all() -> Vec<Case> {
    use Cause::Twin;
    use ErrorKind as K;
    use Meaning as M;
    let now = VirtualClock::new().now();
    let soon = now + Duration::from_secs(3);
    let date = httpdate::fmt_http_date(soon);
    let long_ago = httpdate::fmt_http_date(now - Duration::from_secs(3_600));
    let (reset, past, far) = (
        millis(soon),
        millis(now - Duration::from_secs(86_400)),
        millis(now + Duration::from_secs(864_000)),
    );
    let seconds = &reset[..reset.len() - 3];
    let used_up = |reset: &str| {
        let headers = [
            ("x-ratelimit-global-remaining", "0"),
            ("x-ratelimit-reset", reset),
        ];
        answer(429, &headers, "")
    };
    let after = |value: &str| answer(429, &[("retry-after", value)], "");
    let html = "<html><body>Sign in</body></html>";
    let html_type = [("content-type", "text/html")];
    let json = |code: &str, text: &str| format!("{{\"code\":\"{code}\",\"message\":\"{text}\"}}");
    let big = "x".repeat(2 << 20);
    let wide = "x".repeat(100 << 10);
    let many = "x-more: y\r\n".repeat(150);
    let status = |status| Twin(Fault::Status(status));
    vec![
        Case::new("connection refused", Cause::Refused, M::NotSent, K::Connect),
        Case::new("no such host", Cause::NoSuchHost, M::NotSent, K::Connect),
        Case::new("TLS handshake cut off", Cause::TlsHangUp, M::NotSent, K::Connect),
        Case::new("TLS with a plain HTTP server", Cause::TlsPlain, M::Hopeless, K::Tls),
        Case::new("TLS certificate not trusted", Cause::TlsUntrusted, M::Hopeless, K::Tls),
        Case::new("closed after the head of the request", Twin(Fault::CloseBeforeRequest), M::Unknown, K::Transport),
        Case::new("closed after the request", Twin(Fault::CloseAfterRequest), M::Unknown, K::Transport),
        Case::new("reset after the request", Twin(Fault::Reset), M::Unknown, K::Transport),
        Case::new("carried out, then closed", Twin(Fault::ActThenClose), M::Unknown, K::Transport),
        Case::new("carried out, then reset", Twin(Fault::ActThenReset), M::Unknown, K::Transport),
        Case::new("no answer", Twin(Fault::StallBeforeActing), M::Unknown, K::Timeout),
        Case::new("carried out, no answer", Twin(Fault::StallBeforeHead), M::Unknown, K::Timeout),
        Case::new("body stalls", Twin(Fault::StallInBody), M::Unknown, K::Timeout).in_body(),
        Case::new("body cut short", Twin(Fault::CutBody), M::Unknown, K::Transport).in_body(),
        Case::new("chunked body cut short", Twin(Fault::CutChunkedBody), M::Unknown, K::Transport).in_body(),
        Case::new("body without end", Twin(Fault::EndlessBody), M::UnknownForGood, K::BodyTooLarge),
        Case::new("body announced too large", answer(200, &[], &big), M::UnknownForGood, K::BodyTooLarge),
        Case::new("bytes that are not HTTP", Twin(Fault::Garbage), M::Unknown, K::Transport),
        Case::new("a chunk size that is none", raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"), M::Unknown, K::Transport),
        Case::new("two lengths that differ", raw("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}"), M::Unknown, K::Transport),
        Case::new("a header that is none", raw("HTTP/1.1 200 OK\r\nx\u{1} y\r\n\r\n"), M::Unknown, K::Transport),
        Case::new("half a head", raw("HTTP/1.1 200 OK\r\ncontent-le"), M::Unknown, K::Transport),
        Case::new("101 to a request that did not ask", raw("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"), M::UnknownForGood, K::UnexpectedStatus),
        Case::new("100 KiB of headers", answer(200, &[("x-wide", &wide)], "{}"), M::UnknownForGood, K::HeadersTooLarge),
        Case::new("512 KiB of headers", Twin(Fault::OversizedHeader), M::UnknownForGood, K::HeadersTooLarge),
        Case::new("150 headers", raw(&format!("HTTP/1.1 200 OK\r\n{many}\r\n")), M::UnknownForGood, K::HeadersTooLarge),
        Case::new("200 without a body", answer(200, &[], ""), M::Unreadable, K::Decode).in_body(),
        Case::new("200 that is no JSON", answer(200, &[], "\u{0}so"), M::Unreadable, K::Decode).in_body(),
        Case::new("200 with a login page", answer(200, &html_type, html), M::Unreadable, K::Decode),
        Case::new("302 to the same origin", Twin(Fault::Redirect("/elsewhere".into())), M::Refused, K::Redirect),
        Case::new("302 to another origin", Twin(Fault::Redirect("http://127.0.0.1:9/x".into())), M::Refused, K::Redirect),
        Case::new("302 to nowhere", raw("HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n"), M::Refused, K::Redirect),
        Case::new("303", status(303), M::UnknownForGood, K::Redirect),
        Case::new("400", answer(400, &[], &json("invalid_request", "no")), M::Refused, K::InvalidRequest),
        Case::new("401", answer(401, &[], &json("unauthorized", "no")), M::Refused, K::Unauthenticated),
        Case::new("401 without a body", status(401), M::Refused, K::Unauthenticated),
        Case::new("401 with a page", answer(401, &html_type, html), M::Refused, K::Unauthenticated),
        Case::new("401, body cut short", raw("HTTP/1.1 401 Unauthorized\r\ncontent-length: 100\r\n\r\n{\"co"), M::Refused, K::Unauthenticated),
        Case::new("401, body too large", answer(401, &[], &big), M::Refused, K::Unauthenticated),
        Case::new("403", status(403), M::Refused, K::PermissionDenied),
        Case::new("404", status(404), M::Refused, K::NotFound),
        Case::new("405", status(405), M::Refused, K::EndpointMissing),
        Case::new("408", status(408), M::Unknown, K::Timeout),
        Case::new("409", status(409), M::Refused, K::Conflict),
        Case::new("418", status(418), M::Refused, K::UnexpectedStatus),
        Case::new("422", answer(422, &[], &json("patch_failed", "no")), M::Refused, K::InvalidRequest),
        Case::new("429 without a hint", status(429), M::Declined, K::RateLimited),
        Case::new("429, body cut short", raw("HTTP/1.1 429 Slow\r\ncontent-length: 100\r\n\r\n{"), M::Declined, K::RateLimited),
        Case::new("429, Retry-After in seconds", after("2"), M::Declined, K::RateLimited),
        Case::new("429, Retry-After as a date", after(&date), M::Declined, K::RateLimited),
        Case::new("429, Retry-After in the past", after(&long_ago), M::Declined, K::RateLimited),
        Case::new("429, Retry-After of ten years", after("315360000"), M::DeclinedForLong, K::RateLimited),
        Case::new("429, Retry-After negative", after("-5"), M::Declined, K::RateLimited),
        Case::new("429, Retry-After garbage", after("soon"), M::Declined, K::RateLimited),
        Case::new("429, reset in milliseconds", used_up(&reset), M::Declined, K::RateLimited),
        Case::new("429, reset in seconds", used_up(seconds), M::Declined, K::RateLimited),
        Case::new("429, reset in the past", used_up(&past), M::Declined, K::RateLimited),
        Case::new("429, reset in ten days", used_up(&far), M::DeclinedForLong, K::RateLimited),
        Case::new("429, reset garbage", used_up("tomorrow"), M::Declined, K::RateLimited),
        Case::new("500", status(500), M::Unknown, K::Server),
        Case::new("501", status(501), M::Refused, K::Server),
        Case::new("502 with a page", answer(502, &html_type, html), M::Unknown, K::Server),
        Case::new("503", status(503), M::Unknown, K::Server),
        Case::new("503 with Retry-After", answer(503, &[("retry-after", "2")], ""), M::Declined, K::Server),
        Case::new("503 with a reset of limits", answer(503, &[("x-ratelimit-reset", &reset)], ""), M::Unknown, K::Server),
        Case::new("504", status(504), M::Unknown, K::Server),
        Case::new("407", status(407), M::Refused, K::Connect),
        Case::new("520", status(520), M::Unknown, K::Server),
    ]
}
