//! The checks of Avisi Cloud. Much is not documented, so many of them tell what they see.

mod checks;

use std::ops::Deref;

use super::problem::{Problem, failed};
use super::report::Report;
use super::run::{self, Ground, make};
use access_tokens::avisi_cloud::{
    Client, ClientBuilder, NewToken, PersonalAccessToken, ProvisionBody, ProvisionBodyBuilder,
};
use access_tokens::{ErrorKind, Marker, Secret, Service, TokenId};

const TOKENS: &str = "/sts/v1/personal-access-tokens";

pub(super) struct Suite {
    ground: Ground<Client, TokenId>,
    /// Takes other secrets in turn, to see whether they are accepted.
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

    const SERVICE: Service = Service::AVISI_CLOUD;
    const SCHEME: &'static str = "Token ";

    fn builder() -> ClientBuilder {
        Client::builder()
    }

    fn base_url(client: &Client) -> &str {
        client.base_url()
    }

    fn new(ground: Ground<Client, TokenId>) -> Result<Self, Problem> {
        let probe = ground.another::<Self>()?;
        Ok(Self { ground, probe })
    }

    async fn checks(&self, report: &mut Report) {
        make!(self, report:
            the_list_is_a_plain_array,
            provision_shows_the_secret,
            provision_keeps_what_it_is_given,
            the_secret_is_shown_once,
            a_new_token_is_listed,
            two_tokens_may_share_a_name,
            a_type_comes_back_as_it_was,
            a_name_of_nothing,
            unknown_members_are_ignored,
            dates_can_be_read,
            use_is_reported,
            a_token_ends_when_it_says,
            revoke_says_so,
            revoke_ends_the_secret,
            a_revoked_token_is_gone_or_inactive,
            a_second_revoke,
            an_unknown_id_is_not_found,
            a_wrong_secret_is_refused,
            the_word_before_the_secret_is_token,
            errors_are_json,
        );
    }

    async fn remove(&self, id: &TokenId) -> access_tokens::Result<()> {
        self.client.revoke(id).await.map(drop)
    }

    /// Revoked ones may stay in the list.
    async fn left(&self) -> Result<Vec<TokenId>, Problem> {
        let own = |token: &PersonalAccessToken| {
            let name = token.name.as_deref().unwrap_or_default();
            Marker::in_text(name).as_ref() == Some(&self.marker) && token.active != Some(false)
        };
        let list = self.client.list().await?.into_iter();
        Ok(list.filter(own).filter_map(|token| token.id).collect())
    }
}

impl Suite {
    async fn provision(&self) -> Result<(TokenId, NewToken), Problem> {
        self.provision_with(ProvisionBody::builder(self.name()))
            .await
    }

    async fn provision_with(
        &self,
        body: impl Into<ProvisionBodyBuilder>,
    ) -> Result<(TokenId, NewToken), Problem> {
        let new = self.client.provision(body).await?;
        let Some(id) = new.token().id.clone() else {
            return failed("a new token has no id");
        };
        self.note(id.clone());
        Ok((id, new))
    }

    async fn find(&self, id: &TokenId) -> Result<Option<PersonalAccessToken>, Problem> {
        let mut list = self.client.list().await?.into_iter();
        Ok(list.find(|token| token.id.as_ref() == Some(id)))
    }

    async fn listed(&self, id: &TokenId) -> Result<PersonalAccessToken, Problem> {
        let found = self.find(id).await?;
        found.map_or_else(|| failed("the token is not listed"), Ok)
    }

    async fn accepts(&self, secret: &Secret) -> Result<bool, Problem> {
        self.probe.replace_credential(secret.clone())?;
        match self.probe.list().await {
            Ok(_) => Ok(true),
            Err(error) if is_refusal(error.kind()) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// 401 or 403: which one is not documented.
fn is_refusal(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Unauthenticated | ErrorKind::PermissionDenied
    )
}
