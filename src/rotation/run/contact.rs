//! The first contact: which token a declaration means, and the record that remembers it.

use super::super::error::Error;
use super::super::record::{Life, MadeLike, Record, Stamp, Template, Token};
use super::super::sink::{Holds, SinkKind};
use super::super::state::{self, StoreErrorKind, Stored};
use super::super::token::{Declared, Source};
use super::super::{kind::ErrorKind, problem::Problem};
use super::account::Snapshot;
use super::answers::{mark_of, marked, owner_of};
use super::claims::{claim, elsewhere, retired};
use super::confirm::of_service;
use super::context::{Context, token_entry};
use super::draft::{entry, is_draft};
use super::sinks::observe;
use crate::marker::Marker;
use crate::service::{TokenRecord, TokenState};

/// What a first contact comes to.
pub(crate) struct Contact {
    pub(crate) stored: Stored,
    /// What somebody should know.
    pub(crate) warning: Option<String>,
}

/// Finds the token and makes the record. Nothing is changed at the service or in a sink.
///
/// `earlier`: what an attempt at it that failed has left.
pub(crate) async fn contact(
    context: &Context,
    declared: &Declared,
    listing: &Snapshot,
    earlier: Option<&Stored>,
) -> Result<Contact, Error> {
    let (record, warning) = match draft(context, declared, listing).await {
        Ok(drafted) => drafted,
        // What stands in the way may be what another runner has made of it in the meantime.
        Err(error) => {
            let now = context.store.load(&token_entry(&declared.name)).await;
            return match now {
                Ok(Some(stored)) if !is_draft(&stored) => Ok(Contact {
                    stored,
                    warning: None,
                }),
                _ => Err(error),
            };
        }
    };
    if let Some(token) = &record.current {
        claim(context, declared, &token.key).await?;
    }
    let error = |error| Error::store(&declared.name, &error);
    let stored = entry(declared, &record, earlier)?;
    match state::write(&*context.store, earlier.map(|e| &e.version), &stored).await {
        Ok(()) => Ok(Contact { stored, warning }),
        // Another runner made the first contact at the same time.
        Err(lost)
            if matches!(
                lost.kind(),
                StoreErrorKind::Exists | StoreErrorKind::Superseded
            ) =>
        {
            let found = context.store.load(&stored.name).await.map_err(error)?;
            let stored = found.ok_or_else(|| error(lost))?;
            Ok(Contact { stored, warning })
        }
        Err(other) => Err(error(other)),
    }
}

/// The record as a first contact would make it, and what somebody should know.
pub(crate) async fn draft(
    context: &Context,
    declared: &Declared,
    listing: &Snapshot,
) -> Result<(Record, Option<String>), Error> {
    let name = &declared.name;
    let mut warning = None;
    let delivered = delivered(context, declared, listing)
        .await
        .map_err(|p| Error::problem(name, &p))?;
    let found = find(context, declared, listing, delivered.as_ref()).await?;
    let service = declared.service.service();
    let mut record = Record::new(name, service.name(), declared.account.as_deref());
    record.made_like = match (&found, &declared.source) {
        (_, Source::Create(template)) => of_template(name, template),
        (Some(token), _) => {
            let template = declared.service.template(&token.key).await;
            let template = template.map_err(|error| {
                Error::problem(name, &of_service(&error))
                    .caused_by(Some(std::sync::Arc::new(error)))
            })?;
            of_token(token, Template::from(template))
        }
        (None, _) => MadeLike::default(),
    };
    if let Some(token) = found {
        if token.state == TokenState::Inactive {
            if let Some(text) = retired(context, &token.key).await {
                return Err(Error::new(name, ErrorKind::Retired, text).for_a_person());
            }
            let text = format!(
                "{} is switched off or revoked; adopt another one",
                token.key
            );
            return Err(Error::new(name, ErrorKind::Gone, text).for_a_person());
        }
        let mark = mark_of(&token);
        if let Some(mark) = &mark {
            if delivered.as_ref().is_none_or(|d| d.key != token.key) && !declared.reclaim {
                return Err(elsewhere(context, declared, &token.key, Some(mark)).await);
            }
            warning = Some(format!(
                "{} was made by an earlier state, and is taken on again",
                token.key
            ));
        }
        record.current = Some(Token {
            key: token.key.clone(),
            mark: mark.unwrap_or_else(|| record.incarnation.attempt(0)),
            revision: token.revision.clone(),
            made_at: token
                .created
                .time()
                .map_or(Stamp::of(declared.service.now()), Stamp::of),
            expires: token.expires.time().map(Stamp::of),
            settles_at: None,
        });
    }
    let ids: Vec<String> = declared
        .rules
        .sinks
        .iter()
        .map(|sink| sink.id.clone())
        .collect();
    record.align_sinks(&ids);
    for sink in &mut record.sinks {
        sink.added = false;
    }
    Ok((record, warning))
}

fn of_template(name: &str, template: &crate::TokenTemplate) -> MadeLike {
    let named = template
        .properties()
        .get("name")
        .and_then(serde_json::Value::as_str);
    MadeLike {
        name: Some(Marker::stripped(named.unwrap_or(name)).to_owned()),
        template: Template::from(template.clone()),
        ..MadeLike::default()
    }
}

fn of_token(token: &TokenRecord, template: Template) -> MadeLike {
    let name = token.name.as_deref().unwrap_or(token.key.as_str());
    let life = match (token.expires, token.created.time()) {
        (crate::When::Never, _) => Life::Endless,
        (crate::When::At(end), Some(created)) => match end.duration_since(created) {
            Ok(span) => Life::Seconds(span.as_secs().max(1)),
            Err(_) => Life::Unknown,
        },
        _ => Life::Unknown,
    };
    MadeLike {
        name: Some(Marker::stripped(name).trim_end().to_owned()),
        template,
        life,
        owner: owner_of(token),
        kind: token.kind,
    }
}

/// The token whose secret all sinks say they hold, by the mark of an earlier state: the evidence by
/// which a lost state is found again.
async fn delivered(
    context: &Context,
    declared: &Declared,
    listing: &Snapshot,
) -> Result<Option<TokenRecord>, Problem> {
    let mut marks = Vec::new();
    for sink in declared
        .sinks
        .iter()
        .filter(|sink| sink.kind() != SinkKind::Blind)
    {
        marks.push(observe(sink.as_ref(), None, context.times.act).await?.holds);
    }
    let Some(Holds::Attempt(mark)) = marks.first() else {
        return Ok(None);
    };
    let all = marks
        .iter()
        .all(|holds| *holds == Holds::Attempt(mark.clone()));
    Ok(marked(&listing.tokens, mark).filter(|_| all).cloned())
}

async fn find(
    context: &Context,
    declared: &Declared,
    listing: &Snapshot,
    delivered: Option<&TokenRecord>,
) -> Result<Option<TokenRecord>, Error> {
    let name = &declared.name;
    let error = |kind, text: String| Error::new(name, kind, text).for_a_person();
    match &declared.source {
        Source::Key(key) => match followed(listing.get(key), delivered) {
            Some(token) => Ok(Some(token.clone())),
            None => Err(match retired(context, key).await {
                Some(retired) => error(ErrorKind::Retired, retired),
                None => error(ErrorKind::NotFound, format!("there is no token {key}")),
            }),
        },
        Source::Name(wanted) => {
            let fits = |token: &&TokenRecord| {
                let name = token.name.as_deref().unwrap_or(token.key.as_str());
                let named = name == wanted || Marker::stripped(name) == wanted;
                named && token.state != TokenState::Inactive
            };
            let found: Vec<&TokenRecord> = listing.tokens.iter().filter(fits).collect();
            if let Some(token) = delivered.filter(|d| found.iter().any(|token| token.key == d.key))
            {
                return Ok(Some(token.clone()));
            }
            match found.as_slice() {
                [one] => Ok(Some((*one).clone())),
                [] => Err(error(
                    ErrorKind::NotFound,
                    format!("there is no token named {wanted:?}"),
                )),
                _ => {
                    let text = format!("several tokens are named {wanted:?}: {}", keys(&found));
                    Err(error(ErrorKind::Ambiguous, text))
                }
            }
        }
        Source::Create(template) => {
            if delivered.is_some() {
                return Ok(delivered.cloned());
            }
            let wanted = of_template(name, template).name;
            let similar = |token: &&TokenRecord| {
                let name = token.name.as_deref().unwrap_or(token.key.as_str());
                let named = Some(Marker::stripped(name).trim_end()) == wanted.as_deref();
                named && mark_of(token).is_some() && token.state != TokenState::Inactive
            };
            let similar: Vec<&TokenRecord> = listing.tokens.iter().filter(similar).collect();
            if similar.is_empty() {
                return Ok(None);
            }
            // A state that is lost at every start must not make a token at every start.
            let text = format!(
                "an earlier state has made tokens of this name ({}); adopt one of them and reclaim it, or delete them",
                keys(&similar)
            );
            Err(error(ErrorKind::ManagedElsewhere, text))
        }
    }
}

/// The token that was declared, or the successor of it that all sinks hold.
fn followed<'a>(
    declared: Option<&'a TokenRecord>,
    delivered: Option<&'a TokenRecord>,
) -> Option<&'a TokenRecord> {
    let (Some(first), Some(last)) = (declared, delivered) else {
        return declared.or(delivered);
    };
    let name = |token: &'a TokenRecord| {
        let name = token.name.as_deref().unwrap_or(token.key.as_str());
        Marker::stripped(name).trim_end()
    };
    let follows = name(first) == name(last) && last.state != TokenState::Inactive;
    Some(if follows { last } else { first })
}

fn keys(tokens: &[&TokenRecord]) -> String {
    const MOST: usize = 10;
    let keys = tokens.iter().take(MOST).map(|token| token.key.to_string());
    let more = if tokens.len() > MOST { ", …" } else { "" };
    format!("{}{more}", keys.collect::<Vec<_>>().join(", "))
}
