//! What calls are made with.

use std::sync::Arc;
use std::time::SystemTime;

use super::Call;
use crate::error::Result;
use crate::secret::Secret;
use crate::transport::{Core, Operation, ServiceClient};

/// Client for a service that an [`Api`](super::Api) describes.
///
/// Cloning is cheap, and clones share connections and limits.
#[derive(Clone, Debug)]
pub struct Client {
    core: Arc<Core>,
}

impl ServiceClient for Client {
    type Options = ();

    fn from_core(core: Arc<Core>, (): ()) -> Result<Self> {
        Ok(Self { core })
    }
}

impl Client {
    /// A call to an operation, to be completed.
    pub fn call(&self, operation: &'static Operation) -> Call {
        Call::new(&self.core, operation)
    }

    /// The address that this client talks to.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.core.base.as_str()
    }

    /// The time by the service's clock, as far as its answers told.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        self.core.service_now()
    }

    /// The same client with another credential, such as a new secret to be tried. It shares the
    /// connections and limits of this one.
    ///
    /// # Errors
    /// If the secret cannot be sent in a header.
    pub fn with_credential(&self, secret: impl Into<Secret>) -> Result<Self> {
        let core = self.core.with_credential(secret.into())?;
        Ok(Self { core })
    }

    /// Goes on with another secret, on all clones of this client.
    ///
    /// # Errors
    /// If the secret cannot be sent in a header, or if the credential comes from a provider.
    pub fn replace_credential(&self, secret: impl Into<Secret>) -> Result<()> {
        self.core.replace_credential(secret.into())
    }
}
