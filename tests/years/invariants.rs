//! What must hold after every step, and what at the end.

use std::time::{Duration, SystemTime};

use access_tokens::{Marker, TokenKey, UnixSeconds, days};
use serde_json::Value;

use super::entry::{Entry, KINDS, Kind, Shared};
use super::ledger::{incarnation, key_of};
use super::world::World;

/// A token that is there and has not ended. That a service forgets removed secrets late, or knows new
/// ones late, makes no difference here.
#[derive(Clone, Debug)]
struct Living {
    key: TokenKey,
    mark: Option<Marker>,
    ends: Option<SystemTime>,
}

/// All living tokens of a service.
fn living(world: &World, kind: Kind) -> Vec<Living> {
    let (twins, now) = (&world.twins, world.now());
    let all: Vec<(String, String, Option<SystemTime>)> = match kind {
        Kind::LaunchDarkly => {
            let tokens = twins.launchdarkly.tokens().into_iter();
            let told = tokens.map(|token| {
                let text = token.description.unwrap_or_default();
                (token.id, text, token.expiry)
            });
            told.collect()
        }
        Kind::QueryServer => {
            let rows = twins.query_server.tokens().into_iter();
            let told = rows.filter(|row| row.active).map(|row| {
                let end = row.expiration_date.as_i64();
                // The same second as the last change is the mark for "never".
                let end = end.filter(|_| end != row.updated_at);
                let end = end.and_then(|end| UnixSeconds::new(end).to_system_time());
                (row.name.clone(), row.name, end)
            });
            told.collect()
        }
        Kind::AvisiCloud => {
            let tokens = twins.avisi_cloud.tokens().into_iter();
            let active = tokens.filter(|token| token.active);
            active
                .map(|token| (token.id, token.name, token.expire_at))
                .collect()
        }
    };
    let there = all
        .into_iter()
        .filter(|(_, _, end)| end.is_none_or(|end| end > now));
    there
        .map(|(key, text, ends)| Living {
            key: TokenKey::new(key),
            mark: Marker::in_text(&text),
            ends,
        })
        .collect()
}

/// Those of an entry: the one that was adopted, and those with its mark.
fn of<'a>(all: &'a [Living], entry: &Entry, record: &Value) -> Vec<&'a Living> {
    let mark = incarnation(record);
    let marked = |token: &Living| {
        let found = token.mark.as_ref();
        found.is_some_and(|found| found.owner() == mark.owner())
    };
    let ours = all
        .iter()
        .filter(|token| token.key == entry.key || marked(token));
    ours.collect()
}

/// Whether a record names a token, or a create whose token this can be.
fn knows(record: &Value, token: &Living) -> bool {
    let one = ["current", "pending"].map(|field| &record[field]);
    let many = ["previous", "exposed", "doomed"];
    let many = many
        .into_iter()
        .filter_map(|field| record[field].as_array());
    let mut named = one.into_iter().chain(many.flatten());
    if named.any(|known| key_of(known).as_ref() == Some(&token.key)) {
        return true;
    }
    let lost = record["lost"].as_array().into_iter().flatten();
    let mut made = lost.chain([&record["attempt"]]);
    let number = token.mark.as_ref().and_then(Marker::number);
    number.is_some() && made.any(|made| made["number"].as_u64() == number)
}

/// What holds at any time.
pub(crate) fn hold(world: &mut World) {
    let now = world.now();
    let all = KINDS.map(|kind| living(world, kind));
    let shared = Shared::of(&world.entries);
    for entry in &mut world.entries {
        entry.forget_asked(&world.ledger.record(&entry.name), now);
    }
    let mut most_alive = world.most_alive;
    for entry in &world.entries {
        let record = world.ledger.record(&entry.name);
        let at = || format!("{entry:?}\n{}", world.ledger.story(&entry.name));
        let twin = world.twins.all()[entry.kind as usize];
        for place in &entry.places {
            let secret = place.secret(&shared).unwrap_or_else(|| panic!("{}", at()));
            let works = twin.authenticates(&secret);
            assert!(works, "{place:?}: a consumer holds a dead secret: {}", at());
        }
        let living = of(&all[entry.kind as usize], entry, &record);
        most_alive = most_alive.max(living.len());
        let most = entry.bound(now);
        assert!(living.len() <= most, "{} are alive: {}", living.len(), at());
        let looked_for = entry.late_until.is_some_and(|until| until > now);
        for token in living {
            let known = knows(&record, token) || looked_for;
            assert!(known, "nobody knows {}: {}", token.key, at());
            let far = now + days(50 * 365);
            let ending = token.ends.is_some_and(|ends| ends < far);
            assert_eq!(ending, entry.lifetime.is_some(), "{token:?}: {}", at());
        }
    }
    world.most_alive = most_alive;
    if let Some((entry, what)) = world.ledger.untold().first() {
        panic!("{what}: {}", world.ledger.story(entry));
    }
}

/// What holds when nothing goes wrong any more.
pub(crate) fn at_rest(world: &World) {
    let shared = Shared::of(&world.entries);
    for entry in &world.entries {
        let record = world.ledger.record(&entry.name);
        let at = || format!("{entry:?}\n{}", world.ledger.story(&entry.name));
        let current = key_of(&record["current"]).unwrap();
        let all = living(world, entry.kind);
        let living = of(&all, entry, &record);
        let previous = record["previous"].as_array().map_or(0, Vec::len);
        assert_eq!(living.len(), 1 + previous, "{living:?} {}", at());
        assert!(living.iter().any(|token| token.key == current), "{}", at());
        for field in ["pending", "exposed", "doomed", "lost", "attempt", "target"] {
            assert!(record[field].is_null(), "{field}: {}", at());
        }
        let entries = world.twins.all()[entry.kind as usize].entries();
        let secret = entries
            .into_iter()
            .find(|found| found.key == current.as_str());
        let secret = secret.map(|found| found.secret);
        for place in &entry.places {
            assert_eq!(
                place.secret(&shared),
                secret,
                "{place:?} is behind: {}",
                at()
            );
        }
    }
}

/// In a quiet world nothing is rotated but what the policies ask for.
pub(crate) fn as_asked(world: &World, time: Duration) {
    let commits = world.ledger.commits();
    for entry in &world.entries {
        let found = commits.get(&entry.name).copied().unwrap_or(0);
        let period = entry.period.as_secs();
        let most = (time + days(90)).as_secs() / period;
        // Each comes up to three days late: nobody may tick before.
        let least = time.as_secs() / (period + days(3).as_secs());
        assert!((least..=most).contains(&found), "{}: {found}", entry.name);
    }
}
