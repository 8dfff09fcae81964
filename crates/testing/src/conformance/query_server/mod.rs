//! The checks of Query Server.

mod access;
mod changes;
mod lifetime;
mod requests;

use std::ops::Deref;

use http::Method;
use serde_json::{Value, json};

use super::problem::{Problem, ensure, failed};
use super::report::Report;
use super::run::{self, Ground, make};
use super::wire::{Plain, Reply};
use access_tokens::Service;
use access_tokens::query_server::{
    Client, ClientBuilder, Created, NewToken, Token, TokenBody, TokenBodyBuilder,
};

const TOKENS: &str = "/_/token";

pub(super) struct Suite(Ground<Client, String>);

impl Deref for Suite {
    type Target = Ground<Client, String>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl run::Suite for Suite {
    type Client = Client;
    type Key = String;

    const SERVICE: Service = Service::QUERY_SERVER;
    const SCHEME: &'static str = "Bearer ";

    fn builder() -> ClientBuilder {
        Client::builder()
    }

    fn base_url(client: &Client) -> &str {
        client.base_url()
    }

    fn new(ground: Ground<Client, String>) -> Result<Self, Problem> {
        Ok(Self(ground))
    }

    async fn checks(&self, report: &mut Report) {
        make!(self, report:
            create_says_201_and_nothing_else,
            create_of_a_taken_name_changes_nothing,
            create_of_an_empty_name_stores_nothing,
            answers_have_no_content_type,
            the_list_shows_whole_secrets,
            flags_are_listed_as_0_and_1,
            the_value_of_an_unknown_name_is_an_empty_list,
            the_value_needs_a_name,
            a_plus_is_a_space,
            of_two_names_the_last_counts,
            names_are_taken_to_the_letter,
            request_types_are_strict,
            nulls_count_as_absent,
            unknown_members_are_ignored,
            arrays_are_read_by_position,
            the_content_type_of_requests_does_not_matter,
            control_bytes_vanish,
            never_is_the_time_of_the_change,
            an_end_now_means_never,
            an_end_is_kept_in_seconds,
            milliseconds_never_come,
            create_refuses_an_end_in_the_past,
            an_expired_token_is_told,
            update_accepts_an_end_in_the_past,
            update_answers_200_and_nothing_else,
            update_always_changes_the_secret,
            update_signs_with_the_time_before,
            an_update_leaves_a_dead_secret,
            two_updates_in_a_second_leave_a_living_secret,
            update_keeps_what_is_not_given,
            an_update_of_an_unknown_name_is_not_told,
            rotation_makes_a_living_secret,
            rotation_to_another_name_makes_a_living_secret,
            delete_is_always_200,
            delete_reads_its_body_only,
            a_deleted_name_gets_a_new_id,
            failures_about_credentials_look_alike,
            the_scheme_does_not_matter,
            tokens_made_here_cannot_manage_tokens,
            living_tokens_may_query_and_dead_ones_may_not,
            the_health_check_is_for_everyone,
            credentials_are_looked_at_before_the_body,
            unknown_routes_are_404_for_everyone,
            empty_segments_of_the_path_are_dropped,
        );
    }

    async fn remove(&self, name: &String) -> access_tokens::Result<()> {
        self.client.delete(name).await
    }

    async fn left(&self) -> Result<Vec<String>, Problem> {
        let rows = self.client.list().await?.data.into_iter();
        // Anywhere in the name: some checks put something behind it.
        let own = |name: &String| name.to_lowercase().contains(self.marker.as_str());
        Ok(rows.map(|token| token.name).filter(own).collect())
    }
}

impl Suite {
    /// A name that no other check has, noted for removal.
    fn name(&self) -> String {
        let number = fastrand::u32(..);
        let name = self
            .marker
            .appended_to(&format!("access-tokens conformance {number:08x}"));
        self.note(name.clone());
        name
    }

    async fn create(&self, body: impl Into<TokenBodyBuilder>) -> Result<NewToken, Problem> {
        match self.client.create(body).await? {
            Created::New(new) => Ok(new),
            Created::AlreadyExists(_) => failed("a new name is taken"),
        }
    }

    /// A token with an end far away, which no rule about "never" touches.
    async fn create_lasting(&self) -> Result<NewToken, Problem> {
        let year = std::time::Duration::from_secs(365 * 86_400);
        self.create(TokenBody::builder(self.name()).expires(year))
            .await
    }

    /// A request with a JSON body, past the client.
    async fn write(&self, method: Method, body: &Value) -> Result<Reply, Problem> {
        self.wire.send(Plain::new(method, TOKENS).json(body)).await
    }

    async fn post(&self, body: &Value) -> Result<Reply, Problem> {
        self.write(Method::POST, body).await
    }

    async fn put(&self, body: &Value) -> Result<Reply, Problem> {
        self.write(Method::PUT, body).await
    }

    async fn row(&self, name: &str) -> Result<Token, Problem> {
        Ok(self.client.get(name).await?)
    }

    /// The row as it stands in the list.
    async fn plain_row(&self, name: &str) -> Result<Value, Problem> {
        let list = self
            .wire
            .send(Plain::get(TOKENS))
            .await?
            .with_status(200)?
            .json()?;
        let rows = list.get("data").and_then(Value::as_array);
        let row = rows
            .into_iter()
            .flatten()
            .find(|row| row.get("name") == Some(&json!(name)));
        row.cloned()
            .map_or_else(|| failed("the token is not listed"), Ok)
    }
}

/// A body of nothing.
fn ensure_empty(reply: &Reply) -> Result<(), Problem> {
    ensure(reply.body.is_empty(), "the answer has a body")
}
