//! A fleet of managed tokens, whose engine is killed in the middle of a pass.

use std::sync::Arc;
use std::time::Duration;

use access_tokens::rotation::sink::Sink;
use access_tokens::rotation::state::{Listed, StateStore, StoreError, StoreVersion, Stored};
use access_tokens::rotation::{ManagedToken, Outcome, Report};
use access_tokens::{BoxFuture, days};
use futures_util::StreamExt as _;

use crate::world::World;

/// Each of them takes a machine for itself.
static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
/// How many tokens there are.
pub(crate) const TOKENS: usize = 200;
const AT_ONCE: usize = 16;
/// Longer than a lease, the time until a lost create has settled, and the first pauses after failures.
const LATER: Duration = Duration::from_secs(3_600);

/// Where a token's secret is kept.
pub(crate) trait Places {
    /// A sink for this place, which holds the secret already.
    async fn hold(&self, number: usize, secret: &str) -> Arc<dyn Sink>;

    /// What is there, as those who use it see it.
    async fn read(&self, number: usize) -> String;
}

/// A store whose own clock is not asked: time is virtual here.
#[derive(Clone, Debug)]
struct Timeless<S>(S);

impl<S: StateStore> StateStore for Timeless<S> {
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Stored>, StoreError>> {
        self.0.load(name)
    }

    fn create<'a>(&'a self, entry: &'a Stored) -> BoxFuture<'a, Result<(), StoreError>> {
        self.0.create(entry)
    }

    fn replace<'a>(
        &'a self,
        expected: &'a StoreVersion,
        entry: &'a Stored,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.0.replace(expected, entry)
    }

    fn remove<'a>(
        &'a self,
        name: &'a str,
        expected: &'a StoreVersion,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.0.remove(name, expected)
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<Listed>, StoreError>> {
        self.0.list(prefix)
    }

    fn remove_unreadable<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        self.0.remove_unreadable(name)
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.0.probe()
    }
}

/// Rotates all, kills the engine once a third has gone through, and lets later passes finish.
pub(crate) async fn outlives_its_engine(
    store: impl StateStore + Clone + 'static,
    places: &impl Places,
    kill: impl FnOnce() + Send + 'static,
) {
    let _alone = ONE_AT_A_TIME.lock().await;
    let world = World::new().await;
    let store = Timeless(store);
    let mut tokens: Vec<ManagedToken> = Vec::new();
    for number in 0..TOKENS {
        let (seeded, declared) = world.token(&format!("token-{number}"));
        let sink = places.hold(number, seeded.secret.expose_secret()).await;
        tokens.push(declared.deliver_to_shared(sink).build().unwrap());
    }
    let pass = || {
        let keeper = world.keeper(store.clone());
        keeper.tick_all(tokens.clone(), AT_ONCE)
    };
    let first: Vec<Report> = pass().collect().await;
    let quiet = |report: &Report| matches!(report.outcome, Outcome::NotDue { .. });
    assert!(first.iter().all(quiet), "{first:?}");

    world.clock.advance(days(91));
    let (mut through, mut failed) = (0, 0);
    let mut kill = Some(kill);
    let mut killed = None;
    let mut reports = Box::pin(pass());
    while let Some(report) = reports.next().await {
        match report.error() {
            None => through += 1,
            Some(_) => failed += 1,
        }
        if through >= TOKENS / 3
            && let Some(kill) = kill.take()
        {
            // The pass goes on meanwhile.
            killed = Some(tokio::task::spawn_blocking(kill));
        }
    }
    drop(reports);
    killed.unwrap().await.unwrap();
    assert!(through >= TOKENS / 3 && failed > 0, "{through}, {failed}");

    // No more than a former and a new one each, whatever became of the calls under way.
    let mut passes = 0;
    loop {
        for number in 0..TOKENS {
            let secret = places.read(number).await;
            assert!(world.accepts(&secret), "{number}: what is there is dead");
        }
        world
            .clock
            .advance(if passes < 4 { LATER } else { days(1) });
        let reports: Vec<Report> = pass().collect().await;
        passes += 1;
        if reports.iter().all(quiet) && world.alive() == TOKENS {
            break;
        }
        let rest: Vec<_> = reports.iter().filter(|report| !quiet(report)).collect();
        assert!(passes < 60, "{} alive, no rest: {rest:?}", world.alive());
    }
    // Each was replaced once: what was lost on the way was found and removed.
    for (number, token) in tokens.iter().enumerate() {
        let status = world.keeper(store.clone()).status(token.name()).await;
        let status = status.unwrap().unwrap();
        let secret = places.read(number).await;
        let current = status.current.as_ref().unwrap();
        let there = world.twin.token(current.as_str()).unwrap();
        assert_eq!(there.secret.expose_secret(), secret, "{number}");
        assert!(status.previous.is_empty(), "{status:?}");
    }
    println!("{through} went through, {failed} failed, {passes} passes later all is well");
}
