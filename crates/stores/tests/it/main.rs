//! Every engine against the real thing, where it is on the path.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests; each engine uses its part of the helpers"
)]

mod engines;
#[cfg(feature = "vault")]
mod vault;
