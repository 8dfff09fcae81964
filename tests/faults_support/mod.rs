//! What the tests of failures share: the operations as values, and servers that misbehave.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "helpers of tests, each of which uses some"
)]

pub(crate) mod cases;
pub(crate) mod op;
pub(crate) mod raw;
pub(crate) mod table;
#[cfg(feature = "rustls")]
pub(crate) mod tls;
