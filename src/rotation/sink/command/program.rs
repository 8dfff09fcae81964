//! Whether a program can be run.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::rotation::sink::SinkError;

/// Looks for the program as running it would.
pub(super) fn check(program: &OsStr, directory: Option<&Path>) -> Result<(), SinkError> {
    if let Some(directory) = directory
        && !directory.is_dir()
    {
        let text = format!("there is no directory {} to run in", directory.display());
        return Err(SinkError::not_stored(text));
    }
    // Elsewhere a program has endings that are not written, and there is no bit to look for.
    if !cfg!(unix) {
        return Ok(());
    }
    let none = |program: &OsStr, what: &str| {
        let text = format!(
            "there is no program {} that can be run{what}",
            program.display()
        );
        Err(SinkError::not_stored(text))
    };
    let Some(path) = candidates(program, directory).find(|path| is_executable(path)) else {
        return none(program, "");
    };
    match first_line(&path).as_deref().map(interpreter) {
        None => Ok(()),
        Some(Some(needed)) if is_executable(&from(directory).join(needed)) => Ok(()),
        Some(Some(needed)) => none(
            OsStr::new(needed),
            &format!(", which the script {} needs", path.display()),
        ),
        Some(None) => none(
            path.as_os_str(),
            ": a script has to begin with #! and what runs it",
        ),
    }
}

fn from(directory: Option<&Path>) -> &Path {
    directory.unwrap_or(Path::new(""))
}

/// The beginning of a script: of an executable file that is text.
fn first_line(path: &Path) -> Option<String> {
    /// As much of it as Linux reads.
    const LONGEST: u64 = 256;

    let mut first = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LONGEST).read_to_end(&mut first))
        .ok()?;
    let line = first.split(|byte| *byte == b'\n').next()?;
    let text = String::from_utf8(line.to_vec()).ok()?;
    (!text.contains('\0')).then_some(text)
}

fn interpreter(first_line: &str) -> Option<&str> {
    let words = first_line.strip_prefix("#!")?.split([' ', '\t']);
    words.into_iter().find(|word| !word.is_empty())
}

fn candidates(program: &OsStr, directory: Option<&Path>) -> impl Iterator<Item = PathBuf> {
    let path = Path::new(program);
    let named = path.components().count() > 1 || path.is_absolute();
    let from = from(directory);
    let one = named.then(|| from.join(path));
    // Without one, the C library has its own.
    let list = std::env::var_os("PATH").unwrap_or_else(|| "/bin:/usr/bin".into());
    let list = (!named && !program.is_empty()).then_some(list);
    let several: Vec<_> = list
        .iter()
        .flat_map(std::env::split_paths)
        .map(|place| from.join(place).join(path))
        .collect();
    one.into_iter().chain(several)
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}
