//! All tokens of all configured services in one table, and the ones to look at first.
//!
//! A service is configured by the variables of its vendor, such as `LD_ACCESS_TOKEN`; see `from_env`
//! of each client. It is only read. If none is configured, local twins with a few tokens stand in.
//!
//! `cargo run --example inventory [-- --json | --csv]`

use std::error::Error;
use std::process::ExitCode;

use access_tokens::inventory::{Inventory, Report};
use access_tokens::query_server;
use access_tokens::{Clock as _, RotationPolicy, SystemClock, avisi_cloud, days, launchdarkly};
use access_tokens_testing::{
    AvisiCloud, LaunchDarkly, QueryServer, avisi_cloud as avisi_twin, launchdarkly as ld_twin,
    query_server as query_twin,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let form = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Form::Tables,
        ["--json"] => Form::Json,
        ["--csv"] => Form::Csv,
        _ => return Err("usage: inventory [--json | --csv]".into()),
    };
    let (inventory, services) = configured()?;
    let report = if services.is_empty() {
        eprintln!("No service is configured: these are local twins; nothing leaves this machine.");
        Twins::start().await?.report().await?
    } else {
        eprintln!("Reading {}.", services.join(", "));
        inventory.collect().await
    };
    print(&report, form);
    Ok(if report.is_complete() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

#[derive(Clone, Copy)]
enum Form {
    Tables,
    Json,
    Csv,
}

/// The services whose variables are set.
fn configured() -> Result<(Inventory, Vec<&'static str>), access_tokens::Error> {
    let is_set = |names: &[&str]| names.iter().any(|name| std::env::var_os(name).is_some());
    let mut inventory = Inventory::new();
    let mut services = Vec::new();
    if is_set(&["LD_ACCESS_TOKEN", "LAUNCHDARKLY_ACCESS_TOKEN"]) {
        inventory = inventory.add("launchdarkly", launchdarkly::Client::from_env()?);
        services.push("LaunchDarkly");
    }
    if is_set(&["QUERY_DEPLOY_TOKEN", "QUERY_PRIVATE_TOKEN"]) {
        inventory = inventory.add("query-server", query_server::Client::from_env()?);
        services.push("Query Server");
    }
    if is_set(&["ACLOUD_PERSONAL_ACCESS_TOKEN", "ACLOUD_PAT"]) {
        inventory = inventory.add("avisi-cloud", avisi_cloud::Client::from_env()?);
        services.push("Avisi Cloud");
    }
    Ok((inventory, services))
}

fn print(report: &Report, form: Form) {
    match form {
        Form::Json => return println!("{}", report.to_json()),
        Form::Csv => return print!("{}", report.to_csv()),
        Form::Tables => println!("{}", report.to_table()),
    }
    // What nobody can rule out is shown too: a service may not tell whether a token works.
    let live = report.may_work();
    for (title, found) in [
        ("End within 30 days", live.expiring_within(days(30))),
        ("Not used for 90 days", live.unused_for(days(90))),
        (
            "May be able to do everything, and have no known end",
            live.maybe_privileged().without_known_end(),
        ),
    ] {
        println!("{title}\n{}", found.to_table());
    }
    let policy = RotationPolicy::new()
        .max_age(days(180))
        .expires_within(days(14));
    println!("To be renewed by the policy \"at 180 days, or 14 days before the end\"");
    for (token, due) in report.evaluate(&policy).filter(|(_, due)| due.is_now()) {
        let account = token.account.as_deref().unwrap_or_default();
        println!("  {account} {}: {}", token.key, due.reason());
    }
}

struct Twins {
    ld: LaunchDarkly,
    query: QueryServer,
    avisi: AvisiCloud,
}

impl Twins {
    async fn start() -> Result<Self, Box<dyn Error>> {
        let ld = LaunchDarkly::start().await?;
        let query = QueryServer::start().await?;
        let avisi = AvisiCloud::start().await?;
        let now = SystemClock::new().now();

        let export = ld_twin::Seed::new("nightly export")
            .role("admin")
            .age(days(200));
        ld.seed(export.last_used(days(1)).expiry(now + days(6)));
        let relay = ld_twin::Seed::new("relay proxy").service().age(days(400));
        ld.seed(relay.last_used(days(120)));
        ld.seed(ld_twin::Seed::new("try-out").age(days(100)));

        query.seed(query_twin::Seed::new("edge"));
        query.seed(
            query_twin::Seed::new("dashboards")
                .write(false)
                .active(false),
        );
        query.seed(query_twin::Seed::new("updated by hand").issued_at(query.now() - 60));

        let ci = avisi_twin::Seed::new("ci").created_at(now - days(30));
        avisi.seed(ci.last_used_at(now - days(2)).expire_at(now + days(60)));
        let old = avisi_twin::Seed::new("old laptop").created_at(now - days(500));
        avisi.seed(old.last_used_at(now - days(300)));
        Ok(Self { ld, query, avisi })
    }

    async fn report(&self) -> Result<Report, Box<dyn Error>> {
        let ld = launchdarkly::Client::builder()
            .base_url(self.ld.base_url())
            .credential(self.ld.credential());
        let query = query_server::Client::builder()
            .base_url(self.query.base_url())
            .credential(self.query.credential());
        let avisi = avisi_cloud::Client::builder()
            .base_url(self.avisi.base_url())
            .credential(self.avisi.credential());
        let inventory = Inventory::new()
            .add("launchdarkly", ld.build()?)
            .add("query-server", query.build()?)
            .add("avisi-cloud", avisi.build()?);
        Ok(inventory.collect().await)
    }
}
