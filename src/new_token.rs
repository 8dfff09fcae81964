//! A token that was just made, with the one thing that will not be shown again.

use crate::secret::Secret;

/// A new token and its secret.
///
/// On LaunchDarkly and Avisi Cloud this is the only moment at which the secret can be had: store it
/// before anything else.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "the secret cannot be read again"]
pub struct NewToken<T> {
    token: T,
    secret: Secret,
}

impl<T> NewToken<T> {
    /// Puts the two together, for those who implement [`TokenService`](crate::TokenService).
    pub fn new(token: T, secret: Secret) -> Self {
        Self { token, secret }
    }

    /// The secret.
    #[must_use]
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The token, as a later read would show it.
    #[must_use]
    pub fn token(&self) -> &T {
        &self.token
    }

    /// Both, owned.
    #[must_use]
    pub fn into_parts(self) -> (T, Secret) {
        (self.token, self.secret)
    }
}
