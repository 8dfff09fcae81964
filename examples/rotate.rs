//! Keeps a token fresh. Without arguments: on a local twin of each service, and as a dry run.
//!
//! ```text
//! cargo run -p examples --example rotate                     # shows the plans
//! cargo run -p examples --example rotate -- --run            # and rotates, on the twins
//! cargo run -p examples --example rotate -- --service launchdarkly --key ID --file /run/secrets/token
//! ```
//!
//! With `--service` (`launchdarkly`, `query-server`, `avisi-cloud`) the real service is addressed,
//! with the credential of the environment; it is changed with `--run` only. Further flags:
//! `--file PATH` for the new secret, `--state DIRECTORY` (default `token-state`), `--overlap HOURS`.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use access_tokens::rotation::sink::FileSink;
use access_tokens::rotation::state::FileStore;
use access_tokens::rotation::{Keeper, ManagedToken, Reason};
use access_tokens::{TokenKey, TokenService, avisi_cloud, launchdarkly, query_server};
use access_tokens_testing::{
    AvisiCloud, LaunchDarkly, QueryServer, avisi_cloud::Seed as AvisiSeed,
    launchdarkly::Seed as LdSeed, query_server::Seed as QuerySeed,
};

#[derive(Default)]
struct Options {
    run: bool,
    service: Option<String>,
    key: Option<String>,
    file: Option<PathBuf>,
    state: Option<PathBuf>,
    overlap: Duration,
}

impl Options {
    fn read() -> Result<Self, Box<dyn Error>> {
        let mut options = Self::default();
        let mut words = std::env::args().skip(1);
        while let Some(flag) = words.next() {
            let mut value = || words.next().ok_or(format!("{flag} needs a value"));
            match flag.as_str() {
                "--run" => options.run = true,
                "--service" => options.service = Some(value()?),
                "--key" => options.key = Some(value()?),
                "--file" => options.file = Some(value()?.into()),
                "--state" => options.state = Some(value()?.into()),
                "--overlap" => {
                    let hours: u32 = value()?.parse()?;
                    options.overlap = Duration::from_secs(u64::from(hours) * 3_600);
                }
                _ => return Err(format!("unknown flag {flag}").into()),
            }
        }
        Ok(options)
    }

    /// The plan, and with `--run` the rotation.
    async fn rotate(
        &self,
        service: Arc<dyn TokenService>,
        key: &TokenKey,
        file: PathBuf,
        state: PathBuf,
    ) -> Result<(), Box<dyn Error>> {
        let token = ManagedToken::builder(format!("{}/{key}", service.service()))
            .shared_service(service)
            .adopt(key.clone())
            .overlap(self.overlap)
            .deliver_to(FileSink::new(file))
            // Avisi Cloud does not tell which token the client itself uses. Here it is another one.
            .allow_own_credential(self.service.is_none())
            .build()?;
        let keeper = Keeper::new(FileStore::new(state));
        print!("{}", keeper.plan(&token).await?);
        if self.run {
            println!("=> {}\n", keeper.rotate(&token, Reason::Scheduled).await);
        } else {
            println!("=> dry run, nothing was changed\n");
        }
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::read()?;
    let Some(name) = &options.service else {
        return on_twins(&options).await;
    };
    let service: Arc<dyn TokenService> = match name.as_str() {
        "launchdarkly" => Arc::new(launchdarkly::Client::from_env()?),
        "query-server" => Arc::new(query_server::Client::from_env()?),
        "avisi-cloud" => Arc::new(avisi_cloud::Client::from_env()?),
        _ => return Err(format!("unknown service {name}").into()),
    };
    let key = TokenKey::new(options.key.clone().ok_or("--key is missing")?);
    let file = options.file.clone().ok_or("--file is missing")?;
    let state = options.state.clone();
    let state = state.unwrap_or_else(|| "token-state".into());
    options.rotate(service, &key, file, state).await
}

/// One token on a twin of each service.
async fn on_twins(options: &Options) -> Result<(), Box<dyn Error>> {
    let ld = LaunchDarkly::start().await?;
    let query = QueryServer::start().await?;
    let avisi = AvisiCloud::start().await?;
    let ld_token = ld.seed(LdSeed::new("nightly export")).id;
    let query_token = query.seed(QuerySeed::new("edge")).name;
    let avisi_token = avisi.seed(AvisiSeed::new("ci runner")).id;
    let mut services: Vec<(Arc<dyn TokenService>, String)> = Vec::new();
    let client = query_server::Client::builder().base_url(query.base_url());
    let client = client.credential(query.credential()).build()?;
    services.push((Arc::new(client), query_token));
    let client = launchdarkly::Client::builder().base_url(ld.base_url());
    let client = client.credential(ld.credential()).build()?;
    services.push((Arc::new(client), ld_token));
    let client = avisi_cloud::Client::builder().base_url(avisi.base_url());
    let client = client.credential(avisi.credential()).build()?;
    services.push((Arc::new(client), avisi_token));

    let directory = std::env::temp_dir().join(format!("rotate-example-{}", std::process::id()));
    std::fs::create_dir_all(&directory)?;
    for (number, (service, key)) in services.into_iter().enumerate() {
        let file = directory.join(format!("token-{number}"));
        let state = directory.join("state");
        let key = TokenKey::new(key);
        options.rotate(service, &key, file, state).await?;
    }
    std::fs::remove_dir_all(&directory)?;
    Ok(())
}
