//! What the tests of failures share: the operations as values, and servers that misbehave.
#![allow(dead_code, reason = "each test uses some of it")]

pub(crate) mod cases;
pub(crate) mod op;
pub(crate) mod raw;
pub(crate) mod table;
#[cfg(feature = "rustls")]
pub(crate) mod tls;
