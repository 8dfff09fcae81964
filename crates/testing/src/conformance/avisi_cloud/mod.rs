//! The checks of Avisi Cloud. Much is not documented, so many of them tell what they see.

mod checks;

use std::sync::{Mutex, PoisonError};

use super::options::Options;
use super::report::Report;
use super::run::{Problem, Verdict, ensure, failed, make, note, passed};
use super::wire::Wire;
use access_tokens::avisi_cloud::{
    Client, NewToken, PersonalAccessToken, ProvisionBody, ProvisionBodyBuilder,
};
use access_tokens::{ErrorKind, Marker, Secret, Service, TokenId};

const TOKENS: &str = "/sts/v1/personal-access-tokens";

struct Suite<'a> {
    client: Client,
    /// Takes other secrets in turn, to see whether they are accepted.
    probe: Client,
    wire: Wire<'a>,
    options: &'a Options,
    marker: Marker,
    made: Mutex<Vec<TokenId>>,
}

pub(super) async fn run(base_url: &str, credential: &Secret, options: &Options) -> Report {
    let marker = Marker::random();
    let mut report = Report::new(Service::AVISI_CLOUD, base_url, marker.clone());
    let suite = match Suite::new(base_url, credential, options, marker) {
        Ok(suite) => suite,
        Err(problem) => {
            note(&mut report, options, "a_client_can_be_built", Err(problem));
            return report;
        }
    };
    make!(suite, report, options:
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
        nothing_is_left_behind,
    );
    report
}

impl<'a> Suite<'a> {
    fn new(
        base_url: &str,
        credential: &Secret,
        options: &'a Options,
        marker: Marker,
    ) -> Result<Self, Problem> {
        let client = || {
            let builder = Client::builder().base_url(base_url);
            options
                .clocked(builder.credential(credential.clone()))
                .build()
        };
        let (client, probe) = (client()?, client()?);
        Ok(Self {
            wire: Wire::new(client.base_url(), "Token ", credential, options)?,
            client,
            probe,
            options,
            marker,
            made: Mutex::default(),
        })
    }

    fn name(&self) -> String {
        self.marker.appended_to("access-tokens conformance")
    }

    fn note_id(&self, id: &TokenId) {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.push(id.clone());
    }

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
        self.note_id(&id);
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

    async fn clear(&self) {
        let made = std::mem::take(&mut *self.made.lock().unwrap_or_else(PoisonError::into_inner));
        for id in made {
            let _ = self.client.revoke(&id).await;
        }
    }

    /// Revoked ones may stay in the list.
    async fn nothing_is_left_behind(&self) -> Verdict {
        for id in self.left().await? {
            self.client.revoke(&id).await?;
        }
        let left = self.left().await?.len();
        ensure(left == 0, format_args!("{left} token(s) cannot be revoked"))?;
        passed()
    }

    async fn left(&self) -> Result<Vec<TokenId>, Problem> {
        let own = |token: &PersonalAccessToken| {
            let name = token.name.as_deref().unwrap_or_default();
            Marker::in_text(name).as_ref() == Some(&self.marker) && token.active != Some(false)
        };
        let list = self.client.list().await?;
        Ok(list
            .into_iter()
            .filter(own)
            .filter_map(|token| token.id)
            .collect())
    }
}

/// 401 or 403: which one is not documented.
fn is_refusal(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Unauthenticated | ErrorKind::PermissionDenied
    )
}
