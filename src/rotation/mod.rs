//! Rotation of a token that cannot strand anyone.
//!
//! ```
//! use access_tokens::launchdarkly::Client;
//! use access_tokens::rotation::{FileJournal, Rotation, sink::FileSink};
//! use access_tokens::TokenKey;
//! use std::time::Duration;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let twin = access_tokens_testing::LaunchDarkly::start().await?;
//! # let token = twin.seed(access_tokens_testing::launchdarkly::Seed::new("nightly export"));
//! # let ld = Client::builder().base_url(twin.base_url()).credential(twin.credential()).build()?;
//! # let (id, directory) = (TokenKey::new(&token.id), std::env::temp_dir());
//! # let directory = directory.join(format!("rotation-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&directory)?;
//! let rotation = Rotation::of(&ld, &id)
//!     .grace(Duration::from_secs(24 * 3_600))
//!     .deliver(FileSink::new(directory.join("token")))
//!     .journal(FileJournal::new(directory.join("journal"))?);
//!
//! rotation.resume().await?; // what an earlier run may have left unfinished
//! let plan = rotation.plan().await?;
//! println!("{plan}"); // every call that will be made, no secret
//! println!("{}", plan.run().await?);
//! # std::fs::remove_dir_all(&directory)?;
//! # Ok(())
//! # }
//! ```
//!
//! # What happens, in order
//!
//! 1. **Plan**: look at the token, decide, show. Running a plan whose token has changed is refused.
//! 2. **Create** the successor. If the answer is lost, the token is found again (by a mark, by its
//!    new name, or by what was there before) and removed.
//! 3. **Check** that the service accepts the new secret, *before* anybody gets it: a secret that
//!    does not work must not take the place of one that does.
//! 4. **Deliver** it to the [sinks](sink), in order; then the caller's own check, if there is one.
//! 5. **Retire** the old token: at once, or after the grace, by the service itself where it can,
//!    else by [`Rotation::finish`].
//!
//! If a step before the last fails, the sinks get back what they held, and only then is the new
//! token removed. If a sink cannot be undone, both tokens stay alive and
//! [`Rotation::resume`] goes forward. Failing to retire the old token is no failure of the rotation:
//! [`Old::Remains`] says so, and `finish` tries again.
//!
//! # Crashes
//!
//! Every step is in the [`Journal`] before it is taken. After a crash at any point
//! [`Rotation::resume`] ends with one token that works and is delivered; until then whoever uses the
//! token has a secret that works, except in the gap of [`Strategy::InPlace`] and of a
//! [`Strategy::Reset`] without grace, which their plans state. Dropping the future of a rotation is
//! such a crash: nothing is held that would not be let go.
//!
//! Closures of the caller's may panic; that is caught and taken for an error (not where panics
//! abort).

mod atomic;
mod builder;
mod delivery;
mod draw;
mod entry;
mod error;
mod file_journal;
mod fleet;
mod journal;
mod orphans;
mod outcome;
mod plan;
mod resume;
mod retire;
mod run;
pub mod sink;
pub mod state;

pub use builder::{CustomCheck, Rotation, Strategy, Verify};
pub use entry::{Entry, Step};
pub use error::{Error, ErrorKind, State};
pub use file_journal::FileJournal;
pub use fleet::{Decision, FleetPolicy, Outcome, Summary, rotate_all};
pub use journal::{Journal, JournalError, JournalErrorKind, MemoryJournal};
pub use outcome::{Old, Resumed, Rotated};
pub use plan::{Plan, PlannedStep};
