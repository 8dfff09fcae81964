//! What the processes race for: tokens on twins, and files.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use access_tokens::Marker;
use access_tokens::Secret;
use access_tokens::rotation::Event;
use access_tokens::rotation::state::{FileStore, StateStore as _};
use access_tokens_testing::{ShiftedClock, Twin, Twins, avisi_cloud, launchdarkly, query_server};
use serde_json::Value;

use super::worker::{NAMES, Worker};

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

pub(crate) struct World {
    twins: Twins,
    clock: ShiftedClock,
    /// How much later it is than by the system's clock.
    pub(crate) shift: Duration,
    directory: PathBuf,
    pub(crate) first: Worker,
    pub(crate) second: Worker,
    /// How long a tick with a rotation takes, more or less.
    length: Duration,
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// Whose turn it is in this race.
pub(crate) fn turn(race: u64) -> &'static str {
    NAMES[usize::try_from(race).unwrap() % NAMES.len()]
}

/// A directory in memory where there is one: processes are killed here, no machine is.
fn directory() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    let base = if memory.is_dir() {
        memory
    } else {
        std::env::temp_dir()
    };
    let name = format!("races-{}-{}", std::process::id(), Marker::random().as_str());
    let directory = base.join(name);
    std::fs::create_dir_all(&directory).unwrap();
    directory
}

impl World {
    pub(crate) async fn new() -> Self {
        let (clock, directory) = (ShiftedClock::new(), directory());
        let twins = Twins::with_clock(clock.clone()).await.unwrap();
        let secrets = [
            twins
                .launchdarkly
                .seed(launchdarkly::Seed::new(NAMES[0]))
                .secret,
            twins
                .query_server
                .seed(query_server::Seed::new(NAMES[1]))
                .secret,
            twins
                .avisi_cloud
                .seed(avisi_cloud::Seed::new(NAMES[2]))
                .secret,
        ];
        let mut env = String::new();
        for (name, secret) in NAMES.into_iter().zip(&secrets) {
            let file = directory.join(format!("{name}.token"));
            std::fs::write(file, secret.expose_secret()).unwrap();
            let variable = name.to_uppercase();
            writeln!(env, "{variable}={}", secret.expose_secret()).unwrap();
        }
        std::fs::write(directory.join(".env"), env).unwrap();
        let mut this = Self {
            first: Worker::start(&twins, &directory),
            second: Worker::start(&twins, &directory),
            twins,
            clock,
            shift: Duration::ZERO,
            directory,
            length: Duration::ZERO,
        };
        // The first contact, then a rotation that tells how long one takes.
        for name in NAMES {
            this.first.say("tick", name, this.shift);
            assert_eq!(this.first.hears(), "not_due");
        }
        this.pass(91 * DAY);
        for name in NAMES {
            let began = Instant::now();
            this.first.say("tick", name, this.shift);
            assert_eq!(this.first.hears(), "rotated");
            this.length = this.length.max(began.elapsed());
        }
        this
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.clock.advance(time);
        self.shift += time;
    }

    /// How long a rotation takes, in microseconds, and a little more.
    pub(crate) fn length(&self) -> u64 {
        u64::try_from(self.length.as_micros()).unwrap() * 5 / 4
    }

    /// Both at the same moment.
    pub(crate) fn both(&mut self, what: (&str, &str), name: &str) -> [String; 2] {
        self.first.say(what.0, name, self.shift);
        self.second.say(what.1, name, self.shift);
        [self.first.hears(), self.second.hears()]
    }

    /// Kills one, and starts another in its place; `true` if it was at work.
    pub(crate) fn kill_the_first(&mut self) -> bool {
        let was_at_work = self.first.kill();
        self.first = Worker::start(&self.twins, &self.directory);
        was_at_work
    }

    fn twin(&self, name: &str) -> &dyn Twin {
        let place = NAMES.iter().position(|other| *other == name);
        self.twins.all()[place.unwrap()]
    }

    /// The keys of all tokens that work, but for the credential's.
    fn alive(&self, name: &str) -> Vec<(String, Option<Marker>)> {
        let credential = self.twin(name).credential();
        let mut entries = self.twin(name).entries();
        entries.retain(|entry| entry.works && entry.secret != credential);
        let described = |key: &str| {
            let token = self.twins.launchdarkly.token(key);
            token.and_then(|token| token.description)
        };
        let marked = |entry: access_tokens_testing::Entry| {
            let text = match name {
                "export" => described(&entry.key).unwrap_or_default(),
                _ => entry.name,
            };
            (entry.key, Marker::in_text(&text))
        };
        entries.into_iter().map(marked).collect()
    }

    /// Whoever reads a file now is let in.
    pub(crate) fn nobody_is_stranded(&self, name: &str) {
        let twin = self.twin(name);
        let read = |file: &Path| std::fs::read_to_string(file).unwrap();
        let file = Secret::new(read(&self.directory.join(format!("{name}.token"))));
        let mut env = dotenvy::from_path_iter(self.directory.join(".env")).unwrap();
        let variable =
            env.find_map(|item| item.ok().filter(|(key, _)| *key == name.to_uppercase()));
        let variable = Secret::new(variable.unwrap().1);
        for (what, secret) in [("file", file), ("variable", variable)] {
            assert!(
                twin.authenticates(&secret),
                "{name}: the {what} is dead: {}",
                self.record(name)
            );
        }
    }

    fn record(&self, name: &str) -> Value {
        let store = FileStore::new(self.directory.join("state"));
        // The test waits for its workers on this thread; the store needs a runtime of its own.
        std::thread::scope(|scope| {
            let load = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .build()
                    .unwrap();
                runtime
                    .block_on(store.load(&format!("token/{name}")))
                    .unwrap()
            });
            load.join().unwrap().unwrap().body
        })
    }

    /// The record knows every token that is alive, or the create that makes it.
    pub(crate) fn nothing_is_orphaned(&self, name: &str) {
        // The other one may be at work. What it makes is in the record before, and what it deletes is
        // gone before the record forgets it.
        let before = self.alive(name);
        let record = self.record(name);
        let after = self.alive(name);
        for (key, mark) in before.iter().filter(|token| after.contains(token)) {
            let number = mark.as_ref().and_then(Marker::number);
            let made = number.is_some_and(|number| is_making(&record, number));
            assert!(
                names(&record).contains(key) || made,
                "{key} is an orphan: {record:#}"
            );
        }
    }

    /// Soon nothing is left to do, and only what consumers use or may use is there.
    pub(crate) fn comes_to_rest(&mut self, name: &str, allowed: &[&str]) {
        for _ in 0..4 {
            self.second.say("tick", name, self.shift);
            let said = self.second.hears();
            assert!(allowed.contains(&said.as_str()), "{name}: {said}");
            self.nobody_is_stranded(name);
            if said == "not_due" {
                break;
            }
        }
        let record = self.record(name);
        let mut alive: Vec<_> = self.alive(name).into_iter().map(|(key, _)| key).collect();
        let mut known = names(&record);
        alive.sort();
        known.sort();
        assert_eq!(alive, known, "{name}: {record:#}");
        for field in ["pending", "exposed", "doomed", "lost", "attempt", "target"] {
            assert!(record[field].is_null(), "{name}: {field} in {record:#}");
        }
    }

    /// Each line of the log is whole, whoever was killed.
    pub(crate) fn events_are_whole(&self) {
        let log = std::fs::read_to_string(self.directory.join("events.jsonl")).unwrap();
        let mut rotated = 0;
        for line in log.lines() {
            // What a killed process has left of a line is a line of its own.
            if let Ok(event) = serde_json::from_str::<Event>(line) {
                rotated += u64::from(event.action == "rotated");
            } else {
                assert!(serde_json::from_str::<Value>(line).is_err(), "{line}");
            }
        }
        assert!(rotated > 0);
    }
}

fn names(record: &Value) -> Vec<String> {
    let one = ["current", "pending"].map(|field| &record[field]);
    let many = ["previous", "exposed", "doomed"];
    let many = many
        .into_iter()
        .filter_map(|field| record[field].as_array());
    let all = one.into_iter().chain(many.flatten());
    let keys = all.filter_map(|token| token["key"].as_str());
    keys.map(str::to_owned).collect()
}

fn is_making(record: &Value, number: u64) -> bool {
    let lost = record["lost"].as_array().into_iter().flatten();
    let mut made = lost.chain([&record["attempt"]]);
    made.any(|made| made["number"].as_u64() == Some(number))
}
