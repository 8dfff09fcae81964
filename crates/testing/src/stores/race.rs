//! Writers against each other, in one process or in many.

use std::collections::BTreeMap;

use access_tokens::rotation::state::{
    StateStore, StoreError, StoreErrorKind, StoreVersion, Stored, write,
};
use serde_json::json;

use super::report::{Failure, Promise};

/// Write that a writer was told it had won.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Win {
    /// Which write it was.
    pub version: StoreVersion,
    /// Which one it took the place of; `None` for a create.
    pub replaced: Option<StoreVersion>,
}

/// Writes one entry as often as it takes to win so many times, against whoever else does the same,
/// and gives the writes that were won. [`judge`] tells whether two writers won the same.
///
/// ```
/// use access_tokens::rotation::state::MemoryStore;
/// use access_tokens_testing::stores::{judge, race};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::new();
/// let (one, other) =
///     tokio::join!(race(&store, "race", "one", 100), race(&store, "race", "other", 100));
/// let mut wins = one?;
/// wins.extend(other?);
/// judge(&wins)?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Whatever the store fails with, but for lost races.
pub async fn race(
    store: &dyn StateStore,
    name: &str,
    writer: &str,
    wins: usize,
) -> Result<Vec<Win>, StoreError> {
    let mut won = Vec::new();
    while won.len() < wins {
        let found = store.load(name).await?;
        let next = match &found {
            Some(found) => found.next(json!({"writer": writer, "won": won.len()})),
            None => Stored::new(name, json!({"writer": writer, "won": 0})),
        };
        let replaced = found.map(|found| found.version);
        match write(store, replaced.as_ref(), &next).await {
            Ok(()) => won.push(Win {
                version: next.version,
                replaced,
            }),
            Err(error)
                if matches!(
                    error.kind(),
                    StoreErrorKind::Superseded | StoreErrorKind::Exists
                ) =>
            {
                tokio::task::yield_now().await;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(won)
}

/// Whether the wins of all writers of one entry, taken together, are one chain: each generation was
/// won once, and each write took the place of the one before it.
///
/// # Errors
/// The generation that was won twice, or the write that took the place of another than it was told.
pub fn judge(wins: &[Win]) -> Result<(), Failure> {
    let failure = |seen: String| Err(Failure::new(Promise::WritersNeverBothWin, seen));
    let mut by_generation = BTreeMap::new();
    for win in wins {
        if let Some(other) = by_generation.insert(win.version.generation, win) {
            return failure(format!("{} and {} both won", other.version, win.version));
        }
    }
    let mut chain = by_generation.values().copied();
    let mut before = chain.next();
    for win in chain {
        let replaced = before.map(|before| &before.version);
        if win.replaced.as_ref() != replaced {
            let text = format!(
                "{} took the place of a write that is not the one before it",
                win.version
            );
            return failure(text);
        }
        before = Some(win);
    }
    Ok(())
}
