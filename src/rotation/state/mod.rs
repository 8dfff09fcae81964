//! State of managed tokens, kept where every runner finds it.
//!
//! A [`StateStore`] keeps one small JSON record under each name and changes it by *compare-and-swap*
//! only: a write says which version it replaces, and is refused if another one is there. That, and
//! no lock, is what makes any number of runners on any number of machines safe. No secret is ever
//! part of a record.
//!
//! | store | survives | shared by |
//! |---|---|---|
//! | [`MemoryStore`] | nothing | the tasks of one process |
//! | [`FileStore`] | kills, crashes of the machine | the processes of one machine |
//!
//! ```
//! use access_tokens::rotation::state::{MemoryStore, StateStore, StoreErrorKind, Stored, write};
//! use serde_json::json;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = MemoryStore::new();
//! store.probe().await?; // it can be written, and refuses what it has to refuse
//!
//! let first = Stored::new("token/nightly-export", json!({"counter": 0}));
//! write(&store, None, &first).await?;
//!
//! // Two runners have read the same version. One of them wins.
//! let (mine, theirs) = (first.next(json!({"counter": 1})), first.next(json!({"counter": 2})));
//! write(&store, Some(&first.version), &theirs).await?;
//! let lost = write(&store, Some(&first.version), &mine).await.unwrap_err();
//! assert_eq!(lost.kind(), StoreErrorKind::Superseded);
//! assert_eq!(store.load("token/nightly-export").await?, Some(theirs));
//! # Ok(())
//! # }
//! ```

mod error;
mod file;
mod lock;
mod memory;
mod name;
mod probe;
mod store;
mod stored;
mod write;

pub use error::{StoreError, StoreErrorKind};
pub use file::FileStore;
pub use lock::{LocalGuard, LocalLock};
pub use memory::MemoryStore;
pub use name::check_name;

pub use super::name::{escape_name, unescape_name};
pub use probe::{PROBE_PREFIX, probe};
pub use store::StateStore;
pub use stored::{Listed, StoreVersion, Stored, Unreadable};
pub use write::{remove, write};
