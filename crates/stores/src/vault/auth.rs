//! How a sink logs in.

use std::fmt;
use std::path::{Path, PathBuf};

use access_tokens::Secret;
use access_tokens::rotation::sink::SinkError;
use serde_json::{Value, json};

/// Way to get a token of Vault or OpenBao.
///
/// Files are read anew at each login, so that what refreshes them is heeded.
#[derive(Clone)]
pub struct VaultAuth(pub(super) Method);

#[derive(Clone)]
pub(super) enum Method {
    Token(Secret),
    TokenFile(PathBuf),
    Login {
        mount: String,
        name: &'static str,
        login: Login,
    },
}

#[derive(Clone)]
pub(super) enum Login {
    Jwt {
        role: String,
        file: PathBuf,
    },
    AppRole {
        role_id: String,
        secret_id: SecretId,
    },
}

#[derive(Clone)]
pub(super) enum SecretId {
    Given(Secret),
    File(PathBuf),
}

/// Where Kubernetes puts a service account's token.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";
const LONGEST_FILE: u64 = 64 << 10;

impl VaultAuth {
    /// A token.
    pub fn token(token: impl Into<Secret>) -> Self {
        Self(Method::Token(token.into()))
    }

    /// A file that holds a token, such as the agent's sink or `~/.vault-token`.
    pub fn token_file(path: impl Into<PathBuf>) -> Self {
        Self(Method::TokenFile(path.into()))
    }

    /// The JWT of the pod's service account, at the mount `kubernetes`, for a role.
    pub fn kubernetes(role: impl Into<String>) -> Self {
        Self::jwt("kubernetes", role, SERVICE_ACCOUNT)
    }

    /// A JWT in a file, for a role, at a mount of the Kubernetes or JWT method.
    pub fn jwt(
        mount: impl Into<String>,
        role: impl Into<String>,
        file: impl Into<PathBuf>,
    ) -> Self {
        Self(Method::Login {
            mount: mount.into(),
            name: "jwt",
            login: Login::Jwt {
                role: role.into(),
                file: file.into(),
            },
        })
    }

    /// An `AppRole` at the mount `approle`.
    pub fn app_role(role_id: impl Into<String>, secret_id: impl Into<Secret>) -> Self {
        Self::role_login(role_id, SecretId::Given(secret_id.into()))
    }

    /// An `AppRole` at the mount `approle` whose secret id is in a file.
    pub fn app_role_file(role_id: impl Into<String>, secret_id: impl Into<PathBuf>) -> Self {
        Self::role_login(role_id, SecretId::File(secret_id.into()))
    }

    fn role_login(role_id: impl Into<String>, secret_id: SecretId) -> Self {
        Self(Method::Login {
            mount: "approle".to_owned(),
            name: "approle",
            login: Login::AppRole {
                role_id: role_id.into(),
                secret_id,
            },
        })
    }

    /// Sets the mount of a login method; a token is given at none, and stays as it is.
    #[must_use]
    pub fn at_mount(mut self, path: impl Into<String>) -> Self {
        if let Method::Login { mount, .. } = &mut self.0 {
            *mount = path.into();
        }
        self
    }
}

impl Login {
    /// The body of the login, which is a secret as a whole.
    pub(super) async fn body(&self) -> Result<Value, SinkError> {
        match self {
            Self::Jwt { role, file } => {
                let jwt = read(file).await?;
                Ok(json!({ "role": role, "jwt": jwt.expose_secret() }))
            }
            Self::AppRole { role_id, secret_id } => {
                let secret = match secret_id {
                    SecretId::Given(secret) => secret.clone(),
                    SecretId::File(file) => read(file).await?,
                };
                Ok(json!({ "role_id": role_id, "secret_id": secret.expose_secret() }))
            }
        }
    }
}

/// A credential in a file.
pub(super) async fn read(path: &Path) -> Result<Secret, SinkError> {
    let failed = |why: &dyn fmt::Display| {
        SinkError::not_stored(format!("the login needs {}: {why}", path.display()))
    };
    let facts = tokio::fs::metadata(path).await.map_err(|e| failed(&e))?;
    if !facts.is_file() || facts.len() > LONGEST_FILE {
        return Err(failed(&"it is no file that could hold a token"));
    }
    let text = tokio::fs::read_to_string(path)
        .await
        .map_err(|e| failed(&e))?;
    let text = text.trim();
    if text.is_empty() {
        return Err(failed(&"it is empty"));
    }
    Ok(Secret::new(text))
}

impl fmt::Debug for VaultAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Method::Token(_) => f.write_str("token"),
            Method::TokenFile(path) => write!(f, "token file {}", path.display()),
            Method::Login { mount, name, .. } => write!(f, "{name} at {mount}"),
        }
    }
}
