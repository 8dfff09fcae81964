//! Whether and when to send again.

use std::sync::Mutex;
use std::time::Duration;

use super::operation::Idempotency;
use crate::sync::lock;

/// When a failed attempt is followed by another.
///
/// An attempt is repeated only if its request certainly did not leave, if the service certainly
/// declined it (429, 503 with `Retry-After`), or if the failure is passing and repeating the operation
/// changes nothing (see [`Idempotency`]). The policy sets how often and how long.
///
/// | setting | default |
/// |---|---|
/// | attempts | 4 in all |
/// | back-off | full jitter, from 0.2 s (1 s if the service declined without saying for how long), doubling up to 10 s |
/// | a wait that the service asks for | honoured, but cut to 60 s, with up to 1 s of jitter |
/// | budget per client | 100; a retry costs 5, unless the service itself said when; a success gives 1 back |
///
/// A wait that would reach the call's deadline is not begun: the call ends at once, and
/// [`Error::retry_after`](crate::Error::retry_after) says what the service asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct RetryPolicy {
    pub(crate) max_attempts: u32,
    pub(crate) base: Duration,
    pub(crate) cap: Duration,
    pub(crate) max_server_wait: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 4,
            base: Duration::from_millis(200),
            cap: Duration::from_secs(10),
            max_server_wait: Duration::from_secs(60),
        }
    }
}

impl RetryPolicy {
    /// The defaults above.
    pub fn new() -> Self {
        Self::default()
    }

    /// One attempt, whatever happens (and one more if a
    /// [`CredentialProvider`](crate::CredentialProvider) renews what was refused).
    pub fn none() -> Self {
        Self {
            max_attempts: 1,
            ..Self::default()
        }
    }

    /// How many attempts there may be in all, the first included; zero is refused where the policy
    /// is used.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// The back-off before the second attempt at most, and its upper limit.
    pub fn backoff(mut self, base: Duration, cap: Duration) -> Self {
        self.base = base;
        self.cap = cap;
        self
    }

    /// The longest wait that a service may ask for; a longer one is cut to this. A call that is
    /// known to be refused for longer than this fails without being sent.
    pub fn max_server_wait(mut self, wait: Duration) -> Self {
        self.max_server_wait = wait;
        self
    }

    /// The back-off after the given attempt (1 for the first): anything up to the doubled base.
    fn backoff_after(&self, attempt: u32, base: Duration, random: f64) -> Duration {
        let doubled = base.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)));
        share(doubled.min(self.cap), random)
    }
}

/// The least base of the back-off where a service declines: its windows last seconds.
const DECLINED_BASE: Duration = Duration::from_secs(1);

/// Up to this much is added to a wait that the service asks for.
const JITTER: Duration = Duration::from_secs(1);

fn share(of: Duration, random: f64) -> Duration {
    Duration::try_from_secs_f64(of.as_secs_f64() * random.clamp(0.0, 1.0)).unwrap_or(of)
}

/// Whether the service acted on a request that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// It never left.
    NotSent,
    /// The service says that it did not act, and that one may come again.
    Throttled,
    /// The service says no.
    Rejected,
    /// Nobody knows.
    Unknown,
}

/// The facts about a failure that decide on a retry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetryContext {
    pub(crate) sent: Delivery,
    pub(crate) transient: bool,
    pub(crate) idempotency: Idempotency,
    /// Attempts made so far.
    pub(crate) attempt: u32,
    /// What the service asks to wait.
    pub(crate) asked: Option<Duration>,
    /// What remains until the call's deadline.
    pub(crate) remaining: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum RetryDecision {
    /// Again, after this long.
    Again(Duration),
    /// Not again, and nothing to add.
    Final,
    /// Would go again, but the attempts are used up.
    AttemptsUsedUp,
    /// Would go again, but the client has failed too often lately.
    BudgetUsedUp,
    /// Would go again, but the deadline comes first.
    DeadlineFirst,
}

/// Decides on the next step. `random` is two draws from 0..1.
pub(crate) fn decide(
    policy: &RetryPolicy,
    budget: &Budget,
    context: RetryContext,
    random: (f64, f64),
) -> RetryDecision {
    let may = match context.sent {
        Delivery::NotSent | Delivery::Throttled => context.transient,
        Delivery::Unknown => context.transient && context.idempotency != Idempotency::NonIdempotent,
        Delivery::Rejected => false,
    };
    if !may {
        return RetryDecision::Final;
    }
    if context.attempt >= policy.max_attempts {
        return RetryDecision::AttemptsUsedUp;
    }
    let declined = context.sent == Delivery::Throttled;
    let base = if declined {
        policy.base.max(DECLINED_BASE)
    } else {
        policy.base
    };
    let wait = match context.asked {
        // Everybody was told the same moment: spread out.
        Some(asked) => asked
            .min(policy.max_server_wait)
            .saturating_add(share(JITTER, random.1)),
        None => policy.backoff_after(context.attempt, base, random.0),
    };
    if wait >= context.remaining {
        return RetryDecision::DeadlineFirst;
    }
    // A service that says when to come back is not failing.
    let free = declined && context.asked.is_some();
    if !free && !budget.spend() {
        return RetryDecision::BudgetUsedUp;
    }
    RetryDecision::Again(wait)
}

/// What all calls of a client may spend on retries together, so that a service which is down is
/// not hit several times as hard.
#[derive(Debug)]
pub(crate) struct Budget(Mutex<u32>);

impl Budget {
    const FULL: u32 = 100;
    const RETRY: u32 = 5;

    pub(crate) fn new() -> Self {
        Self(Mutex::new(Self::FULL))
    }

    fn spend(&self) -> bool {
        let mut left = lock(&self.0);
        match left.checked_sub(Self::RETRY) {
            Some(rest) => {
                *left = rest;
                true
            }
            None => false,
        }
    }

    pub(crate) fn refill(&self) {
        let mut left = lock(&self.0);
        *left = (*left + 1).min(Self::FULL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn context(sent: Delivery, idempotency: Idempotency) -> RetryContext {
        RetryContext {
            sent,
            transient: true,
            idempotency,
            attempt: 1,
            asked: None,
            remaining: 100 * SECOND,
        }
    }

    fn decision_for(context: RetryContext) -> RetryDecision {
        decide(&RetryPolicy::default(), &Budget::new(), context, (0.5, 0.5))
    }

    #[test]
    fn what_may_have_happened_is_repeated_only_if_that_changes_nothing() {
        for (sent, effect, again) in [
            (Delivery::NotSent, Idempotency::NonIdempotent, true),
            (Delivery::Throttled, Idempotency::NonIdempotent, true),
            (Delivery::Unknown, Idempotency::NonIdempotent, false),
            (Delivery::Rejected, Idempotency::NonIdempotent, false),
            (Delivery::Unknown, Idempotency::Idempotent, true),
            (Delivery::Unknown, Idempotency::Safe, true),
            (Delivery::Rejected, Idempotency::Safe, false),
        ] {
            let decision = decision_for(context(sent, effect));
            assert_eq!(
                matches!(decision, RetryDecision::Again(_)),
                again,
                "{sent:?} {effect:?}"
            );
        }
    }

    #[test]
    fn what_does_not_pass_is_not_repeated() {
        let lasting = RetryContext {
            transient: false,
            ..context(Delivery::NotSent, Idempotency::Safe)
        };
        assert_eq!(decision_for(lasting), RetryDecision::Final);
    }

    #[test]
    fn the_back_off_doubles_up_to_its_cap() {
        let policy = RetryPolicy::default();
        let at_most = |attempt| policy.backoff_after(attempt, policy.base, 1.0);
        assert_eq!(at_most(1), Duration::from_millis(200));
        assert_eq!(at_most(2), Duration::from_millis(400));
        assert_eq!(at_most(7), 10 * SECOND);
        assert_eq!(at_most(u32::MAX), 10 * SECOND);
        assert_eq!(policy.backoff_after(3, policy.base, 0.0), Duration::ZERO);
    }

    #[test]
    fn a_server_hint_is_honoured_up_to_the_limit() {
        let asked = |wait| RetryContext {
            asked: Some(wait),
            ..context(Delivery::Throttled, Idempotency::NonIdempotent)
        };
        assert_eq!(
            decision_for(asked(3 * SECOND)),
            RetryDecision::Again(Duration::from_millis(3_500))
        );
        assert_eq!(
            decision_for(asked(Duration::ZERO)),
            RetryDecision::Again(Duration::from_millis(500))
        );
        for far in [61 * SECOND, Duration::MAX] {
            assert_eq!(
                decision_for(asked(far)),
                RetryDecision::Again(Duration::from_millis(60_500))
            );
        }
    }

    #[test]
    fn a_refusal_without_a_hint_backs_off_longer_than_a_failure() {
        let wait = |sent| decision_for(context(sent, Idempotency::Safe));
        assert_eq!(wait(Delivery::Unknown), RetryDecision::Again(SECOND / 10));
        assert_eq!(wait(Delivery::Throttled), RetryDecision::Again(SECOND / 2));
    }

    #[test]
    fn waits_without_end_do_not_panic() {
        let policy = RetryPolicy::new().backoff(Duration::MAX, Duration::MAX);
        let endless = policy.backoff_after(u32::MAX, policy.base, 1.0);
        assert_eq!(endless, Duration::MAX);
    }

    #[test]
    fn only_waits_that_the_service_asked_for_are_free() {
        let (policy, budget) = (RetryPolicy::default(), Budget::new());
        let go = |sent, asked| {
            let context = RetryContext {
                asked,
                ..context(sent, Idempotency::Safe)
            };
            decide(&policy, &budget, context, (0.1, 0.1))
        };
        for _ in 0..30 {
            let free = go(Delivery::Throttled, Some(SECOND));
            assert!(matches!(free, RetryDecision::Again(_)));
        }
        // Headers about limits on a failure make no refusal of it.
        for _ in 0..20 {
            let paid = go(Delivery::Unknown, Some(SECOND));
            assert!(matches!(paid, RetryDecision::Again(_)));
        }
        assert_eq!(go(Delivery::Throttled, None), RetryDecision::BudgetUsedUp);
    }

    #[test]
    fn no_wait_reaches_past_the_deadline() {
        let short = RetryContext {
            asked: Some(SECOND),
            remaining: Duration::from_millis(1_499),
            ..context(Delivery::Throttled, Idempotency::Safe)
        };
        assert_eq!(decision_for(short), RetryDecision::DeadlineFirst);
    }

    #[test]
    fn attempts_and_budget_end() {
        let last = RetryContext {
            attempt: 4,
            ..context(Delivery::NotSent, Idempotency::Safe)
        };
        assert_eq!(decision_for(last), RetryDecision::AttemptsUsedUp);

        let (policy, budget) = (RetryPolicy::default(), Budget::new());
        let go = || {
            decide(
                &policy,
                &budget,
                context(Delivery::NotSent, Idempotency::Safe),
                (0.1, 0.1),
            )
        };
        assert_eq!(
            (0..20)
                .filter(|_| matches!(go(), RetryDecision::Again(_)))
                .count(),
            20
        );
        assert_eq!(go(), RetryDecision::BudgetUsedUp);
        (0..5).for_each(|_| budget.refill());
        assert!(matches!(go(), RetryDecision::Again(_)));
    }
}
