//! Secrets in a KV v2 engine of Vault or OpenBao.

mod auth;
mod entry;
mod env;
mod http;
mod sink;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use access_tokens::Secret;
use access_tokens::rotation::sink::SinkError;

pub use auth::VaultAuth;

use http::Api;

/// Sink that keeps a secret under one key of a KV v2 secret of Vault or OpenBao.
///
/// Other keys of the same secret stay as they are. Every write names the version that it replaces
/// (`cas`), so that a late one is refused, and keeps beside the value, in the same write, whose it
/// is and what it replaced: under the same key with `_attempt` at its end. A delivery is taken back
/// from the engine's own earlier versions, so the engine must keep them (`max_versions`, ten by
/// default).
///
/// | what | default |
/// |---|---|
/// | one request, its answer included | 15 s |
/// | answer | 1 MiB |
/// | redirects | refused |
/// | plain http | this machine only |
///
/// It needs `read`, `create` and `update` on `<mount>/data/<path>`; with `patch` on
/// `<mount>/metadata/<path>` it also notes the managed token's name and the time there.
///
/// ```no_run
/// use access_tokens_stores::{VaultAuth, VaultKv2};
///
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let sink = VaultKv2::builder("https://vault.example.com:8200", "prod/app", "token")
///     .mount("secret")
///     .auth(VaultAuth::kubernetes("app"))
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct VaultKv2 {
    api: Arc<Api>,
    /// The namespace, with a slash at its end, or nothing.
    namespace: String,
    mount: String,
    path: String,
    key: String,
}

/// Builder of a [`VaultKv2`].
#[derive(Clone)]
#[must_use]
pub struct VaultKv2Builder {
    address: String,
    namespace: Option<String>,
    mount: String,
    path: String,
    key: String,
    auth: VaultAuth,
    timeout: Duration,
    allow_http: bool,
}

impl VaultKv2 {
    /// Begins a sink for a key of the secret at a path, at the server that the environment names as for
    /// the programs `vault` and `bao`.
    ///
    /// | variable | what |
    /// |---|---|
    /// | `VAULT_ADDR` or `BAO_ADDR` | the address; needed |
    /// | `VAULT_TOKEN` or `BAO_TOKEN` | the token; else that in the file `~/.vault-token` |
    /// | `VAULT_NAMESPACE` or `BAO_NAMESPACE` | the namespace |
    ///
    /// Other variables are not read. What has no variable there, such as a role to log in with, is
    /// set on the builder.
    ///
    /// ```no_run
    /// use access_tokens_stores::VaultKv2;
    ///
    /// # fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let sink = VaultKv2::from_env("prod/app", "token")?.build()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If there is no address, if a variable is empty or not UTF-8, or if two that mean the same
    /// differ. No value is shown.
    pub fn from_env(
        path: impl Into<String>,
        key: impl Into<String>,
    ) -> Result<VaultKv2Builder, SinkError> {
        env::builder(path.into(), key.into(), |name| std::env::var_os(name))
    }

    /// Begins a sink for a key of the secret at a path, at a server's address such as
    /// `https://vault.example.com:8200`.
    ///
    /// The mount is `secret`, and the token is read from the file `~/.vault-token`, unless said
    /// otherwise.
    pub fn builder(
        address: impl Into<String>,
        path: impl Into<String>,
        key: impl Into<String>,
    ) -> VaultKv2Builder {
        let home = std::env::var_os("HOME").map(PathBuf::from);
        VaultKv2Builder {
            address: address.into(),
            namespace: None,
            mount: "secret".to_owned(),
            path: path.into(),
            key: key.into(),
            auth: VaultAuth::token_file(home.unwrap_or_default().join(".vault-token")),
            timeout: Duration::from_secs(15),
            allow_http: false,
        }
    }
}

impl VaultKv2Builder {
    /// Sets how the sink logs in.
    pub fn auth(mut self, auth: VaultAuth) -> Self {
        self.auth = auth;
        self
    }

    /// Sets the mount of the KV v2 engine; `secret` by default.
    pub fn mount(mut self, mount: impl Into<String>) -> Self {
        self.mount = mount.into();
        self
    }

    /// Sets the namespace, sent as `X-Vault-Namespace`.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Sets the limit of one request, its answer included; 15 s by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Lets plain http reach other machines, too.
    pub fn allow_http(mut self, allow: bool) -> Self {
        self.allow_http = allow;
        self
    }

    /// Builds the sink; nothing is sent.
    ///
    /// # Errors
    /// If the address, mount, path, key or namespace cannot be used.
    pub fn build(self) -> Result<VaultKv2, SinkError> {
        let wrong = |what: &str, why: &str| Err(SinkError::not_stored(format!("{what} {why}")));
        let segments = |text: &str| {
            let trimmed = text.trim_matches('/');
            let fits = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\\');
            trimmed.split('/').all(fits).then(|| trimmed.to_owned())
        };
        let Some(mount) = segments(&self.mount) else {
            return wrong("the mount", "must be a path such as secret");
        };
        let Some(path) = segments(&self.path) else {
            return wrong("the path", "must be one such as prod/app");
        };
        if self.key.is_empty() {
            return wrong("the key", "must not be empty");
        }
        if self.timeout.is_zero() {
            return wrong("the timeout", "must not be zero");
        }
        let api = Api::new(
            &self.address,
            self.namespace.as_deref(),
            self.auth,
            self.timeout,
            self.allow_http,
        )?;
        let namespace = self.namespace.as_deref().unwrap_or_default();
        let namespace = match namespace.trim_matches('/') {
            "" => String::new(),
            namespace => format!("{namespace}/"),
        };
        Ok(VaultKv2 {
            api: Arc::new(api),
            namespace,
            mount,
            path,
            key: self.key,
        })
    }
}

impl fmt::Debug for VaultKv2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VaultKv2")
            .field("address", &self.api.address())
            .field("namespace", &self.namespace)
            .field("mount", &self.mount)
            .field("path", &self.path)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for VaultKv2Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VaultKv2Builder")
            .field("mount", &self.mount)
            .field("path", &self.path)
            .field("key", &self.key)
            .field("auth", &self.auth)
            .finish_non_exhaustive()
    }
}

/// The token that requests are made with.
#[derive(Clone, Debug)]
struct Session {
    token: Secret,
    /// When it is to be had anew; `None` for one that is given.
    until: Option<tokio::time::Instant>,
}
