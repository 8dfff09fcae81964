//! What all twins have in common, behind one trait.

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use access_tokens::{BoxFuture, Secret, Service};

use super::fault::Fault;
use super::settling::Settling;
use super::shared::DateHeader;

/// A token of any twin, in a form that is the same for all of them.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Entry {
    /// What a [`TokenKey`](access_tokens::TokenKey) holds: the id, at Query Server the name.
    pub key: String,
    /// The name.
    pub name: String,
    /// The secret in force.
    pub secret: Secret,
    /// Whether a request with the secret would be let in now.
    pub works: bool,
    /// When it was made.
    pub created: Option<SystemTime>,
    /// When it ends.
    pub expires: Option<SystemTime>,
    /// When a request was last made with it, where the service keeps that.
    pub last_used: Option<SystemTime>,
}

/// Function that decides about requests, for [`Twin::on_others`]: from the name of the operation to
/// the fault.
pub type Decide = dyn FnMut(Option<&str>) -> Option<Fault> + Send;

/// Any of the twins, for tests that do the same with each of them.
///
/// The twins are its only implementations. What only one service has is a method of its twin's own
/// type.
///
/// ```
/// use access_tokens_testing::{Twin, Twins};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let twins = Twins::start().await?;
/// twins.seed_demo();
/// for twin in twins.all() {
///     let working = twin.entries().into_iter().filter(|entry| entry.works);
///     assert!(working.count() >= 1, "{}", twin.service());
/// }
/// # Ok(())
/// # }
/// ```
pub trait Twin: sealed::Sealed + fmt::Debug + Send + Sync {
    /// Which service it stands for.
    fn service(&self) -> Service;

    /// The address to give to a client.
    fn base_url(&self) -> String;

    /// The secret to give to a client.
    fn credential(&self) -> Secret;

    /// Whether a request with this secret would be let in now; asking is not a use.
    fn authenticates(&self, secret: &Secret) -> bool;

    /// Uses a secret as a consumer would, over HTTP: the status of the answer, 200 or 401 unless a
    /// fault or a limit gets in between.
    ///
    /// # Errors
    /// If no answer comes, or if the secret does not fit a header.
    fn use_secret<'a>(&'a self, secret: &'a Secret) -> BoxFuture<'a, std::io::Result<u16>>;

    /// All tokens that the service keeps, the ended ones and the credential's included where it
    /// does, in the order of its list.
    fn entries(&self) -> Vec<Entry>;

    /// Removes a token past the API, as somebody else would; `false` if there is none.
    fn remove(&self, key: &str) -> bool;

    /// How many requests there were, by the name of the operation in JSON.
    fn counts(&self) -> BTreeMap<String, u64>;

    /// Sets a fault for `times` calls, from the `nth` one on (1 is the next), of the operation with
    /// this name in JSON, or of all.
    ///
    /// # Errors
    /// If the twin has no operation of this name.
    fn set_fault(
        &self,
        operation: Option<&str>,
        nth: u64,
        times: u64,
        fault: Fault,
    ) -> std::io::Result<()>;

    /// Lets a function decide what happens to the requests that no rule of the fault script is for;
    /// it is given the name of the operation in JSON, if the request is for one.
    fn on_others(&self, decide: Box<Decide>);

    /// Drops all rules of the fault script, and the function beside them.
    fn clear_faults(&self);

    /// Sets how late the service's changes are seen, from now on.
    fn set_settling(&self, settling: Settling);

    /// Sets what the header `Date` of the answers says.
    fn set_date(&self, date: DateHeader);

    /// Forgets what was received, counts included.
    fn clear_requests(&self);

    /// Closes the listener and all connections; the port stays reserved.
    ///
    /// # Errors
    /// If the system does not let the port be reserved again.
    fn refuse_connections(&self) -> std::io::Result<()>;

    /// Listens again, on the same port and with the same state.
    ///
    /// # Errors
    /// If the system does not let the port be listened on again.
    fn accept_connections(&self) -> std::io::Result<()>;
}

pub(crate) mod sealed {
    pub trait Sealed {}
}
