//! Many at once, and killed at random.

use std::time::{Duration, Instant, SystemTime};

use access_tokens::Secret;
use access_tokens_testing::{Fault, Twin as _, VirtualClock};

use crate::support::{Done, World};

const TOKENS: &str = r#"
[tokens.a]
account = "prod"
create = { role = "reader" }
max_age = "30d"
overlap = "1d"
deliver = ["file:a.token"]

[tokens.b]
account = "edge"
create = {}
max_age = "30d"
overlap = "1d"
deliver = ["dotenv:.env#B"]
"#;

/// Consumers have a secret that works.
fn consumers_are_served(world: &World) {
    let a = Secret::new(world.read("a.token").trim());
    assert!(world.ld.authenticates(&a), "a is stranded");
}

/// How often, with more in the environment.
fn rounds(variable: &str, usual: u64) -> u64 {
    let more = std::env::var(variable).ok();
    more.and_then(|n| n.parse().ok()).unwrap_or(usual)
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_ticks_at_once_are_one() {
    for _ in 0..rounds("TOKENS_CROWDS", 4) {
        let world = World::start().await;
        world.configure(TOKENS);
        // The first contact, a rotation that somebody asked for, and nothing.
        for round in 0..3 {
            if round == 1 {
                world.configure(
                    &TOKENS.replace("file:a.token\"", "file:a.token\", \"file:new.token\""),
                );
            }
            let children: Vec<_> = (0..8)
                .map(|_| world.spawn(&["--output", "json", "tick"]))
                .collect();
            let mut rotated = 0;
            for child in children {
                let done = Done::from(child.wait_with_output().unwrap());
                assert_eq!(done.code, 0, "{done:?}");
                let lines = done.lines();
                assert_eq!(lines.len(), 2, "{done:?}");
                rotated += lines.iter().filter(|l| l["outcome"] == "rotated").count();
            }
            assert_eq!(rotated, [2, 1, 0][round]);
            consumers_are_served(&world);
            let status = world.run(&["--output", "json", "status", "--check"]);
            assert_eq!(status.code, 0, "{status:?}");
        }
        assert_eq!(world.named("a"), 2);
        assert!(world.works("new.token"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_late_to_a_first_contact_finds_what_the_other_has_made_of_it() {
    let world = World::start().await;
    // A place that cannot tell what it holds.
    let blind = "command:sh -c 'cat > a.token'";
    world.configure(&TOKENS.replace("file:a.token", blind));
    let slow = Fault::SlowAct(Duration::from_secs(3));
    world.ld.set_fault(Some("get_tokens"), 1, 1, slow).unwrap();
    let late = world.spawn(&["--output", "json", "tick", "a"]);
    while world.ld.requests().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let first = world.run(&["--output", "json", "tick", "a"]);
    assert_eq!(first.code, 0, "{first:?}");
    let late = Done::from(late.wait_with_output().unwrap());
    assert_eq!(late.code, 0, "{late:?}");
    assert_eq!(world.named("a"), 1);
    let current = &first.outcome("a")["current"];
    assert_eq!(late.outcome("a")["current"], *current, "{late:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_nothing_is_left_to_clean_up() {
    let world = World::start().await;
    world.configure(TOKENS);
    assert_eq!(world.tick().code, 0);
    let begun = Instant::now();
    assert_eq!(world.run(&["rotate", "a", "--yes"]).code, 0);
    let whole = begun.elapsed();
    let commands = [
        &["rotate", "a", "--yes"][..],
        &["rotate", "b", "--yes", "--reason", "suspected"],
        &["tick"],
        &["rollback", "a", "--yes"],
        &["rotate", "a", "--yes", "--reason", "suspected"],
    ];
    let mut seed = 7_u32;
    for round in 0..rounds("TOKENS_KILLS", 25) {
        let command = commands[usize::try_from(round).unwrap() % commands.len()];
        let mut child = world.spawn(command);
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        std::thread::sleep(whole.mul_f64(f64::from(seed >> 8) / f64::from(1 << 24)));
        let _ = child.kill();
        let _ = child.wait();
        consumers_are_served(&world);
        let status = world.run(&["--output", "json", "status"]);
        assert_eq!(status.code, 0, "{status:?}");
    }
    // Nobody does anything by hand: ticks go on, until whatever had no answer has settled.
    let clock = VirtualClock::starting_at(SystemTime::now());
    for _ in 0..6 {
        let done = world
            .at(&clock, &["--output", "json", "tick", "a", "b"])
            .await;
        assert!([0, 1].contains(&done.code), "{done:?}");
        clock.advance(Duration::from_secs(20 * 60));
    }
    consumers_are_served(&world);
    let status = world.run(&["--output", "json", "status"]).json();
    let mut known = Vec::new();
    for token in status["tokens"].as_array().unwrap() {
        assert_eq!(token["pending"].as_array().unwrap().len(), 0, "{status}");
        known.extend(token["current"].as_str().map(str::to_owned));
        let previous = token["previous"].as_array().unwrap().iter();
        known.extend(previous.map(|p| p["key"].as_str().unwrap().to_owned()));
    }
    known.sort();
    // The state and the services tell the same.
    let ld = world.ld.tokens().into_iter().filter(|t| t.name == "a");
    let query = world.query.tokens().into_iter();
    let query = query
        .map(|t| t.name)
        .filter(|name| name.starts_with("b-at"));
    let mut alive: Vec<_> = ld.map(|t| t.id).chain(query).collect();
    alive.sort();
    assert_eq!(alive, known, "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn watching_ends_cleanly_at_a_signal_whatever_it_is_doing() {
    use rustix::process::Signal;
    let signal = |child: &std::process::Child, signal| {
        let pid = rustix::process::Pid::from_child(child);
        rustix::process::kill_process(pid, signal).unwrap();
    };
    let watch = ["--output", "json", "tick", "--watch", "1h"];
    for (kind, twice, broken) in [
        (Signal::TERM, false, false),
        (Signal::INT, false, false),
        (Signal::INT, false, true),
        (Signal::TERM, true, false),
    ] {
        let world = World::start().await;
        world.configure(&if broken {
            TOKENS.replace("file:a.token", "file:missing/a.token")
        } else {
            TOKENS.to_owned()
        });
        // In the middle of the first tick.
        let pause = if twice { 60 } else { 2 };
        let slow = Fault::SlowAct(Duration::from_secs(pause));
        world.ld.set_fault(None, 1, 1, slow).unwrap();
        let child = world.spawn(&watch);
        while world.ld.requests().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let begun = Instant::now();
        signal(&child, kind);
        if twice {
            // Two of a kind at once may be one.
            tokio::time::sleep(Duration::from_millis(300)).await;
            signal(&child, kind);
        }
        let done = Done::from(child.wait_with_output().unwrap());
        assert_eq!(done.code, 0, "{done:?}");
        if twice {
            assert!(begun.elapsed() < Duration::from_secs(50), "{done:?}");
        } else {
            // What was under way came to its end.
            assert_eq!(done.lines().len(), 2, "{done:?}");
            assert_eq!(done.outcome("b")["outcome"], "rotated", "{done:?}");
        }
    }
}
