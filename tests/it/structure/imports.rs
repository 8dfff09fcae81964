//! What the files of `src/` say of their imports.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

pub(super) type Module = Vec<String>;

/// What a file says of its imports. Tests in it are left out.
#[derive(Default)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) module: Module,
    /// Paths of `use`, with the name that each gets, and whether it is passed on.
    uses: Vec<(Module, String, bool)>,
    /// Other paths that begin with `crate`, `super` or `self`.
    paths: Vec<Module>,
    /// The names that stand for something, outside of `use`: neither members nor definitions.
    words: BTreeSet<String>,
    /// The names of what is written here.
    defined: BTreeSet<String>,
}

impl File {
    pub(super) fn read(root: &Path, path: &Path) -> Self {
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
        file.scan(tokens, &[]);
        file
    }

    /// Takes down what is said inside of modules that this file has in itself.
    fn scan(&mut self, tokens: TokenStream, inside: &[String]) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            if is_for_tests(&tokens[at..]) {
                at += item_length(&tokens[at..]);
                continue;
            }
            at += 1;
            match token {
                TokenTree::Group(group) => {
                    self.scan(group.stream(), inside);
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
                                self.uses
                                    .push((seen_from_file(&path, inside), name, public));
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
                                self.paths.push(seen_from_file(&path, inside));
                            }
                        }
                        "mod" => {
                            let name = tail[0].to_string();
                            self.defined.insert(name.clone());
                            if let TokenTree::Group(group) = &tail[1] {
                                self.scan(group.stream(), &[inside, &[name]].concat());
                            }
                            at += 2;
                        }
                        "fn" | "struct" | "enum" | "trait" | "type" | "const" | "static" => {
                            if let Some(TokenTree::Ident(name)) = tail.first() {
                                self.defined.insert(name.to_string());
                                at += 1;
                            }
                        }
                        "macro_rules" => {
                            self.defined.extend(tail.get(1).map(ToString::to_string));
                        }
                        _ => {
                            let is = |at: usize, sign| {
                                tokens.get(at).is_some_and(|t| t.to_string() == sign)
                            };
                            let member = at >= 2 && is(at - 2, ".");
                            let field = is(at, ":") && !is(at + 1, ":");
                            if !member && !field {
                                self.words.insert(word);
                            }
                        }
                    }
                }
                _ => {}
            }
        }
    }
}

/// A path that begins with `self` or `super` inside of modules of a file, as the file itself has it.
fn seen_from_file(path: &[String], inside: &[String]) -> Module {
    let mut inside = inside.to_vec();
    let steps = path
        .iter()
        .take_while(|step| matches!(step.as_str(), "self" | "super"));
    let steps = steps.count();
    if inside.is_empty() || steps == 0 {
        return path.to_vec();
    }
    let mut seen = vec!["self".to_owned()];
    for step in path[..steps].iter().filter(|step| *step == "super") {
        if inside.pop().is_none() {
            seen.push(step.clone());
        }
    }
    [seen.as_slice(), &inside, &path[steps..]].concat()
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

pub(super) struct House(pub(super) BTreeMap<Module, File>);

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

    /// The paths that a file imports, from the root of the crate. What is only passed on is not used.
    fn paths<'a>(&'a self, file: &'a File) -> impl Iterator<Item = Module> + 'a {
        let counts = |public: bool, name: &String| !public || file.words.contains(name);
        let uses = file
            .uses
            .iter()
            .filter(move |(_, name, public)| counts(*public, name));
        let paths = uses.map(|(path, ..)| path).chain(&file.paths);
        paths.filter_map(|path| self.absolute(file, path))
    }

    /// The names of the files that each file imports from.
    pub(super) fn imports(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let of = |file: &File| {
            let homes = self.paths(file).filter_map(|path| self.home(&path, 0));
            let names = homes.map(|home| home.name.as_str());
            names.filter(|name| *name != file.name).collect()
        };
        let all = self.0.values();
        all.map(|file| (file.name.as_str(), of(file))).collect()
    }

    /// The rooms that each file imports from: those that it names, and those from which it gets things
    /// through others.
    pub(super) fn rooms(&self) -> BTreeMap<&str, BTreeSet<String>> {
        let mut all = BTreeMap::new();
        for (name, homes) in self.imports() {
            let rooms = homes.iter().map(|home| room(home).to_owned()).collect();
            all.insert(name, rooms);
        }
        for file in self.0.values() {
            let named = self.paths(file).filter_map(|path| path.into_iter().next());
            let named = named.filter(|room| self.0.contains_key(std::slice::from_ref(room)));
            all.entry(&file.name)
                .or_insert_with(BTreeSet::new)
                .extend(named);
        }
        all
    }
}

/// The room of a file, by its name.
pub(super) fn room(file: &str) -> &str {
    file.split('/').next().unwrap()
}
