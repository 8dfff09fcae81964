//! Clients for the accounts of a configuration.

use std::sync::Arc;

use access_tokens::{
    ClientBuilder, Secret, ServiceClient, TokenService, TokenTemplate, avisi_cloud, launchdarkly,
    query_server,
};
use serde_json::json;

use crate::config::{Account, Config, Create, ServiceName};
use crate::context::Context;
use crate::error::Stop;

/// An account of the configuration, by its name.
pub(crate) fn account<'a>(config: &'a Config, name: &str) -> Result<&'a Account, Stop> {
    config.accounts.get(name).ok_or_else(|| {
        let known: Vec<_> = config.accounts.keys().map(String::as_str).collect();
        Stop::usage(format!("there is no account `{}`", name.escape_debug()))
            .hint(format!("There are: {}.", known.join(", ")))
    })
}

/// A client for an account.
pub(crate) async fn connect(
    context: &Context,
    name: &str,
    account: &Account,
) -> Result<Arc<dyn TokenService>, Stop> {
    let secret = account.credential.read(context).await?;
    with_secret(context, name, account, secret)
}

/// A client for an account whose credential is at hand.
pub(crate) fn with_secret(
    context: &Context,
    name: &str,
    account: &Account,
    secret: Secret,
) -> Result<Arc<dyn TokenService>, Stop> {
    let built = match account.service {
        ServiceName::LaunchDarkly => {
            let builder = configured(context, account, secret, launchdarkly::Client::builder());
            builder
                .build()
                .map(|client| Arc::new(client) as Arc<dyn TokenService>)
        }
        ServiceName::QueryServer => {
            let builder = configured(context, account, secret, query_server::Client::builder());
            builder
                .build()
                .map(|client| Arc::new(client) as Arc<dyn TokenService>)
        }
        ServiceName::AvisiCloud => {
            let builder = configured(context, account, secret, avisi_cloud::Client::builder());
            builder
                .build()
                .map(|client| Arc::new(client) as Arc<dyn TokenService>)
        }
    };
    built.map_err(|error| {
        let stop = Stop::config(format!("accounts.{name}: {error}"));
        match error.hint() {
            Some(hint) => stop.hint(hint.to_string()),
            None => stop,
        }
    })
}

fn configured<C: ServiceClient>(
    context: &Context,
    account: &Account,
    secret: Secret,
    builder: ClientBuilder<C>,
) -> ClientBuilder<C> {
    let builder = builder
        .credential(secret)
        .clock(Arc::clone(&context.clock))
        .user_agent("tokens");
    match &account.url {
        Some(url) => builder.base_url(url),
        None => builder,
    }
}

/// What a token is made of, in the form of its service.
pub(crate) fn template(
    service: ServiceName,
    name: &str,
    create: &Create,
) -> Result<TokenTemplate, String> {
    let name = create.name.as_deref().unwrap_or(name);
    let refuse = |given: bool, key: &str, only: &str| {
        if given {
            return Err(format!("`{key}` is for {only} only"));
        }
        Ok(())
    };
    let launchdarkly = service == ServiceName::LaunchDarkly;
    refuse(
        !launchdarkly && create.role.is_some(),
        "role",
        "LaunchDarkly",
    )?;
    refuse(
        !launchdarkly && create.service_token.is_some(),
        "service_token",
        "LaunchDarkly",
    )?;
    refuse(
        !launchdarkly && create.description.is_some(),
        "description",
        "LaunchDarkly",
    )?;
    let query = service == ServiceName::QueryServer;
    refuse(
        !query && create.read_only.is_some(),
        "read_only",
        "Query Server",
    )?;
    let avisi = service == ServiceName::AvisiCloud;
    refuse(
        !avisi && create.ip_restriction.is_some(),
        "ip_restriction",
        "Avisi Cloud",
    )?;
    let properties = match service {
        ServiceName::LaunchDarkly => {
            let role = create
                .role
                .as_deref()
                .ok_or("`role` is missing: reader, writer, admin, or the key of a custom role")?;
            let base = matches!(role, "reader" | "writer" | "admin");
            let members = [
                ("name", Some(json!(name))),
                ("role", base.then(|| json!(role))),
                ("customRoleIds", (!base).then(|| json!([role]))),
                (
                    "description",
                    create.description.as_ref().map(|text| json!(text)),
                ),
                (
                    "serviceToken",
                    create.service_token.map(|service| json!(service)),
                ),
            ];
            let given = members.into_iter();
            given
                .filter_map(|(key, value)| Some((key.to_owned(), value?)))
                .collect::<serde_json::Map<_, _>>()
                .into()
        }
        ServiceName::QueryServer => {
            let write = !create.read_only.unwrap_or(false);
            json!({ "name": name, "active": true, "write": write })
        }
        ServiceName::AvisiCloud => match &create.ip_restriction {
            Some(block) => json!({ "name": name, "ipRestriction": block }),
            None => json!({ "name": name }),
        },
    };
    Ok(TokenTemplate::new(properties))
}
