//! What a server and the handlers of its requests have in common.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::fault::Script;
use super::message::{Answer, Received};
use super::settling::Settling;
use access_tokens::Clock;

/// How many requests are kept; older ones make room.
const KEPT_REQUESTS: usize = 10_000;

/// The name of something that a service does.
pub(crate) trait Operation:
    Copy + Ord + Hash + fmt::Debug + Serialize + DeserializeOwned + Send + Sync + 'static
{
}

impl<T> Operation for T where
    T: Copy + Ord + Hash + fmt::Debug + Serialize + DeserializeOwned + Send + Sync + 'static
{
}

/// What a twin does with requests.
pub(crate) trait Service: Send + Sync + 'static {
    /// The names of what it can do, for the fault script.
    type Operation: Operation;

    /// A request that any living secret may make and that changes nothing: path and query.
    const USE: &'static str;

    /// What stands before the secret in `Authorization`.
    const SCHEME: &'static str;

    /// Which operation a request is for, judged by its method and its still encoded path.
    fn operation(&self, method: &Method, path: &str) -> Option<Self::Operation>;

    /// Sets how late changes are seen.
    fn set_settling(&self, settling: Settling);

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
    counts: Mutex<BTreeMap<S::Operation, u64>>,
    /// Requests on their way, with the time at which they land.
    late: Mutex<Vec<(SystemTime, Arc<Received>)>>,
    date: Mutex<DateHeader>,
}

/// Value of the header `Date` in a twin's answers; the time of its clock at first.
///
/// A service whose clock goes wrong is a twin on a [`ShiftedClock`](crate::ShiftedClock). This is for
/// what stands in front of it, and says another time than the one that the service goes by.
///
/// ```
/// use std::time::Duration;
/// use access_tokens_testing::{AvisiCloud, DateHeader};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let twin = AvisiCloud::start().await?;
/// twin.set_date(DateHeader::Behind(Duration::from_secs(300)));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DateHeader {
    /// The time of the twin's clock.
    #[default]
    Exact,
    /// A time that is later by this much.
    Ahead(Duration),
    /// A time that is earlier by this much.
    Behind(Duration),
    /// Nothing: there is no such header.
    Absent,
}

impl DateHeader {
    /// The time to show.
    pub(super) fn at(self, now: SystemTime) -> Option<SystemTime> {
        match self {
            Self::Exact => Some(now),
            Self::Ahead(by) => Some(now.checked_add(by).unwrap_or(now)),
            Self::Behind(by) => Some(now.checked_sub(by).unwrap_or(now)),
            Self::Absent => None,
        }
    }
}

impl<S: Service> Shared<S> {
    pub(super) fn new(service: Arc<S>, clock: Arc<dyn Clock>) -> Self {
        Self {
            service,
            clock,
            script: Script::new(),
            recording: AtomicBool::new(true),
            requests: Mutex::new(VecDeque::new()),
            counts: Mutex::new(BTreeMap::new()),
            late: Mutex::new(Vec::new()),
            date: Mutex::default(),
        }
    }

    /// Lets a request land later.
    pub(super) fn postpone(&self, request: &Received, by: Duration) {
        // Beyond the calendar it never lands.
        if let Some(at) = request.at.checked_add(by) {
            let request = Received {
                at,
                ..request.clone()
            };
            self.lock_late().push((at, Arc::new(request)));
        }
    }

    /// Lets land what is due: before anything is asked of the service, or seen of it.
    pub(super) fn catch_up(&self) {
        let mut late = self.lock_late();
        if late.is_empty() {
            return;
        }
        let now = self.clock.now();
        late.sort_by_key(|(at, _)| *at);
        let due = late.partition_point(|(at, _)| *at <= now);
        for (_, request) in late.drain(..due) {
            let _ = self.service.answer(&request);
        }
    }

    pub(super) fn date(&self) -> DateHeader {
        *self.date.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_date(&self, date: DateHeader) {
        *self.date.lock().unwrap_or_else(PoisonError::into_inner) = date;
    }

    fn lock_late(&self) -> MutexGuard<'_, Vec<(SystemTime, Arc<Received>)>> {
        self.late.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn requests(&self) -> Vec<Received> {
        self.lock_requests()
            .iter()
            .map(|request| Received::clone(request))
            .collect()
    }

    pub(super) fn clear(&self) {
        self.lock_requests().clear();
        self.lock_counts().clear();
    }

    pub(super) fn count(&self, operation: S::Operation) {
        let mut counts = self.lock_counts();
        let count = counts.entry(operation).or_default();
        *count = count.saturating_add(1);
    }

    pub(super) fn counts(&self) -> BTreeMap<S::Operation, u64> {
        self.lock_counts().clone()
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

    fn lock_counts(&self) -> MutexGuard<'_, BTreeMap<S::Operation, u64>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_requests(&self) -> MutexGuard<'_, VecDeque<Arc<Received>>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
