//! What goes wrong, and how often.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use access_tokens_testing::stores::{Call, StoreFault};
use access_tokens_testing::{Decide, Fault};
use fastrand::Rng;

use super::ledger::Ledger;

/// How often calls go wrong just now, in a thousand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Weather(Arc<AtomicU64>);

impl Weather {
    pub(crate) fn set(&self, chance: u64) {
        self.0.store(chance, Ordering::Relaxed);
    }

    pub(crate) fn chance(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn strikes(&self, dice: &mut Rng) -> bool {
        dice.u64(0..1_000) < self.chance()
    }

    /// Faults of a service, all within the time in which everything settles.
    pub(crate) fn over_service(&self, mut dice: Rng, ledger: Ledger) -> Box<Decide> {
        let weather = self.clone();
        Box::new(move |operation| {
            if !weather.strikes(&mut dice) {
                return None;
            }
            let seconds = |dice: &mut Rng, most| Duration::from_secs(dice.u64(1..most));
            let fault = match dice.u32(0..11) {
                0 => Fault::Status(500),
                1 => Fault::Status(503),
                2 => Fault::Status(429),
                3 => Fault::CloseAfterRequest,
                4 => Fault::Reset,
                5 => Fault::ActThenClose,
                6 => Fault::ActThenReset,
                7 => Fault::CutBody,
                8 => Fault::SlowAnswer(seconds(&mut dice, 30)),
                9 => Fault::SlowAct(seconds(&mut dice, 30)),
                _ => Fault::ActLater(seconds(&mut dice, 600)),
            };
            let operation = operation.unwrap_or_default();
            ledger.say(None, format!("{operation} meets {fault:?}"));
            Some(fault)
        })
    }

    /// Faults of the store.
    pub(crate) fn over_store(
        &self,
        seed: u64,
    ) -> impl Fn(u64, Call) -> Option<StoreFault> + Send + Sync + 'static {
        let weather = self.clone();
        move |number, _| {
            // No state of its own: the plan is shared by all calls.
            let mut dice = Rng::with_seed(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            if !weather.strikes(&mut dice) {
                return None;
            }
            Some(match dice.u32(0..3) {
                0 => StoreFault::Refused,
                1 => StoreFault::AnswerLost,
                _ => StoreFault::RequestLost,
            })
        }
    }
}
