//! A month of hourly ticks, one configuration unchanged.

use std::fmt::Write as _;
use std::time::Duration;

use access_tokens::Secret;
use access_tokens_testing::VirtualClock;

use crate::support::World;

#[tokio::test]
async fn exactly_the_rotations_that_the_policy_asks_for() {
    const HOURS: usize = 30 * 24;
    let clock = VirtualClock::new();
    let world = World::timed(&clock, |ld| ld).await;
    let mut tokens = "[defaults]\nmax_age = \"3d\"\noverlap = \"1d\"\n".to_owned();
    for (account, create) in [
        ("prod", "{ role = \"reader\" }"),
        ("edge", "{}"),
        ("cloud", "{}"),
    ] {
        for number in 0..4 {
            let name = format!("{account}{number}");
            let key = name.to_uppercase();
            writeln!(
                tokens,
                "[tokens.{name}]\naccount = \"{account}\"\ncreate = {create}\n\
                 deliver = [\"dotenv:.env#{key}\"]"
            )
            .unwrap();
        }
    }
    world.configure(&tokens);
    let mut rotations = 0;
    for hour in 0..HOURS {
        let done = world.ticked().await;
        assert_eq!(done.code, 0, "hour {hour}: {done:?}");
        rotations += done.out.matches("\"outcome\":\"rotated\"").count();
        clock.advance(Duration::from_secs(3_600));
    }
    // The first one, and then one each three days.
    assert_eq!(rotations, 12 * 10, "in {HOURS} hours");
    let env = world.read(".env");
    let secret = env
        .lines()
        .find_map(|line| line.strip_prefix("PROD0="))
        .unwrap();
    assert!(
        world
            .ld
            .authenticates(&Secret::new(secret.trim_matches(['"', '\''])))
    );
    // One in use, and none but those within their overlap.
    let alive = world
        .ld
        .tokens()
        .iter()
        .filter(|t| t.name == "prod0")
        .count();
    assert!(alive <= 2, "{alive}");
}
