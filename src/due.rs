//! Whether a token is due, as a pure function of policy, record and time.

use std::time::Duration;

mod policy;
mod rules;
mod verdict;

pub use self::policy::RotationPolicy;
pub(crate) use self::rules::{has_ended, unused_for};
pub use self::verdict::{Due, Reason};

/// Number of days, of 24 hours each, as a [`Duration`].
///
/// ```
/// use std::time::Duration;
///
/// assert_eq!(access_tokens::days(2), Duration::from_secs(172_800));
/// ```
#[must_use]
pub const fn days(days: u64) -> Duration {
    Duration::from_secs(days.saturating_mul(86_400))
}
