//! What calls and attempts say to `tracing` and to an observer, in OpenTelemetry's words. All of it is
//! listed in `docs/guide/observability.md`.

use std::fmt;
use std::time::Duration;

use http::{Method, StatusCode};
use tracing::Span;
use tracing::field::Empty;

use super::base_url::BaseUrl;
use super::core::Core;
use super::observer::{Attempt, Observed};
use super::operation::Operation;
use crate::error::Error;
use crate::id::Service;

/// The span of a call, from its first request to its outcome.
pub(super) fn call(service: Service, name: &'static str) -> Span {
    tracing::info_span!(
        "access_tokens.call",
        otel.name = %format_args!("{service} {name}"),
        otel.status_code = Empty,
        service = service.name(),
        call = name,
        error.type = Empty,
    )
}

/// Says why a call failed. That there is no such token is an answer, and no reason for a warning.
pub(super) fn failed(span: &Span, error: &Error) {
    let kind = error.kind().as_str();
    let status = error.status().map(|status| status.as_u16());
    macro_rules! say {
        ($level:ident) => {
            tracing::$level!(
                parent: span,
                error.type = kind,
                error.cause = error.cause().map(crate::error::ErrorKind::as_str),
                operation = error.operation(),
                http.response.status_code = status,
                attempts = error.attempts(),
                may_have_been_sent = error.may_have_been_sent(),
                "the call failed"
            )
        };
    }
    span.record("error.type", kind);
    if error.is_not_found() {
        say!(debug);
    } else {
        span.record("otel.status_code", "ERROR");
        say!(warn);
    }
}

/// What is watched of an attempt.
pub(super) struct Watch {
    pub(super) span: Span,
    operation: &'static Operation,
    resend_count: u32,
    /// For the observer: the method, and when the attempt began.
    began: Option<(Method, Duration)>,
}

impl Watch {
    pub(super) fn begin(
        core: &Core,
        operation: &'static Operation,
        request: &reqwest::Request,
        resend_count: u32,
    ) -> Self {
        let (template, method) = (operation.template, request.method());
        let server = || server(&core.base);
        let span = tracing::info_span!(
            "access_tokens.attempt",
            otel.name = %format_args!("{method} {template}"),
            otel.kind = "client",
            otel.status_code = Empty,
            http.request.method = method.as_str(),
            http.request.resend_count = (resend_count > 0).then_some(resend_count),
            url.template = template,
            url.full = %Sanitized(&core.base, template, request.url()),
            server.address = server().0,
            server.port = server().1,
            http.response.status_code = Empty,
            error.type = Empty,
        );
        let observed = core.settings.observer.is_on();
        Self {
            span,
            operation,
            resend_count,
            began: observed.then(|| (method.clone(), core.clock.monotonic())),
        }
    }

    /// The attempt is over.
    pub(super) fn end(self, core: &Core, outcome: Result<StatusCode, &Error>) {
        let (status, error) = match outcome {
            Ok(status) => (Some(status), None),
            Err(error) => (error.status(), Some(error.kind().as_str())),
        };
        if let Some(status) = status {
            self.span
                .record("http.response.status_code", status.as_u16());
        }
        if let Some(kind) = error {
            self.span
                .record("error.type", kind)
                .record("otel.status_code", "ERROR");
        }
        if let Some((method, began)) = self.began {
            let (server_address, server_port) = server(&core.base);
            core.settings.observer.tell(&Observed::Attempt(Attempt {
                service: core.profile.service,
                operation: self.operation,
                method: method.as_str(),
                server_address,
                server_port,
                status,
                error_type: error,
                resend_count: self.resend_count,
                duration: core.clock.monotonic().saturating_sub(began),
            }));
        }
    }
}

/// Host and port of an address; of IPv6, without its brackets.
fn server(base: &BaseUrl) -> (&str, u16) {
    let url = base.url();
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or_default();
    (host.trim_matches(['[', ']']), port)
}

/// The address of a request without anything that a user put into it: an id or a name could be a
/// secret that was pasted in the wrong place.
struct Sanitized<'a>(&'a BaseUrl, &'static str, &'a url::Url);

impl fmt::Display for Sanitized<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())?;
        let mut rest = self.1;
        while let Some((before, after)) = rest.split_once('{') {
            write!(f, "{before}{REDACTED}")?;
            rest = after.split_once('}').map_or("", |(_, after)| after);
        }
        f.write_str(rest)?;
        for (at, (name, _)) in self.2.query_pairs().enumerate() {
            let sign = if at == 0 { '?' } else { '&' };
            write!(f, "{sign}{name}={REDACTED}")?;
        }
        Ok(())
    }
}

const REDACTED: &str = "REDACTED";
