//! A secret's place in a file: all of it, or one key.
//!
//! Beside the file stands its sidecar (`sidecar.rs`), which is written first. Every change is made
//! under a lock, in this order: the new file is prepared beside the old one, the sidecar says what is
//! there and what will be, the new file takes the place of the old one. A crash between any two of
//! these steps leaves a file and a sidecar that together tell what happened.

mod change;
mod disk;
mod lock;
mod meta;
mod overwrite;
mod paths;
mod resolve;
mod sidecar;
mod steps;
mod stored;

#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use self::disk::{Draft, Found};
use self::lock::Lock;
use self::meta::Meta;
use self::resolve::resolve;
use self::sidecar::{Now, Sidecar, Unusable};
use super::{Holds, Observed, SinkError};
use crate::text::is_unsafe_to_print;

pub(super) use self::stored::{Stored, file_setters};

/// Which part of a file a sink is for.
pub(super) trait Slot {
    /// Its name in the sidecar; empty for all of the file.
    fn name(&self) -> &str;

    /// The identity of the sink, given the words for its place.
    fn id(&self, place: &str) -> String;

    /// Where it stands in a file; `None` if it is not there.
    fn find(&self, file: &[u8]) -> Result<Option<Part>, String>;

    /// The file with a secret in this place.
    fn with_secret(&self, file: &[u8], secret: &str) -> Result<Zeroizing<Vec<u8>>, String>;

    /// The file with what once was in this place.
    fn with_former(
        &self,
        file: &[u8],
        former: Option<&[u8]>,
        joined: bool,
    ) -> Result<Zeroizing<Vec<u8>>, String>;
}

/// What is in a slot.
#[derive(Debug)]
pub(super) struct Part {
    /// As it stands there.
    pub(super) bytes: Zeroizing<Vec<u8>>,
    /// The value that readers see, which tells what it is.
    pub(super) value: Zeroizing<Vec<u8>>,
}

/// A file, and how it is to be written.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    pub(super) mode: Option<u32>,
    pub(super) group: Option<String>,
    /// Written over instead of replaced.
    pub(super) over: bool,
    pub(super) sidecar: Option<PathBuf>,
}

/// Where things are once links have been followed.
#[derive(Debug)]
struct Site {
    file: PathBuf,
    /// What the names of its drafts begin with.
    base: PathBuf,
    /// Its lock is beside it.
    sidecar: PathBuf,
}

const SIDECAR: &str = ".access-tokens";

/// About as much as is written at least, so that a check sees a full disk.
const ROOM: usize = 4096;

impl Place {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            mode: None,
            group: None,
            over: false,
            sidecar: None,
        }
    }

    /// The place in the words that everybody has for it.
    pub(super) fn id(&self) -> String {
        let path = resolve(&self.path)
            .or_else(|_| std::path::absolute(&self.path))
            .unwrap_or_else(|_| self.path.clone());
        match path.to_str() {
            Some(text) if !text.chars().any(is_unsafe_to_print) => text.to_owned(),
            Some(text) => format!("{text:?}"),
            // Bytes that are no text are told apart by their number.
            None => format!("\"{}\"", path.as_os_str().as_encoded_bytes().escape_ascii()),
        }
    }

    fn site(&self) -> Result<Site, SinkError> {
        let file = resolve(&self.path).map_err(|error| not_stored("the place", &error))?;
        let base = disk::with_ending(&file, SIDECAR);
        let sidecar = match &self.sidecar {
            Some(path) => resolve(path).map_err(|error| not_stored("the sidecar", &error))?,
            None => base.clone(),
        };
        Ok(Site {
            file,
            base,
            sidecar,
        })
    }

    /// Whether there can be a sidecar: not beside a single file that is mounted into a directory
    /// which nobody can write to.
    pub(super) fn can_have_sidecar(&self) -> bool {
        if !self.over {
            return true;
        }
        self.site()
            .is_ok_and(|site| Draft::create(&site.sidecar).is_ok())
    }

    /// Does what a delivery does, as far as that leaves nothing behind.
    pub(super) fn check(&self, slot: &impl Slot, with_sidecar: bool) -> Result<(), SinkError> {
        let site = self.site()?;
        let _lock = lock(&site, with_sidecar)?;
        let mut found = read(&site)?;
        let sidecar = if with_sidecar {
            read_sidecar(&site)?
        } else {
            None
        };
        if let Some(sidecar) = &sidecar {
            overwrite::mend(&site, sidecar, &mut found)?;
        }
        let old = found.as_ref().map_or(&[][..], |found| &found.content);
        slot.find(old).map_err(SinkError::not_stored)?;
        let group = self.group()?;
        if with_sidecar {
            if sidecar.is_some_and(|sidecar| sidecar.clashes(slot.name())) {
                return Err(clash());
            }
            // It keeps what goes and, for a file that is written over, what is there and what comes.
            let some = vec![0; old.len().saturating_mul(3).saturating_add(ROOM)];
            Draft::create(&site.sidecar)
                .and_then(|mut draft| draft.write(&some))
                .map_err(|error| not_stored("its sidecar", &error))?;
        }
        match &found {
            Some(found) if self.over => {
                let after = found.meta.with_mode(self.mode).with_group(group);
                check_over(&site, found, &after).map_err(|error| not_stored("the file", &error))?;
            }
            _ => {
                if found.is_some()
                    && let Some(why) = meta::fixed(&site.file)
                {
                    return Err(SinkError::not_stored(why));
                }
                let some = vec![0; old.len().max(ROOM)];
                self.draft(&site, found.as_ref(), group, None, &some)?;
            }
        }
        Ok(())
    }

    pub(super) fn observe(&self, slot: &impl Slot) -> Result<Observed, SinkError> {
        const TRIES: usize = 8;
        let site = self.site()?;
        for _ in 0..TRIES {
            let before = raw_sidecar(&site)?;
            let found = read(&site)?;
            // Not changed in between, so both are of one moment.
            if raw_sidecar(&site)?.as_deref() == before.as_deref() {
                let sidecar = parsed(before.as_deref().map(Vec::as_slice), &site)?;
                let content = found.as_ref().map_or(&[][..], |found| &found.content);
                let whole = sidecar
                    .as_ref()
                    .is_none_or(|sidecar| sidecar.cut_short(content).is_none());
                if whole {
                    let now = judge(slot, sidecar.as_ref(), found.as_ref())?;
                    if sidecar.is_none() || now.held.is_some() {
                        return Ok(Observed::new(now.version, now.holds));
                    }
                }
            }
            // Somebody may be in the middle of writing.
            let lock = Lock::acquire(&disk::with_ending(&site.sidecar, LOCK));
            let sidecar = read_sidecar(&site)?;
            let mut found = read(&site)?;
            if let (Ok(_), Some(sidecar)) = (&lock, &sidecar) {
                overwrite::mend(&site, sidecar, &mut found)?;
            }
            let now = judge(slot, sidecar.as_ref(), found.as_ref())?;
            if lock.is_ok() {
                return Ok(Observed::new(now.version, now.holds));
            }
        }
        let text = "it is being changed all the time, and its lock cannot be had";
        Err(SinkError::not_stored(text))
    }

    /// What a file holds that has no sidecar.
    pub(super) fn observe_unlabelled(&self, slot: &impl Slot) -> Result<Observed, SinkError> {
        let found = read(&self.site()?)?;
        let now = judge(slot, None, found.as_ref())?;
        Ok(Observed::unversioned(match now.holds {
            Holds::Nothing => Holds::Nothing,
            _ => Holds::Unknown,
        }))
    }

    fn group(&self) -> Result<Option<u32>, SinkError> {
        let group = self.group.as_deref().map(meta::group).transpose();
        group.map_err(|error| not_stored("its group", &error))
    }

    /// The file as it is to be, beside its place: with the mode and owner that are asked for, or
    /// those that it has.
    fn draft(
        &self,
        site: &Site,
        found: Option<&Found>,
        group: Option<u32>,
        meta: Option<Meta>,
        content: &[u8],
    ) -> Result<Draft, SinkError> {
        let write = || {
            let mut draft = Draft::create(&site.base)?;
            let meta = match (meta, found) {
                (Some(back), _) => back,
                (None, Some(found)) => found.meta.with_mode(self.mode).with_group(group),
                (None, None) => draft.meta()?.with_mode(self.mode).with_group(group),
            };
            draft.dress(&meta, found.map(|_| site.file.as_path()))?;
            draft.write(content)?;
            Ok(draft)
        };
        write().map_err(|error: io::Error| not_stored("a new file beside it", &error))
    }
}

/// Whether a file can be written over, and be given what is asked for.
fn check_over(site: &Site, found: &Found, after: &Meta) -> io::Result<()> {
    disk::open_for_writing(&site.file)?;
    if *after != found.meta {
        // What it has already, which only those can give it who can change it.
        meta::set_mode(&site.file, &found.meta)?;
    }
    // Another group is tried on a file beside it, where there can be one.
    match Draft::create(&site.base) {
        Ok(draft) if found.meta.owner_differs(after) => draft.dress(after, None),
        _ => Ok(()),
    }
}

const LOCK: &str = ".lock";

fn lock(site: &Site, with_sidecar: bool) -> Result<Lock, SinkError> {
    let lock = if with_sidecar {
        Lock::acquire(&disk::with_ending(&site.sidecar, LOCK))
    } else {
        Lock::on_file(&site.file)
    };
    lock.map_err(|error| not_stored("its lock", &error))
}

fn read(site: &Site) -> Result<Option<Found>, SinkError> {
    disk::read(&site.file).map_err(|error| not_stored("the file", &error))
}

fn raw_sidecar(site: &Site) -> Result<Option<Zeroizing<Vec<u8>>>, SinkError> {
    let found = disk::read(&site.sidecar).map_err(|error| not_stored("its sidecar", &error))?;
    Ok(found.map(|found| found.content))
}

fn read_sidecar(site: &Site) -> Result<Option<Sidecar>, SinkError> {
    let bytes = raw_sidecar(site)?;
    parsed(bytes.as_deref().map(Vec::as_slice), site)
}

fn parsed(bytes: Option<&[u8]>, site: &Site) -> Result<Option<Sidecar>, SinkError> {
    let Some(bytes) = bytes else {
        return Ok(None);
    };
    Sidecar::parse(bytes, &site.file).map(Some).map_err(|why| {
        let why = match why {
            Unusable::Another => "belongs to another file: name another place for it",
            Unusable::Damaged => {
                "is damaged: remove it, and what is in the file counts as somebody else's"
            }
            Unusable::Newer => "was written by another version of this crate: use that one",
        };
        SinkError::not_stored(format!("its sidecar {} {why}", site.sidecar.display()))
    })
}

fn judge(
    slot: &impl Slot,
    sidecar: Option<&Sidecar>,
    found: Option<&Found>,
) -> Result<Now, SinkError> {
    let part = part(slot, found.map(|found| found.content.as_slice()))?;
    let value = part.as_ref().map(|part| part.value.as_slice());
    Ok(Sidecar::judge(sidecar, slot.name(), value))
}

fn part(slot: &impl Slot, file: Option<&[u8]>) -> Result<Option<Part>, SinkError> {
    let Some(file) = file else {
        return Ok(None);
    };
    slot.find(file).map_err(SinkError::not_stored)
}

fn clash() -> SinkError {
    SinkError::not_stored(
        "another sink writes this file in another way: as a whole, or single keys of it",
    )
}

fn not_stored(what: &str, error: &io::Error) -> SinkError {
    SinkError::not_stored(format!("{what} cannot be used: {error}"))
}

fn same_directory(one: &Path, other: &Path) -> bool {
    paths::directory(one) == paths::directory(other)
}
