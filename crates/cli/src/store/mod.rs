//! The state store that a configuration names.

#[cfg(feature = "postgres")]
mod pgpass;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "s3")]
mod s3;

use std::sync::Arc;

use access_tokens::rotation::state::{FileStore, MemoryStore, StateStore};

use crate::config::Store;
use crate::context::Context;
use crate::error::Stop;

/// Opens it; PostgreSQL is asked, the others are not yet.
#[allow(
    clippy::unused_async,
    unused_variables,
    reason = "by the features that are on"
)]
pub(crate) async fn open(context: &Context, store: &Store) -> Result<Arc<dyn StateStore>, Stop> {
    match store {
        Store::File(folder) => Ok(Arc::new(FileStore::new(folder))),
        Store::Memory => Ok(Arc::new(MemoryStore::new())),
        #[cfg(feature = "postgres")]
        Store::Postgres(url) => postgres::open(context, url).await,
        #[cfg(feature = "s3")]
        Store::S3 { bucket, prefix } => s3::open(context, bucket, prefix),
        #[cfg(not(all(feature = "postgres", feature = "s3")))]
        _ => Err(
            Stop::config("this build of tokens was made without that state store")
                .hint("Build it with the feature postgres or s3, or use file:PATH."),
        ),
    }
}
