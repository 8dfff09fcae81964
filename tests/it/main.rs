//! The tests of the crate as its users meet it, in one binary: through the public API, mostly
//! against the twins. `tests/secrets.rs` needs a process of its own.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers are test code too: what fails there fails the test"
)]

#[cfg(feature = "avisi-cloud")]
mod avisi_cloud;
mod due;
#[cfg(feature = "launchdarkly")]
mod launchdarkly;
#[cfg(feature = "query-server")]
mod query_server;
mod rest;
#[cfg(unix)]
mod state;
mod structure;
mod support;
mod vocabulary;

/// What needs all three services. The files are beside this one.
#[cfg(all(
    feature = "launchdarkly",
    feature = "query-server",
    feature = "avisi-cloud"
))]
#[path = "."]
mod all {
    mod answers;
    #[cfg(feature = "blocking")]
    mod blocking;
    mod cancellation;
    mod deletions;
    mod documents;
    #[cfg(feature = "rustls")]
    mod faults;
    mod hostile_input;
    mod identity;
    mod inventory;
    mod limits;
    #[cfg(target_os = "linux")]
    mod memory;
    mod observability;
    mod odd_answers;
    mod odd_lists;
    mod paging;
    mod properties;
    mod rate_limits;
    mod records;
    mod regressions;
    mod rotation;
    mod runtimes;
    mod services;
    mod simulation;
    mod sinks;
    mod world;
}
