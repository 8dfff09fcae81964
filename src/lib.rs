//! Work in progress.
mod secret;
mod time;
pub use secret::Secret;
pub use time::{
    Clock, DateText, Expiry, ParseDateError, SystemClock, UnixMillis, UnixSeconds, When,
};
#[cfg(feature = "testing")]
pub mod testing;
