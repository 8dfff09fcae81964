//! The checks of LaunchDarkly.

mod access;
mod identity;
mod lists;
mod patches;
mod secrets;

use std::ops::Deref;

use serde_json::{Value, json};

use super::problem::{Problem, ensure, skipped};
use super::report::Report;
use super::run::{self, Ground, make};
use super::wire::Plain;
use access_tokens::launchdarkly::{
    Client, ClientBuilder, NewToken, Patch, Role, Token, TokenBody, TokenBodyBuilder,
};
use access_tokens::{ErrorKind, Marker, Secret, Service, TokenId};

pub(super) struct Suite {
    ground: Ground<Client, TokenId>,
    /// Takes other secrets in turn, since a client of its own for each would take its time.
    guest: Client,
    /// The same, to see whether a secret is accepted.
    probe: Client,
}

impl Deref for Suite {
    type Target = Ground<Client, TokenId>;

    fn deref(&self) -> &Self::Target {
        &self.ground
    }
}

impl run::Suite for Suite {
    type Client = Client;
    type Key = TokenId;

    const SERVICE: Service = Service::LAUNCH_DARKLY;
    const SCHEME: &'static str = "";

    fn builder() -> ClientBuilder {
        Client::builder()
    }

    fn base_url(client: &Client) -> &str {
        client.base_url()
    }

    fn new(ground: Ground<Client, TokenId>) -> Result<Self, Problem> {
        let (guest, probe) = (ground.another::<Self>()?, ground.another::<Self>()?);
        Ok(Self {
            ground,
            guest,
            probe,
        })
    }

    async fn checks(&self, report: &mut Report) {
        make!(self, report:
            create_shows_the_whole_secret,
            reads_show_the_end_of_the_secret,
            create_keeps_what_it_is_given,
            unknown_members_are_ignored,
            an_own_policy_leaves_no_base_role,
            use_is_reported,
            expiry_is_kept,
            expiry_ends_a_token,
            a_patched_expiry_ends_a_token,
            reset_ends_the_old_secret_at_once,
            reset_lets_the_old_secret_live_until_its_time,
            reset_ignores_an_expiry_in_the_body,
            reset_needs_a_json_content_type,
            delete_ends_the_secret,
            a_deleted_token_is_not_found,
            an_unknown_id_is_not_found,
            statuses_are_as_documented,
            answers_are_json,
            a_wrong_secret_is_refused,
            a_scheme_before_the_secret_is_refused,
            the_caller_is_told_who_it_is,
            a_narrow_token_is_told_who_it_is,
            a_dead_secret_is_told_nothing,
            readers_may_not_change_tokens,
            service_tokens_see_service_tokens_only,
            show_all_widens_for_administrators_only,
            lists_page_by_limit_and_offset,
            pages_hold_25_by_default,
            paging_links_stay_on_the_server,
            the_total_is_told,
            old_api_versions_do_not_page,
            patch_changes_name_and_role,
            patch_moves_from_a_role_to_a_policy,
            patch_changes_the_description,
            patch_is_all_or_nothing,
            a_failed_test_changes_nothing,
            a_held_test_lets_the_patch_through,
            remove_of_an_absent_member_is_refused,
            fixed_members_cannot_be_patched,
            permissions_of_service_tokens_are_fixed,
            rate_limit_headers_make_sense,
        );
    }

    async fn remove(&self, id: &TokenId) -> access_tokens::Result<()> {
        self.client.delete(id).await
    }

    async fn left(&self) -> Result<Vec<TokenId>, Problem> {
        let own = self.own().await?.into_iter();
        Ok(own.map(|token| token.id).collect())
    }
}

impl Suite {
    /// The tokens with the marker of this run.
    async fn own(&self) -> Result<Vec<Token>, Problem> {
        let mut all = self.client.list().show_all(true).all().await?.into_items();
        all.retain(|token| {
            let name = token.name.as_deref().unwrap_or_default();
            Marker::in_text(name).as_ref() == Some(&self.marker)
        });
        Ok(all)
    }

    /// What most checks make: a personal reader.
    fn reader(&self) -> TokenBodyBuilder {
        TokenBody::builder().name(self.name()).role(Role::Reader)
    }

    async fn create(&self, body: impl Into<TokenBodyBuilder>) -> Result<NewToken, Problem> {
        let new = self.client.create(body).await?;
        self.note(new.token().id.clone());
        Ok(new)
    }

    async fn create_some(&self, number: usize) -> Result<(), Problem> {
        for _ in 0..number {
            let _ = self.create(self.reader()).await?;
        }
        Ok(())
    }

    /// A service token, which not every plan has.
    async fn create_service_token(&self) -> Result<NewToken, Problem> {
        let body = self.reader().service_token(true);
        match self.client.create(body.clone()).await {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                skipped("the account has no service tokens")
            }
            Err(error) => Err(error.into()),
            Ok(new) => {
                self.note(new.token().id.clone());
                Ok(new)
            }
        }
    }

    /// A create past the client; the whole answer, secret included.
    async fn create_plainly(&self, more: &Value) -> Result<Value, Problem> {
        let mut body = json!({"name": self.name(), "role": "reader"});
        if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
            body.extend(more.clone());
        }
        let plain = Plain::new(http::Method::POST, "/api/v2/tokens").json(&body);
        let reply = self.wire.send(self.versioned(plain)).await?;
        let created = reply.with_status(201)?.json()?;
        let id = created.get("_id").and_then(Value::as_str);
        if let Some(Ok(id)) = id.map(str::parse) {
            self.note(id);
        }
        Ok(created)
    }

    #[expect(clippy::unused_self, reason = "reads better at the calls")]
    fn versioned<'p>(&self, plain: Plain<'p>) -> Plain<'p> {
        plain.header("ld-api-version", "20240415")
    }

    /// A client with another secret, until the next one is asked for.
    fn client_with(&self, secret: &Secret) -> Result<&Client, Problem> {
        self.guest.replace_credential(secret.clone())?;
        Ok(&self.guest)
    }

    async fn accepts(&self, secret: &Secret) -> Result<bool, Problem> {
        self.probe.replace_credential(secret.clone())?;
        match self.probe.list().limit(1).page().await {
            Ok(_) => Ok(true),
            Err(error) if error.is_unauthenticated() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn ensure_accepted(&self, secret: &Secret, which: &str) -> Result<(), Problem> {
        let accepted = self.accepts(secret).await?;
        ensure(accepted, format_args!("{which} is not accepted"))
    }

    async fn ensure_dead(&self, secret: &Secret, which: &str) -> Result<(), Problem> {
        let accepted = self.accepts(secret).await?;
        ensure(!accepted, format_args!("{which} is still accepted"))
    }

    async fn patch(&self, id: &TokenId, patch: Patch) -> Result<Token, Problem> {
        Ok(self.client.patch(id, patch).await?)
    }
}
