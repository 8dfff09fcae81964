//! Files: opened without waiting and without following a link, made privately, replaced as a whole.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::meta::{self, Meta};
use super::paths::{directory, other};
use super::steps::{Step, alive, step};

/// A file beyond this is not one that holds a secret or settings.
const LARGEST: u64 = 8 << 20;

/// What is in a file, and what belongs to it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) content: Zeroizing<Vec<u8>>,
    pub(super) meta: Meta,
    /// How many names the file has.
    pub(super) names: u64,
}

/// The whole file, or `None` if there is none.
pub(super) fn read(path: &Path) -> io::Result<Option<Found>> {
    let file = match careful(OpenOptions::new().read(true)).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(not_a_file(path).unwrap_or(error)),
    };
    let data = file.metadata()?;
    if !data.is_file() {
        return Err(not_a_file(path).unwrap_or_else(|| other("it is not a file")));
    }
    if data.len() > LARGEST {
        return Err(other("it is larger than 8 MiB"));
    }
    let room = usize::try_from(data.len()).unwrap_or(0) + 1;
    let mut content = Zeroizing::new(Vec::with_capacity(room));
    file.take(LARGEST).read_to_end(&mut content)?;
    Ok(Some(Found {
        content,
        meta: Meta::of(&data),
        names: meta::names(&data),
    }))
}

/// What belongs to a file that is there.
pub(super) fn meta(path: &Path) -> io::Result<Meta> {
    Ok(Meta::of(&fs::symlink_metadata(path)?))
}

/// Says what is in the place of a file.
fn not_a_file(path: &Path) -> Option<io::Error> {
    let kind = fs::symlink_metadata(path).ok()?.file_type();
    let text = if kind.is_dir() {
        "it is a directory"
    } else if kind.is_symlink() {
        "it has just become a symbolic link"
    } else if kind.is_file() {
        return None;
    } else {
        "it is a pipe, socket or device, not a file"
    };
    Some(other(text))
}

/// A lock file, made if need be.
pub(super) fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let options = careful(options.read(true).write(true).create(true));
    let file = private(options).open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(other("something else has the name of its lock"))
    }
}

/// A file to be written in its place.
pub(super) fn open_for_writing(path: &Path) -> io::Result<File> {
    let file = careful(OpenOptions::new().write(true)).open(path);
    let file = file.map_err(|error| not_a_file(path).unwrap_or(error))?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(not_a_file(path).unwrap_or_else(|| other("it is not a file")))
    }
}

/// A pipe would wait for its other end, and a link that was put there leads elsewhere.
#[cfg(unix)]
fn careful(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;

    use rustix::fs::OFlags;

    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY;
    options.custom_flags(flags.bits().cast_signed())
}

#[cfg(not(unix))]
fn careful(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;

    options.mode(0o600)
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Whether an open file is the one that has this name.
#[cfg(unix)]
pub(super) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;

    let open = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(named) => Ok((open.dev(), open.ino()) == (named.dev(), named.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
pub(super) fn is_at(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}

/// A new file beside its place, of which nobody else knows; removed unless it gets there.
#[derive(Debug)]
pub(super) struct Draft {
    path: PathBuf,
    file: File,
    placed: bool,
}

impl Draft {
    /// Makes one whose name begins with this path.
    pub(super) fn create(base: &Path) -> io::Result<Self> {
        step(Step::Create)?;
        let id: String = std::iter::repeat_with(fastrand::alphanumeric)
            .take(12)
            .collect();
        let path = with_ending(base, &format!("{DRAFT}{id}"));
        let mut options = OpenOptions::new();
        let file = private(options.write(true).create_new(true)).open(&path)?;
        Ok(Self {
            path,
            file,
            placed: false,
        })
    }

    /// Gives it the owner, the attributes of the file that it replaces and the mode, in this order,
    /// so that at no moment somebody can read it who is not to.
    pub(super) fn dress(&self, like: &Meta, old: Option<&Path>) -> io::Result<()> {
        let own = Meta::of(&self.file.metadata()?);
        if own.owner_differs(like) {
            step(Step::Owner)?;
            meta::set_owner(&self.path, &own, like)?;
        }
        if let Some(old) = old {
            step(Step::Attributes)?;
            meta::copy_attributes(old, &self.path)?;
        }
        step(Step::Mode)?;
        meta::set_mode(&self.path, like)
    }

    pub(super) fn meta(&self) -> io::Result<Meta> {
        Ok(Meta::of(&self.file.metadata()?))
    }

    pub(super) fn write(&mut self, content: &[u8]) -> io::Result<()> {
        step(Step::Write)?;
        self.file.write_all(content)
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        sync(&self.file)
    }

    /// Puts it in its place.
    pub(super) fn place(mut self, path: &Path) -> io::Result<()> {
        step(Step::Rename)?;
        fs::rename(&self.path, path)?;
        self.placed = true;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.placed && alive() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

const DRAFT: &str = ".draft-";

/// Removes what writers that were killed left beside a file; only under its lock.
pub(super) fn remove_drafts(base: &Path) -> io::Result<()> {
    let name = with_ending(base, DRAFT);
    let Some(name) = name.file_name() else {
        return Ok(());
    };
    for entry in fs::read_dir(directory(base))? {
        let entry = entry?;
        let file = entry.file_name();
        let own = file.as_encoded_bytes().starts_with(name.as_encoded_bytes());
        if own {
            step(Step::Remove)?;
            match fs::remove_file(entry.path()) {
                // It is gone, which is all that is wanted.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                done => done?,
            }
        }
    }
    Ok(())
}

/// Puts a file's data on the disk. Where the file system cannot, there is nothing to wait for.
pub(super) fn sync(file: &File) -> io::Result<()> {
    step(Step::Sync)?;
    match file.sync_all() {
        Err(error) if cannot(&error) => Ok(()),
        done => done,
    }
}

fn cannot(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
    )
}

/// Puts the names in a directory on the disk: only then a file that was replaced stays so.
#[cfg(unix)]
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    step(Step::SyncDirectory)?;
    File::open(directory(path))?.sync_all()
}

#[cfg(not(unix))]
pub(super) fn sync_directory(_: &Path) -> io::Result<()> {
    step(Step::SyncDirectory)
}

/// Removes a file; one that is not there is removed already.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    step(Step::Remove)?;
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The path with this at its end.
pub(super) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}
