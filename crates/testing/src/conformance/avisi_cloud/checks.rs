//! The checks themselves.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::{Suite, TOKENS};
use crate::conformance::problem::{
    Problem, Verdict, ensure, failed, passed, refused, seen, skipped,
};
use crate::conformance::wire::Plain;
use access_tokens::avisi_cloud::ProvisionBody;
use access_tokens::{DateText, ErrorKind, Secret, TokenId, When};

/// The shape of an id, and nobody's.
const NOBODY: &str = "ffffffff-ffff-4fff-bfff-ffffffffffff";

impl Suite {
    pub(super) async fn the_list_is_a_plain_array(&self) -> Verdict {
        let list = || async {
            self.wire
                .send(Plain::get(TOKENS))
                .await?
                .with_status(200)?
                .json()
        };
        let before = list().await?;
        let (id, _) = self.provision().await?;
        let after = list().await?;
        let has = |list: &Value| {
            let mut items = list.as_array().into_iter().flatten();
            items.any(|item| item.get("id") == Some(&json!(id.as_str())))
        };
        ensure(after.is_array(), "it is no array")?;
        ensure(has(&after) && !has(&before), "a new token is not in it")?;
        ensure(
            before.is_array() || before.is_null(),
            "it was neither array nor null",
        )?;
        passed()
    }

    pub(super) async fn provision_shows_the_secret(&self) -> Verdict {
        let body = json!({"name": self.name()});
        let plain = Plain::new(Method::POST, TOKENS).json(&body);
        let reply = self.wire.send(plain).await?;
        let status = reply.status;
        ensure(matches!(status, 200 | 201), format_args!("{status} came"))?;
        let token = reply.json()?;
        self.note_plain(&token);
        let secret = token
            .get("token")
            .and_then(Value::as_str)
            .unwrap_or_default();
        ensure(!secret.is_empty(), "there is no secret")?;
        let accepted = self.accepts(&Secret::new(secret)).await?;
        ensure(accepted, "the new secret is not accepted")?;
        seen(status)
    }

    pub(super) async fn provision_keeps_what_it_is_given(&self) -> Verdict {
        let body = ProvisionBody::builder(self.name()).ip_restriction("203.0.113.0/24");
        let (id, new) = self.provision_with(body).await?;
        let listed = self.listed(&id).await?;
        for token in [new.token(), &listed] {
            ensure(token.name == Some(self.name()), "the name is another")?;
            let restriction = token.ip_restriction.as_deref();
            ensure(
                restriction == Some("203.0.113.0/24"),
                "the IP restriction is another",
            )?;
        }
        let open = self.provision().await?.1.into_parts().0.ip_restriction;
        seen(format_args!("without an IP restriction it is {open:?}"))
    }

    pub(super) async fn the_secret_is_shown_once(&self) -> Verdict {
        let (id, new) = self.provision().await?;
        let shown = self.listed(&id).await?.token;
        let whole = shown.as_ref() == Some(new.secret());
        ensure(!whole, "the list shows the whole secret")?;
        let secret = new.secret().expose_secret();
        let much = shown.as_ref().is_some_and(|shown| {
            let tail = shown.expose_secret().trim_start_matches(['*', '.', 'x']);
            tail.len() * 2 > secret.len()
        });
        ensure(!much, "the list shows most of the secret")?;
        seen(match shown {
            None => "the list shows nothing",
            Some(shown) if shown.is_empty() => "the list shows an empty text",
            Some(_) => "the list shows a part, or a mask",
        })
    }

    pub(super) async fn a_new_token_is_listed(&self) -> Verdict {
        let (id, new) = self.provision().await?;
        let listed = self.listed(&id).await?;
        ensure(listed.active == Some(true), "it is not active")?;
        ensure(
            new.token().active == Some(true),
            "at first it is not active",
        )?;
        let told = new.token();
        ensure(listed.subject == told.subject, "the subject is another")?;
        ensure(
            listed.created_at == told.created_at,
            "the creation date is another",
        )?;
        ensure(listed.expire_at == told.expire_at, "the end is another")?;
        passed()
    }

    pub(super) async fn two_tokens_may_share_a_name(&self) -> Verdict {
        let (first, one) = self.provision().await?;
        match self
            .client
            .provision(ProvisionBody::builder(self.name()))
            .await
        {
            Ok(other) => {
                let Some(second) = &other.token().id else {
                    return failed("the second has no id");
                };
                self.note(second.clone());
                ensure(*second != first, "it is the same token")?;
                ensure(other.secret() != one.secret(), "it has the same secret")?;
                passed()
            }
            Err(error) => refused::<()>(
                Err(error),
                &[ErrorKind::InvalidRequest, ErrorKind::Conflict],
            )
            .and_then(|error| seen(format_args!("refused: {:?}", error.status()))),
        }
    }

    pub(super) async fn a_type_comes_back_as_it_was(&self) -> Verdict {
        let mut kept = Vec::new();
        for kind in [
            json!("CONFORMANCE"),
            json!({"kind": ["conformance", 1]}),
            Value::Null,
        ] {
            let body = json!({"name": self.name(), "type": kind});
            let plain = Plain::new(Method::POST, TOKENS).json(&body);
            let reply = self.wire.send(plain).await?;
            if reply.status == 400 {
                continue;
            }
            let token = reply.json()?;
            self.note_plain(&token);
            let back = token.get("type").unwrap_or(&Value::Null);
            ensure(
                *back == kind,
                format_args!("{kind} comes back as something else"),
            )?;
            kept.push(kind.to_string());
        }
        if kept.is_empty() {
            return skipped("no type is known that the service takes");
        }
        seen(format_args!("taken: {}", kept.join(" ")))
    }

    pub(super) async fn a_name_of_nothing(&self) -> Verdict {
        let mut outcomes = Vec::new();
        for body in [json!({"name": ""}), json!({})] {
            let plain = Plain::new(Method::POST, TOKENS).json(&body);
            let reply = self.wire.send(plain).await?;
            let status = reply.status;
            if status < 300 {
                self.note_plain(&reply.json()?);
            }
            let known = matches!(status, 200 | 201 | 400 | 422);
            ensure(known, format_args!("{status} came"))?;
            outcomes.push(status.to_string());
        }
        let client = self.client.provision(ProvisionBody::builder(" ")).await;
        refused(client, &[ErrorKind::InvalidInput])?;
        seen(format_args!("empty {}", outcomes.join(", absent ")))
    }

    pub(super) async fn unknown_members_are_ignored(&self) -> Verdict {
        let body = json!({"name": self.name(), "conformance": 1, "id": "0", "token": "t"});
        let reply = self
            .wire
            .send(Plain::new(Method::POST, TOKENS).json(&body))
            .await?;
        ensure(reply.status < 300, format_args!("{} came", reply.status))?;
        let token = reply.json()?;
        self.note_plain(&token);
        ensure(token.get("id") != Some(&json!("0")), "the id was taken")?;
        ensure(
            token.get("token") != Some(&json!("t")),
            "the secret was taken",
        )?;
        passed()
    }

    pub(super) async fn dates_can_be_read(&self) -> Verdict {
        let (id, _) = self.provision().await?;
        let token = self.listed(&id).await?;
        let dates = [&token.created_at, &token.expire_at, &token.last_used_at];
        if dates
            .into_iter()
            .flatten()
            .any(|date| date.parse().is_err())
        {
            return failed("a date is not in the form of RFC 3339");
        }
        let (expires, used) = (token.expires(), token.last_used());
        let When::At(created) = token.created() else {
            return failed("the date of creation is not told");
        };
        let now = self.options.now();
        let apart = now
            .duration_since(created)
            .or_else(|_| created.duration_since(now));
        let hour = Duration::from_secs(3_600);
        ensure(apart.is_ok_and(|by| by < hour), "it was not made now")?;
        ensure(used.time().is_none(), "it was used before there was a use")?;
        let unset = token.last_used_at.as_ref().map(DateText::as_str);
        seen(format_args!("ends: {expires}; never used is {unset:?}"))
    }

    pub(super) async fn use_is_reported(&self) -> Verdict {
        let (id, new) = self.provision().await?;
        ensure(
            self.accepts(new.secret()).await?,
            "the new secret is not accepted",
        )?;
        let token = self.listed(&id).await?;
        match (
            token.last_used(),
            token.last_used_at.map(|date| date.parse()),
        ) {
            (When::At(_), _) => passed(),
            (_, Some(Err(_))) => failed("the date is not in the form of RFC 3339"),
            _ => skipped("the use of a token is not reported (yet)"),
        }
    }

    pub(super) async fn a_token_ends_when_it_says(&self) -> Verdict {
        let (_, new) = self.provision().await?;
        let When::At(end) = new.token().expires() else {
            return skipped("new tokens have no end");
        };
        let left = end.duration_since(self.options.now()).unwrap_or_default();
        self.options.can_wait(left)?;
        ensure(
            self.accepts(new.secret()).await?,
            "the new secret is not accepted",
        )?;
        self.options.pass(left).await;
        ensure(
            !self.accepts(new.secret()).await?,
            "the secret is still accepted",
        )?;
        passed()
    }

    pub(super) async fn revoke_says_so(&self) -> Verdict {
        let (id, _) = self.provision().await?;
        let path = format!("{TOKENS}/{id}");
        let reply = self.wire.send(Plain::new(Method::DELETE, &path)).await?;
        if reply.status == 204 {
            ensure(reply.body.is_empty(), "a 204 has a body")?;
            return seen(204);
        }
        let reply = reply.with_status(200)?;
        if reply.body.is_empty() {
            return seen("200 without a body");
        }
        let body = reply.json()?;
        ensure(
            body.get("message").is_some_and(Value::is_string),
            "no message",
        )?;
        ensure(body.get("status").is_some_and(Value::is_i64), "no status")?;
        let (id, _) = self.provision().await?;
        let answer = self.client.revoke(&id).await?;
        seen(format_args!("200 with status {:?}", answer.status))
    }

    pub(super) async fn revoke_ends_the_secret(&self) -> Verdict {
        let (id, new) = self.provision().await?;
        ensure(
            self.accepts(new.secret()).await?,
            "the new secret is not accepted",
        )?;
        self.client.revoke(&id).await?;
        ensure(!self.accepts(new.secret()).await?, "it is still accepted")?;
        passed()
    }

    pub(super) async fn a_revoked_token_is_gone_or_inactive(&self) -> Verdict {
        let (id, _) = self.provision().await?;
        self.client.revoke(&id).await?;
        match self.find(&id).await? {
            None => seen("it is gone"),
            Some(token) if token.active == Some(false) => seen("it stays, inactive"),
            Some(_) => failed("it is listed as active"),
        }
    }

    pub(super) async fn a_second_revoke(&self) -> Verdict {
        let (id, _) = self.provision().await?;
        self.client.revoke(&id).await?;
        match self.client.revoke(&id).await {
            Ok(_) => seen("succeeds"),
            Err(error) if error.is_not_found() => seen("404"),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn an_unknown_id_is_not_found(&self) -> Verdict {
        let id: Result<TokenId, _> = NOBODY.parse();
        let id = id.map_err(|_| Problem::Failed("no id".to_owned()))?;
        refused(self.client.revoke(&id).await, &[ErrorKind::NotFound])?;
        passed()
    }

    pub(super) async fn a_wrong_secret_is_refused(&self) -> Verdict {
        let accepted = self.accepts(&Secret::new("conformance-of-nobody")).await?;
        ensure(!accepted, "it is accepted")?;
        let plain = Plain::get(TOKENS).unauthorized();
        let status = self.wire.send(plain).await?.status;
        ensure(
            matches!(status, 401 | 403),
            format_args!("{status} without one"),
        )?;
        seen(format_args!("{status} without one"))
    }

    pub(super) async fn the_word_before_the_secret_is_token(&self) -> Verdict {
        let (_, new) = self.provision().await?;
        let secret = new.secret().expose_secret();
        for value in [format!("Bearer {secret}"), secret.to_owned()] {
            let plain = Plain::get(TOKENS).unauthorized();
            let plain = plain.header("authorization", &value);
            let status = self.wire.send(plain).await?.status;
            ensure(
                matches!(status, 401 | 403),
                format_args!("{status} without it"),
            )?;
        }
        passed()
    }

    pub(super) async fn errors_are_json(&self) -> Verdict {
        let path = format!("{TOKENS}/{NOBODY}");
        let plain = Plain::new(Method::DELETE, &path);
        let reply = self.wire.send(plain).await?.with_status(404)?;
        let kind = reply.header("content-type").unwrap_or_default();
        ensure(
            kind.starts_with("application/json"),
            "the content type is another",
        )?;
        let body = reply.json()?;
        ensure(
            body.get("message").is_some_and(Value::is_string),
            "no message",
        )?;
        let mut members: Vec<_> = body.as_object().into_iter().flatten().collect();
        members.sort_by_key(|(name, _)| *name);
        let names: Vec<_> = members.into_iter().map(|(name, _)| name.as_str()).collect();
        seen(names.join(" "))
    }

    /// Notes what was made past the client.
    fn note_plain(&self, token: &Value) {
        let id = token.get("id").and_then(Value::as_str);
        if let Some(Ok(id)) = id.map(str::parse) {
            self.note(id);
        }
    }
}
