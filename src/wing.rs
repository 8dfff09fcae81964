//! What is the same in every wing: the methods of a client that no service changes.

/// Adds them to `Client`, of its profile and the body that a token is created from; where its credential and address are in the environment is for the wing to say.
macro_rules! client {
    ($(#[$from_env:meta])* from_env, $profile:path, $body:ty $(,)?) => {
        /// Builder of a [`Client`].
        pub type ClientBuilder = crate::transport::ClientBuilder<Client>;

        impl Client {
            /// Builds a client: credential, address and limits.
            pub fn builder() -> ClientBuilder {
                ClientBuilder::new(&$profile)
            }

            $(#[$from_env])*
            pub fn from_env() -> crate::Result<Self> {
                Self::builder().from_env()?.build()
            }

            /// The address that this client talks to.
            #[must_use]
            pub fn base_url(&self) -> &str {
                self.core.base.as_str()
            }

            /// This client as a [`TokenService`](crate::TokenService), whose methods some of the
            /// client's own hide by their names.
            #[must_use]
            pub fn as_service(&self) -> &(dyn crate::TokenService + 'static) {
                self
            }

            /// Goes on with another secret, on all clones of this client.
            ///
            /// # Errors
            /// If the secret cannot be sent in a header, or if the credential comes from a provider.
            pub fn replace_credential(&self, secret: impl Into<crate::Secret>) -> crate::Result<()> {
                self.core.replace_credential(secret.into())
            }
        }

        impl From<$body> for crate::TokenTemplate {
            fn from(body: $body) -> Self {
                Self::write(&body)
            }
        }
    };
}

pub(crate) use client;
