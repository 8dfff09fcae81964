//! How a twin is set up: a switch for each thing that the service does not document.

use std::sync::Arc;
use std::time::Duration;

use super::{AvisiCloud, start};
use crate::common::{builder_methods, settings};
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

/// Builder of an [`AvisiCloud`] twin. What is not set follows the documentation.
#[derive(Debug)]
pub struct Builder {
    clock: Arc<dyn Clock>,
    options: Options,
}

builder_methods!(AvisiCloud, start);

settings! {
    /// Sets what becomes of revoked entries.
    revoked: Revoked = Revoked::default();
    /// Sets what the list shows for `token`.
    listed_secret: ListedSecret = ListedSecret::default();
    /// Sets what revoking a revoked token gives.
    second_revoke: SecondRevoke = SecondRevoke::default();
    /// Sets how dates that are not set are shown.
    unset_date: UnsetDate = UnsetDate::default();
    /// Sets the shape of the body of errors.
    error_shape: ErrorShape = ErrorShape::default();
    /// Whether a revoke answers 204 without a body, instead of 200 with `{message, status}`.
    no_content_on_revoke: bool = false;
    /// Whether a provision answers 201 instead of 200.
    created_on_provision: bool = false;
    /// Whether a list without entries is `null` instead of `[]`. It has at least the credential
    /// unless [`lists_credential`](Self::lists_credential) is off.
    null_for_empty_list: bool = false;
    /// Whether a 401 comes without a body, instead of with the JSON of other errors.
    empty_401: bool = false;
    /// Whether a provision without a name, or with an empty one, is 400; it is by default.
    requires_name: bool = true;
    /// Whether [`credential`](AvisiCloud::credential) is one of the user's personal access tokens,
    /// seen in the list and open to being revoked; it is by default.
    lists_credential: bool = true;
    /// Whether tokens that have ended are still listed, with `active` false; they are by default.
    lists_expired: bool = true;
    /// Sets how long provisioned tokens live; without end by default. Cut to whole seconds.
    lifetime: Option<Duration> = None, |lifetime: impl Into<Option<Duration>>| lifetime.into();
    /// Sets how many tokens the user may have, the revoked and ended ones in the list included; one more is
    /// refused with 400. No bound by default.
    max_tokens: Option<usize> = None, |number: usize| Some(number);
    /// Sets the `subject` of all tokens.
    subject: String = "user-4f1d".to_owned(), |subject: impl Into<String>| subject.into();
}
