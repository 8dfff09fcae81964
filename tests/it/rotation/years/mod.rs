//! Five years in minutes: thirty managed tokens on three services, ticked at random from four machines
//! whose clocks are off, while services, sinks, the store and the machines themselves fail.
//!
//! What must hold is checked after every step (`invariants`), and when all is calm again. By itself
//! this is one year; `KEEPER_YEARS=1000` asks for so many years of a token, in worlds of 150 each, as
//! many at a time as there are processors. `.ci/run years` does that.

mod entry;
mod invariants;
mod ledger;
mod machine;
mod trouble;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use access_tokens::days;

use self::world::World;

/// How a world is treated.
#[derive(Clone, Copy, Debug)]
struct Climate {
    /// Whether anything goes wrong at all.
    troubled: bool,
    days: u64,
    tokens: usize,
    /// The longest time from one step to the next, in hours.
    pause: u64,
}

/// Lets the years pass, and looks after each step.
async fn live(seed: u64, climate: Climate) -> World {
    let mut world = World::new(seed, climate.tokens, climate.troubled).await;
    world.first_contact().await;
    let end = world.now() + days(climate.days);
    while world.now() < end {
        let pause = Duration::from_secs(world.dice.u64(60..climate.pause * 3_600));
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

#[test]
fn years_of_trouble_strand_nobody() {
    let asked = std::env::var("KEEPER_YEARS").ok();
    let asked = asked.map(|years| years.parse::<u64>().unwrap());
    let climate = Climate {
        troubled: true,
        days: 365 * if asked.is_some() { 5 } else { 1 },
        tokens: 30,
        pause: 24,
    };
    let worlds = asked.map_or(1, |years| years.div_ceil(150));
    let (began, next) = (Instant::now(), AtomicU64::new(0));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= worlds {
                        break;
                    }
                    let world = live_here(seed, climate);
                    println!("world {seed}: {}, {:?}", world.summary(), began.elapsed());
                }
            });
        }
    });
}

#[test]
fn quiet_years_bring_what_the_policies_ask_for() {
    let climate = Climate {
        troubled: false,
        days: 5 * 365,
        tokens: 12,
        pause: 72,
    };
    let world = live_here(7, climate);
    invariants::as_asked(&world, days(climate.days));
}
