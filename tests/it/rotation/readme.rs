//! README's own snippet, every six hours for a month: exactly what the policy asks for.

use std::sync::Arc;

use access_tokens::rotation::state::FileStore;
use access_tokens::rotation::{Keeper, ManagedToken, Outcome, sink::FileSink};
use access_tokens::{RotationPolicy, Secret, days};

use super::{HOUR, KINDS, Kind, World, said};
use crate::support::Scratch;

/// What the snippet says and this test does too.
const SAID: [&str; 6] = [
    r#"ManagedToken::builder("nightly-export")"#,
    ".adopt(TokenKey::new(",
    ".policy(RotationPolicy::new().max_age(days(90)))",
    ".overlap(days(1))",
    ".deliver_to(FileSink::new(",
    "Keeper::new(FileStore::new(",
];

#[tokio::test]
async fn a_month_of_readme_brings_the_rotations_that_its_policy_asks_for() {
    let readme = include_str!("../../../README.md");
    for said in SAID {
        assert!(readme.contains(said), "README does not say {said} any more");
    }
    // How old the token is at first, and the hours in which it is rotated and the old one goes.
    for kind in KINDS {
        a_month(kind, 70, &[(20 * 24, "rotated"), (21 * 24, "retired")]).await;
    }
    a_month(Kind::LaunchDarkly, 400, &[(0, "rotated"), (24, "retired")]).await;
    a_month(Kind::LaunchDarkly, 0, &[]).await;
}

async fn a_month(kind: Kind, age: u64, expected: &[(u32, &str)]) {
    let world = World::new(kind).await;
    world.clock.advance(days(age));
    let scratch = Scratch::new();
    let (file, state) = (scratch.path("token"), scratch.path("state"));
    std::fs::write(&file, world.secret.expose_secret()).unwrap();
    let service = world.service();
    let mut keeper = Keeper::new(FileStore::new(&state));
    let mut done = Vec::new();
    for hour in (0..31 * 24).step_by(6) {
        let token = ManagedToken::builder("nightly-export")
            .shared_service(Arc::clone(&service))
            .adopt(world.key.clone())
            .policy(RotationPolicy::new().max_age(days(90)))
            .overlap(days(1))
            .deliver_to(FileSink::new(&file))
            .allow_own_credential(kind == Kind::AvisiCloud)
            .build()
            .unwrap();
        if hour % 24 == 0 {
            // As another process would: what they share is on disk.
            let builder = Keeper::builder(FileStore::new(&state));
            keeper = builder.clock(world.clock.clone()).build();
        }
        let report = keeper.tick(&token).await;
        if !matches!(report.outcome, Outcome::NotDue { .. }) {
            done.push((hour, said(&report)));
        }
        let secret = std::fs::read_to_string(&file).unwrap();
        let works = world.accepts(&Secret::new(secret.trim()));
        assert!(works, "{kind:?}, hour {hour}: stranded after {report}");
        world.clock.advance(6 * HOUR);
    }
    let expected: Vec<_> = expected
        .iter()
        .map(|(hour, what)| (*hour, (*what).to_owned()))
        .collect();
    assert_eq!(done, expected, "{kind:?}, {age} days old");
    let rotations = done.iter().filter(|(_, what)| what == "rotated").count();
    let calls = world.calls();
    let sent = |names: [&str; 3]| {
        calls
            .iter()
            .filter(|call| names.contains(&call.as_str()))
            .count()
    };
    let creates = sent(["postToken", "createToken", "provisionPersonalAccessToken"]);
    let deletes = sent(["deleteToken", "deleteToken", "revokePersonalAccessToken"]);
    assert_eq!(
        (creates, deletes),
        (rotations, rotations),
        "{kind:?}: {calls:?}"
    );
    // The one that is there ends no sooner than the one that was.
    assert_eq!(world.alive().len(), 1);
    assert_eq!(world.alive(), world.endless());
}
