//! What is the same in every wing: the methods of a client that no service changes, and the hook of its
//! generated client.

/// Adds them to `Client`, of its profile, its generated client and the body that a token is created from; where its credential and address are in the environment is for the wing to say.
macro_rules! client {
    ($(#[$from_env:meta])* from_env, $profile:path, $wire:ty, $body:ty $(,)?) => {
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

        impl crate::transport::Wire for $wire {
            fn open(base_url: &str, http: ::reqwest::Client, call: crate::transport::Call) -> Self {
                Self::new_with_client(base_url, http, call)
            }
        }

        /// Hands every request of the generated client to the transport.
        impl ::progenitor_client::ClientHooks<crate::transport::Call> for $wire {
            async fn exec(
                &self,
                request: ::reqwest::Request,
                _: &::progenitor_client::OperationInfo,
            ) -> ::reqwest::Result<::reqwest::Response> {
                ::progenitor_client::ClientInfo::inner(self).execute(request).await
            }
        }
    };
}

pub(crate) use client;
