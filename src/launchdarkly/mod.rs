//! LaunchDarkly: the access tokens of an account (`/api/v2/tokens`).
//!
//! ```no_run
//! use access_tokens::launchdarkly::{Client, Patch, Role, TokenBody};
//! use std::time::Duration;
//!
//! # async fn example() -> access_tokens::Result<()> {
//! let ld = Client::from_env()?;
//! let new = ld.create(TokenBody::builder().name("nightly export").role(Role::Reader)).await?;
//! let id = new.token().id.clone();
//! println!("store {:?} now", new.secret()); // prints [redacted]
//!
//! let mut all = ld.list().show_all(true).stream();
//! while let Some(token) = all.try_next().await? {
//!     println!("{} last used {}", token.id, token.last_used());
//! }
//!
//! ld.patch(&id, Patch::new().test_name("nightly export").replace_name("old export")).await?;
//! ld.reset(&id, Duration::from_secs(3_600)).await?;
//! ld.delete(&id).await?;
//! println!("all that as {:?}", ld.whoami().await?.token_name);
//! # Ok(())
//! # }
//! ```
//!
//! What is particular here (source: the service's own description of its API, March and October
//! 2026, and its official clients):
//!
//! * A secret is shown whole when a token is created or reset, and never again. Every later read
//!   shows its last four characters: [`Token::secret_tail`].
//! * Times on the wire are **milliseconds** since the Unix epoch.
//! * Fields that the service does not know are dropped without an error: a success does not prove
//!   that each of them was applied, so compare with what came back.

mod client;
mod identity;
mod links;
mod list;
mod models;
mod pages;
mod patch;
mod record;
mod region;
mod requests;
mod seen;
mod service;
mod stream;
mod wire;

pub use self::client::{Client, ClientBuilder, Options};
pub use self::links::Links;
pub use self::list::List;
pub use self::models::{Access, NewToken, PatchOp, Role, StatementEffect};
pub use self::patch::Patch;
pub use self::region::{ParseRegionError, Region};
pub use self::requests::{OldSecret, TokenBodyBuilder};
pub use self::stream::TokenStream;
pub use self::wire::OPERATIONS;
pub use crate::generated::launchdarkly::types::{
    Caller, Link, MemberSummary, PatchOperation, Statement, Token, TokenBody, Tokens,
};
