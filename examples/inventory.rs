//! All tokens of all configured services in one table, and the ones to look at first.
//!
//! A service is configured by the variables of its vendor, such as `LD_ACCESS_TOKEN`; see `from_env`
//! of each client. It is only read. If none is configured, local twins with a few tokens stand in.
//!
//! `cargo run -p examples --example inventory [-- --json | --csv]`

use std::error::Error;
use std::process::ExitCode;

use access_tokens::inventory::{Inventory, Report};
use access_tokens::{RotationPolicy, avisi_cloud, days, launchdarkly, query_server};
use access_tokens_testing::Twins;

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
        of_twins().await?
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

async fn of_twins() -> Result<Report, Box<dyn Error>> {
    let twins = Twins::start().await?;
    twins.seed_demo();
    let ld = launchdarkly::Client::builder()
        .base_url(twins.launchdarkly.base_url())
        .credential(twins.launchdarkly.credential());
    let query = query_server::Client::builder()
        .base_url(twins.query_server.base_url())
        .credential(twins.query_server.credential());
    let avisi = avisi_cloud::Client::builder()
        .base_url(twins.avisi_cloud.base_url())
        .credential(twins.avisi_cloud.credential());
    let inventory = Inventory::new()
        .add("launchdarkly", ld.build()?)
        .add("query-server", query.build()?)
        .add("avisi-cloud", avisi.build()?);
    Ok(inventory.collect().await)
}
