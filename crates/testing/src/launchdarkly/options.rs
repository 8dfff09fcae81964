//! How a twin is set up.

use std::io;
use std::sync::Arc;

use super::limits::RateLimit;
use super::{LaunchDarkly, start};
use access_tokens::{Clock, SystemClock};

/// How the answers show that a token has no expiry; the service does not document it.
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

/// What the list of tokens says as `totalCount`; the service's description is ambiguous.
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
}

/// Sets up a [`LaunchDarkly`] twin; what is not set follows the documentation, and where that is
/// silent the stricter reading.
#[derive(Debug)]
pub struct Builder {
    clock: Arc<dyn Clock>,
    options: Options,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            clock: Arc::new(SystemClock::new()),
            options: Options {
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
            },
        }
    }

    /// The clock that decides what is expired and dates everything: the system's, or a
    /// [`VirtualClock`](crate::VirtualClock).
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The budgets of requests; none by default.
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

    /// The longest page that is given, whatever `limit` asks for; no bound by default.
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

    /// What `totalCount` says.
    #[must_use]
    pub fn total_count(mut self, count: TotalCount) -> Self {
        self.options.total_count = count;
        self
    }

    /// How answers show that there is no expiry.
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

    /// The status with which reading tokens is refused to tokens that have no base role; by default
    /// they may read.
    ///
    /// The service's table of errors says 401 of a missing permission as well, so that reading a
    /// token with its own secret does not tell whether the secret works; `caller-identity` does.
    #[must_use]
    pub fn denied_reads(mut self, status: u16) -> Self {
        self.options.denied_reads = Some(status);
        self
    }

    /// Starts the twin.
    ///
    /// # Errors
    /// If the system gives no port or no thread.
    pub async fn start(self) -> io::Result<LaunchDarkly> {
        // Nothing to wait for today; starting a service is something one awaits all the same.
        std::future::ready(start(self.clock, self.options)).await
    }
}
