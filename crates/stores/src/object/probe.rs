//! Whether an object store applies the conditions that it takes.

use access_tokens::Marker;
use access_tokens::rotation::state::{PROBE_PREFIX, StoreError, StoreErrorKind};
use object_store::path::Path;
use object_store::{Error, ObjectStoreExt as _, PutMode};

use super::{Failed, ObjectStore, Result};

impl ObjectStore {
    pub(super) async fn try_conditions(&self) -> Result<()> {
        // Nobody else writes an object of this name, so it can be removed without a condition.
        let place = self.place(&format!("{PROBE_PREFIX}{}", Marker::random().as_str()));
        let tried = self.try_on(&place).await;
        let removed = self.in_time(self.store.delete(&place)).await;
        tried?;
        match removed {
            Ok(()) | Err(Failed::Store(Error::NotFound { .. })) => Ok(()),
            Err(error) => Err(error.writing(&place)),
        }
    }

    async fn try_on(&self, place: &Path) -> Result<()> {
        let first = self.put(place, b"1".to_vec(), PutMode::Create).await;
        let first = first.map_err(|error| unfit(&error).unwrap_or_else(|| error.writing(place)))?;
        match self.put(place, b"again".to_vec(), PutMode::Create).await {
            Ok(_) => return Err(unsuitable("creates an object that is there already")),
            Err(Failed::Store(Error::AlreadyExists { .. } | Error::Precondition { .. })) => {}
            Err(error) => return Err(error.writing(place)),
        }
        let second = self
            .put(place, b"2".to_vec(), PutMode::Update(first.clone()))
            .await;
        let second =
            second.map_err(|error| unfit(&error).unwrap_or_else(|| error.writing(place)))?;
        if second == first {
            return Err(unsuitable("gives two contents the same version"));
        }
        match self
            .put(place, b"stale".to_vec(), PutMode::Update(first))
            .await
        {
            Ok(_) => return Err(unsuitable("updates an object that has changed since")),
            Err(Failed::Store(Error::Precondition { .. } | Error::AlreadyExists { .. })) => {}
            Err(error) => return Err(error.writing(place)),
        }
        let read = self
            .in_time(async { self.store.get(place).await?.bytes().await })
            .await;
        match read.map_err(|error| error.reading(place))? {
            content if content == "2" => Ok(()),
            _ => Err(unsuitable("does not show what was put last")),
        }
    }
}

/// An operation that is missing altogether.
fn unfit(error: &Failed) -> Option<StoreError> {
    match error {
        Failed::Store(Error::NotImplemented { operation, .. }) => {
            Some(unsuitable(&format!("has no {operation}")))
        }
        _ => None,
    }
}

fn unsuitable(what: &str) -> StoreError {
    let text = format!("the object store {what}, so rotations could meet in it: use another one");
    StoreError::new(StoreErrorKind::Unsuitable, text)
}
