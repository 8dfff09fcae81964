//! Twins of the services for tests: real HTTP servers on the loopback interface, with the state
//! and the quirks of the services they stand for.

pub mod avisi_cloud;
mod body;
mod clock;
mod common;
mod connection;
mod fault;
mod handler;
pub mod launchdarkly;
mod message;
pub mod query_server;
mod server;

pub use avisi_cloud::AvisiCloud;
pub use clock::VirtualClock;
pub use fault::{Fault, Rule};
pub use launchdarkly::LaunchDarkly;
pub use message::Received;
pub use query_server::QueryServer;
