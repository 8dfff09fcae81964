//! What patches do, and what they may not.

use serde_json::json;

use super::Suite;
use crate::conformance::problem::{Verdict, ensure, failed, passed, refused, seen};
use crate::conformance::wire::Plain;
use access_tokens::launchdarkly::{Access, Patch, Role, Statement};
use access_tokens::{Error, ErrorKind, TokenId};

/// How a patch that does not fit may be refused.
const MISFIT: [ErrorKind; 3] = [
    ErrorKind::InvalidRequest,
    ErrorKind::Conflict,
    ErrorKind::PermissionDenied,
];

impl Suite {
    pub(super) async fn patch_changes_name_and_role(&self) -> Verdict {
        let new = self.create(self.reader()).await?;
        let name = self
            .marker
            .appended_to("access-tokens conformance, renamed");
        let patch = Patch::new()
            .replace_name(&*name)
            .replace_access(Role::Writer);
        let patched = self.patch(&new.token().id, patch).await?;
        let read = self.client.get(&new.token().id).await?;
        for token in [&patched, &read] {
            ensure(
                token.name.as_ref() == Some(&name),
                "the name is not the new one",
            )?;
            let access = token.access();
            ensure(
                access == Some(Role::Writer.into()),
                "the role is not the new one",
            )?;
        }
        self.ensure_accepted(new.secret(), "the secret").await?;
        passed()
    }

    pub(super) async fn patch_moves_from_a_role_to_a_policy(&self) -> Verdict {
        let new = self.create(self.reader()).await?;
        let policy = Access::InlinePolicy(vec![
            Statement::allow()
                .resources(["proj/*"])
                .actions(["viewProject"]),
        ]);
        // `replace` of an absent member, as the Terraform provider sends it.
        let patch = Patch::new().remove("/role").replace_access(policy.clone());
        let patched = self.patch(&new.token().id, patch).await?;
        ensure(patched.role.is_none(), "the base role is still there")?;
        ensure(patched.access() == Some(policy), "the policy is another")?;
        passed()
    }

    pub(super) async fn patch_changes_the_description(&self) -> Verdict {
        let new = self.create(self.reader().description("before")).await?;
        let patch = Patch::new().replace_description("after");
        match self.client.patch(&new.token().id, patch).await {
            Ok(token) if token.description.as_deref() == Some("after") => passed(),
            Ok(_) => failed("accepted, and not changed"),
            // Not documented.
            Err(error) => seen(format_args!("refused: {}", status(&error))),
        }
    }

    pub(super) async fn patch_is_all_or_nothing(&self) -> Verdict {
        let new = self.create(self.reader()).await?;
        let renamed = self.marker.appended_to("access-tokens conformance, half");
        let patch = Patch::new().replace_name(&*renamed).remove("/inlineRole/0");
        refused(self.client.patch(&new.token().id, patch).await, &MISFIT)?;
        let read = self.client.get(&new.token().id).await?;
        ensure(read.name == Some(self.name()), "the first half was applied")?;
        passed()
    }

    pub(super) async fn a_failed_test_changes_nothing(&self) -> Verdict {
        let new = self.create(self.reader()).await?;
        let renamed = self
            .marker
            .appended_to("access-tokens conformance, renamed");
        let patch = Patch::new().test_name("another").replace_name(&*renamed);
        let error = refused(self.client.patch(&new.token().id, patch).await, &MISFIT)?;
        ensure(
            error.is_patch_conflict(),
            "the error does not tell a failed test",
        )?;
        let read = self.client.get(&new.token().id).await?;
        ensure(
            read.name == Some(self.name()),
            "it was applied all the same",
        )?;
        seen(format_args!("{}", status(&error)))
    }

    pub(super) async fn a_held_test_lets_the_patch_through(&self) -> Verdict {
        let new = self.create(self.reader()).await?;
        let renamed = self
            .marker
            .appended_to("access-tokens conformance, renamed");
        let patch = Patch::new().test_name(self.name()).replace_name(&*renamed);
        let patched = self.patch(&new.token().id, patch).await?;
        ensure(patched.name == Some(renamed), "the name is not the new one")?;
        passed()
    }

    pub(super) async fn remove_of_an_absent_member_is_refused(&self) -> Verdict {
        let new = self.create(self.reader()).await?;
        let path = format!("/api/v2/tokens/{}", new.token().id);
        let removal = json!([{"op": "remove", "path": "/inlineRole"}]);
        let plain = Plain::new(http::Method::PATCH, &path).json(&removal);
        let reply = self
            .wire
            .send(self.versioned(plain))
            .await?
            .with_status(422)?;
        let body = reply.json()?;
        let code = body.get("code").and_then(serde_json::Value::as_str);
        ensure(code == Some("patch_failed"), "the code is not patch_failed")?;
        passed()
    }

    pub(super) async fn fixed_members_cannot_be_patched(&self) -> Verdict {
        let new = self.create(self.reader()).await?;
        let id = &new.token().id;
        let mut statuses = Vec::new();
        for (path, value) in [
            ("/serviceToken", json!(true)),
            ("/defaultApiVersion", json!(20_191_212)),
            ("/_id", json!("ffffffffffffffffffffffff")),
            ("/token", json!("api-00000000-0000-4000-8000-000000000000")),
        ] {
            // Refused or ignored: either way nothing may change.
            statuses.push(
                match self
                    .client
                    .patch(id, Patch::new().replace(path, value))
                    .await
                {
                    Ok(_) => "ignored".to_owned(),
                    Err(error) if MISFIT.contains(&error.kind()) => status(&error),
                    Err(error) => return Err(error.into()),
                },
            );
        }
        let (read, before) = (self.client.get(id).await?, new.token());
        let kind = read.service_token == before.service_token;
        ensure(kind, "a personal token became a service token")?;
        let version = read.default_api_version == before.default_api_version;
        ensure(version, "the API version was changed")?;
        self.ensure_accepted(new.secret(), "the secret").await?;
        statuses.dedup();
        seen(statuses.join(", "))
    }

    pub(super) async fn permissions_of_service_tokens_are_fixed(&self) -> Verdict {
        let new = self.create_service_token().await?;
        let id: &TokenId = &new.token().id;
        let patch = Patch::new().replace_access(Role::Writer);
        let outcome = match self.client.patch(id, patch).await {
            Ok(_) => "ignored".to_owned(),
            Err(error) if MISFIT.contains(&error.kind()) => status(&error),
            Err(error) => return Err(error.into()),
        };
        let access = self.client.get(id).await?.access();
        ensure(access == Some(Role::Reader.into()), "the role was changed")?;
        seen(outcome)
    }
}

fn status(error: &Error) -> String {
    let status = error.status().map_or(0, |status| status.as_u16());
    match error.code() {
        Some(code) => format!("{status} {code}"),
        None => status.to_string(),
    }
}
