//! Keeps three tokens fresh for two nights, on local twins and in virtual time.
//!
//! ```text
//! cargo run -p examples --example keep_fresh
//! ```
//!
//! Three services, secrets in files that other programs read, a log of events, and a second process
//! that ticks the same tokens while the first one is at work. A job for cron needs no more than
//! [`declare`] and [`night`]; the rest builds a world around them.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use access_tokens::rotation::sink::{DotenvSink, FileSink, from_fn};
use access_tokens::rotation::state::FileStore;
use access_tokens::rotation::{Event, JsonLines, Keeper, ManagedToken, Outcome, sink::SinkError};
use access_tokens::{Clock, RotationPolicy, Secret, TokenService, days};
use access_tokens::{avisi_cloud, launchdarkly, query_server};
use access_tokens_testing::{
    Twin, Twins, VirtualClock, avisi_cloud::Seed as AvisiSeed, launchdarkly::Seed as LdSeed,
    query_server::Seed as QuerySeed,
};
use futures_util::StreamExt as _;
use tokio::process::Command;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const HOUR: Duration = Duration::from_secs(3_600);

/// The managed tokens. Every process declares them in the same way.
fn declare(directory: &Path, clock: &VirtualClock) -> Result<Vec<ManagedToken>> {
    // Addresses and credentials come from the environment.
    let ld = launchdarkly::Client::builder().from_env()?;
    let query = query_server::Client::builder().from_env()?;
    let avisi = avisi_cloud::Client::builder().from_env()?;
    let of = |name: &str, service: Arc<dyn TokenService>| {
        ManagedToken::builder(name)
            .shared_service(service)
            .adopt_named(name) // what has this name now; afterwards the state knows
            .policy(RotationPolicy::new().max_age(days(90)))
            .overlap(12 * HOUR) // for whoever has read the old secret
    };
    let env = directory.join(".env");
    let export = of("export", Arc::new(ld.clock(clock.clone()).build()?));
    let edge = of("edge", Arc::new(query.clock(clock.clone()).build()?));
    let runner = of("runner", Arc::new(avisi.clock(clock.clone()).build()?));
    Ok(vec![
        export
            .deliver_to(FileSink::new(directory.join("export.token")))
            .build()?,
        // Two tokens in one file.
        edge.deliver_to(DotenvSink::new(&env, "EDGE_TOKEN"))
            .build()?,
        runner
            .deliver_to(DotenvSink::new(&env, "RUNNER_TOKEN"))
            .deliver_to(from_fn("a slow friend", |_secret, _token| slow_friend()))
            // Avisi Cloud does not tell which token the client itself uses. Here it is another one.
            .allow_own_credential(true)
            .build()?,
    ])
}

/// Does what is due: for cron, on as many machines as there are.
async fn night(directory: &Path, clock: &VirtualClock) -> Result<()> {
    let keeper = Keeper::builder(FileStore::new(directory.join("state")))
        .events(JsonLines::new(directory.join("events.jsonl")))
        .clock(clock.clone())
        .build();
    // One at a time, so that the story is the same each time; eight are quicker.
    let mut reports = Box::pin(keeper.tick_all(declare(directory, clock)?, 1));
    while let Some(report) = reports.next().await {
        match &report.outcome {
            Outcome::Rotated { detail, .. } => println!("  {}: rotated, {detail}", report.token),
            Outcome::Retired { keys } => {
                println!("  {}: retired, {} old token", report.token, keys.len());
            }
            _ => println!("  {report}"),
        }
        if let Some(error) = report.error() {
            return Err(error.clone().into());
        }
    }
    Ok(())
}

/// Takes its time to store a secret. Meanwhile another process ticks the same tokens.
async fn slow_friend() -> std::result::Result<(), SinkError> {
    let failed = |error: std::io::Error| SinkError::not_stored(error.to_string());
    let this = std::env::current_exe().map_err(failed)?;
    let second = Command::new(this).output().await.map_err(failed)?;
    println!("  -- a second process begins, while \"runner\" is being delivered");
    print!("{}", String::from_utf8_lossy(&second.stdout));
    println!("  -- it has ended, {}", second.status);
    Ok(())
}

// What a real job has around it: services, the programs that use the tokens, and time.

/// Where the files are, and what time it is: for the processes of a night.
const DIRECTORY: &str = "KEEP_FRESH_DIRECTORY";
const NOW: &str = "KEEP_FRESH_NOW";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    if let (Ok(directory), Ok(now)) = (std::env::var(DIRECTORY), std::env::var(NOW)) {
        let now = UNIX_EPOCH + Duration::from_secs(now.parse()?);
        return night(Path::new(&directory), &VirtualClock::starting_at(now)).await;
    }
    let directory = std::env::temp_dir().join(format!("keep-fresh-{}", std::process::id()));
    std::fs::create_dir_all(&directory)?;
    let told = two_nights(&directory).await;
    std::fs::remove_dir_all(&directory)?;
    told
}

async fn two_nights(directory: &Path) -> Result<()> {
    let clock = VirtualClock::new();
    let twins = Twins::with_clock(clock.clone()).await?;
    let old = clock.now() - 120 * days(1);
    let export = LdSeed::new("export").role("reader").age(120 * days(1));
    let export = twins.launchdarkly.seed(export).secret;
    let then = twins.query_server.now() - 120 * 86_400;
    let edge = QuerySeed::new("edge").created_at(then).updated_at(then);
    let edge = twins.query_server.seed(edge).secret;
    let runner = AvisiSeed::new("runner").created_at(old);
    let runner = twins.avisi_cloud.seed(runner).secret;
    let env = format!(
        "EDGE_TOKEN={}\nRUNNER_TOKEN={}\n",
        edge.expose_secret(),
        runner.expose_secret()
    );
    std::fs::write(directory.join("export.token"), export.expose_secret())?;
    std::fs::write(directory.join(".env"), env)?;

    println!("Three tokens, 120 days old; each is to be replaced after 90 days.");
    consumers(directory, &twins)?;
    println!("\nThe first night");
    process_of_a_night(directory, &twins, &clock).await?;
    consumers(directory, &twins)?;
    clock.advance(days(1));
    println!("\nThe second night");
    process_of_a_night(directory, &twins, &clock).await?;
    consumers(directory, &twins)?;

    println!("\nWhat the log says of \"edge\"");
    for line in std::fs::read_to_string(directory.join("events.jsonl"))?.lines() {
        let event: Event = serde_json::from_str(line)?;
        if event.token == "edge" {
            let key = event.key.map(|key| key.to_string()).unwrap_or_default();
            println!("  {:<10} {key}", event.action);
        }
    }
    Ok(())
}

/// What cron does: a process of its own, with what it needs in its environment.
async fn process_of_a_night(directory: &Path, twins: &Twins, clock: &VirtualClock) -> Result<()> {
    let mut command = Command::new(std::env::current_exe()?);
    for (name, value) in twins.variables() {
        command.env(name, value.expose_secret());
    }
    let now = clock.now().duration_since(UNIX_EPOCH)?.as_secs();
    command.env(NOW, now.to_string()).env(DIRECTORY, directory);
    if command.status().await?.success() {
        return Ok(());
    }
    Err("the night went wrong".into())
}

/// What the programs find that use the tokens.
fn consumers(directory: &Path, twins: &Twins) -> Result<()> {
    let mut read = vec![std::fs::read_to_string(directory.join("export.token"))?];
    for variable in dotenvy::from_path_iter(directory.join(".env"))? {
        read.push(variable?.1);
    }
    let (mut works, mut there) = (Vec::new(), Vec::new());
    for (twin, secret) in twins.all().into_iter().zip(read) {
        works.push(twin.authenticates(&Secret::new(secret.trim())));
        there.push(alive(twin));
    }
    let served = !works.contains(&false);
    println!("  = all consumers are served: {served}; tokens alive on each service: {there:?}");
    if served {
        Ok(())
    } else {
        Err("a consumer has a dead secret".into())
    }
}

/// How many tokens work, but for the credential.
fn alive(twin: &dyn Twin) -> usize {
    let credential = twin.credential();
    let entries = twin.entries().into_iter();
    let others = entries.filter(|entry| entry.works && entry.secret != credential);
    others.count()
}
