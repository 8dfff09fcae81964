//! Whether and when to send again.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::operation::Effect;

/// When a failed attempt is followed by another.
///
/// An attempt is repeated only if its request certainly did not leave, if the service certainly
/// declined it (429, 503 with a hint), or if the failure is passing and repeating the operation
/// changes nothing (see [`Effect`]). The policy sets how often and how long.
///
/// | setting | default |
/// |---|---|
/// | attempts | 4 in all |
/// | back-off | full jitter, from 0.2 s, doubling up to 10 s |
/// | a wait that the service asks for | honoured up to 60 s, with up to 1 s of jitter; a longer one ends the call |
/// | budget per client | 100, a retry after a failure costs 5, a success gives 1 back |
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

    /// One attempt, whatever happens.
    pub fn none() -> Self {
        Self {
            max_attempts: 1,
            ..Self::default()
        }
    }

    /// How many attempts there may be in all; 0 is taken for 1.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    /// The back-off before the second attempt at most, and its upper limit.
    pub fn backoff(mut self, base: Duration, cap: Duration) -> Self {
        self.base = base;
        self.cap = cap;
        self
    }

    /// The longest wait that a service may ask for.
    pub fn max_server_wait(mut self, wait: Duration) -> Self {
        self.max_server_wait = wait;
        self
    }

    /// The back-off after the given attempt (1 for the first): anything up to the doubled base.
    fn backoff_after(&self, attempt: u32, random: f64) -> Duration {
        let doubled = self
            .base
            .saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)));
        doubled.min(self.cap).mul_f64(random.clamp(0.0, 1.0))
    }
}

/// Whether the service acted on a request that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It never left.
    No,
    /// The service says that it did not act, and that one may come again.
    Declined,
    /// The service says no.
    Refused,
    /// Nobody knows.
    Maybe,
}

/// The facts about a failure that decide on a retry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Situation {
    pub(crate) sent: Sent,
    pub(crate) transient: bool,
    pub(crate) effect: Effect,
    /// Attempts made so far.
    pub(crate) attempt: u32,
    /// What the service asks to wait.
    pub(crate) asked: Option<Duration>,
    /// What is left until the call's deadline.
    pub(crate) left: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// Again, after this long.
    Again(Duration),
    /// Not again, and nothing to add.
    Final,
    /// Would go again, but the attempts are used up.
    AttemptsUsedUp,
    /// Would go again, but the client has failed too often lately.
    BudgetUsedUp,
    /// Would go again, but the service asks for a longer wait than allowed.
    WaitTooLong,
    /// Would go again, but the deadline comes first.
    DeadlineFirst,
}

/// Decides on the next step. `random` is two draws from 0..1.
pub(crate) fn decide(
    policy: &RetryPolicy,
    budget: &Budget,
    situation: Situation,
    random: (f64, f64),
) -> Verdict {
    let may = match situation.sent {
        Sent::No | Sent::Declined => situation.transient,
        Sent::Maybe => situation.transient && situation.effect != Effect::Once,
        Sent::Refused => false,
    };
    if !may {
        return Verdict::Final;
    }
    if situation.attempt >= policy.max_attempts {
        return Verdict::AttemptsUsedUp;
    }
    let wait = match situation.asked {
        Some(asked) if asked > policy.max_server_wait => return Verdict::WaitTooLong,
        // Everybody was told the same moment: spread out.
        Some(asked) => asked.saturating_add(Duration::from_secs(1).mul_f64(random.1)),
        None => policy.backoff_after(situation.attempt, random.0),
    };
    if wait >= situation.left {
        return Verdict::DeadlineFirst;
    }
    // A service that says when to come back is not failing.
    if situation.asked.is_none() && !budget.spend() {
        return Verdict::BudgetUsedUp;
    }
    Verdict::Again(wait)
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
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match left.checked_sub(Self::RETRY) {
            Some(rest) => {
                *left = rest;
                true
            }
            None => false,
        }
    }

    pub(crate) fn refill(&self) {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *left = (*left + 1).min(Self::FULL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn situation(sent: Sent, effect: Effect) -> Situation {
        Situation {
            sent,
            transient: true,
            effect,
            attempt: 1,
            asked: None,
            left: 100 * SECOND,
        }
    }

    fn verdict(situation: Situation) -> Verdict {
        decide(
            &RetryPolicy::default(),
            &Budget::new(),
            situation,
            (0.5, 0.5),
        )
    }

    #[test]
    fn what_may_have_happened_is_repeated_only_if_that_changes_nothing() {
        for (sent, effect, again) in [
            (Sent::No, Effect::Once, true),
            (Sent::Declined, Effect::Once, true),
            (Sent::Maybe, Effect::Once, false),
            (Sent::Refused, Effect::Once, false),
            (Sent::Maybe, Effect::Idempotent, true),
            (Sent::Maybe, Effect::Read, true),
            (Sent::Refused, Effect::Read, false),
        ] {
            let verdict = verdict(situation(sent, effect));
            assert_eq!(
                matches!(verdict, Verdict::Again(_)),
                again,
                "{sent:?} {effect:?}"
            );
        }
    }

    #[test]
    fn what_does_not_pass_is_not_repeated() {
        let lasting = Situation {
            transient: false,
            ..situation(Sent::No, Effect::Read)
        };
        assert_eq!(verdict(lasting), Verdict::Final);
    }

    #[test]
    fn the_back_off_doubles_up_to_its_cap() {
        let policy = RetryPolicy::default();
        let at_most = |attempt| policy.backoff_after(attempt, 1.0);
        assert_eq!(at_most(1), Duration::from_millis(200));
        assert_eq!(at_most(2), Duration::from_millis(400));
        assert_eq!(at_most(7), 10 * SECOND);
        assert_eq!(at_most(u32::MAX), 10 * SECOND);
        assert_eq!(policy.backoff_after(3, 0.0), Duration::ZERO);
    }

    #[test]
    fn a_server_hint_is_honoured_up_to_the_limit() {
        let asked = |wait| Situation {
            asked: Some(wait),
            ..situation(Sent::Declined, Effect::Once)
        };
        assert_eq!(
            verdict(asked(3 * SECOND)),
            Verdict::Again(Duration::from_millis(3_500))
        );
        assert_eq!(
            verdict(asked(Duration::ZERO)),
            Verdict::Again(Duration::from_millis(500))
        );
        assert_eq!(verdict(asked(61 * SECOND)), Verdict::WaitTooLong);
        assert_eq!(verdict(asked(Duration::MAX)), Verdict::WaitTooLong);
    }

    #[test]
    fn no_wait_reaches_past_the_deadline() {
        let short = Situation {
            asked: Some(SECOND),
            left: Duration::from_millis(1_499),
            ..situation(Sent::Declined, Effect::Read)
        };
        assert_eq!(verdict(short), Verdict::DeadlineFirst);
    }

    #[test]
    fn attempts_and_budget_end() {
        let last = Situation {
            attempt: 4,
            ..situation(Sent::No, Effect::Read)
        };
        assert_eq!(verdict(last), Verdict::AttemptsUsedUp);

        let (policy, budget) = (RetryPolicy::default(), Budget::new());
        let go = || {
            decide(
                &policy,
                &budget,
                situation(Sent::No, Effect::Read),
                (0.1, 0.1),
            )
        };
        assert_eq!(
            (0..20)
                .filter(|_| matches!(go(), Verdict::Again(_)))
                .count(),
            20
        );
        assert_eq!(go(), Verdict::BudgetUsedUp);
        (0..5).for_each(|_| budget.refill());
        assert!(matches!(go(), Verdict::Again(_)));
    }
}
