//! Points of time: the units of the wire in their types, and facts that may be missing.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};

mod expiry;
pub(crate) mod http_date;
mod rfc3339;
pub(crate) mod span;
mod wire;

pub use self::expiry::{Expiry, ParseExpiryError};
pub use self::wire::{DateText, ParseDateError, UnixMillis, UnixSeconds};

/// When something happened or will happen, as far as a service tells.
///
/// "Never" and "not reported" are different answers: a token that was never used may go, one whose
/// service does not report its use must not be taken for unused.
///
/// As JSON it is the time as RFC 3339 in UTC, `never`, or `not_reported`, as which a time stands,
/// too, that the format cannot hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum When {
    /// At this time.
    At(SystemTime),
    /// The service says: never.
    Never,
    /// The service does not say.
    #[default]
    NotReported,
}

impl Serialize for When {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let time = self.time().and_then(try_rfc3339);
        serializer.serialize_str(match (self, &time) {
            (Self::Never, _) => "never",
            (_, Some(text)) => text,
            (_, None) => "not_reported",
        })
    }
}

/// 2000-01-01T00:00:00Z: no service that tells of a time before was there then.
const FIRST: Duration = Duration::from_secs(946_684_800);
/// 10000-01-01T00:00:00Z: no date of RFC 3339.
const END: Duration = Duration::from_secs(253_402_300_800);

impl When {
    /// A time that a service tells; see [`credible`](Self::credible).
    pub(crate) fn told(time: Option<SystemTime>) -> Self {
        time.map_or(Self::NotReported, Self::At).credible()
    }

    /// The time, if there is one.
    #[must_use]
    pub fn time(self) -> Option<SystemTime> {
        match self {
            Self::At(time) => Some(time),
            Self::Never | Self::NotReported => None,
        }
    }

    /// The same, but a date that cannot be that of a token (before the year 2000, or after 9999)
    /// counts as not reported: such are zeros, seconds taken for milliseconds, and overflows.
    pub(crate) fn credible(self) -> Self {
        match self {
            Self::At(time) => match time.duration_since(UNIX_EPOCH) {
                Ok(since) if (FIRST..END).contains(&since) => self,
                _ => Self::NotReported,
            },
            Self::Never | Self::NotReported => self,
        }
    }

    /// Whether the service says "never".
    #[must_use]
    pub fn is_never(self) -> bool {
        self == Self::Never
    }

    /// Whether the service tells at all.
    #[must_use]
    pub fn is_reported(self) -> bool {
        self != Self::NotReported
    }
}

/// The time as RFC 3339 in UTC, or `never`, or `not reported`.
impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(time) => f.pad(&rfc3339(*time)),
            Self::Never => f.pad("never"),
            Self::NotReported => f.pad("not reported"),
        }
    }
}

/// RFC 3339 in UTC; a time outside the years that the format knows gives a stand-in.
pub(crate) struct Rfc3339(pub(crate) SystemTime);

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = rfc3339::write(self.0, f);
        written.unwrap_or_else(|| f.write_str("(out of range)"))
    }
}

/// As [`Rfc3339`].
pub(crate) fn rfc3339(time: SystemTime) -> String {
    Rfc3339(time).to_string()
}

/// The same; `None` outside the years that the format knows.
pub(crate) fn try_rfc3339(time: SystemTime) -> Option<String> {
    let mut text = String::new();
    rfc3339::write(time, &mut text)?.ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_true_is_not_reported() {
        let at = |seconds| Some(UNIX_EPOCH + Duration::from_secs(seconds));
        for sane in [946_684_800, 1_759_312_800, 253_402_300_799] {
            assert_eq!(When::told(at(sane)).time(), at(sane));
        }
        let before = Some(UNIX_EPOCH - Duration::from_secs(1));
        for absurd in [
            None,
            before,
            at(0),
            at(1),
            at(946_684_799),
            at(253_402_300_800),
        ] {
            assert_eq!(When::told(absurd), When::NotReported, "{absurd:?}");
        }
    }
}
