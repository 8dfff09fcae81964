//! The world around the machine: a service, sinks, a store, and time.

mod acts;
mod invariants;
mod outside;
mod steps;

use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::due::{RotationPolicy, days};
use crate::marker::Marker;
use crate::rotation::kind::ErrorKind;
use crate::rotation::problem::Problem;
use crate::rotation::record::{Life, Record, Stamp, Token};
use crate::rotation::request::Ask;
use crate::rotation::rules::{Now, Rules, SinkRule, Times};
use crate::rotation::run::machine::{Act, Machine};
use crate::rotation::sink::{SinkKind, SinkVersion};
use crate::service::TokenKey;

/// What may happen, and how often.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "rules that are taken away")]
pub(super) struct Bounds {
    pub(super) sinks: Vec<SinkKind>,
    /// Runners that are killed.
    pub(super) kills: u8,
    /// Calls that fail, or whose answer is lost.
    pub(super) faults: u8,
    /// Days that pass.
    pub(super) jumps: u8,
    pub(super) roll_backs: u8,
    /// There is only one runner, which may be killed.
    pub(super) alone: bool,
    /// A sink takes every write although it is said to be fenced.
    pub(super) without_fence: bool,
    /// A runner that was stopped for days sends what it was about to send.
    pub(super) without_lease: bool,
    /// Nothing settles: whatever has no answer counts as over at once.
    pub(super) without_quiet: bool,
}

/// A message whose answer nobody waits for any more.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Message {
    Create(u64),
    Delete(u64),
    Write(usize, Write),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Write {
    Secret(u64, Option<SinkVersion>),
    Rewrite(SinkVersion),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Sink {
    version: u32,
    holds: u64,
}

#[derive(Clone, Debug)]
struct Runner {
    machine: Machine,
    generation: u32,
    /// What comes next, once the record is swapped in.
    ready: Option<Act>,
    leased: bool,
}

/// One state of everything.
#[derive(Clone, Debug)]
pub(super) struct World {
    bounds: Arc<Bounds>,
    rules: Arc<Rules>,
    record: Record,
    generation: u32,
    ask: Option<(String, Ask)>,
    alive: BTreeSet<u64>,
    sinks: Vec<Sink>,
    messages: Vec<Message>,
    runners: [Option<Runner>; 2],
    day: u8,
    kills: u8,
    faults: u8,
    roll_backs: u8,
    bad: Option<&'static str>,
}

/// Takes down what is hashed, and hashes it in one go: piece by piece, unoptimised, is what most of a
/// search would be.
struct Told(Vec<u8>);

impl Told {
    /// With room for most, so that it need not grow.
    fn new() -> Self {
        Self(Vec::with_capacity(4096))
    }

    fn sum(&self) -> u128 {
        let sum = hmac_sha256::Hash::hash(&self.0);
        sum.first_chunk()
            .map_or(0, |half| u128::from_le_bytes(*half))
    }
}

impl Hasher for Told {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        unreachable!("asked for its sum")
    }
}

const NAMES: [char; 2] = ['A', 'B'];

fn times() -> Times {
    Times {
        patience: Duration::ZERO,
        ..Times::default()
    }
}

fn key(number: u64) -> TokenKey {
    TokenKey::new(number.to_string())
}

fn number(key: &TokenKey) -> u64 {
    key.as_str().parse().unwrap_or(u64::MAX)
}

fn incarnation() -> Marker {
    "abcdefghijklmnop"
        .parse()
        .unwrap_or_else(|_| Marker::random())
}

fn problem(kind: ErrorKind) -> Problem {
    Problem::new(kind, "a fault")
}

impl World {
    pub(super) fn new(bounds: &Bounds) -> Self {
        let sinks: Vec<SinkRule> = bounds
            .sinks
            .iter()
            .enumerate()
            .map(|(number, kind)| SinkRule {
                id: number.to_string(),
                kind: *kind,
            })
            .collect();
        let rules = Rules {
            policy: RotationPolicy::new().max_age(days(1)),
            earlier: Duration::ZERO,
            // Without one, what is replaced goes at once, which is the harder case.
            overlap: Duration::from_secs(3_600 * u64::from(bounds.roll_backs)),
            life: Some(Life::Endless),
            sinks,
            has_after: false,
            creates: false,
            suspended: false,
            declared: "d".to_owned(),
        };
        let mut record = Record::new("t", "s", None);
        record.incarnation = incarnation();
        let ids: Vec<String> = rules.sinks.iter().map(|sink| sink.id.clone()).collect();
        record.align_sinks(&ids);
        record.current = Some(Token {
            key: key(0),
            mark: incarnation().attempt(0),
            revision: String::new(),
            made_at: Stamp::of(UNIX_EPOCH + days(20_000)),
            expires: None,
            settles_at: None,
        });
        Self {
            sinks: bounds
                .sinks
                .iter()
                .map(|_| Sink {
                    version: 1,
                    holds: 0,
                })
                .collect(),
            bounds: Arc::new(bounds.clone()),
            rules: Arc::new(rules),
            record,
            generation: 1,
            ask: None,
            alive: BTreeSet::from([0]),
            messages: Vec::new(),
            runners: [None, None],
            day: 0,
            kills: 0,
            faults: 0,
            roll_backs: 0,
            bad: None,
        }
    }

    fn time(&self) -> SystemTime {
        UNIX_EPOCH + days(20_100 + 3 * u64::from(self.day))
    }

    fn now(&self) -> Now {
        let now = Stamp::of(self.time());
        Now {
            keeper: now,
            service: now,
        }
    }

    pub(super) fn fingerprint(&self) -> u128 {
        let mut runners = self.runners.each_ref().map(|runner| {
            let mut told = Told::new();
            if let Some(runner) = runner {
                runner.machine.model_hash(&mut told);
                let current = runner.generation == self.generation;
                (current, &runner.ready, runner.leased).hash(&mut told);
            }
            told.sum()
        });
        runners.sort_unstable();
        let mut told = Told::new();
        (&self.record, &self.ask, &self.alive, &self.messages).hash(&mut told);
        // Versions count by who is at which, not by their number.
        (runners, &self.sinks).hash(&mut told);
        (self.day, self.kills, self.faults, self.roll_backs, self.bad).hash(&mut told);
        told.sum()
    }

    /// The same without the runners, and without what may still happen.
    pub(super) fn fingerprint_at_rest(&self) -> u128 {
        let mut world = self.clone();
        world.runners = [None, None];
        (world.kills, world.faults, world.roll_backs) = (0, 0, 0);
        world.fingerprint()
    }

    fn start(&mut self, runner: usize) {
        let settle = if self.bounds.without_quiet {
            Duration::ZERO
        } else {
            times().settle
        };
        let abandoned = self.record.holder.as_ref().map(|holder| {
            if self.bounds.without_quiet {
                self.now().keeper
            } else {
                holder.until.plus(settle)
            }
        });
        let mut times = times();
        if self.bounds.without_quiet {
            (times.settle, times.lease) = (Duration::ZERO, Duration::ZERO);
        }
        let machine = Machine::new(
            Arc::clone(&self.rules),
            times,
            self.record.clone(),
            self.ask.clone(),
            abandoned,
        );
        self.runners[runner] = Some(Runner {
            machine,
            generation: self.generation,
            ready: None,
            leased: false,
        });
    }
}
