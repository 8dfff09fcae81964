//! Every engine against the real thing, where it is on the path.
#![cfg(any(
    feature = "aws",
    feature = "object-store",
    feature = "postgres",
    feature = "vault"
))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    reason = "tests; each engine uses its part of the helpers"
)]

#[cfg(feature = "aws")]
mod aws;
#[cfg(feature = "vault")]
mod bao_on_disk;
mod engines;
#[cfg(any(feature = "aws", feature = "postgres", feature = "vault"))]
mod fleet;
#[cfg(feature = "object-store")]
mod object;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "aws", feature = "postgres", feature = "object-store"))]
mod proxy;
#[cfg(any(feature = "aws", feature = "vault"))]
mod restart;
#[cfg(any(feature = "postgres", feature = "object-store"))]
mod state;
#[cfg(feature = "vault")]
mod vault;
mod world;
