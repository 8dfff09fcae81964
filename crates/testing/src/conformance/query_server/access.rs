//! Who is let in, and where to.

use http::Method;
use serde_json::json;

use super::{Suite, TOKENS, ensure_empty};
use crate::conformance::problem::{Verdict, ensure, passed, refused};
use crate::conformance::wire::Plain;
use access_tokens::{ErrorKind, Secret};

impl Suite {
    pub(super) async fn failures_about_credentials_look_alike(&self) -> Verdict {
        let new = self.create_lasting().await?;
        let credential = self.credential.expose_secret();
        let tampered = format!("Bearer {credential}x");
        let spaced = format!("Bearer  {credential}");
        let made = format!("Bearer {}", new.secret().expose_secret());
        for value in [
            None,
            Some(credential),
            Some("Bearer"),
            Some("Bearer junk"),
            Some(&tampered),
            Some(&spaced),
            Some(&made),
        ] {
            let mut plain = Plain::get(TOKENS).unauthorized();
            if let Some(value) = value {
                plain = plain.header("authorization", value);
            }
            let reply = self.wire.send(plain).await?.with_status(401)?;
            ensure_empty(&reply)?;
            let challenge = reply.header("www-authenticate").is_some();
            ensure(!challenge, "there is a challenge")?;
        }
        passed()
    }

    pub(super) async fn the_scheme_does_not_matter(&self) -> Verdict {
        for scheme in ["Bearer", "bearer", "Token", "Basic"] {
            let value = format!("{scheme} {} and more", self.credential.expose_secret());
            let plain = Plain::get(TOKENS).unauthorized();
            self.wire
                .send(plain.header("authorization", &value))
                .await?
                .with_status(200)?;
        }
        passed()
    }

    pub(super) async fn tokens_made_here_cannot_manage_tokens(&self) -> Verdict {
        let new = self.create_lasting().await?;
        let made = self.another::<Self>()?;
        made.replace_credential(Secret::clone(new.secret()))?;
        refused(made.list().await, &[ErrorKind::Unauthenticated])?;
        let delete = made.delete(&new.token().name).await;
        refused(delete, &[ErrorKind::Unauthenticated])?;
        ensure(
            self.client.exists(&new.token().name).await?,
            "it was deleted",
        )?;
        passed()
    }

    /// On the one database that only administrators may query: being turned away there takes a living
    /// token, and nothing is opened.
    pub(super) async fn living_tokens_may_query_and_dead_ones_may_not(&self) -> Verdict {
        let text = "Can't query the config database without being admin";
        let query = "/_/query?db_name=query_config.sql&query=SELECT+1";
        let new = self.create_lasting().await?;
        let value = format!("Bearer {}", new.secret().expose_secret());
        let plain = || {
            let plain = Plain::get(query).unauthorized();
            plain.header("authorization", &value)
        };
        self.wire.send(plain()).await?.expect_text(400, text)?;
        self.client.delete(&new.token().name).await?;
        let reply = self.wire.send(plain()).await?.with_status(401)?;
        ensure_empty(&reply)?;
        passed()
    }

    pub(super) async fn the_health_check_is_for_everyone(&self) -> Verdict {
        for (method, path) in [
            (Method::GET, "/_/healthcheck"),
            (Method::PUT, "/_/healthcheck"),
            (Method::GET, "/_/healthcheck/below"),
        ] {
            let plain = Plain::new(method, path).unauthorized();
            self.wire.send(plain).await?.expect_text(200, "OK")?;
        }
        passed()
    }

    pub(super) async fn credentials_are_looked_at_before_the_body(&self) -> Verdict {
        let plain = Plain::new(Method::POST, TOKENS)
            .unauthorized()
            .body("no JSON");
        self.wire.send(plain).await?.with_status(401)?;
        let plain = Plain::get("/_/token/value").unauthorized();
        self.wire.send(plain).await?.with_status(401)?;
        passed()
    }

    pub(super) async fn unknown_routes_are_404_for_everyone(&self) -> Verdict {
        for (method, path) in [
            (Method::PATCH, TOKENS),
            (Method::OPTIONS, TOKENS),
            (Method::POST, "/_/token/value"),
            (Method::GET, "/_/token/value/x"),
            (Method::GET, "/_/token/conformance"),
            (Method::GET, "/_/Token"),
            (Method::GET, "/_/%74oken"),
        ] {
            let plain = Plain::new(method, path).unauthorized();
            self.wire
                .send(plain)
                .await?
                .expect_text(404, "404 Not Found")?;
        }
        passed()
    }

    pub(super) async fn empty_segments_of_the_path_are_dropped(&self) -> Verdict {
        for path in ["/_/token/", "//_//token"] {
            let reply = self.wire.send(Plain::get(path)).await?.with_status(200)?;
            let list = reply
                .json()?
                .get("data")
                .is_some_and(serde_json::Value::is_array);
            ensure(list, "no list came")?;
        }
        let name = self.name();
        let plain = Plain::new(Method::POST, "/_/token/").json(&json!({"name": name}));
        self.wire.send(plain).await?.with_status(201)?;
        passed()
    }
}
