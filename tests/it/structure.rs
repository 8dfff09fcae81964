//! The plan of `src/`, held against its own imports: floors, no circles, rooms and files of a size
//! that one can keep in one's head.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// From the ground up. A module imports from its own floor and from those below it. The wings are
/// those that have a document.
const FLOORS: [&[&str]; 7] = [
    &["clock", "id", "secret", "sync", "text", "time"],
    &["error"],
    &["transport"],
    &["marker", "new_token", "open", "service"],
    &["generated"],
    &["due", "inventory", "rotation"],
    &["lib"],
];
const WINGS: usize = 4;

/// Rooms that need not follow a rule yet, each with its reason.
const MAY_CIRCLE: [&str; 1] = ["rotation"]; // is being rebuilt
const MAY_BE_LARGE: [&str; 1] = ["rotation"]; // is being rebuilt

const LONGEST_FILE: usize = 400;

type Module = Vec<String>;

/// What a file says of its imports. Tests in it are left out.
#[derive(Default)]
struct File {
    name: String,
    module: Module,
    /// Paths of `use`, with the name that each gets, and whether it is passed on.
    uses: Vec<(Module, String, bool)>,
    /// Other paths that begin with `crate`, `super` or `self`.
    paths: Vec<Module>,
    /// All identifiers outside of `use`.
    words: BTreeSet<String>,
    /// The names of what is written here.
    defined: BTreeSet<String>,
}

impl File {
    fn read(root: &Path, path: &Path) -> Self {
        let relative = path.strip_prefix(root).unwrap().with_extension("");
        let mut module: Module = relative
            .iter()
            .map(|part| part.to_str().unwrap().to_owned())
            .collect();
        if matches!(module.last().map(String::as_str), Some("mod" | "lib")) {
            module.pop();
        }
        let mut file = Self {
            name: relative.to_str().unwrap().replace('\\', "/"),
            module,
            ..Self::default()
        };
        let text = std::fs::read_to_string(path).unwrap();
        let tokens: TokenStream = text.parse().unwrap();
        file.scan(&tokens.into_iter().collect::<Vec<_>>());
        file
    }

    fn room(&self) -> &str {
        self.name.split('/').next().unwrap()
    }

    fn scan(&mut self, tokens: &[TokenTree]) {
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            if is_for_tests(&tokens[at..]) {
                at += item_length(&tokens[at..]);
                continue;
            }
            at += 1;
            match token {
                TokenTree::Group(group) => {
                    self.scan(&group.stream().into_iter().collect::<Vec<_>>());
                }
                TokenTree::Ident(word) => {
                    let word = word.to_string();
                    let before = at.checked_sub(2).map(|at| tokens[at].to_string());
                    let public = before.is_some_and(|word| word == "pub" || word.starts_with('('));
                    let tail = &tokens[at..];
                    match word.as_str() {
                        "use" if !matches!(tail.first(), Some(TokenTree::Punct(_))) => {
                            let end = tail.iter().position(|token| token.to_string() == ";");
                            let end = end.unwrap();
                            expand(&tail[..end], &[], &mut |path, name| {
                                self.uses.push((path, name, public));
                            });
                            at += end;
                        }
                        "crate" | "super" | "self" => {
                            let mut path = vec![word];
                            while let Some(next) = segment(&tokens[at..]) {
                                path.push(next);
                                at += 3;
                            }
                            if path.len() > 1 {
                                self.words.extend(path.iter().cloned());
                                self.paths.push(path);
                            }
                        }
                        "fn" | "struct" | "enum" | "trait" | "type" | "const" | "static"
                        | "mod" => {
                            if let Some(TokenTree::Ident(name)) = tail.first() {
                                self.defined.insert(name.to_string());
                            }
                        }
                        "macro_rules" => {
                            self.defined.extend(tail.get(1).map(ToString::to_string));
                        }
                        _ => {
                            self.words.insert(word);
                        }
                    }
                }
                _ => {}
            }
        }
    }
}

/// `::name`, if that is what comes next.
fn segment(tokens: &[TokenTree]) -> Option<String> {
    match tokens {
        [
            TokenTree::Punct(a),
            TokenTree::Punct(b),
            TokenTree::Ident(name),
            ..,
        ] if a.as_char() == ':' && b.as_char() == ':' => Some(name.to_string()),
        _ => None,
    }
}

fn is_for_tests(tokens: &[TokenTree]) -> bool {
    let [TokenTree::Punct(hash), TokenTree::Group(attribute), ..] = tokens else {
        return false;
    };
    let text = attribute.stream().to_string();
    let text: String = text.split_whitespace().collect();
    hash.as_char() == '#' && (text == "cfg(test)" || text.starts_with("cfg(all(test"))
}

/// Up to the end of the item: a semicolon, or a body.
fn item_length(tokens: &[TokenTree]) -> usize {
    let ends = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        other => other.to_string() == ";",
    };
    // The attribute itself is a group in brackets.
    tokens
        .iter()
        .position(ends)
        .map_or(tokens.len(), |at| at + 1)
}

/// Every path of a tree of imports.
fn expand(tokens: &[TokenTree], before: &[String], found: &mut impl FnMut(Module, String)) {
    let mut path = before.to_vec();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Ident(word) if word == "as" => {
                let name = tokens[at + 1].to_string();
                return found(path, name);
            }
            TokenTree::Ident(word) => path.push(word.to_string()),
            TokenTree::Group(group) => {
                let members: Vec<_> = group.stream().into_iter().collect();
                for member in members.split(|token| token.to_string() == ",") {
                    if !member.is_empty() {
                        expand(member, &path, found);
                    }
                }
                return;
            }
            TokenTree::Punct(star) if star.as_char() == '*' => path.push("*".to_owned()),
            _ => {}
        }
    }
    if path.last().is_some_and(|last| last == "self") && path.len() > 1 {
        path.pop();
    }
    let name = path.last().unwrap().clone();
    found(path, name);
}

struct House(BTreeMap<Module, File>);

impl House {
    /// A path from the root of the crate, unless it leads out of the crate.
    fn absolute(&self, file: &File, path: &[String]) -> Option<Module> {
        let mut module = file.module.clone();
        let mut path = path.iter().peekable();
        match path.peek()?.as_str() {
            "crate" => {
                module.clear();
                path.next();
            }
            "self" | "super" => {
                while let Some(step) =
                    path.next_if(|step| matches!(step.as_str(), "self" | "super"))
                {
                    if step == "super" {
                        module.pop();
                    }
                }
            }
            first => {
                let child = [module.as_slice(), &[(*first).to_owned()]].concat();
                if !self.0.contains_key(&child) {
                    return None;
                }
            }
        }
        module.extend(path.cloned());
        Some(module)
    }

    /// The file in which the thing behind a path is written, through all that pass it on.
    fn home(&self, path: &[String], depth: usize) -> Option<&File> {
        let length = (0..=path.len())
            .rev()
            .find(|n| self.0.contains_key(&path[..*n]))?;
        let file = &self.0[&path[..length]];
        let Some(wanted) = path.get(length).filter(|_| depth < 20) else {
            return Some(file);
        };
        if file.defined.contains(wanted) {
            return Some(file);
        }
        for (used, name, _) in file.uses.iter().filter(|(_, _, public)| *public) {
            if name == wanted {
                let mut target = self.absolute(file, used)?;
                target.extend_from_slice(&path[length + 1..]);
                return self.home(&target, depth + 1);
            }
            if name == "*" {
                let mut target = self.absolute(file, &used[..used.len() - 1])?;
                target.extend_from_slice(&path[length..]);
                let found = self.home(&target, depth + 1);
                if found.is_some_and(|found| found.defined.contains(wanted)) {
                    return found;
                }
            }
        }
        Some(file)
    }

    /// The names of the files that each file imports from.
    fn imports(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let of = |file: &File| {
            // What is only passed on is not used here.
            let used = file
                .uses
                .iter()
                .filter(|(_, name, public)| !public || file.words.contains(name));
            let paths = used.map(|(path, ..)| path).chain(&file.paths);
            let homes = paths.filter_map(|path| self.home(&self.absolute(file, path)?, 0));
            let names = homes.map(|home| home.name.as_str());
            names.filter(|name| *name != file.name).collect()
        };
        let all = self.0.values();
        all.map(|file| (file.name.as_str(), of(file))).collect()
    }
}

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
    let room = |name: &str| name.split('/').next().unwrap().to_owned();
    let floor = |room: &str| {
        let known = FLOORS.iter().position(|rooms| rooms.contains(&room));
        known.or(wings.contains(room).then_some(WINGS))
    };
    let mut wrong = String::new();
    for (name, targets) in house.imports() {
        let from = room(name);
        let Some(own) = floor(&from) else {
            writeln!(wrong, "{name}: on which floor is it? Say so in FLOORS").unwrap();
            continue;
        };
        for target in targets {
            let to = room(target);
            if floor(&to).is_some_and(|other| other > own) {
                writeln!(wrong, "{name} imports {target}, a floor above it").unwrap();
            }
            if from != to && wings.contains(&from) && wings.contains(&to) {
                writeln!(wrong, "{name} imports {target}, of the wing beside it").unwrap();
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
        let excepted = MAY_CIRCLE.contains(&name.split('/').next().unwrap());
        let back = targets
            .iter()
            .filter(|target| reached[*target].contains(name));
        let back: Vec<_> = back.copied().collect();
        if !back.is_empty() && !excepted {
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
        let room = relative.iter().next().unwrap().to_str().unwrap();
        *rooms.entry(room.to_owned()).or_default() += lines;
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
