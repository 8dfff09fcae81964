//! Services whose changes are not seen everywhere at once.

use std::time::{Duration, SystemTime};

use serde::Deserialize;

use super::fault::seconds;

/// Delays until a change at a service is seen, by the twin's clock; none at first.
///
/// Real services answer from caches and replicas: a new secret is refused for some seconds, a list
/// lacks what was made just now, a removed token goes on working for a moment.
///
/// In JSON, times are in seconds: `{"new_secrets": 5, "lists": 30}`.
///
/// ```
/// use access_tokens::Clock;
/// use access_tokens_testing::launchdarkly::Seed;
/// use access_tokens_testing::{LaunchDarkly, Settling, VirtualClock};
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let clock = VirtualClock::new();
/// let twin = LaunchDarkly::builder().clock(clock.clone()).start().await?;
/// let late = Duration::from_secs(5);
/// twin.set_settling(Settling::new().new_secrets(late).lists(late));
/// // … the application makes a token; for five seconds its secret is 401, and no list has it …
/// # twin.seed(Seed::new("there before"));
/// clock.advance(late);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[must_use = "a twin settles late once `set_settling` has it"]
pub struct Settling {
    #[serde(deserialize_with = "seconds")]
    pub(crate) new_secrets: Duration,
    #[serde(deserialize_with = "seconds")]
    pub(crate) old_secrets: Duration,
    #[serde(deserialize_with = "seconds")]
    pub(crate) reads: Duration,
    #[serde(deserialize_with = "seconds")]
    pub(crate) lists: Duration,
}

impl Settling {
    /// A service where everything is seen at once.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how long the secret of a create, a reset or an update is refused with 401.
    pub fn new_secrets(mut self, late: Duration) -> Self {
        self.new_secrets = late;
        self
    }

    /// Sets how long the secret of a removed token, or one that was replaced, goes on working.
    pub fn old_secrets(mut self, late: Duration) -> Self {
        self.old_secrets = late;
        self
    }

    /// Sets how long a new token is not found when it is read by its key, and a removed one still is.
    pub fn reads(mut self, late: Duration) -> Self {
        self.reads = late;
        self
    }

    /// Sets how long lists lack a new token and still have a removed one.
    pub fn lists(mut self, late: Duration) -> Self {
        self.lists = late;
        self
    }

    /// How long a removed token is remembered.
    pub(crate) fn memory(&self) -> Duration {
        self.old_secrets.max(self.reads).max(self.lists)
    }
}

/// When something was made and removed through the API; what was seeded has no such time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Life {
    pub(crate) made: Option<SystemTime>,
    pub(crate) gone: Option<SystemTime>,
}

impl Life {
    pub(crate) fn made(at: SystemTime) -> Self {
        Self {
            made: Some(at),
            gone: None,
        }
    }

    /// Whether it is there for somebody who sees things this late.
    pub(crate) fn is_seen(&self, late: Duration, now: SystemTime) -> bool {
        self.made.is_none_or(|made| is_over(made, late, now)) && self.lingers(late, now)
    }

    /// Whether its end, if there is one, is not seen yet.
    pub(crate) fn lingers(&self, late: Duration, now: SystemTime) -> bool {
        self.gone.is_none_or(|gone| !is_over(gone, late, now))
    }
}

/// Whether this much time has passed since then.
pub(crate) fn is_over(since: SystemTime, late: Duration, now: SystemTime) -> bool {
    late.is_zero() || now.duration_since(since).is_ok_and(|passed| passed >= late)
}
