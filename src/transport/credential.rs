//! Where the credential comes from and how it gets onto a request.

use std::fmt;
use std::sync::{Arc, Mutex};

use futures_core::future::BoxFuture;
use http::HeaderValue;
use zeroize::Zeroizing;

use super::profile::Profile;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;
use crate::sync::lock;

/// Gives the credential anew for each request, for those that change while a program runs.
///
/// ```
/// use access_tokens::{BoxFuture, CredentialError, CredentialProvider, Secret};
///
/// struct FromFile(std::path::PathBuf);
///
/// impl CredentialProvider for FromFile {
///     fn credential(&self) -> BoxFuture<'_, Result<Secret, CredentialError>> {
///         Box::pin(async move {
///             let text = std::fs::read_to_string(&self.0)
///                 .map_err(|error| CredentialError::new(format!("cannot read the file: {error}")))?;
///             Ok(Secret::new(text.trim()))
///         })
///     }
/// }
/// ```
pub trait CredentialProvider: Send + Sync {
    /// The credential to use now; asked for before every attempt, so keep it at hand.
    fn credential(&self) -> BoxFuture<'_, Result<Secret, CredentialError>>;

    /// The service answered 401 to `rejected`. Say `true` if [`credential`](Self::credential) would
    /// now give another one: the call is then made once more with that.
    fn renew<'a>(&'a self, rejected: &'a Secret) -> BoxFuture<'a, bool> {
        let _ = rejected;
        Box::pin(std::future::ready(false))
    }
}

/// Why a [`CredentialProvider`] has none to give.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct CredentialError {
    message: String,
}

impl CredentialError {
    /// The reason, for people: it becomes part of the error that the call returns. Put no secret
    /// into it.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }
}

#[derive(Clone)]
pub(crate) enum Credential {
    Fixed(Arc<Mutex<Secret>>),
    Provider(Arc<dyn CredentialProvider>),
}

impl Credential {
    pub(crate) fn fixed(profile: &Profile, secret: Secret) -> Result<Self> {
        check(profile, &secret)?;
        Ok(Self::Fixed(Arc::new(Mutex::new(secret))))
    }

    /// The secret to use for the next attempt.
    pub(crate) async fn current(&self, profile: &Profile) -> Result<Secret> {
        match self {
            Self::Fixed(secret) => Ok(lock(secret).clone()),
            Self::Provider(provider) => {
                let secret = provider.credential().await.map_err(|error| {
                    Error::new(profile.service, ErrorKind::Credential)
                        .with_reason(error.to_string())
                })?;
                check(profile, &secret)?;
                Ok(secret)
            }
        }
    }

    pub(crate) fn fixed_now(&self) -> Option<Secret> {
        match self {
            Self::Fixed(secret) => Some(lock(secret).clone()),
            Self::Provider(_) => None,
        }
    }

    pub(crate) async fn renew(&self, rejected: &Secret) -> bool {
        match self {
            Self::Fixed(_) => false,
            Self::Provider(provider) => provider.renew(rejected).await,
        }
    }

    /// Puts another secret in the place of a fixed one.
    pub(crate) fn replace(&self, profile: &Profile, secret: Secret) -> Result<()> {
        check(profile, &secret)?;
        match self {
            Self::Fixed(slot) => {
                *lock(slot) = secret;
                Ok(())
            }
            Self::Provider(_) => Err(Error::config(
                profile.service,
                "credential",
                "comes from a provider, which alone can replace it",
            )),
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fixed(_) => "[redacted]",
            Self::Provider(_) => "[provider]",
        })
    }
}

/// The value of the `Authorization` header, marked so that nobody prints it.
pub(crate) fn header(profile: &Profile, secret: &Secret) -> Result<HeaderValue> {
    let text = Zeroizing::new(format!("{}{}", profile.scheme, secret.expose_secret()));
    let mut value = HeaderValue::from_str(&text).map_err(|_| not_a_header(profile))?;
    value.set_sensitive(true);
    Ok(value)
}

fn check(profile: &Profile, secret: &Secret) -> Result<()> {
    let text = secret.expose_secret();
    if text.is_empty() {
        return Err(Error::config(
            profile.service,
            "credential",
            "must not be empty",
        ));
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(not_a_header(profile));
    }
    Ok(())
}

fn not_a_header(profile: &Profile) -> Error {
    Error::config(
        profile.service,
        "credential",
        "must be visible ASCII without spaces or line ends (a line end often comes from a file: trim it)",
    )
}
