//! What the machine knows of a declaration, as plain data, and the times that it keeps.

use std::time::Duration;

use super::record::{Life, Stamp};
use super::sink::SinkKind;
use crate::due::RotationPolicy;

/// The declared facts that decide what happens next.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) policy: RotationPolicy,
    /// How much earlier than the policy says, so that not all are due in the same hour.
    pub(crate) earlier: Duration,
    pub(crate) overlap: Duration,
    /// How long a successor lives; as the one that was adopted by default.
    pub(crate) life: Option<Life>,
    pub(crate) sinks: Vec<SinkRule>,
    pub(crate) has_after: bool,
    /// Whether a token that is gone is made again.
    pub(crate) creates: bool,
    pub(crate) suspended: bool,
    /// A digest of the declaration.
    pub(crate) declared: String,
}

/// A declared sink.
#[derive(Clone, Debug)]
pub(crate) struct SinkRule {
    pub(crate) id: String,
    pub(crate) kind: SinkKind,
}

/// How long what may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// How long a runner holds a record without renewing that.
    pub(crate) lease: Duration,
    /// How far the clocks of two machines may be apart.
    pub(crate) skew: Duration,
    /// How long after its sender's lease a request may still take effect.
    pub(crate) settle: Duration,
    /// How long a service may take until it knows a token that it has made.
    pub(crate) patience: Duration,
    /// The longest that a sink, or a step after the delivery, may take.
    pub(crate) act: Duration,
}

impl Default for Times {
    fn default() -> Self {
        const MINUTE: Duration = Duration::from_secs(60);
        Self {
            lease: MINUTE.saturating_mul(2),
            skew: MINUTE.saturating_mul(5),
            settle: MINUTE.saturating_mul(15),
            patience: Duration::from_secs(20),
            act: MINUTE.saturating_mul(5),
        }
    }
}

/// The two times that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Now {
    /// The keeper's: for leases and everything that settles.
    pub(crate) keeper: Stamp,
    /// The service's: for ages, ends and overlaps.
    pub(crate) service: Stamp,
}

/// The wait after a number of failures, the longer the more, without its scatter.
pub(crate) fn back_off(base: Duration, times: u32, most: Duration) -> Duration {
    let doubled = 2_u32.saturating_pow(times.saturating_sub(1).min(20));
    base.saturating_mul(doubled).min(most)
}

/// Before a create was sent.
pub(crate) const BASE_BEFORE: Duration = Duration::from_secs(60);
/// Once one was or may have been sent; at least the time in which everything settles.
pub(crate) const BASE_AFTER: Duration = Duration::from_secs(15 * 60);
/// The longest wait for a rotation, and that for a person.
pub(crate) const MOST_WAIT: Duration = Duration::from_secs(24 * 3_600);
/// The longest wait for tidying.
pub(crate) const MOST_TIDY: Duration = Duration::from_secs(3_600);

/// How much earlier than others the token of this name is due, within a spread.
pub(crate) fn earlier(name: &str, spread: Duration) -> Duration {
    match u64::try_from(spread.as_millis()) {
        Ok(most) if most > 0 => Duration::from_millis(hash(name) % most),
        _ => Duration::ZERO,
    }
}

/// A number that only depends on the text: FNV-1a.
pub(crate) fn hash(text: &str) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(PRIME);
    text.bytes().fold(OFFSET, step)
}
