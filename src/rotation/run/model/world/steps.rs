//! What may happen next.

use super::{NAMES, World};
use crate::rotation::record::Holder;
use crate::rotation::request::Ask;
use crate::rotation::run::machine::Act;

impl World {
    pub(in super::super) fn successors(&self) -> Vec<(String, Self)> {
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
            if !self.bounds.without_lease {
                for runner in next.runners.iter_mut().flatten() {
                    (runner.ready, runner.leased) = (None, false);
                }
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

    pub(super) fn step(&self, number: usize, all: &mut Vec<(String, Self)>) {
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
            let act = me.machine.next(self.now());
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
}
