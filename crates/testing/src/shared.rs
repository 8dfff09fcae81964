//! What a server and the handlers of its requests have in common.

use std::collections::VecDeque;
use std::fmt;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::Method;

use super::fault::Script;
use super::message::{Answer, Received};
use access_tokens::Clock;

/// How many requests are kept; older ones make room.
const KEPT_REQUESTS: usize = 10_000;

/// What a twin does with requests.
pub(crate) trait Service: Send + Sync + 'static {
    /// The names of what it can do, for the fault script.
    type Operation: Copy + Eq + Hash + fmt::Debug + Send + Sync + 'static;

    /// Which operation a request is for, judged by its method and its still encoded path.
    fn operation(&self, method: &Method, path: &str) -> Option<Self::Operation>;

    /// Handles a request.
    fn answer(&self, request: &Received) -> Answer;
}

/// What the handlers of requests see.
pub(super) struct Shared<S: Service> {
    pub(super) service: Arc<S>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) script: Script<S::Operation>,
    recording: AtomicBool,
    requests: Mutex<VecDeque<Arc<Received>>>,
}

impl<S: Service> Shared<S> {
    pub(super) fn new(service: Arc<S>, clock: Arc<dyn Clock>) -> Self {
        Self {
            service,
            clock,
            script: Script::new(),
            recording: AtomicBool::new(true),
            requests: Mutex::new(VecDeque::new()),
        }
    }

    pub(super) fn requests(&self) -> Vec<Received> {
        self.lock_requests()
            .iter()
            .map(|request| Received::clone(request))
            .collect()
    }

    pub(super) fn clear(&self) {
        self.lock_requests().clear();
    }

    pub(super) fn set_recording(&self, on: bool) {
        self.recording.store(on, Ordering::Relaxed);
    }

    pub(super) fn is_recording(&self) -> bool {
        self.recording.load(Ordering::Relaxed)
    }

    pub(super) fn record(&self, request: &Arc<Received>) {
        let mut requests = self.lock_requests();
        if requests.len() >= KEPT_REQUESTS {
            requests.pop_front();
        }
        requests.push_back(Arc::clone(request));
    }

    fn lock_requests(&self) -> MutexGuard<'_, VecDeque<Arc<Received>>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
