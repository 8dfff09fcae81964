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

/// The setting that a credential is given by.
const FIELD: &str = "credential";

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
#[error("{0}")]
pub struct CredentialError(String);

impl CredentialError {
    /// The reason, for people: it becomes part of the error that the call returns. Put no secret
    /// into it.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// A secret and the header that carries it, made once.
pub(crate) struct Keyed {
    secret: Secret,
    /// Marked so that nobody prints it.
    header: HeaderValue,
}

impl Keyed {
    fn new(profile: &Profile, secret: Secret) -> Result<Arc<Self>> {
        check(profile, FIELD, &secret)?;
        let space = if profile.scheme.is_empty() { "" } else { " " };
        let text = format!("{}{space}{}", profile.scheme, secret.expose_secret());
        let text = Zeroizing::new(text);
        let mut header = HeaderValue::from_str(&text)
            .map_err(|_| Error::config(profile.service, FIELD, NOT_A_HEADER))?;
        header.set_sensitive(true);
        Ok(Arc::new(Self { secret, header }))
    }

    pub(crate) fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The value of the header that carries it.
    pub(super) fn header(&self) -> HeaderValue {
        self.header.clone()
    }
}

impl fmt::Debug for Keyed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

pub(crate) enum Credential {
    Fixed(Mutex<Arc<Keyed>>),
    Provider(Arc<dyn CredentialProvider>),
}

impl Credential {
    pub(crate) fn fixed(profile: &Profile, secret: Secret) -> Result<Self> {
        Ok(Self::Fixed(Mutex::new(Keyed::new(profile, secret)?)))
    }

    pub(super) fn is_fixed(&self) -> bool {
        matches!(self, Self::Fixed(_))
    }

    /// What to use for the next attempt, unless a provider has to be asked.
    pub(crate) fn at_hand(&self) -> Option<Arc<Keyed>> {
        match self {
            Self::Fixed(keyed) => Some(Arc::clone(&lock(keyed))),
            Self::Provider(_) => None,
        }
    }

    /// What to use for the next attempt.
    pub(crate) async fn current(&self, profile: &Profile) -> Result<Arc<Keyed>> {
        match self {
            Self::Fixed(keyed) => Ok(Arc::clone(&lock(keyed))),
            Self::Provider(provider) => {
                let secret = provider.credential().await.map_err(|error| {
                    Error::of_kind(profile.service, ErrorKind::Credential)
                        .with_reason(error.to_string())
                })?;
                Keyed::new(profile, secret)
            }
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
        let keyed = Keyed::new(profile, secret)?;
        match self {
            Self::Fixed(slot) => {
                *lock(slot) = keyed;
                Ok(())
            }
            Self::Provider(_) => Err(Error::config(
                profile.service,
                FIELD,
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

/// Refuses what cannot be the credential, under the name of the setting or variable it came from.
pub(super) fn check(profile: &Profile, field: &'static str, secret: &Secret) -> Result<()> {
    let text = secret.expose_secret();
    let bad = |rule: &str| Err(Error::config(profile.service, field, rule));
    if text.is_empty() {
        return bad("must not be empty");
    }
    if let Some((scheme, _)) = text.trim().split_once(' ')
        && ["authorization:", "bearer", "token", "basic"]
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known))
    {
        return bad(
            "begins with what the client itself puts before it in the header; take that away",
        );
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return bad(NOT_A_HEADER);
    }
    if text.starts_with(['"', '\'', '`']) || text.ends_with(['"', '\'', '`']) {
        return bad("is in quotes, which would be sent as part of it; take them away");
    }
    if is_placeholder(text) {
        return bad("is a placeholder that nothing was filled in for");
    }
    if text.contains("://") {
        return bad("is an address, not what is to be found there");
    }
    let assigned = |name: &&str| {
        text.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with('='))
    };
    if profile.credential_vars.iter().any(assigned) {
        return bad("holds the name of a variable, too; give what is behind the =");
    }
    if text.ends_with("\\n") || text.ends_with("\\r") {
        return bad("ends with an escape that stands for a line end; take it away");
    }
    let other = profile
        .other_keys
        .iter()
        .find(|(prefix, _)| text.starts_with(prefix));
    if let Some((_, what)) = other {
        return bad(&format!(
            "is {what}, which this API does not take; give an access token"
        ));
    }
    Ok(())
}

/// Whether this stands for a value in the language of a shell, a template or a pipeline.
fn is_placeholder(text: &str) -> bool {
    let opens = ["${", "$(", "{{", "#{", "<%"];
    let pairs = [
        ("{", "}"),
        ("[", "]"),
        ("(", ")"),
        ("%", "%"),
        ("@", "@"),
        ("__", "__"),
    ];
    let between = |(open, close): &(&str, &str)| {
        let inner = text.strip_prefix(open);
        inner.is_some_and(|inner| inner.ends_with(close))
    };
    let nothing = ["null", "undefined", "none", "nil"];
    text.starts_with(['$', '<'])
        || opens.iter().any(|open| text.contains(open))
        || pairs.iter().any(between)
        || nothing.iter().any(|word| text.eq_ignore_ascii_case(word))
        || text.bytes().all(|byte| byte == b'*')
}

const NOT_A_HEADER: &str = "must be visible ASCII without spaces or line ends (a line end often comes from a file: trim it)";
