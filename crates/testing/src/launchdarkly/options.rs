//! How a twin is set up.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::limits::RateLimit;
use super::{LaunchDarkly, start};
use crate::common::{builder_methods, settings};
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

/// Builder of a [`LaunchDarkly`] twin. What is not set follows the documentation, and where that is
/// silent the stricter reading.
#[derive(Debug)]
pub struct Builder {
    clock: Arc<dyn Clock>,
    options: Options,
}

builder_methods!(LaunchDarkly, start);

settings! {
    /// Sets the budgets of requests; none by default.
    rate_limit: RateLimit = RateLimit::new();
    /// Whether a 401 comes without a body, instead of with the JSON of other errors.
    empty_401: bool = false;
    /// Sets the longest page that is given, whatever `limit` asks for; no bound by default.
    max_limit: Option<u64> = None, |items: u64| Some(items.max(1));
    /// Whether pages link to the first, previous, next and last one; they do by default.
    page_links: bool = true;
    /// Sets what `totalCount` says.
    total_count: TotalCount = TotalCount::default();
    /// Sets how answers show that there is no expiry.
    unset_expiry: UnsetExpiry = UnsetExpiry::default();
    /// Whether the member `expiry` is unknown, as on servers from before October 2026: it is then
    /// ignored in requests and missing from answers.
    ignores_expiry: bool = false;
    /// Whether answers show roles that are not set as `[]`, instead of leaving them out.
    empty_lists: bool = false;
    /// Whether expired tokens can still be listed and read; they can by default.
    lists_expired: bool = true;
    /// Whether a patch may `replace` a `/description` or an `/expiry` that is not set. By default
    /// it fails, as in RFC 6902; for `/role`, `/customRoleIds` and `/inlineRole` it always works.
    replaces_absent: bool = false;
    /// Whether a patch may be wrapped as `{"comment": …, "patch": […]}`; refused by default.
    commented_patches: bool = false;
    /// Whether a failed `test` in a patch gives 409 `optimistic_locking_error` instead of 422
    /// `patch_failed`.
    failed_test_conflicts: bool = false;
    /// Sets the longest life that a token is granted: an end that is further away is brought forward
    /// without a word, and a token without an end gets one. No bound by default.
    max_lifetime: Option<Duration> = None, |lifetime: Duration| Some(lifetime);
    /// Cuts ends to whole multiples of this, such as days; to the millisecond by default.
    expiry_granularity: Duration = Duration::ZERO;
    /// Sets how many tokens the account may have, the credential's and the ended ones included; one more
    /// is refused with 400. No bound by default. The service has one, but documents neither the
    /// number nor the answer.
    max_tokens: Option<usize> = None, |number: usize| Some(number);
    /// Sets the status with which reading tokens is refused to tokens that have no base role; by default
    /// they may read.
    ///
    /// The service's table of errors says 401 of a missing permission as well, so that reading a
    /// token with its own secret does not tell whether the secret works; `caller-identity` does.
    denied_reads: Option<u16> = None, |status: u16| Some(status);
}
