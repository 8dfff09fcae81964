//! What is remembered of a first contact that has failed so far.

use super::super::error::Error;
use super::super::kind::ErrorKind;
use super::super::record::{Failing, Record, Stamp};
use super::super::rules::{BASE_BEFORE, MOST_WAIT, back_off};
use super::super::state::{self, Stored};
use super::super::token::Declared;
use super::context::{Context, body_of, token_entry};

/// Whether it only says why the first contact has failed so far.
pub(super) fn is_draft(stored: &Stored) -> bool {
    stored
        .body
        .get("draft")
        .and_then(serde_json::Value::as_bool)
        == Some(true)
}

/// Keeps down why a first contact failed, so that whoever looks at the state sees it. What is
/// written is as good as none for the next attempt.
pub(crate) async fn note_failure(
    context: &Context,
    declared: &Declared,
    earlier: Option<&Stored>,
    error: &Error,
    now: Stamp,
) {
    let service = declared.service.service();
    let mut record = Record::new(&declared.name, service.name(), declared.account.as_deref());
    record.draft = true;
    let before = earlier.and_then(|stored| Record::read(&stored.body).ok());
    let before = before.and_then(|record| record.failing);
    let kind = error.kind().as_str();
    // A place is not tried at every tick; an account is asked for all of its tokens anyway.
    let waits = error.kind() == ErrorKind::Sink;
    if !waits
        && before
            .as_ref()
            .is_some_and(|before| before.kind == kind && before.message == error.message())
    {
        return;
    }
    let times = before.as_ref().map_or(1, |f| f.times.saturating_add(1));
    let wait = back_off(BASE_BEFORE, times, MOST_WAIT);
    record.declared = waits.then(|| declared.rules.declared.clone());
    record.failing = Some(Failing {
        times,
        since: before.map_or(now, |before| before.since),
        not_before: if waits { now.plus(wait) } else { now },
        kind: kind.to_owned(),
        message: error.message().to_owned(),
        needs_person: error.needs_person(),
    });
    // It is reported in any case, and another runner may have come further.
    if let Ok(stored) = entry(declared, &record, earlier) {
        let _ = state::write(&*context.store, earlier.map(|e| &e.version), &stored).await;
    }
}

/// Why a first contact failed, while it is not tried again.
pub(super) fn still_waits(
    declared: &Declared,
    stored: &Stored,
    impatient: bool,
    now: Stamp,
) -> Option<Error> {
    let record = Record::read(&stored.body).ok()?;
    let failing = record.failing.filter(|failing| failing.not_before > now)?;
    if impatient || record.declared.as_ref() != Some(&declared.rules.declared) {
        return None;
    }
    let error = Error::new(
        &declared.name,
        ErrorKind::of(&failing.kind),
        failing.message,
    );
    let error = error.retried_at(Some(failing.not_before.time()));
    Some(if failing.needs_person {
        error.for_a_person()
    } else {
        error
    })
}

/// The entry of a record that follows an earlier one, if there is one.
pub(super) fn entry(
    declared: &Declared,
    record: &Record,
    earlier: Option<&Stored>,
) -> Result<Stored, Error> {
    let body = body_of(&declared.name, record)?;
    Ok(match earlier {
        Some(earlier) => earlier.next(body),
        None => Stored::new(token_entry(&declared.name), body),
    })
}
