//! What the promises are made of: calls by many at once, and what is looked at afterwards.

use std::sync::Arc;

use access_tokens::rotation::state::{
    Listed, StateStore, StoreError, StoreErrorKind as Kind, StoreVersion,
};
use tokio::task::JoinSet;

use super::Run;
use super::report::{Failure, Promise};

/// How many tasks race at a time.
pub(super) const TASKS: usize = 8;

/// Does something in many tasks at once, over all handles.
pub(super) async fn at_once<T, F>(
    run: &Run<'_>,
    make: impl Fn(Arc<dyn StateStore>, usize) -> F,
) -> Result<Vec<T>, Failure>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(tokio::sync::Barrier::new(TASKS));
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let (start, work) = (Arc::clone(&start), make(run.handle(task), task));
        tasks.spawn(async move {
            start.wait().await;
            work.await
        });
    }
    let mut results = Vec::new();
    while let Some(result) = tasks.join_next().await {
        let panicked = |_| Failure::new(Promise::Probes, "the store panicked");
        results.push(result.map_err(panicked)?);
    }
    Ok(results)
}

/// The one that won; all others have to have lost, in the way that they should.
pub(super) fn only_winner<T>(
    promise: Promise,
    results: Vec<(T, Result<(), StoreError>)>,
    lost: Kind,
) -> Result<T, Failure> {
    let mut winner = None;
    for (what, result) in results {
        match result {
            Ok(()) if winner.is_some() => {
                return Err(Failure::new(promise, "two writers were told that they won"));
            }
            Ok(()) => winner = Some(what),
            Err(error) if error.kind() == lost => {}
            Err(error) => return Err(Failure::call(promise, "a lost race", &error)),
        }
    }
    winner.ok_or_else(|| Failure::new(promise, "nobody won a race"))
}

/// Every handle sees this version.
pub(super) async fn seen(run: &Run<'_>, name: &str, version: &StoreVersion) -> Result<(), Failure> {
    let promise = Promise::AnsweredIsSeen;
    for handle in run.handles {
        let found = handle.load(name).await;
        let found = found.map_err(|error| Failure::call(promise, "load", &error))?;
        if found.is_none_or(|found| found.version != *version) {
            return Err(Failure::new(
                promise,
                "a handle shows something else than what was written",
            ));
        }
    }
    Ok(())
}

pub(super) async fn handle_list(
    run: &Run<'_>,
    prefix: &str,
    promise: Promise,
) -> Result<Vec<Listed>, Failure> {
    let listed = run.handle(1).list(prefix).await;
    listed.map_err(|error| Failure::call(promise, "list", &error))
}

pub(super) fn made(promise: Promise, result: Result<(), StoreError>) -> Result<(), Failure> {
    result.map_err(|error| Failure::call(promise, "a plain write", &error))
}

pub(super) fn refuses(
    promise: Promise,
    what: &str,
    result: Result<(), StoreError>,
) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() == Kind::Superseded => Ok(()),
        Err(error) => Err(Failure::call(promise, what, &error)),
        Ok(()) => Err(Failure::new(promise, format!("{what} succeeds"))),
    }
}
