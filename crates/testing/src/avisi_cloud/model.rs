//! What tests see of the twin's state.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::common::random_uuid;
use access_tokens::Secret;

/// An operation of the service, by which faults are set and requests are counted.
///
/// Its name in JSON is in snake case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Operation {
    /// `GET /sts/v1/personal-access-tokens`
    List,
    /// `POST /sts/v1/personal-access-tokens`
    Provision,
    /// `DELETE /sts/v1/personal-access-tokens/{id}`
    Revoke,
}

/// Token inside an Avisi Cloud twin, with what the API hides.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TwinToken {
    /// The id, a UUID unless seeded otherwise.
    pub id: String,
    /// The name.
    pub name: String,
    /// Whom it stands for.
    pub subject: String,
    /// The type as it was given, if it was.
    pub kind: Option<Value>,
    /// Whether it is still to be used: neither revoked nor seeded inactive.
    pub active: bool,
    /// The IP restriction as it was given; empty if it was not.
    pub ip_restriction: String,
    /// When it was made.
    pub created_at: Option<SystemTime>,
    /// When it ends.
    pub expire_at: Option<SystemTime>,
    /// When a request was last made with it.
    pub last_used_at: Option<SystemTime>,
    /// The secret.
    pub secret: Secret,
    /// What answers show instead.
    pub(super) shown_with: Map<String, Value>,
}

impl TwinToken {
    /// Whether its end has come.
    pub(super) fn has_ended(&self, now: SystemTime) -> bool {
        self.expire_at.is_some_and(|end| end <= now)
    }

    pub(super) fn works(&self, now: SystemTime) -> bool {
        self.active && !self.has_ended(now)
    }
}

/// A token to put into an [`AvisiCloud`](super::AvisiCloud) twin, past the API and its checks.
///
/// ```
/// use access_tokens_testing::avisi_cloud::Seed;
///
/// let old = Seed::new("forgotten").ip_restriction("203.0.113.0/24").active(false);
/// ```
#[derive(Clone, Debug)]
pub struct Seed {
    name: String,
    id: Option<String>,
    kind: Option<Value>,
    active: bool,
    ip_restriction: String,
    /// `None`: now.
    created_at: Option<SystemTime>,
    undated: bool,
    expire_at: Option<SystemTime>,
    last_used_at: Option<SystemTime>,
    secret: Option<Secret>,
    shown_with: Map<String, Value>,
}

impl Seed {
    /// An active token, made now, never used and without an end.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            id: None,
            kind: None,
            active: true,
            ip_restriction: String::new(),
            created_at: None,
            undated: false,
            expire_at: None,
            last_used_at: None,
            secret: None,
            shown_with: Map::new(),
        }
    }

    /// Sets the id, any text; a new UUID by default. A token with the same id makes room.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Sets the type, any JSON; absent by default.
    #[must_use]
    pub fn kind(mut self, kind: Value) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Sets whether it is active.
    #[must_use]
    pub fn active(mut self, active: bool) -> Self {
        self.active = active;
        self
    }

    /// Sets the IP restriction, any text.
    #[must_use]
    pub fn ip_restriction(mut self, text: impl Into<String>) -> Self {
        self.ip_restriction = text.into();
        self
    }

    /// Sets when it was made; `None` leaves the date unset.
    #[must_use]
    pub fn created_at(mut self, time: impl Into<Option<SystemTime>>) -> Self {
        self.created_at = time.into();
        self.undated = self.created_at.is_none();
        self
    }

    /// Sets when it ends; may lie in the past.
    #[must_use]
    pub fn expire_at(mut self, time: SystemTime) -> Self {
        self.expire_at = Some(time);
        self
    }

    /// Sets when it was last used.
    #[must_use]
    pub fn last_used_at(mut self, time: SystemTime) -> Self {
        self.last_used_at = Some(time);
        self
    }

    /// Sets the secret, which must differ from all others; a new one by default.
    #[must_use]
    pub fn secret(mut self, secret: Secret) -> Self {
        self.secret = Some(secret);
        self
    }

    /// Sets what answers show for a member of it, any JSON, such as something that a client cannot
    /// read.
    #[must_use]
    pub fn shown_with(mut self, member: impl Into<String>, value: Value) -> Self {
        self.shown_with.insert(member.into(), value);
        self
    }

    pub(super) fn into_token(self, subject: &str, now: SystemTime) -> TwinToken {
        let created_at = self.created_at.or((!self.undated).then_some(now));
        TwinToken {
            id: self.id.unwrap_or_else(random_uuid),
            name: self.name,
            subject: subject.to_owned(),
            kind: self.kind,
            active: self.active,
            ip_restriction: self.ip_restriction,
            created_at,
            expire_at: self.expire_at,
            last_used_at: self.last_used_at,
            secret: self.secret.unwrap_or_else(random_secret),
            shown_with: self.shown_with,
        }
    }
}

pub(super) fn random_secret() -> Secret {
    Secret::new(
        std::iter::repeat_with(fastrand::alphanumeric)
            .take(40)
            .collect::<String>(),
    )
}
