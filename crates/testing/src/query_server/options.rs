//! How a twin is set up.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{QueryServer, start};
use crate::common::builder_methods;
use access_tokens::Clock;

pub(super) struct Options {
    pub(super) email: String,
    pub(super) password: String,
    pub(super) max_lifetime: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            email: "admin@example.com".to_owned(),
            password: "password".to_owned(),
            max_lifetime: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("email", &self.email)
            .field("max_lifetime", &self.max_lifetime)
            .finish_non_exhaustive()
    }
}

/// Builder of a [`QueryServer`] twin.
#[derive(Debug)]
pub struct Builder {
    clock: Arc<dyn Clock>,
    options: Options,
}

builder_methods!(QueryServer, start);

impl Builder {
    /// Sets what `POST /_/user/token/value` takes for the admin's token; `admin@example.com` and
    /// `password` at first.
    #[must_use]
    pub fn login(mut self, email: impl Into<String>, password: impl Into<String>) -> Self {
        self.options.email = email.into();
        self.options.password = password.into();
        self
    }

    /// Sets the longest life that a token is granted: an end that is further away is brought forward
    /// without a word, and a token without an end gets one. No bound by default; the server has none,
    /// a proxy in front of it may.
    #[must_use]
    pub fn max_lifetime(mut self, lifetime: Duration) -> Self {
        self.options.max_lifetime = Some(lifetime);
        self
    }
}
