//! Whom the service takes the client for, asked once for each credential.

use tokio::sync::Mutex;

use super::Caller;
use crate::id::TokenId;
use crate::secret::Secret;
use crate::service::{CallerIdentity, TokenKey};

/// The answer for the credential that was asked with last.
#[derive(Debug, Default)]
pub(super) struct Identity(pub(super) Mutex<Option<(Secret, Own)>>);

/// What a credential is.
#[derive(Clone, Debug)]
pub(super) enum Own {
    /// The secret of this token.
    Token(TokenId),
    /// No token of the account: a session, a client of OAuth, or an SDK key.
    NoToken,
    /// The service does not tell.
    Unknown,
}

impl Own {
    pub(super) fn read(caller: Caller) -> Self {
        let of_token = caller.speaks_of_a_token();
        match caller.token_id {
            Some(id) if !id.as_str().is_empty() => Self::Token(id),
            _ if of_token => Self::Unknown,
            // An answer that says nothing does not say that it is no token.
            _ if caller.auth_kind.is_some()
                || caller.client_id.is_some()
                || caller.environment_id.is_some() =>
            {
                Self::NoToken
            }
            _ => Self::Unknown,
        }
    }
}

impl Caller {
    /// Whether the answer is about a token, be it named or not.
    fn speaks_of_a_token(&self) -> bool {
        let says = |kind: &Option<String>| {
            let kind = kind.as_deref().unwrap_or_default();
            kind.to_ascii_lowercase().contains("token")
        };
        self.token_name.is_some()
            || self.token_kind.is_some()
            || self.service_token == Some(true)
            || says(&self.auth_kind)
    }
}

impl From<Caller> for CallerIdentity {
    fn from(caller: Caller) -> Self {
        let Caller {
            account_id,
            environment_id: _,
            project_id: _,
            environment_name: _,
            project_name: _,
            auth_kind,
            token_kind,
            client_id: _,
            token_name,
            token_id,
            member_id,
            service_token: _,
            scopes,
            client_name,
            audience: _,
            expires_at: _,
        } = caller;
        Self {
            key: token_id
                .filter(|id| !id.as_str().is_empty())
                .map(TokenKey::from),
            name: token_name.or(client_name),
            account: account_id,
            owner: member_id,
            kind: token_kind.or(auth_kind),
            scopes,
        }
    }
}
