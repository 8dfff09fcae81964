//! Who may do and see what.

use serde_json::Value;

use super::Suite;
use crate::conformance::problem::{Verdict, ensure, passed, refused, seen};
use crate::conformance::wire::Plain;
use access_tokens::launchdarkly::OldSecret;
use access_tokens::{ErrorKind, Secret, TokenId};

/// The shape of an id, and nobody's.
const NOBODY: &str = "ffffffffffffffffffffffff";

impl Suite {
    pub(super) async fn an_unknown_id_is_not_found(&self) -> Verdict {
        let id: TokenId = NOBODY
            .parse()
            .map_err(|_| crate::conformance::problem::Problem::Failed("no id".to_owned()))?;
        let error = refused(self.client.get(&id).await, &[ErrorKind::NotFound])?;
        ensure(
            error.code() == Some("not_found"),
            "the code is not not_found",
        )?;
        passed()
    }

    pub(super) async fn answers_are_json(&self) -> Verdict {
        let unknown = format!("/api/v2/tokens/{NOBODY}");
        for (path, status) in [("/api/v2/tokens?limit=1", 200), (unknown.as_str(), 404)] {
            let reply = self.wire.send(self.versioned(Plain::get(path))).await?;
            let reply = reply.with_status(status)?;
            let kind = reply.header("content-type").unwrap_or_default();
            ensure(
                kind.starts_with("application/json"),
                "the content type is another",
            )?;
            let body = reply.json()?;
            let told = |member| body.get(member).is_some_and(Value::is_string);
            let shaped = status == 200 || (told("code") && told("message"));
            ensure(shaped, "an error has no code or no message")?;
        }
        passed()
    }

    pub(super) async fn a_wrong_secret_is_refused(&self) -> Verdict {
        let wrong = Secret::new("api-00000000-0000-4000-8000-000000000000");
        let listed = self.client_with(&wrong)?.list().page().await;
        let error = refused(listed, &[ErrorKind::Unauthenticated])?;
        match error.code() {
            Some(code) => seen(format_args!("401 with the code {code}")),
            None => seen("401 without a code"),
        }
    }

    pub(super) async fn a_scheme_before_the_secret_is_refused(&self) -> Verdict {
        let new = self.create(self.reader()).await?;
        let value = format!("Bearer {}", new.secret().expose_secret());
        let plain = Plain::get("/api/v2/tokens?limit=1").unauthorized();
        let plain = self.versioned(plain.header("authorization", &value));
        self.wire.send(plain).await?.with_status(401)?;
        let plain = Plain::get("/api/v2/tokens?limit=1").unauthorized();
        self.wire
            .send(self.versioned(plain))
            .await?
            .with_status(401)?;
        passed()
    }

    pub(super) async fn readers_may_not_change_tokens(&self) -> Verdict {
        // The service also uses 401 for what is not permitted.
        let denied = [ErrorKind::PermissionDenied, ErrorKind::Unauthenticated];
        let reader = self.create(self.reader()).await?;
        let other = self.create(self.reader()).await?;
        let as_reader = self.client_with(reader.secret())?;
        let id = &other.token().id;
        as_reader.get(id).await?;
        let error = refused(as_reader.delete(id).await, &denied)?;
        refused(as_reader.reset(id, OldSecret::EndsAtOnce).await, &denied)?;
        let rename = access_tokens::launchdarkly::Patch::new().replace_name(self.name());
        refused(as_reader.patch(id, rename).await, &denied)?;
        self.ensure_accepted(other.secret(), "the secret, after refused changes,")
            .await?;
        seen(
            error
                .status()
                .map_or_else(String::new, |status| status.to_string()),
        )
    }

    pub(super) async fn service_tokens_see_service_tokens_only(&self) -> Verdict {
        let service = self.create_service_token().await?;
        let personal = self.create(self.reader()).await?;
        let as_service = self.client_with(service.secret())?;
        let listed = as_service.list().all().await?;
        let own = listed.iter().any(|token| token.id == service.token().id);
        ensure(own, "it does not see itself")?;
        let only = listed.iter().all(|token| token.service_token == Some(true));
        ensure(only, "it sees a personal token")?;
        let read = as_service.get(&personal.token().id).await;
        let hidden = [ErrorKind::NotFound, ErrorKind::PermissionDenied];
        refused(read, &hidden)?;
        // The other way round, personal tokens see it.
        let as_reader = self.client_with(personal.secret())?;
        as_reader.get(&service.token().id).await?;
        passed()
    }

    pub(super) async fn show_all_widens_for_administrators_only(&self) -> Verdict {
        let ids = |tokens: Vec<access_tokens::launchdarkly::Token>| {
            let mut ids: Vec<_> = tokens.into_iter().map(|token| token.id).collect();
            ids.sort();
            ids
        };
        let few = ids(self.client.list().all().await?.into_items());
        let all = ids(self.client.list().show_all(true).all().await?.into_items());
        let widened = few.iter().all(|id| all.contains(id));
        ensure(widened, "with showAll an administrator sees less")?;
        let reader = self.create(self.reader()).await?;
        let as_reader = self.client_with(reader.secret())?;
        let few = ids(as_reader.list().all().await?.into_items());
        let same = ids(as_reader.list().show_all(true).all().await?.into_items());
        ensure(few == same, "with showAll a reader sees something else")?;
        seen(format_args!(
            "{} more token(s)",
            all.len().saturating_sub(few.len())
        ))
    }

    pub(super) async fn rate_limit_headers_make_sense(&self) -> Verdict {
        let plain = Plain::get("/api/v2/tokens?limit=1");
        let reply = self
            .wire
            .send(self.versioned(plain))
            .await?
            .with_status(200)?;
        let number = |name: &str| reply.header(name).map(str::parse::<i64>);
        let mut told = 0;
        for kind in ["global", "route", "auth-token"] {
            let limit = number(&format!("x-ratelimit-{kind}-limit"));
            let left = number(&format!("x-ratelimit-{kind}-remaining"));
            for value in [&limit, &left].into_iter().flatten() {
                told += 1;
                ensure(
                    value.is_ok(),
                    format_args!("a header of {kind} is no number"),
                )?;
            }
            if let (Some(Ok(limit)), Some(Ok(left))) = (limit, left) {
                ensure(
                    left <= limit,
                    format_args!("{kind}: more is left than there is"),
                )?;
            }
        }
        for name in ["x-ratelimit-reset", "x-ratelimit-auth-token-reset"] {
            if let Some(reset) = number(name) {
                // Milliseconds since the epoch have 13 digits for a long time to come.
                let in_millis = reset.is_ok_and(|at| at.checked_ilog10() == Some(12));
                ensure(in_millis, format_args!("{name} is not in milliseconds"))?;
            }
        }
        seen(format_args!("{told} header(s)"))
    }
}
