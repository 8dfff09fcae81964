//! The threads that connections are on.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, Weak};

use crate::reactor::{self, Thread};
use crate::sync::lock;

/// The connections that clients have, by origin.
static CONNECTIONS: LazyLock<Mutex<HashMap<String, Weak<Connections>>>> =
    LazyLock::new(Mutex::default);

/// The thread of all connections to one origin: whatever comes from there keeps no other waiting.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    /// Started by the first call. Its end waits for nothing, so that a client may be dropped anywhere.
    thread: OnceLock<Option<Thread>>,
}

impl Connections {
    /// Those that all clients of an origin share.
    pub(crate) fn to(origin: &str) -> Arc<Self> {
        let mut known = lock(&CONNECTIONS);
        if let Some(connections) = known.get(origin).and_then(Weak::upgrade) {
            return connections;
        }
        known.retain(|_, connections| connections.strong_count() > 0);
        let connections = Arc::default();
        known.insert(origin.to_owned(), Arc::downgrade(&connections));
        connections
    }

    /// Does what opens and uses connections.
    pub(crate) async fn used<T>(&self, work: impl Future<Output = T>) -> T {
        let thread = self.thread.get_or_init(|| reactor::start("tokens-network"));
        reactor::within(thread.as_ref(), work).await
    }
}
