//! Rotations whose process is killed at every step, and then resumed.
//!
//! The twin runs in this process; the rotation runs in a child that is killed (SIGKILL) right
//! before or right after it writes a step down: in the first case what the last step names has been
//! done and is not written, in the second what the next step names is written and not done.

use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use access_tokens::rotation::sink::{DotenvSink, FileSink};
use access_tokens::rotation::{
    Entry, FileJournal, Journal, JournalError, Old, Rotation, Step, Strategy,
};
use access_tokens::{BoxFuture, RetryPolicy, Secret, TokenKey};

use crate::all::world::{Kind, World, client};
use crate::support::{Scratch, secret_in};

/// How a rotation goes about it.
#[derive(Clone, Copy, Debug)]
enum Way {
    AtOnce,
    WithGrace,
    InPlace,
    Reset,
}

const GRACE: Duration = Duration::from_secs(3_600);

const CASES: [(Kind, Way); 8] = [
    (Kind::LaunchDarkly, Way::AtOnce),
    (Kind::LaunchDarkly, Way::WithGrace),
    (Kind::LaunchDarkly, Way::Reset),
    (Kind::QueryServer, Way::AtOnce),
    (Kind::QueryServer, Way::WithGrace),
    (Kind::QueryServer, Way::InPlace),
    (Kind::AvisiCloud, Way::AtOnce),
    (Kind::AvisiCloud, Way::WithGrace),
];

/// Kills its process at one of its writes.
#[derive(Debug)]
struct Deadly {
    inner: FileJournal,
    writes: AtomicU32,
    /// Two for each write: before it, and after it.
    die_at: u32,
}

impl Deadly {
    async fn around<T>(&self, write: BoxFuture<'_, T>) -> T {
        let number = self.writes.fetch_add(1, Ordering::SeqCst);
        if self.die_at == number * 2 {
            die();
        }
        let result = write.await;
        if self.die_at == number * 2 + 1 {
            die();
        }
        result
    }
}

fn die() -> ! {
    let id = std::process::id().to_string();
    let _ = Command::new("kill").args(["-KILL", &id]).status();
    loop {
        std::thread::sleep(Duration::from_secs(1));
    }
}

impl Journal for Deadly {
    fn begin<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<(), JournalError>> {
        Box::pin(self.around(self.inner.begin(entry)))
    }

    fn write<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<(), JournalError>> {
        Box::pin(self.around(self.inner.write(entry)))
    }

    fn remove<'a>(&'a self, slot: &'a str, id: &'a str) -> BoxFuture<'a, Result<(), JournalError>> {
        Box::pin(self.around(self.inner.remove(slot, id)))
    }

    fn find<'a>(&'a self, slot: &'a str) -> BoxFuture<'a, Result<Option<Entry>, JournalError>> {
        self.inner.find(slot)
    }

    fn entries(&self) -> BoxFuture<'_, Result<Vec<Entry>, JournalError>> {
        self.inner.entries()
    }
}

fn rotation(
    service: Arc<dyn access_tokens::TokenService>,
    key: &TokenKey,
    way: Way,
    directory: &Path,
    die_at: u32,
) -> Rotation {
    let rotation = Rotation::of_shared(service, key)
        .deliver(FileSink::new(directory.join("token")))
        .deliver(DotenvSink::new(directory.join("env"), "TOKEN"))
        .journal(Deadly {
            inner: FileJournal::new(directory.join("journal")).unwrap(),
            writes: AtomicU32::new(0),
            die_at,
        });
    match way {
        Way::AtOnce => rotation,
        Way::WithGrace => rotation.grace(GRACE),
        Way::InPlace => rotation.strategy(Strategy::InPlace),
        Way::Reset => rotation.strategy(Strategy::Reset).grace(GRACE),
    }
}

const VARIABLE: &str = "ROTATION_CRASH_CHILD";

/// Not a test of its own: what the children run.
#[tokio::test]
async fn child() {
    let Ok(words) = std::env::var(VARIABLE) else {
        return;
    };
    let words: Vec<&str> = words.split('\n').collect();
    let [case, die_at, base_url, credential, key, directory, again] = words[..] else {
        panic!("{VARIABLE} is wrong");
    };
    let (kind, way) = CASES[case.parse::<usize>().unwrap()];
    let service = client(
        kind,
        base_url,
        Secret::new(credential),
        None,
        RetryPolicy::none(),
        Duration::from_secs(20),
    );
    let die_at = die_at.parse().unwrap();
    let rotation = rotation(
        service,
        &TokenKey::new(key),
        way,
        Path::new(directory),
        die_at,
    );
    if again == "again" {
        rotation.resume().await.unwrap();
    } else {
        rotation.plan().await.unwrap().run().await.unwrap();
    }
}

struct Scene {
    case: usize,
    world: World,
    scratch: Scratch,
}

impl Scene {
    async fn new(case: usize) -> Self {
        let world = World::following_the_system(CASES[case].0).await;
        let scratch = Scratch::new();
        std::fs::write(scratch.path("token"), world.secret.expose_secret()).unwrap();
        let line = format!("A=1\nTOKEN={}\n", world.secret.expose_secret());
        std::fs::write(scratch.path("env"), line).unwrap();
        Self {
            case,
            world,
            scratch,
        }
    }

    fn child(&self, die_at: u32, again: bool) -> ExitStatus {
        let words = [
            self.case.to_string(),
            die_at.to_string(),
            self.world.base_url(),
            self.world.credential().expose_secret().to_owned(),
            self.world.key.to_string(),
            self.scratch.path("").display().to_string(),
            if again { "again" } else { "first" }.to_owned(),
        ];
        let program = std::env::current_exe().unwrap();
        let output = Command::new(program)
            .args([
                "all::rotation_crash::child",
                "--exact",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(VARIABLE, words.join("\n"))
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(!text.contains("panicked"), "{text}");
        output.status
    }

    fn rotation(&self) -> Rotation {
        let (kind, way) = CASES[self.case];
        let service = client(
            kind,
            &self.world.base_url(),
            self.world.credential(),
            None,
            RetryPolicy::none(),
            Duration::from_secs(20),
        );
        let key = &self.world.key;
        rotation(service, key, way, &self.scratch.path(""), u32::MAX)
    }

    fn delivered(&self) -> Secret {
        secret_in(&self.scratch.path("token")).unwrap()
    }

    /// What each sink holds works, except in the gap.
    fn assert_nobody_is_stranded(&self, at: &str) {
        if matches!(CASES[self.case].1, Way::InPlace) {
            return;
        }
        let env = std::fs::read_to_string(self.scratch.path("env")).unwrap();
        let env = env.lines().last().unwrap().strip_prefix("TOKEN=").unwrap();
        assert!(self.world.accepts(&self.delivered()), "{at}");
        assert!(self.world.accepts(&Secret::new(env)), "{at}");
    }

    /// Resumes to the end and looks at everything.
    async fn assert_ends_well(&self, at: &str) {
        let (_, way) = CASES[self.case];
        self.assert_nobody_is_stranded(at);
        let rotation = self.rotation();
        let mut old = rotation.resume().await.unwrap().rotated().map(|r| r.old);
        if old.is_none() && self.delivered() == self.world.secret {
            // It had not begun.
            assert_eq!(
                self.world.alive(),
                std::slice::from_ref(&self.world.key),
                "{at}"
            );
            old = Some(rotation.plan().await.unwrap().run().await.unwrap().old);
        }
        self.assert_nobody_is_stranded(at);
        assert_ne!(self.delivered(), self.world.secret, "{at}");
        if let Some(Old::AwaitingFinish(_)) = old {
            let entry = rotation.unfinished().await.unwrap().unwrap();
            assert!(matches!(entry.step(), Step::Awaiting(_)), "{at}");
            assert!(self.world.alive().len() >= 2, "{at}");
        } else {
            // A create that was about to be sent may still be carried out, for all one knows.
            let entry = rotation.unfinished().await.unwrap();
            assert!(
                entry.is_none_or(|entry| *entry.step() == Step::Settling),
                "{at}"
            );
        }
        match way {
            Way::AtOnce | Way::InPlace => {
                assert!(!self.world.accepts(&self.world.secret), "{at}");
                assert_eq!(self.world.alive().len(), 1, "{at}");
            }
            Way::Reset => {
                assert_eq!(
                    self.world.alive(),
                    std::slice::from_ref(&self.world.key),
                    "{at}"
                );
            }
            Way::WithGrace => assert!(self.world.accepts(&self.world.secret), "{at}"),
        }
        // The journal and the directory of the sinks hold nothing that was left behind.
        for file in std::fs::read_dir(self.scratch.path("")).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            let name = name.strip_suffix(".access-tokens").unwrap_or(&name);
            assert!(["token", "env", "journal"].contains(&name), "{at}: {name}");
        }
        for file in std::fs::read_dir(self.scratch.path("journal")).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            assert!(!text.contains(self.delivered().expose_secret()), "{at}");
        }
    }
}

/// Kills at every place of the case; the number of places.
async fn kill_everywhere(case: usize) -> u32 {
    for die_at in 0.. {
        let scene = Scene::new(case).await;
        let status = scene.child(die_at, false);
        let at = format!("{:?}, killed at {die_at}", CASES[case]);
        if status.success() {
            scene.assert_ends_well(&at).await;
            assert!(die_at >= 12, "{at}");
            return die_at;
        }
        assert_eq!(
            std::os::unix::process::ExitStatusExt::signal(&status),
            Some(9),
            "{at}"
        );
        // Every third time the one that resumes is killed, too.
        if die_at % 3 == 0 {
            scene.assert_nobody_is_stranded(&at);
            scene.child(die_at.wrapping_mul(7) % 11, true);
        }
        scene.assert_ends_well(&at).await;
    }
    unreachable!()
}

macro_rules! cases {
    ($($name:ident: $case:literal),*) => {$(
        #[tokio::test]
        async fn $name() {
            let places = kill_everywhere($case).await;
            println!("{:?}: killed at {places} places", CASES[$case]);
        }
    )*};
}

cases! {
    launchdarkly: 0,
    launchdarkly_with_grace: 1,
    launchdarkly_reset: 2,
    query_server: 3,
    query_server_with_grace: 4,
    query_server_in_place: 5,
    avisi_cloud: 6,
    avisi_cloud_with_grace: 7
}
