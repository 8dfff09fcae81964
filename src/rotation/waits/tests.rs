use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::SystemTime;

use access_tokens_testing::LaunchDarkly;
use access_tokens_testing::launchdarkly::Seed;

use super::{Ordering, WAITS};
use crate::rotation::sink::{DotenvSink, FileSink, Sink};
use crate::rotation::state::FileStore;
use crate::rotation::{Keeper, ManagedToken};
use crate::{RotationPolicy, Secret, launchdarkly};

const ALONE: &str = "ACCESS_TOKENS_COUNT_WAITS";

/// In a process of its own, since others write files too.
#[test]
fn a_rotation_into_a_file_waits_for_the_disk_at_most_eight_times() {
    if std::env::var_os(ALONE).is_some() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        return runtime.block_on(each_sink());
    }
    let test = "a_rotation_into_a_file_waits_for_the_disk_at_most_eight_times";
    let this = std::env::current_exe().unwrap();
    let output = Command::new(this)
        .args([&format!("rotation::waits::tests::{test}"), "--exact"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
}

async fn each_sink() {
    let name = format!("at-waits-{}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    std::fs::create_dir(&directory).unwrap();
    let token = directory.join("token");
    rotation("file", &token, "", FileSink::new(&token)).await;
    let env = directory.join(".env");
    rotation("variable", &env, "TOKEN=", DotenvSink::new(&env, "TOKEN")).await;
    std::fs::remove_dir_all(&directory).unwrap();
}

/// Adopts a token, and rotates it.
async fn rotation(name: &str, path: &Path, before: &str, sink: impl Sink + 'static) {
    let sink: Arc<dyn Sink> = Arc::new(sink);
    let twin = LaunchDarkly::start().await.unwrap();
    let end = SystemTime::now() + crate::days(10);
    let seeded = twin.seed(Seed::new("edge").age(crate::days(100)).expiry(end));
    let held = format!("{before}{}\n", seeded.secret.expose_secret());
    std::fs::write(path, held).unwrap();
    let client = launchdarkly::Client::builder()
        .base_url(twin.base_url())
        .credential(Secret::new(twin.credential().expose_secret().to_owned()))
        .build()
        .unwrap();
    let client = Arc::new(client);
    let declared = |window| {
        let builder = ManagedToken::builder(name)
            .shared_service(client.clone())
            .adopt(seeded.id.clone())
            .overlap(crate::days(1))
            .policy(RotationPolicy::new().expires_within(crate::days(window)))
            .deliver_to_shared(sink.clone());
        builder.build().unwrap()
    };
    let keeper = Keeper::builder(FileStore::new(path.with_extension("state"))).build();
    let first = keeper.tick(&declared(1)).await;
    assert_eq!(first.outcome.as_str(), "not_due", "{first}");
    WAITS.store(0, Ordering::Relaxed);
    let rotated = keeper.tick(&declared(30)).await;
    assert_eq!(rotated.outcome.as_str(), "rotated", "{rotated}");
    let waits = WAITS.swap(0, Ordering::Relaxed);
    println!("{name}: {waits}");
    assert!((4..=8).contains(&waits), "{name}: {waits}");
}
