//! A month of hourly ticks, one configuration unchanged.

use std::fmt::Write as _;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use access_tokens::Secret;
use access_tokens_cli::Context;
use access_tokens_testing::VirtualClock;

use crate::support::World;

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn exactly_the_rotations_that_the_policy_asks_for() {
    const HOURS: usize = 30 * 24;
    let clock = VirtualClock::new();
    let world = World::with_clock(clock.clone()).await;
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
        let out = Captured::default();
        let context = Context::new(
            world.folder.path().to_owned(),
            Arc::new(clock.clone()),
            Box::new(out.clone()),
            Box::new(out.clone()),
        )
        .with_variable("LD_ACCESS_TOKEN", world.ld.credential().expose_secret())
        .with_variable(
            "QUERY_DEPLOY_TOKEN",
            world.query.credential().expose_secret(),
        )
        .with_variable(
            "ACLOUD_PERSONAL_ACCESS_TOKEN",
            world.avisi.credential().expose_secret(),
        );
        let words = ["tokens", "--output", "json", "tick"].map(Into::into);
        let code = access_tokens_cli::run(words, &context).await;
        let text = String::from_utf8(std::mem::take(&mut *out.0.lock().unwrap())).unwrap();
        assert_eq!(code, 0, "hour {hour}: {text}");
        rotations += text.matches("\"outcome\":\"rotated\"").count();
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
