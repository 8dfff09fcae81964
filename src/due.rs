//! Whether a token is due, as a pure function of policy, record and time.

use std::fmt;
use std::time::{Duration, SystemTime};

use crate::service::{TokenRecord, TokenState};
use crate::text::human_duration;
use crate::time::When;

const DAY: u64 = 86_400;

/// That many days of 24 hours.
///
/// ```
/// use std::time::Duration;
///
/// assert_eq!(access_tokens::days(2), Duration::from_secs(172_800));
/// ```
#[must_use]
pub const fn days(days: u64) -> Duration {
    Duration::from_secs(days.saturating_mul(DAY))
}

/// The rules by which a token is due for a change of its secret.
///
/// A token is due as soon as one rule asks for it; without rules none ever is. All limits are
/// inclusive: with [`expires_within`](Self::expires_within) 14 days, a token that ends in exactly
/// 14 days is due.
///
/// Tokens that are switched off, revoked or over are not due: to renew one would bring back what
/// somebody may have ended on purpose. [`include_expired`](Self::include_expired) changes that for those
/// whose time is over.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use access_tokens::{Due, RotationPolicy, Service, TokenKey, TokenRecord, When, days};
///
/// let now = UNIX_EPOCH + days(20_000);
/// let mut token = TokenRecord::new(Service::LAUNCH_DARKLY, TokenKey::new("66aa10f2"));
/// token.expires = When::At(now + days(6));
///
/// let due = RotationPolicy::new().expires_within(days(14)).due(&token, now);
/// assert!(due.is_now());
/// assert_eq!(due.reason().to_string(), "expires in 6 days, policy: 14 days");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RotationPolicy {
    /// See [`max_age`](Self::max_age).
    pub max_age: Option<Duration>,
    /// See [`expires_within`](Self::expires_within).
    pub expires_within: Option<Duration>,
    /// See [`unused_for`](Self::unused_for).
    pub unused_for: Option<Duration>,
    /// See [`include_expired`](Self::include_expired).
    pub include_expired: bool,
}

impl RotationPolicy {
    /// No rules yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Due at this age. The age counts from the token's creation; that its secret was reset since
    /// is not seen.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Due this long before the token ends. A token that never ends is not due by this rule.
    #[must_use]
    pub fn expires_within(mut self, time: Duration) -> Self {
        self.expires_within = Some(time);
        self
    }

    /// Due when last used this long ago; if never used, this long after its creation.
    #[must_use]
    pub fn unused_for(mut self, time: Duration) -> Self {
        self.unused_for = Some(time);
        self
    }

    /// Whether tokens whose time is over are judged by the rules too, and due by
    /// [`expires_within`](Self::expires_within).
    #[must_use]
    pub fn include_expired(mut self, on: bool) -> Self {
        self.include_expired = on;
        self
    }

    /// Judges a token. Nothing but the arguments counts.
    #[must_use]
    pub fn due(&self, token: &TokenRecord, now: SystemTime) -> Due {
        if token.state == TokenState::Inactive {
            return Due::NotYet(Reason("is inactive".to_owned()));
        }
        let over = token.state == TokenState::Expired
            || token.expires.time().is_some_and(|end| end <= now);
        if over && !self.include_expired {
            return Due::NotYet(Reason(ended(token.expires, now)));
        }
        let findings = [
            self.max_age.map(|limit| of_age(token.created, limit, now)),
            self.expires_within.map(|limit| {
                if over {
                    return Finding::now(ended(token.expires, now), limit);
                }
                of_end(token.expires, limit, now)
            }),
            self.unused_for.map(|limit| of_use(token, limit, now)),
        ];
        verdict(&findings.into_iter().flatten().collect::<Vec<_>>())
    }
}

/// Whether a token is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// It is: all rules that ask for it.
    Now(Reason),
    /// No rule asks for it: how all of them stand.
    NotYet(Reason),
    /// No rule asks for it as far as can be told, but at least one lacks a fact that the service
    /// does not report: which.
    Unknown(Reason),
}

impl Due {
    /// Whether it certainly is.
    #[must_use]
    pub fn is_now(&self) -> bool {
        matches!(self, Self::Now(_))
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> &Reason {
        match self {
            Self::Now(reason) | Self::NotYet(reason) | Self::Unknown(reason) => reason,
        }
    }
}

/// `due: …`, `not due: …` or `unknown: …` with the reason.
impl fmt::Display for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self {
            Self::Now(_) => "due",
            Self::NotYet(_) => "not due",
            Self::Unknown(_) => "unknown",
        };
        f.pad(&format!("{verdict}: {}", self.reason()))
    }
}

/// Why a token is due or not, in words for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(String);

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What one rule says.
struct Finding {
    /// `None`: a fact is missing.
    due: Option<bool>,
    text: String,
}

impl Finding {
    fn new(due: Option<bool>, fact: impl fmt::Display, limit: Duration) -> Self {
        let text = format!("{fact}, policy: {}", human_duration(limit));
        Self { due, text }
    }

    fn now(fact: impl fmt::Display, limit: Duration) -> Self {
        Self::new(Some(true), fact, limit)
    }
}

fn verdict(findings: &[Finding]) -> Due {
    let texts = |wanted: &dyn Fn(&Finding) -> bool| {
        let texts: Vec<&str> = findings
            .iter()
            .filter(|finding| wanted(finding))
            .map(|finding| finding.text.as_str())
            .collect();
        (!texts.is_empty()).then(|| Reason(texts.join("; ")))
    };
    if let Some(reason) = texts(&|finding| finding.due == Some(true)) {
        return Due::Now(reason);
    }
    if let Some(reason) = texts(&|finding| finding.due.is_none()) {
        return Due::Unknown(reason);
    }
    let all = texts(&|_| true);
    Due::NotYet(all.unwrap_or_else(|| Reason("the policy has no rules".to_owned())))
}

fn of_age(created: When, limit: Duration, now: SystemTime) -> Finding {
    let Some(created) = created.time() else {
        return Finding::new(None, "creation not reported", limit);
    };
    let age = since(created, now);
    Finding::new(
        Some(age >= limit),
        format!("created {} ago", human_duration(age)),
        limit,
    )
}

fn of_end(expires: When, limit: Duration, now: SystemTime) -> Finding {
    match expires {
        When::At(end) => {
            let rest = since(now, end);
            Finding::new(
                Some(rest <= limit),
                format!("expires in {}", human_duration(rest)),
                limit,
            )
        }
        When::Never => Finding::new(Some(false), "never expires", limit),
        When::NotReported => Finding::new(None, "expiry not reported", limit),
    }
}

fn of_use(token: &TokenRecord, limit: Duration, now: SystemTime) -> Finding {
    let due = unused_for(token, limit, now);
    let fact = match (token.last_used, token.created) {
        (When::At(last), _) => format!("last used {} ago", human_duration(since(last, now))),
        (When::Never, When::At(created)) => {
            format!(
                "never used, created {} ago",
                human_duration(since(created, now))
            )
        }
        (When::Never, _) => "never used, creation not reported".to_owned(),
        (When::NotReported, _) => "last use not reported".to_owned(),
    };
    Finding::new(due, fact, limit)
}

/// Whether a token was not used for that long; `None` if a fact is missing.
pub(crate) fn unused_for(token: &TokenRecord, limit: Duration, now: SystemTime) -> Option<bool> {
    let since_when = match token.last_used {
        When::At(last) => last,
        // A token that was made a minute ago is not unused for a quarter.
        When::Never => token.created.time()?,
        When::NotReported => return None,
    };
    Some(since(since_when, now) >= limit)
}

fn ended(expires: When, now: SystemTime) -> String {
    match expires.time().map(|end| since(end, now)) {
        Some(ago) if !ago.is_zero() => format!("expired {} ago", human_duration(ago)),
        _ => "expired".to_owned(),
    }
}

/// From one time to the other; nothing if they are the other way round, as with clocks that differ.
fn since(from: SystemTime, to: SystemTime) -> Duration {
    to.duration_since(from).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::id::Service;
    use crate::service::TokenKey;

    const SECOND: Duration = Duration::from_secs(1);
    const ALMOST_90_DAYS: Duration = Duration::from_secs(90 * DAY - 1);

    fn now() -> SystemTime {
        UNIX_EPOCH + days(20_000)
    }

    fn token() -> TokenRecord {
        let mut token = TokenRecord::new(Service::new("Fourth"), TokenKey::new("k"));
        token.state = TokenState::Active;
        token
    }

    fn evaluate(policy: &RotationPolicy, change: impl FnOnce(&mut TokenRecord)) -> String {
        let mut token = token();
        change(&mut token);
        policy.due(&token, now()).to_string()
    }

    #[test]
    fn the_end_is_due_at_the_limit_and_not_a_second_before() {
        let policy = RotationPolicy::new().expires_within(days(14));
        let ends_in = |rest| evaluate(&policy, |t| t.expires = When::At(now() + rest));
        assert_eq!(ends_in(days(6)), "due: expires in 6 days, policy: 14 days");
        assert_eq!(
            ends_in(days(14)),
            "due: expires in 14 days, policy: 14 days"
        );
        assert_eq!(
            ends_in(days(14) + SECOND),
            "not due: expires in 14 days 1 second, policy: 14 days"
        );
        assert_eq!(ends_in(SECOND), "due: expires in 1 second, policy: 14 days");
        assert_eq!(
            evaluate(&policy, |t| t.expires = When::Never),
            "not due: never expires, policy: 14 days"
        );
        assert_eq!(
            evaluate(&policy, |_| ()),
            "unknown: expiry not reported, policy: 14 days"
        );
    }

    #[test]
    fn what_has_ended_is_renewed_only_if_asked() {
        let policy = RotationPolicy::new()
            .expires_within(days(14))
            .max_age(days(90));
        let asked = policy.clone().include_expired(true);
        let over = |t: &mut TokenRecord| t.expires = When::At(now());
        assert_eq!(evaluate(&policy, over), "not due: expired");
        assert_eq!(evaluate(&asked, over), "due: expired, policy: 14 days");
        let long = |t: &mut TokenRecord| t.expires = When::At(now() - days(3));
        assert_eq!(evaluate(&policy, long), "not due: expired 3 days ago");
        // The service's word counts where it gives no date.
        let told = |t: &mut TokenRecord| t.state = TokenState::Expired;
        assert_eq!(evaluate(&policy, told), "not due: expired");
        assert_eq!(evaluate(&asked, told), "due: expired, policy: 14 days");
        let off = |t: &mut TokenRecord| {
            t.state = TokenState::Inactive;
            t.expires = When::At(now() + SECOND);
        };
        assert_eq!(evaluate(&asked, off), "not due: is inactive");
    }

    #[test]
    fn age_counts_from_creation() {
        let policy = RotationPolicy::new().max_age(days(90));
        let made = |ago| evaluate(&policy, |t| t.created = When::At(now() - ago));
        assert_eq!(made(days(90)), "due: created 90 days ago, policy: 90 days");
        assert_eq!(
            made(ALMOST_90_DAYS),
            "not due: created 89 days 23 hours ago, policy: 90 days"
        );
        assert_eq!(
            evaluate(&policy, |t| t.created = When::At(now() + days(1))),
            "not due: created 0 seconds ago, policy: 90 days"
        );
        assert_eq!(
            evaluate(&policy, |_| ()),
            "unknown: creation not reported, policy: 90 days"
        );
    }

    #[test]
    fn never_used_is_not_the_same_as_not_reported() {
        let policy = RotationPolicy::new().unused_for(days(90));
        let used = |ago| evaluate(&policy, |t| t.last_used = When::At(now() - ago));
        assert!(used(days(90)).starts_with("due: last used 90 days ago"));
        assert!(used(ALMOST_90_DAYS).starts_with("not due: last used"));
        let never = |ago| {
            evaluate(&policy, |t| {
                t.last_used = When::Never;
                t.created = When::At(now() - ago);
            })
        };
        assert!(never(days(90)).starts_with("due: never used, created 90 days ago"));
        assert!(never(SECOND).starts_with("not due: never used, created 1 second ago"));
        let unknown = evaluate(&policy, |t| t.last_used = When::Never);
        assert!(unknown.starts_with("unknown: never used, creation not"));
        assert!(evaluate(&policy, |_| ()).starts_with("unknown: last use not reported"));
    }

    #[test]
    fn one_rule_is_enough_and_a_missing_fact_is_told() {
        let policy = RotationPolicy::new()
            .max_age(days(90))
            .expires_within(days(14));
        let old = |t: &mut TokenRecord| t.created = When::At(now() - days(100));
        assert_eq!(
            evaluate(&policy, old),
            "due: created 100 days ago, policy: 90 days"
        );
        let young = |t: &mut TokenRecord| t.created = When::At(now() - days(1));
        assert_eq!(
            evaluate(&policy, young),
            "unknown: expiry not reported, policy: 14 days"
        );
        let fine = |t: &mut TokenRecord| {
            young(t);
            t.expires = When::Never;
        };
        assert_eq!(
            evaluate(&policy, fine),
            "not due: created 1 day ago, policy: 90 days; never expires, policy: 14 days"
        );
        assert_eq!(
            evaluate(&RotationPolicy::new(), old),
            "not due: the policy has no rules"
        );
    }

    #[test]
    fn the_ends_of_the_range_do_not_panic() {
        let policy = RotationPolicy::new()
            .max_age(Duration::MAX)
            .expires_within(Duration::MAX)
            .unused_for(Duration::ZERO);
        for time in [UNIX_EPOCH, UNIX_EPOCH + days(u64::MAX / DAY / 4)] {
            let text = evaluate(&policy, |t| {
                t.created = When::At(time);
                t.expires = When::At(time);
                t.last_used = When::At(time);
            });
            assert!(!text.is_empty());
        }
        assert_eq!(days(u64::MAX), Duration::from_secs(u64::MAX));
    }
}
