//! Whom the service takes the client for, asked once for each credential.

use std::fmt;

use tokio::sync::Mutex;

use super::{Caller, Client};
use crate::error::{ErrorKind, Result};
use crate::id::TokenId;
use crate::secret::Secret;
use crate::service::{CallerIdentity, OwnCredential, TokenKey, TokenRecord};

/// The answer for the credential that was asked with last.
#[derive(Default)]
pub(super) struct Identity(Mutex<Option<(Secret, Own)>>);

/// What a credential is.
#[derive(Clone)]
enum Own {
    /// The secret of this token.
    Token(TokenId),
    /// No token of the account: a session, a client of OAuth, or an SDK key.
    NoToken,
    /// The service does not tell.
    Unknown,
}

impl Client {
    /// Whether a token is the one that this client uses; by its id, or where the service does not
    /// tell that, by the last characters of its secret, which cannot prove that it is another.
    pub(super) async fn owns(&self, record: &TokenRecord) -> Result<OwnCredential> {
        let mut known = self.identity.0.lock().await;
        let mut secret = self.core.current_credential().await?;
        let own = match &*known {
            Some((of, own)) if *of == secret => own.clone(),
            _ => {
                let mut answer = self.identified_by(&secret).await;
                if matches!(&answer, Err(error) if error.is_unauthenticated())
                    && self.core.renew_credential(&secret).await
                {
                    secret = self.core.current_credential().await?;
                    answer = self.identified_by(&secret).await;
                }
                let own = answer?;
                *known = Some((secret.clone(), own.clone()));
                own
            }
        };
        Ok(match own {
            Own::Token(id) if id.as_str() == record.key.as_str() => OwnCredential::Yes,
            Own::Token(_) | Own::NoToken => OwnCredential::No,
            Own::Unknown if super::record::ends_like(record, &secret) => OwnCredential::Yes,
            Own::Unknown => OwnCredential::Unknown,
        })
    }

    async fn identified_by(&self, secret: &Secret) -> Result<Own> {
        match self.with_credential(secret.clone())?.whoami().await {
            Ok(caller) => Ok(Own::read(caller)),
            // It answers, but not this question.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::EndpointMissing
                        | ErrorKind::PermissionDenied
                        | ErrorKind::InvalidRequest
                        | ErrorKind::UnexpectedStatus
                        | ErrorKind::Redirect
                        | ErrorKind::Decode
                ) =>
            {
                Ok(Own::Unknown)
            }
            Err(error) => Err(error),
        }
    }
}

impl Own {
    fn read(caller: Caller) -> Self {
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

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity")
    }
}
