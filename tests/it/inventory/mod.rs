//! Inventories over the twins, and over services that misbehave in ways the twins cannot.

mod collecting;
mod csv;
mod filters;
mod memory;
mod outputs;
mod table;

use access_tokens::inventory::{Inventory, Report};
use access_tokens::{RetryPolicy, avisi_cloud, launchdarkly, query_server};
use access_tokens_testing::{AvisiCloud, LaunchDarkly, QueryServer, VirtualClock};

use crate::all::world::client_of;

/// The three twins and their clients, all by one clock.
struct Setup {
    clock: VirtualClock,
    ld: LaunchDarkly,
    query: QueryServer,
    avisi: AvisiCloud,
}

impl Setup {
    async fn new() -> Self {
        let clock = VirtualClock::new();
        // Lists of several pages without many tokens.
        let ld = LaunchDarkly::builder().clock(clock.clone()).max_limit(25);
        let query = QueryServer::builder().clock(clock.clone());
        let avisi = AvisiCloud::builder().clock(clock.clone());
        Self {
            ld: ld.start().await.unwrap(),
            query: query.start().await.unwrap(),
            avisi: avisi.start().await.unwrap(),
            clock,
        }
    }

    fn ld(&self) -> launchdarkly::Client {
        let builder = client_of!(launchdarkly, self.ld, self.clock);
        builder.retry(RetryPolicy::none()).build().unwrap()
    }

    fn query(&self) -> query_server::Client {
        let builder = client_of!(query_server, self.query, self.clock);
        builder.retry(RetryPolicy::none()).build().unwrap()
    }

    fn avisi(&self) -> avisi_cloud::Client {
        let builder = client_of!(avisi_cloud, self.avisi, self.clock);
        builder.retry(RetryPolicy::none()).build().unwrap()
    }

    fn inventory(&self) -> Inventory {
        Inventory::new()
            .clock(self.clock.clone())
            .add("prod", self.ld())
            .add("edge", self.query())
            .add("cloud", self.avisi())
    }
}

/// The tokens as `label/name`, without those of the twins themselves.
fn names(report: &Report) -> Vec<String> {
    report
        .records()
        .filter(|record| {
            let name = record.name.as_deref().unwrap_or_default();
            !name.contains("of the twin") && name != "twin administrator"
        })
        .map(|record| {
            let account = record.account.as_deref().unwrap();
            format!("{account}/{}", record.name.as_deref().unwrap_or("-"))
        })
        .collect()
}
