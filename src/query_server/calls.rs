//! The calls: single requests, and the flows that make them safe to use.

use std::time::SystemTime;

use super::models::{Created, Liveness, Updated};
use super::requests::{Changes, check_name};
use super::wire::{CREATE, DELETE, LIST, UPDATE, VALUE};
use super::{NewToken, Token, TokenBody, Tokens};
use crate::error::{Error, ErrorKind, Result};
use crate::generated::query_server::Client as Wire;
use crate::generated::query_server::types::{TokenDelete, TokenUpdate, TokenValue, TokenValues};
use crate::id::Service;
use crate::secret::Secret;
use crate::time::{Expiry, UnixSeconds};
use crate::transport::{Items, Operation, Session};

/// How often a token that came out unusable is made anew.
const ROUNDS: u32 = 3;

pub(super) async fn list(session: &Session) -> Result<Tokens> {
    let send = async |wire: Wire| wire.list_tokens().await;
    let items = Items::new("name").within("data");
    let result = session
        .call_for_list::<_, Tokens, _>(&LIST, items, send)
        .await;
    let (tokens, data) = result.map_err(|(error, _)| error)?;
    Ok(Tokens {
        data: data.unwrap_or(tokens.data),
    })
}

pub(super) async fn find(session: &Session, name: &str) -> Result<Option<Token>> {
    let found = list(session)
        .await?
        .data
        .find(name, |token| token.name == name);
    found.map_err(|item| Error::unreadable(Service::QUERY_SERVER, item).with_operation(LIST.id()))
}

/// The entries under a name: one, or none.
async fn values(session: &Session, name: String) -> Result<Vec<TokenValue>> {
    let send = async move |wire: Wire| wire.get_token_value(&name).await;
    let values: TokenValues = session.call(&VALUE, send).await?;
    Ok(values.data)
}

pub(super) async fn exists(session: &Session, name: String) -> Result<bool> {
    Ok(!values(session, name).await?.is_empty())
}

pub(super) async fn value(session: &Session, name: String) -> Result<Secret> {
    match values(session, name).await?.pop() {
        Some(TokenValue {
            token: Some(secret),
            ..
        }) => Ok(secret),
        Some(_) => Err(session
            .answered(&VALUE, ErrorKind::Decode)
            .with_reason("the answer holds no secret")),
        None => Err(not_found(session, &VALUE)),
    }
}

pub(super) async fn delete(session: &Session, name: String) -> Result<()> {
    let body = TokenDelete { name };
    let send = async move |wire: Wire| wire.delete_token(&body).await;
    session.call(&DELETE, send).await
}

async fn post(session: &Session, body: TokenBody) -> Result<()> {
    let send = async move |wire: Wire| wire.create_token(&body).await;
    session.call(&CREATE, send).await
}

pub(super) async fn create(session: &Session, body: TokenBody) -> Result<Created> {
    if exists(session, body.name.clone())
        .await
        .map_err(untouched)?
        && let Some(token) = find(session, &body.name).await.map_err(untouched)?
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
            (Err(error), None) => return Err(session.outcome_unknown(&CREATE, error)),
            (Ok(None), None) => {
                return Err(session
                    .error(&CREATE, ErrorKind::Conflict)
                    .with_reason("the new token was deleted before it could be read")
                    .with_effect(true));
            }
        };
        match what_came_out(&token, &body, session.core.service_now()) {
            CameOut::AsAsked => {
                return with_secret(session, &CREATE, token).map(Created::New);
            }
            // Somebody else was faster, or has changed it since.
            CameOut::Otherwise => return Ok(Created::AlreadyExists(token)),
            CameOut::Stillborn => {}
        }
        delete(session, body.name.clone()).await.map_err(|error| {
            error
                .with_reason("a token was made that the server does not accept")
                .with_effect(true)
        })?;
    }
    Err(session
        .error(&CREATE, ErrorKind::Server)
        .with_reason("it keeps making tokens that it does not accept; they were removed again"))
}

/// For a look before anything is changed: the call as a whole has had no effect.
pub(super) fn untouched(error: Error) -> Error {
    error.with_effect(false)
}

enum CameOut {
    AsAsked,
    Otherwise,
    /// The server marks "never expires" by an expiry that equals the time of the change, and takes the
    /// two from two clocks. If a second ticks in between, the token is over when it is made; and an
    /// expiry that happens to be this very second never comes.
    Stillborn,
}

fn what_came_out(token: &Token, body: &TokenBody, now: SystemTime) -> CameOut {
    let like = token.is_active() == body.active.unwrap_or(true)
        && token.can_write() == body.write.unwrap_or(true)
        && body
            .expiration_date
            .is_none_or(|at| Some(at) == token.expiration_date);
    if !like || token.liveness(now) == Liveness::Unusable {
        return CameOut::Otherwise;
    }
    match (body.expiration_date.is_none(), token.never_expires()) {
        (true, true) | (false, false) => CameOut::AsAsked,
        (false, true) => CameOut::Stillborn,
        // One that still lives was made by somebody else.
        (true, false) if token.is_over(now) => CameOut::Stillborn,
        (true, false) => CameOut::Otherwise,
    }
}

pub(super) async fn update(session: &Session, name: String, changes: Changes) -> Result<Updated> {
    check_name(session, &UPDATE, "name", &name)?;
    if changes == Changes::new() {
        let rule =
            "must hold something to change; for a new secret use rotate_in_place or rotate_to";
        return Err(session.input(&UPDATE, "changes", rule));
    }
    if changes.expiry == Some(Expiry::Never) {
        let rule = "cannot become never by an update; use rotate_in_place or rotate_to";
        return Err(session.input(&UPDATE, "expiry", rule));
    }
    let body = TokenUpdate {
        name: name.clone(),
        expiration_date: match changes.expiry {
            Some(end) => session.resolve(&UPDATE, "expiry", end, UnixSeconds::not_before)?,
            None => None,
        },
        active: changes.active,
        write: changes.write,
    };
    let send = async move |wire: Wire| wire.update_token(&body).await;
    session.call(&UPDATE, send).await?;
    // An unknown name can be answered with success as well.
    let token = find(session, &name)
        .await
        .map_err(|error| session.outcome_unknown(&UPDATE, error))?;
    let token = token.ok_or_else(|| not_found(session, &UPDATE))?;
    let liveness = token.liveness(session.core.service_now());
    Ok(Updated {
        new: with_secret(session, &UPDATE, token)?,
        liveness,
    })
}

pub(super) fn new_token(session: &Session, created: Created) -> Result<NewToken> {
    created.into_new().ok_or_else(|| {
        session
            .error(&CREATE, ErrorKind::Conflict)
            .with_reason("the new name is taken already")
    })
}

/// Splits the secret off a row that must hold it.
fn with_secret(session: &Session, operation: &Operation, mut token: Token) -> Result<NewToken> {
    match token.token.take() {
        Some(secret) => Ok(NewToken::new(token, secret)),
        None => Err(session
            .answered(operation, ErrorKind::Decode)
            .with_reason("the token's row holds no secret")
            .with_effect(true)),
    }
}

pub(super) fn not_found(session: &Session, operation: &Operation) -> Error {
    session
        .error(operation, ErrorKind::NotFound)
        .with_reason("there is no token with this name")
}
