//! The rules for sinks, as a function that holds any [`Sink`] to them.
//!
//! ```
//! use access_tokens::rotation::sink::FileSink;
//! use access_tokens_testing::sinks;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = std::env::temp_dir().join(format!("sinks-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&directory)?;
//! let path = directory.join("token");
//! let report = sinks::check(|| FileSink::new(&path)).await?;
//! assert!(report.rules().contains(&"a late write is refused"));
//! # std::fs::remove_dir_all(&directory)?;
//! # Ok(())
//! # }
//! ```

use std::fmt;

use access_tokens::rotation::sink::{
    Delivery, Holds, Observed, Sink, SinkError, SinkErrorKind, SinkKind, SinkVersion, Written,
};
use access_tokens::{Marker, Secret, Service, TokenKey, TokenRecord};

/// Rules that a sink was seen to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    kind: SinkKind,
    rules: Vec<&'static str>,
}

impl Report {
    /// Promise of the sink.
    #[must_use]
    pub fn kind(&self) -> SinkKind {
        self.kind
    }

    /// The rules that were checked, which are more for a sink that promises more.
    #[must_use]
    pub fn rules(&self) -> &[&'static str] {
        &self.rules
    }
}

/// Rule that a sink broke, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    rule: &'static str,
    text: String,
}

impl Violation {
    /// The rule.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        self.rule
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "broken: {}: {}", self.rule, self.text)
    }
}

impl std::error::Error for Violation {}

/// Holds a sink to the rules of its kind, which are told at [`Sink`] and [`SinkKind`].
///
/// Each call of `make` gives a new handle to one and the same place, as another process would have;
/// the place may be empty or hold somebody's content. Secrets are delivered to it, and a
/// [restorable](SinkKind::Restorable) sink ends as it began.
///
/// # Errors
/// The first rule that is broken.
pub async fn check<S: Sink>(make: impl Fn() -> S) -> Result<Report, Violation> {
    let owner = Marker::random();
    let secrets = (0..4).map(|_| Secret::new(format!("canary-{}", fastrand::u128(..))));
    let mut run = Run {
        kind: make().kind(),
        owner,
        secrets: secrets.collect(),
        token: TokenRecord::new(
            Service::LAUNCH_DARKLY,
            TokenKey::new("66aa10f2c4d5e60011223344"),
        ),
        seen: Vec::new(),
        rules: Vec::new(),
    };
    run.identity(&make)?;
    run.first_look(&make).await?;
    let before = run.observed(&make()).await?;
    run.deliveries(&make).await?;
    if run.kind.is_fenced() {
        run.fence(&make).await?;
        run.race(&make).await?;
    } else {
        run.unfenced(&make).await?;
    }
    if run.kind == SinkKind::Restorable {
        run.restores(&make, &before.holds).await?;
    } else {
        let version = SinkVersion::new("0");
        let refused = make().restore(&run.attempt(0), &version).await;
        run.unsupported("what cannot be restored is refused", &refused)?;
    }
    Ok(Report {
        kind: run.kind,
        rules: run.rules,
    })
}

struct Run {
    kind: SinkKind,
    owner: Marker,
    secrets: Vec<Secret>,
    token: TokenRecord,
    /// Every version that there was.
    seen: Vec<SinkVersion>,
    rules: Vec<&'static str>,
}

type Step<T = ()> = Result<T, Violation>;

impl Run {
    fn attempt(&self, number: u64) -> Marker {
        self.owner.attempt(number)
    }

    fn secret(&self, number: u64) -> Secret {
        let length = self.secrets.len().max(1);
        let index = usize::try_from(number).unwrap_or_default() % length;
        self.secrets
            .get(index)
            .cloned()
            .unwrap_or_else(|| Secret::new("canary"))
    }

    fn rule(&mut self, rule: &'static str, kept: bool, text: impl FnOnce() -> String) -> Step {
        if !self.rules.contains(&rule) {
            self.rules.push(rule);
        }
        if kept {
            return Ok(());
        }
        // What a sink says may be what breaks the rule, so none of it gets out.
        let text = self.secrets.iter().fold(text(), |text, secret| {
            text.replace(secret.expose_secret(), "[redacted]")
        });
        Err(Violation { rule, text })
    }

    /// That nothing of it prints a secret.
    fn clean(&mut self, what: &dyn fmt::Debug) -> Step {
        let text = format!("{what:?} {what:#?}");
        let leaks = self
            .secrets
            .iter()
            .any(|secret| text.contains(secret.expose_secret()));
        self.rule("nothing prints a secret", !leaks, || text)
    }

    fn identity<S: Sink>(&mut self, make: &impl Fn() -> S) -> Step {
        let (one, other) = (make(), make());
        let same = one.id() == other.id() && one.kind() == other.kind();
        self.rule("two handles to a place have one id and kind", same, || {
            format!("{} and {}", one.id(), other.id())
        })?;
        let plain = !one.id().is_empty() && !one.id().chars().any(char::is_control);
        self.rule("an id can be printed", plain, || format!("{:?}", one.id()))
    }

    async fn first_look<S: Sink>(&mut self, make: &impl Fn() -> S) -> Step {
        let before = self.observed(&make()).await?;
        let checked = make().check().await;
        self.rule(
            "a place that will do passes its check",
            checked.is_ok(),
            || format!("{checked:?}"),
        )?;
        let after = self.observed(&make()).await?;
        self.rule("a check changes nothing", before == after, || {
            format!("{before:?}, then {after:?}")
        })?;
        let has = before.version.is_some();
        let rule = "a fenced sink has versions, a blind one none";
        let fits = if self.kind.is_fenced() {
            has
        } else {
            self.kind != SinkKind::Blind || !has
        };
        self.rule(rule, fits, || format!("{before:?}"))
    }

    async fn observed<S: Sink>(&mut self, sink: &S) -> Step<Observed> {
        let observed = sink.observe().await;
        self.rule("a sink can be observed", observed.is_ok(), || {
            format!("{observed:?}")
        })?;
        let observed = observed.unwrap_or_else(|_| Observed::unversioned(Holds::Unknown));
        self.clean(&(&observed, sink))?;
        Ok(observed)
    }

    async fn delivered<S: Sink>(
        &self,
        sink: &S,
        number: u64,
        replaces: u64,
        seen: Option<&SinkVersion>,
    ) -> Result<Written, SinkError> {
        let (secret, attempt) = (self.secret(number), self.attempt(number));
        let replaces = self.attempt(replaces);
        let delivery = Delivery::new(&secret, &self.token, &attempt, &replaces)
            .with_seen(seen)
            .with_managed("conformance");
        sink.deliver(&delivery).await
    }

    /// That a write succeeded, moved the version, and left this.
    async fn wrote<S: Sink>(
        &mut self,
        make: &impl Fn() -> S,
        written: Result<Written, SinkError>,
        holds: &Holds,
    ) -> Step<Option<SinkVersion>> {
        self.clean(&written)?;
        self.rule(
            "a write at the version that is there succeeds",
            written.is_ok(),
            || format!("{written:?}"),
        )?;
        let version = written.ok().and_then(|written| written.version);
        let now = self.observed(&make()).await?;
        if self.kind.is_fenced() {
            let same = now.version.is_some() && version == now.version;
            self.rule("a write tells the version that it led to", same, || {
                format!("{version:?}, but there is {:?}", now.version)
            })?;
            let new = version
                .as_ref()
                .is_some_and(|version| !self.seen.contains(version));
            self.rule("a version is another one after every write", new, || {
                format!("{version:?}")
            })?;
            self.seen.extend(version.clone());
        }
        if self.kind != SinkKind::Blind {
            self.rule(
                "a sink tells whose secret it holds",
                now.holds == *holds,
                || format!("{:?} instead of {holds:?}", now.holds),
            )?;
        }
        Ok(now.version)
    }

    async fn deliveries<S: Sink>(&mut self, make: &impl Fn() -> S) -> Step {
        for (number, replaces) in [(1, 0), (1, 0), (2, 1)] {
            let seen = self.observed(&make()).await?.version;
            self.seen.extend(seen.clone());
            let written = self
                .delivered(&make(), number, replaces, seen.as_ref())
                .await;
            let holds = Holds::Attempt(self.attempt(number));
            self.wrote(make, written, &holds).await?;
        }
        Ok(())
    }

    fn refused(&mut self, refused: &Result<Written, SinkError>) -> Step {
        self.clean(refused)?;
        let kind = refused.as_ref().err().map(SinkError::kind);
        let conflict = kind == Some(SinkErrorKind::Conflict);
        self.rule("a late write is refused", conflict, || {
            format!("{refused:?}")
        })
    }

    fn unsupported(&mut self, rule: &'static str, refused: &Result<Written, SinkError>) -> Step {
        let kind = refused.as_ref().err().map(SinkError::kind);
        let fits = kind == Some(SinkErrorKind::Unsupported);
        self.rule(rule, fits, || format!("{refused:?}"))
    }

    async fn fence<S: Sink>(&mut self, make: &impl Fn() -> S) -> Step {
        let two = Holds::Attempt(self.attempt(2));
        let old = self.observed(&make()).await?.version;
        let Some(old) = old else { return Ok(()) };
        let written = make().rewrite(&old).await;
        self.wrote(make, written, &two).await?;
        let before = self.observed(&make()).await?;
        let late = self.delivered(&make(), 1, 0, Some(&old)).await;
        self.refused(&late)?;
        self.refused(&make().rewrite(&old).await)?;
        if self.kind == SinkKind::Restorable {
            self.refused(&make().restore(&self.attempt(1), &old).await)?;
        }
        let after = self.observed(&make()).await?;
        self.rule("a refused write changes nothing", before == after, || {
            format!("{before:?}, then {after:?}")
        })
    }

    async fn race<S: Sink>(&mut self, make: &impl Fn() -> S) -> Step {
        let (one, other) = (make(), make());
        let seen = self.observed(&one).await?.version;
        let (a, b) = tokio::join!(
            self.delivered(&one, 3, 2, seen.as_ref()),
            self.delivered(&other, 4, 2, seen.as_ref())
        );
        let winner = match (&a, &b) {
            (Ok(_), Err(error)) if error.kind() == SinkErrorKind::Conflict => Some(3),
            (Err(error), Ok(_)) if error.kind() == SinkErrorKind::Conflict => Some(4),
            _ => None,
        };
        self.rule(
            "of two writes at one version one wins",
            winner.is_some(),
            || format!("{a:?} and {b:?}"),
        )?;
        let holds = Holds::Attempt(self.attempt(winner.unwrap_or_default()));
        self.wrote(make, a.or(b), &holds).await?;
        let seen = self.observed(&make()).await?.version;
        let written = self.delivered(&make(), 2, 1, seen.as_ref()).await;
        let two = Holds::Attempt(self.attempt(2));
        self.wrote(make, written, &two).await?;
        Ok(())
    }

    async fn unfenced<S: Sink>(&mut self, make: &impl Fn() -> S) -> Step {
        let refused = make().rewrite(&SinkVersion::new("0")).await;
        self.unsupported(
            "what has no versions cannot be moved to a new one",
            &refused,
        )
    }

    async fn restores<S: Sink>(&mut self, make: &impl Fn() -> S, first: &Holds) -> Step {
        let (zero, never) = (self.attempt(0), self.attempt(77));
        let version = |observed: Observed| observed.version.unwrap_or_else(|| SinkVersion::new(""));
        let seen = version(self.observed(&make()).await?);
        let unknown = make().restore(&never, &seen).await;
        let kind = unknown.as_ref().err().map(SinkError::kind);
        let rule = "what it does not keep it does not restore";
        self.rule(rule, kind == Some(SinkErrorKind::NotStored), || {
            format!("{unknown:?}")
        })?;
        // Back, forth, and the same once more.
        for number in [1, 2, 2, 1] {
            let attempt = self.attempt(number);
            let seen = version(self.observed(&make()).await?);
            let written = make().restore(&attempt, &seen).await;
            self.wrote(make, written, &Holds::Attempt(attempt)).await?;
        }
        let seen = version(self.observed(&make()).await?);
        let written = make().restore(&zero, &seen).await;
        let holds = match first {
            Holds::Nothing => Holds::Nothing,
            _ => Holds::Attempt(zero),
        };
        self.wrote(make, written, &holds).await?;
        Ok(())
    }
}
