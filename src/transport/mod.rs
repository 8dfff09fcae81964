//! Everything between a typed call and the network: one place where requests are executed.
//!
//! A call travels `request` → the generated client → `core` (the hook) → `attempt`; what comes back
//! is judged in `classify`, and `retry` and `rate_limit` say whether and when to go again. Nothing
//! here knows a particular service: what differs is in its [`Profile`] and its [`Operation`]s.

mod attempt;
mod base_url;
mod classify;
mod config;
mod core;
mod credential;
mod env;
mod hints;
mod operation;
mod rate_limit;
mod request;
mod retry;

pub use self::config::ClientBuilder;
pub(crate) use self::config::{KnownText, Profile, Wing};
pub(crate) use self::core::{Call, Core};
pub use self::credential::{CredentialError, CredentialProvider};
pub use self::operation::{Effect, Operation};
pub use self::rate_limit::{RateLimitWindow, RateLimits};
pub(crate) use self::request::Session;
pub use self::request::{Request, ResponseInfo};
pub use self::retry::RetryPolicy;
pub(crate) use self::retry::Sent;
