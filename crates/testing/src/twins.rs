//! The three twins together.

use std::io;
use std::time::Duration;

use access_tokens::{Clock, Secret};

use super::{AvisiCloud, LaunchDarkly, QueryServer, Twin};
use super::{avisi_cloud, launchdarkly, query_server};

const DAY: Duration = Duration::from_secs(86_400);

/// A twin of each service, for programs that use all of them.
///
/// ```
/// use access_tokens_testing::Twins;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let twins = Twins::start().await?;
/// twins.seed_demo();
/// let mut program = std::process::Command::new("true");
/// for (name, value) in twins.variables() {
///     program.env(name, value.expose_secret());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Twins {
    /// The twin of LaunchDarkly.
    pub launchdarkly: LaunchDarkly,
    /// The twin of Query Server.
    pub query_server: QueryServer,
    /// The twin of Avisi Cloud.
    pub avisi_cloud: AvisiCloud,
}

impl Twins {
    /// Starts one of each, with the defaults, on the system's clock.
    ///
    /// # Errors
    /// If the system gives no port or no thread.
    pub async fn start() -> io::Result<Self> {
        Self::with_clock(access_tokens::SystemClock::new()).await
    }

    /// Starts one of each, with the defaults, on this clock.
    ///
    /// # Errors
    /// If the system gives no port or no thread.
    pub async fn with_clock(clock: impl Clock + Clone + 'static) -> io::Result<Self> {
        Ok(Self::new(
            LaunchDarkly::builder().clock(clock.clone()).start().await?,
            QueryServer::builder().clock(clock.clone()).start().await?,
            AvisiCloud::builder().clock(clock).start().await?,
        ))
    }

    /// Takes twins that were set up one by one.
    #[must_use]
    pub fn new(
        launchdarkly: LaunchDarkly,
        query_server: QueryServer,
        avisi_cloud: AvisiCloud,
    ) -> Self {
        Self {
            launchdarkly,
            query_server,
            avisi_cloud,
        }
    }

    /// Addresses and credentials under the names that the clients' `from_env` reads.
    #[must_use]
    pub fn variables(&self) -> [(&'static str, Secret); 6] {
        let [ld_address, ld] = self.launchdarkly.variables();
        let [query_address, query] = self.query_server.variables();
        let [avisi_address, avisi] = self.avisi_cloud.variables();
        [ld_address, ld, query_address, query, avisi_address, avisi]
    }

    /// The three of them, as one trait shows them.
    #[must_use]
    pub fn all(&self) -> [&dyn Twin; 3] {
        [&self.launchdarkly, &self.query_server, &self.avisi_cloud]
    }

    /// Puts in a few tokens of every sort that people have: old, unused, endless, ended soon,
    /// switched off, dead.
    pub fn seed_demo(&self) {
        let (ld, query, avisi) = (&self.launchdarkly, &self.query_server, &self.avisi_cloud);
        let now = ld.now();

        let export = launchdarkly::Seed::new("nightly export")
            .role("admin")
            .age(200 * DAY);
        ld.seed(export.last_used(DAY).expiry(now + 6 * DAY));
        let relay = launchdarkly::Seed::new("relay proxy")
            .service()
            .age(400 * DAY);
        ld.seed(relay.last_used(120 * DAY));
        ld.seed(launchdarkly::Seed::new("try-out").age(100 * DAY));

        query.seed(query_server::Seed::new("edge"));
        let dashboards = query_server::Seed::new("dashboards").write(false);
        query.seed(dashboards.active(false));
        query.seed(query_server::Seed::new("updated by hand").issued_at(query.now() - 60));

        let ci = avisi_cloud::Seed::new("ci").created_at(now - 30 * DAY);
        avisi.seed(ci.last_used_at(now - 2 * DAY).expire_at(now + 60 * DAY));
        let old = avisi_cloud::Seed::new("old laptop").created_at(now - 500 * DAY);
        avisi.seed(old.last_used_at(now - 300 * DAY));
    }
}
