//! What the client's methods are made of: single requests, and the flows that make them safe.

use super::client::{CREATE, DELETE, LIST, VALUE};
use super::models::{Created, Liveness};
use super::requests::{Changes, TokenDraft};
use super::{NewToken, Token, TokenBody, TokenDelete, TokenValues, Tokens};
use crate::error::{Error, ErrorKind, Result};
use crate::generated::query_server::Client as Wire;
use crate::secret::Secret;
use crate::transport::{Operation, Session, unseen};

/// How often a token that came out unusable is made anew.
const ROUNDS: u32 = 3;

pub(super) async fn list(session: &Session) -> Result<Tokens> {
    session
        .call(&LIST, Wire::new_with_client, async |wire: Wire| {
            wire.list_tokens().await
        })
        .await
}

pub(super) async fn find(session: &Session, name: &str) -> Result<Option<Token>> {
    Ok(list(session)
        .await?
        .data
        .into_iter()
        .find(|token| token.name == name))
}

pub(super) async fn value(session: &Session, name: String) -> Result<Option<Secret>> {
    let send = async move |wire: Wire| wire.get_token_value(&name).await;
    let values: TokenValues = session.call(&VALUE, Wire::new_with_client, send).await?;
    Ok(values.data.into_iter().find_map(|value| value.token))
}

pub(super) async fn delete(session: &Session, name: String) -> Result<()> {
    let body = TokenDelete { name };
    let send = async move |wire: Wire| wire.delete_token(&body).await;
    session.call(&DELETE, Wire::new_with_client, send).await
}

async fn post(session: &Session, body: TokenBody) -> Result<()> {
    let send = async move |wire: Wire| wire.create_token(&body).await;
    session.call(&CREATE, Wire::new_with_client, send).await
}

pub(super) async fn create(session: &Session, body: TokenBody) -> Result<Created> {
    if value(session, body.name.clone()).await?.is_some()
        && let Some(token) = find(session, &body.name).await?
    {
        return Ok(Created::AlreadyExists(token));
    }
    for _ in 0..ROUNDS {
        let lost = match post(session, body.clone()).await {
            Ok(()) => None,
            Err(error) if error.is_outcome_unknown() => Some(error),
            Err(error) => return Err(error),
        };
        let token = match (find(session, &body.name).await, lost) {
            (Ok(Some(token)), _) => token,
            // The answer was lost, and so far there is nothing to see.
            (_, Some(lost)) => return Err(lost),
            (Err(error), None) => return Err(unseen(error, &CREATE)),
            (Ok(None), None) => {
                return Err(session
                    .error(&CREATE, ErrorKind::Conflict)
                    .with_reason("the new token was deleted before it could be read")
                    .with_effect(true));
            }
        };
        if !is_like(&token, &body) {
            // Somebody else was faster.
            return Ok(Created::AlreadyExists(token));
        }
        let wrong_end = body.expiration_date.is_none() != token.never_expires();
        let dead = token.liveness(session.core.clock.now()) == Liveness::Unusable;
        if !wrong_end && !dead {
            return with_secret(session, &CREATE, token).map(Created::New);
        }
        delete(session, body.name.clone()).await?;
    }
    Err(session
        .error(&CREATE, ErrorKind::Server)
        .with_reason("it keeps making tokens that it does not accept; they were removed again"))
}

/// Whether a row can be the one that was asked for.
fn is_like(token: &Token, body: &TokenBody) -> bool {
    token.is_active() == body.active.unwrap_or(true)
        && token.can_write() == body.write.unwrap_or(true)
        && body
            .expiration_date
            .is_none_or(|at| at == token.expiration_date)
}

/// The body of a token like `old`, but for the changes.
pub(super) fn successor(
    session: &Session,
    old: &Token,
    name: &str,
    changes: Changes,
) -> Result<TokenBody> {
    let mut draft = TokenDraft {
        body: TokenBody {
            name: name.to_owned(),
            active: Some(changes.active.unwrap_or_else(|| old.is_active())),
            write: Some(changes.write.unwrap_or_else(|| old.can_write())),
            expiration_date: None,
        },
        expiry: changes.expiry,
    };
    if changes.expiry.is_none() && !old.never_expires() {
        draft.body.expiration_date = Some(old.expiration_date);
    }
    draft.body(session, &CREATE)
}

pub(super) fn new_token(session: &Session, created: Created) -> Result<NewToken> {
    created.into_new().ok_or_else(|| {
        session
            .error(&CREATE, ErrorKind::Conflict)
            .with_reason("the new name is taken already")
    })
}

/// Splits the secret off a row that must hold it.
pub(super) fn with_secret(
    session: &Session,
    operation: &Operation,
    mut token: Token,
) -> Result<NewToken> {
    match token.token.take() {
        Some(secret) => Ok(NewToken::new(token, secret)),
        None => Err(session
            .error(operation, ErrorKind::Decode)
            .with_reason("the token's row holds no secret")
            .with_effect(true)),
    }
}

pub(super) fn not_found(session: &Session, operation: &Operation) -> Error {
    session
        .error(operation, ErrorKind::NotFound)
        .with_reason("there is no token with this name")
}
