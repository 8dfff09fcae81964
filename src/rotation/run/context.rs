//! What all ticks of a keeper share, and how its entries in the store are named.

use std::sync::{Arc, OnceLock};

use serde::Serialize;

use super::super::error::Error;
use super::super::event::EventSink;
use super::super::kind::ErrorKind;
use super::super::record::Stamp;
use super::super::rules::Times;
use super::super::state::StateStore;
use crate::clock::Clock;
use crate::service::TokenKey;

/// What all ticks of a keeper share.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) store: Arc<dyn StateStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) events: Option<Arc<dyn EventSink>>,
    pub(crate) times: Times,
    /// Whether the store was proved to keep its promises.
    pub(crate) proved: Arc<OnceLock<()>>,
}

impl Context {
    /// Nothing is sent before the store is proved to keep its promises.
    ///
    /// Two may prove it at once: who waited for another would wait for ever for one that nobody polls.
    pub(crate) async fn prove(&self, name: &str) -> Result<(), Error> {
        if self.proved.get().is_none() {
            let proved = self.store.probe().await;
            proved.map_err(|error| Error::store(name, &error))?;
            self.proved.get_or_init(|| ());
        }
        Ok(())
    }

    /// The keeper's time: the store's own, where it has one.
    pub(crate) async fn now(&self, name: &str) -> Result<Stamp, Error> {
        let now = self.store.now().await;
        let now = now.map_err(|error| Error::store(name, &error))?;
        Ok(Stamp::of(now.unwrap_or_else(|| self.clock.now())))
    }
}

/// What is stored for an entry.
pub(crate) fn body_of(name: &str, entry: &impl Serialize) -> Result<serde_json::Value, Error> {
    serde_json::to_value(entry)
        .map_err(|_| Error::new(name, ErrorKind::Store, "the entry has no JSON form"))
}

/// The name of a managed token's record in the store.
pub(crate) fn token_entry(name: &str) -> String {
    format!("token/{name}")
}

/// The name of its request.
pub(crate) fn request_entry(name: &str) -> String {
    format!("request/{name}")
}

/// The name of the claim to a token. Its parts are told apart whatever is in them.
pub(crate) fn claim_entry(service: &str, account: Option<&str>, key: &TokenKey) -> String {
    let part = |text: &str| text.replace('%', "%25").replace('/', "%2F");
    format!(
        "claim/{}/{}/{}",
        part(service),
        part(account.unwrap_or_default()),
        part(key.as_str())
    )
}
