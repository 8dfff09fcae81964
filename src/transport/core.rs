//! The seam: every request of every generated client is executed here and nowhere else.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderValue, Method, StatusCode, header};
use reqwest::ResponseBuilderExt as _;
use tracing::Instrument as _;

use super::attempt::{self, Answer};
use super::base_url::BaseUrl;
use super::classify::{self, Failure};
use super::config::Profile;
use super::credential::{self, Credential};
use super::operation::{Effect, Operation};
use super::rate_limit::{Closed, Limiter, RateLimits};
use super::request::{CallOptions, ResponseInfo};
use super::retry::{self, Budget, RetryPolicy, Sent, Situation, Verdict};
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

/// The limits that a client was built with.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) timeout: Duration,
    pub(crate) attempt_timeout: Duration,
    pub(crate) retry: RetryPolicy,
    pub(crate) concurrency: usize,
    pub(crate) max_response_bytes: usize,
    pub(crate) max_pages: usize,
}

/// What all clones of a client share.
pub struct Core {
    pub(crate) profile: &'static Profile,
    pub(crate) http: reqwest::Client,
    pub(crate) base: BaseUrl,
    pub(crate) settings: Settings,
    pub(crate) clock: Arc<dyn Clock>,
    credential: Credential,
    limiter: Arc<Limiter>,
    budget: Arc<Budget>,
    random: Mutex<fastrand::Rng>,
}

impl Core {
    pub(crate) fn new(
        profile: &'static Profile,
        http: reqwest::Client,
        base: BaseUrl,
        credential: Credential,
        settings: Settings,
        clock: Arc<dyn Clock>,
        random: fastrand::Rng,
    ) -> Self {
        let limiter = Arc::new(Limiter::new(settings.concurrency));
        let (budget, random) = (Arc::new(Budget::new()), Mutex::new(random));
        Self {
            profile,
            http,
            base,
            settings,
            clock,
            credential,
            limiter,
            budget,
            random,
        }
    }

    /// The limits that the last answer told of.
    pub(crate) fn rate_limits(&self) -> Option<RateLimits> {
        self.limiter.last()
    }

    pub(crate) fn replace_credential(&self, secret: Secret) -> Result<()> {
        self.credential.replace(self.profile, secret)
    }

    /// The same with another credential, sharing the connections and the limits of the client.
    pub(crate) fn with_credential(&self, secret: Secret) -> Result<Arc<Self>> {
        Ok(Arc::new(Self {
            profile: self.profile,
            http: self.http.clone(),
            base: self.base.clone(),
            settings: self.settings.clone(),
            clock: Arc::clone(&self.clock),
            credential: Credential::fixed(self.profile, secret)?,
            limiter: Arc::clone(&self.limiter),
            budget: Arc::clone(&self.budget),
            random: Mutex::new(fastrand::Rng::with_seed(self.seed())),
        }))
    }

    /// The credential, unless it comes from a provider.
    pub(crate) fn fixed_credential(&self) -> Option<Secret> {
        self.credential.fixed_now()
    }

    fn seed(&self) -> u64 {
        self.random
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .u64(..)
    }

    fn random(&self) -> f64 {
        self.random
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .f64()
    }

    fn error(&self, kind: ErrorKind) -> Error {
        Error::new(self.profile.service, kind)
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core")
            .field("service", &self.profile.service.name())
            .field("base_url", &self.base)
            .field("credential", &self.credential)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// The context of one call: what the generated client carries to the hook, and what it brings back.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) core: Arc<Core>,
    pub(crate) operation: &'static Operation,
    pub(crate) options: CallOptions,
    pub(crate) outcome: Arc<Mutex<Outcome>>,
}

/// What the hook can tell its caller beside the response.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Set if the call failed; the response is then a stand-in.
    pub(crate) failure: Option<Error>,
    pub(crate) info: Option<ResponseInfo>,
    pub(crate) html: bool,
}

impl Call {
    /// Executes a request for a generated client.
    ///
    /// Its signature leaves no room for an error of ours, so that goes by [`Outcome`], and the
    /// client gets a response that it cannot take for a success.
    pub(crate) async fn execute(
        &self,
        request: reqwest::Request,
    ) -> reqwest::Result<reqwest::Response> {
        let span = tracing::debug_span!(
            "access_tokens.call",
            service = self.core.profile.service.name(),
            operation = self.operation.id,
            status = tracing::field::Empty,
            attempts = tracing::field::Empty,
        );
        let url = request.url().clone();
        match self.run(request).instrument(span.clone()).await {
            Ok((answer, attempts)) => {
                span.record("status", answer.status.as_u16())
                    .record("attempts", attempts);
                Ok(self.deliver(answer, attempts, url))
            }
            Err(error) => {
                span.record("attempts", error.attempts());
                if let Some(status) = error.status() {
                    span.record("status", status.as_u16());
                }
                let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
                outcome.failure = Some(error);
                Ok(response(NOT_OURS, bytes::Bytes::new(), url))
            }
        }
    }

    /// Attempts until there is a success, a refusal, or no point in going on.
    async fn run(&self, mut request: reqwest::Request) -> Result<(Answer, u32)> {
        let core = &*self.core;
        self.prepare(&mut request)?;
        let policy = self.options.retry.as_ref().unwrap_or(&core.settings.retry);
        let (mut attempts, mut sent_before, mut renewed) = (0_u32, false, false);
        loop {
            let place = self.enter(policy, attempts, sent_before).await?;
            let secret = self.credential(attempts, sent_before).await?;
            attempts = attempts.saturating_add(1);
            let result = self.attempt(&request, &secret).await;
            drop(place);
            let failure = match result.and_then(|answer| self.judge(answer, &secret, sent_before)) {
                Ok(answer) => return Ok((answer, attempts)),
                Err(failure) => failure,
            };
            if failure.error.is_unauthenticated()
                && !renewed
                && core.credential.renew(&secret).await
            {
                renewed = true;
                continue;
            }
            match self.decide(policy, &failure, attempts) {
                Verdict::Again(wait) => {
                    tracing::debug!(attempts, kind = ?failure.error.kind(), ?wait, "trying again");
                    sent_before |= failure.sent == Sent::Maybe;
                    core.clock.sleep(wait).await;
                }
                verdict => return Err(self.give_up(failure, verdict, attempts, sent_before)),
            }
        }
    }

    /// Sends the request once.
    async fn attempt(
        &self,
        request: &reqwest::Request,
        secret: &Secret,
    ) -> Result<Answer, Failure> {
        let core = &*self.core;
        let unsent = |error| Failure::new(error, Sent::No, false);
        let Some(mut request) = request.try_clone() else {
            return Err(unsent(core.error(ErrorKind::InvalidInput)));
        };
        let header = credential::header(core.profile, secret).map_err(unsent)?;
        request.headers_mut().insert(header::AUTHORIZATION, header);
        let one = self
            .options
            .attempt_timeout
            .unwrap_or(core.settings.attempt_timeout);
        let left = self.options.deadline.saturating_sub(core.clock.monotonic());
        *request.timeout_mut() = Some(one.min(left));
        let answer = attempt::send(
            &core.http,
            request,
            core.settings.max_response_bytes,
            core.profile,
        )
        .await?;
        core.limiter
            .observe(self.operation, &answer.headers, &*core.clock);
        Ok(answer)
    }

    /// Tells a success from a refusal.
    fn judge(&self, answer: Answer, secret: &Secret, sent_before: bool) -> Result<Answer, Failure> {
        let (core, operation) = (&*self.core, self.operation);
        if answer.status.is_success() {
            core.budget.refill();
            return Ok(answer);
        }
        let gone = answer.status == StatusCode::NOT_FOUND && operation.names_token;
        if gone && sent_before && operation.effect == Effect::Idempotent {
            // The attempt whose answer was lost had deleted it.
            return Ok(Answer {
                body: bytes::Bytes::new(),
                ..answer
            });
        }
        let now = core.clock.now();
        Err(classify::refusal(
            core.profile,
            operation,
            &answer,
            secret,
            now,
        ))
    }

    fn decide(&self, policy: &RetryPolicy, failure: &Failure, attempt: u32) -> Verdict {
        let core = &*self.core;
        let situation = Situation {
            sent: failure.sent,
            transient: failure.transient,
            effect: self.options.effect.unwrap_or(self.operation.effect),
            attempt,
            asked: failure.asked,
            left: self.options.deadline.saturating_sub(core.clock.monotonic()),
        };
        retry::decide(
            policy,
            &core.budget,
            situation,
            (core.random(), core.random()),
        )
    }

    fn give_up(
        &self,
        failure: Failure,
        verdict: Verdict,
        attempts: u32,
        sent_before: bool,
    ) -> Error {
        let Failure {
            mut error, sent, ..
        } = failure;
        let why = match verdict {
            Verdict::BudgetUsedUp => {
                Some("not tried again: this client's retries failed too often")
            }
            Verdict::WaitTooLong => Some("not tried again: the service asks for too long a wait"),
            Verdict::DeadlineFirst => Some("not tried again: the wait would pass the deadline"),
            Verdict::Again(_) | Verdict::Final | Verdict::AttemptsUsedUp => None,
        };
        if let Some(why) = why {
            error = error.with_reason(why);
        }
        tracing::debug!(attempts, kind = ?error.kind(), "failed");
        classify::finish(
            error.with_attempts(attempts),
            self.operation,
            sent_before,
            sent,
        )
    }

    /// What every request gets or must not carry, and the check of where it goes.
    fn prepare(&self, request: &mut reqwest::Request) -> Result<()> {
        let core = &*self.core;
        if !core.base.covers(request.url()) {
            let error = Error::input(core.profile.service, "path", "would leave the base URL");
            return Err(error.with_operation(self.operation.id));
        }
        let writes = matches!(*request.method(), Method::POST | Method::PATCH);
        let headers = request.headers_mut();
        // The generator sends the version of our document, which means nothing to the service.
        headers.remove("api-version");
        if core.profile.json_content_type && writes {
            headers
                .entry(header::CONTENT_TYPE)
                .or_insert(HeaderValue::from_static("application/json"));
        }
        Ok(())
    }

    async fn enter(
        &self,
        policy: &RetryPolicy,
        attempts: u32,
        sent_before: bool,
    ) -> Result<tokio::sync::OwnedSemaphorePermit> {
        let core = &*self.core;
        let (deadline, longest) = (self.options.deadline, policy.max_server_wait);
        let enter = core
            .limiter
            .enter(self.operation, &*core.clock, deadline, longest, || {
                core.random()
            });
        enter.await.map_err(|closed| match closed {
            Closed::Deadline => self.late(ErrorKind::Timeout, attempts, sent_before),
            Closed::Window(wait) => self
                .late(ErrorKind::RateLimited, attempts, sent_before)
                .with_reason("the service's window is used up, and its end is too far away")
                .with_retry_after(Some(wait)),
        })
    }

    async fn credential(&self, attempts: u32, sent_before: bool) -> Result<Secret> {
        let left = self
            .options
            .deadline
            .saturating_sub(self.core.clock.monotonic());
        match tokio::time::timeout(left, self.core.credential.current(self.core.profile)).await {
            Ok(secret) => secret.map_err(|error| {
                let error = error.with_attempts(attempts);
                classify::finish(error, self.operation, sent_before, Sent::No)
            }),
            Err(_) => Err(self.late(ErrorKind::Timeout, attempts, sent_before)),
        }
    }

    /// An error from before the next attempt.
    fn late(&self, kind: ErrorKind, attempts: u32, sent_before: bool) -> Error {
        let error = self.core.error(kind).with_attempts(attempts);
        classify::finish(error, self.operation, sent_before, Sent::No)
    }

    /// Hands a success to the generated client in the form that its document promises.
    fn deliver(&self, answer: Answer, attempts: u32, url: url::Url) -> reqwest::Response {
        let Answer {
            status,
            headers,
            body,
        } = answer;
        let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        outcome.html = classify::looks_like_html(&headers, &body);
        outcome.info = Some(ResponseInfo::new(status, &headers, attempts));
        drop(outcome);
        let empty = body.trim_ascii().is_empty();
        let body = match self.operation.empty_body {
            Some(stand_in) if empty => bytes::Bytes::from_static(stand_in.as_bytes()),
            _ => body,
        };
        response(self.operation.success, body, url)
    }
}

/// Documented nowhere, so that no generated client takes it for a success.
const NOT_OURS: u16 = 599;

fn response(status: u16, body: bytes::Bytes, url: url::Url) -> reqwest::Response {
    let mut response = http::Response::builder()
        .url(url)
        .body(body)
        .unwrap_or_else(|_| http::Response::new(bytes::Bytes::new()));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.into()
}
