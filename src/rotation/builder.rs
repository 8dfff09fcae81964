//! What is to be rotated and how.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::error::{Error, ErrorKind};
use super::guard::guarded;
use super::journal::{Journal, MemoryJournal};
use super::plan::{Checks, Outline, Plan};
use super::sink::{Sink, redact};
use crate::BoxFuture;
use crate::secret::Secret;
use crate::service::{TokenKey, TokenRecord, TokenService, TokenServiceExt as _};
use crate::time::Expiry;

/// How a token is replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Strategy {
    /// By a new token of the same name; where names are unique, by one with the next free name
    /// (`edge`, `edge-2`, `edge-3`).
    #[default]
    Auto,
    /// By a new token of the same name.
    NewToken,
    /// By a new token of this name.
    NewName(String),
    /// Under the same name although names are unique: deleted and made anew, **with a gap in
    /// between** in which no secret works.
    InPlace,
    /// The token stays and gets a new secret (LaunchDarkly). It cannot be taken back; without a
    /// grace the old secret ends before the new one is delivered.
    Reset,
}

/// How a new secret is checked.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Verify {
    /// The service must accept it, before any sink gets it.
    #[default]
    Authenticate,
    /// Not at all.
    Skip,
    /// The service must accept it before any sink gets it, and after the last one a closure of your
    /// own; see [`Verify::custom`].
    Custom(CustomCheck),
}

/// A closure that checks a secret.
#[derive(Clone)]
pub struct CustomCheck(Arc<dyn Fn(Secret) -> BoxFuture<'static, Result<(), String>> + Send + Sync>);

impl Verify {
    /// Also calls an async closure when all sinks have the secret, to see that those who use it are
    /// well. If it fails, everything is taken back.
    ///
    /// ```
    /// use access_tokens::rotation::Verify;
    ///
    /// let verify = Verify::custom(|secret| async move {
    ///     if secret.is_empty() { Err("the service does not come up") } else { Ok(()) }
    /// });
    /// ```
    pub fn custom<F, W, E>(check: F) -> Self
    where
        F: Fn(Secret) -> W + Send + Sync + 'static,
        W: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display,
    {
        let check = Arc::new(check);
        Self::Custom(CustomCheck(Arc::new(move |secret| {
            let check = Arc::clone(&check);
            // Called inside, so that a panic of the closure itself is caught as well.
            Box::pin(async move { check(secret).await.map_err(|error| error.to_string()) })
        })))
    }

    /// Calls the closure, if there is one.
    pub(super) async fn check(&self, key: &TokenKey, secret: &Secret) -> Result<(), Error> {
        let Self::Custom(CustomCheck(check)) = self else {
            return Ok(());
        };
        match guarded(async { check(secret.clone()).await }).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(text)) => {
                Err(Error::new(key, ErrorKind::Check).with_text(redact(&text, secret)))
            }
            Err(_) => Err(Error::new(key, ErrorKind::Panicked).with_text("the check")),
        }
    }
}

impl fmt::Debug for CustomCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CustomCheck")
    }
}

impl fmt::Debug for Verify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Authenticate => "Authenticate",
            Self::Skip => "Skip",
            Self::Custom(_) => "Custom",
        })
    }
}

/// The rotation of one token: what, where to, how. Nothing happens before a [`Plan`] is run.
///
/// Build the same rotation again after a crash, with the same journal, and call
/// [`resume`](Self::resume).
#[derive(Clone)]
#[must_use = "nothing is done before a plan is made and run"]
pub struct Rotation {
    pub(super) service: Arc<dyn TokenService>,
    pub(super) key: TokenKey,
    pub(super) account: Option<String>,
    pub(super) grace: Option<Duration>,
    pub(super) strategy: Strategy,
    pub(super) sinks: Vec<Arc<dyn Sink>>,
    pub(super) verify: Verify,
    pub(super) lifetime: Option<Expiry>,
    pub(super) allow_own: bool,
    pub(super) journal: Arc<dyn Journal>,
    pub(super) journal_lasts: bool,
}

impl Rotation {
    /// Rotates this token of a service.
    pub fn of<S: TokenService + Clone + 'static>(service: &S, key: &TokenKey) -> Self {
        Self::of_shared(Arc::new(service.clone()), key)
    }

    /// Rotates this token of a service that is known by its trait alone.
    pub fn of_shared(service: Arc<dyn TokenService>, key: &TokenKey) -> Self {
        Self {
            service,
            key: key.clone(),
            account: None,
            grace: None,
            strategy: Strategy::default(),
            sinks: Vec::new(),
            verify: Verify::default(),
            lifetime: None,
            allow_own: false,
            journal: Arc::new(MemoryJournal::new()),
            journal_lasts: false,
        }
    }

    /// Which account of the service it is. Needed where one journal serves several accounts in
    /// which the same key can occur, such as two Query Servers.
    pub fn account(mut self, label: impl Into<String>) -> Self {
        self.account = Some(label.into());
        self
    }

    /// How long the old token goes on working once the new one is in place; not at all by default.
    ///
    /// Nobody waits for it: where the service cannot end a token by itself,
    /// [`finish`](Self::finish) has to be called after it. Until it ends, the old token can be seen
    /// in lists beside its successor, which is the one to rotate from then on.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = Some(grace);
        self
    }

    /// How the token is replaced.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// Where the new secret goes; several in their order.
    pub fn deliver(mut self, sink: impl Sink + 'static) -> Self {
        self.sinks.push(Arc::new(sink));
        self
    }

    /// How the new secret is checked.
    pub fn verify(mut self, verify: Verify) -> Self {
        self.verify = verify;
        self
    }

    /// When the successor ends. By default it lives as long as the old one was to live, or without
    /// end if that has none.
    pub fn lifetime(mut self, expiry: impl Into<Expiry>) -> Self {
        self.lifetime = Some(expiry.into());
        self
    }

    /// Rotates also the credential that the client itself uses, which then goes on with the new one.
    /// The new secret has to be delivered to whoever else uses it, as always.
    pub fn allow_own_credential(mut self) -> Self {
        self.allow_own = true;
        self
    }

    /// Where the rotation is written down; in memory by default, which does not outlive a crash.
    pub fn journal(self, journal: impl Journal + 'static) -> Self {
        self.shared_journal(Arc::new(journal))
    }

    /// The same, for a journal that several rotations share.
    pub fn shared_journal(mut self, journal: Arc<dyn Journal>) -> Self {
        self.journal = journal;
        self.journal_lasts = true;
        self
    }

    /// Looks at the token and decides what is to be done. Nothing is changed.
    ///
    /// # Errors
    /// [`ErrorKind::Unsuitable`] if the token cannot be rotated like this,
    /// [`ErrorKind::OwnCredential`] if it is the client's own, [`ErrorKind::Sink`] if a sink cannot
    /// be expected to work, or the service's error.
    pub async fn plan(&self) -> Result<Plan, Error> {
        let record = self.look().await?;
        self.plan_for(&record).await
    }

    pub(super) async fn look(&self) -> Result<TokenRecord, Error> {
        let record = self.service.get(&self.key).await;
        record.map_err(|error| Error::service(&self.key, error))
    }

    pub(super) async fn plan_for(&self, record: &TokenRecord) -> Result<Plan, Error> {
        let mut taken = Vec::new();
        if self.service.capabilities().unique_names {
            let all = self.service.list_all().await;
            let all = all.map_err(|error| Error::service(&self.key, error))?;
            taken.extend(all.into_iter().map(|record| record.key));
        }
        let own = self.service.is_own_credential(record).await;
        let own = own.map_err(|error| Error::service(&self.key, error))?;
        let plan = self.draw(record, &taken, own, self.service.now())?;
        for sink in &self.sinks {
            let checked = sink.check().await;
            checked.map_err(|error| Error::sink(&self.key, sink.id(), error))?;
        }
        Ok(plan)
    }

    /// Gives a plan that comes from elsewhere this rotation's service, sinks and journal.
    ///
    /// What the plan has decided counts, not what is set here.
    ///
    /// # Errors
    /// [`ErrorKind::WrongPlan`] if it is for another token, or for sinks of other names.
    pub fn with_plan(&self, mut plan: Plan) -> Result<Plan, Error> {
        self.fits(&plan.outline, true)?;
        plan.rotation = Some(self.clone());
        Ok(plan)
    }

    /// Whether decisions made earlier are about this token and these sinks.
    pub(super) fn fits(&self, outline: &Outline, sinks: bool) -> Result<(), Error> {
        let wrong = |what: &str| Err(Error::new(&self.key, ErrorKind::WrongPlan).with_text(what));
        if outline.service != self.service.service().name()
            || outline.key != self.key
            || outline.account != self.account
        {
            return wrong("it is for another token");
        }
        if sinks
            && !self
                .sinks
                .iter()
                .map(Sink::id)
                .eq(outline.sinks.iter().cloned())
        {
            return wrong("it is for other sinks");
        }
        let custom = matches!(self.verify, Verify::Custom(_));
        if sinks && outline.verify == Checks::AuthenticateAndCustom && !custom {
            return wrong("it needs the caller's check");
        }
        Ok(())
    }

    /// What stands for the token in a journal.
    pub(super) fn slot(&self) -> String {
        let account = self.account.as_deref().unwrap_or_default();
        let service = self.service.service();
        format!("{service}/{account}/{}", self.key.as_str())
    }
}

impl fmt::Debug for Rotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sinks: Vec<_> = self.sinks.iter().map(Sink::id).collect();
        f.debug_struct("Rotation")
            .field("service", &self.service.service().name())
            .field("account", &self.account)
            .field("key", &self.key)
            .field("grace", &self.grace)
            .field("strategy", &self.strategy)
            .field("sinks", &sinks)
            .field("verify", &self.verify)
            .field("lifetime", &self.lifetime)
            .field("allow_own_credential", &self.allow_own)
            .field("journal", &self.journal)
            .finish_non_exhaustive()
    }
}
