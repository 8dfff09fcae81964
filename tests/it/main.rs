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

mod avisi_cloud;
mod cancellation;
mod common;
mod documents;
mod faults;
#[cfg(all(
    feature = "launchdarkly",
    feature = "query-server",
    feature = "avisi-cloud"
))]
mod faults_support;
mod hostile_input;
mod inventory;
mod launchdarkly;
mod limits;
mod memory;
mod properties;
mod query_server;
mod rate_limits;
mod records;
mod regressions;
mod rotation;
mod rotation_crash;
mod rotation_simulation;
#[cfg(all(
    feature = "launchdarkly",
    feature = "query-server",
    feature = "avisi-cloud"
))]
mod rotation_support;
mod simulation;
