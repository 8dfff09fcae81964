//! What the user says of a managed token.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::after::AfterStep;
use super::error::Error;
use super::record::Life;
use super::rules::{Rules, SinkRule, earlier, hash};
use super::sink::Sink;
use crate::due::{RotationPolicy, days};
use crate::service::{TokenKey, TokenService, TokenTemplate};
use crate::text::{escape_untrusted, human_duration};
use crate::time::Expiry;

/// Managed token: a name that never changes, and everything that a keeper needs to know to keep the
/// token behind it fresh.
///
/// What is written here does not change by a rotation. Build it again in every process, with the
/// same name, and hand it to a [`Keeper`](super::Keeper).
///
/// ```
/// use access_tokens::rotation::{ManagedToken, sink::FileSink};
/// use access_tokens::{RotationPolicy, TokenKey, days};
/// # let service = access_tokens::launchdarkly::Client::builder().credential("api-0123456789").build()?;
///
/// let token = ManagedToken::builder("nightly-export")
///     .service(service)
///     .adopt(TokenKey::new("66aa10f2c4d5e60011223344"))
///     .policy(RotationPolicy::new().max_age(days(90)))
///     .overlap(days(1))
///     .deliver_to(FileSink::new("/etc/app/token"))
///     .build()?;
/// assert_eq!(token.name(), "nightly-export");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ManagedToken(Arc<Declared>);

#[derive(Debug)]
pub(crate) struct Declared {
    pub(crate) name: String,
    pub(crate) service: Arc<dyn TokenService>,
    pub(crate) account: Option<String>,
    pub(crate) source: Source,
    pub(crate) sinks: Vec<Arc<dyn Sink>>,
    pub(crate) after: Vec<AfterStep>,
    pub(crate) verify: bool,
    pub(crate) allow_own_credential: bool,
    pub(crate) reclaim: bool,
    pub(crate) accepted: BTreeSet<Property>,
    pub(crate) rules: Arc<Rules>,
}

/// How the first token is found.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Key(TokenKey),
    Name(String),
    Create(TokenTemplate),
}

/// Property of a token that a successor may lack or have different, if that is
/// [accepted](ManagedTokenBuilder::accept).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Property {
    /// Whose it is. A service gives what it creates to the caller.
    Owner,
    /// Whether it stands for a service or a person.
    Kind,
    /// When it ends: later than asked for, or not at all.
    End,
    /// What it may do: role, policies, scope, and whatever else its template holds.
    Permissions,
}

impl ManagedToken {
    /// Begins the declaration of a managed token of this name.
    pub fn builder(name: impl Into<String>) -> ManagedTokenBuilder {
        ManagedTokenBuilder {
            name: name.into(),
            service: None,
            account: None,
            source: None,
            sinks: Vec::new(),
            after: Vec::new(),
            verify: true,
            allow_own_credential: false,
            reclaim: false,
            accepted: BTreeSet::new(),
            policy: RotationPolicy::new(),
            spread: Duration::ZERO,
            overlap: None,
            lifetime: None,
            suspended: false,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The label of its account.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.0.account.as_deref()
    }

    /// The ids of the places that its secret is delivered to, in order.
    pub fn sink_ids(&self) -> impl Iterator<Item = &str> {
        self.0.rules.sinks.iter().map(|sink| sink.id.as_str())
    }

    pub(crate) fn declared(&self) -> &Declared {
        &self.0
    }
}

impl fmt::Debug for ManagedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagedToken")
            .field("name", &self.0.name)
            .field("service", &self.0.service.service().name())
            .field("account", &self.0.account)
            .field("rules", &self.0.rules)
            .finish_non_exhaustive()
    }
}

/// Builder of a [`ManagedToken`].
#[derive(Clone)]
#[must_use = "nothing is declared before build()"]
#[expect(clippy::struct_excessive_bools, reason = "independent choices")]
pub struct ManagedTokenBuilder {
    name: String,
    service: Option<Arc<dyn TokenService>>,
    account: Option<String>,
    source: Option<Source>,
    sinks: Vec<Arc<dyn Sink>>,
    after: Vec<AfterStep>,
    verify: bool,
    allow_own_credential: bool,
    reclaim: bool,
    accepted: BTreeSet<Property>,
    policy: RotationPolicy,
    spread: Duration,
    overlap: Option<Duration>,
    lifetime: Option<Expiry>,
    suspended: bool,
}

impl fmt::Debug for ManagedTokenBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagedTokenBuilder")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The longest time that makes sense anywhere here; arithmetic with it never leaves the calendar.
const LONGEST: Duration = days(100 * 366);

impl ManagedTokenBuilder {
    /// The service that the token belongs to.
    pub fn service(self, service: impl TokenService + 'static) -> Self {
        self.shared_service(Arc::new(service))
    }

    /// The same, for a service that several managed tokens share: it is then listed once for all of
    /// them.
    pub fn shared_service(mut self, service: Arc<dyn TokenService>) -> Self {
        self.service = Some(service);
        self
    }

    /// The label of the account, where one state serves several accounts of a service.
    pub fn account(mut self, label: impl Into<String>) -> Self {
        self.account = Some(label.into());
        self
    }

    /// Takes on the token of this key. The key is read at the first contact only; afterwards the
    /// state knows which token it is. A sink that is empty then makes a rotation due at once, since
    /// nobody can read the token's secret again: put it there first to keep the token until its time.
    pub fn adopt(mut self, key: impl Into<TokenKey>) -> Self {
        self.source = Some(Source::Key(key.into()));
        self
    }

    /// Takes on the one token of this name; if there are several, the error names them.
    pub fn adopt_named(mut self, name: impl Into<String>) -> Self {
        self.source = Some(Source::Name(name.into()));
        self
    }

    /// Makes a token after this template, or a body of the service, if there is none; also if it is
    /// deleted at the service. Each token carries a mark of the keeper: at Query Server and Avisi Cloud behind its
    /// name, as in `edge-at~5muzjfcaore4udli.1`, at LaunchDarkly in its description.
    ///
    /// The builder of a body is no template; JSON is one, as [`TokenTemplate`] says.
    ///
    /// ```
    /// # #[cfg(feature = "launchdarkly")] {
    /// use access_tokens::launchdarkly::{Role, TokenBody};
    /// use access_tokens::rotation::ManagedToken;
    ///
    /// let mut body = TokenBody::default();
    /// body.role = Some(Role::Reader);
    /// let export = ManagedToken::builder("nightly-export").create(body);
    ///
    /// let template = access_tokens::TokenTemplate::new(serde_json::json!({"name": "edge"}));
    /// let edge = ManagedToken::builder("edge").create(template); // on Query Server
    /// # drop((export, edge));
    /// # }
    /// ```
    pub fn create(mut self, template: impl Into<TokenTemplate>) -> Self {
        self.source = Some(Source::Create(template.into()));
        self
    }

    /// Where the secret goes; several in their order.
    pub fn deliver_to(self, sink: impl Sink + 'static) -> Self {
        self.deliver_to_shared(Arc::new(sink))
    }

    /// The same for a sink that is shared.
    pub fn deliver_to_shared(mut self, sink: Arc<dyn Sink>) -> Self {
        self.sinks.push(sink);
        self
    }

    /// When the token is due. Without rules it is rotated only when somebody asks, or when
    /// something has to be mended.
    pub fn policy(mut self, policy: RotationPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Makes it due earlier by up to this much, by its name, so that tokens of the same age are not
    /// due in the same hour.
    pub fn spread(mut self, most: Duration) -> Self {
        self.spread = most;
        self
    }

    /// How long the old token goes on working once the new one is in place. It has to be said; zero
    /// means not at all.
    pub fn overlap(mut self, overlap: Duration) -> Self {
        self.overlap = Some(overlap);
        self
    }

    /// How long each token lives, or that it never ends. By default as long as the one that was
    /// taken on was to live.
    pub fn lifetime(mut self, lifetime: impl Into<Expiry>) -> Self {
        self.lifetime = Some(lifetime.into());
        self
    }

    /// Whether the service must accept a new secret before any sink gets it; it must by default.
    pub fn verify(mut self, on: bool) -> Self {
        self.verify = on;
        self
    }

    /// A step after each delivery; several in their order.
    pub fn after(mut self, step: AfterStep) -> Self {
        self.after.push(step);
        self
    }

    /// Whether the token may be the credential that the client itself uses, which then goes on with
    /// the new one. Deliver it to where that client reads it;
    /// [`Keeper::tick_all`](super::Keeper::tick_all) takes it last.
    pub fn allow_own_credential(mut self, on: bool) -> Self {
        self.allow_own_credential = on;
        self
    }

    /// Whether a token may be taken on although another entry, or an earlier state, has marked it as
    /// its own.
    pub fn reclaim(mut self, on: bool) -> Self {
        self.reclaim = on;
        self
    }

    /// Accepts that a successor differs in this.
    pub fn accept(mut self, property: Property) -> Self {
        self.accepted.insert(property);
        self
    }

    /// Whether it is left alone for now.
    pub fn suspended(mut self, on: bool) -> Self {
        self.suspended = on;
        self
    }

    /// Checks the declaration.
    ///
    /// # Errors
    /// [`ErrorKind::Declaration`](super::ErrorKind) if something is missing or contradicts itself.
    pub fn build(self) -> Result<ManagedToken, Error> {
        let name = self.name;
        let wrong = |text: &str| Err(Error::declaration(&name, text));
        if name.is_empty() {
            return wrong("a managed token needs a name");
        }
        let Some(service) = self.service else {
            return wrong("say which service it belongs to: service(…)");
        };
        let Some(source) = self.source else {
            return wrong("say which token it is: adopt(…), adopt_named(…) or create(…)");
        };
        let Some(overlap) = self.overlap else {
            return wrong("say how long the old token works on: overlap(…); zero is allowed");
        };
        if self.sinks.is_empty() {
            return wrong("say where the secret goes: deliver_to(…)");
        }
        let policy = self.policy;
        let times = [policy.max_age, policy.expires_within, policy.unused_for];
        let times = times.into_iter().flatten().chain([overlap, self.spread]);
        let life = match self.lifetime {
            None => None,
            Some(Expiry::Never) => Some(Life::Endless),
            Some(Expiry::In(span)) if span.is_zero() => return wrong("a lifetime cannot be zero"),
            Some(Expiry::In(span)) => Some(Life::Seconds(span.as_secs().max(1))),
            Some(_) => {
                return wrong("each successor needs an end of its own: a lifetime, not a date");
            }
        };
        let times = times.chain(life.and_then(Life::span));
        let beyond = |time: &Duration| SystemTime::now().checked_add(*time).is_none();
        if times.clone().any(|time| time > LONGEST || beyond(&time)) {
            return wrong("no time can be longer than 100 years");
        }
        if [policy.max_age, policy.expires_within].contains(&Some(Duration::ZERO)) {
            return wrong("a limit of zero would make it due always");
        }
        let period = policy
            .max_age
            .into_iter()
            .chain(life.and_then(Life::span))
            .min();
        if let Some(period) = period.filter(|period| overlap >= *period) {
            let text = format!(
                "the overlap of {} is not shorter than the {} from one token to the next",
                human_duration(overlap),
                human_duration(period)
            );
            return wrong(&text);
        }
        let mut sinks: Vec<SinkRule> = Vec::new();
        for sink in &self.sinks {
            let (id, kind) = (escape_untrusted(&sink.id(), usize::MAX), sink.kind());
            if sinks.iter().any(|other| other.id == id) {
                return wrong(&format!("two of its sinks write to the same place: {id}"));
            }
            sinks.push(SinkRule { id, kind });
        }
        let mut rules = Rules {
            policy,
            earlier: earlier(&name, self.spread),
            overlap,
            life,
            sinks,
            has_after: !self.after.is_empty(),
            creates: matches!(source, Source::Create(_)),
            suspended: self.suspended,
            declared: String::new(),
        };
        let steps: Vec<&str> = self.after.iter().map(AfterStep::id).collect();
        let everything = format!(
            "{rules:?} {source:?} {steps:?} {} {} {:?}",
            self.verify, self.allow_own_credential, self.accepted
        );
        rules.declared = format!("{:016x}", hash(&everything));
        Ok(ManagedToken(Arc::new(Declared {
            service,
            account: self.account,
            source,
            sinks: self.sinks,
            after: self.after,
            verify: self.verify,
            allow_own_credential: self.allow_own_credential,
            reclaim: self.reclaim,
            accepted: self.accepted,
            rules: Arc::new(rules),
            name,
        })))
    }
}
