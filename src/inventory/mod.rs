//! Inventory of the tokens of any number of accounts on any services: one report, filters for an audit.
//!
//! ```
//! use access_tokens::{days, inventory::Inventory};
//! # use access_tokens::{avisi_cloud, launchdarkly};
//! # use access_tokens_testing::{AvisiCloud, LaunchDarkly};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (one, two) = (LaunchDarkly::start().await?, AvisiCloud::start().await?);
//! # let ld = launchdarkly::Client::builder().base_url(one.base_url()).credential(one.credential());
//! # let avisi = avisi_cloud::Client::builder().base_url(two.base_url()).credential(two.credential());
//! # let (ld, avisi) = (ld.build()?, avisi.build()?);
//! let report = Inventory::new().add("prod", ld).add("cloud", avisi).collect().await;
//!
//! println!("{}", report.expiring_within(days(30)).unused_for(days(90)).to_table());
//! for failure in report.failures() {
//!     eprintln!("{} could not be read", failure.label);
//! }
//! # assert!(report.is_complete() && report.len() == 2);
//! # Ok(())
//! # }
//! ```
//!
//! An account that cannot be read does not hide the others: [`Report::failures`] names it, and what
//! was read of it before it failed stays in the report. A single token that cannot be read hides no
//! other, and is named there too. A [`Report`] holds no secret, because a
//! [`TokenRecord`](crate::TokenRecord) has no place for one; [`Report`] describes the formats of its
//! [table](Report::to_table), its [JSON](Report::to_json) and its [CSV](Report::to_csv).
//!
//! # Memory
//!
//! Records are taken from the services as they come, page by page where the service has pages. A
//! report holds all records; [`Inventory::stream`] gives them one after another and holds none.

mod collect;
mod csv;
mod filters;
mod json;
mod limits;
mod progress;
mod report;
mod source;
mod stream;
mod table;

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

pub use progress::{Phase, Progress};
pub use report::{AccountOutcome, Report};
pub use stream::InventoryStream;
pub use table::Table;

use collect::Collected;
use limits::{Account, Limits};
use progress::Observer;

use crate::clock::{Clock, SystemClock};
use crate::error::Error;
use crate::service::TokenService;

/// Accounts whose tokens are to be listed, and within which limits.
///
/// | setting | default |
/// |---|---|
/// | [`concurrency`](Self::concurrency) | 4 accounts at a time |
/// | [`max_records`](Self::max_records) | 1,000,000 tokens an account |
/// | [`time_limit`](Self::time_limit) | none beyond those of the services' clients |
/// | [`clock`](Self::clock) | the system's |
#[must_use = "nothing is sent until the inventory is collected"]
pub struct Inventory {
    accounts: Vec<Account>,
    limits: Limits,
    observer: Observer,
    clock: Arc<dyn Clock>,
}

impl Inventory {
    /// An inventory of no accounts yet.
    pub fn new() -> Self {
        Self {
            accounts: Vec::new(),
            limits: Limits {
                concurrency: 4,
                max_records: 1_000_000,
                time: None,
            },
            observer: Observer::default(),
            clock: Arc::new(SystemClock::new()),
        }
    }

    /// Adds an account under a label of your own: a client, or an [`Arc`] of one that is in use
    /// elsewhere too.
    ///
    /// A label that is taken gets a number, so that no two accounts are mixed up: the second
    /// `prod` is called `prod#2`.
    pub fn add(self, label: impl Into<String>, service: impl TokenService + 'static) -> Self {
        self.with(label.into(), Ok(Arc::new(service)))
    }

    /// Adds an account that cannot be asked, such as one whose credential is missing: it is among the
    /// [`failures`](Report::failures) of the report, which would seem complete without it.
    ///
    /// ```
    /// # use access_tokens::{inventory::Inventory, launchdarkly::Client};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut inventory = Inventory::new();
    /// for name in ["prod", "staging"] {
    ///     let credential = std::env::var(format!("{name}_TOKEN")).unwrap_or_default();
    ///     inventory = match Client::builder().credential(credential).build() {
    ///         Ok(client) => inventory.add(name, client),
    ///         Err(error) => inventory.add_failed(name, error),
    ///     };
    /// }
    /// let report = inventory.collect().await;
    /// assert!(!report.is_complete());
    /// # }
    /// ```
    pub fn add_failed(self, label: impl Into<String>, error: Error) -> Self {
        self.with(label.into(), Err(error))
    }

    fn with(mut self, label: String, service: Result<Arc<dyn TokenService>, Error>) -> Self {
        let taken = |label: &str| self.accounts.iter().any(|(other, _)| **other == *label);
        let numbered = (2_u64..).map(|number| format!("{label}#{number}"));
        let mut labels = std::iter::once(label.clone()).chain(numbered);
        let unique = labels.find(|label| !taken(label)).unwrap_or(label);
        self.accounts.push((unique.into(), service));
        self
    }

    /// Number of accounts that are read at a time. With 0 every account fails with
    /// [`ErrorKind::Config`](crate::ErrorKind), as with the other limits.
    pub fn concurrency(mut self, accounts: usize) -> Self {
        self.limits.concurrency = accounts;
        self
    }

    /// Number of tokens that an account may have. One that has more fails with
    /// [`ErrorKind::LimitExceeded`](crate::ErrorKind), and its tokens up to there are kept.
    pub fn max_records(mut self, records: usize) -> Self {
        self.limits.max_records = records;
        self
    }

    /// Time that reading an account may take, in real time whatever the clock; one that takes longer
    /// fails with [`ErrorKind::Timeout`](crate::ErrorKind).
    ///
    /// The clients of this crate limit every request on their own. For other services this is the
    /// way not to wait for ever.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.limits.time = Some(limit);
        self
    }

    /// Calls back when an account begins, every 1,000 records, and when it ends.
    ///
    /// If the callback panics, the panic is caught, and it is not called again; the report comes all
    /// the same (unless the program is built to abort on panics).
    pub fn progress(mut self, callback: impl FnMut(&Progress<'_>) + Send + 'static) -> Self {
        self.observer = Observer::new(callback);
        self
    }

    /// The clock that says by which time the report is made.
    ///
    /// Whether a token is expired is judged by the clock of its service's client.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Reads all accounts. What fails is in the report; see [`Report::failures`].
    ///
    /// Dropping the future ends everything that is under way. A panic inside of a service is not
    /// caught.
    pub async fn collect(self) -> Report {
        let as_of = self.clock.now();
        let mut stream = self.stream();
        let mut collected = Collected::default();
        while let Some(event) = poll_fn(|cx| stream.poll_event(cx)).await {
            collected.add(event);
        }
        collected.into_report(as_of)
    }

    /// The tokens of all accounts one after another, each with its account's label, in no
    /// particular order and without keeping them.
    ///
    /// A token that cannot be read gives an error of the kind
    /// [`ErrorKind::UnreadableItem`](crate::ErrorKind::UnreadableItem), and the others follow; any
    /// other error is the last item of its account.
    ///
    /// ```
    /// # use access_tokens::{inventory::Inventory, query_server::Client};
    /// # use access_tokens_testing::QueryServer;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let twin = QueryServer::start().await?;
    /// # twin.seed(access_tokens_testing::query_server::Seed::new("ci"));
    /// # let query = Client::builder().base_url(twin.base_url()).credential(twin.credential()).build()?;
    /// let mut tokens = Inventory::new().add("edge", query).stream();
    /// while let Some((account, token)) = tokens.next().await {
    ///     match token {
    ///         Ok(token) => println!("{account}: {}", token.key),
    ///         Err(error) => eprintln!("{account}: {error}"),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn stream(self) -> InventoryStream {
        InventoryStream::new(self.accounts, self.limits, self.observer)
    }
}

impl Default for Inventory {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Inventory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inventory")
            .field("accounts", &self.accounts)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
