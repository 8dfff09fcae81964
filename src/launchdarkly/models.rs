//! Meaning and methods for the generated models.

use super::{Statement, Token, TokenBody};
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

/// New or reset token with its secret.
pub type NewToken = crate::new_token::NewToken<Token>;

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

impl Access {
    /// Makes it the one kind of access of a new token.
    pub(super) fn put_into(self, body: &mut TokenBody) {
        body.role = None;
        body.custom_role_ids.clear();
        body.inline_role.clear();
        match self {
            Self::Role(role) => body.role = Some(role),
            Self::CustomRoles(roles) => body.custom_role_ids = roles,
            Self::InlinePolicy(statements) => body.inline_role = statements,
        }
    }
}

impl Token {
    /// When it was made; a date that makes no sense is not reported.
    #[must_use]
    pub fn created(&self) -> When {
        at(self.creation_date)
    }

    /// When it was last changed.
    #[must_use]
    pub fn modified(&self) -> When {
        at(self.last_modified)
    }

    /// When a REST call was last made with it; `Never` is what the service reports as 0, absent is
    /// not reported. Telemetry does not count as use.
    #[must_use]
    pub fn last_used(&self) -> When {
        or_never(self.last_used)
    }

    /// When it stops working.
    ///
    /// The field came with the API of October 2026. Where it is absent, the token has no end, unless
    /// the answer was asked for under an API version that may leave it out: since a token cannot
    /// tell under which one it came, that is `NotReported` here, and a
    /// [`TokenRecord`](crate::TokenRecord), which can, says `Never`.
    #[must_use]
    pub fn expires(&self) -> When {
        or_never(self.expiry)
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
    /// would show it. `None` if none came.
    pub(super) fn take_secret(&mut self) -> Option<Secret> {
        let secret = self.token.take().filter(|secret| !secret.is_empty())?;
        let text = secret.expose_secret();
        // Four characters of a short secret would be most of it.
        self.token = tail(text)
            .filter(|_| text.len() >= 4 * TAIL)
            .map(Secret::from);
        Some(secret)
    }
}

/// The last characters of a secret, as many as a read shows.
pub(super) fn tail(secret: &str) -> Option<&str> {
    let (at, _) = secret.char_indices().rev().nth(TAIL - 1)?;
    secret.get(at..)
}

const TAIL: usize = 4;

fn at(time: Option<UnixMillis>) -> When {
    time.map_or(When::NotReported, UnixMillis::to_when)
}

/// Zero stands for never.
fn or_never(time: Option<UnixMillis>) -> When {
    match time {
        Some(time) if time.get() == 0 => When::Never,
        time => at(time),
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
