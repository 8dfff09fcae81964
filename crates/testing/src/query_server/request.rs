//! What the server reads of a request, and why it turns one down.

use http::header;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::message::Received;

// The names of these types are part of the server's error texts.

#[derive(Deserialize)]
pub(super) struct CreateTokenOptions {
    pub(super) name: String,
    pub(super) expiration_date: Option<i64>,
    pub(super) active: Option<bool>,
    pub(super) write: Option<bool>,
}

#[derive(Deserialize)]
pub(super) struct UpdateTokenOptions {
    pub(super) name: String,
    pub(super) expiration_date: Option<i64>,
    pub(super) active: Option<bool>,
    pub(super) write: Option<bool>,
}

#[derive(Deserialize)]
pub(super) struct DeleteTokenOptions {
    pub(super) name: String,
}

#[derive(Deserialize)]
pub(super) struct GetUserTokenValueWithoutTokenOptions {
    pub(super) email: String,
    pub(super) password: String,
}

/// Why a request is turned down.
pub(super) enum Refusal {
    /// 400 with this text.
    BadRequest(String),
    /// 401.
    Unauthorized,
    /// 404.
    NotFound,
    /// 500.
    Internal,
}

impl Refusal {
    pub(super) fn bad_request(text: &str) -> Self {
        Self::BadRequest(text.to_owned())
    }
}

/// The second piece between single spaces, whatever the first one is.
pub(super) fn bearer(request: &Received) -> Option<&str> {
    let value = request.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value.split(' ').nth(1)
}

/// The last value of this name in the query.
pub(super) fn in_query(request: &Received, name: &str) -> Result<String, Refusal> {
    if request.query.is_none() {
        return Err(Refusal::bad_request("Missing query string"));
    }
    request
        .query_pairs()
        .into_iter()
        .rev()
        .find_map(|(key, value)| (key == name).then_some(value))
        .ok_or_else(|| Refusal::BadRequest(format!("Missing query string: {name}")))
}

/// Reads the body whatever its content type says.
pub(super) fn parse<T: DeserializeOwned>(request: &Received) -> Result<T, Refusal> {
    parse_or(request, |error| Refusal::BadRequest(as_written(&error)))
}

/// Reads the body, with a refusal of its own for what does not fit.
pub(super) fn parse_or<T: DeserializeOwned>(
    request: &Received,
    refuse: impl FnOnce(serde_json::Error) -> Refusal,
) -> Result<T, Refusal> {
    let body = std::str::from_utf8(&request.body).map_err(|_| Refusal::Internal)?;
    if request.broken {
        return Err(Refusal::Internal);
    }
    if body.is_empty() {
        return Err(Refusal::bad_request("The body is empty"));
    }
    let cleaned = body.replace(|character| character <= '\u{1f}', "");
    serde_json::from_str(&cleaned).map_err(refuse)
}

/// The text of an error as the server's version of the parser writes it: exponents without a plus.
fn as_written(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let number = text
        .strip_prefix("invalid type: floating point `")
        .and_then(|rest| rest.split_once('`'));
    match number {
        Some((number, _)) => text.replacen(number, &number.replace("e+", "e"), 1),
        None => text,
    }
}
