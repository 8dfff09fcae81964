//! What all clones of a client share.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use http::{HeaderMap, HeaderName, StatusCode};

use super::base_url::BaseUrl;
use super::connections::Connections;
use super::credential::Credential;
use super::limiter::Limiter;
use super::limits::{Skew, Timing};
use super::observer::Observing;
use super::operation::Operation;
use super::options::CallOptions;
use super::profile::Profile;
use super::retry::Budget;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;
use crate::sync::lock;

/// What a client was built with.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(super) options: CallOptions,
    pub(crate) concurrency: usize,
    pub(crate) max_response_bytes: usize,
    pub(crate) max_header_bytes: usize,
    /// What every request carries.
    pub(super) headers: HeaderMap,
    pub(super) observer: Observing,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            options: CallOptions::default(),
            concurrency: 8,
            max_response_bytes: 32 << 20,
            max_header_bytes: 64 << 10,
            headers: HeaderMap::new(),
            observer: Observing::default(),
        }
    }
}

/// What all clones of a client share.
#[derive(Clone)]
pub struct Core {
    pub(crate) profile: &'static Profile,
    pub(crate) http: reqwest::Client,
    pub(crate) base: BaseUrl,
    pub(crate) settings: Settings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(super) credential_header: HeaderName,
    pub(super) credential: Arc<Credential>,
    pub(super) connections: Arc<Connections>,
    pub(super) limiter: Arc<Limiter>,
    pub(super) budget: Arc<Budget>,
    skew: Arc<Skew>,
    random: Arc<Mutex<fastrand::Rng>>,
}

impl Core {
    pub(crate) fn new(
        profile: &'static Profile,
        http: reqwest::Client,
        base: BaseUrl,
        (credential_header, credential): (HeaderName, Credential),
        settings: Settings,
        clock: Arc<dyn Clock>,
        random: fastrand::Rng,
    ) -> Self {
        let limiter = Arc::new(Limiter::new(settings.concurrency));
        let connections = Connections::to(&base.url().origin().ascii_serialization());
        Self {
            profile,
            http,
            base,
            settings,
            clock,
            credential_header,
            credential: Arc::new(credential),
            connections,
            limiter,
            budget: Arc::new(Budget::new()),
            skew: Arc::default(),
            random: Arc::new(Mutex::new(random)),
        }
    }

    /// Learns from the head of an answer, while its request still holds its place.
    pub(super) fn observe(
        &self,
        operation: &'static Operation,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Timing {
        let now = self.clock.now();
        let timing = Timing::read(self.profile, headers, now);
        if let Some(theirs) = timing.service_now {
            self.skew.note(theirs, now);
        }
        let declined = matches!(status.as_u16(), 429 | 503);
        let seen = (timing.service_now.unwrap_or(now), self.clock.monotonic());
        self.limiter.observe(operation, declined, &timing, seen);
        timing
    }

    /// The time by the service's clock, as far as its answers told: what is reckoned from this ends
    /// when it should, also where the clock of this machine is wrong.
    pub(crate) fn service_now(&self) -> SystemTime {
        self.skew.correct(self.clock.now())
    }

    #[cfg(feature = "launchdarkly")]
    /// The limits that the last answer told of.
    pub(crate) fn rate_limits(&self) -> Option<super::RateLimits> {
        self.limiter.last()
    }

    pub(crate) fn replace_credential(&self, secret: Secret) -> Result<()> {
        self.credential.replace(self.profile, secret)
    }

    /// The same with another credential, sharing the connections and the limits of the client.
    pub(crate) fn with_credential(&self, secret: Secret) -> Result<Arc<Self>> {
        Ok(Arc::new(Self {
            credential: Arc::new(Credential::fixed(self.profile, secret)?),
            ..self.clone()
        }))
    }

    #[cfg(any(feature = "launchdarkly", feature = "query-server"))]
    /// The credential that the next attempt would use.
    pub(crate) async fn current_credential(&self) -> Result<Secret> {
        let current = self.credential.current(self.profile);
        match crate::reactor::timeout(self.settings.options.timeout, current).await {
            Ok(keyed) => Ok(keyed?.secret().clone()),
            Err(_) => Err(self.error(ErrorKind::Timeout)),
        }
    }

    #[cfg(feature = "launchdarkly")]
    /// Whether a provider has another credential than this one, which was refused.
    pub(crate) async fn renew_credential(&self, rejected: &Secret) -> bool {
        let renew = self.credential.renew(rejected);
        crate::reactor::timeout(self.settings.options.timeout, renew).await == Ok(true)
    }

    pub(super) fn random(&self) -> f64 {
        lock(&self.random).f64()
    }

    pub(super) fn error(&self, kind: ErrorKind) -> Error {
        Error::of_kind(self.profile.service, kind)
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core")
            .field("service", &self.profile.service.name())
            .field("base_url", &self.base)
            .field("credential", &self.credential)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
