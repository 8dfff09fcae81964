//! Restarts what uses a secret after its delivery into a store: by a command, and by a closure.
//!
//! ```text
//! VAULT_ADDR=http://127.0.0.1:8200 VAULT_TOKEN=root \
//!     cargo run -p access-tokens-stores --features aws,vault --example restart -- vault secret/app token systemctl reload app
//! AWS_ENDPOINT_URL=http://127.0.0.1:5000 AWS_REGION=eu-west-1 AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x \
//!     cargo run -p access-tokens-stores --features aws,vault --example restart -- aws app token kubectl rollout restart deployment/app
//! ```
//!
//! The token is one of a local twin, so nothing but the store is touched. In AWS the secret must
//! exist and hold an object: `aws secretsmanager create-secret --name app --secret-string '{}'`.

use std::error::Error;
use std::sync::Arc;

use access_tokens::launchdarkly::Client;
use access_tokens::rotation::sink::Sink;
use access_tokens::rotation::state::MemoryStore;
use access_tokens::rotation::{AfterStep, Keeper, ManagedToken, Reason};
use access_tokens::{RotationPolicy, days};
use access_tokens_stores::{AwsSecretsManager, VaultKv2};
use access_tokens_testing::LaunchDarkly;
use access_tokens_testing::launchdarkly::Seed;
use tokio::process::Command;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let (sink, command): (Arc<dyn Sink>, _) = match &words[..] {
        ["vault", place, key, command @ ..] => (Arc::new(vault(place, key)?), command),
        ["aws", name, key, command @ ..] => {
            let client = AwsSecretsManager::client_from_env().await?;
            let sink = AwsSecretsManager::new(client, *name)?.key(*key)?;
            (Arc::new(sink), command)
        }
        _ => {
            return Err(
                "what to write: vault MOUNT/PATH KEY COMMAND, or aws NAME KEY COMMAND".into(),
            );
        }
    };
    let twin = LaunchDarkly::start().await?;
    let token = twin.seed(Seed::new("nightly export"));
    let client = Client::builder()
        .base_url(twin.base_url())
        .credential(twin.credential())
        .build()?;
    let managed = ManagedToken::builder("nightly-export")
        .service(client)
        .adopt(token.id)
        .policy(RotationPolicy::new().max_age(days(90)))
        .overlap(days(1))
        .deliver_to_shared(sink)
        .after(restart(command))
        .after(AfterStep::from_fn("empty the cache", |names| async move {
            println!("the cache forgets the secret of {}", names.join(", "));
            Ok::<(), String>(())
        }))
        .build()?;
    let keeper = Keeper::new(MemoryStore::new());
    println!("{}", keeper.tick(&managed).await);
    println!("{}", keeper.rotate(&managed, Reason::Scheduled).await);
    Ok(())
}

fn vault(place: &str, key: &str) -> Result<VaultKv2, Box<dyn Error>> {
    let (mount, path) = place.split_once('/').ok_or("MOUNT/PATH")?;
    Ok(VaultKv2::from_env(path, key)?.mount(mount).build()?)
}

/// Runs what restarts it. Its status decides, and it ends with its time.
fn restart(command: &[&str]) -> AfterStep {
    let words: Vec<_> = command.iter().map(ToString::to_string).collect();
    AfterStep::from_fn(command.join(" "), move |_| {
        let words = words.clone();
        async move {
            let (program, arguments) = words.split_first().ok_or("no command")?;
            let mut command = Command::new(program);
            let status = command.args(arguments).kill_on_drop(true).status().await;
            match status.map_err(|error| error.to_string())? {
                status if status.success() => Ok(()),
                status => Err(format!("{program}: {status}")),
            }
        }
    })
}
