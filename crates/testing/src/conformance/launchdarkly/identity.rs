//! What a credential is told about itself.

use serde_json::Value;

use super::Suite;
use crate::conformance::problem::{Problem, Verdict, ensure, passed, seen};
use crate::conformance::wire::{Plain, Reply};
use access_tokens::Secret;
use access_tokens::launchdarkly::{Statement, TokenBody};

const IDENTITY: &str = "/api/v2/caller-identity";

impl Suite {
    pub(super) async fn the_caller_is_told_who_it_is(&self) -> Verdict {
        let new = self.create(self.reader()).await?;
        let identity = self
            .get_as(new.secret(), IDENTITY)
            .await?
            .with_status(200)?
            .json()?;
        let told = |member: &str| identity.get(member).and_then(Value::as_str);
        let token = new.token();
        ensure(
            told("tokenId") == Some(token.id.as_str()),
            "tokenId is not the id of the token",
        )?;
        let name = told("tokenName");
        ensure(
            name.is_none() || name == token.name.as_deref(),
            "tokenName is not the name of the token",
        )?;
        let personal = identity.get("serviceToken").and_then(Value::as_bool);
        ensure(
            personal != Some(true),
            "a personal token is a service token",
        )?;
        let mut members: Vec<_> = identity.as_object().into_iter().flatten().collect();
        members.sort_by_key(|(name, _)| name.as_str());
        let names: Vec<_> = members.iter().map(|(name, _)| name.as_str()).collect();
        seen(names.join(" "))
    }

    /// Why a secret is verified in this way: the token may not be allowed to read itself.
    pub(super) async fn a_narrow_token_is_told_who_it_is(&self) -> Verdict {
        let policy = [Statement::allow()
            .resources(["proj/*:env/conformance:flag/*"])
            .actions(["updateOn"])];
        let body = TokenBody::builder().name(self.name()).inline_policy(policy);
        let new = self.create(body).await?;
        let id = new.token().id.as_str();
        let reply = self
            .get_as(new.secret(), IDENTITY)
            .await?
            .with_status(200)?;
        let same = reply.json()?.get("tokenId").and_then(Value::as_str) == Some(id);
        ensure(same, "tokenId is not the id of the token")?;
        let path = format!("/api/v2/tokens/{id}");
        let status = self.get_as(new.secret(), &path).await?.status;
        seen(format_args!("reading itself gives {status}"))
    }

    pub(super) async fn a_dead_secret_is_told_nothing(&self) -> Verdict {
        let new = self.create(self.reader()).await?;
        self.client.delete(&new.token().id).await?;
        for secret in [new.secret(), &Secret::new("no secret")] {
            self.get_as(secret, IDENTITY).await?.with_status(401)?;
        }
        passed()
    }

    async fn get_as(&self, secret: &Secret, path: &str) -> Result<Reply, Problem> {
        let plain = Plain::get(path).unauthorized();
        let plain = plain.header("authorization", secret.expose_secret());
        self.wire.send(self.versioned(plain)).await
    }
}
