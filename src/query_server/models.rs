//! Meaning and methods for the generated models, and what the composed calls give back.

use std::fmt;
use std::time::SystemTime;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Token;
use super::claims::Claims;
use crate::error::Error;
use crate::secret::Secret;
use crate::time::{UnixSeconds, When};

/// New token with its secret.
pub type NewToken = crate::new_token::NewToken<Token>;

/// Yes or no, as the server writes it: 1 or 0. `true` and `false` are read too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flag(bool);

impl Flag {
    /// The flag as a boolean.
    #[must_use]
    pub const fn get(self) -> bool {
        self.0
    }
}

impl From<bool> for Flag {
    fn from(flag: bool) -> Self {
        Self(flag)
    }
}

impl From<Flag> for bool {
    fn from(flag: Flag) -> Self {
        flag.0
    }
}

impl Serialize for Flag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.0.into())
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FlagVisitor;

        impl Visitor<'_> for FlagVisitor {
            type Value = Flag;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("1, 0, true or false")
            }

            fn visit_bool<E>(self, flag: bool) -> Result<Flag, E> {
                Ok(Flag(flag))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Flag, E> {
                Ok(Flag(number != 0))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Flag, E> {
                Ok(Flag(number != 0))
            }
        }

        deserializer.deserialize_any(FlagVisitor)
    }
}

/// Whether the server accepts a token, by the server's own rules (observed at 0.12.49).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Liveness {
    /// It does.
    Alive,
    /// Not while it is switched off.
    Inactive,
    /// Not any more.
    Expired,
    /// Not at all: its claims do not fit its row, as after most updates.
    Unusable,
    /// Cannot be told: the token holds no readable claims, or the row lacks a time.
    Unknown,
}

impl Liveness {
    /// Whether the server certainly accepts the token.
    #[must_use]
    pub fn is_alive(self) -> bool {
        self == Self::Alive
    }
}

impl fmt::Display for Liveness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Alive => "alive",
            Self::Inactive => "inactive",
            Self::Expired => "expired",
            Self::Unusable => "unusable (its claims do not fit)",
            Self::Unknown => "unknown",
        })
    }
}

impl Token {
    /// The secret, which this server shows at any time.
    #[must_use]
    pub fn secret(&self) -> Option<&Secret> {
        self.token.as_ref()
    }

    /// Whether it is switched on.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.active.get()
    }

    /// Whether it may write.
    #[must_use]
    pub fn can_write(&self) -> bool {
        self.write.get()
    }

    /// When it was made; a date that makes no sense is not reported.
    #[must_use]
    pub fn created(&self) -> When {
        at(self.created_at)
    }

    /// When it was last changed.
    #[must_use]
    pub fn modified(&self) -> When {
        at(self.updated_at)
    }

    /// When it stops working. An expiry that equals the time of the last change is this server's mark
    /// for never.
    #[must_use]
    pub fn expires(&self) -> When {
        if self.never_expires() {
            return When::Never;
        }
        self.expiration_date
            .and_then(UnixSeconds::to_system_time)
            .map_or(When::NotReported, When::At)
    }

    /// Whether the server accepts it at this time.
    ///
    /// The rules: the claims `exp` and `iat` equal the row's expiry and time of change, the token is
    /// active, and its expiry lies ahead (at the very second it is over) or means never.
    #[must_use]
    pub fn liveness(&self, now: SystemTime) -> Liveness {
        let (Some(claims), Some(updated), Some(end)) = (
            self.secret().and_then(Claims::read),
            self.updated_at,
            self.expiration_date,
        ) else {
            return Liveness::Unknown;
        };
        if claims.exp != end.get() || claims.iat != updated.get() {
            return Liveness::Unusable;
        }
        if !self.is_active() {
            return Liveness::Inactive;
        }
        if self.is_over(now) {
            Liveness::Expired
        } else {
            Liveness::Alive
        }
    }

    /// Whether its time is over, by the server's rule: at the very second it is.
    pub(super) fn is_over(&self, now: SystemTime) -> bool {
        let now = UnixSeconds::from_system_time(now);
        let over = self
            .expiration_date
            .zip(now)
            .is_some_and(|(end, now)| end <= now);
        over && !self.never_expires()
    }

    pub(super) fn never_expires(&self) -> bool {
        self.expiration_date.is_some() && self.updated_at == self.expiration_date
    }

    /// The end that another token like it is to have, `None` for never.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn end(&self) -> Result<Option<UnixSeconds>, Unreadable> {
        let end = self.expiration_date.ok_or(Unreadable)?;
        Ok((!self.never_expires()).then_some(end))
    }
}

/// A time in a row that cannot be read.
pub(super) struct Unreadable;

fn at(time: Option<UnixSeconds>) -> When {
    time.map_or(When::NotReported, UnixSeconds::to_when)
}

/// Outcome of a create.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "the name may have been taken"]
pub enum Created {
    /// The token is new.
    New(NewToken),
    /// The name was taken: this token has it, and nothing was changed.
    AlreadyExists(Token),
}

impl Created {
    /// The new token, if there is one.
    #[must_use]
    pub fn into_new(self) -> Option<NewToken> {
        match self {
            Self::New(new) => Some(new),
            Self::AlreadyExists(_) => None,
        }
    }

    /// Whether the name was taken.
    #[must_use]
    pub fn already_existed(&self) -> bool {
        matches!(self, Self::AlreadyExists(_))
    }
}

/// Outcome of an update: the token as it is now, its new secret, and whether that works.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "the secret has changed and may not work"]
#[non_exhaustive]
pub struct Updated {
    /// The token and its new secret; the one from before is dead.
    pub new: NewToken,
    /// Whether the server accepts the new secret. Normally it does not.
    pub liveness: Liveness,
}

/// Outcome of a rotation.
#[derive(Clone, Debug)]
#[must_use = "the secret has changed"]
#[non_exhaustive]
pub struct Rotated {
    /// The new token and its secret, which the server accepts.
    pub new: NewToken,
    /// What became of the old one.
    pub old: OldToken,
}

/// Fate of the old token in a rotation.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum OldToken {
    /// It is deleted.
    Deleted,
    /// It could not be deleted and may still be in use: delete it once the cause is gone.
    DeleteFailed(Error),
}
