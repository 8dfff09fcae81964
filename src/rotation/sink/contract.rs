//! What a sink and those who use it say to each other.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::marker::Marker;
use crate::secret::Secret;
use crate::service::TokenRecord;

/// Promise of a sink about late writes and taking back, from the weakest to the strongest.
///
/// ```
/// use access_tokens::rotation::sink::SinkKind;
///
/// // A token with several sinks follows the weakest.
/// let weakest = [SinkKind::Restorable, SinkKind::Blind].into_iter().min();
/// assert_eq!(weakest, Some(SinkKind::Blind));
/// assert!(SinkKind::Restorable.is_fenced() && !SinkKind::Observable.is_fenced());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SinkKind {
    /// Can be written and nothing else. A late write cannot be refused, and nobody can tell whose
    /// secret is there.
    Blind,
    /// Tells whose secret it holds, but cannot refuse a late write.
    Observable,
    /// Refuses a write that does not name the version that it is at.
    Fenced,
    /// Fenced, and keeps what it held, so that a delivery can be taken back.
    Restorable,
}

impl SinkKind {
    /// Whether a write that is late is refused.
    #[must_use]
    pub fn is_fenced(self) -> bool {
        self >= Self::Fenced
    }

    /// The name in reports and records, such as `restorable`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blind => "blind",
            Self::Observable => "observable",
            Self::Fenced => "fenced",
            Self::Restorable => "restorable",
        }
    }
}

impl fmt::Display for SinkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Version of what a sink holds: another one after every write, also of the same content.
///
/// It is opaque, can be kept in a record, and says nothing about the secret: it is no hash of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SinkVersion(String);

impl SinkVersion {
    /// A version in the words of a sink.
    pub fn new(version: impl Into<String>) -> Self {
        Self(version.into())
    }

    /// The sink's own words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SinkVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whose secret a sink holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Holds {
    /// None: the place is empty.
    Nothing,
    /// That of this attempt.
    Attempt(Marker),
    /// Content that no attempt put there.
    Other,
    /// The sink cannot tell.
    Unknown,
}

/// State of a sink: the version and whose secret it holds, read together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Observed {
    /// The version; `None` from a sink that has none.
    pub version: Option<SinkVersion>,
    /// Whose secret it holds.
    pub holds: Holds,
}

impl Observed {
    /// What a sink with versions holds.
    #[must_use]
    pub fn new(version: SinkVersion, holds: Holds) -> Self {
        Self {
            version: Some(version),
            holds,
        }
    }

    /// What a sink without versions holds.
    #[must_use]
    pub fn unversioned(holds: Holds) -> Self {
        Self {
            version: None,
            holds,
        }
    }
}

/// Outcome of a write that a sink is certain of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// The version that the sink is at now; `None` from a sink that has none.
    pub version: Option<SinkVersion>,
    /// What somebody should know although the write succeeded, such as a file that may not be on
    /// the disk yet, or another name that still shows the old secret.
    pub warning: Option<String>,
}

impl Written {
    /// A write to a sink with versions.
    #[must_use]
    pub fn new(version: SinkVersion) -> Self {
        Self {
            version: Some(version),
            warning: None,
        }
    }

    /// A write to a sink without versions.
    #[must_use]
    pub fn unversioned() -> Self {
        Self::default()
    }

    /// Adds what somebody should know.
    #[must_use]
    pub fn with_warning(mut self, warning: impl Into<String>) -> Self {
        let warning = warning.into();
        self.warning = Some(match self.warning {
            Some(first) => format!("{first}; {warning}"),
            None => warning,
        });
        self
    }
}

/// Request to store a secret: which, whose, and in the place of what.
///
/// ```
/// use access_tokens::rotation::sink::{Delivery, SinkVersion};
/// use access_tokens::{Marker, Secret, Service, TokenKey, TokenRecord};
///
/// let (secret, owner) = (Secret::new("api-…"), Marker::random());
/// let token = TokenRecord::new(Service::LAUNCH_DARKLY, TokenKey::new("66aa10f2"));
/// let (attempt, replaces) = (owner.attempt(8), owner.attempt(7));
/// let seen = SinkVersion::new("41");
/// let delivery = Delivery::new(&secret, &token, &attempt, &replaces).with_seen(Some(&seen));
/// assert_eq!(delivery.seen(), Some(&seen));
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "a delivery does nothing before a sink gets it"]
pub struct Delivery<'a> {
    secret: &'a Secret,
    token: &'a TokenRecord,
    attempt: &'a Marker,
    replaces: &'a Marker,
    seen: Option<&'a SinkVersion>,
    managed: Option<&'a str>,
}

impl<'a> Delivery<'a> {
    /// Delivers the secret of a new token, which this attempt made, in the place of what that other
    /// attempt put there (or of what was there at first).
    pub fn new(
        secret: &'a Secret,
        token: &'a TokenRecord,
        attempt: &'a Marker,
        replaces: &'a Marker,
    ) -> Self {
        Self {
            secret,
            token,
            attempt,
            replaces,
            seen: None,
            managed: None,
        }
    }

    /// Sets the version that the sink must still be at; with `None` whatever is there is replaced.
    pub fn with_seen(mut self, seen: impl Into<Option<&'a SinkVersion>>) -> Self {
        self.seen = seen.into();
        self
    }

    /// Sets the name of the managed token, for sinks that have a place for it.
    pub fn with_managed(mut self, name: impl Into<Option<&'a str>>) -> Self {
        self.managed = name.into();
        self
    }

    /// The secret to store.
    #[must_use]
    pub fn secret(&self) -> &'a Secret {
        self.secret
    }

    /// The record of the token whose secret it is.
    #[must_use]
    pub fn token(&self) -> &'a TokenRecord {
        self.token
    }

    /// The attempt that made the token: the label to keep with the secret.
    #[must_use]
    pub fn attempt(&self) -> &'a Marker {
        self.attempt
    }

    /// The attempt whose secret is believed to be there: the label of former content that has none.
    #[must_use]
    pub fn replaces(&self) -> &'a Marker {
        self.replaces
    }

    /// The version that the sink must still be at.
    #[must_use]
    pub fn seen(&self) -> Option<&'a SinkVersion> {
        self.seen
    }

    /// The name of the managed token.
    #[must_use]
    pub fn managed(&self) -> Option<&'a str> {
        self.managed
    }
}
