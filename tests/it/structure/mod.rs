//! The plan of `src/`, held against its own imports: floors, no circles, rooms and files of a size
//! that one can keep in one's head.

mod imports;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use self::imports::{File, House, room};

/// From the ground up. A module imports from its own floor and from those below it. The wings are
/// those that have a document.
const FLOORS: [&[&str]; 7] = [
    &[
        "clock", "id", "lenient", "listing", "partial", "pointer", "reactor", "secret", "sync",
        "text", "time",
    ],
    &["error"],
    &["transport"],
    &["marker", "new_token", "open", "rest", "service", "wing"],
    &["generated"],
    &["due", "inventory", "rotation"],
    &["blocking", "guide", "lib"],
];
const WINGS: usize = 4;

/// Rooms that need not follow a rule yet, each with its reason.
const MAY_BE_LARGE: [&str; 1] = ["rotation"]; // state, sinks and the tick are rooms of their own

const LONGEST_FILE: usize = 400;

fn files_below(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

fn sources() -> (PathBuf, Vec<PathBuf>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    files_below(&root, &mut paths);
    paths.sort();
    (root, paths)
}

fn house() -> House {
    let (root, paths) = sources();
    let code = paths.iter().filter(|path| !path.ends_with("tests.rs"));
    let files = code.map(|path| File::read(&root, path));
    House(files.map(|file| (file.module.clone(), file)).collect())
}

fn wings() -> BTreeSet<String> {
    let documents = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi");
    let all = std::fs::read_dir(documents).unwrap();
    let names = all.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let wings = names.filter_map(|name| Some(name.strip_suffix(".json")?.replace('-', "_")));
    wings.collect()
}

#[test]
fn no_import_runs_up() {
    let (house, wings) = (house(), wings());
    let floor = |room: &str| {
        let known = FLOORS.iter().position(|rooms| rooms.contains(&room));
        known.or(wings.contains(room).then_some(WINGS))
    };
    let mut wrong = String::new();
    for (name, rooms) in house.rooms() {
        let from = room(name);
        let Some(own) = floor(from) else {
            writeln!(wrong, "{name}: on which floor is it? Say so in FLOORS").unwrap();
            continue;
        };
        for to in rooms.iter().filter(|to| *to != from) {
            if floor(to).is_some_and(|other| other > own) {
                writeln!(wrong, "{name} imports {to}, a floor above it").unwrap();
            }
            if wings.contains(from) && wings.contains(to) {
                writeln!(wrong, "{name} imports {to}, the wing beside it").unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

fn reached_from<'a>(
    imports: &BTreeMap<&'a str, BTreeSet<&'a str>>,
    name: &'a str,
) -> BTreeSet<&'a str> {
    let (mut reached, mut next) = (BTreeSet::new(), vec![name]);
    while let Some(name) = next.pop() {
        next.extend(
            imports[name]
                .iter()
                .filter(|target| reached.insert(**target)),
        );
    }
    reached
}

#[test]
fn no_imports_go_round() {
    let house = house();
    let imports = house.imports();
    let reached: BTreeMap<_, _> = imports
        .keys()
        .map(|name| (*name, reached_from(&imports, name)))
        .collect();
    let mut wrong = String::new();
    for (name, targets) in &imports {
        let back = targets
            .iter()
            .filter(|target| reached[*target].contains(name));
        let back: Vec<_> = back.copied().collect();
        if !back.is_empty() {
            writeln!(wrong, "{name} -> {}", back.join(" ")).unwrap();
        }
    }
    assert!(wrong.is_empty(), "in a circle:\n{wrong}");
}

#[test]
fn files_and_rooms_are_of_a_size_to_be_kept_in_mind() {
    let (root, paths) = sources();
    let (mut rooms, mut wrong) = (BTreeMap::<String, usize>::new(), String::new());
    for path in paths {
        let lines = std::fs::read_to_string(&path).unwrap().lines().count();
        let relative = path.strip_prefix(&root).unwrap().with_extension("");
        let first = relative.iter().next().unwrap().to_str().unwrap();
        *rooms.entry(first.to_owned()).or_default() += lines;
        if lines > LONGEST_FILE {
            writeln!(
                wrong,
                "{} has {lines} lines; {LONGEST_FILE} at most",
                relative.display()
            )
            .unwrap();
        }
    }
    let all: usize = rooms.values().sum();
    for (room, lines) in rooms {
        if lines * 4 > all && !MAY_BE_LARGE.contains(&room.as_str()) {
            writeln!(
                wrong,
                "{room} has {lines} of {all} lines; a quarter at most"
            )
            .unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// A timer of the caller's runtime panics where that has none, and can be held up.
#[test]
fn only_the_reactor_uses_timers_of_tokio() {
    let (root, paths) = sources();
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.lines().map(str::trim_start);
        let mut timers = code.filter(|line| !line.starts_with("//"));
        let found = timers.any(|line| line.contains("tokio::time::"));
        let name = path.strip_prefix(&root).unwrap();
        assert!(!found || name == Path::new("reactor.rs"), "{name:?}");
    }
}
