//! The calls of Secrets Manager, and what it means when one fails.

use std::future::Future;
use std::time::Duration;

use access_tokens::Secret;
use access_tokens::rotation::sink::SinkError;
use aws_sdk_secretsmanager::config::Config;
use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::primitives::Blob;
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;

use super::{AwsSecretsManager, version};

/// One call, with all that is tried again in it.
pub(super) const LIMIT: Duration = Duration::from_secs(30);
/// More versions than AWS keeps.
const MOST_VERSIONS: usize = 1_000;
const CURRENT: &str = "AWSCURRENT";
const PENDING: &str = "AWSPENDING";

/// What a version holds. It is secret, so there is no `Debug`.
pub(super) enum Content {
    Text(Secret),
    Binary(Blob),
}

/// Why a call did not succeed.
struct Failed {
    /// What AWS calls it, from a clear refusal only.
    code: Option<String>,
    words: String,
}

impl AwsSecretsManager {
    /// The id of the version that is current.
    pub(super) async fn current(&self) -> Result<String, SinkError> {
        let call = self.client.describe_secret().secret_id(&self.name).send();
        let secret = match bounded(call).await {
            Ok(secret) => secret,
            Err(failed) if failed.is("ResourceNotFoundException") => {
                return Err(self.not_stored("there is no such secret; create it first"));
            }
            Err(failed) => return Err(self.failed(&failed, "DescribeSecret")),
        };
        if secret.deleted_date().is_some() {
            return Err(self.not_stored("the secret is marked for deletion"));
        }
        if secret.rotation_enabled() == Some(true) {
            return Err(self.not_stored(
                "a rotation function of AWS writes this secret, too; turn its rotation off",
            ));
        }
        let versions = secret.version_ids_to_stages();
        let mut versions = versions.into_iter().flatten();
        let current = versions.find(|(_, stages)| stages.iter().any(|stage| stage == CURRENT));
        let current = current.map(|(id, _)| id.clone());
        current.ok_or_else(|| {
            self.not_stored("the secret has no value yet; put one first, such as {}")
        })
    }

    /// What a version holds.
    pub(super) async fn content(&self, id: &str) -> Result<Content, SinkError> {
        let call = self.client.get_secret_value().secret_id(&self.name);
        let value = match bounded(call.version_id(id).send()).await {
            Ok(value) => value,
            Err(failed) if failed.is("ResourceNotFoundException") => {
                return Err(self.not_stored(format!("version {id} is not kept any more")));
            }
            Err(failed) => return Err(self.failed(&failed, "GetSecretValue")),
        };
        match (value.secret_string, value.secret_binary) {
            (Some(text), _) => Ok(Content::Text(Secret::new(text))),
            (None, Some(bytes)) => Ok(Content::Binary(bytes)),
            (None, None) => Err(self.not_stored(format!("version {id} holds nothing"))),
        }
    }

    /// The ids of all versions that are kept, those without a label included.
    pub(super) async fn versions(&self) -> Result<Vec<String>, SinkError> {
        let (mut ids, mut next) = (Vec::new(), None);
        while ids.len() < MOST_VERSIONS {
            let call = self
                .client
                .list_secret_version_ids()
                .secret_id(&self.name)
                .include_deprecated(true)
                .set_next_token(next)
                .send();
            let page = bounded(call).await;
            let page = page.map_err(|failed| self.failed(&failed, "ListSecretVersionIds"))?;
            let found = page.versions().iter();
            let found = found.filter_map(|version| version.version_id());
            let before = ids.len();
            ids.extend(found.map(ToOwned::to_owned));
            next = page
                .next_token()
                .filter(|next| !next.is_empty())
                .map(ToOwned::to_owned);
            if next.is_none() || ids.len() == before {
                break;
            }
        }
        Ok(ids)
    }

    /// Writes a version that is not current. Whatever becomes of it, the sink holds what it held.
    pub(super) async fn put(&self, id: &str, content: &Content) -> Result<(), SinkError> {
        let call = self
            .client
            .put_secret_value()
            .secret_id(&self.name)
            .client_request_token(id)
            .version_stages(PENDING);
        let call = match content {
            Content::Text(text) => call.secret_string(text.expose_secret()),
            Content::Binary(bytes) => call.secret_binary(bytes.clone()),
        };
        let put = bounded(call.send()).await;
        put.map(drop).map_err(|failed| {
            // Of a value that it does not like AWS may quote a part.
            let words = match &failed.code {
                Some(code) if !failed.denied() => code.clone(),
                _ => failed.words.clone(),
            };
            let code = failed.code.clone();
            self.failed(&Failed { code, words }, "PutSecretValue")
        })
    }

    /// Makes one version current, if the other still is.
    pub(super) async fn switch(&self, from: &str, to: &str) -> Result<(), SinkError> {
        let call = self
            .client
            .update_secret_version_stage()
            .secret_id(&self.name)
            .version_stage(CURRENT)
            .remove_from_version_id(from)
            .move_to_version_id(to)
            .customize()
            // The second of two would be refused because of the first.
            .config_override(Config::builder().retry_config(RetryConfig::disabled()));
        let Err(failed) = bounded(call.send()).await else {
            return Ok(());
        };
        if failed.code.is_none() {
            let text = format!("{}: {}", self.place(), failed.words);
            return Err(SinkError::unknown(text));
        }
        let refused = self.failed(&failed, "UpdateSecretVersionStage");
        // Refused for certain; whether because of the version, a look tells.
        match self.current().await {
            Ok(now) if now != from => Err(self.conflict(from, &now)),
            _ => Err(refused),
        }
    }

    pub(super) fn conflict(&self, seen: &str, now: &str) -> SinkError {
        SinkError::conflict(format!(
            "{}: its current version is {now}, not {seen}",
            self.place()
        ))
    }

    /// Tries the two writes in a form that is always refused, so that only the permission counts.
    pub(super) async fn may_write(&self) -> Result<(), SinkError> {
        let nothing = version::fresh(None);
        let put = self
            .client
            .put_secret_value()
            .secret_id(&self.name)
            .client_request_token(&nothing)
            .version_stages(PENDING);
        self.would_be_refused(bounded(put.send()).await, "PutSecretValue")?;
        let switch = self
            .client
            .update_secret_version_stage()
            .secret_id(&self.name)
            .version_stage(PENDING)
            .remove_from_version_id(&nothing)
            .move_to_version_id(&nothing);
        self.would_be_refused(bounded(switch.send()).await, "UpdateSecretVersionStage")
    }

    fn would_be_refused<T>(&self, done: Result<T, Failed>, action: &str) -> Result<(), SinkError> {
        const EXPECTED: [&str; 4] = [
            "InvalidParameterException",
            "InvalidRequestException",
            "ResourceNotFoundException",
            "ValidationException",
        ];
        match done {
            Err(failed) if !EXPECTED.iter().any(|code| failed.is(code)) => {
                Err(self.failed(&failed, action))
            }
            _ => Ok(()),
        }
    }

    /// What a failure means to whoever has to mend it, where nothing was changed.
    fn failed(&self, failed: &Failed, action: &str) -> SinkError {
        if failed.denied() {
            return self.not_stored(format!(
                "the policy must allow secretsmanager:{action} on it ({})",
                failed.words
            ));
        }
        self.not_stored(format!("{action}: {}", failed.words))
    }
}

impl Failed {
    fn denied(&self) -> bool {
        self.is("AccessDeniedException") || self.is("AccessDenied")
    }

    fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }
}

/// Carries out a call, for no longer than its limit.
async fn bounded<T, E: ProvideErrorMetadata>(
    call: impl Future<Output = Result<T, SdkError<E>>>,
) -> Result<T, Failed> {
    let lost = |words: &str| Failed {
        code: None,
        words: words.to_owned(),
    };
    // What the SDK logs of a request shows the credential's session token.
    let call = call.with_subscriber(NoSubscriber::new());
    let done = tokio::time::timeout(LIMIT, call).await;
    let error = match done {
        Ok(Ok(answer)) => return Ok(answer),
        Ok(Err(error)) => error,
        Err(_) => return Err(lost("no answer in time")),
    };
    Err(match &error {
        SdkError::ServiceError(refused) => {
            let status = refused.raw().status();
            let code = error.code().unwrap_or(match status.as_u16() {
                403 => "AccessDenied",
                _ => "an error without a name",
            });
            let message = error.message().unwrap_or_default();
            let message: String = message.escape_debug().take(300).collect();
            let words = match message.as_str() {
                "" => format!("{code} ({status})"),
                message => format!("{code} ({status}): {message}"),
            };
            // Of an error of its own the server does not say what it did before.
            let code = status.is_client_error().then(|| code.to_owned());
            Failed { code, words }
        }
        SdkError::TimeoutError(_) => lost("no answer in time"),
        SdkError::ResponseError(_) => lost("an answer that cannot be read"),
        SdkError::DispatchFailure(failure) => {
            let source = failure
                .as_connector_error()
                .and_then(std::error::Error::source);
            match source.and_then(|source| source.downcast_ref::<super::http::Why>()) {
                Some(why) => lost(&why.to_string()),
                None if failure.is_io() || failure.is_timeout() => lost("the answer was lost"),
                None => lost(
                    "it could not be sent; is there a credential (AWS_PROFILE, \
                     AWS_ACCESS_KEY_ID, a role)?",
                ),
            }
        }
        _ => lost("it could not be sent"),
    })
}
