//! What is done in the directory of a store, one blocking step after another.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::files::For;
use super::record::{self, Last, Unread};
use super::{files, locks};
use crate::rotation::name::{escape_name, unescape_name};
use crate::rotation::state::error::{StoreError, StoreErrorKind as Kind};
use crate::rotation::state::stored::{Listed, StoreVersion, Stored, Unreadable};

/// Ending of record files, of the drafts of new ones, and of what version 0.1.0 wrote.
const RECORD: &str = ".record";
const DRAFT: &str = ".draft";
const EARLIER: &str = ".rotation.json";

/// A file that has grown beyond this is written anew with its last line.
const COMPACT: u64 = 256 << 10;

#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
}

type Result<T, E = StoreError> = std::result::Result<T, E>;

impl Directory {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn load(&self, entry_name: &str) -> Result<Option<Stored>> {
        let path = self.record(entry_name);
        let last = match read(&path, entry_name, For::Reading) {
            Ok(found) => found,
            Err(Unread::Io(error)) => return Err(failed(Kind::Unavailable, &path, &error)),
            Err(Unread::Damaged(why)) => return Err(damaged(&path, why)),
        };
        Ok(last.map(|(_, last)| last.entry))
    }

    pub(super) fn create(&self, entry: &Stored) -> Result<()> {
        let path = self.record(&entry.name);
        let line = record::line(entry).map_err(|why| unfit(&entry.name, why))?;
        let _lock = self.lock(&path)?;
        match read(&path, &entry.name, For::Reading) {
            Ok(None) => {}
            Ok(Some(_)) => return Err(StoreError::exists(&entry.name)),
            Err(Unread::Io(error)) => return Err(failed(Kind::NotWritten, &path, &error)),
            Err(Unread::Damaged(why)) => return Err(damaged(&path, why)),
        }
        self.put(&path, &line)
    }

    pub(super) fn replace(&self, expected: &StoreVersion, entry: &Stored) -> Result<()> {
        let path = self.record(&entry.name);
        let line = record::line(entry).map_err(|why| unfit(&entry.name, why))?;
        let _lock = self.lock(&path)?;
        let (file, last) = expect(&path, &entry.name, expected)?;
        if last.length + line.len() as u64 > COMPACT {
            return self.put(&path, &line);
        }
        append(&path, &file, &last, &line)
    }

    pub(super) fn remove(&self, entry_name: &str, expected: &StoreVersion) -> Result<()> {
        let path = self.record(entry_name);
        let _lock = self.lock(&path)?;
        expect(&path, entry_name, expected)?;
        self.unlink(&path)
    }

    pub(super) fn list(&self, prefix: &str) -> Result<Vec<Listed>> {
        let mut listed = Vec::new();
        for file in self.files()? {
            let path = self.path.join(&file);
            if let Some(escaped) = file.strip_suffix(RECORD) {
                let known = unescape_name(escaped);
                if known
                    .as_ref()
                    .is_some_and(|known| !known.starts_with(prefix))
                {
                    continue;
                }
                listed.extend(list_one(&path, &file, known, prefix));
            } else if file.ends_with(EARLIER) {
                let reason = format!("{} {}", path.display(), earlier(1));
                listed.push((
                    file.clone(),
                    Listed::Unreadable(Unreadable { name: file, reason }),
                ));
            }
        }
        listed.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(listed.into_iter().map(|(_, listed)| listed).collect())
    }

    pub(super) fn remove_unreadable(&self, listed: &str) -> Result<()> {
        let path = self.record(listed);
        if path.exists() {
            let _lock = self.lock(&path)?;
            return match read(&path, listed, For::Reading) {
                Err(Unread::Damaged(_)) => self.unlink(&path),
                Err(Unread::Io(error)) => Err(failed(Kind::NotWritten, &path, &error)),
                Ok(_) => Err(readable(listed)),
            };
        }
        // Not every file tells the name of its entry; those go by their own.
        if !self.files()?.iter().any(|file| file == listed) {
            return Err(readable(listed));
        }
        let path = self.path.join(listed);
        let _lock = self.lock(&path)?;
        let escaped = listed.strip_suffix(RECORD);
        let own = escaped.is_some_and(|escaped| {
            let stored = files::open(&path, For::Reading).ok().flatten();
            let stored = stored.and_then(|mut file| record::last(&mut file).ok());
            stored.is_some_and(|last| escape_name(&last.entry.name) == escaped)
        });
        if own || !(escaped.is_some() || listed.ends_with(EARLIER)) {
            return Err(readable(listed));
        }
        self.unlink(&path)
    }

    /// Whether this directory will do, apart from what every store has to show. Drafts of processes
    /// that were killed are removed.
    pub(super) fn check(&self) -> Result<()> {
        self.make()
            .map_err(|error| failed(Kind::NotWritten, &self.path, &error))?;
        let folder = self.path.join(locks::FOLDER);
        let unsuitable = |why: &str| {
            let text = format!(
                "{}: {why}: use a directory on a local disk",
                self.path.display()
            );
            StoreError::new(Kind::Unsuitable, text)
        };
        match locks::work_in(&folder) {
            Ok(true) => {}
            Ok(false) => return Err(unsuitable("locks of this file system exclude nobody")),
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                return Err(unsuitable("this file system has no locks"));
            }
            Err(error) => return Err(failed(Kind::NotWritten, &folder, &error)),
        }
        let files = self.files()?;
        let early: Vec<_> = files
            .iter()
            .filter(|file| file.ends_with(EARLIER))
            .collect();
        if let Some(first) = early.first() {
            let path = self.path.join(first);
            let text = format!("{} {}", path.display(), earlier(early.len()));
            return Err(StoreError::new(Kind::Unsuitable, text));
        }
        for draft in files.iter().filter(|file| file.ends_with(DRAFT)) {
            let path = self.path.join(draft).with_extension("record");
            if let Ok(_lock) = self.lock(&path) {
                let _ = fs::remove_file(self.path.join(draft));
            }
        }
        Ok(())
    }

    pub(super) fn try_lock(&self, entry_name: &str) -> Result<Option<locks::Taken>> {
        let folder = self.path.join(locks::FOLDER);
        let path = folder.join(escape_name(entry_name) + ".work");
        let taken = self.make().and_then(|()| locks::take(&path));
        taken.map_err(|error| failed(Kind::Unavailable, &path, &error))
    }

    pub(super) fn domain(&self) -> Option<String> {
        locks::domain(&self.path.join(locks::FOLDER))
    }

    fn record(&self, entry_name: &str) -> PathBuf {
        self.path.join(escape_name(entry_name) + RECORD)
    }

    /// Waits for the lock under which this file is changed.
    fn lock(&self, path: &Path) -> Result<File> {
        let lock = self
            .path
            .join(locks::FOLDER)
            .join(format!("{:02x}", stripe(path)));
        let locked = self.make().and_then(|()| locks::wait(&lock));
        locked.map_err(|error| failed(Kind::NotWritten, &lock, &error))
    }

    /// Puts a file with this one line in the place of the one that may be there.
    fn put(&self, path: &Path, line: &str) -> Result<()> {
        // Its name is always the same: what a killed writer left is replaced by the next one.
        let draft = path.with_extension(DRAFT.trim_start_matches('.'));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        files::private(&mut options);
        let placed = options.open(&draft).and_then(|mut file| {
            file.write_all(line.as_bytes())?;
            files::sync(&file)?;
            drop(file);
            fs::rename(&draft, path)
        });
        if let Err(error) = placed {
            let _ = fs::remove_file(&draft);
            return Err(failed(Kind::NotWritten, path, &error));
        }
        files::sync_directory(&self.path).map_err(|error| failed(Kind::Unknown, path, &error))
    }

    fn unlink(&self, path: &Path) -> Result<()> {
        fs::remove_file(path).map_err(|error| failed(Kind::NotWritten, path, &error))?;
        files::sync_directory(&self.path).map_err(|error| failed(Kind::Unknown, path, &error))
    }

    /// The names of all files; none if there is no directory.
    fn files(&self) -> Result<Vec<String>> {
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(Kind::Unavailable, &self.path, &error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| failed(Kind::Unavailable, &self.path, &error))?;
            // Every name that this store gives a file is plain text.
            names.extend(entry.file_name().into_string().ok());
        }
        Ok(names)
    }

    fn make(&self) -> io::Result<()> {
        if self.path.is_dir() {
            return Ok(());
        }
        let missing = self.path.ancestors().take_while(|path| !path.is_dir());
        let missing: Vec<_> = missing.map(Path::to_owned).collect();
        files::make_directory(&self.path)?;
        // A directory is on the disk when the one above it is.
        for above in missing.iter().filter_map(|path| path.parent()) {
            let here = above.as_os_str().is_empty();
            files::sync_directory(if here { Path::new(".") } else { above })?;
        }
        Ok(())
    }
}

pub(super) fn stripe(path: &Path) -> u8 {
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    locks::stripe(stem.unwrap_or_default())
}

/// The entry that is to be changed, if it has the expected version.
fn expect(path: &Path, entry_name: &str, expected: &StoreVersion) -> Result<(File, Last)> {
    match read(path, entry_name, For::Appending) {
        Ok(Some((file, last))) if last.entry.version == *expected => Ok((file, last)),
        Ok(_) => Err(StoreError::superseded(entry_name)),
        Err(Unread::Io(error)) => Err(failed(Kind::NotWritten, path, &error)),
        Err(Unread::Damaged(why)) => Err(damaged(path, why)),
    }
}

/// Writes one more line. A reader sees it as soon as it has its end.
fn append(path: &Path, mut file: &File, last: &Last, line: &str) -> Result<()> {
    let cut = |file: &File| file.set_len(last.complete);
    if last.length > last.complete {
        // What a killed writer began.
        cut(file).map_err(|error| failed(Kind::NotWritten, path, &error))?;
    }
    if let Err(error) = file.write_all(line.as_bytes()) {
        // Without its end it counts for nothing, so this is only tidy.
        let _ = cut(file);
        return Err(failed(Kind::NotWritten, path, &error));
    }
    if let Err(error) = files::sync(file) {
        // It is there for readers but perhaps not on the disk, so it has to go again.
        let kind = match cut(file).and_then(|()| files::sync(file)) {
            Ok(()) => Kind::NotWritten,
            Err(_) => Kind::Unknown,
        };
        return Err(failed(kind, path, &error));
    }
    Ok(())
}

/// Opens a record file and reads its last line; `None` if there is none.
fn read(path: &Path, entry_name: &str, open: For) -> Result<Option<(File, Last)>, Unread> {
    let Some(mut file) = files::open(path, open)? else {
        return Ok(None);
    };
    let last = record::last(&mut file)?;
    if last.entry.name != entry_name {
        return Err(Unread::Damaged(
            "holds the record of another name: was it copied?",
        ));
    }
    Ok(Some((file, last)))
}

/// What a listing says of a record file, with what it is sorted by; nothing if it is gone by now or
/// is of another prefix.
fn list_one(
    path: &Path,
    file: &str,
    known: Option<String>,
    prefix: &str,
) -> Option<(String, Listed)> {
    let found = match files::open(path, For::Reading) {
        Ok(None) => return None,
        Ok(Some(mut found)) => record::last(&mut found),
        Err(error) => Err(Unread::Io(error)),
    };
    let why = match found {
        Ok(last) if escape_name(&last.entry.name) + RECORD == file => {
            let name = last.entry.name.clone();
            let asked = name.starts_with(prefix);
            return asked.then_some((name, Listed::Entry(last.entry)));
        }
        Ok(_) => "holds the record of another name: was it copied?".to_owned(),
        Err(Unread::Damaged(why)) => why.to_owned(),
        // One file that its owner may not read hides no other.
        Err(Unread::Io(error)) => error.to_string(),
    };
    let name = known.unwrap_or_else(|| file.to_owned());
    let reason = format!("{} {why}", path.display());
    let unreadable = Unreadable {
        name: name.clone(),
        reason,
    };
    Some((name, Listed::Unreadable(unreadable)))
}

fn failed(kind: Kind, path: &Path, error: &io::Error) -> StoreError {
    StoreError::new(kind, format!("{}: {error}", path.display()))
}

fn damaged(path: &Path, why: &str) -> StoreError {
    let text = format!(
        "{} {why}: put it back from a backup, or remove it as unreadable and adopt its token again",
        path.display()
    );
    StoreError::new(Kind::Unreadable, text)
}

fn unfit(entry_name: &str, why: &str) -> StoreError {
    StoreError::new(
        Kind::NotWritten,
        format!("{entry_name:?} cannot be stored: {why}"),
    )
}

fn readable(listed: &str) -> StoreError {
    let text = format!("no entry {listed:?} is unreadable");
    StoreError::new(Kind::Superseded, text)
}

fn earlier(count: usize) -> String {
    let more = match count {
        1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    };
    format!(
        "is a journal of version 0.1.0{more}, which this version does not read: finish its rotation \
         with that version, or remove it as unreadable and look for tokens that it may have left"
    )
}
