//! Tokens whose answers were lost: finding them, and removing no other.

use std::time::{Duration, SystemTime};

use super::entry::{Attempt, Made};
use super::error::{Error, ErrorKind};
use super::plan::Method;
use super::run::{Run, has_name};
use crate::service::{TokenKey, TokenRecord, TokenServiceExt as _, TokenState};

/// How long a request whose answer was lost may still be carried out.
const SETTLES_WITHIN: Duration = Duration::from_secs(15 * 60);

impl Run<'_> {
    /// The create that was under way may have happened.
    pub(super) fn lose_attempt(&mut self) {
        self.entry.lost.extend(self.entry.attempt.take());
    }

    /// Looks for the tokens whose answers were lost, and removes them.
    ///
    /// One that does not appear stays on the list for a while: a request that timed out can be
    /// carried out later.
    pub(super) async fn sweep(&mut self) -> Result<(), Error> {
        self.drop_harmless();
        if self.entry.lost.is_empty() {
            return Ok(());
        }
        let service = &self.rotation.service;
        let all = service.list_all().await;
        let all = all.map_err(|error| Error::service(self.key(), error))?;
        let now = service.now();
        let mut result = Ok(());
        for mut group in groups(std::mem::take(&mut self.entry.lost)) {
            let found: Vec<&TokenRecord> = all
                .iter()
                .filter(|record| {
                    group
                        .first()
                        .is_some_and(|attempt| self.is_from(record, attempt))
                })
                .collect();
            let marked = group.iter().any(|attempt| attempt.marker.is_some());
            if !marked && found.len() > group.len() {
                // From now on these are left alone: what remains after somebody has removed the
                // right one must not be taken for it.
                let keys: Vec<TokenKey> = found.iter().map(|record| record.key.clone()).collect();
                for attempt in &mut group {
                    attempt.before.extend(keys.iter().cloned());
                }
                result = Err(self.ambiguous(&keys));
                self.entry.lost.extend(group);
                continue;
            }
            match self.remove_all(&found).await {
                Ok(()) if found.len() >= group.len() => {}
                Ok(()) => {
                    group.retain(|attempt| !has_settled(attempt, now));
                    self.entry.lost.extend(group);
                }
                Err(error) => {
                    result = Err(error);
                    self.entry.lost.extend(group);
                }
            }
        }
        result
    }

    async fn remove_all(&self, found: &[&TokenRecord]) -> Result<(), Error> {
        for record in found {
            let made = Made {
                key: record.key.clone(),
                revision: record.revision.clone(),
            };
            self.remove(&made).await?;
        }
        Ok(())
    }

    fn ambiguous(&self, keys: &[TokenKey]) -> Error {
        let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
        let text = format!(
            "one of {}; none was removed, look yourself",
            keys.join(", ")
        );
        Error::new(self.key(), ErrorKind::Ambiguous).with_text(text)
    }

    /// A create under a name that is taken now cannot succeed any more.
    fn drop_harmless(&mut self) {
        if !self.rotation.service.capabilities().unique_names {
            return;
        }
        let entry = &mut self.entry;
        let taken: Vec<TokenKey> = entry
            .interim
            .iter()
            .chain(&entry.successor)
            .map(|made| made.key.clone())
            .collect();
        entry.lost.retain(|attempt| {
            !taken
                .iter()
                .any(|key| attempt.name.as_deref() == Some(key.as_str()))
        });
    }

    /// Whether a token can be the one of this create.
    fn is_from(&self, record: &TokenRecord, attempt: &Attempt) -> bool {
        if self.entry.knows(&record.key) {
            return false;
        }
        if let Some(marker) = &attempt.marker {
            return record.marker.as_ref() == Some(marker);
        }
        let named = has_name(record, attempt.name.as_deref());
        if !named || attempt.before.contains(&record.key) {
            return false;
        }
        let outline = &self.entry.outline;
        if self.rotation.service.capabilities().unique_names {
            let in_place = outline.method == Method::InPlace;
            return record.revision != outline.revision && (in_place || record.key != outline.key);
        }
        // Nobody holds its secret, so nobody has used it.
        let unused = record.last_used.time().is_none();
        let alive = !matches!(record.state, TokenState::Inactive | TokenState::Expired);
        record.key != outline.key && unused && alive
    }
}

/// Attempts that cannot be told from one another, together.
fn groups(lost: Vec<Attempt>) -> Vec<Vec<Attempt>> {
    let mut groups: Vec<Vec<Attempt>> = Vec::new();
    for attempt in lost {
        let same = groups.iter_mut().find(|group| {
            group
                .first()
                .is_some_and(|one| one.marker == attempt.marker && one.name == attempt.name)
        });
        match same {
            Some(group) => group.push(attempt),
            None => groups.push(vec![attempt]),
        }
    }
    groups
}

fn has_settled(attempt: &Attempt, now: SystemTime) -> bool {
    let end = attempt
        .at
        .to_system_time()
        .and_then(|at| at.checked_add(SETTLES_WITHIN));
    end.is_none_or(|end| end <= now)
}
