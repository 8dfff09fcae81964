//! The program as a process, against twins.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod accounts;
mod behaviour;
mod canary;
mod config;
mod deliver;
#[cfg(all(
    feature = "aws",
    feature = "postgres",
    feature = "s3",
    feature = "vault"
))]
#[path = "../../../stores/tests/it/engines.rs"]
mod engines;
mod managed;
mod month;
mod races;
mod recipes;
mod screens;
#[cfg(all(
    feature = "aws",
    feature = "postgres",
    feature = "s3",
    feature = "vault"
))]
mod stores;
mod support;
