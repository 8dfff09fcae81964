//! The sinks that a configuration names.

use std::sync::Arc;

use access_tokens::rotation::sink::{CommandSink, DotenvSink, FileSink, Sink};

use crate::config::SinkSpec;
use crate::context::Context;
use crate::error::Stop;

/// A sink of a file, written in this form. Both kinds have these setters, and no trait in common.
macro_rules! formed {
    ($sink:expr, $form:expr) => {{
        let (mut sink, form) = ($sink, $form);
        if let Some(mode) = form.mode {
            sink = sink.mode(mode);
        }
        if let Some(group) = &form.group {
            sink = sink.group(group);
        }
        if form.in_place {
            sink = sink.in_place();
        }
        sink
    }};
}

/// A sink as it is written down. Nothing is written yet.
#[allow(clippy::unused_async, reason = "by the features that are on")]
pub(crate) async fn open(context: &Context, spec: &SinkSpec) -> Result<Arc<dyn Sink>, Stop> {
    Ok(match spec {
        SinkSpec::File { path, form } => Arc::new(formed!(FileSink::new(path), form)),
        SinkSpec::Dotenv {
            path,
            key,
            readers,
            form,
        } => Arc::new(formed!(DotenvSink::new(path, key).readers(*readers), form)),
        SinkSpec::Command {
            words,
            timeout,
            not_stored_on,
        } => {
            let [program, arguments @ ..] = words.as_slice() else {
                return Err(Stop::config("a command has no words"));
            };
            let mut sink = CommandSink::new(program)
                .args(arguments)
                .not_stored_on(not_stored_on.iter().copied())
                .current_dir(&context.directory);
            if let Some(timeout) = timeout {
                sink = sink.timeout(*timeout);
            }
            Arc::new(sink)
        }
        #[cfg(feature = "vault")]
        SinkSpec::Vault { mount, path, key } => vault(context, mount, path, key)?,
        #[cfg(not(feature = "vault"))]
        SinkSpec::Vault { .. } => return Err(left_out("vault")),
        #[cfg(feature = "aws")]
        SinkSpec::Aws { name, key } => aws(context, name, key.as_deref()).await?,
        #[cfg(not(feature = "aws"))]
        SinkSpec::Aws { .. } => return Err(left_out("aws")),
    })
}

#[cfg(not(all(feature = "aws", feature = "vault")))]
fn left_out(feature: &str) -> Stop {
    Stop::config(format!("this build of tokens cannot deliver to {feature}:")).hint(format!(
        "Build it with the feature {feature}, or deliver elsewhere."
    ))
}

/// A key of a KV v2 secret, reached as the program `vault` reaches it.
#[cfg(feature = "vault")]
fn vault(context: &Context, mount: &str, path: &str, key: &str) -> Result<Arc<dyn Sink>, Stop> {
    use access_tokens_stores::{VaultAuth, VaultKv2};
    let either = |one: &str, other: &str| -> Result<Option<String>, Stop> {
        Ok(context.var(one)?.or(context.var(other)?))
    };
    let address = either("VAULT_ADDR", "BAO_ADDR")?.ok_or_else(|| {
        Stop::config("a vault: sink needs VAULT_ADDR")
            .hint("Set it to the server's address, as for the program vault.")
    })?;
    let mut builder = VaultKv2::builder(address, path, key).mount(mount);
    if let Some(namespace) = either("VAULT_NAMESPACE", "BAO_NAMESPACE")? {
        builder = builder.namespace(namespace);
    }
    if let Some(role) = context.var("VAULT_K8S_ROLE")? {
        builder = builder.auth(VaultAuth::kubernetes(role));
    } else if let Some(role) = context.var("VAULT_ROLE_ID")? {
        let secret = context.var("VAULT_SECRET_ID")?;
        let secret = secret.ok_or_else(|| {
            Stop::config("VAULT_ROLE_ID needs VAULT_SECRET_ID")
                .hint("Set both, or VAULT_K8S_ROLE, or VAULT_TOKEN.")
        })?;
        builder = builder.auth(VaultAuth::app_role(role, secret));
    } else if let Some(token) = either("VAULT_TOKEN", "BAO_TOKEN")? {
        builder = builder.auth(VaultAuth::token(token));
    } else if let Some(home) = context.var("HOME")? {
        let file = std::path::Path::new(&home).join(".vault-token");
        builder = builder.auth(VaultAuth::token_file(file));
    }
    let sink = builder.build().map_err(|error| {
        Stop::config(format!("vault: {error}")).hint("See to VAULT_ADDR and the credential for it.")
    })?;
    Ok(Arc::new(sink))
}

/// A secret of AWS Secrets Manager, or a key of it, reached as AWS's own programs reach it.
#[cfg(feature = "aws")]
async fn aws(context: &Context, name: &str, key: Option<&str>) -> Result<Arc<dyn Sink>, Stop> {
    use access_tokens_stores::AwsSecretsManager;
    let wrong = |error: &dyn std::fmt::Display| {
        Stop::config(format!("aws: {error}"))
            .hint("See to AWS_REGION and AWS_PROFILE or AWS_ACCESS_KEY_ID, as for the program aws.")
    };
    let client = context
        .aws
        .get_or_try_init(AwsSecretsManager::client_from_env)
        .await
        .map_err(|error| wrong(&error))?;
    let mut sink = AwsSecretsManager::new(client.clone(), name).map_err(|error| wrong(&error))?;
    if let Some(key) = key {
        sink = sink.key(key).map_err(|error| wrong(&error))?;
    }
    Ok(Arc::new(sink))
}
