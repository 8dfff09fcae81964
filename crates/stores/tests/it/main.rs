//! Every engine against the real thing, where it is on the path.
#![cfg(any(feature = "vault", feature = "postgres", feature = "object-store"))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    reason = "tests; each engine uses its part of the helpers"
)]

mod engines;
#[cfg(feature = "object-store")]
mod object;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "postgres", feature = "object-store"))]
mod proxy;
#[cfg(any(feature = "postgres", feature = "object-store"))]
mod state;
#[cfg(feature = "vault")]
mod vault;
