//! A secret of Secrets Manager as a sink.

use access_tokens::rotation::sink::{
    Delivery, Holds, Observed, Sink, SinkError, SinkKind, SinkVersion, Written,
};
use access_tokens::{BoxFuture, Marker, Secret};

use super::calls::Content;
use super::{AwsSecretsManager, version};
use crate::fields::{Fields, Former};

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
        let fields = serde_json::from_str(text.expose_secret());
        fields.map_err(|_| {
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
        let text = serde_json::to_string(fields);
        let text = text.map_err(|_| self.not_stored("its JSON cannot be written"))?;
        let text = Content::Text(Secret::new(text));
        self.replace(seen, None, &text).await
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
        fields
            .deliver(&key, delivery, &now.id)
            .map_err(|error| self.named(&error))?;
        self.replace_fields(&now.id, &fields).await
    }

    async fn put_back(&self, attempt: &Marker, seen: &SinkVersion) -> Result<Written, SinkError> {
        let now = self.at(seen).await?;
        let Some((key, mut fields)) = now.keyed else {
            let kept = self.versions().await?;
            let of = kept.iter().filter_map(|id| {
                let (mark, age) = version::mark(id)?;
                (mark == *attempt).then_some((age, id))
            });
            let (_, former) = of.max().ok_or_else(|| {
                self.not_stored(format!("it does not know what {attempt} left there"))
            })?;
            let content = self.content(former).await?;
            return self.replace(&now.id, Some(attempt), &content).await;
        };
        let former = fields.former(&key, attempt);
        // Where it is there, older writes have to be refused from now on all the same.
        if let Former::At(version) = former.map_err(|error| self.named(&error))? {
            let earlier = self.fields(&version).await?;
            fields
                .restore(&key, attempt, &earlier, &now.id)
                .map_err(|error| self.named(&error))?;
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
        let key = self.key.as_ref().map(|key| format!("#{key}"));
        let key = key.unwrap_or_default();
        format!("aws {} {}{key}", self.region, self.name)
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
