//! Twins of the services for tests: real HTTP servers on the loopback interface, with the state
//! and the quirks of the services they stand for.
//!
//! A twin runs on a thread of its own and on its own port, beside any runtime (one with paused
//! time included), as many as a test likes, and is gone when it is dropped. Its state can be
//! seeded and looked into, what it received is kept, a [`VirtualClock`] shared with the client
//! makes tokens expire without waiting, and a script of [`Fault`]s says what goes wrong when:
//!
//! ```
//! use std::time::Duration;
//! use access_tokens::Clock;
//! use access_tokens::testing::launchdarkly::{Operation, Seed};
//! use access_tokens::testing::{Fault, LaunchDarkly, VirtualClock};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! const DAY: Duration = Duration::from_secs(86_400);
//! let clock = VirtualClock::new();
//! let twin = LaunchDarkly::builder().clock(clock.clone()).start().await?;
//! let token = twin.seed(Seed::new("deploy").expiry(clock.now() + 30 * DAY));
//! // The second attempt to create a token succeeds, but its answer is lost on the way.
//! twin.on(Operation::PostToken).nth(2).then(Fault::ActThenClose);
//!
//! // … let the application work against `twin.base_url()` with `twin.credential()` …
//!
//! clock.advance(31 * DAY);
//! assert!(!twin.authenticates(&token.secret));
//! # Ok(())
//! # }
//! ```
//!
//! Clients must not go through a proxy to reach a twin. A request on a connection that a fault or
//! [`refuse_connections`](LaunchDarkly::refuse_connections) has closed fails as it would with the
//! service.

pub mod avisi_cloud;
mod body;
mod clock;
mod common;
pub mod conformance;
mod connection;
mod fault;
mod handler;
pub mod launchdarkly;
mod message;
pub mod query_server;
mod server;

pub use avisi_cloud::AvisiCloud;
pub use clock::VirtualClock;
pub use fault::{Fault, Rule};
pub use launchdarkly::LaunchDarkly;
pub use message::Received;
pub use query_server::QueryServer;
