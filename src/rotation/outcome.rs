//! What came of a rotation.

use std::fmt;
use std::time::SystemTime;

use super::error::Error;
use crate::service::{TokenKey, TokenRecord};
use crate::time::rfc3339;

/// A rotation that went through: the new secret is where it should be.
#[derive(Debug)]
#[non_exhaustive]
pub struct Rotated {
    /// The token that was rotated.
    pub key: TokenKey,
    /// The new token; the same after a reset.
    pub successor: TokenKey,
    /// What is known of the new token, if it was made in this run.
    pub record: Option<TokenRecord>,
    /// What became of the old token, or after a reset of the old secret.
    pub old: Old,
    /// What else there is to know.
    pub warnings: Vec<String>,
}

/// What became of the old token.
#[derive(Debug)]
#[non_exhaustive]
pub enum Old {
    /// It does not work any more.
    Retired,
    /// It ends by itself at this time.
    Expires(SystemTime),
    /// It works until [`finish`](super::Rotation::finish) is called at this time or later.
    AwaitingFinish(SystemTime),
    /// It could not be retired: both tokens work. The journal keeps the rotation, and
    /// [`finish`](super::Rotation::finish) or [`resume`](super::Rotation::resume) tries again.
    Remains(Error),
}

/// What came of resuming.
#[derive(Debug)]
#[non_exhaustive]
pub enum Resumed {
    /// No rotation of this token is unfinished.
    Nothing,
    /// The rotation went through.
    Rotated(Box<Rotated>),
    /// It had been given up, and now nothing is left of it.
    RolledBack,
}

impl Resumed {
    /// The rotation, if it went through now.
    #[must_use]
    pub fn rotated(self) -> Option<Rotated> {
        match self {
            Self::Rotated(rotated) => Some(*rotated),
            Self::Nothing | Self::RolledBack => None,
        }
    }
}

impl fmt::Display for Old {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retired => f.write_str("the old one is gone"),
            Self::Expires(at) => write!(f, "the old one ends at {}", rfc3339(*at)),
            Self::AwaitingFinish(at) => {
                write!(
                    f,
                    "the old one works until finish() is called, from {} on",
                    rfc3339(*at)
                )
            }
            Self::Remains(error) => write!(f, "the old one still works: {error}"),
        }
    }
}

impl fmt::Display for Rotated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} is followed by {}; {}",
            self.key, self.successor, self.old
        )?;
        for warning in &self.warnings {
            write!(f, "; {warning}")?;
        }
        Ok(())
    }
}
