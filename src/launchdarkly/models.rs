//! Meaning and methods for the generated models.

use std::time::SystemTime;

use super::{Statement, Token};
use crate::open::open_enum;
use crate::secret::Secret;
use crate::time::{UnixMillis, When};

open_enum! {
    /// A base role.
    ///
    /// Requests know these three; answers carry others too, of members for example.
    Role {
        /// May read everything.
        Reader = "reader",
        /// May change most things, but not manage the account.
        Writer = "writer",
        /// May do everything, also manage tokens.
        Admin = "admin",
    }
}

open_enum! {
    /// Whether a policy statement allows or denies.
    StatementEffect {
        /// Allows.
        Allow = "allow",
        /// Denies.
        Deny = "deny",
    }
}

open_enum! {
    /// A verb of JSON Patch (RFC 6902).
    PatchOp {
        /// Sets a member, whether it is there or not.
        Add = "add",
        /// Takes a member away.
        Remove = "remove",
        /// Puts another value into a member.
        Replace = "replace",
        /// Holds a member against a value; the whole patch fails if they differ.
        Test = "test",
    }
}

/// What a token may do: exactly one of three kinds.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Access {
    /// A base role.
    Role(Role),
    /// Custom roles, by id (their keys are accepted when a token is created).
    CustomRoles(Vec<String>),
    /// A policy of its own.
    InlinePolicy(Vec<Statement>),
}

impl From<Role> for Access {
    fn from(role: Role) -> Self {
        Self::Role(role)
    }
}

impl Token {
    /// When it was made.
    #[must_use]
    pub fn created(&self) -> Option<SystemTime> {
        self.creation_date.to_system_time()
    }

    /// When a REST call was last made with it; `Never` is what the service reports as 0, absent is
    /// not reported. Telemetry does not count as use.
    #[must_use]
    pub fn last_used(&self) -> When {
        reported(self.last_used)
    }

    /// When it stops working.
    ///
    /// The field came with the API of October 2026. Where it is absent, a token alone does not tell
    /// whether it has no end or was asked for in an older version of the API: that is `NotReported`.
    /// In a [`TokenRecord`](crate::TokenRecord), which knows the version, it is
    /// [`When::Never`] from version 20240415 on: that version shows an end where there is one.
    #[must_use]
    pub fn expires(&self) -> When {
        reported(self.expiry)
    }

    /// What it may do, as far as told. Should several kinds be given, the order is that of the
    /// service's Terraform provider: policy, custom roles, base role.
    #[must_use]
    pub fn access(&self) -> Option<Access> {
        if !self.inline_role.is_empty() {
            return Some(Access::InlinePolicy(self.inline_role.clone()));
        }
        if !self.custom_role_ids.is_empty() {
            return Some(Access::CustomRoles(self.custom_role_ids.clone()));
        }
        self.role.clone().map(Access::Role)
    }

    /// The last characters of the secret (the service shows four), to tell tokens apart; `None` if
    /// what came is too long for that.
    #[must_use]
    pub fn secret_tail(&self) -> Option<&str> {
        self.token
            .as_ref()
            .map(Secret::expose_secret)
            .filter(|tail| tail.len() <= TAIL)
    }

    /// Takes the secret out of an answer to create or reset and leaves its tail, as a later read
    /// would show it. `None` if no whole secret came.
    pub(super) fn take_secret(&mut self) -> Option<Secret> {
        let secret = self.token.take()?;
        let text = secret.expose_secret();
        if text.len() <= TAIL {
            self.token = Some(secret);
            return None;
        }
        let tail = text
            .char_indices()
            .rev()
            .nth(TAIL - 1)
            .and_then(|(at, _)| text.get(at..));
        // Four characters of a short secret would be most of it.
        self.token = tail.filter(|_| text.len() >= 4 * TAIL).map(Secret::from);
        Some(secret)
    }
}

const TAIL: usize = 4;

/// Zero stands for never.
fn reported(time: Option<UnixMillis>) -> When {
    match time {
        None => When::NotReported,
        Some(time) if time.get() == 0 => When::Never,
        Some(time) => time.to_system_time().map_or(When::NotReported, When::At),
    }
}

impl Statement {
    /// A statement that allows or denies, with nothing in it yet.
    ///
    /// ```
    /// use access_tokens::launchdarkly::Statement;
    ///
    /// let statement = Statement::allow()
    ///     .resources(["proj/*:env/staging:flag/*"])
    ///     .actions(["updateOn"]);
    /// ```
    #[must_use]
    pub fn new(effect: StatementEffect) -> Self {
        Self {
            effect,
            resources: Vec::new(),
            not_resources: Vec::new(),
            actions: Vec::new(),
            not_actions: Vec::new(),
        }
    }

    /// A statement that allows.
    #[must_use]
    pub fn allow() -> Self {
        Self::new(StatementEffect::Allow)
    }

    /// A statement that denies.
    #[must_use]
    pub fn deny() -> Self {
        Self::new(StatementEffect::Deny)
    }

    /// What it is about; excludes [`not_resources`](Self::not_resources), which it empties.
    #[must_use]
    pub fn resources<S: Into<String>>(mut self, resources: impl IntoIterator<Item = S>) -> Self {
        self.resources = resources.into_iter().map(Into::into).collect();
        self.not_resources.clear();
        self
    }

    /// What it is not about: everything else; empties [`resources`](Self::resources).
    #[must_use]
    pub fn not_resources<S: Into<String>>(
        mut self,
        resources: impl IntoIterator<Item = S>,
    ) -> Self {
        self.not_resources = resources.into_iter().map(Into::into).collect();
        self.resources.clear();
        self
    }

    /// The actions meant; excludes [`not_actions`](Self::not_actions), which it empties.
    #[must_use]
    pub fn actions<S: Into<String>>(mut self, actions: impl IntoIterator<Item = S>) -> Self {
        self.actions = actions.into_iter().map(Into::into).collect();
        self.not_actions.clear();
        self
    }

    /// The actions not meant: all others; empties [`actions`](Self::actions).
    #[must_use]
    pub fn not_actions<S: Into<String>>(mut self, actions: impl IntoIterator<Item = S>) -> Self {
        self.not_actions = actions.into_iter().map(Into::into).collect();
        self.actions.clear();
        self
    }
}
