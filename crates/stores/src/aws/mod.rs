//! Secrets in AWS Secrets Manager.

mod calls;
mod client;
mod http;
mod sink;
mod version;

use std::fmt;

use access_tokens::rotation::sink::SinkError;
use aws_config::{BehaviorVersion, ConfigLoader};
use aws_sdk_secretsmanager::Client;

/// Sink that keeps a secret in AWS Secrets Manager: as the whole of a secret string, or under one
/// key of the JSON object in it.
///
/// A write makes a new version with the label `AWSPENDING`, and then moves `AWSCURRENT` there from
/// the version that was seen, which AWS refuses if it is elsewhere by now: so a late write changes
/// nothing. No version is ever current twice: what is taken back or moved becomes a new version
/// with the old content, or else a write that is very late would be let through. Whose the secret
/// is stands in the same write as the secret: in the id of the version, or in the object, under the
/// same key with `_attempt` at its end.
///
/// The secret must exist and have a value, if only `{}`.
///
/// | what | limit |
/// |---|---|
/// | one call, retries and answer included | 30 s |
/// | answer, with the client of [`client`](Self::client) | 1 MiB |
/// | redirects, likewise | refused |
/// | plain http, likewise | this machine and the metadata addresses only |
///
/// ```no_run
/// use access_tokens_stores::AwsSecretsManager;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = AwsSecretsManager::client_from_env().await?;
/// let whole = AwsSecretsManager::new(client.clone(), "prod/token")?;
/// let one_key = AwsSecretsManager::new(client, "prod/app")?.key("token")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct AwsSecretsManager {
    client: Client,
    region: String,
    name: String,
    key: Option<String>,
}

impl AwsSecretsManager {
    /// Makes a client of the SDK as its tools do: region, endpoint and credential come from
    /// `AWS_REGION`, `AWS_ENDPOINT_URL`, `AWS_PROFILE`, `AWS_ACCESS_KEY_ID` and their like, from
    /// the files below `~/.aws`, or from the role of the pod, task or machine.
    ///
    /// Many sinks can share it.
    ///
    /// # Errors
    /// If no region is set, or the HTTP client cannot be built.
    pub async fn client_from_env() -> Result<Client, SinkError> {
        // The defaults of one version: what an upgrade of the SDK changes is no surprise.
        Self::client(aws_config::defaults(BehaviorVersion::v2026_01_12())).await
    }

    /// Makes a client of the SDK from a configuration, with this crate's HTTP client and limits.
    ///
    /// ```no_run
    /// use access_tokens_stores::AwsSecretsManager;
    /// use access_tokens_stores::aws_config::{self, BehaviorVersion, Region};
    ///
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
    ///     .profile_name("production")
    ///     .region(Region::new("eu-west-1"));
    /// let client = AwsSecretsManager::client(loader).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If no region is set, or the HTTP client cannot be built.
    pub async fn client(loader: ConfigLoader) -> Result<Client, SinkError> {
        client::load(loader).await
    }

    /// A sink for the whole string of a secret; nothing is sent.
    ///
    /// # Errors
    /// If the name is not that of a secret (an ARN is none), or the client has no region.
    pub fn new(client: Client, name: impl Into<String>) -> Result<Self, SinkError> {
        let name = name.into();
        let fits = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
        if name.is_empty() || name.len() > 512 || !name.chars().all(fits) {
            return Err(SinkError::not_stored(
                "the name of a secret has 1 to 512 letters, digits and /_+=.@-; an ARN is none",
            ));
        }
        let region = client.config().region().map(ToString::to_string);
        let region = region.ok_or_else(client::no_region)?;
        Ok(Self {
            client,
            region,
            name,
            key: None,
        })
    }

    /// Makes it a sink for one key of the JSON object in the secret; the others stay as they are.
    ///
    /// # Errors
    /// If the key is empty or cannot be printed.
    pub fn key(mut self, key: impl Into<String>) -> Result<Self, SinkError> {
        let key = key.into();
        if key.is_empty() || key.chars().any(char::is_control) {
            return Err(SinkError::not_stored(
                "the key in a secret must be a word such as token",
            ));
        }
        self.key = Some(key);
        Ok(self)
    }

    /// What it is called in errors: whoever shows them says which sink it is.
    fn place(&self) -> String {
        format!("secret {}", self.name)
    }

    /// The same failure, with the place in its text.
    fn named(&self, error: &SinkError) -> SinkError {
        SinkError::new(error.kind(), format!("{}: {error}", self.place()))
    }

    fn not_stored(&self, why: impl fmt::Display) -> SinkError {
        SinkError::not_stored(format!("{}: {why}", self.place()))
    }
}

impl fmt::Debug for AwsSecretsManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsSecretsManager")
            .field("region", &self.region)
            .field("name", &self.name)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
