//! Files and directories that only their owner can use.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// What a file is opened for.
#[derive(Clone, Copy)]
pub(super) enum For {
    Reading,
    Appending,
}

/// Opens a file, `None` if there is none.
pub(super) fn open(path: &Path, purpose: For) -> io::Result<Option<File>> {
    let append = matches!(purpose, For::Appending);
    match OpenOptions::new().read(true).append(append).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes a directory and those above it, as far as they are missing.
pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

/// What is made with these options is its owner's alone.
pub(super) fn private(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    #[cfg(not(unix))]
    let _ = options;
}

/// Waits until what was written to a file is on the disk.
pub(super) fn sync(file: &File) -> io::Result<()> {
    #[cfg(test)]
    tests::count();
    file.sync_data()
}

/// Waits until renames and removals in a directory are on the disk.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    #[cfg(test)]
    tests::count();
    // Elsewhere a directory cannot be opened.
    if cfg!(unix) {
        File::open(path)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::Cell;

    thread_local! {
        static SYNCS: Cell<u32> = const { Cell::new(0) };
    }

    pub(super) fn count() {
        SYNCS.set(SYNCS.get() + 1);
        crate::rotation::waits::count();
    }

    /// How often this thread has waited for the disk since it was last asked.
    pub(in super::super) fn syncs() -> u32 {
        SYNCS.replace(0)
    }
}
