//! Everything between a typed call and the network: one place where requests are executed.
//!
//! A call travels `request` → `session` → `wire` and the generated client, which makes its request by
//! `outgoing`, and which [`crate::rest`] does without → `call` → `attempt`; what comes back is judged in `classify`, and `retry` and `limiter` say
//! whether and when to go again. `trace` and `observer` tell those who watch. What all calls of a
//! client share is in `core`, what the requests of one call share in `session`. Nothing here knows a particular service: what differs is in
//! its [`Profile`] and its [`Operation`]s.

mod answer;
mod attempt;
mod base_url;
mod call;
mod challenge;
mod classify;
mod config;
mod connections;
mod core;
mod credential;
mod encoding;
mod env;
mod error_body;
mod hints;
mod items;
mod limiter;
mod limits;
mod observer;
mod operation;
mod options;
#[cfg(any_service)]
mod outgoing;
mod profile;
mod request;
mod retry;
mod session;
mod trace;
mod waits;
#[cfg(any_service)]
mod wire;

pub use self::answer::ResponseInfo;
#[cfg(any_service)]
pub(crate) use self::call::Call;
pub use self::config::{ClientBuilder, ServiceClient};
pub(crate) use self::core::Core;
pub use self::credential::{CredentialError, CredentialProvider};
pub(crate) use self::items::{Items, Reading};
pub use self::limits::{RateLimitWindow, RateLimits};
pub use self::observer::{Attempt, Observed, Observer, Wait, WaitReason};
#[cfg(any_service)]
pub(crate) use self::operation::Body;
pub use self::operation::{Idempotency, Operation};
#[cfg(any_service)]
pub(crate) use self::outgoing::{ResponseValue, encode_path};
#[cfg(feature = "query-server")]
pub(crate) use self::profile::KnownText;
pub(crate) use self::profile::Profile;
#[cfg(feature = "launchdarkly")]
pub(crate) use self::profile::{LimitHeaders, Scope};
pub use self::request::Request;
#[cfg(feature = "query-server")]
pub(crate) use self::retry::Delivery;
pub use self::retry::RetryPolicy;
pub(crate) use self::session::{Session, read};
