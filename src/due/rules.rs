//! What each rule of a policy says of a token.
//!
//! A date that cannot be one is a fact that is not reported, so it makes no token due.

use std::fmt;
use std::time::{Duration, SystemTime};

use super::verdict::{Due, Reason};
use crate::service::{TokenRecord, TokenState};
use crate::text::human_duration;
use crate::time::When;

/// How far clocks may differ before a past event that lies ahead is no event at all.
const SKEW: Duration = Duration::from_secs(86_400);

/// Whether a token's time is over, by its date or by the service's word.
pub(crate) fn has_ended(token: &TokenRecord, now: SystemTime) -> bool {
    let end = token.expires.credible().time();
    token.state == TokenState::Expired || end.is_some_and(|end| end <= now)
}

/// What one rule says.
pub(super) struct Finding {
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

pub(super) fn verdict(findings: &[Finding]) -> Due {
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

pub(super) fn of_age(token: &TokenRecord, limit: Duration, now: SystemTime) -> Finding {
    let Some(created) = past(token.created, now).time() else {
        return Finding::new(None, "creation not reported", limit);
    };
    let age = since(created, now);
    let fact = format!("created {} ago", human_duration(age));
    Finding::new(Some(age >= limit), fact, limit)
}

pub(super) fn of_end(token: &TokenRecord, limit: Duration, now: SystemTime) -> Finding {
    if has_ended(token, now) {
        return Finding::new(Some(true), ended(token, now), limit);
    }
    match token.expires.credible() {
        When::At(end) => {
            let rest = since(now, end);
            let fact = format!("expires in {}", human_duration(rest));
            Finding::new(Some(rest <= limit), fact, limit)
        }
        When::Never => Finding::new(Some(false), "never expires", limit),
        When::NotReported => Finding::new(None, "expiry not reported", limit),
    }
}

pub(super) fn of_use(token: &TokenRecord, limit: Duration, now: SystemTime) -> Finding {
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

pub(super) fn ended(token: &TokenRecord, now: SystemTime) -> String {
    let end = token.expires.credible().time();
    match end.map(|end| since(end, now)) {
        Some(ago) if !ago.is_zero() => format!("expired {} ago", human_duration(ago)),
        _ => "expired".to_owned(),
    }
}

/// From one time to the other; nothing if they are the other way round, as with clocks that differ.
fn since(from: SystemTime, to: SystemTime) -> Duration {
    to.duration_since(from).unwrap_or_default()
}
