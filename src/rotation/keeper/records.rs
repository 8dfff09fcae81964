//! What the records say, and how one is removed.

use super::super::error::Error;
use super::super::kind::ErrorKind;
use super::super::record::Record;
use super::super::run::{Teller, Turn, claim_entry, request_entry, token_entry, turn};
use super::super::state::{self, Listed, Stored};
use super::super::status::Status;
use super::Keeper;

impl Keeper {
    /// How a managed token stands, from the state alone; `None` if there is no such entry.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] or [`ErrorKind::Record`].
    pub async fn status(&self, name: &str) -> Result<Option<Status>, Error> {
        Ok(self
            .load(name)
            .await?
            .map(|(record, _)| Status::of(&record)))
    }

    /// How all managed tokens of the state stand, those included that nobody declares any more; in
    /// the place of one that cannot be read, why.
    ///
    /// # Errors
    /// [`ErrorKind::Store`].
    pub async fn statuses(&self) -> Result<Vec<Result<Status, Error>>, Error> {
        let all = self.context.store.list(&token_entry("")).await;
        let all = all.map_err(|error| Error::store("all", &error))?;
        let read = |listed| match listed {
            Listed::Entry(stored) => {
                let name = stored.name.trim_start_matches("token/").to_owned();
                Record::read(&stored.body)
                    .map(|record| Status::of(&record))
                    .map_err(|invalid| {
                        Error::new(&name, ErrorKind::Record, invalid.0).for_a_person()
                    })
            }
            Listed::Unreadable(unreadable) => {
                Err(
                    Error::new(&unreadable.name, ErrorKind::Record, unreadable.reason)
                        .for_a_person(),
                )
            }
        };
        Ok(all.into_iter().map(read).collect())
    }

    /// Stops managing a token: its record, its claim and its request are removed. At the service and
    /// in the sinks nothing is changed.
    ///
    /// # Errors
    /// If a runner is at work on it, or something is unfinished that would be left behind: tick it
    /// first. [`ErrorKind::NotFound`] if there is no such entry.
    pub async fn forget(&self, name: &str) -> Result<(), Error> {
        let store = &*self.context.store;
        let error = |error: &_| Error::store(name, error);
        let (record, stored) = self.load(name).await?.ok_or_else(|| no_entry(name))?;
        let now = self.context.now(name).await?;
        if let Turn::Theirs(_) = turn(&self.context, &record, now).await? {
            return Err(Error::new(
                name,
                ErrorKind::Interrupted,
                "a runner is at work on it",
            ));
        }
        if !record.is_at_rest() {
            let text = "something is unfinished, and would be left behind";
            return Err(Error::new(name, ErrorKind::Interrupted, text));
        }
        state::remove(store, &stored.name, &stored.version)
            .await
            .map_err(|e| error(&e))?;
        let retired = record.retired.iter().map(|retired| &retired.key);
        let keys = record.tokens().map(|token| &token.key).chain(retired);
        let claims = keys.map(|key| claim_entry(&record.service, record.account.as_deref(), key));
        for entry in claims.chain([request_entry(name)]) {
            if let Some(found) = store.load(&entry).await.map_err(|e| error(&e))? {
                let claimed = found.body.get("token").and_then(serde_json::Value::as_str);
                if claimed.is_none_or(|claimed| claimed == name) {
                    state::remove(store, &entry, &found.version)
                        .await
                        .map_err(|e| error(&e))?;
                }
            }
        }
        let teller = Teller::of_record(&record);
        let _ = teller.tell(&self.context, "forgotten", |_| ()).await;
        Ok(())
    }

    pub(super) async fn load(&self, name: &str) -> Result<Option<(Record, Stored)>, Error> {
        let stored = self.context.store.load(&token_entry(name)).await;
        let stored = stored.map_err(|error| Error::store(name, &error))?;
        let Some(stored) = stored else {
            return Ok(None);
        };
        match Record::read(&stored.body) {
            Ok(record) => Ok(Some((record, stored))),
            Err(invalid) => Err(Error::new(name, ErrorKind::Record, invalid.0).for_a_person()),
        }
    }
}

pub(super) fn no_entry(name: &str) -> Error {
    let text = "there is no such entry in the state";
    Error::new(name, ErrorKind::NotFound, text)
}
