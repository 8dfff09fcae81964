//! Where a new secret goes.
//!
//! A [`Sink`] stores a secret for whoever uses it: [`FileSink`], [`DotenvSink`], [`CommandSink`], a
//! closure by [`from_fn`], or your own.

mod blocking;
mod command;
mod contract;
mod dotenv;
mod error;
mod file;
mod from_fn;
mod interface;
mod place;
mod through;

pub use command::CommandSink;
pub use contract::{Delivery, Holds, Observed, SinkKind, SinkVersion, Written};
pub use dotenv::{DotenvReaders, DotenvSink};
pub use error::{SinkError, SinkErrorKind};
pub use file::FileSink;
pub use from_fn::from_fn;
pub use interface::Sink;

pub use super::name::escape_name;

use crate::secret::Secret;

/// The longest text of somebody else's that is kept.
const LONGEST: usize = 512;

/// Text of somebody else's without the secret: one line, bounded.
pub(crate) fn redact(text: &str, secret: &Secret) -> String {
    crate::text::redact_untrusted(text, secret, LONGEST)
}
