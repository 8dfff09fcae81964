//! One change of what is in a place.

use std::io;
use std::path::Path;

use zeroize::Zeroizing;

use super::disk::{self, Found};
use super::meta::Meta;
use super::overwrite::{mend, overwrite};
use super::sidecar::{Former, Kept, Now, Over, Sidecar};
use super::{Place, Site, Slot, clash, lock, not_stored, part, read, read_sidecar, same_directory};
use crate::marker::Marker;
use crate::rotation::sink::{Delivery, SinkError, SinkVersion, Written};
use crate::secret::Secret;

/// What is to be done.
#[derive(Clone, Debug)]
pub(in super::super) enum Change {
    Deliver {
        secret: Secret,
        attempt: Marker,
        replaces: Marker,
    },
    Restore(Marker),
    Rewrite,
}

impl Change {
    /// What a delivery asks for.
    pub(in super::super) fn of(delivery: &Delivery<'_>) -> Self {
        Self::Deliver {
            secret: delivery.secret().clone(),
            attempt: delivery.attempt().clone(),
            replaces: delivery.replaces().clone(),
        }
    }
}

/// What is to be in the place.
struct Goal {
    /// All of the file; `None`: no file.
    file: Option<Zeroizing<Vec<u8>>>,
    attempt: Option<Marker>,
    /// Mode and owner that are to come back.
    meta: Option<Meta>,
    outgoing: Option<Former>,
    incoming: Option<Marker>,
}

impl Place {
    /// Makes a change if the place is still at the version that was seen.
    pub(in super::super) fn change(
        &self,
        slot: &impl Slot,
        change: &Change,
        seen: Option<&SinkVersion>,
    ) -> Result<Written, SinkError> {
        let site = self.site()?;
        let _lock = lock(&site, true)?;
        tidy(&site).map_err(|error| not_stored("an old draft beside it", &error))?;
        let mut sidecar = read_sidecar(&site)?.unwrap_or_else(|| Sidecar::new(&site.file));
        if sidecar.clashes(slot.name()) {
            return Err(clash());
        }
        let mut found = read(&site)?;
        mend(&site, &sidecar, &mut found)?;
        let now = super::judge(slot, Some(&sidecar), found.as_ref())?;
        if seen.is_some_and(|seen| *seen != now.version) {
            let text = "it has been changed since it was looked at; look again";
            return Err(SinkError::conflict(text));
        }
        let goal = match change {
            Change::Rewrite => None,
            Change::Restore(attempt) | Change::Deliver { attempt, .. }
                if holds(&now, attempt) && unchanged(slot, change, found.as_ref())? =>
            {
                None
            }
            Change::Deliver {
                secret,
                attempt,
                replaces,
            } => Some(delivered(
                slot,
                secret,
                attempt,
                replaces,
                &now,
                found.as_ref(),
            )?),
            Change::Restore(attempt) => {
                Some(restored(slot, &sidecar, attempt, &now, found.as_ref())?)
            }
        };
        match goal {
            Some(goal) => self.carry_out(slot, &site, &mut sidecar, &now, found.as_ref(), goal),
            None => rewrite(slot, &site, &mut sidecar, now, found.as_ref()),
        }
    }

    fn carry_out(
        &self,
        slot: &impl Slot,
        site: &Site,
        sidecar: &mut Sidecar,
        now: &Now,
        found: Option<&Found>,
        goal: Goal,
    ) -> Result<Written, SinkError> {
        let in_place = self.over && found.is_some() && goal.file.is_some();
        let group = self.group()?;
        let mut draft = None;
        let mut left = None;
        if let Some(file) = &goal.file {
            if in_place {
                let meta = goal.meta.or(found.map(|found| found.meta));
                left = meta.map(|meta| match goal.meta {
                    Some(_) => meta,
                    None => meta.with_mode(self.mode).with_group(group),
                });
            } else {
                let new = self.draft(site, found, group, goal.meta, file)?;
                let synced = new.sync().and_then(|()| new.meta());
                left = Some(synced.map_err(|error| not_stored("a new file beside it", &error))?);
                draft = Some(new);
            }
        }
        let content = found.map(|found| found.content.as_slice());
        let (was, will) = (
            value(slot, content)?,
            value(slot, goal.file.as_ref().map(|file| file.as_slice()))?,
        );
        let was = now.held.clone().unwrap_or_else(|| {
            let meta = found.map(|found| found.meta);
            sidecar.held_at(now.version.clone(), was.as_deref().map(Vec::as_slice), meta)
        });
        let will = sidecar.held(goal.attempt, will.as_deref().map(Vec::as_slice), left);
        let version = will.version();
        let mut warnings = Vec::new();
        // Of two states with the same content the sidecar alone tells which is true.
        let (was, next) = if was.same_content(&will) {
            (will, None)
        } else {
            (was, Some(will))
        };
        sidecar.advance(
            slot.name(),
            was,
            next,
            goal.outgoing,
            goal.incoming.as_ref(),
        );
        sidecar.begin(match (&goal.file, content) {
            (Some(file), Some(content)) if in_place => Some(Over {
                old: Kept::new(content),
                new: Kept::new(file),
            }),
            _ => None,
        });
        let ordered = !in_place && same_directory(&site.sidecar, &site.file);
        write_sidecar(site, sidecar, !ordered, &mut warnings)?;
        match (goal.file, draft) {
            (Some(file), Some(draft)) => {
                if let Err(error) = draft.place(&site.file) {
                    settle(site, &file, &error)?;
                }
                if found.is_some_and(|found| found.names > 1) {
                    warnings.push(
                        "the file had other names (hard links), which keep what it held".to_owned(),
                    );
                }
                sync_names(&site.file, &mut warnings);
            }
            (Some(file), None) => {
                let before = found.map(|found| found.meta).unwrap_or_default();
                let old = content.unwrap_or_default();
                let after = left.unwrap_or(before);
                overwrite(&site.file, old, &file, &before, &after)?;
            }
            (None, _) => {
                disk::remove(&site.file).map_err(|error| not_stored("the file", &error))?;
                sync_names(&site.file, &mut warnings);
            }
        }
        Ok(written(version, warnings))
    }

    /// Writes a secret over what is in a file, where there can be no sidecar.
    pub(in super::super) fn overwrite_unlabelled(
        &self,
        slot: &impl Slot,
        secret: &Secret,
    ) -> Result<Written, SinkError> {
        let site = self.site()?;
        let _lock = lock(&site, false)?;
        let found = read(&site)?;
        let Some(found) = found else {
            return Err(SinkError::not_stored("there is no file to write to"));
        };
        let new = slot
            .with_secret(&found.content, secret.expose_secret())
            .map_err(SinkError::not_stored)?;
        let after = found.meta.with_mode(self.mode).with_group(self.group()?);
        overwrite(&site.file, &found.content, &new, &found.meta, &after)?;
        Ok(Written::unversioned())
    }
}

fn holds(now: &Now, attempt: &Marker) -> bool {
    let held = now.held.as_ref().and_then(|held| held.attempt.as_ref());
    held == Some(attempt)
}

/// Whether what is there is what would be put there.
fn unchanged(slot: &impl Slot, change: &Change, found: Option<&Found>) -> Result<bool, SinkError> {
    let Change::Deliver { secret, .. } = change else {
        return Ok(true);
    };
    let content = found.map(|found| found.content.as_slice());
    let new = slot
        .with_secret(content.unwrap_or_default(), secret.expose_secret())
        .map_err(SinkError::not_stored)?;
    Ok(content.is_some() && value(slot, content)? == value(slot, Some(&new))?)
}

fn value(slot: &impl Slot, file: Option<&[u8]>) -> Result<Option<Zeroizing<Vec<u8>>>, SinkError> {
    Ok(part(slot, file)?.map(|part| part.value))
}

/// What goes out, under its own label or the one that it is believed to have.
fn outgoing(
    slot: &impl Slot,
    label: Option<Marker>,
    found: Option<&Found>,
) -> Result<Option<Former>, SinkError> {
    let content = found.map(|found| found.content.as_slice());
    let part = part(slot, content)?;
    let joined =
        part.is_none() && content.is_some_and(|all| !all.is_empty() && !all.ends_with(b"\n"));
    Ok(label.map(|attempt| Former {
        attempt,
        part: part.map(|part| Kept::new(&part.bytes)),
        meta: found.map(|found| found.meta),
        joined,
    }))
}

fn delivered(
    slot: &impl Slot,
    secret: &Secret,
    attempt: &Marker,
    replaces: &Marker,
    now: &Now,
    found: Option<&Found>,
) -> Result<Goal, SinkError> {
    let content = found.map_or(&[][..], |found| &found.content);
    let file = slot
        .with_secret(content, secret.expose_secret())
        .map_err(SinkError::not_stored)?;
    let label = now.held.as_ref().and_then(|held| held.attempt.clone());
    let label = match label {
        Some(label) if label == *attempt => None,
        Some(label) if label.owner() == replaces.owner() => Some(label),
        _ => Some(replaces.clone()),
    };
    Ok(Goal {
        file: Some(file),
        attempt: Some(attempt.clone()),
        meta: None,
        outgoing: outgoing(slot, label, found)?,
        incoming: None,
    })
}

fn restored(
    slot: &impl Slot,
    sidecar: &Sidecar,
    attempt: &Marker,
    now: &Now,
    found: Option<&Found>,
) -> Result<Goal, SinkError> {
    let Some(former) = sidecar.former(slot.name(), attempt) else {
        let text = format!("what attempt {attempt} left there is not kept any more");
        return Err(SinkError::not_stored(text));
    };
    let content = found.map_or(&[][..], |found| &found.content);
    let part = former.part.as_ref().map(|part| part.0.as_slice());
    let file = slot
        .with_former(content, part, former.joined)
        .map_err(SinkError::not_stored)?;
    // Gone with what was in it, unless others put something there.
    let gone = part.is_none() && file.is_empty() && sidecar.made_the_file();
    let left = now.held.as_ref().and_then(|held| held.left);
    let meta = match (found, left, former.meta) {
        (Some(found), Some(left), Some(before)) => Some(found.meta.taken_back(left, before)),
        (Some(found), _, _) => Some(found.meta),
        (None, _, before) => before,
    };
    let label = now.held.as_ref().and_then(|held| held.attempt.clone());
    Ok(Goal {
        file: (!gone).then_some(file),
        attempt: Some(attempt.clone()),
        meta,
        outgoing: outgoing(slot, label, found)?,
        incoming: Some(attempt.clone()),
    })
}

/// A new version of the same.
fn rewrite(
    slot: &impl Slot,
    site: &Site,
    sidecar: &mut Sidecar,
    now: Now,
    found: Option<&Found>,
) -> Result<Written, SinkError> {
    let value = value(slot, found.map(|found| found.content.as_slice()))?;
    let (attempt, left) = match now.held {
        Some(held) => (held.attempt, held.left),
        None => (None, found.map(|found| found.meta)),
    };
    let held = sidecar.held(attempt, value.as_deref().map(Vec::as_slice), left);
    let version = held.version();
    sidecar.advance(slot.name(), held, None, None, None);
    let mut warnings = Vec::new();
    write_sidecar(site, sidecar, true, &mut warnings)?;
    Ok(written(version, warnings))
}

fn written(version: SinkVersion, warnings: Vec<String>) -> Written {
    warnings
        .into_iter()
        .fold(Written::new(version), Written::with_warning)
}

fn tidy(site: &Site) -> io::Result<()> {
    disk::remove_drafts(&site.base)?;
    if site.sidecar != site.base {
        disk::remove_drafts(&site.sidecar)?;
    }
    Ok(())
}

fn write_sidecar(
    site: &Site,
    sidecar: &Sidecar,
    sync: bool,
    warnings: &mut Vec<String>,
) -> Result<(), SinkError> {
    let bytes = sidecar
        .bytes()
        .ok_or_else(|| SinkError::not_stored("its sidecar cannot be written down"))?;
    let write = || {
        let mut draft = disk::Draft::create(&site.sidecar)?;
        draft.write(&bytes)?;
        draft.sync()?;
        draft.place(&site.sidecar)
    };
    write().map_err(|error| not_stored("its sidecar", &error))?;
    if sync {
        sync_names(&site.sidecar, warnings);
    }
    Ok(())
}

fn sync_names(path: &Path, warnings: &mut Vec<String>) {
    if let Err(error) = disk::sync_directory(path) {
        warnings.push(format!(
            "it is in place, but may not be on the disk yet: {error}"
        ));
    }
}

/// What came of a replacement that is said to have failed.
fn settle(site: &Site, file: &[u8], error: &io::Error) -> Result<(), SinkError> {
    match disk::read(&site.file) {
        Ok(Some(found)) if *found.content == file => Ok(()),
        Ok(_) => Err(not_stored("the file", error)),
        Err(_) => Err(SinkError::unknown(format!(
            "whether the file was replaced cannot be told: {error}"
        ))),
    }
}
