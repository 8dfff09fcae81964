//! The program as a process, against twins.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod accounts;
mod config;
mod managed;
mod month;
mod races;
mod support;
