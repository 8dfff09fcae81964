//! What tests see of the twin's state.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use access_tokens::Secret;

/// An operation of the service, by which faults are set and requests are counted.
///
/// Its name in JSON is in snake case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Operation {
    /// `GET /_/token`
    List,
    /// `GET /_/token/value`
    Value,
    /// `POST /_/token`
    Create,
    /// `PUT /_/token`
    Update,
    /// `DELETE /_/token`
    Delete,
    /// `POST /_/user/token/value`
    Login,
    /// `/_/query`
    Query,
    /// Anything at `/_/healthcheck`
    Healthcheck,
    /// Anything at `/_`. The server closes the connection without an answer; the twin does so by a
    /// rule of its fault script, and answers 500 once `clear_faults` has dropped that.
    Root,
}

/// Value of the server's option `create_token`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CreateTokenOption {
    /// Tokens are served.
    #[default]
    On,
    /// Every token operation and the login answer 404.
    Off,
    /// The stored option is neither: every token operation and the login answer 500.
    Invalid,
}

/// Row of the token table of a Query Server twin.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TwinToken {
    /// The row's id.
    pub id: i64,
    /// The name.
    pub name: String,
    /// The whole token.
    pub secret: Secret,
    /// Whether it is switched on.
    pub active: bool,
    /// Whether it may write.
    pub write: bool,
    /// The end, in seconds; a whole number unless seeded otherwise.
    pub expiration_date: Number,
    /// When the row was made, in seconds.
    pub created_at: Option<i64>,
    /// When the row was last changed, in seconds.
    pub updated_at: Option<i64>,
    /// Whether the server would accept the token now.
    pub alive: bool,
}

/// A row to put into the table of a [`QueryServer`](super::QueryServer), past the API and its
/// checks.
///
/// ```
/// use access_tokens_testing::query_server::Seed;
///
/// // A row written with SQL: no times, and a token that nobody can use.
/// let odd = Seed::new("imported").created_at(None).issued_at(0);
/// ```
#[derive(Clone, Debug)]
pub struct Seed {
    pub(super) name: String,
    pub(super) active: bool,
    pub(super) write: bool,
    pub(super) secret: Option<Secret>,
    pub(super) expiration_date: Option<Number>,
    pub(super) created_at: Time,
    pub(super) updated_at: Time,
    pub(super) issued_at: Option<i64>,
    pub(super) shown_with: Map<String, Value>,
}

/// A time of a row to be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Time {
    Now,
    At(i64),
    Null,
}

impl Time {
    pub(super) fn seconds(self, now: i64) -> Option<i64> {
        match self {
            Self::Now => Some(now),
            Self::At(seconds) => Some(seconds),
            Self::Null => None,
        }
    }
}

impl Seed {
    /// An active row with write permission, made now, whose token works and never expires.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            active: true,
            write: true,
            secret: None,
            expiration_date: None,
            created_at: Time::Now,
            updated_at: Time::Now,
            issued_at: None,
            shown_with: Map::new(),
        }
    }

    /// Switches the token on or off.
    #[must_use]
    pub fn active(mut self, active: bool) -> Self {
        self.active = active;
        self
    }

    /// Gives or takes write permission.
    #[must_use]
    pub fn write(mut self, write: bool) -> Self {
        self.write = write;
        self
    }

    /// Sets the end, in seconds; without it the token never expires.
    #[must_use]
    pub fn expiration_date(mut self, seconds: i64) -> Self {
        self.expiration_date = Some(seconds.into());
        self
    }

    /// Sets an end that is no whole number, as only SQL can write it; such a token is never accepted.
    /// What JSON cannot express (infinity) is taken for 0.5.
    #[must_use]
    pub fn fractional_expiration_date(mut self, seconds: f64) -> Self {
        let seconds = Number::from_f64(seconds).or_else(|| Number::from_f64(0.5));
        self.expiration_date = seconds;
        self
    }

    /// Sets when the row was made, in seconds; `None` is null.
    #[must_use]
    pub fn created_at(mut self, seconds: impl Into<Option<i64>>) -> Self {
        self.created_at = seconds.into().map_or(Time::Null, Time::At);
        self
    }

    /// Sets when the row was last changed, in seconds; `None` is null.
    #[must_use]
    pub fn updated_at(mut self, seconds: impl Into<Option<i64>>) -> Self {
        self.updated_at = seconds.into().map_or(Time::Null, Time::At);
        self
    }

    /// Sets the token's `iat` claim; without it the time of the last change. A token whose claim
    /// differs from that time is dead, as after most updates.
    #[must_use]
    pub fn issued_at(mut self, seconds: i64) -> Self {
        self.issued_at = Some(seconds);
        self
    }

    /// Sets what answers show for a member of it, any JSON, such as something that a client cannot
    /// read.
    #[must_use]
    pub fn shown_with(mut self, member: impl Into<String>, value: Value) -> Self {
        self.shown_with.insert(member.into(), value);
        self
    }

    /// Sets a token of this wording instead of a signed one; the server accepts none but its own.
    #[must_use]
    pub fn secret(mut self, secret: Secret) -> Self {
        self.secret = Some(secret);
        self
    }
}
