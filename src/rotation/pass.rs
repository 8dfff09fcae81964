//! Many managed tokens at once.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::Either;
use futures_util::stream::{self, Stream, StreamExt as _};

use super::error::Error;
use super::keeper::Keeper;
use super::outcome::Report;
use super::problem::Problem;
use super::run::{Account, How, take_step, tick};
use super::token::ManagedToken;

/// A token and the account that it shares with others.
type Entry = (ManagedToken, Account);

/// Ticks all of them, some at a time; reports as they come.
pub(super) fn pass(
    keeper: Keeper,
    tokens: Vec<ManagedToken>,
    concurrency: usize,
    impatient: bool,
) -> impl Stream<Item = Report> + Send + use<> {
    let refused = same_places(&tokens);
    let accounts = accounts(&tokens);
    let (bad, good): (Vec<_>, Vec<_>) = tokens
        .into_iter()
        .zip(accounts)
        .partition(|(token, _)| refused.contains_key(token.name()));
    let bad = bad.into_iter().filter_map(move |(token, _)| {
        let text = refused.get(token.name())?;
        Some(Report::failed(Error::declaration(token.name(), text)))
    });
    let bad: Vec<Report> = bad.collect();
    let first = {
        let keeper = keeper.clone();
        stream::iter(good)
            .map(move |entry| one(keeper.clone(), entry, impatient))
            .buffer_unordered(concurrency)
    };
    // Reports go out as they come; what waits for steps after the delivery comes last.
    let parts = first.map(Some).chain(stream::iter([None]));
    let later = parts
        .scan(
            Vec::new(),
            move |waiting: &mut Vec<(Entry, Report)>, part| {
                let out = match part {
                    Some((entry, report, true)) => {
                        waiting.push((entry, report));
                        Either::Left(stream::iter(Vec::new()))
                    }
                    Some((_, report, false)) => Either::Left(stream::iter(vec![report])),
                    None => {
                        Either::Right(after(keeper.clone(), std::mem::take(waiting), concurrency))
                    }
                };
                std::future::ready(Some(out))
            },
        )
        .flatten();
    stream::iter(bad).chain(later)
}

async fn one(keeper: Keeper, entry: Entry, impatient: bool) -> (Entry, Report, bool) {
    if let Err(error) = keeper.prove(entry.0.name()).await {
        return (entry, Report::failed(error), false);
    }
    let how = How {
        impatient,
        defer_after: true,
        ..How::default()
    };
    let ticked = tick(keeper.context(), &entry.0, &entry.1, how).await;
    (entry, ticked.report, ticked.after_due)
}

/// Takes each step once, for all tokens that wait for it, then goes on with those.
fn after(
    keeper: Keeper,
    waiting: Vec<(Entry, Report)>,
    concurrency: usize,
) -> impl Stream<Item = Report> + Send {
    let limit = keeper.context().times.act;
    stream::once(async move {
        let results = Arc::new(take_steps(&waiting, limit).await);
        stream::iter(waiting)
            .map(move |(entry, report)| finish(keeper.clone(), entry, report, Arc::clone(&results)))
            .buffer_unordered(concurrency)
    })
    .flatten()
}

async fn take_steps(
    waiting: &[(Entry, Report)],
    limit: Duration,
) -> BTreeMap<String, Result<(), Problem>> {
    let mut results = BTreeMap::new();
    let steps = waiting
        .iter()
        .flat_map(|((token, _), _)| &token.declared().after);
    for step in steps {
        if results.contains_key(step.id()) {
            continue;
        }
        let wants = |token: &&ManagedToken| {
            token
                .declared()
                .after
                .iter()
                .any(|other| other.id() == step.id())
        };
        let names = waiting.iter().map(|((token, _), _)| token).filter(wants);
        let names = names.map(|token| token.name().to_owned()).collect();
        results.insert(step.id().to_owned(), take_step(step, names, limit).await);
    }
    results
}

async fn finish(
    keeper: Keeper,
    (token, account): Entry,
    before: Report,
    results: Arc<BTreeMap<String, Result<(), Problem>>>,
) -> Report {
    let mut steps = token.declared().after.iter();
    let done = steps.try_for_each(|step| results.get(step.id()).cloned().unwrap_or(Ok(())));
    let how = How {
        after: Some(done),
        ..How::default()
    };
    let then = tick(keeper.context(), &token, &account, how).await.report;
    before.followed_by(then)
}

/// The account of each token: one for all that share their client.
fn accounts(tokens: &[ManagedToken]) -> Vec<Account> {
    let mut known: HashMap<*const (), Account> = HashMap::new();
    let of = |token: &ManagedToken| {
        let service = &token.declared().service;
        let place = Arc::as_ptr(service).cast::<()>();
        known
            .entry(place)
            .or_insert_with(|| Account::new(Arc::clone(service)))
            .clone()
    };
    tokens.iter().map(of).collect()
}

/// Tokens that are refused, and why: two of a name, or two that write to the same place.
fn same_places(tokens: &[ManagedToken]) -> HashMap<String, String> {
    let (mut names, mut places) = (HashSet::new(), HashMap::<&str, &str>::new());
    let mut refused = HashMap::new();
    for token in tokens {
        if !names.insert(token.name()) {
            let text = format!("two managed tokens are named {:?}", token.name());
            refused.insert(token.name().to_owned(), text);
            continue;
        }
        for id in token.sink_ids() {
            if let Some(other) = places.insert(id, token.name()) {
                let text = format!(
                    "{other:?} and {:?} write to the same place: {id}",
                    token.name()
                );
                refused.insert(other.to_owned(), text.clone());
                refused.insert(token.name().to_owned(), text);
            }
        }
    }
    refused
}
