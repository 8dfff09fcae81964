//! The operations, and what every request of this service needs.

use std::sync::Arc;

use progenitor_client::{ClientHooks, ClientInfo as _, OperationInfo};

use super::{NewToken, Token};
use crate::error::{ErrorKind, Result};
use crate::generated::launchdarkly::Client as Wire;
use crate::text::escape_untrusted;
use crate::transport::{Call, Core, Idempotency, Operation, Session};

pub(super) const GET_TOKENS: Operation = Operation::new("getTokens", Idempotency::Safe, 200);
pub(super) const POST_TOKEN: Operation =
    Operation::new("postToken", Idempotency::NonIdempotent, 201);
pub(super) const GET_TOKEN: Operation =
    Operation::new("getToken", Idempotency::Safe, 200).on_token();
pub(super) const PATCH_TOKEN: Operation =
    Operation::new("patchToken", Idempotency::NonIdempotent, 200)
        .on_token()
        .if_lost("Read the token to see whether the change is there.");
pub(super) const DELETE_TOKEN: Operation =
    Operation::new("deleteToken", Idempotency::Idempotent, 204).on_token();
pub(super) const RESET_TOKEN: Operation =
    Operation::new("resetToken", Idempotency::NonIdempotent, 200)
        .on_token()
        .if_lost(
            "The old secret may be dead and the new one lost: reset again, or replace the token.",
        );

/// The operations of this service and what repeating them means.
pub const OPERATIONS: [Operation; 6] = [
    GET_TOKENS,
    POST_TOKEN,
    GET_TOKEN,
    PATCH_TOKEN,
    DELETE_TOKEN,
    RESET_TOKEN,
];

/// A client as far as its requests need it.
#[derive(Clone, Debug)]
pub(super) struct Api {
    pub(super) core: Arc<Core>,
    pub(super) version: Arc<str>,
}

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

/// Splits the secret off an answer that must hold it.
pub(super) fn with_secret(
    session: &Session,
    operation: &Operation,
    mut token: Token,
) -> Result<NewToken> {
    match token.take_secret() {
        Some(secret) => Ok(NewToken::new(token, secret)),
        None => Err(session
            .answered(operation, ErrorKind::Decode)
            .with_reason(format!(
                "the answer holds no secret; the token's id is {}",
                escape_untrusted(token.id.as_str(), 64)
            ))
            .with_effect(true)),
    }
}
