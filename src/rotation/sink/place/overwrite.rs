//! Files that are written over instead of replaced.

use std::io::{self, Seek as _, Write as _};
use std::path::Path;

use zeroize::Zeroizing;

use super::disk::{self, Found};
use super::meta::{self, Meta};
use super::sidecar::Sidecar;
use super::steps::{Step, step};
use super::{Site, not_stored};
use crate::rotation::sink::SinkError;

/// Brings to its end what somebody who was killed began to write over the file; only under the lock.
pub(super) fn mend(
    site: &Site,
    sidecar: &Sidecar,
    found: &mut Option<Found>,
) -> Result<(), SinkError> {
    let Some(found) = found else {
        return Ok(());
    };
    let Some(new) = sidecar.cut_short(&found.content) else {
        return Ok(());
    };
    overwrite(&site.file, &found.content, new, &found.meta, &found.meta)?;
    found.content = Zeroizing::new(new.to_vec());
    Ok(())
}

/// Writes over what is in a file. What fails is put back.
pub(super) fn overwrite(
    path: &Path,
    old: &[u8],
    new: &[u8],
    before: &Meta,
    after: &Meta,
) -> Result<(), SinkError> {
    let dress = |from: &Meta, to: &Meta| {
        if from.owner_differs(to) {
            step(Step::Owner)?;
            meta::set_owner(path, from, to)?;
        }
        if from != to {
            step(Step::Mode)?;
            meta::set_mode(path, to)?;
        }
        Ok(())
    };
    let back = || -> io::Result<()> { dress(&disk::meta(path)?, before) };
    let open = || {
        let file = disk::open_for_writing(path)?;
        dress(before, after)?;
        Ok(file)
    };
    let mut file = match open() {
        Ok(file) => file,
        Err(error) => {
            return back()
                .map_err(|_| not_put_back(&error))
                .and_then(|()| Err(not_stored("the file", &error)));
        }
    };
    let mut write = |content: &[u8]| {
        file.rewind()?;
        let (first, rest) = content.split_at(content.len() / 2);
        step(Step::Write)?;
        file.write_all(first)?;
        // Nothing is between them but what a crash in the middle would be.
        step(Step::Write)?;
        file.write_all(rest)?;
        step(Step::Cut)?;
        file.set_len(content.len() as u64)?;
        disk::sync(&file)
    };
    let Err(error) = write(new) else {
        return Ok(());
    };
    match write(old).and_then(|()| back()) {
        Ok(()) => Err(not_stored("the file", &error)),
        Err(_) => Err(not_put_back(&error)),
    }
}

fn not_put_back(error: &io::Error) -> SinkError {
    SinkError::unknown(format!(
        "it was written in part, and what was there cannot be put back: {error}"
    ))
}
