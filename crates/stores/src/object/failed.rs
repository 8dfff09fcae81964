//! What it means to whoever asked when a call of the object store gives nothing.

use std::time::Duration;

use access_tokens::rotation::state::{StoreError, StoreErrorKind};
use object_store::Error;
use object_store::path::Path;

use crate::form;

/// Why a call gave nothing.
#[derive(Debug)]
pub(super) enum Failed {
    Store(Error),
    Late(Duration),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl Failed {
    pub(super) fn reading(&self, place: &Path) -> StoreError {
        self.error(StoreErrorKind::Unavailable, place)
    }

    /// What has been refused is certain; what failed otherwise may have been done.
    pub(super) fn writing(&self, place: &Path) -> StoreError {
        let kind = match self {
            Self::Store(
                Error::NotFound { .. }
                | Error::InvalidPath { .. }
                | Error::NotSupported { .. }
                | Error::NotImplemented { .. }
                | Error::PermissionDenied { .. }
                | Error::Unauthenticated { .. }
                | Error::UnknownConfigurationKey { .. },
            ) => StoreErrorKind::NotWritten,
            _ => StoreErrorKind::Unknown,
        };
        self.error(kind, place)
    }

    fn error(&self, kind: StoreErrorKind, place: &Path) -> StoreError {
        let text = match self {
            Self::Store(error) => format!("{place}: {error}"),
            Self::Late(timeout) => format!("{place}: no answer within {timeout:?}"),
        };
        StoreError::new(kind, text)
    }
}

/// Reading before a write has failed, so nothing was written.
pub(super) fn not_written(error: StoreError) -> StoreError {
    match error.kind() {
        StoreErrorKind::Unavailable => {
            StoreError::new(StoreErrorKind::NotWritten, error.to_string())
        }
        _ => error,
    }
}

pub(super) fn unreadable(place: &Path, why: &str) -> StoreError {
    form::unreadable(place.as_ref(), why)
}
