//! Address, namespace and token, by the variables that Vault's and OpenBao's own programs read.

use std::ffi::OsString;

use access_tokens::rotation::sink::SinkError;

use super::{VaultAuth, VaultKv2, VaultKv2Builder};

const ADDRESS: [&str; 2] = ["VAULT_ADDR", "BAO_ADDR"];
const NAMESPACE: [&str; 2] = ["VAULT_NAMESPACE", "BAO_NAMESPACE"];
const TOKEN: [&str; 2] = ["VAULT_TOKEN", "BAO_TOKEN"];

/// A sink of the server that the variables name.
pub(super) fn builder(
    path: String,
    key: String,
    lookup: impl Fn(&str) -> Option<OsString>,
) -> Result<VaultKv2Builder, SinkError> {
    let address = pick(ADDRESS, &lookup)?.ok_or_else(|| {
        SinkError::not_stored("VAULT_ADDR is not set: it names the server, https://host:8200")
    })?;
    let mut builder = VaultKv2::builder(address, path, key);
    if let Some(namespace) = pick(NAMESPACE, &lookup)? {
        builder = builder.namespace(namespace);
    }
    if let Some(token) = pick(TOKEN, &lookup)? {
        builder = builder.auth(VaultAuth::token(token));
    }
    Ok(builder)
}

/// The value that two variables agree on.
fn pick(
    names: [&str; 2],
    lookup: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<String>, SinkError> {
    let wrong = |text: String| Err(SinkError::not_stored(text));
    let mut found = None;
    for name in names {
        let Some(value) = lookup(name) else { continue };
        let Ok(value) = value.into_string() else {
            return wrong(format!("{name} is not valid UTF-8"));
        };
        if value.is_empty() {
            return wrong(format!(
                "{name} is set but empty; unset it or give it a value"
            ));
        }
        if found.as_ref().is_some_and(|other| *other != value) {
            let [one, other] = names;
            return wrong(format!("{one} and {other} differ; unset one of them"));
        }
        found = Some(value);
    }
    Ok(found)
}
