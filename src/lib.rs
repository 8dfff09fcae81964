//! Manage access tokens on LaunchDarkly, Query Server and Avisi Cloud from Rust: list, create,
//! inspect, change, rotate and revoke them, without losing a secret, killing a live one, or printing
//! one.
//!
//! | module | service | operations |
//! |---|---|---|
//! | [`launchdarkly`] | LaunchDarkly | list, get, create, patch, reset, delete, whoami |
//! | [`query_server`] | Query Server | list, value, create, update, delete, and rotate on top |
//! | [`avisi_cloud`] | Avisi Cloud | list, provision, revoke |
//!
//! | I want to | start here |
//! |---|---|
//! | make a first call | the example below, [`guide::start`] |
//! | know what happens on failure | [`guide::errors`], [`guide::retries`] |
//! | see all tokens, audit them | [`inventory`], [`guide::inventory`] |
//! | have a token replaced in time | [`rotation`], [`guide::managed_tokens`] |
//! | do so for many, from several machines | [`guide::fleets`], [`guide::sinks`] |
//! | trace and measure what it does | [`guide::observability`], [`Observer`] |
//! | take a whole recipe: cron, Kubernetes, Vault, CI | [`guide::cookbook`] |
//! | bring a service that is not in here | [`rest`], [`TokenService`] |
//! | test without an account | [`guide::testing`] |
//! | set limits, TLS, a proxy | [`guide::limits`], [`guide::tls`] |
//! | leave curl or a vendor's client | [`guide::coming_from`] |
//!
//! Across services, [`inventory`] tells what tokens there are and [`rotation`] replaces one without
//! stranding anybody; both reach a service through [`TokenService`] only, which others can implement.
//!
//! ```
//! use access_tokens::launchdarkly::{Client, Role, TokenBody};
//! # use access_tokens_testing::LaunchDarkly;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let twin = LaunchDarkly::start().await?;
//! # let (base_url, secret) = (twin.base_url(), twin.credential());
//! let ld = Client::builder().base_url(base_url).credential(secret).build()?;
//!
//! let new = ld.create(TokenBody::builder().name("nightly export").role(Role::Reader)).await?;
//! assert_eq!(format!("{:?}", new.secret()), "Secret([redacted])");
//!
//! let mut all = ld.list().show_all(true).stream(); // also other members' personal tokens
//! while let Some(token) = all.try_next().await? {
//!     println!("{} last used {}", token.id, token.last_used());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What holds everywhere
//!
//! * **Secrets** are of the type [`Secret`], from the builder to the generated model. Nothing prints
//!   one: no `Debug`, no error, no log. [`Secret::expose_secret`] is the one way out.
//! * **A call that may have taken effect is never repeated silently.** Every operation's
//!   [`Idempotency`] says what a repetition would mean. If the answer to a create or reset is lost, the
//!   error says [`may_have_been_sent`](Error::may_have_been_sent), and what to do next.
//! * **The credential goes to the base URL's origin only.** Redirects are not followed, ids cannot
//!   change the path, and plain http reaches this machine only.
//! * **Everything is bounded**: time, attempts, waits, bodies, pages, requests at a time. The table
//!   at [`ClientBuilder`] has the defaults.
//! * **Unknown is not an error, and not zero.** Unknown fields and values are accepted, and
//!   [`When`] keeps "never" apart from "not reported".
//!
//! # Calls
//!
//! Every call is a [`Request`]: nothing happens before it is awaited, and its limits can be set for
//! itself.
//!
//! ```no_run
//! # use access_tokens::{RetryPolicy, TokenId, launchdarkly::Client};
//! # use std::time::Duration;
//! # async fn example(ld: Client, id: TokenId) -> access_tokens::Result<()> {
//! let token = ld.get(&id).timeout(Duration::from_secs(5)).retry(RetryPolicy::none()).await?;
//! let (token, info) = ld.get(&id).with_info().await?;
//! println!("{} attempt(s), limits {:?}", info.attempts, info.rate_limits);
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! `launchdarkly`, `query-server`, `avisi-cloud` (default: all three): the services. `rotation`
//! (default): managed tokens; off, the crates that state and sinks need are not built. `generate`
//! (default): models and clients are made during the build; off, the same code is taken as shipped.
//! `rustls` (default), `rustls-no-provider` or `native-tls`: TLS. `http2`: HTTP/2 where a server
//! offers it. `blocking`: calls without async.
//!
//! # Tokio
//!
//! Connections, timers and work on files are on threads of this crate, so that no server can hold up
//! a deadline, whatever it sends and whatever runtime a call is awaited in: of any flavour, without
//! network or timers, or none at all. `tokio::time::pause` therefore stops no wait of this crate; a
//! [`Clock`] does. A program that is not asynchronous waits for each call, with the feature `blocking`:
//!
//! ```no_run
//! # #[cfg(feature = "blocking")] mod example {
//! use access_tokens::blocking::Blocking as _;
//! # use access_tokens::{TokenId, launchdarkly::Client};
//! # fn example(ld: Client, id: TokenId) -> Result<(), Box<dyn std::error::Error>> {
//! let token = ld.get(&id).wait()?;
//! # Ok(())
//! # }
//! # }
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "avisi-cloud")]
pub mod avisi_cloud;
#[cfg(feature = "blocking")]
pub mod blocking;
mod clock;
mod due;
mod error;
mod generated;
#[cfg(all(
    any(doc, doctest),
    feature = "launchdarkly",
    feature = "query-server",
    feature = "avisi-cloud",
    feature = "rotation"
))]
pub mod guide;
mod id;
pub mod inventory;
#[cfg(feature = "launchdarkly")]
pub mod launchdarkly;
#[cfg(any_service)]
mod lenient;
mod listing;
mod marker;
mod new_token;
#[cfg(feature = "launchdarkly")]
mod open;
mod partial;
mod pointer;
#[cfg(feature = "query-server")]
pub mod query_server;
mod reactor;
pub mod rest;
#[cfg(feature = "rotation")]
pub mod rotation;
mod secret;
mod service;
mod sync;
mod text;
mod time;
mod transport;
#[cfg(any_service)]
mod wing;

pub use clock::{Clock, SystemClock};
pub use futures_core::future::BoxFuture;

pub use due::{Due, Reason, RotationPolicy, days};
pub use error::{Error, ErrorKind, Result};
pub use id::{ParseServiceError, ParseTokenIdError, Service, TokenId};
pub use listing::{Listing, UnreadableItem};
pub use marker::{Marker, ParseMarkerError};
pub use new_token::NewToken;
pub use secret::Secret;
pub use service::{
    Action, CallerIdentity, Capabilities, Deletions, FailedDeletion, Overrides, OwnCredential,
    Privilege, RecordStream, TokenKey, TokenKind, TokenRecord, TokenService, TokenServiceExt,
    TokenState, TokenTemplate, Verification,
};
pub use time::{DateText, Expiry, ParseDateError, ParseExpiryError, UnixMillis, UnixSeconds, When};
pub use transport::{
    Attempt, ClientBuilder, CredentialError, CredentialProvider, Idempotency, Observed, Observer,
    Operation, RateLimitWindow, RateLimits, Request, ResponseInfo, RetryPolicy, ServiceClient,
    Wait, WaitReason,
};

/// The README's examples, compiled as documentation tests.
#[cfg(all(
    doctest,
    feature = "launchdarkly",
    feature = "query-server",
    feature = "avisi-cloud",
    feature = "rotation"
))]
#[doc = include_str!("../README.md")]
struct Readme;
