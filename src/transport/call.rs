//! The seam: every request is executed here and nowhere else, those of generated clients and those of
//! any other service.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderValue, Method, StatusCode, header};
use tracing::Instrument as _;

use super::answer::{Answer, Received};
use super::attempt;
use super::classify::{self, Failure};
use super::core::Core;
use super::credential::Keyed;
use super::error_body::looks_like_html;
use super::items::Reading;
use super::limiter::{Denied, Permit};
use super::observer::{Observed, Wait, WaitReason};
use super::operation::{Idempotency, Operation};
use super::options::CallOptions;
use super::retry::{self, Delivery, RetryContext, RetryDecision, RetryPolicy};
use super::trace::Watch;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;
use crate::sync::lock;

/// One request of a call: what stands for the HTTP client in a generated one.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(super) core: Arc<Core>,
    pub(super) operation: &'static Operation,
    /// Who reads the body of a success while it arrives.
    pub(super) items: Option<Reading>,
    /// What sending it twice means, if not what it usually does.
    pub(super) idempotency: Option<Idempotency>,
    pub(super) context: Arc<Context>,
}

/// What the requests of a call share: what was asked for, and what came of the last one.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) options: CallOptions,
    pub(super) outcome: Mutex<Outcome>,
}

/// What an answer says beside its body.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) received: Option<Received>,
    pub(super) html: bool,
}

/// Without the headers, which may hold anything.
impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome").finish_non_exhaustive()
    }
}

impl Call {
    /// Executes a request; what the answer says beside its body is left in [`Outcome`].
    pub(super) async fn send(
        &self,
        request: reqwest::Request,
    ) -> Result<(StatusCode, bytes::Bytes)> {
        let (answer, keyed, attempts) = self.run(request).await?;
        let status = answer.status;
        let html = looks_like_html(&answer.headers, &answer.body);
        let (body, received) = Received::new(answer, keyed, attempts);
        let mut outcome = lock(&self.context.outcome);
        outcome.html = html;
        outcome.received = Some(received);
        Ok((status, body))
    }

    /// Attempts until there is a success, a refusal, or no point in going on.
    async fn run(&self, mut request: reqwest::Request) -> Result<(Answer, Arc<Keyed>, u32)> {
        let core = &*self.core;
        self.prepare(&mut request)?;
        let mut request = Some(request);
        let options = &self.context.options;
        let policy = &options.retry;
        let (mut attempts, mut sent_before, mut renewed) = (0_u32, false, false);
        loop {
            let permit = self.acquire(policy, attempts, sent_before).await?;
            let keyed = self.credential(attempts, sent_before).await?;
            attempts = attempts.saturating_add(1);
            // After a renewal there may be one more.
            let last = attempts >= policy.max_attempts && (renewed || core.credential.is_fixed());
            let copy = if last {
                request.take()
            } else {
                request.as_ref().and_then(reqwest::Request::try_clone)
            };
            let resent = attempts.saturating_sub(1);
            let result = self.attempt(copy, &keyed, resent, sent_before).await;
            drop(permit);
            let failure = match result {
                Ok(answer) => return Ok((answer, keyed, attempts)),
                Err(failure) => failure,
            };
            if failure.error.is_unauthenticated() && !renewed && self.renew(keyed.secret()).await {
                renewed = true;
                continue;
            }
            match self.decide(policy, &failure, attempts) {
                RetryDecision::Again(wait) => {
                    tracing::debug!(attempts, kind = ?failure.error.kind(), ?wait, "trying again");
                    sent_before |= failure.sent == Delivery::Unknown;
                    core.clock.sleep(wait).await;
                    self.waited(WaitReason::Retry, wait);
                }
                decision => return Err(self.final_error(failure, decision, attempts, sent_before)),
            }
        }
    }

    /// Sends the request once, and tells a success from a refusal.
    async fn attempt(
        &self,
        request: Option<reqwest::Request>,
        keyed: &Keyed,
        resent: u32,
        sent_before: bool,
    ) -> Result<Answer, Failure> {
        let core = &*self.core;
        let unsent = |kind| Failure::new(core.error(kind), Delivery::NotSent, false);
        let mut request = request.ok_or_else(|| unsent(ErrorKind::InvalidInput))?;
        let headers = request.headers_mut();
        headers.insert(core.credential_header.clone(), keyed.header());
        let one = self.context.options.attempt_timeout;
        let left = self.remaining();
        if left.is_zero() {
            return Err(unsent(ErrorKind::Timeout));
        }
        let watch = Watch::begin(core, self.operation, &request, resent);
        let send = attempt::send(
            core,
            self.operation,
            request,
            self.items.as_ref(),
            one.min(left),
        );
        let result = send.instrument(watch.span.clone()).await;
        let result = result.and_then(|answer| self.judge(answer, keyed.secret(), sent_before));
        let status = result.as_ref().map(|answer| answer.status);
        watch.end(core, status.map_err(|failure| &failure.error));
        result
    }

    fn judge(&self, answer: Answer, secret: &Secret, sent_before: bool) -> Result<Answer, Failure> {
        let (core, operation) = (&*self.core, self.operation);
        if answer.status.is_success() {
            core.budget.refill();
            return Ok(answer);
        }
        let gone = answer.status == StatusCode::NOT_FOUND && operation.names_token;
        if gone && sent_before && operation.idempotency == Idempotency::Idempotent {
            // The attempt whose answer was lost had deleted it.
            return Ok(Answer {
                body: bytes::Bytes::new(),
                ..answer
            });
        }
        let now = core.clock.now();
        Err(classify::refusal(
            core.profile,
            core.base.url(),
            operation,
            &answer,
            secret,
            now,
        ))
    }

    fn decide(&self, policy: &RetryPolicy, failure: &Failure, attempt: u32) -> RetryDecision {
        let core = &*self.core;
        let context = RetryContext {
            sent: failure.sent,
            transient: failure.transient,
            idempotency: self.idempotency.unwrap_or(self.operation.idempotency),
            attempt,
            asked: failure.asked,
            remaining: self.remaining(),
        };
        retry::decide(
            policy,
            &core.budget,
            context,
            (core.random(), core.random()),
        )
    }

    fn final_error(
        &self,
        failure: Failure,
        decision: RetryDecision,
        attempts: u32,
        sent_before: bool,
    ) -> Error {
        let Failure {
            mut error, sent, ..
        } = failure;
        let why = match decision {
            RetryDecision::BudgetUsedUp => {
                Some("not tried again: this client's retries failed too often")
            }
            RetryDecision::DeadlineFirst => {
                Some("not tried again: the wait would pass the deadline")
            }
            RetryDecision::Again(_) | RetryDecision::Final | RetryDecision::AttemptsUsedUp => None,
        };
        if let Some(why) = why {
            error = error.with_reason(why);
        }
        self.finish(error.with_attempts(attempts), sent_before, sent)
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
        // Nothing is said to mean "as you like": a secret would depend on what can be unpacked here.
        headers.insert(
            header::ACCEPT_ENCODING,
            HeaderValue::from_static("identity"),
        );
        for (name, value) in &core.settings.headers {
            headers.insert(name, value.clone());
        }
        if core.profile.json_content_type && writes {
            headers
                .entry(header::CONTENT_TYPE)
                .or_insert(HeaderValue::from_static("application/json"));
        }
        Ok(())
    }

    async fn acquire(
        &self,
        policy: &RetryPolicy,
        attempts: u32,
        sent_before: bool,
    ) -> Result<Permit> {
        let core = &*self.core;
        let (deadline, longest) = (self.context.options.deadline, policy.max_server_wait);
        let observed = core.settings.observer.is_on();
        let began = observed.then(|| core.clock.monotonic());
        let acquire = core
            .limiter
            .acquire(self.operation, &*core.clock, deadline, longest, || {
                core.random()
            });
        let acquired = acquire.await;
        if let Some(began) = began {
            let waited = core.clock.monotonic().saturating_sub(began);
            if waited >= Duration::from_millis(1) {
                self.waited(WaitReason::Limit, waited);
            }
        }
        acquired.map_err(|closed| match closed {
            Denied::Deadline => self.timed_out(ErrorKind::Timeout, attempts, sent_before),
            Denied::Window(wait) => self
                .timed_out(ErrorKind::RateLimited, attempts, sent_before)
                .with_reason("not sent: the service refuses for longer than this call may wait")
                .with_retry_after(Some(wait)),
        })
    }

    fn waited(&self, reason: WaitReason, duration: Duration) {
        self.core.settings.observer.tell(&Observed::Wait(Wait {
            service: self.core.profile.service,
            operation: self.operation,
            reason,
            duration,
        }));
    }

    async fn credential(&self, attempts: u32, sent_before: bool) -> Result<Arc<Keyed>> {
        let core = &*self.core;
        if let Some(keyed) = core.credential.at_hand() {
            return Ok(keyed);
        }
        let current = core.credential.current(core.profile);
        match crate::reactor::timeout(self.remaining(), current).await {
            Ok(keyed) => keyed.map_err(|error| {
                let error = error.with_attempts(attempts);
                self.finish(error, sent_before, Delivery::NotSent)
            }),
            Err(_) => Err(self.timed_out(ErrorKind::Timeout, attempts, sent_before)),
        }
    }

    /// Whether the provider has another credential than the one that was refused.
    async fn renew(&self, rejected: &Secret) -> bool {
        let renew = self.core.credential.renew(rejected);
        crate::reactor::timeout(self.remaining(), renew).await == Ok(true)
    }

    /// The time until the deadline.
    fn remaining(&self) -> Duration {
        let now = self.core.clock.monotonic();
        self.context.options.deadline.saturating_sub(now)
    }

    /// An error from before the next attempt.
    fn timed_out(&self, kind: ErrorKind, attempts: u32, sent_before: bool) -> Error {
        let error = self.core.error(kind).with_attempts(attempts);
        self.finish(error, sent_before, Delivery::NotSent)
    }

    fn finish(&self, error: Error, sent_before: bool, sent: Delivery) -> Error {
        classify::finish(error, self.core.profile, self.operation, sent_before, sent)
    }
}
