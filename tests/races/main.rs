//! Two processes that keep the same managed tokens at the same moment, through one `FileStore`, into
//! shared files: tick against tick, against SIGKILL, against a roll back.
//!
//! By themselves these are some dozens of races; `KEEPER_RACES=2000` asks for so many of each kind. The
//! processes are this program, begun again (`worker`).
#![cfg(unix)]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers are test code too: what fails there fails the test"
)]

mod worker;
mod world;

use std::time::Duration;

use self::world::{DAY, MINUTE, World, turn};

/// What is said where nothing went wrong, whoever was first.
const FINE: [&str; 6] = [
    "rotated", "busy", "not_due", "retired", "resumed", "waiting",
];

/// A rotation that was killed is not begun again at once, and that is said.
const KILLED: &str = "failed interrupted";

/// The former token is gone, so nothing can go back to it.
const TOO_LATE: &str = "failed rollback_impossible";

fn races() -> u64 {
    let asked = std::env::var("KEEPER_RACES").ok();
    asked.map_or(30, |races| races.parse().unwrap())
}

#[tokio::test]
async fn tick_against_tick() {
    let mut world = World::new().await;
    for race in 0..races() {
        let name = turn(race);
        world.pass(91 * DAY);
        let said = world.both(("tick", "tick"), name);
        for said in &said {
            assert!(FINE.contains(&said.as_str()), "{name}: {said}");
        }
        let rotated = said.iter().filter(|said| *said == "rotated").count();
        assert_eq!(rotated, 1, "{name}: {said:?}");
        world.nobody_is_stranded(name);
        world.nothing_is_orphaned(name);
        world.comes_to_rest(name, &FINE);
    }
    world.events_are_whole();
}

#[tokio::test]
async fn tick_against_kill() {
    let mut world = World::new().await;
    let (mut dice, mut killed_at_work) = (fastrand::Rng::with_seed(11), 0);
    for race in 0..races() {
        let name = turn(race);
        world.pass(91 * DAY);
        world.first.say("tick", name, world.shift);
        // The other one is there from the beginning, comes in the middle, or comes afterwards.
        let when = dice.u8(0..3);
        if when == 0 {
            world.second.say("tick", name, world.shift);
        }
        std::thread::sleep(Duration::from_micros(dice.u64(0..world.length())));
        if when == 1 {
            world.second.say("tick", name, world.shift);
        }
        killed_at_work += u32::from(world.kill_the_first());
        world.nobody_is_stranded(name);
        world.nothing_is_orphaned(name);
        if when == 2 {
            world.second.say("tick", name, world.shift);
        }
        let said = world.second.hears();
        let fine = FINE.contains(&said.as_str()) || said == KILLED;
        assert!(fine, "{name}: {said}");
        world.nobody_is_stranded(name);
        world.nothing_is_orphaned(name);
        // Beyond the time in which everything settles, and every back-off.
        let allowed: Vec<&str> = FINE.into_iter().chain([KILLED]).collect();
        for _ in 0..4 {
            world.pass(20 * MINUTE);
            world.second.say("tick", name, world.shift);
            let said = world.second.hears();
            assert!(allowed.contains(&said.as_str()), "{name}: {said}");
            world.nobody_is_stranded(name);
            world.nothing_is_orphaned(name);
        }
        world.comes_to_rest(name, &allowed);
    }
    println!("{killed_at_work} of {} were killed at work", races());
    assert!(killed_at_work > 0);
    world.events_are_whole();
}

#[tokio::test]
async fn tick_against_roll_back() {
    let mut world = World::new().await;
    let mut rolled_back = 0;
    for race in 0..races() {
        let name = turn(race);
        world.pass(91 * DAY);
        world.first.say("tick", name, world.shift);
        assert_eq!(world.first.hears(), "rotated", "{name}");
        // One of two times the overlap is over now, and the tick is about to delete the former token.
        world.pass(if race % 2 == 0 { DAY + MINUTE } else { MINUTE });
        let said = world.both(("tick", "rollback"), name);
        for said in &said {
            let fine = FINE.iter().chain(&["rolled_back", "suspended", TOO_LATE]);
            assert!(fine.into_iter().any(|fine| fine == said), "{name}: {said}");
        }
        world.nobody_is_stranded(name);
        world.nothing_is_orphaned(name);
        // Whoever found the other one at work has left its request.
        let mut all = said.to_vec();
        for _ in 0..3 {
            world.second.say("tick", name, world.shift);
            all.push(world.second.hears());
            world.nobody_is_stranded(name);
        }
        rolled_back += u32::from(all.iter().any(|said| said == "rolled_back"));
        let answered = |said: &String| said == "rolled_back" || said == TOO_LATE;
        assert_eq!(
            all.iter().filter(|said| answered(said)).count(),
            1,
            "{name}: {all:?}"
        );
        world.second.say("release", name, world.shift);
        assert_eq!(world.second.hears(), "released");
        let allowed: Vec<&str> = FINE.into_iter().chain(["suspended"]).collect();
        world.comes_to_rest(name, &allowed);
    }
    println!("{rolled_back} of {} were rolled back", races());
    assert!(rolled_back > 0);
    world.events_are_whole();
}
