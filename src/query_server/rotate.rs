//! A token replaced by another one.

use std::collections::HashSet;
use std::sync::Mutex;

use super::calls::{create, delete, find, new_token, not_found, untouched, value};
use super::models::{OldToken, Rotated};
use super::requests::{Changes, TokenBodyBuilder, check_name, check_new_name};
use super::wire::{CREATE, DELETE, LIST};
use super::{NewToken, Token, TokenBody};
use crate::error::{Error, ErrorKind, Result};
use crate::sync::lock;
use crate::transport::Session;

/// Replaces a token by one of another name, or of its own if there is none.
pub(super) async fn rotate(
    session: &Session,
    name: String,
    to: Option<String>,
    changes: Changes,
) -> Result<Rotated> {
    check_name(session, &LIST, "name", &name)?;
    if let Some(to) = &to {
        check_new_name(session, &CREATE, "new_name", to)?;
        if *to == name {
            let rule = "must differ from the old one; for the same name use rotate_in_place";
            return Err(session.input(&CREATE, "new_name", rule));
        }
    }
    let base = session.core.base.as_str();
    let Some(_alone) = Alone::with(base, &name) else {
        return Err(session
            .error(&LIST, ErrorKind::Conflict)
            .with_reason("another rotation of this token is under way in this process"));
    };
    let old = find(session, &name)
        .await
        .map_err(untouched)?
        .ok_or_else(|| not_found(session, &LIST))?;
    let body = successor(session, &old, to.as_deref().unwrap_or(&name), changes)?;
    match to {
        Some(_) => beside(session, old, body).await,
        None => in_place(session, name, body).await,
    }
}

/// Makes the new token, and deletes the old one only if that is still what it was.
async fn beside(session: &Session, old: Token, body: TokenBody) -> Result<Rotated> {
    let new = new_token(session, create(session, body).await?)?;
    // Every change to a token changes its secret.
    let unchanged = match value(session, old.name.clone()).await {
        Ok(secret) => old.token.is_none_or(|before| before == secret),
        Err(error) if error.is_not_found() => false,
        // It cannot be looked at, and is there as it was for all that is known.
        Err(error) => {
            return Ok(Rotated {
                new,
                old: OldToken::DeleteFailed(error),
            });
        }
    };
    if !unchanged {
        return Err(give_way(session, &new).await);
    }
    let old = match delete(session, old.name).await {
        Ok(()) => OldToken::Deleted,
        Err(error) => OldToken::DeleteFailed(error),
    };
    Ok(Rotated { new, old })
}

/// Removes a successor that nobody holds yet, of a token that somebody else has replaced meanwhile.
async fn give_way(session: &Session, new: &NewToken) -> Error {
    let conflict = session.error(&DELETE, ErrorKind::Conflict).with_reason(
        "somebody else has changed or replaced the token meanwhile; look before trying again",
    );
    match delete(session, new.token().name.clone()).await {
        Ok(()) => conflict.with_reason("the new token was deleted again"),
        Err(error) => conflict
            .with_reason(format!("the new token could not be deleted again: {error}"))
            .with_effect(true),
    }
}

async fn in_place(session: &Session, name: String, body: TokenBody) -> Result<Rotated> {
    delete(session, name).await?;
    let gone = |error: Error| {
        error
            .with_effect(true)
            .with_reason("the old token is deleted, the new one not made")
    };
    let created = create(session, body).await.map_err(gone)?;
    let new = new_token(session, created).map_err(gone)?;
    Ok(Rotated {
        new,
        old: OldToken::Deleted,
    })
}

/// The body of a token like `old`, but for the changes.
fn successor(session: &Session, old: &Token, name: &str, changes: Changes) -> Result<TokenBody> {
    let Changes {
        active,
        write,
        expiry,
    } = changes;
    let expiration_date = match (expiry, old.end()) {
        (Some(_), _) => None,
        (None, Ok(end)) => end,
        (None, Err(_)) => {
            let rule = "must be given: that of the old token cannot be read";
            return Err(session.input(&CREATE, "expiry", rule));
        }
    };
    let token = TokenBodyBuilder::from(TokenBody {
        name: name.to_owned(),
        expiration_date,
        active: Some(active.unwrap_or_else(|| old.is_active())),
        write: Some(write.unwrap_or_else(|| old.can_write())),
    });
    let token = match expiry {
        Some(expiry) => token.expires(expiry),
        None => token,
    };
    token.build(session, &CREATE)
}

/// The tokens that are being rotated in this process, by any client.
static UNDER_WAY: Mutex<Option<HashSet<(String, String)>>> = Mutex::new(None);

/// The one rotation of a token in this process.
struct Alone((String, String));

impl Alone {
    fn with(base: &str, name: &str) -> Option<Self> {
        let token = (base.to_owned(), name.to_owned());
        let mut under_way = lock(&UNDER_WAY);
        let first = under_way.get_or_insert_default().insert(token.clone());
        first.then(|| Self(token))
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        if let Some(under_way) = &mut *lock(&UNDER_WAY) {
            under_way.remove(&self.0);
        }
    }
}
