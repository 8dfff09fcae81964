//! How a twin is set up: a switch for each thing that the service does not document.

use std::sync::Arc;
use std::time::Duration;

use super::{AvisiCloud, start};
use crate::common::builder_methods;
use access_tokens::Clock;

/// Fate of a revoked token in the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Revoked {
    /// It stays in the list, with `active` false.
    #[default]
    StaysInactive,
    /// It is gone.
    Vanishes,
}

/// Form of the member `token` in the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListedSecret {
    /// There is no member `token`.
    #[default]
    Absent,
    /// Asterisks and the last four characters.
    Masked,
    /// The empty string.
    Empty,
    /// It is `null`.
    Null,
}

/// Answer to the second revoke of a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecondRevoke {
    /// The answer of the first time.
    Succeeds,
    /// 404.
    #[default]
    NotFound,
}

/// Form of a date that is not set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnsetDate {
    /// It is `null`.
    #[default]
    Null,
    /// The member is missing.
    Absent,
    /// The empty string.
    Empty,
    /// `0001-01-01T00:00:00Z`, the zero time of Go.
    GoZero,
}

/// Shape of the body of errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorShape {
    /// `{"message": …, "details": […]}`
    #[default]
    Details,
    /// `{"message": …, "status": …}`
    Status,
}

#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one switch of the builder"
)]
pub(super) struct Options {
    pub(super) revoked: Revoked,
    pub(super) listed_secret: ListedSecret,
    pub(super) second_revoke: SecondRevoke,
    pub(super) unset_date: UnsetDate,
    pub(super) error_shape: ErrorShape,
    pub(super) no_content_on_revoke: bool,
    pub(super) created_on_provision: bool,
    pub(super) null_for_empty_list: bool,
    pub(super) empty_401: bool,
    pub(super) requires_name: bool,
    pub(super) lists_credential: bool,
    pub(super) lists_expired: bool,
    pub(super) lifetime: Option<Duration>,
    pub(super) subject: String,
    pub(super) max_tokens: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            revoked: Revoked::default(),
            listed_secret: ListedSecret::default(),
            second_revoke: SecondRevoke::default(),
            unset_date: UnsetDate::default(),
            error_shape: ErrorShape::default(),
            no_content_on_revoke: false,
            created_on_provision: false,
            null_for_empty_list: false,
            empty_401: false,
            requires_name: true,
            lists_credential: true,
            lists_expired: true,
            lifetime: None,
            subject: "user-4f1d".to_owned(),
            max_tokens: None,
        }
    }
}

/// Builder of an [`AvisiCloud`] twin. What is not set follows the documentation.
#[derive(Debug)]
pub struct Builder {
    clock: Arc<dyn Clock>,
    options: Options,
}

builder_methods!(AvisiCloud, start);

impl Builder {
    /// Sets what becomes of revoked entries.
    #[must_use]
    pub fn revoked(mut self, revoked: Revoked) -> Self {
        self.options.revoked = revoked;
        self
    }

    /// Sets what the list shows for `token`.
    #[must_use]
    pub fn listed_secret(mut self, secret: ListedSecret) -> Self {
        self.options.listed_secret = secret;
        self
    }

    /// Sets what revoking a revoked token gives.
    #[must_use]
    pub fn second_revoke(mut self, outcome: SecondRevoke) -> Self {
        self.options.second_revoke = outcome;
        self
    }

    /// Sets how dates that are not set are shown.
    #[must_use]
    pub fn unset_date(mut self, unset: UnsetDate) -> Self {
        self.options.unset_date = unset;
        self
    }

    /// Sets the shape of the body of errors.
    #[must_use]
    pub fn error_shape(mut self, shape: ErrorShape) -> Self {
        self.options.error_shape = shape;
        self
    }

    /// Whether a revoke answers 204 without a body, instead of 200 with `{message, status}`.
    #[must_use]
    pub fn no_content_on_revoke(mut self, on: bool) -> Self {
        self.options.no_content_on_revoke = on;
        self
    }

    /// Whether a provision answers 201 instead of 200.
    #[must_use]
    pub fn created_on_provision(mut self, on: bool) -> Self {
        self.options.created_on_provision = on;
        self
    }

    /// Whether a list without entries is `null` instead of `[]`. It has at least the credential
    /// unless [`lists_credential`](Self::lists_credential) is off.
    #[must_use]
    pub fn null_for_empty_list(mut self, on: bool) -> Self {
        self.options.null_for_empty_list = on;
        self
    }

    /// Whether a 401 comes without a body, instead of with the JSON of other errors.
    #[must_use]
    pub fn empty_401(mut self, empty: bool) -> Self {
        self.options.empty_401 = empty;
        self
    }

    /// Whether a provision without a name, or with an empty one, is 400; it is by default.
    #[must_use]
    pub fn requires_name(mut self, on: bool) -> Self {
        self.options.requires_name = on;
        self
    }

    /// Whether [`credential`](AvisiCloud::credential) is one of the user's personal access tokens,
    /// seen in the list and open to being revoked; it is by default.
    #[must_use]
    pub fn lists_credential(mut self, on: bool) -> Self {
        self.options.lists_credential = on;
        self
    }

    /// Whether tokens that have ended are still listed, with `active` false; they are by default.
    #[must_use]
    pub fn lists_expired(mut self, on: bool) -> Self {
        self.options.lists_expired = on;
        self
    }

    /// Sets how long provisioned tokens live; without end by default. Cut to whole seconds.
    #[must_use]
    pub fn lifetime(mut self, lifetime: impl Into<Option<Duration>>) -> Self {
        self.options.lifetime = lifetime.into();
        self
    }

    /// Sets how many tokens the user may have, the revoked and ended ones in the list included; one more is
    /// refused with 400. No bound by default.
    #[must_use]
    pub fn max_tokens(mut self, number: usize) -> Self {
        self.options.max_tokens = Some(number);
        self
    }

    /// Sets the `subject` of all tokens.
    #[must_use]
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.options.subject = subject.into();
        self
    }
}
