//! The tests of the twins and of the conformance suite, in one binary.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers are test code too: what fails there fails the test"
)]

mod broken_stores;
mod compare_openapi;
mod conformance;
mod late;
mod odd_tokens;
mod programs;
mod settling;
mod stores;
mod twin_avisi_cloud;
mod twin_core;
mod twin_launchdarkly;
mod twin_query_server;
mod world;
