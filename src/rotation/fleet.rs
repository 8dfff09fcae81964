//! Many rotations at a time, and what came of them.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::SystemTime;

use futures_core::future::BoxFuture;

use super::builder::Rotation;
use super::error::{Error, ErrorKind};
use super::outcome::{Old, Rotated};
use crate::service::{TokenKey, TokenRecord};
use crate::sync::catch_panic_in;

type Decide = dyn Fn(&TokenRecord, SystemTime) -> Decision + Send + Sync;

/// Whether a token is to be rotated, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// It is.
    Rotate,
    /// It is not, for this reason.
    Skip(String),
}

/// How [`rotate_all`] goes about many rotations.
#[derive(Clone)]
#[must_use]
pub struct FleetPolicy {
    concurrency: usize,
    stop_after: usize,
    decide: Option<Arc<Decide>>,
}

impl Default for FleetPolicy {
    fn default() -> Self {
        Self {
            concurrency: 4,
            stop_after: 1,
            decide: None,
        }
    }
}

impl FleetPolicy {
    /// Every token is rotated, four at a time; after the first failure none is begun.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many rotations may be under way at a time; 0 is taken for 1.
    pub fn concurrency(mut self, rotations: usize) -> Self {
        self.concurrency = rotations.max(1);
        self
    }

    /// After how many failures no further rotation is begun; 0 is taken for 1. Those under way are
    /// brought to their end.
    pub fn stop_after(mut self, failures: usize) -> Self {
        self.stop_after = failures.max(1);
        self
    }

    /// Decides for each token, as it is when its turn comes, by the time of its service.
    ///
    /// ```
    /// use access_tokens::rotation::{Decision, FleetPolicy};
    /// use std::time::Duration;
    ///
    /// let policy = FleetPolicy::new().decide(|token, now| match token.expires.time() {
    ///     Some(end) if end < now + Duration::from_secs(14 * 86_400) => Decision::Rotate,
    ///     _ => Decision::Skip("does not end soon".to_owned()),
    /// });
    /// ```
    pub fn decide<F>(mut self, decide: F) -> Self
    where
        F: Fn(&TokenRecord, SystemTime) -> Decision + Send + Sync + 'static,
    {
        self.decide = Some(Arc::new(decide));
        self
    }

    fn decision(&self, record: &TokenRecord, now: SystemTime) -> Result<Decision, Error> {
        let Some(decide) = &self.decide else {
            return Ok(Decision::Rotate);
        };
        catch_panic_in(|| decide(record, now))
            .map_err(|_| Error::new(&record.key, ErrorKind::Panicked).with_text("the decision"))
    }
}

impl fmt::Debug for FleetPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FleetPolicy")
            .field("concurrency", &self.concurrency)
            .field("stop_after", &self.stop_after)
            .finish_non_exhaustive()
    }
}

/// What came of many rotations, in the order in which they were given.
#[derive(Debug)]
#[non_exhaustive]
pub struct Summary {
    /// Each token and its outcome.
    pub tokens: Vec<(TokenKey, Outcome)>,
}

/// What came of one rotation of many.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// It went through. An old token that remains counts as a failure all the same.
    Rotated(Box<Rotated>),
    /// It was not to be rotated, for this reason.
    Skipped(String),
    /// It failed.
    Failed(Error),
    /// It was not begun, since too many had failed.
    NotBegun,
}

impl Outcome {
    /// Whether somebody has to look after it.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        match self {
            Self::Rotated(rotated) => matches!(rotated.old, Old::Remains(_)),
            Self::Failed(_) => true,
            Self::Skipped(_) | Self::NotBegun => false,
        }
    }
}

impl Summary {
    fn count(&self, which: impl Fn(&Outcome) -> bool) -> usize {
        self.tokens
            .iter()
            .filter(|(_, outcome)| which(outcome))
            .count()
    }

    /// How many tokens have a successor in place.
    #[must_use]
    pub fn rotated(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Rotated(_)))
    }

    /// How many were not to be rotated.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Skipped(_)))
    }

    /// How many failed, those included whose old token could not be retired.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.count(Outcome::is_failure)
    }

    /// How many were not begun.
    #[must_use]
    pub fn not_begun(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::NotBegun))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rotated(rotated) => write!(f, "rotated    {rotated}"),
            Self::Skipped(reason) => write!(f, "skipped    {reason}"),
            Self::Failed(error) => write!(f, "failed     {error}"),
            Self::NotBegun => f.write_str("not begun"),
        }
    }
}

/// A line for each token, and the counts.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self
            .tokens
            .iter()
            .map(|(key, _)| key.to_string().chars().count());
        let width = widths.max().unwrap_or(0);
        for (key, outcome) in &self.tokens {
            writeln!(f, "{key:width$}  {outcome}")?;
        }
        writeln!(
            f,
            "{} rotated, {} skipped, {} failed, {} not begun",
            self.rotated(),
            self.skipped(),
            self.failed(),
            self.not_begun()
        )
    }
}

/// Plans and runs many rotations, some at a time, and stops beginning new ones after too many
/// failures.
///
/// Each [`Rotation`] brings its own service, key and sinks; give those that matter the same journal
/// with [`Rotation::shared_journal`]. An error of one does not touch the others.
///
/// Dropping the future stops all rotations under way where they are; their journals know.
///
/// ```no_run
/// # use access_tokens::{TokenServiceExt as _, TokenService};
/// use access_tokens::rotation::{FleetPolicy, Rotation, rotate_all, sink::FileSink};
///
/// # async fn example<S: TokenService + Clone + 'static>(service: S) -> access_tokens::Result<()> {
/// let rotations = service.list_all().await?.into_iter().map(|token| {
///     Rotation::of(&service, &token.key).deliver(FileSink::new(format!("/run/secrets/{}", token.key)))
/// });
/// println!("{}", rotate_all(rotations, &FleetPolicy::new().stop_after(3)).await);
/// # Ok(())
/// # }
/// ```
pub async fn rotate_all(
    rotations: impl IntoIterator<Item = Rotation>,
    policy: &FleetPolicy,
) -> Summary {
    let mut tokens = Vec::new();
    let mut waiting: VecDeque<(usize, Rotation)> = VecDeque::new();
    for (number, rotation) in rotations.into_iter().enumerate() {
        tokens.push((rotation.key.clone(), Outcome::NotBegun));
        waiting.push_back((number, rotation));
    }
    let mut failures = 0;
    let mut under_way: Vec<(usize, BoxFuture<'_, Outcome>)> = Vec::new();
    loop {
        while under_way.len() < policy.concurrency && failures < policy.stop_after {
            let Some((number, rotation)) = waiting.pop_front() else {
                break;
            };
            under_way.push((number, Box::pin(one(rotation, policy))));
        }
        if under_way.is_empty() {
            return Summary { tokens };
        }
        let (place, outcome) = poll_fn(|cx| {
            for (place, (_, rotation)) in under_way.iter_mut().enumerate() {
                if let Poll::Ready(outcome) = rotation.as_mut().poll(cx) {
                    return Poll::Ready((place, outcome));
                }
            }
            Poll::Pending
        })
        .await;
        let (number, _) = under_way.swap_remove(place);
        failures += usize::from(outcome.is_failure());
        if let Some((_, known)) = tokens.get_mut(number) {
            *known = outcome;
        }
    }
}

async fn one(rotation: Rotation, policy: &FleetPolicy) -> Outcome {
    let rotated = async {
        let record = rotation.look().await?;
        if let Decision::Skip(why) = policy.decision(&record, rotation.service.now())? {
            return Ok(Outcome::Skipped(why));
        }
        let plan = rotation.plan_for(&record).await?;
        Ok(Outcome::Rotated(Box::new(plan.run().await?)))
    };
    rotated.await.unwrap_or_else(Outcome::Failed)
}
