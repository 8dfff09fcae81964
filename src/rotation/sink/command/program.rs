//! Whether a program can be run.

use std::ffi::OsStr;
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
    if !cfg!(unix) || candidates(program, directory).any(|path| is_executable(&path)) {
        return Ok(());
    }
    Err(SinkError::not_stored(format!(
        "there is no program {} that can be run",
        program.display()
    )))
}

fn candidates(program: &OsStr, directory: Option<&Path>) -> impl Iterator<Item = PathBuf> {
    let path = Path::new(program);
    let named = path.components().count() > 1 || path.is_absolute();
    let from = directory.unwrap_or(Path::new(""));
    let one = named.then(|| from.join(path));
    let list = std::env::var_os("PATH").filter(|_| !named && !program.is_empty());
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
