//! When tokens end, and when they never do.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::Suite;
use crate::conformance::problem::{Problem, Verdict, ensure, failed, passed, refused};
use access_tokens::query_server::{Changes, Liveness, Token, TokenBody};
use access_tokens::{ErrorKind, UnixSeconds};

const PAST: &str = "The expiration_date must be greater than current time";

impl Suite {
    /// The server's own time, as it stands in a new row.
    pub(super) async fn server_now(&self) -> Result<i64, Problem> {
        let name = self.name();
        self.post(&json!({"name": name})).await?.with_status(201)?;
        updated(&self.row(&name).await?)
    }

    pub(super) async fn never_is_the_time_of_the_change(&self) -> Verdict {
        // Not by the client's create alone, which makes anew what came out wrong.
        for _ in 0..3 {
            let name = self.name();
            self.post(&json!({"name": name})).await?.with_status(201)?;
            let row = self.row(&name).await?;
            if row.updated_at == row.expiration_date {
                ensure(row.expires().is_never(), "the client does not see it")?;
                let alive = row.liveness(self.options.now()).is_alive();
                ensure(alive, "its claims do not fit")?;
                return passed();
            }
        }
        failed("the end of a token without one is not the time of its change")
    }

    pub(super) async fn an_end_now_means_never(&self) -> Verdict {
        // A second may tick between two requests.
        for _ in 0..5 {
            let (now, name) = (self.server_now().await?, self.name());
            let body = json!({"name": name, "expiration_date": now});
            let status = self.post(&body).await?.status;
            if status == 400 {
                continue;
            }
            ensure(status == 201, format_args!("{status} came"))?;
            let row = self.row(&name).await?;
            if updated(&row)? == now {
                ensure(row.expires().is_never(), "it has an end")?;
                return passed();
            }
        }
        failed("the second ticked each time, or the end was refused each time")
    }

    pub(super) async fn an_end_is_kept_in_seconds(&self) -> Verdict {
        let end = UnixSeconds::new(4_102_444_800);
        let name = self.name();
        let at = end.to_system_time();
        let Some(at) = at else {
            return failed("the system knows no such time");
        };
        let new = self.create(TokenBody::builder(&name).expires(at)).await?;
        let row = self.row(&name).await?;
        ensure(row.expiration_date == Some(end), "the end is another")?;
        ensure(
            row.liveness(self.options.now()).is_alive(),
            "it is not alive",
        )?;
        ensure(
            claim(new.secret(), "exp")? == end.get(),
            "the claim exp is another",
        )?;
        passed()
    }

    pub(super) async fn milliseconds_never_come(&self) -> Verdict {
        let name = self.name();
        // 2021 in milliseconds.
        let end = 1_628_001_602_644_i64;
        self.post(&json!({"name": name, "expiration_date": end}))
            .await?
            .with_status(201)?;
        let row = self.row(&name).await?;
        ensure(
            row.expiration_date == Some(UnixSeconds::new(end)),
            "the end was converted",
        )?;
        passed()
    }

    pub(super) async fn create_refuses_an_end_in_the_past(&self) -> Verdict {
        let name = self.name();
        let before = self.server_now().await? - 10;
        for end in [before, 0, -1] {
            let body = json!({"name": name, "expiration_date": end});
            self.post(&body).await?.expect_text(400, PAST)?;
        }
        ensure(
            !self.client.exists(&name).await?,
            "it was stored all the same",
        )?;
        passed()
    }

    pub(super) async fn an_expired_token_is_told(&self) -> Verdict {
        let span = self.options.while_waiting()?;
        let new = self
            .create(TokenBody::builder(self.name()).expires(span))
            .await?;
        let name = &new.token().name;
        let liveness = self.row(name).await?.liveness(self.options.now());
        ensure(
            liveness.is_alive(),
            format_args!("before its end it is {liveness}"),
        )?;
        // The end was rounded up to a whole second.
        self.options
            .pass(span + std::time::Duration::from_secs(1))
            .await;
        let liveness = self.row(name).await?.liveness(self.options.now());
        let expired = liveness == Liveness::Expired;
        ensure(expired, format_args!("after its end it is {liveness}"))?;
        ensure(
            self.client.value(name).await? == *new.secret(),
            "the secret changed",
        )?;
        passed()
    }

    pub(super) async fn update_accepts_an_end_in_the_past(&self) -> Verdict {
        let new = self.create_lasting().await?;
        let name = &new.token().name;
        self.put(&json!({"name": name, "expiration_date": 1}))
            .await?
            .with_status(200)?;
        let row = self.row(name).await?;
        ensure(
            row.expiration_date == Some(UnixSeconds::new(1)),
            "it was not stored",
        )?;
        // The client does not send one.
        let past = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1);
        let update = self.client.update(name, Changes::new().expires(past)).await;
        refused(update, &[ErrorKind::InvalidInput])?;
        passed()
    }
}

pub(super) fn updated(row: &Token) -> Result<i64, Problem> {
    let updated = row.updated_at.map(UnixSeconds::get);
    updated.map_or_else(|| failed("updated_at is missing"), Ok)
}

/// A number among the claims of a token. The client reads them too; this is to see them apart.
pub(super) fn claim(secret: &access_tokens::Secret, name: &str) -> Result<i64, Problem> {
    let payload = secret.expose_secret().split('.').nth(1).unwrap_or_default();
    let claims = URL_SAFE_NO_PAD.decode(payload).unwrap_or_default();
    let claims: Value = serde_json::from_slice(&claims).unwrap_or_default();
    let claim = claims.get(name).and_then(Value::as_i64);
    claim.map_or_else(
        || failed(format_args!("the secret has no claim {name}")),
        Ok,
    )
}
