//! What a service can do, and by which calls.

use serde::{Deserialize, Serialize};

/// What a service can do beyond listing, creating and deleting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, each asked for by its name"
)]
pub struct Capabilities {
    /// A token can be made to end at a given time.
    pub set_expiry: bool,
    /// A new token can be given the time at which it ends.
    pub expiry_on_create: bool,
    /// A token can get a new secret while the old one goes on for a while.
    pub reset_with_grace: bool,
    /// It tells when a token was last used.
    pub reports_last_use: bool,
    /// Two tokens cannot have the same name, so a successor needs another.
    pub unique_names: bool,
    /// It shows secrets again.
    pub shows_secrets: bool,
    /// A successor can carry a [`Marker`](crate::Marker) without changing its name.
    pub marks_successors: bool,
    /// It tells exactly which token the client's own credential is, if any.
    pub identifies_caller: bool,
}

impl Capabilities {
    /// None of them, to begin with.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }
}

/// Action on a service: a method of [`TokenService`](crate::TokenService), of which
/// [`calls`](crate::TokenService::calls) tells the calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// [`TokenService::list`](crate::TokenService::list)
    List,
    /// [`TokenService::get`](crate::TokenService::get)
    Get,
    /// [`TokenService::template`](crate::TokenService::template)
    TokenTemplate,
    /// [`TokenService::create`](crate::TokenService::create)
    Create,
    /// [`TokenService::secret`](crate::TokenService::secret)
    Secret,
    /// [`TokenService::reset`](crate::TokenService::reset)
    Reset,
    /// [`TokenService::set_expiry`](crate::TokenService::set_expiry)
    SetExpiry,
    /// [`TokenService::delete`](crate::TokenService::delete)
    Delete,
    /// [`TokenService::verify`](crate::TokenService::verify)
    Verify,
    /// [`TokenService::whoami`](crate::TokenService::whoami)
    WhoAmI,
    /// [`TokenService::is_own_credential`](crate::TokenService::is_own_credential)
    OwnCredential,
}
