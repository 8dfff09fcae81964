//! How a client is built: one builder for all services.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::base_url::BaseUrl;
use super::core::{Core, Settings};
use super::credential::{Credential, CredentialProvider};
use super::env;
use super::observer::{Observer, Observing};
use super::options::first_of;
use super::profile::Profile;
use super::retry::RetryPolicy;
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, Result};
use crate::secret::Secret;

/// A service's client, as [`ClientBuilder`] builds it: sealed, implemented by `launchdarkly::Client`,
/// `query_server::Client`, `avisi_cloud::Client`, and [`rest::Client`](crate::rest::Client) for any other.
///
/// It is named in signatures only; what tokens of any service have in common is
/// [`TokenService`](crate::TokenService), which is open.
pub trait ServiceClient: Sized {
    /// What only this service can be told.
    type Options: Clone + Default + fmt::Debug;

    /// What every request carries.
    #[doc(hidden)]
    fn headers(options: &Self::Options) -> Result<HeaderMap> {
        let _ = options;
        Ok(HeaderMap::new())
    }

    #[doc(hidden)]
    fn from_core(core: Arc<Core>, options: Self::Options) -> Result<Self>;
}

/// Builds a client: credential, address, limits.
///
/// | setting | default |
/// |---|---|
/// | [`base_url`](Self::base_url) | the service's own, if it has one; Query Server has none |
/// | [`timeout`](Self::timeout) | 120 s for the whole call, retries and waits included |
/// | [`attempt_timeout`](Self::attempt_timeout) | 30 s for each attempt, its body included |
/// | [`retry`](Self::retry) | see [`RetryPolicy`] |
/// | [`concurrency`](Self::concurrency) | 8 requests at a time |
/// | [`max_response_bytes`](Self::max_response_bytes) | 32 MiB |
/// | [`max_header_bytes`](Self::max_header_bytes) | 64 KiB |
/// | [`allow_http`](Self::allow_http) | `false`: plain http reaches this machine only |
///
/// Get one from the `builder()` of a service's client. Redirects are never followed, and the
/// credential goes to the base URL's origin only; neither can be changed.
#[derive(Clone)]
#[must_use]
pub struct ClientBuilder<C: ServiceClient> {
    profile: &'static Profile,
    credential: Option<CredentialSource>,
    base_url: Option<String>,
    settings: Settings,
    allow_http: bool,
    user_agent: Option<String>,
    http: Option<Configure>,
    clock: Arc<dyn Clock>,
    seed: Option<u64>,
    pub(crate) options: C::Options,
}

/// What a user does to the HTTP client before it is built.
type Configure = Arc<dyn Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + Sync>;

#[derive(Clone)]
enum CredentialSource {
    Fixed(Secret),
    Provider(Arc<dyn CredentialProvider>),
}

impl<C: ServiceClient> ClientBuilder<C> {
    pub(crate) fn new(profile: &'static Profile) -> Self {
        Self {
            profile,
            credential: None,
            base_url: None,
            settings: Settings::default(),
            allow_http: false,
            user_agent: None,
            http: None,
            clock: Arc::new(SystemClock::new()),
            seed: None,
            options: C::Options::default(),
        }
    }

    /// Takes the credential and the base URL from the environment, where they are set there.
    ///
    /// The variables are the vendors' own; see `from_env` of the service's client.
    ///
    /// # Errors
    /// If a variable is empty or not UTF-8, or if two that mean the same differ. The error names
    /// the variables and never a value.
    pub fn from_env(mut self) -> Result<Self> {
        let (credential, url) = env::read(self.profile, &|name| std::env::var_os(name))?;
        if let Some(credential) = credential {
            self.credential = Some(CredentialSource::Fixed(credential));
        }
        if url.is_some() {
            self.base_url = url;
        }
        Ok(self)
    }

    /// The secret to authenticate with, without any scheme before it.
    pub fn credential(mut self, secret: impl Into<Secret>) -> Self {
        self.credential = Some(CredentialSource::Fixed(secret.into()));
        self
    }

    /// Asks for the credential before each attempt, so that it can change.
    pub fn credential_provider(mut self, provider: impl CredentialProvider + 'static) -> Self {
        self.credential = Some(CredentialSource::Provider(Arc::new(provider)));
        self
    }

    /// The address of the service, up to but without the API's own path.
    ///
    /// `https`, or `http` to this machine; a path prefix is kept, slashes at the end do not matter.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// The time for a whole call: all attempts, and the waits between them.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.options.timeout = timeout;
        self
    }

    /// The time for one attempt, from connecting to the last byte of the answer. Query Server may
    /// hold a write back for 5 s and more, so keep it well above that there.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.settings.options.attempt_timeout = timeout;
        self
    }

    /// When a failed attempt is followed by another.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.settings.options.retry = policy;
        self
    }

    /// How many requests this client and its clones may have under way at a time.
    pub fn concurrency(mut self, requests: usize) -> Self {
        self.settings.concurrency = requests;
        self
    }

    /// The largest body of an answer that is read, in bytes; a larger one is
    /// [`ErrorKind::BodyTooLarge`](crate::ErrorKind::BodyTooLarge).
    ///
    /// What counts is what would be kept in memory: if decompression is switched on in reqwest (by
    /// its features; this crate switches none on), the decompressed bytes.
    pub fn max_response_bytes(mut self, bytes: usize) -> Self {
        self.settings.max_response_bytes = bytes;
        self
    }

    /// The most that the names and values of an answer's headers may take together, in bytes; more
    /// is [`ErrorKind::HeadersTooLarge`](crate::ErrorKind::HeadersTooLarge).
    ///
    /// Beneath this the HTTP library has bounds of its own, which give the same error: a hundred
    /// headers, and about 400 KiB for the whole head.
    pub fn max_header_bytes(mut self, bytes: usize) -> Self {
        self.settings.max_header_bytes = bytes;
        self
    }

    /// Allows plain http to other machines. The credential can then be read on the way.
    pub fn allow_http(mut self, allow: bool) -> Self {
        self.allow_http = allow;
        self
    }

    /// What to put before this crate's name in the `User-Agent` header, such as `myapp/1.2`.
    pub fn user_agent(mut self, prefix: impl Into<String>) -> Self {
        self.user_agent = Some(prefix.into());
        self
    }

    /// Configures the HTTP client: proxies, certificate authorities, connection settings. The
    /// builder that comes in connects within 10 s.
    ///
    /// Redirects, `Referer`, reqwest's own retries, the `User-Agent` and `https_only` are set by
    /// this crate whatever was set before; so is the absence of a proxy for plain http to this
    /// machine.
    ///
    /// ```
    /// use access_tokens::launchdarkly::Client;
    /// # fn example(pem: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
    /// let authority = reqwest::Certificate::from_pem(pem)?;
    /// let client = Client::builder()
    ///     .credential("api-…")
    ///     .http_client(move |http| http.tls_certs_merge([authority.clone()]));
    /// # Ok(())
    /// # }
    /// ```
    pub fn http_client<F>(mut self, configure: F) -> Self
    where
        F: Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + Sync + 'static,
    {
        self.http = Some(Arc::new(configure));
        self
    }

    /// The clock to go by instead of the system's.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Tells how long attempts and waits take, for metrics. Without it, nothing is measured.
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.settings.observer = Observing::by(observer);
        self
    }

    /// Makes the jitter of waits repeatable.
    pub fn random_seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Builds the client. Nothing is sent.
    ///
    /// # Errors
    /// If the credential or the base URL is missing or breaks a rule, if a limit is zero, or if the
    /// HTTP client cannot be built.
    pub fn build(self) -> Result<C> {
        let profile = self.profile;
        let bad = |field, rule: &str| Err(Error::config(profile.service, field, rule));
        let credential = match self.credential {
            Some(CredentialSource::Fixed(secret)) => Credential::fixed(profile, secret)?,
            Some(CredentialSource::Provider(provider)) => Credential::Provider(provider),
            None => return bad("credential", &missing(profile.credential_vars)),
        };
        let Some(base_url) = self.base_url.as_deref().or(profile.default_base) else {
            return bad("base_url", &missing(profile.url_vars));
        };
        let base = BaseUrl::parse(profile, base_url, self.allow_http)?;
        let zero = first_of([
            ("concurrency", self.settings.concurrency == 0),
            ("max_response_bytes", self.settings.max_response_bytes == 0),
            ("max_header_bytes", self.settings.max_header_bytes == 0),
        ]);
        if let Some(field) = self.settings.options.zero().or(zero) {
            return bad(field, "must be greater than zero");
        }
        #[cfg(feature = "rustls-no-provider")]
        if !cfg!(any(feature = "rustls", feature = "native-tls"))
            && rustls::crypto::CryptoProvider::get_default().is_none()
        {
            return bad(
                "http",
                "has no provider of cryptography: install one, such as \
                 rustls::crypto::ring::default_provider().install_default()",
            );
        }
        let user_agent = match self.user_agent {
            Some(prefix) => format!("{prefix} {USER_AGENT}"),
            None => USER_AGENT.to_owned(),
        };
        if !user_agent
            .bytes()
            .all(|byte| byte == b' ' || byte.is_ascii_graphic())
        {
            return bad("user_agent", "must be visible ASCII");
        }
        let plain = base.is_loopback() && !base.is_https();
        let http = reqwest::Client::builder().connect_timeout(Duration::from_secs(10));
        #[cfg(any(
            feature = "rustls",
            feature = "rustls-no-provider",
            feature = "native-tls"
        ))]
        let http = if plain {
            // The system's authorities, hundreds of files, are for nobody.
            http.tls_certs_only([])
        } else {
            http
        };
        let http = match self.http {
            Some(configure) => configure(http),
            None => http,
        };
        let http = http
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .user_agent(user_agent)
            .https_only(base.is_https());
        // A proxy would see the credential of a plain request that is not meant to leave.
        let http = if plain { http.no_proxy() } else { http };
        let Ok(http) = http.build() else {
            return bad(
                "http_client",
                "cannot be built: its TLS settings or proxies are wrong",
            );
        };
        let Ok(credential_header) = HeaderName::from_bytes(profile.credential_header.as_bytes())
        else {
            return bad("credential_header", "is no name of a header");
        };
        let mut headers = C::headers(&self.options)?;
        for (name, value) in profile.headers {
            match (
                HeaderName::from_bytes(name.as_bytes()),
                HeaderValue::from_str(value),
            ) {
                (Ok(name), Ok(value)) => headers.insert(name, value),
                _ => return bad("headers", "holds what cannot be a header"),
            };
        }
        let settings = Settings {
            headers,
            ..self.settings
        };
        let random = self
            .seed
            .map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        let core = Core::new(
            profile,
            http,
            base,
            (credential_header, credential),
            settings,
            self.clock,
            random,
        );
        C::from_core(Arc::new(core), self.options)
    }
}

/// What to say of a setting that has no default and may come from these variables.
fn missing(variables: &[&str]) -> String {
    if variables.is_empty() {
        return "is missing; give one".to_owned();
    }
    format!("is missing; give one, or set {}", variables.join(" or "))
}

const USER_AGENT: &str = concat!("access-tokens/", env!("CARGO_PKG_VERSION"));

impl<C: ServiceClient> fmt::Debug for ClientBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither the base URL, which may still hold a password, nor the HTTP client's headers.
        f.debug_struct("ClientBuilder")
            .field("service", &self.profile.service.name())
            .field(
                "credential",
                &self.credential.as_ref().map(|_| "[redacted]"),
            )
            .field("settings", &self.settings)
            .field("allow_http", &self.allow_http)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
