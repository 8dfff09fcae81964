//! How a twin is set up.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::limits::RateLimit;
use super::{LaunchDarkly, start};
use crate::common::builder_methods;
use access_tokens::Clock;

/// Form of an expiry that is not set; the service does not document it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnsetExpiry {
    /// There is no member `expiry`.
    #[default]
    Absent,
    /// It is `null`.
    Null,
    /// It is `0`.
    Zero,
}

/// Meaning of `totalCount` in the list of tokens; the service's description is ambiguous.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TotalCount {
    /// The number of tokens on all pages.
    #[default]
    All,
    /// The number of tokens on this page.
    Page,
    /// There is no member `totalCount`.
    Absent,
}

#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one switch of the builder"
)]
pub(super) struct Options {
    pub(super) rate_limit: RateLimit,
    pub(super) empty_401: bool,
    pub(super) max_limit: Option<u64>,
    pub(super) page_links: bool,
    pub(super) total_count: TotalCount,
    pub(super) unset_expiry: UnsetExpiry,
    pub(super) ignores_expiry: bool,
    pub(super) empty_lists: bool,
    pub(super) lists_expired: bool,
    pub(super) replaces_absent: bool,
    pub(super) commented_patches: bool,
    pub(super) failed_test_status: u16,
    pub(super) denied_reads: Option<u16>,
    pub(super) max_lifetime: Option<Duration>,
    pub(super) expiry_granularity: Duration,
    pub(super) max_tokens: Option<usize>,
}

impl Options {
    /// The end that a token gets which asks for this one.
    pub(super) fn granted(&self, asked: Option<SystemTime>, now: SystemTime) -> Option<SystemTime> {
        let latest = self.max_lifetime.and_then(|max| now.checked_add(max));
        let end = match (asked, latest) {
            (Some(asked), Some(latest)) => asked.min(latest),
            (asked, latest) => asked.or(latest)?,
        };
        let since_epoch = end
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_millis();
        let rest = since_epoch.checked_rem(self.expiry_granularity.as_millis());
        let rest =
            Duration::from_millis(u64::try_from(rest.unwrap_or_default()).unwrap_or_default());
        Some(end.checked_sub(rest).unwrap_or(end))
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            rate_limit: RateLimit::new(),
            empty_401: false,
            max_limit: None,
            page_links: true,
            total_count: TotalCount::default(),
            unset_expiry: UnsetExpiry::default(),
            ignores_expiry: false,
            empty_lists: false,
            lists_expired: true,
            replaces_absent: false,
            commented_patches: false,
            failed_test_status: 422,
            denied_reads: None,
            max_lifetime: None,
            expiry_granularity: Duration::ZERO,
            max_tokens: None,
        }
    }
}

/// Builder of a [`LaunchDarkly`] twin. What is not set follows the documentation, and where that is
/// silent the stricter reading.
#[derive(Debug)]
pub struct Builder {
    clock: Arc<dyn Clock>,
    options: Options,
}

builder_methods!(LaunchDarkly, start);

impl Builder {
    /// Sets the budgets of requests; none by default.
    #[must_use]
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.options.rate_limit = limit;
        self
    }

    /// Whether a 401 comes without a body, instead of with the JSON of other errors.
    #[must_use]
    pub fn empty_401(mut self, empty: bool) -> Self {
        self.options.empty_401 = empty;
        self
    }

    /// Sets the longest page that is given, whatever `limit` asks for; no bound by default.
    #[must_use]
    pub fn max_limit(mut self, items: u64) -> Self {
        self.options.max_limit = Some(items.max(1));
        self
    }

    /// Whether pages link to the first, previous, next and last one; they do by default.
    #[must_use]
    pub fn page_links(mut self, on: bool) -> Self {
        self.options.page_links = on;
        self
    }

    /// Sets what `totalCount` says.
    #[must_use]
    pub fn total_count(mut self, count: TotalCount) -> Self {
        self.options.total_count = count;
        self
    }

    /// Sets how answers show that there is no expiry.
    #[must_use]
    pub fn unset_expiry(mut self, unset: UnsetExpiry) -> Self {
        self.options.unset_expiry = unset;
        self
    }

    /// Whether the member `expiry` is unknown, as on servers from before October 2026: it is then
    /// ignored in requests and missing from answers.
    #[must_use]
    pub fn ignores_expiry(mut self, on: bool) -> Self {
        self.options.ignores_expiry = on;
        self
    }

    /// Whether answers show roles that are not set as `[]`, instead of leaving them out.
    #[must_use]
    pub fn empty_lists(mut self, on: bool) -> Self {
        self.options.empty_lists = on;
        self
    }

    /// Whether expired tokens can still be listed and read; they can by default.
    #[must_use]
    pub fn lists_expired(mut self, on: bool) -> Self {
        self.options.lists_expired = on;
        self
    }

    /// Whether a patch may `replace` a `/description` or an `/expiry` that is not set. By default
    /// it fails, as in RFC 6902; for `/role`, `/customRoleIds` and `/inlineRole` it always works.
    #[must_use]
    pub fn replaces_absent(mut self, on: bool) -> Self {
        self.options.replaces_absent = on;
        self
    }

    /// Whether a patch may be wrapped as `{"comment": …, "patch": […]}`; refused by default.
    #[must_use]
    pub fn commented_patches(mut self, on: bool) -> Self {
        self.options.commented_patches = on;
        self
    }

    /// Whether a failed `test` in a patch gives 409 `optimistic_locking_error` instead of 422
    /// `patch_failed`.
    #[must_use]
    pub fn failed_test_conflicts(mut self, on: bool) -> Self {
        self.options.failed_test_status = if on { 409 } else { 422 };
        self
    }

    /// Sets the longest life that a token is granted: an end that is further away is brought forward
    /// without a word, and a token without an end gets one. No bound by default.
    #[must_use]
    pub fn max_lifetime(mut self, lifetime: Duration) -> Self {
        self.options.max_lifetime = Some(lifetime);
        self
    }

    /// Cuts ends to whole multiples of this, such as days; to the millisecond by default.
    #[must_use]
    pub fn expiry_granularity(mut self, step: Duration) -> Self {
        self.options.expiry_granularity = step;
        self
    }

    /// Sets how many tokens the account may have, the credential's and the ended ones included; one more
    /// is refused with 400. No bound by default. The service has one, but documents neither the
    /// number nor the answer.
    #[must_use]
    pub fn max_tokens(mut self, number: usize) -> Self {
        self.options.max_tokens = Some(number);
        self
    }

    /// Sets the status with which reading tokens is refused to tokens that have no base role; by default
    /// they may read.
    ///
    /// The service's table of errors says 401 of a missing permission as well, so that reading a
    /// token with its own secret does not tell whether the secret works; `caller-identity` does.
    #[must_use]
    pub fn denied_reads(mut self, status: u16) -> Self {
        self.options.denied_reads = Some(status);
        self
    }
}
