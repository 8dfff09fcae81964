//! One machine behind one door: a tick.

mod answers;
mod begin;
mod machine;
mod mend;

pub(crate) use self::answers::{NotCreated, Prepared, mark_of};
pub(crate) use self::machine::{Act, Did, Machine, Wait};
