//! A KV v2 secret as a sink.

use std::time::{SystemTime, UNIX_EPOCH};

use access_tokens::rotation::sink::{
    Delivery, Observed, Sink, SinkError, SinkKind, SinkVersion, Written,
};
use access_tokens::{BoxFuture, Marker};
use reqwest::Method;
use serde::Serialize;
use serde_json::{Value, json};

use super::VaultKv2;
use super::entry::{Entry, number, version};
use super::http::Lost;
use crate::fields::{Fields, Former};

/// What the server says when `cas` does not fit; the status is that of any other bad request.
const CAS: &str = "check-and-set parameter did not match";

/// A write. It holds secrets, so there is no `Debug`.
#[derive(Serialize)]
struct Write<'a> {
    options: Options,
    data: &'a Fields,
}

#[derive(Serialize)]
struct Options {
    cas: u64,
}

impl VaultKv2 {
    /// Writes the whole secret, if it still is at this version.
    async fn put(&self, seen: u64, data: &Fields) -> Result<u64, SinkError> {
        let options = Options { cas: seen };
        let body = serde_json::to_string(&Write { options, data });
        let body = body.map_err(|_| SinkError::not_stored("it cannot be written as JSON"))?;
        let sent = self
            .api
            .request(Method::POST, &self.place("data"), None, Some(&body))
            .await;
        let answer = match sent {
            Ok(answer) => answer,
            Err(Lost::NotSent(error)) => return Err(error),
            Err(Lost::Unanswered(why)) => {
                return Err(SinkError::unknown(format!("{}: {why}", self.name())));
            }
        };
        if answer.status.is_success() {
            let version = answer.body.pointer("/data/version").and_then(Value::as_u64);
            return version.ok_or_else(|| {
                SinkError::unknown(format!("{}: the answer names no version", self.name()))
            });
        }
        if answer.words().contains(CAS) {
            let text = format!("{}: somebody else wrote after version {seen}", self.name());
            return Err(SinkError::conflict(text));
        }
        if answer.status.is_server_error() {
            let text = format!("{}: {}", self.name(), answer.words());
            return Err(SinkError::unknown(text));
        }
        Err(self.refused(&answer, "create, update"))
    }

    /// The secret as it is, if it is at this version.
    async fn at(&self, seen: u64) -> Result<Entry, SinkError> {
        let entry = self.read(None).await?;
        if entry.version == seen {
            return Ok(entry);
        }
        Err(SinkError::conflict(format!(
            "{}: it is at version {}, not {seen}",
            self.name(),
            entry.version
        )))
    }

    async fn write(&self, delivery: &Delivery<'_>) -> Result<Written, SinkError> {
        let mut entry = match delivery.seen() {
            Some(seen) => self.at(number(seen)?).await?,
            None => self.read(None).await?,
        };
        let at = entry.version.to_string();
        entry
            .fields
            .deliver(&self.key, delivery, &at)
            .map_err(|error| self.named(&error))?;
        let now = self.put(entry.version, &entry.fields).await?;
        let written = Written::new(version(now));
        let Some(managed) = delivery.managed() else {
            return Ok(written);
        };
        Ok(match self.describe(&entry, managed).await {
            Ok(()) => written,
            Err(why) => written.with_warning(why),
        })
    }

    /// Notes the managed name and the time in the custom metadata.
    async fn describe(&self, entry: &Entry, managed: &str) -> Result<(), String> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let note = entry.note(managed, now.as_secs()).to_string();
        let place = self.place("metadata");
        let answer = self
            .api
            .request(Method::PATCH, &place, None, Some(&note))
            .await;
        match answer {
            Ok(answer) if answer.status.is_success() => Ok(()),
            Ok(answer) => Err(format!(
                "{}: the metadata was not written ({})",
                self.name(),
                answer.words()
            )),
            Err(lost) => Err(SinkError::from(lost).to_string()),
        }
    }

    async fn put_back(&self, attempt: &Marker, seen: u64) -> Result<Written, SinkError> {
        let mut entry = self.at(seen).await?;
        let former = entry.fields.former(&self.key, attempt);
        // Where it is there, older writes have to be refused from now on all the same.
        if let Former::At(at) = former.map_err(|error| self.named(&error))? {
            let earlier = match number(&SinkVersion::new(at))? {
                0 => Fields::default(),
                at => {
                    let earlier = self.read(Some(at)).await?;
                    if earlier.version != at {
                        return Err(SinkError::not_stored(format!(
                            "{}: version {at} is not kept any more",
                            self.name()
                        )));
                    }
                    earlier.fields
                }
            };
            entry
                .fields
                .restore(&self.key, attempt, &earlier, &seen.to_string())
                .map_err(|error| self.named(&error))?;
        }
        self.put(seen, &entry.fields)
            .await
            .map(|now| Written::new(version(now)))
    }

    /// The same failure, with the place in its text.
    fn named(&self, error: &SinkError) -> SinkError {
        SinkError::new(error.kind(), format!("{}: {error}", self.name()))
    }

    /// Asks what the token may do, without trying.
    async fn may_write(&self) -> Result<(), SinkError> {
        let path = format!("{}/data/{}", self.mount, self.path);
        let body = json!({ "paths": [path] }).to_string();
        let place = ["sys", "capabilities-self"];
        let answer = self
            .api
            .request(Method::POST, &place, None, Some(&body))
            .await?;
        if !answer.status.is_success() {
            return Err(self.refused(&answer, "update on sys/capabilities-self"));
        }
        let found = answer
            .body
            .get(&path)
            .or_else(|| answer.body.pointer("/data/capabilities"));
        let found = found.and_then(Value::as_array);
        let has = |word: &str| {
            let words = found.into_iter().flatten().filter_map(Value::as_str);
            words.into_iter().any(|found| found == word)
        };
        if has("root") {
            return Ok(());
        }
        for word in ["read", "create", "update"] {
            if has("deny") || !has(word) {
                return Err(SinkError::not_stored(format!(
                    "{}: the token's policy lacks `{word}` on {path}",
                    self.name()
                )));
            }
        }
        Ok(())
    }
}

impl Sink for VaultKv2 {
    fn id(&self) -> String {
        format!(
            // A namespace may also stand at the beginning of the mount.
            "vault {} {}{}/{}#{}",
            self.api.address(),
            self.namespace,
            self.mount,
            self.path,
            self.key
        )
    }

    fn kind(&self) -> SinkKind {
        SinkKind::Restorable
    }

    fn check(&self) -> BoxFuture<'_, Result<(), SinkError>> {
        Box::pin(async move {
            self.may_write().await?;
            self.read(None).await.map(drop)
        })
    }

    fn observe(&self) -> BoxFuture<'_, Result<Observed, SinkError>> {
        Box::pin(async move { Ok(self.observed(&self.read(None).await?)) })
    }

    fn deliver<'a>(
        &'a self,
        delivery: &'a Delivery<'a>,
    ) -> BoxFuture<'a, Result<Written, SinkError>> {
        Box::pin(self.write(delivery))
    }

    fn restore<'a>(
        &'a self,
        attempt: &'a Marker,
        seen: &'a SinkVersion,
    ) -> BoxFuture<'a, Result<Written, SinkError>> {
        Box::pin(async move { self.put_back(attempt, number(seen)?).await })
    }

    fn rewrite<'a>(&'a self, seen: &'a SinkVersion) -> BoxFuture<'a, Result<Written, SinkError>> {
        Box::pin(async move {
            let seen = number(seen)?;
            let entry = self.at(seen).await?;
            // An empty secret is written, too: it is the version that matters.
            self.put(seen, &entry.fields)
                .await
                .map(|now| Written::new(version(now)))
        })
    }
}
