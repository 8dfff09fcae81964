//! Kinds of failure: their stable names, and what to do about each.

use std::fmt;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $hint:literal;)*) => {
        /// Kind of failure of a managed token.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[$doc])* $name,)*
        }

        impl ErrorKind {
            /// The name in records, events and reports, such as `sink`. It is stable.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What to do about it.
            #[must_use]
            pub fn hint(self) -> &'static str {
                match self { $(Self::$name => $hint,)* }
            }

            /// The kind of this name.
            pub(crate) fn of(name: &str) -> Self {
                match name {
                    $($text => Self::$name,)*
                    _ => Self::Interrupted,
                }
            }
        }
    };
}

kinds! {
    /// What is declared cannot be done, or contradicts itself or the record.
    Declaration = "declaration", "change the declaration";
    /// The state store cannot be used.
    Store = "store", "see that the state store can be read and written; nothing goes on without it";
    /// The record makes no sense, or is older than what was done since.
    Record = "record", "look at the state; put the newest one back, or forget the entry and adopt the token again";
    /// The account's tokens cannot be listed.
    Account = "account", "see to the account's address and credential";
    /// A call to the service failed.
    Service = "service", "a later tick tries again";
    /// A sink did not do what it was asked for.
    Sink = "sink", "see to the place that the secret is delivered to; a later tick tries again";
    /// A step after the delivery failed. The new token is in place.
    After = "after", "see to the step; it is tried again at each tick, and the previous token stays until it succeeds";
    /// There is no token to adopt.
    NotFound = "not_found", "check the key or name";
    /// Several tokens have the name.
    Ambiguous = "ambiguous", "adopt one of them by its key";
    /// The token belongs to another entry or to another state.
    ManagedElsewhere = "managed_elsewhere", "remove it there first; if that state is lost, reclaim it";
    /// The key was rotated already.
    Retired = "retired", "use its successor";
    /// It is, or may be, the credential that the client itself uses.
    OwnCredential = "own_credential", "say allow_own_credential(true), and deliver it to where the client reads it";
    /// What was created is not what was asked for; it is deleted again.
    NotAsRequested = "not_as_requested", "accept the difference, or ask for what the service grants";
    /// The service does not accept the new secret; the token is deleted again.
    NotAccepted = "not_accepted", "a later tick tries again";
    /// Somebody else has written to a sink.
    Drift = "drift", "rotate to overwrite it, or put the token's secret back";
    /// The current token is gone or switched off, and not by this keeper.
    Gone = "gone", "rotate to make another one, or forget the entry";
    /// A sink that cannot be asked keeps failing without an answer.
    Stuck = "stuck", "see to the sink, then rotate by name";
    /// There is nothing to roll back to, or a sink cannot.
    RollbackImpossible = "rollback_impossible", "rotate instead";
    /// Code of the user's panicked.
    Panicked = "panicked", "mend the code that panicked";
    /// A tick did not come to its end, or more than can be right had to be done.
    Interrupted = "interrupted", "a later tick goes on";
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
