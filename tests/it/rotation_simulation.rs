//! Random rotations with faults at every call, crashes at every call, and sinks that fail.
//!
//! `ROTATION_SIMULATIONS` is how many; `ROTATION_SEED` begins elsewhere, or shows one again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use access_tokens::rotation::sink::{
    Delivery, FileSink, Observed, Sink, SinkError, SinkKind, SinkVersion, Written,
};
use access_tokens::rotation::{
    Entry, FileJournal, Journal, MemoryJournal, Resumed, Rotation, Strategy, Verify,
};
use access_tokens::{BoxFuture, Marker, RetryPolicy, TokenKey, TokenService};
use access_tokens_testing::Fault;
use fastrand::Rng;

use crate::all::world::watched::{Moment, Watched};
use crate::all::world::{KINDS, Kind, World};
use crate::support::{Scratch, secret_in};

/// A sink that fails now and then: before it stores, after it, or in between.
#[derive(Debug)]
struct Moody {
    file: FileSink,
    random: Arc<Mutex<Rng>>,
    /// Out of 100.
    fails: u8,
}

impl Moody {
    fn throw(&self) -> u8 {
        self.random.lock().unwrap().u8(0..100)
    }
}

impl Sink for Moody {
    fn id(&self) -> String {
        "moody".to_owned()
    }

    fn kind(&self) -> SinkKind {
        self.file.kind()
    }

    fn check(&self) -> BoxFuture<'_, Result<(), SinkError>> {
        self.file.check()
    }

    fn observe(&self) -> BoxFuture<'_, Result<Observed, SinkError>> {
        self.file.observe()
    }

    fn deliver<'a>(
        &'a self,
        delivery: &'a Delivery<'a>,
    ) -> BoxFuture<'a, Result<Written, SinkError>> {
        Box::pin(async move {
            let fails = self.throw() < self.fails;
            match (fails, self.throw() % 4) {
                (true, 0) => Err(SinkError::not_stored("not stored")),
                (true, 1) => Err(SinkError::unknown("not stored, who knows")),
                (true, 2) => {
                    self.file.deliver(delivery).await?;
                    Err(SinkError::unknown("stored, who knows"))
                }
                (true, _) => {
                    self.file.deliver(delivery).await?;
                    panic!("after it was stored")
                }
                (false, _) => self.file.deliver(delivery).await,
            }
        })
    }

    fn restore<'a>(
        &'a self,
        attempt: &'a Marker,
        seen: &'a SinkVersion,
    ) -> BoxFuture<'a, Result<Written, SinkError>> {
        Box::pin(async move {
            match self.throw() {
                0..20 => Err(SinkError::unsupported("not today")),
                20..30 => Err(SinkError::unknown("cannot be undone")),
                _ => self.file.restore(attempt, seen).await,
            }
        })
    }
}

/// Everything that one simulation needs.
struct Simulation {
    seed: u64,
    world: World,
    scratch: Scratch,
    journal: Arc<dyn Journal>,
    random: Arc<Mutex<Rng>>,
    strategy: Strategy,
    grace: Option<Duration>,
    /// How many more calls there are until a crash.
    crash_in: Arc<Mutex<Option<u32>>>,
}

impl Simulation {
    async fn new(seed: u64) -> Arc<Self> {
        let mut random = Rng::with_seed(seed);
        let kind = KINDS[random.usize(..KINDS.len())];
        let world = World::new(kind).await;
        let scratch = Scratch::new();
        for sink in ["a", "b"] {
            std::fs::write(scratch.path(sink), world.secret.expose_secret()).unwrap();
        }
        let journal: Arc<dyn Journal> = if random.u8(..4) == 0 {
            Arc::new(FileJournal::new(scratch.path("journal")).unwrap())
        } else {
            Arc::new(MemoryJournal::new())
        };
        let grace = random.bool().then_some(Duration::from_secs(86_400));
        let strategy = match (kind, random.u8(..4)) {
            (Kind::QueryServer, 0) if grace.is_none() => Strategy::InPlace,
            // Without a grace it has a gap.
            (Kind::LaunchDarkly, 0) if grace.is_some() => Strategy::Reset,
            (_, 1) => Strategy::NewName("another".to_owned()),
            _ => Strategy::Auto,
        };
        Arc::new(Self {
            seed,
            world,
            scratch,
            journal,
            random: Arc::new(Mutex::new(random)),
            strategy,
            grace,
            crash_in: Arc::default(),
        })
    }

    fn roll(&self, sides: u32) -> u32 {
        self.random.lock().unwrap().u32(..sides)
    }

    /// What every sink holds works, at every moment.
    fn assert_nobody_is_stranded(&self, at: &str) {
        if self.strategy == Strategy::InPlace {
            return;
        }
        for sink in ["a", "b"] {
            let held = secret_in(&self.scratch.path(sink)).unwrap();
            assert!(
                self.world.accepts(&held),
                "seed {}: sink {sink} {at}",
                self.seed
            );
        }
    }

    /// The service, with somebody who looks on and crashes it.
    fn service(self: &Arc<Self>, calm: bool) -> Arc<dyn TokenService> {
        let retry = if !calm && self.roll(2) == 0 {
            RetryPolicy::none()
        } else {
            RetryPolicy::new().max_attempts(2)
        };
        // Stalls are waited for in real time; a busy machine is no fault.
        let attempt = Duration::from_millis(if calm { 30_000 } else { 250 });
        let inner = self.world.service_with(retry, attempt);
        let this = Arc::clone(self);
        Arc::new(Watched::new(
            inner,
            Arc::new(move |action, moment: Moment| {
                this.assert_nobody_is_stranded(&format!("{moment:?} {action:?}"));
                let crash = {
                    let mut left = this.crash_in.lock().unwrap();
                    *left = left.map(|calls| calls.saturating_sub(1));
                    *left == Some(0)
                };
                Box::pin(async move {
                    if crash {
                        std::future::pending::<()>().await;
                    }
                })
            }),
        ))
    }

    /// A rotation as a process would build it anew after each start.
    fn rotation(self: &Arc<Self>, fails: u8) -> Rotation {
        let sink = |name: &str| Moody {
            file: FileSink::new(self.scratch.path(name)),
            random: Arc::clone(&self.random),
            fails,
        };
        let throw = self.roll(100);
        let mut rotation = Rotation::of_shared(self.service(fails == 0), &self.world.key)
            .deliver(sink("a"))
            .deliver(sink("b"))
            .strategy(self.strategy.clone())
            .verify(Verify::custom(move |_| async move {
                if throw < u32::from(fails) {
                    Err("the check")
                } else {
                    Ok(())
                }
            }))
            .shared_journal(Arc::clone(&self.journal));
        if let Some(grace) = self.grace {
            rotation = rotation.grace(grace);
        }
        rotation
    }

    fn some_fault(&self) -> Fault {
        match self.roll(24) {
            0..4 => Fault::Status(500),
            4..6 => Fault::Status(503),
            6 => Fault::Status(401),
            7 => Fault::Status(403),
            8 => Fault::Status(429),
            9..11 => Fault::CloseBeforeRequest,
            11..13 => Fault::CloseAfterRequest,
            13..15 => Fault::Reset,
            15..18 => Fault::ActThenClose,
            18..20 => Fault::ActThenReset,
            20 => Fault::CutBody,
            21 => Fault::CutChunkedBody,
            22 => Fault::Garbage,
            // Real time, so seldom.
            _ if self.roll(8) == 0 => Fault::StallBeforeHead,
            _ => Fault::OversizedHeader,
        }
    }

    /// One process: it runs or resumes until it ends, or crashes at some call.
    async fn process(self: &Arc<Self>, fails: u8) {
        for _ in 0..self.roll(4) {
            let nth = u64::from(self.roll(12)) + 1;
            self.world
                .fault(nth, u64::from(self.roll(3)) + 1, self.some_fault());
        }
        let deadly = self.roll(3) == 0;
        *self.crash_in.lock().unwrap() = deadly.then(|| self.roll(24) + 1);
        let rotation = self.rotation(fails);
        let work = async {
            let fresh = rotation.unfinished().await.unwrap().is_none();
            if fresh {
                // Whoever has rotated a token goes on with its successor.
                if self.begun_from_the_old()
                    && let Ok(plan) = rotation.plan().await
                {
                    let _ = plan.run().await;
                }
            } else if self.roll(8) == 0 {
                let _ = rotation.abandon().await;
            } else {
                let _ = rotation.resume().await;
            }
        };
        // A crash is a future that never ends; real work takes much less.
        let crashed = async {
            loop {
                tokio::time::sleep(Duration::from_millis(1)).await;
                if *self.crash_in.lock().unwrap() == Some(0) {
                    return;
                }
            }
        };
        tokio::select! {
            () = work => {}
            () = crashed => {}
        }
        *self.crash_in.lock().unwrap() = None;
        self.world.clear_faults();
        self.assert_nobody_is_stranded("after a process");
        self.assert_no_unknown_orphan().await;
        let wait = Duration::from_millis(u64::from(self.roll(5_000)));
        self.world.clock.advance(wait);
    }

    fn begun_from_the_old(&self) -> bool {
        secret_in(&self.scratch.path("a")) == Some(self.world.secret.clone())
    }

    async fn entry(&self) -> Option<Entry> {
        self.journal.entries().await.unwrap().pop()
    }

    /// As long as the journal knows of no rotation there is one token, but for those that end.
    async fn assert_no_unknown_orphan(&self) {
        if self.entry().await.is_some() {
            return;
        }
        let alive = self.world.endless();
        assert_eq!(alive.len(), 1, "seed {}: {alive:?}", self.seed);
    }

    async fn run(self: Arc<Self>) {
        for _ in 0..=self.roll(4) {
            self.process(25).await;
        }
        // Then the weather clears.
        let rotation = self.rotation(0);
        let mut begun = rotation.resume().await.unwrap();
        if matches!(begun, Resumed::RolledBack) {
            // What a lost request may bring is waited for.
            self.world.clock.advance(Duration::from_secs(900));
            begun = rotation.resume().await.unwrap();
            begun = if matches!(begun, Resumed::Nothing) {
                Resumed::RolledBack
            } else {
                begun
            };
        }
        let gone = |key: &TokenKey| !self.world.alive().contains(key);
        let untouched = matches!(begun, Resumed::RolledBack)
            || secret_in(&self.scratch.path("a")).unwrap() == self.world.secret;
        if untouched && !gone(&self.world.key) && rotation.unfinished().await.unwrap().is_none() {
            assert_eq!(self.world.alive().len(), 1, "seed {}", self.seed);
            rotation.plan().await.unwrap().run().await.unwrap();
        }
        self.assert_nobody_is_stranded("at the end");
        // The grace, and the time in which a lost request may still be carried out.
        self.world.clock.advance(Duration::from_secs(2 * 86_400));
        rotation.resume().await.unwrap();
        rotation.resume().await.unwrap();
        let seed = self.seed;
        assert_eq!(self.entry().await, None, "seed {seed}");
        assert_eq!(
            self.world.alive().len(),
            1,
            "seed {seed}: {:?}",
            self.world.alive()
        );
        assert!(!self.world.accepts(&self.world.secret), "seed {seed}");
        self.assert_ends_in_one();
    }

    fn assert_ends_in_one(&self) {
        let [a, b] = ["a", "b"].map(|sink| secret_in(&self.scratch.path(sink)).unwrap());
        assert!(a == b && self.world.accepts(&a), "seed {}", self.seed);
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_ever_stranded_and_no_orphan_is_forgotten() {
    // The panics of the sinks are meant.
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let text = info.payload_as_str().unwrap_or_default();
        if text != "after it was stored" {
            usual(info);
        }
    }));
    let count = number("ROTATION_SIMULATIONS").unwrap_or(200);
    let first = number("ROTATION_SEED").unwrap_or(1);
    let next = Arc::new(AtomicU64::new(first));
    let mut workers = Vec::new();
    for _ in 0..4 {
        let next = Arc::clone(&next);
        workers.push(tokio::spawn(async move {
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= first + count {
                    return;
                }
                Simulation::new(seed).await.run().await;
            }
        }));
    }
    for worker in workers {
        worker.await.unwrap();
    }
}
