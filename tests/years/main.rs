//! Five years in minutes: thirty managed tokens on three services, ticked at random from four machines
//! whose clocks are off, while services, sinks, the store and the machines themselves fail.
//!
//! What must hold is checked after every step (`invariants`), and when all is calm again. By itself
//! this is one year; `KEEPER_YEARS=1000` asks for so many years of a token, in worlds of 150 each, as
//! many at a time as there are processors, and says after each what has come of them so far.
//! `.ci/run years` does that. `KEEPER_SEED` is the number of the first world, and draws what happens in it.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers are test code too: what fails there fails the test"
)]

mod entry;
mod invariants;
mod ledger;
mod machine;
mod told;
mod trouble;
#[path = "../it/rotation/vault.rs"]
#[expect(dead_code, reason = "other tests need the rest")]
mod vault;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use access_tokens::days;

use self::told::Told;
use self::world::World;

/// How a world is treated.
#[derive(Clone, Copy, Debug)]
struct Climate {
    /// Whether anything goes wrong at all.
    troubled: bool,
    days: u64,
    tokens: usize,
}

/// The time from one step to the next: minutes to hours, in which nothing comes to rest, as often as
/// days, after which something is due.
fn pause(world: &mut World, climate: Climate) -> Duration {
    let often = climate.troubled && world.dice.bool();
    let seconds = if often { 60..4 * 3_600 } else { 60..72 * 3_600 };
    Duration::from_secs(world.dice.u64(seconds))
}

/// Lets the years pass, and looks after each step.
async fn live(seed: u64, climate: Climate) -> World {
    let mut world = World::new(seed, climate.tokens, climate.troubled).await;
    world.first_contact().await;
    let end = world.now() + days(climate.days);
    while world.now() < end {
        let pause = pause(&mut world, climate);
        world.pass_time(pause).await;
        if climate.troubled {
            world.stir();
        }
        world.step().await;
        invariants::hold(&mut world);
    }
    world.calm_down().await;
    invariants::hold(&mut world);
    invariants::at_rest(&world);
    world
}

/// The same on a thread, with a runtime of its own.
fn live_here(seed: u64, climate: Climate) -> World {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    runtime.block_on(live(seed, climate))
}

/// What a variable of the environment says.
fn asked(variable: &str) -> Option<u64> {
    let said = std::env::var(variable).ok();
    said.map(|said| said.parse().unwrap())
}

/// What came of many worlds.
#[derive(Debug, Default)]
struct Sum {
    years: u64,
    told: Told,
    violations: Vec<u64>,
}

#[test]
fn years_of_trouble_strand_nobody() {
    let years = asked("KEEPER_YEARS");
    let climate = Climate {
        troubled: true,
        days: 365 * if years.is_some() { 5 } else { 1 },
        tokens: 30,
    };
    let first = asked("KEEPER_SEED").unwrap_or(0);
    let (began, next) = (Instant::now(), AtomicU64::new(first));
    let end = first + years.map_or(1, |years| years.div_ceil(150));
    let sum = Mutex::new(Sum::default());
    // A world waits for much: there is room for another.
    let threads = 2 * std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        break;
                    }
                    let lived = catch_unwind(AssertUnwindSafe(|| live_here(seed, climate)));
                    let mut sum = sum.lock().unwrap();
                    match lived {
                        Ok(world) => sum.told += world.told(),
                        Err(_) => sum.violations.push(seed),
                    }
                    sum.years += climate.days / 365 * 30;
                    println!("world {seed}, {:?}: {sum:?}", began.elapsed());
                }
            });
        }
    });
    let sum = sum.into_inner().unwrap();
    assert!(sum.violations.is_empty(), "worlds {:?}", sum.violations);
}

#[test]
fn quiet_years_bring_what_the_policies_ask_for() {
    let climate = Climate {
        troubled: false,
        days: 5 * 365,
        tokens: 12,
    };
    let world = live_here(7, climate);
    invariants::as_asked(&world, days(climate.days));
}
