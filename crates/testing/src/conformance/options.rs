//! How a run is set up.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::problem::Problem;
use super::report::Check;
use crate::VirtualClock;
use access_tokens::{ClientBuilder, Clock};

/// Options of a conformance run: how much it may do to the server. By default no time passes and few tokens are made; what needs more is
/// skipped.
#[derive(Clone, Default)]
#[must_use]
pub struct Options {
    time: Time,
    many_tokens: bool,
    on_check: Option<Arc<See>>,
}

type See = dyn Fn(&Check) + Send + Sync;

#[derive(Clone, Debug, Default)]
enum Time {
    #[default]
    Still,
    Real,
    Virtual(VirtualClock),
}

impl Options {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets checks wait, for a few seconds each.
    pub fn real_time(mut self) -> Self {
        self.time = Time::Real;
        self
    }

    /// Lets checks turn this clock, which the server must go by as well.
    pub fn virtual_time(mut self, clock: VirtualClock) -> Self {
        self.time = Time::Virtual(clock);
        self
    }

    /// Lets checks make some thirty tokens at a time, to see the size of a page.
    pub fn many_tokens(mut self) -> Self {
        self.many_tokens = true;
        self
    }

    /// Calls a function after each check, for those who want its line at once.
    pub fn on_check(mut self, see: impl Fn(&Check) + Send + Sync + 'static) -> Self {
        self.on_check = Some(Arc::new(see));
        self
    }

    pub(super) fn see(&self, check: &Check) {
        if let Some(see) = &self.on_check {
            see(check);
        }
    }

    pub(super) fn need_many_tokens(&self) -> Result<(), Problem> {
        if self.many_tokens {
            return Ok(());
        }
        let reason = "makes some thirty tokens, which Options::many_tokens allows";
        Err(Problem::Skipped(reason.to_owned()))
    }

    /// How long something that shall end while the check waits for it may last.
    pub(super) fn while_waiting(&self) -> Result<Duration, Problem> {
        match self.time {
            Time::Still => Err(Problem::Skipped(
                "needs time to pass, which Options::real_time allows".to_owned(),
            )),
            Time::Real => Ok(Duration::from_secs(5)),
            Time::Virtual(_) => Ok(Duration::from_secs(86_400)),
        }
    }

    /// Whether an end that the server has set can be waited for.
    pub(super) fn can_wait(&self, time: Duration) -> Result<(), Problem> {
        match self.time {
            Time::Real if time > Duration::from_secs(60) => Err(Problem::Skipped(
                "the end is too far away to wait for it".to_owned(),
            )),
            _ => self.while_waiting().map(drop),
        }
    }

    /// Lets time pass, by whatever clock there is.
    pub(super) async fn pass(&self, time: Duration) {
        // Ends go out rounded up to a whole millisecond.
        let time = time + Duration::from_millis(1);
        match &self.time {
            Time::Still | Time::Real => tokio::time::sleep(time).await,
            Time::Virtual(clock) => clock.sleep(time).await,
        }
    }

    /// The system's clock, or the one that is turned.
    pub(super) fn clocked<C: access_tokens::ServiceClient>(
        &self,
        builder: ClientBuilder<C>,
    ) -> ClientBuilder<C> {
        match &self.time {
            Time::Still | Time::Real => builder,
            Time::Virtual(clock) => builder.clock(clock.clone()),
        }
    }

    pub(super) fn now(&self) -> std::time::SystemTime {
        match &self.time {
            Time::Still | Time::Real => std::time::SystemTime::now(),
            Time::Virtual(clock) => clock.now(),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("time", &self.time)
            .field("many_tokens", &self.many_tokens)
            .finish_non_exhaustive()
    }
}
