//! Every interleaving over small bounds, on the machine that runs in earnest.
//!
//! Modelled are the service, the sinks, the store and the time; two runners, each of which may pause
//! for any time before any step, be killed anywhere, or have its record taken over at any moment,
//! whatever its lease says. Any call's answer can be lost while its effect comes at once, later, or
//! never. From every state reached, one healthy runner alone has to bring everything to rest.
//!
//! `KEEPER_MODEL=2` (or more) allows more kills and faults; it takes minutes, best in a release
//! build.

mod world;

use std::collections::{HashMap, HashSet};

use self::world::{Bounds, World};
use crate::rotation::sink::SinkKind;

/// Searches all states; the number of them, or the shortest way to a bad one.
fn search(bounds: &Bounds) -> Result<usize, String> {
    let first = World::new(bounds);
    let mut known: HashMap<u128, (u128, String)> = HashMap::new();
    let print = first.fingerprint();
    known.insert(print, (0, String::new()));
    // What comes after a rest does not depend on who was at work.
    let mut resting = HashSet::new();
    let mut level = vec![(print, first)];
    while !level.is_empty() {
        let mut next = Vec::new();
        for (from, state) in level {
            for (label, reached) in state.successors() {
                let print = reached.fingerprint();
                if known.contains_key(&print) {
                    continue;
                }
                known.insert(print, (from, label));
                let rests = || {
                    let new = resting.insert(reached.fingerprint_at_rest());
                    new.then(|| reached.comes_to_rest().err()).flatten()
                };
                if let Some(bad) = reached.bad().or_else(rests) {
                    return Err(format!("{bad}\n{}", path(&known, print)));
                }
                next.push((print, reached));
            }
        }
        if std::env::var_os("KEEPER_MODEL_TRACE").is_some() {
            println!("level of {} states, {} in all", next.len(), known.len());
        }
        level = next;
    }
    Ok(known.len())
}

fn path(known: &HashMap<u128, (u128, String)>, mut print: u128) -> String {
    let mut steps = Vec::new();
    while let Some((from, label)) = known.get(&print)
        && !label.is_empty()
    {
        steps.push(format!("  {label}"));
        print = *from;
    }
    steps.reverse();
    steps.join("\n")
}

/// How much more than usual is allowed.
fn more() -> u8 {
    let set = std::env::var("KEEPER_MODEL").ok();
    set.and_then(|text| text.parse().ok()).unwrap_or(1_u8)
}

fn holds(bounds: &Bounds) {
    match search(bounds) {
        Ok(states) => {
            println!("{bounds:?}: {states} states, none bad");
            assert!(states > 100, "hardly anything was searched: {states}");
        }
        Err(bad) => panic!("{bounds:?}: {bad}"),
    }
}

fn one(kind: SinkKind) -> Bounds {
    Bounds {
        sinks: vec![kind],
        kills: 1,
        faults: more(),
        jumps: more() - 1,
        ..Bounds::default()
    }
}

#[test]
fn a_sink_that_can_restore() {
    holds(&one(SinkKind::Restorable));
}

#[test]
fn a_fenced_sink() {
    holds(&one(SinkKind::Fenced));
}

#[test]
fn a_sink_that_tells_whose_secret_it_holds() {
    holds(&one(SinkKind::Observable));
}

#[test]
fn a_blind_sink() {
    holds(&one(SinkKind::Blind));
}

#[test]
fn two_sinks_that_can_restore() {
    holds(&Bounds {
        sinks: vec![SinkKind::Restorable; 2],
        alone: more() == 1,
        ..one(SinkKind::Restorable)
    });
}

#[test]
fn a_fenced_and_a_blind_sink() {
    holds(&Bounds {
        sinks: vec![SinkKind::Fenced, SinkKind::Blind],
        alone: more() == 1,
        ..one(SinkKind::Restorable)
    });
}

#[test]
fn a_runner_that_is_stopped_for_days() {
    holds(&Bounds {
        kills: more() - 1,
        jumps: 1,
        ..one(SinkKind::Observable)
    });
}

#[test]
fn two_sinks_and_two_runners() {
    holds(&Bounds {
        sinks: vec![SinkKind::Fenced; 2],
        ..one(SinkKind::Fenced)
    });
}

#[test]
fn a_roll_back() {
    holds(&Bounds {
        roll_backs: 1,
        ..one(SinkKind::Restorable)
    });
}

#[test]
fn a_roll_back_that_a_sink_cannot_bear() {
    holds(&Bounds {
        roll_backs: 1,
        ..one(SinkKind::Blind)
    });
}

#[test]
fn the_search_finds_what_a_missing_rule_allows() {
    // Without the write-ahead of versions: the first counterexample of the protocol.
    let found = search(&Bounds {
        without_fence: true,
        ..one(SinkKind::Restorable)
    });
    assert!(found.is_err(), "{found:?}");
    // A runner that does not look at its lease directly before it sends.
    let found = search(&Bounds {
        without_lease: true,
        jumps: 1,
        ..one(SinkKind::Observable)
    });
    assert!(found.is_err(), "{found:?}");
    // An unfenced sink that is not left alone.
    let found = search(&Bounds {
        without_quiet: true,
        faults: 2,
        ..one(SinkKind::Observable)
    });
    assert!(found.is_err(), "{found:?}");
}
