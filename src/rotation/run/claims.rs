//! Claims: which entry a key belongs to, and what became of those that are retired.

use serde_json::json;

use super::super::error::Error;
use super::super::kind::ErrorKind;
use super::super::record::Record;
use super::super::state::{self, Listed, StoreErrorKind, Stored};
use super::super::token::Declared;
use super::context::{Context, claim_entry, token_entry};
use crate::marker::Marker;
use crate::service::TokenKey;

/// Claims a key for this entry, so that no other takes it on.
pub(super) async fn claim(
    context: &Context,
    declared: &Declared,
    key: &TokenKey,
) -> Result<(), Error> {
    let name = &declared.name;
    let error = |error| Error::store(name, &error);
    let service = declared.service.service();
    let entry = claim_entry(service.name(), declared.account.as_deref(), key);
    let claim = Stored::new(entry, json!({ "token": name }));
    match state::write(&*context.store, None, &claim).await {
        Ok(()) => Ok(()),
        Err(lost) if lost.kind() == StoreErrorKind::Exists => {
            let found = context.store.load(&claim.name).await.map_err(error)?;
            let holder = found.as_ref().and_then(|found| found.body.get("token"));
            if holder.and_then(serde_json::Value::as_str) == Some(name.as_str()) {
                return Ok(());
            }
            Err(elsewhere(context, declared, key, None).await)
        }
        Err(other) => Err(error(other)),
    }
}

/// Who manages a key, for an error.
pub(super) async fn elsewhere(
    context: &Context,
    declared: &Declared,
    key: &TokenKey,
    mark: Option<&Marker>,
) -> Error {
    let name = &declared.name;
    if let Some(text) = retired(context, key).await {
        return Error::new(name, ErrorKind::Retired, text).for_a_person();
    }
    let by = match records(context)
        .await
        .iter()
        .find(|record| record.names(key) || mark.is_some_and(|mark| record.is_own(mark)))
    {
        Some(record) => format!("{key} belongs to the entry {:?}", record.name),
        None => format!("{key} is marked or claimed by another entry or another state"),
    };
    Error::new(name, ErrorKind::ManagedElsewhere, by).for_a_person()
}

/// Says that a key was rotated, and to what, if any record knows it.
pub(super) async fn retired(context: &Context, key: &TokenKey) -> Option<String> {
    records(context).await.iter().find_map(|record| {
        let known = record.retired.iter().any(|retired| retired.key == *key);
        let current = record
            .current
            .as_ref()
            .filter(|token| known && token.key != *key)?;
        Some(format!(
            "{key} was rotated already by the entry {:?}; its successor is {}",
            record.name, current.key
        ))
    })
}

/// All records that can be read.
async fn records(context: &Context) -> Vec<Record> {
    let Ok(all) = context.store.list(&token_entry("")).await else {
        return Vec::new();
    };
    let read = |listed| match listed {
        Listed::Entry(stored) => Record::read(&stored.body).ok(),
        Listed::Unreadable(_) => None,
    };
    all.into_iter().filter_map(read).collect()
}
