//! The world around the machine: a service, sinks, a store, and time.

use std::collections::BTreeSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::due::{RotationPolicy, days};
use crate::id::Service;
use crate::marker::Marker;
use crate::rotation::ErrorKind;
use crate::rotation::problem::Problem;
use crate::rotation::record::{Holder, Life, Record, Stamp, Token};
use crate::rotation::request::Ask;
use crate::rotation::rules::{MOST_EXPOSED, Now, Rules, SinkRule, Times};
use crate::rotation::run::answers::{NotCreated, Prepared};
use crate::rotation::run::machine::{Act, Machine};
use crate::rotation::sink::{Holds, SinkErrorKind, SinkKind, SinkVersion};
use crate::service::{TokenKey, TokenRecord, TokenState};
use crate::time::When;

/// What may happen, and how often.
#[derive(Clone, Debug, Default)]
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
        let mut runners: Vec<u64> = self
            .runners
            .iter()
            .map(|runner| {
                let mut hasher = DefaultHasher::new();
                if let Some(runner) = runner {
                    runner.machine.model_hash(&mut hasher);
                    (
                        runner.generation == self.generation,
                        &runner.ready,
                        runner.leased,
                    )
                        .hash(&mut hasher);
                }
                hasher.finish()
            })
            .collect();
        runners.sort_unstable();
        let print = |salt: u64| {
            let mut hasher = DefaultHasher::new();
            salt.hash(&mut hasher);
            (
                &self.record,
                &self.ask,
                &self.alive,
                &self.messages,
                &runners,
            )
                .hash(&mut hasher);
            // Versions count by who is at which, not by their number.
            self.sinks.hash(&mut hasher);
            (self.day, self.kills, self.faults, self.roll_backs, self.bad).hash(&mut hasher);
            hasher.finish()
        };
        u128::from(print(1)) << 64 | u128::from(print(2))
    }

    /// The same without the runners, and without what may still happen.
    pub(super) fn fingerprint_at_rest(&self) -> u128 {
        let mut world = self.clone();
        world.runners = [None, None];
        (world.kills, world.faults, world.roll_backs) = (0, 0, 0);
        world.fingerprint()
    }

    // What must hold in every state.
    pub(super) fn bad(&self) -> Option<String> {
        if let Some(bad) = self.bad {
            return Some(bad.to_owned());
        }
        for sink in &self.sinks {
            if !self.alive.contains(&sink.holds) {
                return Some(format!("I1: a sink holds the dead secret {}", sink.holds));
            }
        }
        let known: BTreeSet<u64> = self
            .record
            .tokens()
            .map(|token| number(&token.key))
            .collect();
        let attempt = self.record.attempt.iter().map(|attempt| attempt.number);
        let open: BTreeSet<u64> = attempt
            .chain(self.record.lost.iter().map(|lost| lost.number))
            .collect();
        for token in &self.alive {
            if !known.contains(token) && !open.contains(token) {
                return Some(format!("I2: the token {token} is alive and unknown"));
            }
        }
        let unfinished = self.alive.iter().filter(|token| {
            let key = key(**token);
            let is = |token: &Token| token.key == key;
            let stays = self.record.current.iter().any(is)
                || self.record.previous.iter().any(|p| is(&p.token))
                || self.record.exposed.iter().any(is);
            !stays
        });
        let begun = self.record.attempt.is_some() || self.record.pending.is_some();
        if begun && unfinished.count() > 1 {
            return Some("I3: two unfinished tokens are alive".to_owned());
        }
        let most = 4 + self.sinks.len();
        if self.alive.len() > most {
            return Some(format!("I3: {} tokens are alive", self.alive.len()));
        }
        None
    }

    /// One healthy runner alone, as messages under way all arrive, or all do not.
    pub(super) fn comes_to_rest(&self) -> Result<(), String> {
        for land in [true, false] {
            let mut world = self.clone();
            world.runners = [None, None];
            for message in std::mem::take(&mut world.messages) {
                if land {
                    world.land(message);
                }
            }
            world.faults = u8::MAX;
            world.kills = u8::MAX;
            for _ in 0..8 {
                world.day += 1;
                world.tick_alone()?;
                if let Some(bad) = world.bad() {
                    return Err(format!("alone: {bad}"));
                }
            }
            // The last rotation's former token is deleted two days later.
            let mut late = world.clone();
            late.rules = Arc::new(Rules {
                policy: RotationPolicy::new(),
                ..(*late.rules).clone()
            });
            late.record.on_hold = None;
            if late.record.exposed.len() >= MOST_EXPOSED {
                // A blind sink: a person is asked, and asks for a rotation.
                let ask = Ask::Rotate {
                    suspected: false,
                    by: String::new(),
                };
                late.ask = Some(("f".to_owned(), ask));
            }
            for _ in 0..4 {
                late.day += 1;
                late.tick_alone()?;
            }
            let current = late.record.current.as_ref().map(|token| number(&token.key));
            let in_order = late.record.is_at_rest()
                && late.record.previous.is_empty()
                && current.is_some_and(|current| {
                    late.alive == BTreeSet::from([current])
                        && late.sinks.iter().all(|sink| sink.holds == current)
                });
            if !in_order {
                return Err(format!(
                    "I5: one runner alone does not bring it to rest (landing: {land}): alive {:?}, {:#?}",
                    late.alive, late.record
                ));
            }
        }
        Ok(())
    }

    fn tick_alone(&mut self) -> Result<(), String> {
        self.start(0);
        for _ in 0..200 {
            let mut all = Vec::new();
            self.step(0, &mut all);
            let Some((_, next)) = all.into_iter().next() else {
                return Ok(());
            };
            *self = next;
            if self.runners[0].is_none() {
                return Ok(());
            }
        }
        Err("I5: a tick does not end".to_owned())
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

    pub(super) fn successors(&self) -> Vec<(String, Self)> {
        let mut all = Vec::new();
        for (place, message) in self.messages.iter().enumerate() {
            let mut next = self.clone();
            next.messages.remove(place);
            all.push((format!("lost for good: {message:?}"), next.clone()));
            next.land(message.clone());
            all.push((format!("arrives late: {message:?}"), next));
        }
        let most = if self.bounds.alone { 1 } else { NAMES.len() };
        for (runner, name) in NAMES.iter().take(most).enumerate() {
            if self.runners[runner].is_none() {
                let mut next = self.clone();
                next.start(runner);
                all.push((format!("{name} reads the record"), next));
                continue;
            }
            self.step(runner, &mut all);
            if self.kills < self.bounds.kills {
                let mut next = self.clone();
                next.kills += 1;
                next.runners[runner] = None;
                all.push((format!("{name} is killed"), next));
            }
        }
        // A day passes: what was sent has arrived by then, or never will, and nobody sends anything
        // under a lease that is over.
        if self.day < self.bounds.jumps && self.messages.is_empty() {
            let mut next = self.clone();
            next.day += 1;
            for runner in next.runners.iter_mut().flatten() {
                (runner.ready, runner.leased) = (None, false);
            }
            all.push(("days pass".to_owned(), next));
        }
        if self.roll_backs < self.bounds.roll_backs && self.record.former().is_some() {
            let mut next = self.clone();
            next.roll_backs += 1;
            let ask = Ask::RollBack {
                suspected: false,
                by: String::new(),
            };
            next.ask = Some(("r".to_owned(), ask));
            all.push(("a roll back is asked for".to_owned(), next));
        }
        all
    }

    fn step(&self, number: usize, all: &mut Vec<(String, Self)>) {
        let Some(runner) = &self.runners[number] else {
            return;
        };
        let name = NAMES[number];
        let mut next = self.clone();
        let Some(me) = &mut next.runners[number] else {
            return;
        };
        let act = if let Some(act) = &runner.ready {
            act.clone()
        } else {
            let act = me.machine.next(next_now(self));
            let writes = act.writes_first() && (me.machine.dirty || !me.leased || act == Act::Hold);
            let rests = act == Act::Rest;
            if rests && !me.machine.dirty && !me.leased {
                next.runners[number] = None;
                all.push((format!("{name} rests"), next));
                return;
            }
            if writes {
                next.swap(number, &act, all);
                return;
            }
            act
        };
        if let Some(me) = &mut next.runners[number] {
            me.ready = None;
        }
        next.perform(number, &act, all);
    }

    /// The compare-and-swap before an act.
    fn swap(mut self, number: usize, act: &Act, all: &mut Vec<(String, Self)>) {
        let name = NAMES[number];
        let (generation, now) = (self.generation, self.now());
        let rests = *act == Act::Rest;
        let Some(me) = &mut self.runners[number] else {
            return;
        };
        if me.generation != generation {
            self.runners[number] = None;
            all.push((format!("{name} is superseded before {act:?}"), self));
            return;
        }
        me.machine.record.holder = (!rests).then(|| Holder {
            id: "h".to_owned(),
            until: now.keeper.plus(me.machine.times.lease),
            domain: None,
        });
        me.machine.dirty = false;
        (me.leased, me.ready) = (!rests, Some(act.clone()));
        let record = me.machine.record.clone();
        self.generation += 1;
        me.generation = self.generation;
        self.record = record;
        if rests {
            self.runners[number] = None;
        }
        all.push((format!("{name} swaps the record in before {act:?}"), self));
    }

    fn may_fail(&self) -> bool {
        self.faults < self.bounds.faults
    }

    fn branch(
        &self,
        number: usize,
        all: &mut Vec<(String, Self)>,
        label: &str,
        change: impl FnOnce(&mut Self, &mut Machine, Now),
    ) {
        let mut next = self.clone();
        let Some(mut me) = next.runners[number].take() else {
            return;
        };
        let now = next.now();
        change(&mut next, &mut me.machine, now);
        next.runners[number] = Some(me);
        all.push((format!("{} {label}", NAMES[number]), next));
    }

    fn perform(&self, number: usize, act: &Act, all: &mut Vec<(String, Self)>) {
        let fails = self.may_fail();
        match act {
            Act::List => {
                self.branch(number, all, "lists", |world, machine, now| {
                    machine.listed(now.keeper, &world.list(), false, now);
                });
            }
            Act::Observe => {
                self.branch(number, all, "observes", |world, machine, _| {
                    machine.observed(world.observe());
                });
            }
            Act::Prepare => {
                self.branch(number, all, "prepares", |_, machine, now| {
                    let prepared = Prepared {
                        made_like: machine.record.made_like.clone(),
                        own_credential: false,
                    };
                    machine.prepared(Ok(prepared), now);
                });
            }
            Act::Create => self.create(number, all, fails),
            Act::Confirm => {
                self.branch(number, all, "confirms", |_, machine, now| {
                    machine.confirmed(Ok(()), now);
                });
                if fails {
                    self.branch(number, all, "does not confirm", |world, machine, now| {
                        world.faults += 1;
                        machine.confirmed(Err(problem(ErrorKind::NotAccepted)), now);
                    });
                }
            }
            Act::Deliver(sink) => self.deliver(number, *sink, all, fails),
            Act::Rewrite(sink) => self.rewrite(number, *sink, all, fails),
            Act::Restore(sink, mark) => self.restore(number, *sink, mark, all, fails),
            Act::Delete(token) => self.delete(number, token, all, fails),
            Act::Hold => {
                self.branch(number, all, "holds", |_, machine, _| {
                    machine.holds_lease();
                });
            }
            Act::UseCredential | Act::After | Act::Rest => {}
        }
    }

    fn create(&self, number: usize, all: &mut Vec<(String, Self)>, fails: bool) {
        let Some(me) = &self.runners[number] else {
            return;
        };
        let attempt = me
            .machine
            .record
            .attempt
            .as_ref()
            .map_or(0, |attempt| attempt.number);
        self.branch(
            number,
            all,
            &format!("creates {attempt}"),
            |world, machine, now| {
                world.alive.insert(attempt);
                machine.created(Ok(token(attempt, now)), now);
            },
        );
        if !fails {
            return;
        }
        let failure = |maybe: bool| NotCreated {
            problem: problem(ErrorKind::Service),
            maybe,
            sent: true,
        };
        self.branch(
            number,
            all,
            &format!("creates {attempt}, no answer"),
            |world, machine, now| {
                world.faults += 1;
                world.messages.push(Message::Create(attempt));
                world.messages.sort_by_key(|message| format!("{message:?}"));
                machine.created(Err(failure(true)), now);
            },
        );
        self.branch(
            number,
            all,
            &format!("creates {attempt}, refused"),
            |world, machine, now| {
                world.faults += 1;
                machine.created(Err(failure(false)), now);
            },
        );
    }

    fn deliver(&self, number: usize, sink: usize, all: &mut Vec<(String, Self)>, fails: bool) {
        let Some(me) = &self.runners[number] else {
            return;
        };
        let Some(pending) = &me.machine.record.pending else {
            return;
        };
        let secret = pending.mark.number().unwrap_or(0);
        let seen = me.machine.record.sinks[sink]
            .write
            .as_ref()
            .and_then(|write| write.seen.clone());
        let write = Write::Secret(secret, seen);
        let label = format!("delivers {secret} to {sink}");
        self.branch(number, all, &label, |world, machine, now| {
            let written = world
                .write(sink, &write)
                .map_err(|kind| (kind, problem(ErrorKind::Sink)));
            machine.delivered(sink, written, now);
        });
        if !fails {
            return;
        }
        self.branch(
            number,
            all,
            &format!("{label}, no answer"),
            |world, machine, now| {
                world.late(sink, write.clone());
                machine.delivered(
                    sink,
                    Err((SinkErrorKind::Unknown, problem(ErrorKind::Sink))),
                    now,
                );
            },
        );
        self.branch(
            number,
            all,
            &format!("{label}, refused"),
            |world, machine, now| {
                world.faults += 1;
                machine.delivered(
                    sink,
                    Err((SinkErrorKind::NotStored, problem(ErrorKind::Sink))),
                    now,
                );
            },
        );
    }

    fn rewrite(&self, number: usize, sink: usize, all: &mut Vec<(String, Self)>, fails: bool) {
        let Some(me) = &self.runners[number] else {
            return;
        };
        let write = me.machine.record.sinks[sink].write.as_ref();
        let Some(seen) = write.and_then(|write| write.seen.clone()) else {
            return;
        };
        let write = Write::Rewrite(seen);
        self.branch(
            number,
            all,
            &format!("rewrites {sink}"),
            |world, machine, now| {
                let written = world
                    .write(sink, &write)
                    .map_err(|kind| (kind, problem(ErrorKind::Sink)));
                machine.rewritten(sink, written, now);
            },
        );
        if fails {
            self.branch(
                number,
                all,
                &format!("rewrites {sink}, no answer"),
                |world, machine, now| {
                    world.late(sink, write.clone());
                    machine.rewritten(
                        sink,
                        Err((SinkErrorKind::Unknown, problem(ErrorKind::Sink))),
                        now,
                    );
                },
            );
        }
    }

    fn restore(
        &self,
        number: usize,
        sink: usize,
        mark: &Marker,
        all: &mut Vec<(String, Self)>,
        fails: bool,
    ) {
        let Some(me) = &self.runners[number] else {
            return;
        };
        let write = me.machine.record.sinks[sink].write.as_ref();
        let Some(seen) = write.and_then(|write| write.seen.clone()) else {
            return;
        };
        let write = Write::Secret(mark.number().unwrap_or(0), Some(seen));
        self.branch(
            number,
            all,
            &format!("restores {mark} in {sink}"),
            |world, machine, now| {
                let written = world
                    .write(sink, &write)
                    .map_err(|kind| (kind, problem(ErrorKind::Sink)));
                machine.restored(sink, mark, written, now);
            },
        );
        if !fails {
            return;
        }
        self.branch(
            number,
            all,
            &format!("restores {mark} in {sink}, no answer"),
            |world, machine, now| {
                world.late(sink, write.clone());
                machine.restored(
                    sink,
                    mark,
                    Err((SinkErrorKind::Unknown, problem(ErrorKind::Sink))),
                    now,
                );
            },
        );
        self.branch(
            number,
            all,
            &format!("restores {mark} in {sink}, refused"),
            |world, machine, now| {
                world.faults += 1;
                machine.restored(
                    sink,
                    mark,
                    Err((SinkErrorKind::NotStored, problem(ErrorKind::Sink))),
                    now,
                );
            },
        );
    }

    fn delete(&self, number: usize, token: &Token, all: &mut Vec<(String, Self)>, fails: bool) {
        let deleted = self::number(&token.key);
        self.branch(
            number,
            all,
            &format!("deletes {deleted}"),
            |world, machine, now| {
                let there = world.alive.contains(&deleted);
                world.delete_now(deleted);
                match token.settles_at.filter(|at| !there && *at > now.keeper) {
                    Some(until) => machine.not_seen_yet(&token.key, until),
                    None => machine.deleted(&token.key, Ok(()), now),
                }
            },
        );
        if fails {
            self.branch(
                number,
                all,
                &format!("deletes {deleted}, no answer"),
                |world, machine, now| {
                    world.faults += 1;
                    world.messages.push(Message::Delete(deleted));
                    machine.deleted(&token.key, Err(problem(ErrorKind::Service)), now);
                },
            );
        }
    }

    fn delete_now(&mut self, token: u64) {
        let key = key(token);
        let is = |token: &Token| token.key == key;
        let relied = self.record.current.iter().any(is)
            || self.record.pending.iter().any(is)
            || self.record.exposed.iter().any(is)
            || self.record.previous.iter().any(|p| is(&p.token));
        if relied && self.alive.contains(&token) {
            self.bad = Some("I4: a token that is relied on is deleted");
        }
        self.alive.remove(&token);
    }

    fn late(&mut self, sink: usize, write: Write) {
        self.faults += 1;
        self.messages.push(Message::Write(sink, write));
    }

    fn land(&mut self, message: Message) {
        match message {
            Message::Create(token) => {
                self.alive.insert(token);
            }
            Message::Delete(token) => self.delete_now(token),
            Message::Write(sink, write) => {
                let _ = self.write(sink, &write);
            }
        }
    }

    fn write(
        &mut self,
        number: usize,
        write: &Write,
    ) -> Result<Option<SinkVersion>, SinkErrorKind> {
        let fenced = self.bounds.sinks[number].is_fenced();
        let sink = &mut self.sinks[number];
        let at = SinkVersion::new(sink.version.to_string());
        let (secret, seen) = match write {
            Write::Secret(secret, seen) => (*secret, seen.clone()),
            Write::Rewrite(seen) => (sink.holds, Some(seen.clone())),
        };
        if fenced && !self.bounds.without_fence && seen != Some(at) {
            return Err(SinkErrorKind::Conflict);
        }
        sink.version += 1;
        sink.holds = secret;
        Ok(fenced.then(|| SinkVersion::new(sink.version.to_string())))
    }

    fn observe(&self) -> Vec<(Option<SinkVersion>, Holds)> {
        let one = |(sink, kind): (&Sink, &SinkKind)| {
            let holds = match kind {
                SinkKind::Blind => Holds::Unknown,
                // What was there at first has no label.
                _ if sink.holds == 0 && sink.version == 1 => Holds::Other,
                _ => Holds::Attempt(incarnation().attempt(sink.holds)),
            };
            let version = kind
                .is_fenced()
                .then(|| SinkVersion::new(sink.version.to_string()));
            (version, holds)
        };
        self.sinks.iter().zip(&self.bounds.sinks).map(one).collect()
    }

    fn list(&self) -> Vec<TokenRecord> {
        let one = |number: &u64| {
            let mut record = TokenRecord::new(Service::new("s"), key(*number));
            record.state = TokenState::Active;
            record.marker = (*number > 0).then(|| incarnation().attempt(*number));
            record.expires = When::Never;
            record
        };
        self.alive.iter().map(one).collect()
    }
}

fn next_now(world: &World) -> Now {
    world.now()
}

fn token(attempt: u64, now: Now) -> Token {
    Token {
        key: key(attempt),
        mark: incarnation().attempt(attempt),
        revision: String::new(),
        made_at: now.service,
        expires: None,
        settles_at: None,
    }
}
