//! A suite of checks for each service: whether a server does what this crate takes it to do.
//!
//! The twins pass it, and it can be run against a real server, where it also tells what the
//! service's documentation leaves open. One function a service drives the whole API through this
//! crate's own client; what a client hides (a missing content type, say) is asked for with plain
//! requests beside it. The suite knows nothing of the twins, nor the twins of it.
//!
//! ```
//! use access_tokens_testing::conformance::{self, Options};
//! use access_tokens_testing::{QueryServer, VirtualClock};
//!
//! # #[cfg(feature = "query-server")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let clock = VirtualClock::new();
//! let twin = QueryServer::builder().clock(clock.clone()).start().await?;
//! let options = Options::new().virtual_time(clock);
//! let report =
//!     conformance::query_server(&twin.base_url(), &twin.credential(), &options).await;
//! assert!(report.is_ok(), "{report}");
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "query-server"))]
//! # fn main() {}
//! ```
//!
//! # What it does to a server
//!
//! It needs a credential that may manage tokens, makes only tokens whose name ends in a
//! [`Marker`](access_tokens::Marker) of its own, and removes each after the check that needed it, whatever
//! the outcome; at the end it looks for the marker once more. Should it be interrupted,
//! [`Report::marker`] (or the names that begin with `access-tokens conformance`) tells what to
//! remove. Other tokens are listed and never changed. Reports hold no secrets.
#![cfg_attr(
    not(all(
        feature = "launchdarkly",
        feature = "query-server",
        feature = "avisi-cloud"
    )),
    allow(dead_code, reason = "each service uses some of what they share")
)]

#[cfg(feature = "avisi-cloud")]
mod avisi_cloud;
#[cfg(feature = "launchdarkly")]
mod launchdarkly;
mod options;
mod problem;
#[cfg(feature = "query-server")]
mod query_server;
mod report;
mod run;
mod wire;

pub use options::Options;
pub use report::{Check, Outcome, Report};

use access_tokens::Secret;

/// Checks a server of LaunchDarkly. The credential is the secret of a token with the role `admin`.
#[cfg(feature = "launchdarkly")]
pub async fn launchdarkly(base_url: &str, credential: &Secret, options: &Options) -> Report {
    run::run::<launchdarkly::Suite>(base_url, credential, options).await
}

/// Checks a Query Server. The credential is the user token of an active administrator.
#[cfg(feature = "query-server")]
pub async fn query_server(base_url: &str, credential: &Secret, options: &Options) -> Report {
    run::run::<query_server::Suite>(base_url, credential, options).await
}

/// Checks the personal access tokens of Avisi Cloud. The credential is one of them.
#[cfg(feature = "avisi-cloud")]
pub async fn avisi_cloud(base_url: &str, credential: &Secret, options: &Options) -> Report {
    run::run::<avisi_cloud::Suite>(base_url, credential, options).await
}
