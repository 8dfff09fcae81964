//! The configuration: found, held against its rules, and resolved into what commands need.

mod credential;
mod file;
mod model;
mod resolve;
mod sink;
mod store;

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

pub(crate) use credential::CredentialRef;
pub(crate) use file::Create;
pub(crate) use model::{Account, Config, First, Hook, ServiceName, Token};
pub(crate) use resolve::real;
pub(crate) use sink::SinkSpec;
pub(crate) use store::Store;

use crate::context::Context;
use crate::error::Stop;

/// Finds and reads the configuration.
pub(crate) fn load(context: &Context, named: Option<&Path>) -> Result<Config, Stop> {
    let path = find(context, named)?;
    let unreadable = |error: io::Error| {
        Stop::config(format!("{}: {error}", path.display()))
            .hint("Name a file that can be read with --config or TOKENS_CONFIG.")
    };
    let mut file = File::open(&path).map_err(unreadable)?;
    // The file that is read is the one that was looked at.
    safe(&path, &file.metadata().map_err(unreadable)?)?;
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(unreadable)?;
    let file = parse(&path, &text)?;
    resolve::resolve(context, &path, &text, file)
}

/// Where the configuration is.
fn find(context: &Context, named: Option<&Path>) -> Result<PathBuf, Stop> {
    if let Some(path) = named {
        return Ok(path.to_owned());
    }
    if let Some(path) = context.var("TOKENS_CONFIG")? {
        return Ok(path.into());
    }
    let mut places = vec![context.directory.join("tokens.toml")];
    places.extend(user_folder(context)?.map(|folder| folder.join("tokens/tokens.toml")));
    if let Some(found) = places.iter().find(|place| place.exists()) {
        return Ok(found.clone());
    }
    let tried: Vec<_> = places.iter().map(|p| p.display().to_string()).collect();
    Err(Stop::config(format!(
        "there is no configuration: tried {}",
        tried.join(", ")
    ))
    .hint(
        "Write a tokens.toml, or name one with --config or TOKENS_CONFIG. `tokens demo` shows one.",
    ))
}

fn user_folder(context: &Context) -> Result<Option<PathBuf>, Stop> {
    if let Some(folder) = context.var("XDG_CONFIG_HOME")? {
        return Ok(Some(folder.into()));
    }
    Ok(context
        .var("HOME")?
        .map(|home| Path::new(&home).join(".config")))
}

/// The file says what commands are run: nobody else may be able to write it.
#[cfg(unix)]
fn safe(path: &Path, facts: &Metadata) -> Result<(), Stop> {
    use std::os::unix::fs::MetadataExt as _;
    let unsafe_file = |why: String| {
        let remedy = format!("chown it to yourself and chmod go-w {}", path.display());
        Stop::config(format!(
            "{}: {why}; it names commands to run",
            path.display()
        ))
        .hint(remedy)
    };
    let me = rustix::process::geteuid().as_raw();
    if facts.uid() != me && facts.uid() != 0 {
        return Err(unsafe_file("another user owns it".to_owned()));
    }
    if facts.mode() & 0o022 != 0 {
        let mode = facts.mode() & 0o777;
        return Err(unsafe_file(format!(
            "others can write it (mode {mode:04o})"
        )));
    }
    Ok(())
}

#[cfg(not(unix))]
fn safe(_: &Path, _: &Metadata) -> Result<(), Stop> {
    Ok(())
}

fn parse(path: &Path, text: &str) -> Result<file::File, Stop> {
    toml::from_str(text).map_err(|error| {
        // The library's own text would quote the line, which may hold a secret by mistake.
        let line = error.span().map(|span| line_of(text, span.start));
        let message = say(error.message());
        let hint = "Mend that line; `tokens demo` shows a whole file.";
        Stop::config(match line {
            Some(line) => format!("{}:{line}: {message}", path.display()),
            None => format!("{}: {message}", path.display()),
        })
        .hint(hint)
    })
}

/// The number of the line that an offset lies in.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    let before = text.get(..offset).unwrap_or(text);
    before.bytes().filter(|byte| *byte == b'\n').count() + 1
}

/// What the parser found wrong, without any value from the file, and with the nearest key.
fn say(message: &str) -> String {
    let names: Vec<_> = message.split('`').skip(1).step_by(2).collect();
    if message.starts_with("unknown field") {
        let Some((unknown, known)) = names.split_first() else {
            return "an unknown key".to_owned();
        };
        let nearest = known
            .iter()
            .map(|name| (strsim::damerau_levenshtein(unknown, name), name))
            .min()
            .filter(|(distance, name)| *distance <= name.len().div_ceil(2));
        let unknown = plain(unknown);
        return match nearest {
            Some((_, name)) => format!("unknown key `{unknown}`; did you mean `{name}`?"),
            None => format!("unknown key `{unknown}`; known are {}", known.join(", ")),
        };
    }
    if message.starts_with("missing field") {
        let name = names.first().copied().unwrap_or("?");
        return format!("`{name}` is missing");
    }
    let typed = message.starts_with("invalid type") || message.starts_with("invalid value");
    if let Some((_, expected)) = message.split_once(", expected ").filter(|_| typed) {
        return format!("wrong kind of value; expected {expected}");
    }
    if message.starts_with("duplicate") {
        return "the same key stands here twice".to_owned();
    }
    "this is not TOML".to_owned()
}

/// A key as it can be shown: what does not look like one could be a misplaced secret.
fn plain(key: &str) -> &str {
    let fits = key.len() <= 24
        && key
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte == b'-');
    if fits { key } else { "…" }
}
