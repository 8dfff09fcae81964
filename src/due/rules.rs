//! What each rule of a policy says of a token.
//!
//! A date that cannot be one is a fact that is not reported, so it makes no token due.

use std::fmt;
use std::time::{Duration, SystemTime};

use super::{Due, Reason, RotationPolicy, days};
use crate::service::{TokenRecord, TokenState};
use crate::text::human_duration;
use crate::time::When;

/// How far clocks may differ before a past event that lies ahead is no event at all.
const SKEW: Duration = days(1);

impl RotationPolicy {
    /// Judges a token at a time. Nothing but the arguments counts.
    #[must_use]
    pub fn due(&self, token: &TokenRecord, now: SystemTime) -> Due {
        judge(self, token, now)
    }
}

fn judge(policy: &RotationPolicy, token: &TokenRecord, now: SystemTime) -> Due {
    if token.state == TokenState::Inactive {
        return Due::NotYet(Reason("is inactive".to_owned()));
    }
    let expires = token.expires.credible();
    let over = has_ended(token, now);
    if over && !policy.include_expired {
        return Due::NotYet(Reason(ended(expires, now)));
    }
    let findings = [
        policy.max_age.map(|limit| of_age(token, limit, now)),
        policy.expires_within.map(|limit| {
            if over {
                return Finding::new(Some(true), ended(expires, now), limit);
            }
            of_end(expires, limit, now)
        }),
        policy.unused_for.map(|limit| of_use(token, limit, now)),
    ];
    verdict(&findings.into_iter().flatten().collect::<Vec<_>>())
}

/// Whether a token's time is over, by its date or by the service's word.
pub(crate) fn has_ended(token: &TokenRecord, now: SystemTime) -> bool {
    let end = token.expires.credible().time();
    token.state == TokenState::Expired || end.is_some_and(|end| end <= now)
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

fn of_age(token: &TokenRecord, limit: Duration, now: SystemTime) -> Finding {
    let Some(created) = past(token.created, now).time() else {
        return Finding::new(None, "creation not reported", limit);
    };
    let age = since(created, now);
    let fact = format!("created {} ago", human_duration(age));
    Finding::new(Some(age >= limit), fact, limit)
}

fn of_end(expires: When, limit: Duration, now: SystemTime) -> Finding {
    match expires {
        When::At(end) => {
            let rest = since(now, end);
            let fact = format!("expires in {}", human_duration(rest));
            Finding::new(Some(rest <= limit), fact, limit)
        }
        When::Never => Finding::new(Some(false), "never expires", limit),
        When::NotReported => Finding::new(None, "expiry not reported", limit),
    }
}

fn of_use(token: &TokenRecord, limit: Duration, now: SystemTime) -> Finding {
    let due = unused_for(token, limit, now);
    let ago = |time| human_duration(since(time, now));
    let fact = match (past(token.last_used, now), past(token.created, now)) {
        (When::At(last), _) => format!("last used {} ago", ago(last)),
        (When::Never, When::At(created)) => format!("never used, created {} ago", ago(created)),
        (When::Never, _) => "never used, creation not reported".to_owned(),
        (When::NotReported, _) => "last use not reported".to_owned(),
    };
    Finding::new(due, fact, limit)
}

/// Whether a token was not used for that long; `None` if a fact is missing.
pub(crate) fn unused_for(token: &TokenRecord, limit: Duration, now: SystemTime) -> Option<bool> {
    let since_when = match past(token.last_used, now) {
        When::At(last) => last,
        // A token that was made a minute ago is not unused for a quarter.
        When::Never => past(token.created, now).time()?,
        When::NotReported => return None,
    };
    Some(since(since_when, now) >= limit)
}

/// When something happened; not reported if that cannot be.
fn past(when: When, now: SystemTime) -> When {
    match when.credible() {
        When::At(time) if since(now, time) > SKEW => When::NotReported,
        told => told,
    }
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
