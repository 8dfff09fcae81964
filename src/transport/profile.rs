//! What sets the services apart on the wire.

use super::retry::Delivery;
use crate::error::ErrorKind;
use crate::id::Service;

/// What sets a service apart on the wire: its addresses, its credential, its words.
#[derive(Debug)]
pub(crate) struct Profile {
    pub(crate) service: Service,
    pub(crate) default_base: Option<&'static str>,
    /// The header that carries the credential.
    pub(crate) credential_header: &'static str,
    /// The word before the secret in it; none if empty.
    pub(crate) scheme: &'static str,
    /// What every request carries.
    pub(crate) headers: &'static [(&'static str, &'static str)],
    /// Paths of the API, which do not belong into a base URL.
    pub(crate) paths: &'static [&'static str],
    pub(crate) credential_vars: &'static [&'static str],
    pub(crate) url_vars: &'static [&'static str],
    /// How keys begin that people take for the credential, and what they are.
    pub(crate) other_keys: &'static [(&'static str, &'static str)],
    /// Whether a POST or PATCH without a body must carry a JSON content type all the same.
    pub(crate) json_content_type: bool,
    /// Answers whose text says more than their status.
    pub(crate) texts: &'static [KnownText],
    /// The headers that tell of limits.
    pub(crate) limits: &'static [LimitHeaders],
    /// What to do next, where there is better advice than the usual. That for
    /// [`ErrorKind::Server`] is about the status 500 only.
    pub(crate) hints: &'static [(ErrorKind, &'static str)],
}

/// What a limit is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Scope {
    Global,
    Route,
    AuthToken,
}

/// The headers that tell of one limit, by their names in small letters.
#[derive(Debug)]
pub(crate) struct LimitHeaders {
    pub(crate) scope: Scope,
    pub(crate) limit: &'static str,
    pub(crate) remaining: &'static str,
    pub(crate) reset: &'static str,
}

impl Profile {
    /// A service with nothing particular about it, to be completed.
    pub(crate) const fn of(service: Service) -> Self {
        Self {
            service,
            default_base: None,
            credential_header: "authorization",
            scheme: "",
            headers: &[],
            paths: &[],
            credential_vars: &[],
            url_vars: &[],
            other_keys: &[],
            json_content_type: false,
            texts: &[],
            limits: &[],
            hints: &[],
        }
    }
}

/// A plain-text error that means something else than its status.
#[derive(Debug)]
pub(crate) struct KnownText {
    pub(crate) status: u16,
    pub(crate) text: &'static str,
    pub(crate) kind: ErrorKind,
    pub(crate) sent: Delivery,
}
