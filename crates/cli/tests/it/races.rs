//! Many at once, and killed at random.

use std::time::Duration;

use access_tokens::Secret;

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

#[tokio::test]
async fn eight_ticks_at_once_are_one() {
    let world = World::start().await;
    world.configure(TOKENS);
    for round in 0..6 {
        let children: Vec<_> = (0..8)
            .map(|_| world.spawn(&["--output", "json", "tick"]))
            .collect();
        let mut rotated = 0;
        for child in children {
            let done = Done::from(child.wait_with_output().unwrap());
            assert_eq!(done.code, 0, "{done:?}");
            rotated += done
                .lines()
                .iter()
                .filter(|line| line["outcome"] == "rotated")
                .count();
        }
        assert_eq!(rotated, if round == 0 { 2 } else { 0 });
        consumers_are_served(&world);
    }
    assert_eq!(
        world.ld.tokens().iter().filter(|t| t.name == "a").count(),
        1
    );
}

#[tokio::test]
async fn killed_at_random_nothing_is_left_to_clean_up() {
    let world = World::start().await;
    world.configure(TOKENS);
    assert_eq!(world.tick().code, 0);
    let rounds = std::env::var("TOKENS_KILLS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(25_u64);
    for round in 0..rounds {
        let mut child = world.spawn(&["rotate", "a", "--yes"]);
        std::thread::sleep(Duration::from_millis((round * 7) % 60));
        let _ = child.kill();
        let _ = child.wait();
        consumers_are_served(&world);
    }
    // One healthy run finishes whatever is left.
    let done = world.run(&["--output", "json", "rotate", "a", "--yes"]);
    assert!([0, 1].contains(&done.code), "{done:?}");
    for _ in 0..3 {
        world.run(&["tick", "a"]);
    }
    consumers_are_served(&world);
    let status = world.run(&["--output", "json", "status", "a"]).json();
    let token = &status["tokens"][0];
    // The service holds nothing that the state does not know.
    let mut known: Vec<_> = vec![token["current"].as_str().unwrap().to_owned()];
    let previous = token["previous"].as_array().unwrap().iter();
    known.extend(previous.map(|p| p["key"].as_str().unwrap().to_owned()));
    let pending = token["pending"].to_string();
    for alive in world.ld.tokens().iter().filter(|t| t.name == "a") {
        assert!(
            known.contains(&alive.id) || pending.contains(&alive.id) || pending.contains("attempt"),
            "{} is an orphan: {status}",
            alive.id
        );
    }
}
