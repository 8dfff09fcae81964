//! Many managed tokens at once.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::Either;
use futures_util::stream::{self, Stream, StreamExt as _};

use super::error::Error;
use super::outcome::Report;
use super::problem::Problem;
use super::run::{self, Account, Context, How, Known, take_step, tick};
use super::token::ManagedToken;

/// A token and the account that it shares with others.
type Entry = (ManagedToken, Account);

/// Ticks all of them, some at a time; reports as they come.
pub(super) fn pass(
    context: Context,
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
        let error = Error::declaration(token.name(), text);
        Some((token, error))
    });
    let bad: Vec<(ManagedToken, Error)> = bad.collect();
    let refusing = context.clone();
    let bad = stream::iter(bad).then(move |(token, error)| {
        let context = refusing.clone();
        async move { run::refused(&context, token.declared(), error).await }
    });
    let rotated = context.clone();
    // Reports go out as they come; what waits for steps after the delivery comes last.
    let parts = first(context, good, concurrency, impatient)
        .map(Some)
        .chain(stream::iter([None]));
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
                        Either::Right(after(rotated.clone(), std::mem::take(waiting), concurrency))
                    }
                };
                std::future::ready(Some(out))
            },
        )
        .flatten();
    bad.chain(later)
}

/// The first tick of each. Those that may be the credential of their own client come last, once
/// nothing else needs it any more.
fn first(
    context: Context,
    entries: Vec<Entry>,
    concurrency: usize,
    impatient: bool,
) -> impl Stream<Item = (Entry, Report, bool)> + Send {
    let many = entries.len() > 1;
    let (last, first): (Vec<_>, Vec<_>) = entries
        .into_iter()
        .partition(|(token, _)| token.declared().allow_own_credential);
    let known = stream::once(async move {
        let known = if many {
            // Once for all; what is wrong with the store is told for each of them.
            let _ = context.prove("").await;
            Known::read(&context).await.map(Arc::new)
        } else {
            None
        };
        (context, known)
    });
    known.flat_map(move |(context, known)| {
        let [first, last] = [first.clone(), last.clone()].map(|entries| {
            let (context, known) = (context.clone(), known.clone());
            stream::iter(entries)
                .map(move |entry| one(context.clone(), entry, impatient, known.clone()))
                .buffer_unordered(concurrency)
        });
        first.chain(last)
    })
}

async fn one(
    context: Context,
    entry: Entry,
    impatient: bool,
    known: Option<Arc<Known>>,
) -> (Entry, Report, bool) {
    let how = How {
        impatient,
        defer_after: true,
        known,
        ..How::default()
    };
    let ticked = tick(&context, &entry.0, &entry.1, how).await;
    (entry, ticked.report, ticked.after_due)
}

/// Takes each step once, for all tokens that wait for it, then goes on with those.
fn after(
    context: Context,
    waiting: Vec<(Entry, Report)>,
    concurrency: usize,
) -> impl Stream<Item = Report> + Send {
    let limit = context.times.act;
    stream::once(async move {
        let results = Arc::new(take_steps(&waiting, limit).await);
        stream::iter(waiting)
            .map(move |(entry, report)| {
                finish(context.clone(), entry, report, Arc::clone(&results))
            })
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
        let mut names: Vec<_> = names.map(|token| token.name().to_owned()).collect();
        names.sort();
        results.insert(step.id().to_owned(), take_step(step, names, limit).await);
    }
    results
}

async fn finish(
    context: Context,
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
    let then = tick(&context, &token, &account, how).await.report;
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
