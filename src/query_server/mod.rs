//! Query Server: the tokens that belong to no user (`/_/token`).
//!
//! ```no_run
//! use access_tokens::query_server::{Changes, Client, Created, TokenBody};
//! use std::time::Duration;
//!
//! # async fn example() -> access_tokens::Result<()> {
//! let query = Client::from_env()?;
//! let ttl = Duration::from_secs(90 * 86_400);
//! match query.create(TokenBody::builder("edge").write(false).expires(ttl)).await? {
//!     Created::New(new) => println!("store {:?} now", new.secret()), // prints [redacted]
//!     Created::AlreadyExists(token) => println!("there since {}", token.created()),
//! }
//! for token in query.list().await?.data {
//!     println!("{} expires {}", token.name, token.expires());
//! }
//! let rotated = query.rotate_to("edge", "edge-2", Changes::new()).await?;
//! println!("store {:?} now", rotated.new.secret());
//! query.delete("edge-2").await?;
//! # Ok(())
//! # }
//! ```
//!
//! What is particular here (source: version 0.12.49, observed on a running server):
//!
//! * **A create of a name that exists is answered with success** and changes nothing.
//!   [`Client::create`] looks before and after and tells [`Created::New`] from
//!   [`Created::AlreadyExists`].
//! * **An update replaces the secret, and the new one normally does not work**: a token is accepted
//!   only if its `iat` claim equals the row's `updated_at`, and the server signs it with the one
//!   from before. [`Client::update`] reads the result back and says so in [`Updated::liveness`]. The
//!   reliable ways are [`Client::rotate_to`] and [`Client::rotate_in_place`].
//! * Secrets can be read again at any time, and the list holds all of them.
//! * Times on the wire are **seconds** (the vendor's documentation says milliseconds; the server
//!   compares seconds).
//! * **A new secret cannot be tried out** with the calls that are documented: every one of them
//!   answers 401 to a token made here, whether it is good or not.
//!   [`TokenService::verify`](crate::TokenService::verify) therefore reads the token's row and holds
//!   the secret against it by the server's own rule: that it is the row's, and that its claims, the
//!   row's times and its flags let it in. A signing key that the server no longer has would not be
//!   seen.
//! * The token of an active admin user is needed; tokens made here cannot manage tokens.
//! * The server speaks plain HTTP only; anything but this machine needs a proxy that adds TLS.

mod calls;
mod claims;
mod client;
mod models;
mod requests;
mod rotate;
mod service;
mod wire;

pub use self::client::{Client, ClientBuilder};
pub use self::models::{Created, Flag, Liveness, NewToken, OldToken, Rotated, Updated};
pub use self::requests::{Changes, TokenBodyBuilder};
pub use self::wire::OPERATIONS;
pub use crate::generated::query_server::types::{Token, TokenBody, Tokens};
