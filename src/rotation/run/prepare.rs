//! The last looks before a create.

use std::sync::Arc;
use std::time::Duration;

use super::super::record::{Life, MadeLike, Template};
use super::super::token::{Declared, Property, Source};
use super::super::{kind::ErrorKind, problem::Problem};
use super::answers::{Prepared, owner_of};
use super::confirm::of_service;
use super::sinks::check;
use crate::service::{OwnCredential, TokenKind, TokenRecord};

/// A problem, and the service's error behind it.
pub(super) type Failed = (Problem, Option<Arc<crate::Error>>);

/// Tries the sinks, sees whose credential the token is, and reads what the successor is made after.
pub(super) async fn prepare(
    declared: &Declared,
    current: Option<TokenRecord>,
    mut made_like: MadeLike,
    limit: Duration,
) -> Result<Prepared, Failed> {
    for sink in &declared.sinks {
        check(sink.as_ref(), limit).await.map_err(|p| (p, None))?;
    }
    let service = &declared.service;
    if matches!(declared.rules.life, Some(Life::Seconds(_)))
        && !service.capabilities().expiry_on_create
    {
        let text = "the service cannot be told when a token ends; leave the lifetime out";
        return Err((Problem::person(ErrorKind::Declaration, text), None));
    }
    let failed = |error: crate::Error| (of_service(&error), Some(Arc::new(error)));
    let mut own_credential = false;
    if let Some(current) = current {
        own_credential = match service.is_own_credential(&current).await.map_err(failed)? {
            OwnCredential::No => false,
            own if declared.allow_own_credential => own == OwnCredential::Yes,
            own => {
                let is = if own == OwnCredential::Yes {
                    "is"
                } else {
                    "may be"
                };
                let text = format!(
                    "{} {is} the credential that the client itself uses",
                    current.key
                );
                return Err((Problem::person(ErrorKind::OwnCredential, text), None));
            }
        };
        if !matches!(declared.source, Source::Create(_)) {
            foreign_owner(declared, &current).await?;
            let template = service.template(&current.key).await.map_err(failed)?;
            made_like.template = Template::from(template);
            (made_like.owner, made_like.kind) = (owner_of(&current), current.kind);
        }
    }
    if let Source::Create(template) = &declared.source {
        made_like.template = Template::from(template.clone());
    }
    Ok(Prepared {
        made_like,
        own_credential,
    })
}

/// A service gives what it creates to the caller, so somebody else's personal token cannot be
/// followed by one like it.
async fn foreign_owner(declared: &Declared, current: &TokenRecord) -> Result<(), Failed> {
    if current.kind != TokenKind::Personal || declared.accepted.contains(&Property::Owner) {
        return Ok(());
    }
    let Ok(caller) = declared.service.whoami().await else {
        // It is compared once the successor is there.
        return Ok(());
    };
    let owners = [current.owner.as_deref(), current.owner_id.as_deref()];
    match caller.owner.as_deref() {
        Some(owner) if owners.iter().any(Option::is_some) && !owners.contains(&Some(owner)) => {
            let text = format!(
                "{} is the personal token of somebody else: its successor would belong to {}",
                current.key,
                crate::text::escape_untrusted(owner, 80)
            );
            Err((Problem::person(ErrorKind::NotAsRequested, text), None))
        }
        _ => Ok(()),
    }
}
