//! The managed tokens of a world, and where their secrets go.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use access_tokens::rotation::sink::{DotenvSink, FileSink, Sink, SinkKind};
use access_tokens::rotation::{ManagedToken, Property};
use access_tokens::{RotationPolicy, Secret, TokenKey, TokenService, days};
use access_tokens_testing::{Twins, avisi_cloud, launchdarkly, query_server};
use fastrand::Rng;
use serde_json::Value;

use super::vault::Vault;

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// The services, in the order of their twins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    LaunchDarkly,
    QueryServer,
    AvisiCloud,
}

pub(crate) const KINDS: [Kind; 3] = [Kind::LaunchDarkly, Kind::QueryServer, Kind::AvisiCloud];

/// Where a consumer finds its secret.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// A sink in memory that fails when told to.
    Vault(Vault),
    /// A file of its own.
    File(PathBuf),
    /// A variable of a file that others share.
    Variable(PathBuf, String),
}

impl Place {
    fn sink(&self) -> Arc<dyn Sink> {
        match self {
            Self::Vault(vault) => Arc::new(vault.clone()),
            Self::File(path) => Arc::new(FileSink::new(path)),
            Self::Variable(path, name) => Arc::new(DotenvSink::new(path, name)),
        }
    }

    pub(crate) fn kind(&self) -> SinkKind {
        self.sink().kind()
    }

    /// The secret that consumers find here.
    pub(crate) fn secret(&self, shared: &Shared) -> Option<Secret> {
        match self {
            Self::Vault(vault) => vault.secret(),
            Self::File(path) => Some(Secret::new(std::fs::read_to_string(path).ok()?)),
            Self::Variable(_, name) => shared.0.get(name).map(Secret::new),
        }
    }

    fn vault(&self) -> Option<&Vault> {
        match self {
            Self::Vault(vault) => Some(vault),
            _ => None,
        }
    }
}

/// The variables of the file that entries share, as a reader of it has them.
pub(crate) struct Shared(BTreeMap<String, String>);

impl Shared {
    pub(crate) fn of(entries: &[Entry]) -> Self {
        let places = entries.iter().flat_map(|entry| &entry.places);
        let file = places.into_iter().find_map(|place| match place {
            Place::Variable(path, _) => Some(path),
            _ => None,
        });
        let lines = file.map(|path| dotenvy::from_path_iter(path).unwrap());
        Self(lines.into_iter().flatten().map(Result::unwrap).collect())
    }
}

/// A managed token and where its secret goes.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) key: TokenKey,
    pub(crate) places: Vec<Place>,
    /// How long its tokens live; without end if `None`.
    pub(crate) lifetime: Option<Duration>,
    /// How long before its end a token is due; by its age if `None`.
    window: Option<Duration>,
    pub(crate) period: Duration,
    pub(crate) overlap: Duration,
    /// How often somebody asked for something, which may make one token more each time, and until when.
    pub(crate) asked: usize,
    pub(crate) forced_until: Option<SystemTime>,
    /// Until when tokens are looked for that a process made which had stood still for too long.
    pub(crate) late_until: Option<SystemTime>,
}

impl Entry {
    /// The declaration, as each machine writes it.
    pub(crate) fn declared(&self, service: Arc<dyn TokenService>) -> ManagedToken {
        let policy = match self.window {
            Some(window) => RotationPolicy::new().expires_within(window),
            None => RotationPolicy::new().max_age(self.period),
        };
        let mut builder = ManagedToken::builder(&self.name)
            .shared_service(service)
            .adopt(self.key.clone())
            .policy(policy)
            .overlap(self.overlap)
            // No token of theirs is the credential, which not every service can tell.
            .allow_own_credential(self.kind == Kind::AvisiCloud)
            .accept(Property::End);
        for place in &self.places {
            builder = builder.deliver_to_shared(place.sink());
        }
        builder.build().unwrap()
    }

    /// The most tokens that may be alive at a time.
    pub(crate) fn bound(&self, now: SystemTime) -> usize {
        let weakest = self.places.iter().map(Place::kind).min();
        let bound = match weakest.unwrap_or(SinkKind::Blind) {
            SinkKind::Restorable => 3,
            SinkKind::Blind => 4,
            _ => 2 + self.places.len(),
        };
        let is_late = self.late_until.is_some_and(|until| until > now);
        bound + self.asked + usize::from(is_late)
    }

    /// Forgets what was asked for, once its time is over and nothing is on its way into a sink any more.
    pub(crate) fn forget_asked(&mut self, record: &Value, now: SystemTime) {
        let over = self.forced_until.is_none_or(|until| until <= now);
        if over && record["exposed"].is_null() {
            self.asked = 0;
        }
    }

    /// Its sinks in memory.
    pub(crate) fn vaults(&self) -> impl Iterator<Item = &Vault> {
        self.places.iter().filter_map(Place::vault)
    }

    /// Whether every sink of it can refuse a late write.
    pub(crate) fn is_fenced(&self) -> bool {
        self.places.iter().all(|place| place.kind().is_fenced())
    }
}

/// A token of a twin, with an end if it is to have one: its key and its secret.
fn seeded(twins: &Twins, kind: Kind, number: usize, life: Option<Duration>) -> (String, Secret) {
    let name = format!("export {number}");
    match kind {
        Kind::LaunchDarkly => {
            let mut seed = launchdarkly::Seed::new(name).description("nightly");
            if let Some(life) = life {
                seed = seed.expiry(twins.launchdarkly.now() + life);
            }
            let token = twins.launchdarkly.seed(seed);
            (token.id, token.secret)
        }
        Kind::QueryServer => {
            let mut seed = query_server::Seed::new(name).write(false);
            if let Some(life) = life {
                let seconds = i64::try_from(life.as_secs()).unwrap();
                seed = seed.expiration_date(twins.query_server.now() + seconds);
            }
            let token = twins.query_server.seed(seed);
            (token.name, token.secret)
        }
        Kind::AvisiCloud => {
            let token = twins.avisi_cloud.seed(avisi_cloud::Seed::new(name));
            (token.id, token.secret)
        }
    }
}

/// A managed token, its kind of sinks by its number; in a quiet world all of them in memory.
pub(crate) fn entry(
    twins: &Twins,
    number: usize,
    dice: &mut Rng,
    directory: &Path,
    troubled: bool,
) -> Entry {
    let kind = KINDS[number % KINDS.len()];
    let lifetime = (kind != Kind::AvisiCloud && number.is_multiple_of(2)).then_some(days(400));
    let window = lifetime
        .filter(|_| number.is_multiple_of(4))
        .map(|_| days(100));
    let (key, secret) = seeded(twins, kind, number, lifetime);
    let vault = |place: usize, kind| {
        let name = format!("{number} {place}");
        let name: &'static str = Box::leak(name.into_boxed_str());
        Place::Vault(Vault::holding(name, kind, &secret))
    };
    let places = match (troubled, number % 10) {
        (false, _) | (true, 0..=1) => vec![vault(0, SinkKind::Restorable)],
        (true, 2) => vec![Place::File(directory.join(format!("{number}.token")))],
        (true, 3) => vec![variable(directory, number)],
        (true, 4) => vec![variable(directory, number), vault(1, SinkKind::Restorable)],
        (true, 5) => vec![
            vault(0, SinkKind::Restorable),
            vault(1, SinkKind::Restorable),
        ],
        (true, 6) => vec![vault(0, SinkKind::Fenced)],
        (true, 7) => vec![vault(0, SinkKind::Observable)],
        (true, 8) => vec![vault(0, SinkKind::Blind)],
        (true, _) => vec![vault(0, SinkKind::Restorable), vault(1, SinkKind::Fenced)],
    };
    for place in &places {
        put(place, &secret);
    }
    Entry {
        name: format!("export-{number}"),
        kind,
        key: TokenKey::new(key),
        places,
        lifetime,
        window,
        period: window.map_or_else(
            || days(dice.u64(40..200)),
            |window| days(400).saturating_sub(window),
        ),
        overlap: [Duration::ZERO, HOUR, days(1), days(7), days(30)][number / 2 % 5],
        asked: 0,
        forced_until: None,
        late_until: None,
    }
}

/// A variable of a file that all entries share that have one.
fn variable(directory: &Path, number: usize) -> Place {
    Place::Variable(directory.join(".env"), format!("TOKEN_{number}"))
}

/// What the consumers have before anything is managed.
fn put(place: &Place, secret: &Secret) {
    use std::io::Write as _;
    match place {
        Place::Vault(_) => {}
        Place::File(path) => std::fs::write(path, secret.expose_secret()).unwrap(),
        Place::Variable(path, name) => {
            let mut file = std::fs::File::options();
            let file = file.append(true).create(true).open(path);
            writeln!(file.unwrap(), "{name}={}", secret.expose_secret()).unwrap();
        }
    }
}
