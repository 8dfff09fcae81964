//! Avisi Cloud: a user's own personal access tokens (`/sts/v1/personal-access-tokens`).
//!
//! ```no_run
//! use access_tokens::avisi_cloud::{Client, ProvisionBody};
//!
//! # async fn example() -> access_tokens::Result<()> {
//! let avisi = Client::from_env()?;
//! let body = ProvisionBody::builder("ci runner").ip_restriction("203.0.113.0/24");
//! let new = avisi.provision(body).await?;
//! println!("store {:?} now", new.secret()); // prints [redacted]
//!
//! for token in avisi.list().await? {
//!     println!("{} created {:?}", token.name.as_deref().unwrap_or("?"), token.created_at);
//! }
//! if let Some(id) = &new.token().id {
//!     avisi.revoke(id).await?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The service's documentation is thin, so this module promises little and accepts much: every field
//! of an answer is optional, dates are kept as the text that came ([`DateText`](crate::DateText))
//! beside a typed view that can fail, and `type` is an open value. There is no operation to read a
//! single token, to change one or to rotate one.

mod client;
mod models;
mod requests;
mod service;
mod wire;

pub use self::client::{Client, ClientBuilder};
pub use self::models::{NewToken, PersonalAccessTokenType};
pub use self::requests::ProvisionBodyBuilder;
pub use self::wire::OPERATIONS;
pub use crate::generated::avisi_cloud::types::{PersonalAccessToken, ProvisionBody, RevokeAnswer};
