//! Crashes between any two steps, and what each step costs.

use std::fs;
use std::path::{Path, PathBuf};

use super::change::Change;
use super::steps::Step;
use super::steps::simulated::{crash_after, fail, fail_at, taken};
use super::*;
use crate::marker::Marker;
use crate::rotation::sink::dotenv::{DotenvReaders, Key};
use crate::rotation::sink::file::Whole;
use crate::rotation::sink::{SinkErrorKind, SinkVersion, Written};
use crate::secret::Secret;

struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let name = format!(
            "access-tokens-place-{}-{:x}",
            std::process::id(),
            fastrand::u64(..)
        );
        // In memory where that is to be had: nothing here asks what is on the disk.
        let memory = Path::new("/dev/shm");
        let root = if memory.is_dir() {
            memory.to_owned()
        } else {
            std::env::temp_dir()
        };
        let path = root.join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn key(name: &str) -> Key {
    Key::new(name, DotenvReaders::All)
}

fn deliver(secret: &str, attempt: &Marker, replaces: &Marker) -> Change {
    Change::Deliver {
        secret: Secret::new(secret),
        attempt: attempt.clone(),
        replaces: replaces.clone(),
    }
}

fn state(path: &Path) -> Option<(Vec<u8>, Meta)> {
    let found = disk::read(path).unwrap();
    found.map(|found| (found.content.to_vec(), found.meta))
}

/// What a test needs of a place, whichever slot it is for.
trait Run {
    fn run(&self, change: &Change, seen: Option<&SinkVersion>) -> Result<Written, SinkError>;
    fn look(&self) -> Observed;
}

impl<S: Slot> Run for (Place, S) {
    fn run(&self, change: &Change, seen: Option<&SinkVersion>) -> Result<Written, SinkError> {
        self.0.change(&self.1, change, seen)
    }

    fn look(&self) -> Observed {
        self.0.observe(&self.1).unwrap()
    }
}

/// Every way to begin: what is in the file, whether it is a key of it, whether it is written over.
fn worlds() -> Vec<(Option<&'static str>, bool, bool)> {
    let mut all = Vec::new();
    for in_place in [false, true] {
        for file in [
            None,
            Some(""),
            Some("theirs"),
            Some("theirs and much more of it\n"),
        ] {
            all.push((file, false, in_place));
        }
        for file in [
            None,
            Some("A=1"),
            Some("A=1\nKEY = 'old' # why\nB=2\n"),
            Some("KEY=\n"),
        ] {
            all.push((file, true, in_place));
        }
    }
    all
}

#[test]
fn a_crash_after_any_step_is_told_right_and_can_be_taken_back() {
    let owner = Marker::random();
    let (zero, one, two) = (owner.attempt(0), owner.attempt(1), owner.attempt(2));
    for (file, is_key, in_place) in worlds() {
        // 0: the first delivery; 1: the second; 2: a restore of what was there first; 3: a rewrite.
        for operation in 0..4 {
            let mut steps = 0;
            loop {
                let scratch = Scratch::new();
                let path = scratch.0.join(".env");
                if let Some(file) = file {
                    fs::write(&path, file).unwrap();
                    set_mode(&path, 0o640);
                }
                let first = state(&path);
                let mut place = Place::new(path.clone());
                place.over = in_place;
                let place: Box<dyn Run> = if is_key {
                    Box::new((place, key("KEY")))
                } else {
                    Box::new((place, Whole { newline: false }))
                };
                crash_after(None);
                if operation > 0 {
                    let seen = place.look().version;
                    place
                        .run(&deliver("first-secret", &one, &zero), seen.as_ref())
                        .unwrap();
                }
                let before = place.look();
                let was = state(&path);
                let change = match operation {
                    0 => deliver("first-secret", &one, &zero),
                    1 => deliver("the-second-secret", &two, &one),
                    2 => Change::Restore(zero.clone()),
                    _ => Change::Rewrite,
                };
                crash_after(Some(steps));
                let done = place.run(&change, before.version.as_ref());
                let all = taken().len() < steps;
                // Whatever hides the file from a backup or a commit hides all that is beside it.
                let hidden = |name: &String| name.starts_with(".env");
                assert!(scratch.names().iter().all(hidden), "{:?}", scratch.names());
                crash_after(None);
                let at = format!("{file:?} key {is_key} in place {in_place} {operation} {steps}");
                let after = place.look();
                let is = state(&path);
                let moved = after.version != before.version;
                assert!(moved || done.is_err(), "{at}");
                // Nothing moved, and nothing is said to have; or what is there has its new label.
                if moved {
                    let empty = first.as_ref().is_none_or(|(content, _)| {
                        content.is_empty() || (is_key && !content.starts_with(b"A=1\nKEY"))
                    });
                    let expected = match operation {
                        1 => Holds::Attempt(two.clone()),
                        2 if empty => Holds::Nothing,
                        2 => Holds::Attempt(zero.clone()),
                        _ => Holds::Attempt(one.clone()),
                    };
                    assert_eq!(after.holds, expected, "{at}");
                    let late = place.run(&change, before.version.as_ref()).unwrap_err();
                    assert_eq!(late.kind(), SinkErrorKind::Conflict, "{at}");
                } else {
                    assert_eq!((&is, &after.holds), (&was, &before.holds), "{at}");
                    let late = place.run(&change, before.version.as_ref());
                    assert!(late.is_ok(), "{at}: {late:?}");
                }
                // From wherever it stands, everything is put back as it was.
                let seen = place.look().version;
                if operation > 0 || moved {
                    place
                        .run(&Change::Restore(zero.clone()), seen.as_ref())
                        .unwrap();
                    assert_eq!(state(&path), first, "{at}");
                }
                let mut names = vec![".env", ".env.access-tokens"];
                names.retain(|name| *name != ".env" || first.is_some());
                if operation > 0 || moved {
                    assert_eq!(scratch.names(), names, "{at}");
                }
                if all {
                    break;
                }
                steps += 1;
            }
            assert!(steps > 3 || operation == 3, "{steps}");
        }
    }
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;

    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) {}

#[test]
fn a_delivery_waits_for_the_disk_three_times_at_most() {
    let owner = Marker::random();
    for (file, is_key, in_place) in worlds() {
        let scratch = Scratch::new();
        let path = scratch.0.join("file");
        if let Some(file) = file {
            fs::write(&path, file).unwrap();
        }
        let mut place = Place::new(path);
        place.over = in_place;
        let place: Box<dyn Run> = if is_key {
            Box::new((place, key("KEY")))
        } else {
            Box::new((place, Whole { newline: true }))
        };
        for number in 1..4 {
            let secret = format!("secret-{number}");
            crash_after(None);
            let change = deliver(&secret, &owner.attempt(number), &owner.attempt(number - 1));
            place.run(&change, None).unwrap();
            let count =
                |wanted: &[Step]| taken().iter().filter(|step| wanted.contains(step)).count();
            let waits = count(&[Step::Sync, Step::SyncDirectory]);
            assert!((2..=3).contains(&waits), "{waits}");
            // Who may read a draft is settled before there is anything to read in it.
            let steps = taken();
            let first = steps.iter().position(|step| *step == Step::Write);
            let last = steps.iter().position(|step| *step == Step::Mode);
            assert!(in_place || last < first, "{steps:?}");
        }
    }
}

#[test]
fn a_directory_that_cannot_be_put_on_the_disk_is_a_warning() {
    let scratch = Scratch::new();
    let path = scratch.0.join("token");
    let place = (Place::new(path.clone()), Whole { newline: false });
    let owner = Marker::random();
    fail(Some(Step::SyncDirectory));
    let written = place.run(
        &deliver("secret", &owner.attempt(1), &owner.attempt(0)),
        None,
    );
    fail(None);
    let written = written.unwrap();
    assert!(written.warning.unwrap().contains("may not be on the disk"));
    assert_eq!(place.look().version, written.version);
    assert_eq!(fs::read(&path).unwrap(), b"secret");
}

#[test]
fn a_step_that_fails_changes_nothing_for_certain() {
    let owner = Marker::random();
    let delivery = deliver("secret", &owner.attempt(1), &owner.attempt(0));
    for (file, is_key, in_place) in worlds() {
        let mut number = 0;
        loop {
            let scratch = Scratch::new();
            let path = scratch.0.join(".env");
            if let Some(file) = file {
                fs::write(&path, file).unwrap();
                set_mode(&path, 0o640);
            }
            let mut place = Place::new(path.clone());
            (place.over, place.mode) = (in_place, Some(0o600));
            let place: Box<dyn Run> = if is_key {
                Box::new((place, key("KEY")))
            } else {
                Box::new((place, Whole { newline: false }))
            };
            let (seen, was) = (place.look(), state(&path));
            crash_after(None);
            fail_at(Some(number));
            let done = place.run(&delivery, seen.version.as_ref());
            let all = fail_at(None);
            let at = format!("{file:?} key {is_key} in place {in_place} {number}: {done:?}");
            assert!(
                !scratch.names().iter().any(|name| name.contains("draft")),
                "{at}"
            );
            match done {
                Ok(written) => {
                    assert_eq!(written.warning.is_none(), all, "{at}");
                    assert_eq!(place.look().holds, Holds::Attempt(owner.attempt(1)), "{at}");
                }
                Err(error) => {
                    assert_eq!(error.kind(), SinkErrorKind::NotStored, "{at}");
                    assert_eq!((state(&path), place.look()), (was, seen), "{at}");
                }
            }
            if all {
                break;
            }
            number += 1;
        }
        assert!(number > 5, "{number}");
    }
}
