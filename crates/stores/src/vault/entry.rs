//! What a KV v2 secret holds, and whose one of its keys is.

use access_tokens::rotation::sink::{Observed, SinkError, SinkVersion};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::VaultKv2;
use super::http::Answer;
use crate::fields::Fields;

/// A version of the secret at a path.
pub(super) struct Entry {
    /// The version: 0 where there never was one.
    pub(super) version: u64,
    /// The keys and values; empty where it is deleted.
    pub(super) fields: Fields,
    custom: Map<String, Value>,
}

/// The part of an answer in which every digit counts.
#[derive(Deserialize)]
struct Body {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    data: Fields,
}

impl VaultKv2 {
    pub(super) fn observed(&self, entry: &Entry) -> Observed {
        Observed::new(version(entry.version), entry.fields.holds(&self.key))
    }

    /// The path of the API below the mount.
    pub(super) fn place<'a>(&'a self, kind: &'a str) -> Vec<&'a str> {
        let mount = self.mount.split('/');
        mount.chain([kind]).chain(self.path.split('/')).collect()
    }

    /// Reads the secret: its newest version, or one of the earlier ones.
    pub(super) async fn read(&self, earlier: Option<u64>) -> Result<Entry, SinkError> {
        let answer = self
            .api
            .request(Method::GET, &self.place("data"), earlier, None)
            .await?;
        let data = answer.body.get("data");
        let metadata = data.and_then(|data| data.get("metadata"));
        let version = metadata
            .and_then(|data| data.get("version"))
            .and_then(Value::as_u64);
        let object = |value: Option<&Value>| value.and_then(Value::as_object).cloned();
        let custom = object(metadata.and_then(|data| data.get("custom_metadata")));
        let custom = custom.unwrap_or_default();
        match (answer.status, version) {
            (StatusCode::OK, Some(version)) => Ok(Entry {
                version,
                fields: serde_json::from_slice::<Body>(&answer.bytes)
                    .map(|body| body.data.data)
                    .map_err(|_| {
                        SinkError::not_stored(format!("{}: it is no object", self.name()))
                    })?,
                custom,
            }),
            (StatusCode::OK, None) => Err(SinkError::not_stored(format!(
                "{self_}: the mount {} is not a KV engine of version 2",
                self.mount,
                self_ = self.name()
            ))),
            // Deleted: the version to name is still the current one.
            (StatusCode::NOT_FOUND, Some(version)) => Ok(Entry {
                version,
                fields: Fields::default(),
                custom,
            }),
            (StatusCode::NOT_FOUND, None) if is_absent(&answer) => Ok(Entry {
                version: 0,
                fields: Fields::default(),
                custom,
            }),
            _ => Err(self.refused(&answer, "read")),
        }
    }

    /// What an answer that is no success means to whoever has to mend it.
    pub(super) fn refused(&self, answer: &Answer, what: &str) -> SinkError {
        let hint = match answer.status {
            StatusCode::FORBIDDEN => format!(
                "; the token's policy must allow `{what}` on {}/data/{}",
                self.mount, self.path
            ),
            StatusCode::NOT_FOUND => format!("; is there a KV engine at {}?", self.mount),
            status if status.is_redirection() => "; a redirect, which is not followed: name the \
                                                  server that answers"
                .to_owned(),
            _ => String::new(),
        };
        SinkError::not_stored(format!("{}: {}{hint}", self.name(), answer.words()))
    }

    pub(super) fn name(&self) -> String {
        format!("vault {}/{}#{}", self.mount, self.path, self.key)
    }
}

impl Entry {
    /// The custom metadata without what is there already.
    pub(super) fn note(&self, managed: &str, time: u64) -> Value {
        let mut note = json!({ "custom_metadata": {} });
        let wanted = [
            ("managed_token", managed.to_owned()),
            ("delivered_at", time.to_string()),
        ];
        if let Some(custom) = note
            .pointer_mut("/custom_metadata")
            .and_then(Value::as_object_mut)
        {
            for (key, value) in wanted {
                if self.custom.get(key).and_then(Value::as_str) != Some(&value) {
                    custom.insert(key.to_owned(), json!(value));
                }
            }
        }
        note
    }
}

/// Nothing there, rather than no such engine: KV answers with an empty list of errors.
fn is_absent(answer: &Answer) -> bool {
    let errors = answer.body.get("errors").and_then(Value::as_array);
    errors.is_some_and(Vec::is_empty)
}

pub(super) fn version(number: u64) -> SinkVersion {
    SinkVersion::new(number.to_string())
}

pub(super) fn number(version: &SinkVersion) -> Result<u64, SinkError> {
    version
        .as_str()
        .parse()
        .map_err(|_| SinkError::not_stored("the version is not one of a KV engine"))
}
