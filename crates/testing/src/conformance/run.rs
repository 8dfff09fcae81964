//! How the checks of any service are made.

use std::ops::Deref;
use std::sync::{Mutex, PoisonError};

use super::options::Options;
use super::problem::{Problem, Verdict, ensure, passed};
use super::report::{Check, Outcome, Report};
use super::wire::Wire;
use access_tokens::{ClientBuilder, Marker, Secret, Service, ServiceClient};

/// The checks of one service.
pub(super) trait Suite: Sized + Deref<Target = Ground<Self::Client, Self::Key>> {
    type Client: ServiceClient;
    /// What a token is removed by.
    type Key: Clone;

    const SERVICE: Service;
    /// What stands before the secret in `Authorization`.
    const SCHEME: &'static str;

    fn builder() -> ClientBuilder<Self::Client>;

    fn base_url(client: &Self::Client) -> &str;

    fn new(ground: Ground<Self::Client, Self::Key>) -> Result<Self, Problem>;

    /// Makes the checks, with `make`.
    async fn checks(&self, report: &mut Report);

    async fn remove(&self, key: &Self::Key) -> access_tokens::Result<()>;

    /// The tokens with the marker of this run that still work.
    async fn left(&self) -> Result<Vec<Self::Key>, Problem>;
}

/// What the checks of every service stand on.
pub(super) struct Ground<C, K> {
    pub(super) client: C,
    pub(super) wire: Wire,
    pub(super) options: Options,
    pub(super) marker: Marker,
    pub(super) credential: Secret,
    base_url: String,
    made: Mutex<Vec<K>>,
}

impl<C: ServiceClient, K> Ground<C, K> {
    fn new<S: Suite<Client = C, Key = K>>(
        base_url: &str,
        credential: &Secret,
        options: &Options,
        marker: Marker,
    ) -> Result<Self, Problem> {
        let client = build::<S>(base_url, credential, options)?;
        Ok(Self {
            wire: Wire::new(S::base_url(&client), S::SCHEME, credential, options)?,
            client,
            options: options.clone(),
            marker,
            credential: credential.clone(),
            base_url: base_url.to_owned(),
            made: Mutex::default(),
        })
    }

    /// One more client of the suite, for other secrets.
    pub(super) fn another<S: Suite<Client = C, Key = K>>(&self) -> Result<C, Problem> {
        build::<S>(&self.base_url, &self.credential, &self.options)
    }

    /// The name of a token that a check makes.
    pub(super) fn name(&self) -> String {
        self.marker.appended_to("access-tokens conformance")
    }

    /// Notes a token for removal.
    pub(super) fn note(&self, key: K) {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.push(key);
    }

    fn take_made(&self) -> Vec<K> {
        std::mem::take(&mut *self.made.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn build<S: Suite>(
    base_url: &str,
    credential: &Secret,
    options: &Options,
) -> Result<S::Client, Problem> {
    let builder = S::builder().base_url(base_url);
    let builder = builder.credential(credential.clone());
    Ok(options.clocked(builder).build()?)
}

/// Makes all checks of a service.
pub(super) async fn run<S: Suite>(
    base_url: &str,
    credential: &Secret,
    options: &Options,
) -> Report {
    let marker = Marker::random();
    let mut report = Report::new(S::SERVICE, base_url, marker.clone());
    let ground = Ground::new::<S>(base_url, credential, options, marker);
    match ground.and_then(S::new) {
        Ok(suite) => {
            suite.checks(&mut report).await;
            let verdict = nothing_is_left_behind(&suite).await;
            note(&mut report, options, "nothing_is_left_behind", verdict);
        }
        Err(problem) => note(&mut report, options, "a_client_can_be_built", Err(problem)),
    }
    report
}

/// Removes what a check has made; what cannot be removed is found at the end.
pub(super) async fn clear<S: Suite>(suite: &S) {
    for key in suite.take_made() {
        let _ = suite.remove(&key).await;
    }
}

async fn nothing_is_left_behind<S: Suite>(suite: &S) -> Verdict {
    for key in suite.left().await? {
        suite.remove(&key).await?;
    }
    let left = suite.left().await?.len();
    ensure(left == 0, format_args!("{left} token(s) cannot be removed"))?;
    passed()
}

/// Notes what a check came to.
pub(super) fn note(report: &mut Report, options: &Options, name: &'static str, verdict: Verdict) {
    let (outcome, seen) = match verdict {
        Ok(seen) => (Outcome::Passed, seen),
        Err(Problem::Failed(reason)) => (Outcome::Failed(reason), None),
        Err(Problem::Skipped(reason)) => (Outcome::Skipped(reason), None),
    };
    let check = Check {
        name,
        outcome,
        seen,
    };
    options.see(&check);
    report.push(check);
}

/// Makes the checks of these names, which are methods of the suite, one after another, and clears
/// away after each.
macro_rules! make {
    ($suite:ident, $report:ident: $($check:ident),+ $(,)?) => {$(
        // Each on the heap: together they would make one very large future.
        let verdict = Box::pin($suite.$check()).await;
        $crate::conformance::run::note(
            $report, &$suite.options, stringify!($check), verdict,
        );
        $crate::conformance::run::clear($suite).await;
    )+};
}

pub(super) use make;
