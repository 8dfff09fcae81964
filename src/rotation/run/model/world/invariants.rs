//! What must hold in every state, and what one healthy runner alone must reach from it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{World, key, number};
use crate::due::RotationPolicy;
use crate::rotation::record::Token;
use crate::rotation::request::Ask;
use crate::rotation::rules::Rules;

impl World {
    // What must hold in every state.
    pub(in super::super) fn bad(&self) -> Option<String> {
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
    pub(in super::super) fn comes_to_rest(&self) -> Result<(), String> {
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
            let open = |(id, _): &&(String, Ask)| world.record.fulfilled.as_ref() != Some(id);
            if let Some(open) = world.ask.as_ref().filter(open) {
                return Err(format!("a request stays open: {open:?}"));
            }
            // The last rotation's former token is deleted two days later.
            let mut late = world.clone();
            late.rules = Arc::new(Rules {
                policy: RotationPolicy::new(),
                ..(*late.rules).clone()
            });
            late.record.on_hold = None;
            if late.record.is_stuck() {
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
}
