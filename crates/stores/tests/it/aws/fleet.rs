//! A fleet whose secrets are in a moto that is killed, and that does again what it had been told.

use std::ffi::OsStr;
use std::sync::{Arc, mpsc};

use access_tokens::rotation::sink::Sink;
use access_tokens::rotation::state::FileStore;
use access_tokens_stores::AwsSecretsManager;
use access_tokens_stores::aws_sdk_secretsmanager::Client;

use super::{client, create};
use crate::engines;
use crate::fleet::{Places, outlives_its_engine};
use crate::proxy::Proxy;

struct Secrets(Client);

impl Places for Secrets {
    async fn hold(&self, number: usize, secret: &str) -> Arc<dyn Sink> {
        let name = format!("app-{number}");
        create(&self.0, &name, secret).await;
        Arc::new(AwsSecretsManager::new(self.0.clone(), name).unwrap())
    }

    async fn read(&self, number: usize) -> String {
        let value = self.0.get_secret_value().secret_id(format!("app-{number}"));
        let value = value.version_stage("AWSCURRENT").send().await.unwrap();
        value.secret_string.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_fleet_outlives_a_server_that_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("requests");
    let variables: [(&str, &OsStr); 2] = [
        ("MOTO_ENABLE_RECORDING", OsStr::new("1")),
        ("MOTO_RECORDER_FILEPATH", record.as_os_str()),
    ];
    let Some(server) = engines::moto_with(&variables) else {
        return;
    };
    let proxy = Proxy::start(server.port).await;
    let secrets = Secrets(client(proxy.port).await);
    let (lives_on, until_the_end) = mpsc::channel();
    let kill = {
        let record = record.clone();
        move || {
            proxy.lead_to(0);
            drop(server);
            let variables: [(&str, &OsStr); 1] = [("MOTO_RECORDER_FILEPATH", record.as_os_str())];
            let server = engines::moto_with(&variables).unwrap();
            let url = format!(
                "http://127.0.0.1:{}/moto-api/recorder/replay-recording",
                server.port
            );
            let replay = async {
                let http = reqwest::Client::builder().no_proxy().build().unwrap();
                let host = format!(r#"{{"target_host": "http://127.0.0.1:{}"}}"#, server.port);
                http.post(url).body(host).send().await.unwrap()
            };
            let done = tokio::runtime::Handle::current().block_on(replay);
            assert!(done.status().is_success());
            proxy.lead_to(server.port);
            lives_on.send(server).unwrap();
        }
    };
    outlives_its_engine(FileStore::new(folder.path().join("state")), &secrets, kill).await;
    drop(until_the_end);
}
