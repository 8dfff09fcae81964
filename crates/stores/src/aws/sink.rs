//! A secret of Secrets Manager as a sink.

use access_tokens::rotation::sink::{
    Delivery, Holds, Observed, Sink, SinkError, SinkKind, SinkVersion, Written,
};
use access_tokens::{BoxFuture, Marker};
use serde_json::value::to_raw_value;

use super::calls::Content;
use super::fields::Fields;
use super::{AwsSecretsManager, version};
use crate::label::Label;

/// What is there: the version, and the object where one key is ours.
struct Now {
    id: String,
    keyed: Option<(String, Fields)>,
}

impl AwsSecretsManager {
    async fn now(&self) -> Result<Now, SinkError> {
        let id = self.current().await?;
        let keyed = match &self.key {
            Some(key) => Some((key.clone(), self.fields(&id).await?)),
            None => None,
        };
        Ok(Now { id, keyed })
    }

    /// The same, if this is its version.
    async fn at(&self, seen: &SinkVersion) -> Result<Now, SinkError> {
        let now = self.now().await?;
        if now.id == seen.as_str() {
            return Ok(now);
        }
        Err(self.conflict(seen.as_str(), &now.id))
    }

    async fn fields(&self, id: &str) -> Result<Fields, SinkError> {
        let Content::Text(text) = self.content(id).await? else {
            return Err(self.not_stored("the secret is binary; a key needs a JSON object"));
        };
        let fields = Fields::read(text.expose_secret());
        fields.ok_or_else(|| {
            self.not_stored(
                "the secret is no JSON object; without a key the whole of it is written",
            )
        })
    }

    /// Writes a new version, and makes it current in the place of what was seen.
    async fn replace(
        &self,
        seen: &str,
        mark: Option<&Marker>,
        content: &Content,
    ) -> Result<Written, SinkError> {
        let id = version::fresh(mark);
        self.put(&id, content).await?;
        self.switch(seen, &id).await?;
        Ok(Written::new(SinkVersion::new(id)))
    }

    async fn replace_fields(&self, seen: &str, fields: &Fields) -> Result<Written, SinkError> {
        let text = fields.write();
        let text = text.ok_or_else(|| self.not_stored("its JSON cannot be written"))?;
        self.replace(seen, None, &Content::Text(text)).await
    }

    async fn write(&self, delivery: &Delivery<'_>) -> Result<Written, SinkError> {
        let now = match delivery.seen() {
            Some(seen) => self.at(seen).await?,
            None => self.now().await?,
        };
        let attempt = delivery.attempt();
        let Some((key, mut fields)) = now.keyed else {
            if version::mark(&now.id).is_none() {
                // What was there at first has no mark, and is found again by one.
                let first = self.content(&now.id).await?;
                self.put(&version::fresh(Some(delivery.replaces())), &first)
                    .await?;
            }
            let secret = Content::Text(delivery.secret().clone());
            return self.replace(&now.id, Some(attempt), &secret).await;
        };
        let label = match fields.label(&key) {
            Some(label) if label.attempt == *attempt => label,
            Some(old) => Label::new(attempt, (&old.attempt, &now.id), Some(&old)),
            None => Label::new(attempt, (delivery.replaces(), &now.id), None),
        };
        let value = to_raw_value(delivery.secret().expose_secret()).ok();
        let set = value.and_then(|value| fields.set(&key, value, &label));
        set.ok_or_else(|| self.not_stored("the secret cannot be written as JSON"))?;
        self.replace_fields(&now.id, &fields).await
    }

    async fn put_back(&self, attempt: &Marker, seen: &SinkVersion) -> Result<Written, SinkError> {
        let now = self.at(seen).await?;
        let unknown = || self.not_stored(format!("it does not know what {attempt} left there"));
        let Some((key, mut fields)) = now.keyed else {
            let kept = self.versions().await?;
            let of = kept.iter().filter_map(|id| {
                let (mark, age) = version::mark(id)?;
                (mark == *attempt).then_some((age, id))
            });
            let (_, former) = of.max().ok_or_else(unknown)?;
            let content = self.content(former).await?;
            return self.replace(&now.id, Some(attempt), &content).await;
        };
        let label = fields.label(&key);
        if label
            .as_ref()
            .is_some_and(|label| label.attempt == *attempt)
        {
            // It is there; older writes have to be refused from now on all the same.
            return self.replace_fields(&now.id, &fields).await;
        }
        let label = label.ok_or_else(unknown)?;
        let former = label.former(attempt).ok_or_else(unknown)?;
        match self.fields(former).await?.value(&key) {
            None => fields.remove(&key),
            Some(value) => {
                // The way back to what is taken back now is kept.
                let label = Label::new(attempt, (&label.attempt, &now.id), Some(&label));
                let set = fields.set(&key, value, &label);
                set.ok_or_else(|| self.not_stored("its JSON cannot be written"))?;
            }
        }
        self.replace_fields(&now.id, &fields).await
    }
}

impl Now {
    fn holds(&self) -> Holds {
        match &self.keyed {
            Some((key, fields)) => fields.holds(key),
            None => match version::mark(&self.id) {
                Some((mark, _)) => Holds::Attempt(mark),
                None => Holds::Other,
            },
        }
    }
}

impl Sink for AwsSecretsManager {
    fn id(&self) -> String {
        self.place()
    }

    fn kind(&self) -> SinkKind {
        SinkKind::Restorable
    }

    fn check(&self) -> BoxFuture<'_, Result<(), SinkError>> {
        Box::pin(async move {
            let now = self.now().await?;
            if now.keyed.is_none() {
                self.content(&now.id).await?;
                self.versions().await?;
            }
            self.may_write().await
        })
    }

    fn observe(&self) -> BoxFuture<'_, Result<Observed, SinkError>> {
        Box::pin(async move {
            let now = self.now().await?;
            let holds = now.holds();
            Ok(Observed::new(SinkVersion::new(now.id), holds))
        })
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
        Box::pin(self.put_back(attempt, seen))
    }

    fn rewrite<'a>(&'a self, seen: &'a SinkVersion) -> BoxFuture<'a, Result<Written, SinkError>> {
        Box::pin(async move {
            let now = self.at(seen).await?;
            let mark = match now.keyed {
                Some(_) => None,
                None => version::mark(&now.id).map(|(mark, _)| mark),
            };
            let content = self.content(&now.id).await?;
            self.replace(&now.id, mark.as_ref(), &content).await
        })
    }
}
