//! The rules that a user sets.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::rules::{ended, has_ended, of_age, of_end, of_use, verdict};
use super::verdict::{Due, Reason};
use crate::service::{TokenRecord, TokenState};
use crate::time::span;

/// Rules by which a token is due for rotation.
///
/// A token is due as soon as one rule asks for it; without rules none ever is. All limits are
/// inclusive: with [`expires_within`](Self::expires_within) 14 days, a token that ends in exactly
/// 14 days is due.
///
/// It judges one record at a time, for whatever purpose: also to choose what
/// [`delete_where`](crate::TokenServiceExt::delete_where) deletes.
///
/// Tokens that are switched off, revoked or over are not due: to renew one would bring back what
/// somebody may have ended on purpose. [`include_expired`](Self::include_expired) changes that for
/// those whose time is over.
///
/// A fact that a service does not report makes no token due, and neither does a date that cannot be
/// one, such as 1970 or the year 10000: [`Due::Unknown`] says so.
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
///
/// In a configuration its members are `max_age`, `expires_within`, `unused_for` (lengths of time
/// such as `"90d"`, `"36h"` or `"1d 12h"`, in `d`, `h`, `min` and `s`) and `include_expired` (a
/// boolean); all can be left out, and a member that is not known is refused.
///
/// ```
/// use access_tokens::{RotationPolicy, days};
///
/// let policy: RotationPolicy = serde_json::from_str(r#"{"max_age": "90d"}"#)?;
/// assert_eq!(policy, RotationPolicy::new().max_age(days(90)));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RotationPolicy {
    #[serde(with = "span", skip_serializing_if = "Option::is_none")]
    pub(crate) max_age: Option<Duration>,
    #[serde(with = "span", skip_serializing_if = "Option::is_none")]
    pub(crate) expires_within: Option<Duration>,
    #[serde(with = "span", skip_serializing_if = "Option::is_none")]
    pub(crate) unused_for: Option<Duration>,
    include_expired: bool,
}

impl RotationPolicy {
    /// A policy without rules.
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

    /// Judges a token at a time. Nothing but the arguments counts.
    #[must_use]
    pub fn due(&self, token: &TokenRecord, now: SystemTime) -> Due {
        if token.state == TokenState::Inactive {
            return Due::NotYet(Reason("is inactive".to_owned()));
        }
        let over = has_ended(token, now);
        if over && !self.include_expired {
            return Due::NotYet(Reason(ended(token, now)));
        }
        let findings = [
            self.max_age.map(|limit| of_age(token, limit, now)),
            self.expires_within.map(|limit| of_end(token, limit, now)),
            self.unused_for.map(|limit| of_use(token, limit, now)),
        ];
        verdict(&findings.into_iter().flatten().collect::<Vec<_>>())
    }
}
