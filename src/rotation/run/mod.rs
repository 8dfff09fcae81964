//! One machine behind one door: a tick.
//!
//! [`machine`] says what comes next, [`begin`], [`mend`], [`answers`] and [`commit`] are its parts, and
//! none of them calls anybody. [`runner`] and [`acts`] do what it says. [`contact`] makes the record
//! ([`draft`] is what it leaves if it fails), [`confirm`] looks at what came back, [`tick`] and
//! [`planner`] go from a record to a report or to a plan.

mod account;
mod acts;
mod answers;
mod begin;
mod claims;
mod closing;
mod commit;
mod confirm;
mod contact;
mod context;
mod draft;
mod evidence;
mod guard;
mod known;
mod machine;
mod mend;
#[cfg(test)]
mod model;
mod planner;
mod prepare;
mod runner;
mod sinks;
mod tick;

pub(crate) use self::account::Account;
pub(crate) use self::closing::take_step;
pub(crate) use self::context::{Context, body_of, claim_entry, request_entry, token_entry};
pub(crate) use self::evidence::{Teller, refused};
pub(crate) use self::known::Known;
pub(crate) use self::planner::plan;
pub(crate) use self::tick::{How, Turn, tick, turn};
