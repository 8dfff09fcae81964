//! The operations: single requests, and the flows that make them safe to use.

use std::time::SystemTime;

use progenitor_client::{ClientHooks, ClientInfo as _, OperationInfo};

use super::models::{Created, Liveness, OldToken, Rotated, Updated};
use super::requests::{Changes, TokenDraft, check_name, check_new_name};
use super::{
    NewToken, Token, TokenBody, TokenDelete, TokenUpdate, TokenValue, TokenValues, Tokens,
};
use crate::error::{Error, ErrorKind, Result};
use crate::generated::query_server::Client as Wire;
use crate::secret::Secret;
use crate::time::Expiry;
use crate::transport::{Call, Idempotency, Operation, Session};

/// The server leaves a taken name alone, so a repeated request would do no harm; but only the first
/// answer would tell whether the token is the caller's. A lost answer is settled by looking instead.
pub(super) const CREATE: Operation = Operation::new("createToken", Idempotency::NonIdempotent, 201).if_lost(
    "Ask for the name with `find`: if it is there, its secret can still be read. It may also still \
     come: look again before you create it anew.",
);
pub(super) const LIST: Operation = Operation::new("listTokens", Idempotency::Safe, 200);
pub(super) const UPDATE: Operation = Operation::new("updateToken", Idempotency::NonIdempotent, 200)
    .if_lost(
        "Read the token with `get` and look whether its updated_at moved before trying again.",
    );
pub(super) const DELETE: Operation = Operation::new("deleteToken", Idempotency::Idempotent, 200);
pub(super) const VALUE: Operation = Operation::new("getTokenValue", Idempotency::Safe, 200);

/// The operations of this service and what repeating them means.
pub const OPERATIONS: [Operation; 5] = [CREATE, LIST, UPDATE, DELETE, VALUE];

/// How often a token that came out unusable is made anew.
const ROUNDS: u32 = 3;

/// Hands every request of the generated client to the transport.
impl ClientHooks<Call> for Wire {
    async fn exec(
        &self,
        request: reqwest::Request,
        _: &OperationInfo,
    ) -> reqwest::Result<reqwest::Response> {
        self.inner().execute(request).await
    }
}

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

/// The entries under a name: one, or none.
async fn values(session: &Session, name: String) -> Result<Vec<TokenValue>> {
    let send = async move |wire: Wire| wire.get_token_value(&name).await;
    let values: TokenValues = session.call(&VALUE, Wire::new_with_client, send).await?;
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
    session.call(&DELETE, Wire::new_with_client, send).await
}

async fn post(session: &Session, body: TokenBody) -> Result<()> {
    let send = async move |wire: Wire| wire.create_token(&body).await;
    session.call(&CREATE, Wire::new_with_client, send).await
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
            .is_none_or(|at| at == token.expiration_date);
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
    if changes.active.is_none() && changes.write.is_none() && changes.expiry.is_none() {
        let rule =
            "must hold something to change; for a new secret use rotate_in_place or rotate_to";
        return Err(session.input(&UPDATE, "update", rule));
    }
    if changes.expiry == Some(Expiry::Never) {
        let rule = "cannot become never by an update; use rotate_in_place or rotate_to";
        return Err(session.input(&UPDATE, "expiry", rule));
    }
    let body = TokenUpdate {
        name: name.clone(),
        active: changes.active,
        write: changes.write,
        expiration_date: changes.expiration_date(session, &UPDATE)?,
    };
    let send = async move |wire: Wire| wire.update_token(&body).await;
    session.call(&UPDATE, Wire::new_with_client, send).await?;
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
    let old = find(session, &name)
        .await
        .map_err(untouched)?
        .ok_or_else(|| not_found(session, &LIST))?;
    let body = successor(session, &old, to.as_deref().unwrap_or(&name), changes)?;
    if to.is_some() {
        let new = new_token(session, create(session, body).await?)?;
        let old = match delete(session, name).await {
            Ok(()) => OldToken::Deleted,
            Err(error) => OldToken::Remains(error),
        };
        return Ok(Rotated { new, old });
    }
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

fn new_token(session: &Session, created: Created) -> Result<NewToken> {
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
