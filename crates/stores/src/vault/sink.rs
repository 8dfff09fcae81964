//! A KV v2 secret as a sink.

use std::time::{SystemTime, UNIX_EPOCH};

use access_tokens::rotation::sink::{
    Delivery, Observed, Sink, SinkError, SinkKind, SinkVersion, Written,
};
use access_tokens::{BoxFuture, Marker};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::VaultKv2;
use super::entry::{Entry, Label, number, version};
use super::http::Lost;

/// What the server says when `cas` does not fit; the status is that of any other bad request.
const CAS: &str = "check-and-set parameter did not match";

impl VaultKv2 {
    /// Writes the whole secret, if it still is at this version.
    async fn put(&self, seen: u64, data: Map<String, Value>) -> Result<u64, SinkError> {
        let body = json!({ "options": { "cas": seen }, "data": data });
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
        let entry = match delivery.seen() {
            Some(seen) => self.at(number(seen)?).await?,
            None => self.read(None).await?,
        };
        let old = self.label(&entry);
        let value = json!(delivery.secret().expose_secret());
        let same = old
            .as_ref()
            .is_some_and(|label| label.attempt == *delivery.attempt());
        if same && entry.data.get(&self.key) == Some(&value) {
            // No new version where nothing changed: those who watch would be woken for nothing.
            return Ok(Written::new(version(entry.version)));
        }
        let former = match &old {
            Some(label) if same => label.former.clone(),
            Some(label) => Some((label.attempt.clone(), entry.version)),
            None => Some((delivery.replaces().clone(), entry.version)),
        };
        let label = Label {
            attempt: delivery.attempt().clone(),
            former,
        };
        let mut data = entry.data.clone();
        data.insert(self.key.clone(), value);
        data.insert(self.label_key(), label.write());
        let now = self.put(entry.version, data).await?;
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
        let note = entry.note(managed, now.as_secs());
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
        let entry = self.at(seen).await?;
        let label = self.label(&entry);
        if label
            .as_ref()
            .is_some_and(|label| label.attempt == *attempt)
        {
            // It is there; older writes have to be refused from now on all the same.
            return self
                .put(seen, entry.data)
                .await
                .map(|now| Written::new(version(now)));
        }
        let current = label.as_ref().map(|label| label.attempt.clone());
        let former = label
            .and_then(|label| label.former)
            .filter(|(of, _)| of == attempt);
        let Some((_, at)) = former else {
            return Err(SinkError::not_stored(format!(
                "{}: it does not know what {attempt} left there",
                self.name()
            )));
        };
        let earlier = if at == 0 {
            None
        } else {
            let earlier = self.read(Some(at)).await?;
            if earlier.version != at {
                return Err(SinkError::not_stored(format!(
                    "{}: version {at} is not kept any more",
                    self.name()
                )));
            }
            Some(earlier)
        };
        let mut data = entry.data;
        match earlier.and_then(|earlier| earlier.data.get(&self.key).cloned()) {
            None => {
                data.remove(&self.key);
                data.remove(&self.label_key());
            }
            Some(value) => {
                // What was there at first had no label; from now on it is told by the attempt's
                // name. The way back to what is taken back now is kept.
                let label = Label {
                    attempt: attempt.clone(),
                    former: current.map(|current| (current, entry.version)),
                };
                data.insert(self.key.clone(), value);
                data.insert(self.label_key(), label.write());
            }
        }
        self.put(seen, data)
            .await
            .map(|now| Written::new(version(now)))
    }

    /// Asks what the token may do, without trying.
    async fn may_write(&self) -> Result<(), SinkError> {
        let path = format!("{}/data/{}", self.mount, self.path);
        let body = json!({ "paths": [path] });
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
            "vault {} {}/{}#{}",
            self.api.address(),
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
            self.put(seen, entry.data)
                .await
                .map(|now| Written::new(version(now)))
        })
    }
}
