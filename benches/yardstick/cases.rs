//! The same work by this crate and by hand.

use access_tokens::launchdarkly::{self, Patch, Role, TokenBody};
use access_tokens::{RetryPolicy, TokenId, query_server};

use crate::bare::{Bare, CREDENTIAL, ID, Lean, Token};
use crate::server::Server;

/// Who does it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Ours,
    /// By hand, with all that is shown.
    Bare,
    /// By hand, without the links of tokens.
    Lean,
}

/// What is done.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Get,
    Create,
    Patch,
    /// One page of LaunchDarkly with so many tokens.
    Page(usize),
    /// One list of Query Server with 20,000 tokens.
    Rows,
    /// As many tokens as there are, in pages of 1,000, none kept.
    Stream(usize),
}

impl Case {
    pub(crate) fn name(self) -> String {
        match self {
            Self::Get => "get".to_owned(),
            Self::Create => "create".to_owned(),
            Self::Patch => "patch".to_owned(),
            Self::Page(tokens) => format!("page of {tokens}"),
            Self::Rows => "rows, 20000".to_owned(),
            Self::Stream(tokens) => format!("stream of {tokens}"),
        }
    }

    /// How many tokens it brings.
    pub(crate) fn tokens(self) -> usize {
        match self {
            Self::Get | Self::Create | Self::Patch => 1,
            Self::Page(tokens) | Self::Stream(tokens) => tokens,
            Self::Rows => 20_000,
        }
    }
}

/// Clients of one server, each with a connection that is kept.
pub(crate) struct Clients {
    bare: Bare,
    list: Bare,
    id: TokenId,
    ld: launchdarkly::Client,
    query: query_server::Client,
}

impl Clients {
    pub(crate) fn new(server: &Server) -> Self {
        Self {
            bare: Bare::new(&server.large),
            list: Bare::new(&server.list),
            id: ID.parse().unwrap(),
            ld: launchdarkly(&server.large),
            query: query_server(&server.list),
        }
    }

    pub(crate) async fn run(&self, case: Case, who: Who) {
        let brought = match (case, who) {
            (Case::Get, Who::Ours) => self.ld.get(&self.id).await.map(|_| 1).unwrap(),
            (Case::Get, _) => self.bare.get().await.id.len() / ID.len(),
            (Case::Create, Who::Ours) => {
                let body = TokenBody::builder()
                    .name("nightly export")
                    .role(Role::Reader);
                self.ld.create(body).await.map(|_| 1).unwrap()
            }
            (Case::Create, _) => self.bare.create().await.id.len() / ID.len(),
            (Case::Patch, Who::Ours) => {
                let patch = Patch::new().replace_name("other");
                self.ld.patch(&self.id, patch).await.map(|_| 1).unwrap()
            }
            (Case::Patch, _) => self.bare.patch().await.id.len() / ID.len(),
            (Case::Page(tokens), Who::Ours) => {
                let limit = u32::try_from(tokens).unwrap();
                self.ld
                    .list()
                    .limit(limit)
                    .page()
                    .await
                    .unwrap()
                    .items
                    .len()
            }
            (Case::Page(tokens), Who::Bare) => self.bare.page::<Token>(tokens, 0).await.items.len(),
            (Case::Page(tokens), Who::Lean) => self.bare.page::<Lean>(tokens, 0).await.items.len(),
            (Case::Rows, Who::Ours) => self.query.list().await.unwrap().data.len(),
            (Case::Rows, _) => self.list.rows().await.data.len(),
            (Case::Stream(_), Who::Ours) => {
                let mut stream = self.ld.list().limit(1_000).stream();
                let mut tokens = 0;
                while stream.try_next().await.unwrap().is_some() {
                    tokens += 1;
                }
                tokens
            }
            (Case::Stream(all), Who::Bare) => self.pages::<Token>(all).await,
            (Case::Stream(all), Who::Lean) => self.pages::<Lean>(all).await,
        };
        assert_eq!(brought, case.tokens());
    }

    async fn pages<T: for<'de> serde::Deserialize<'de>>(&self, all: usize) -> usize {
        let mut tokens = 0;
        while tokens < all {
            tokens += self.bare.page::<T>(1_000, tokens).await.items.len();
        }
        tokens
    }
}

pub(crate) fn launchdarkly(base_url: &str) -> launchdarkly::Client {
    launchdarkly::Client::builder()
        .base_url(base_url)
        .credential(CREDENTIAL)
        .retry(RetryPolicy::none())
        .max_pages(1_000_000)
        .max_response_bytes(1 << 30)
        .build()
        .unwrap()
}

pub(crate) fn query_server(base_url: &str) -> query_server::Client {
    query_server::Client::builder()
        .base_url(base_url)
        .credential(CREDENTIAL)
        .retry(RetryPolicy::none())
        .max_response_bytes(1 << 30)
        .build()
        .unwrap()
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}
