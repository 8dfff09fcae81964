//! Errors of services that are not this crate's.

use crate::error::{Error, ErrorKind};
use crate::id::Service;

impl Error {
    /// An error of a service of your own, for those who implement
    /// [`TokenService`](crate::TokenService).
    ///
    /// The reason is printed wherever the error is: it must not hold a secret.
    /// [`ErrorKind::OutcomeUnknown`] says that the call may have taken effect.
    ///
    /// ```
    /// use access_tokens::{Error, ErrorKind, Service};
    ///
    /// const VAULT: Service = Service::new("Vault");
    /// let error = Error::of_service(VAULT, ErrorKind::NotFound, "there is no such token");
    /// assert_eq!(error.to_string(), "Vault: not found: there is no such token");
    /// ```
    #[must_use]
    pub fn of_service(service: Service, kind: ErrorKind, reason: impl Into<String>) -> Self {
        Self::new(service, kind)
            .with_reason(reason)
            .with_effect(kind == ErrorKind::OutcomeUnknown)
    }
}
