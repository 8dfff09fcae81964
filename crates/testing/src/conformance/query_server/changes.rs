//! Updates, rotations and deletes.

use std::time::Duration;

use http::Method;
use serde_json::json;

use super::lifetime::{claim, updated};
use super::{Suite, TOKENS, ensure_empty};
use crate::conformance::problem::{Verdict, ensure, failed, passed, refused};
use crate::conformance::wire::Plain;
use access_tokens::query_server::{Changes, Liveness, OldToken, TokenBody};
use access_tokens::{ErrorKind, UnixSeconds};

impl Suite {
    pub(super) async fn update_answers_200_and_nothing_else(&self) -> Verdict {
        let new = self.create_lasting().await?;
        let body = json!({"name": new.token().name, "write": false});
        let reply = self.put(&body).await?.with_status(200)?;
        ensure_empty(&reply)?;
        ensure(
            !self.row(&new.token().name).await?.can_write(),
            "nothing changed",
        )?;
        passed()
    }

    pub(super) async fn update_always_changes_the_secret(&self) -> Verdict {
        let new = self.create_lasting().await?;
        let name = &new.token().name;
        self.put(&json!({"name": name})).await?.with_status(200)?;
        let bare = self.client.value(name).await?;
        ensure(bare != *new.secret(), "not if nothing else is changed")?;
        let updated = self
            .client
            .update(name, Changes::new().write(false))
            .await?;
        ensure(*updated.new.secret() != bare, "not by the client's update")?;
        ensure(updated.new.token().id == new.token().id, "the id changed")?;
        passed()
    }

    pub(super) async fn update_signs_with_the_time_before(&self) -> Verdict {
        let new = self.create_lasting().await?;
        let before = updated(new.token())?;
        if self.options.while_waiting().is_ok() {
            // Within one second the time before is the time now.
            self.options.pass(Duration::from_secs(2)).await;
        }
        let after = self
            .client
            .update(&new.token().name, Changes::new().active(false))
            .await?;
        let issued = claim(after.new.secret(), "iat")?;
        ensure(
            issued == before,
            "the claim iat is not the time of the change before",
        )?;
        let end = UnixSeconds::new(claim(after.new.secret(), "exp")?);
        let stored = after.new.token().expiration_date;
        ensure(Some(end) == stored, "the claim exp is not the end")?;
        passed()
    }

    pub(super) async fn an_update_leaves_a_dead_secret(&self) -> Verdict {
        self.options.while_waiting()?;
        let new = self.create_lasting().await?;
        self.options.pass(Duration::from_secs(2)).await;
        let after = self
            .client
            .update(&new.token().name, Changes::new().write(false))
            .await?;
        let liveness = after.liveness;
        let dead = liveness == Liveness::Unusable;
        ensure(dead, format_args!("it is {liveness}"))?;
        passed()
    }

    pub(super) async fn two_updates_in_a_second_leave_a_living_secret(&self) -> Verdict {
        let new = self.create_lasting().await?;
        let name = &new.token().name;
        for _ in 0..5 {
            self.put(&json!({"name": name})).await?.with_status(200)?;
            let first = updated(&self.row(name).await?)?;
            self.put(&json!({"name": name})).await?.with_status(200)?;
            let row = self.row(name).await?;
            if updated(&row)? == first {
                let liveness = row.liveness(self.options.now());
                ensure(liveness.is_alive(), format_args!("it is {liveness}"))?;
                return passed();
            }
        }
        failed("the second ticked each time")
    }

    pub(super) async fn update_keeps_what_is_not_given(&self) -> Verdict {
        let end = UnixSeconds::new(4_102_444_800);
        let name = self.name();
        let body = json!({"name": name, "expiration_date": end.get(), "write": false});
        self.post(&body).await?.with_status(201)?;
        self.put(&json!({"name": name, "active": false}))
            .await?
            .with_status(200)?;
        let nulls = json!({"name": name, "expiration_date": null, "write": null});
        self.put(&nulls).await?.with_status(200)?;
        let row = self.row(&name).await?;
        ensure(!row.can_write(), "write changed")?;
        ensure(!row.is_active(), "active changed")?;
        ensure(row.expiration_date == Some(end), "the end changed")?;
        passed()
    }

    pub(super) async fn an_update_of_an_unknown_name_is_not_told(&self) -> Verdict {
        let name = self.name();
        let part = self.put(&json!({"name": name, "write": true})).await?;
        part.expect_text(400, "Query returned no rows")?;
        let body = json!({
            "name": name, "write": true, "active": true, "expiration_date": 4_102_444_800_i64,
        });
        let whole = self.put(&body).await?.with_status(200)?;
        ensure_empty(&whole)?;
        ensure(!self.client.exists(&name).await?, "it was made")?;
        // The client looks.
        let far = Duration::from_secs(86_400);
        let changes = Changes::new().write(true).active(true).expires(far);
        let update = self.client.update(&name, changes).await;
        refused(update, &[ErrorKind::NotFound])?;
        passed()
    }

    pub(super) async fn rotation_makes_a_living_secret(&self) -> Verdict {
        let end = Duration::from_secs(30 * 86_400);
        let body = TokenBody::builder(self.name()).write(false).expires(end);
        let new = self.create(body).await?;
        let name = &new.token().name;
        let rotated = self.client.rotate_in_place(name, Changes::new()).await?;
        let row = self.row(name).await?;
        let liveness = row.liveness(self.options.now());
        ensure(liveness.is_alive(), format_args!("it is {liveness}"))?;
        ensure(
            row.secret() == Some(rotated.new.secret()),
            "another secret is stored",
        )?;
        ensure(
            rotated.new.secret() != new.secret(),
            "the secret is the same",
        )?;
        ensure(!row.can_write(), "write changed")?;
        let same_end = row.expiration_date == new.token().expiration_date;
        ensure(same_end, "the end changed")?;
        passed()
    }

    pub(super) async fn rotation_to_another_name_makes_a_living_secret(&self) -> Verdict {
        let new = self.create_lasting().await?;
        let (old, next) = (&new.token().name, self.name());
        let rotated = self.client.rotate_to(old, &next, Changes::new()).await?;
        ensure(
            matches!(rotated.old, OldToken::Deleted),
            "the old one remains",
        )?;
        let liveness = self.row(&next).await?.liveness(self.options.now());
        ensure(liveness.is_alive(), format_args!("it is {liveness}"))?;
        ensure(
            !self.client.exists(old).await?,
            "the old one is still there",
        )?;
        passed()
    }

    pub(super) async fn delete_is_always_200(&self) -> Verdict {
        let new = self.create_lasting().await?;
        let name = new.token().name.as_str();
        for name in [name, name, ""] {
            let reply = self.write(Method::DELETE, &json!({"name": name})).await?;
            ensure_empty(&reply.with_status(200)?)?;
        }
        ensure(!self.client.exists(name).await?, "it is still there")?;
        passed()
    }

    pub(super) async fn delete_reads_its_body_only(&self) -> Verdict {
        let new = self.create_lasting().await?;
        let name = &new.token().name;
        let query: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        for path in [TOKENS.to_owned(), format!("{TOKENS}?name={query}")] {
            let reply = self.wire.send(Plain::new(Method::DELETE, &path)).await?;
            reply.expect_text(400, "The body is empty")?;
        }
        // No pattern: it deletes a token of this very name, and there is none.
        self.write(
            Method::DELETE,
            &json!({"name": format!("%{}", self.marker.as_str())}),
        )
        .await?;
        ensure(self.client.exists(name).await?, "it was deleted")?;
        passed()
    }

    pub(super) async fn a_deleted_name_gets_a_new_id(&self) -> Verdict {
        let new = self.create_lasting().await?;
        let name = &new.token().name;
        ensure(self.client.delete_existing(name).await?, "it was not there")?;
        ensure(
            !self.client.delete_existing(name).await?,
            "it is still there",
        )?;
        let again = self.create(TokenBody::builder(name)).await?;
        ensure(
            again.token().id > new.token().id,
            "the id is not a later one",
        )?;
        ensure(again.secret() != new.secret(), "the secret is the same")?;
        passed()
    }
}
