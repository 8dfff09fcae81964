//! What becomes of a secret: shown, used, ended.

use serde_json::{Value, json};

use super::Suite;
use crate::conformance::problem::{Problem, Verdict, ensure, passed, refused, seen, skipped};
use crate::conformance::wire::Plain;
use access_tokens::launchdarkly::{Access, OldSecret, Patch, Statement, Token, TokenBody};
use access_tokens::{ErrorKind, Secret, When};

/// Nothing documents how long the service takes to note a use.
const NOT_YET_REPORTED: &str = "the use of a token is not reported (yet)";

impl Suite {
    pub(super) async fn create_shows_the_whole_secret(&self) -> Verdict {
        let new = self.create(self.reader()).await?;
        let secret = new.secret().expose_secret();
        ensure(
            secret.starts_with("api-"),
            "the secret does not begin with api-",
        )?;
        ensure(secret.len() == 40, "the secret is not 40 characters long")?;
        self.ensure_accepted(new.secret(), "the new secret").await?;
        passed()
    }

    pub(super) async fn reads_show_the_end_of_the_secret(&self) -> Verdict {
        let new = self.create(self.reader()).await?;
        let id = &new.token().id;
        let tail = tail(new.secret());
        let read = self.client.get(id).await?;
        ensure(
            read.secret_tail() == Some(tail),
            "reading shows something else",
        )?;
        let listed = self.own().await?.into_iter().find(|token| token.id == *id);
        let listed = listed.ok_or_else(|| Problem::Failed("it is not listed".to_owned()))?;
        ensure(
            listed.secret_tail() == Some(tail),
            "the list shows something else",
        )?;
        let patch = Patch::new().replace_name(self.name());
        let patched = self.patch(id, patch).await?;
        ensure(
            patched.secret_tail() == Some(tail),
            "a patch shows something else",
        )?;
        passed()
    }

    pub(super) async fn create_keeps_what_it_is_given(&self) -> Verdict {
        let body = self.reader().description("made by a check");
        let new = self.create(body.default_api_version(20_240_415)).await?;
        let read = self.client.get(&new.token().id).await?;
        for token in [new.token(), &read] {
            ensure(token.name == Some(self.name()), "the name is another")?;
            let described = token.description.as_deref() == Some("made by a check");
            ensure(described, "the description is another")?;
            let role = token
                .role
                .as_ref()
                .map(access_tokens::launchdarkly::Role::as_str);
            ensure(role == Some("reader"), "the role is another")?;
            let version = token.default_api_version;
            ensure(version == Some(20_240_415), "the API version is another")?;
            ensure(token.service_token != Some(true), "it is a service token")?;
        }
        passed()
    }

    pub(super) async fn unknown_members_are_ignored(&self) -> Verdict {
        let more = json!({"conformance": 1, "_id": "0", "token": "t"});
        let created = self.create_plainly(&more).await?;
        ensure(created.get("conformance").is_none(), "one came back")?;
        ensure(created.get("_id") != Some(&json!("0")), "the id was taken")?;
        ensure(
            created.get("token") != Some(&json!("t")),
            "the secret was taken",
        )?;
        passed()
    }

    pub(super) async fn an_own_policy_leaves_no_base_role(&self) -> Verdict {
        let policy = [Statement::allow()
            .resources(["proj/*:env/conformance:flag/*"])
            .actions(["updateOn"])];
        let body = TokenBody::builder().name(self.name());
        let new = self.create(body.inline_policy(policy.clone())).await?;
        let read = self.client.get(&new.token().id).await?;
        ensure(read.role.is_none(), "it has a base role")?;
        let kept = Access::InlinePolicy(policy.to_vec());
        ensure(read.access() == Some(kept), "the policy is another")?;
        passed()
    }

    pub(super) async fn use_is_reported(&self) -> Verdict {
        let new = self.create(self.reader()).await?;
        let unused = self.client.get(&new.token().id).await?.last_used();
        ensure(
            unused.time().is_none(),
            "a use is reported before there is one",
        )?;
        self.accepts(new.secret()).await?;
        let used = self.client.get(&new.token().id).await?.last_used();
        if used.time().is_none() {
            return skipped(NOT_YET_REPORTED);
        }
        seen(format_args!("unused is {unused}"))
    }

    pub(super) async fn expiry_is_kept(&self) -> Verdict {
        let unset = self.create(self.reader()).await?.token().expires();
        ensure(unset.time().is_none(), "a token without an end has one")?;
        let end = self.options.now() + std::time::Duration::from_secs(86_400);
        let new = self.create(self.reader().expires(end)).await?;
        let read = self.client.get(&new.token().id).await?;
        for token in [new.token(), &read] {
            let told = known_expiry(token)?;
            let apart = told
                .duration_since(end)
                .or_else(|_| end.duration_since(told));
            ensure(
                apart.is_ok_and(|by| by.as_millis() < 1),
                "the expiry is another",
            )?;
        }
        seen(format_args!("unset is {unset}"))
    }

    pub(super) async fn expiry_ends_a_token(&self) -> Verdict {
        let span = self.options.while_waiting()?;
        let new = self.create(self.reader().expires(span)).await?;
        known_expiry(new.token())?;
        self.ensure_accepted(new.secret(), "a token before its end")
            .await?;
        self.options.pass(span).await;
        self.ensure_dead(new.secret(), "a token after its end")
            .await?;
        passed()
    }

    pub(super) async fn a_patched_expiry_ends_a_token(&self) -> Verdict {
        let span = self.options.while_waiting()?;
        let new = self.create(self.reader()).await?;
        let patch = Patch::new().expire_at(self.options.now() + span);
        let patched = match self.client.patch(&new.token().id, patch).await {
            // As a server from before the member does.
            Err(error) if error.kind() == ErrorKind::InvalidRequest => {
                return skipped("the expiry cannot be patched");
            }
            patched => patched?,
        };
        known_expiry(&patched)?;
        self.ensure_accepted(new.secret(), "a token before its end")
            .await?;
        self.options.pass(span).await;
        self.ensure_dead(new.secret(), "a token after its end")
            .await?;
        passed()
    }

    pub(super) async fn reset_ends_the_old_secret_at_once(&self) -> Verdict {
        let new = self.create(self.reader()).await?;
        let reset = self
            .client
            .reset(&new.token().id, OldSecret::EndsAtOnce)
            .await?;
        ensure(reset.secret() != new.secret(), "the secret is the same")?;
        self.ensure_accepted(reset.secret(), "the new secret")
            .await?;
        self.ensure_dead(new.secret(), "the old secret").await?;
        ensure(reset.token().id == new.token().id, "the id is another")?;
        let read = self.client.get(&new.token().id).await?;
        let shown = read.secret_tail() == Some(tail(reset.secret()));
        ensure(shown, "reading shows the end of another secret")?;
        passed()
    }

    pub(super) async fn reset_lets_the_old_secret_live_until_its_time(&self) -> Verdict {
        let span = self.options.while_waiting()?;
        let new = self.create(self.reader()).await?;
        let reset = self.client.reset(&new.token().id, span).await?;
        self.ensure_accepted(new.secret(), "the old secret before its end")
            .await?;
        self.ensure_accepted(reset.secret(), "the new secret")
            .await?;
        self.options.pass(span).await;
        self.ensure_dead(new.secret(), "the old secret after its end")
            .await?;
        self.ensure_accepted(reset.secret(), "the new secret")
            .await?;
        passed()
    }

    pub(super) async fn reset_ignores_an_expiry_in_the_body(&self) -> Verdict {
        let new = self.create(self.reader()).await?;
        let path = format!("/api/v2/tokens/{}/reset", new.token().id);
        let end = self.options.now() + std::time::Duration::from_secs(86_400);
        let end =
            access_tokens::UnixMillis::from_system_time(end).map(access_tokens::UnixMillis::get);
        let plain = Plain::new(http::Method::POST, &path).json(&json!({"expiry": end}));
        self.wire
            .send(self.versioned(plain))
            .await?
            .with_status(200)?;
        self.ensure_dead(new.secret(), "the old secret").await?;
        passed()
    }

    pub(super) async fn reset_needs_a_json_content_type(&self) -> Verdict {
        let new = self.create(self.reader()).await?;
        let path = format!("/api/v2/tokens/{}/reset", new.token().id);
        let plain = Plain::new(http::Method::POST, &path);
        let status = self.wire.send(self.versioned(plain)).await?.status;
        ensure(
            (400..500).contains(&status),
            format_args!("{status} without one"),
        )?;
        self.ensure_accepted(new.secret(), "the secret, after a refused reset,")
            .await?;
        seen(format_args!("{status} without one"))
    }

    pub(super) async fn delete_ends_the_secret(&self) -> Verdict {
        let new = self.create(self.reader()).await?;
        self.ensure_accepted(new.secret(), "the new secret").await?;
        self.client.delete(&new.token().id).await?;
        self.ensure_dead(new.secret(), "the secret of a deleted token")
            .await?;
        passed()
    }

    pub(super) async fn a_deleted_token_is_not_found(&self) -> Verdict {
        let new = self.create(self.reader()).await?;
        let id = &new.token().id;
        self.client.delete(id).await?;
        refused(self.client.get(id).await, &[ErrorKind::NotFound])?;
        refused(self.client.delete(id).await, &[ErrorKind::NotFound])?;
        refused(
            self.client.reset(id, OldSecret::EndsAtOnce).await,
            &[ErrorKind::NotFound],
        )?;
        let listed = self.own().await?.iter().any(|token| token.id == *id);
        ensure(!listed, "it is still listed")?;
        passed()
    }

    pub(super) async fn statuses_are_as_documented(&self) -> Verdict {
        use http::Method;

        let created = self.create_plainly(&json!({})).await?;
        let id = created
            .get("_id")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let one = format!("/api/v2/tokens/{id}");
        let reset = format!("{one}/reset");
        let patch = json!([{"op": "test", "path": "/role", "value": "reader"}]);
        for (plain, status) in [
            (Plain::get("/api/v2/tokens?limit=1"), 200),
            (Plain::get(&one), 200),
            (Plain::new(Method::PATCH, &one).json(&patch), 200),
            (Plain::new(Method::POST, &reset).json(&json!({})), 200),
            (Plain::new(Method::DELETE, &one), 204),
        ] {
            let reply = self
                .wire
                .send(self.versioned(plain))
                .await?
                .with_status(status)?;
            let empty = reply.body.is_empty();
            ensure(
                empty == (status == 204),
                "a body is where none should be, or missing",
            )?;
        }
        passed()
    }
}

/// The last four characters.
fn tail(secret: &Secret) -> &str {
    let text = secret.expose_secret();
    text.get(text.len().saturating_sub(4)..).unwrap_or_default()
}

/// The end that was set, if the server knows the member at all.
fn known_expiry(token: &Token) -> Result<std::time::SystemTime, Problem> {
    match token.expires() {
        When::At(end) => Ok(end),
        _ => skipped("the server does not know the member expiry"),
    }
}
