//! Managed tokens: kept fresh for years, unattended, from any number of machines.
//!
//! A [`ManagedToken`] is a name that never changes, and what to do for the token behind it. A
//! [`Keeper`] does whatever is due for it: [`Keeper::tick`], from cron or from wherever you like.
//!
//! The page `docs/managed-tokens.md` says what the state holds, what happens in which order, and
//! why a process may be killed anywhere.

mod after;
mod decision;
mod error;
mod event;
mod json;
mod keeper;
mod kind;
mod name;
mod outcome;
mod pass;
mod plan;
mod problem;
mod record;
mod request;
mod rules;
mod run;
pub mod sink;
pub mod state;
mod status;
mod token;
#[cfg(test)]
mod waits;

pub use after::AfterStep;
pub use error::{Error, State};
pub use event::{Event, EventError, EventSink, JsonLines};
pub use keeper::{Keeper, KeeperBuilder};
pub use kind::ErrorKind;
pub use outcome::{Cause, Outcome, Report};
pub use plan::{Plan, PlannedStep, Verdict};
pub use request::Reason;
pub use status::{LastRotation, Status};
pub use token::{ManagedToken, ManagedTokenBuilder, Property};
