//! What uses a secret is restarted after its delivery into a store, by a command and by a closure.

use std::sync::{Arc, Mutex};

use access_tokens::BoxFuture;
use access_tokens::days;
use access_tokens::rotation::sink::Sink;
use access_tokens::rotation::state::MemoryStore;
use access_tokens::rotation::{AfterStep, Outcome};
use tokio::process::Command;

use crate::world::World;

/// Reads the secret as what uses it would.
pub(crate) type Read = Arc<dyn Fn() -> BoxFuture<'static, String> + Send + Sync>;

/// The sink holds the token of this world already.
pub(crate) async fn what_uses_it_is_restarted(
    world: &World,
    declared: access_tokens::rotation::ManagedTokenBuilder,
    old: &str,
    sink: Arc<dyn Sink>,
    read: Read,
) {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("restarts");
    let command = {
        let log = log.clone();
        AfterStep::from_fn("restart app", move |names| {
            let mut command = Command::new("sh");
            command.args(["-c", r#"echo "$1" >>"$0""#]).arg(&log);
            command.args(names);
            async move {
                match command.status().await {
                    Ok(status) if status.success() => Ok(()),
                    Ok(status) => Err(status.to_string()),
                    Err(error) => Err(error.to_string()),
                }
            }
        })
    };
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let closure = {
        let seen = Arc::clone(&seen);
        AfterStep::from_fn("reload the cache", move |_| {
            let (seen, read) = (Arc::clone(&seen), Arc::clone(&read));
            async move {
                let secret = read().await;
                let mut seen = seen.lock().unwrap();
                seen.push(secret);
                match seen.len() {
                    1 => Err("it does not start"),
                    _ => Ok(()),
                }
            }
        })
    };
    let token = declared
        .deliver_to_shared(sink)
        .after(command)
        .after(closure)
        .build()
        .unwrap();
    let keeper = world.keeper(MemoryStore::new());
    let first = keeper.tick(&token).await;
    assert!(matches!(first.outcome, Outcome::NotDue { .. }), "{first}");

    world.clock.advance(days(91));
    let rotated = keeper.tick(&token).await;
    assert!(
        matches!(rotated.outcome, Outcome::Rotated { .. }),
        "{rotated}"
    );
    let error = rotated.after.unwrap().to_string();
    assert!(error.contains("it does not start"), "{error}");

    // What has not been restarted still has the old one, however long it takes.
    world.clock.advance(days(2));
    let read = seen.lock().unwrap().clone();
    assert!(world.accepts(old) && world.accepts(&read[0]) && read[0] != old);
    let report = keeper.tick(&token).await;
    assert!(report.error().is_none(), "{report}");
    world.clock.advance(days(2));
    let report = keeper.tick(&token).await;
    assert!(report.error().is_none(), "{report}");
    assert_eq!((world.alive(), world.accepts(old)), (1, false));
    // The same secret: no other token was made.
    assert_eq!(*seen.lock().unwrap(), [read[0].clone(), read[0].clone()]);
    let log = std::fs::read_to_string(log).unwrap();
    assert!(
        log.lines().count() >= 1 && log.lines().all(|name| name == token.name()),
        "{log}"
    );
}
