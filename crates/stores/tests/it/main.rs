//! Every engine against the real thing, where it is on the path.
#![cfg(feature = "vault")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    reason = "tests; each engine uses its part of the helpers"
)]

mod engines;
#[cfg(feature = "vault")]
mod vault;
