//! What a person asks for, in a small record of its own, so that asking never gets in a runner's way.

use serde::{Deserialize, Serialize};

use super::record::Stamp;

/// Why a rotation is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It is wanted earlier than the policy says. The old token gets its overlap.
    Scheduled,
    /// The token may be known to somebody who should not: the old one goes without an overlap.
    Suspected,
}

/// A request as it is stored: asking twice before it is fulfilled is one request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) id: String,
    pub(crate) ask: Ask,
    pub(crate) at: Stamp,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ask {
    /// A rotation now.
    Rotate {
        /// Whether the current token is suspected.
        suspected: bool,
        /// Who asked, or why, in words.
        by: String,
    },
    /// The former token again.
    RollBack {
        /// Whether the current token is suspected.
        suspected: bool,
        /// Who asked, or why, in words.
        by: String,
    },
}
