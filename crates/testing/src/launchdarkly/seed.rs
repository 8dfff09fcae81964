//! Tokens that are there before a test begins.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

use super::form::NEWEST_API_VERSION;
use super::state::TwinToken;
use access_tokens::Secret;

/// A token to put into a [`LaunchDarkly`](super::LaunchDarkly) twin, past the API and its checks.
///
/// Without further settings it is a personal reader token of the administrator behind
/// [`credential`](super::LaunchDarkly::credential), made now and never used.
#[derive(Clone, Debug)]
pub struct Seed {
    name: String,
    description: Option<String>,
    role: Option<String>,
    custom_role_ids: Vec<String>,
    inline_role: Vec<Value>,
    service: bool,
    member: Option<String>,
    age: Duration,
    used: Option<Duration>,
    expiry: Option<SystemTime>,
    default_api_version: u32,
    secret: Option<Secret>,
    shown_with: Map<String, Value>,
}

impl Seed {
    /// A token of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            description: None,
            role: Some("reader".to_owned()),
            custom_role_ids: Vec::new(),
            inline_role: Vec::new(),
            service: false,
            member: None,
            age: Duration::ZERO,
            used: None,
            expiry: None,
            default_api_version: NEWEST_API_VERSION,
            secret: None,
            shown_with: Map::new(),
        }
    }

    /// Sets the description.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// Sets the base role; any text, `owner` included.
    #[must_use]
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.role = Some(role.into());
        self
    }

    /// Sets custom roles instead of a base role.
    #[must_use]
    pub fn custom_roles<T: Into<String>>(mut self, ids: impl IntoIterator<Item = T>) -> Self {
        self.role = None;
        self.custom_role_ids = ids.into_iter().map(Into::into).collect();
        self
    }

    /// Sets statements of its own instead of a base role.
    #[must_use]
    pub fn inline_role(mut self, statements: impl IntoIterator<Item = Value>) -> Self {
        self.role = None;
        self.inline_role = statements.into_iter().collect();
        self
    }

    /// Makes it a service token instead of a personal one.
    #[must_use]
    pub fn service(mut self) -> Self {
        self.service = true;
        self
    }

    /// Sets the member it belongs to, by id.
    #[must_use]
    pub fn member(mut self, id: impl Into<String>) -> Self {
        self.member = Some(id.into());
        self
    }

    /// Sets how long ago it was made.
    #[must_use]
    pub fn age(mut self, age: Duration) -> Self {
        self.age = age;
        self
    }

    /// Sets how long ago it was last used.
    #[must_use]
    pub fn last_used(mut self, ago: Duration) -> Self {
        self.used = Some(ago);
        self
    }

    /// Sets when it ends; may lie in the past.
    #[must_use]
    pub fn expiry(mut self, time: SystemTime) -> Self {
        self.expiry = Some(time);
        self
    }

    /// Sets the API version for requests that name none, such as 20191212.
    #[must_use]
    pub fn api_version(mut self, version: u32) -> Self {
        self.default_api_version = version;
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

    pub(super) fn into_token(self, member: &str, now: SystemTime) -> TwinToken {
        let created = now.checked_sub(self.age).unwrap_or(now);
        TwinToken {
            // Given when it is put in.
            id: String::new(),
            name: self.name,
            description: self.description,
            role: self.role,
            custom_role_ids: self.custom_role_ids,
            inline_role: self.inline_role,
            service: self.service,
            member_id: self.member.unwrap_or_else(|| member.to_owned()),
            created,
            last_modified: created,
            last_used: self.used.and_then(|ago| now.checked_sub(ago)),
            expiry: self.expiry,
            default_api_version: self.default_api_version,
            secret: self.secret.unwrap_or_else(super::state::new_secret),
            old_secrets: Vec::new(),
            shown_with: self.shown_with,
        }
    }
}
