//! An `OpenBao` that keeps its secrets in a folder, so that it can be killed.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::engines::{self, Server};

/// A server, its folder and its keys.
#[derive(Clone)]
pub(crate) struct BaoOnDisk(Arc<Inner>);

struct Inner {
    program: PathBuf,
    folder: tempfile::TempDir,
    server: Mutex<Option<Server>>,
    port: u16,
    key: String,
    root: String,
    http: reqwest::Client,
}

impl BaoOnDisk {
    pub(crate) async fn start() -> Option<Self> {
        let program = engines::program("bao")?;
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let server = engines::start(|port| {
            let [here, cluster] =
                [port, engines::free_port()].map(|port| format!("127.0.0.1:{port}"));
            let config = json!({
                "storage": {"raft": {"path": data, "node_id": "one", "performance_multiplier": "1"}},
                "listener": {"tcp": {"address": here, "cluster_address": cluster, "tls_disable": true}},
                "api_addr": format!("http://{here}"),
                "cluster_addr": format!("http://{cluster}"),
            });
            std::fs::write(folder.path().join("bao.json"), config.to_string()).unwrap();
            command(&program, &folder)
        });
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let keys = json!({"secret_shares": 1, "secret_threshold": 1});
        let made = call(&http, server.port, "sys/init", None, &keys).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let bao = Self(Arc::new(Inner {
            program,
            port: server.port,
            server: Mutex::new(Some(server)),
            folder,
            key: text(&made["keys"][0]),
            root: text(&made["root_token"]),
            http,
        }));
        bao.unseal().await;
        bao.ready("sys/health").await;
        let engine = json!({"type": "kv", "options": {"version": "2"}});
        bao.call("sys/mounts/secret", &engine).await;
        bao.ready("secret/config").await;
        Some(bao)
    }

    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.0.port)
    }

    pub(crate) fn root(&self) -> &str {
        &self.0.root
    }

    pub(crate) async fn put(&self, path: &str, secret: &str) {
        let data = json!({"data": {"token": secret}});
        self.call(&format!("secret/data/{path}"), &data).await;
    }

    pub(crate) async fn get(&self, path: &str) -> String {
        let body = self.try_get(&format!("secret/data/{path}")).await.unwrap();
        body["data"]["data"]["token"].as_str().unwrap().to_owned()
    }

    /// It makes itself ready for a while.
    async fn ready(&self, path: &str) {
        let end = Instant::now() + Duration::from_secs(60);
        while self.try_get(path).await.is_none() {
            assert!(Instant::now() < end, "it does not come up");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn try_get(&self, path: &str) -> Option<Value> {
        let url = format!("{}/v1/{path}", self.address());
        let request = self.0.http.get(url).header("x-vault-token", self.root());
        let answer = request.send().await.ok()?;
        if !answer.status().is_success() {
            return None;
        }
        serde_json::from_str(&answer.text().await.ok()?).ok()
    }

    async fn call(&self, path: &str, body: &Value) -> Value {
        call(&self.0.http, self.0.port, path, Some(self.root()), body).await
    }

    async fn unseal(&self) {
        let key = json!({"key": self.0.key});
        call(&self.0.http, self.0.port, "sys/unseal", None, &key).await;
    }

    /// Kills it at once, as a power cut does, and starts it again on the same port.
    pub(crate) fn kill_and_restart(&self) {
        let mut server = self.0.server.lock().unwrap();
        *server = None;
        std::thread::sleep(Duration::from_millis(300));
        let end = Instant::now() + Duration::from_secs(60);
        while server.is_none() {
            assert!(Instant::now() < end, "it does not start again");
            let command = command(&self.0.program, &self.0.folder);
            *server = engines::start_at(command, self.0.port).ok();
        }
        let up = async {
            self.unseal().await;
            self.ready("secret/config").await;
        };
        tokio::runtime::Handle::current().block_on(up);
    }
}

fn command(program: &PathBuf, folder: &tempfile::TempDir) -> Command {
    let mut command = Command::new(program);
    command.arg("server");
    command.arg(format!(
        "-config={}",
        folder.path().join("bao.json").display()
    ));
    command
}

async fn call(
    http: &reqwest::Client,
    port: u16,
    path: &str,
    token: Option<&str>,
    body: &Value,
) -> Value {
    let url = format!("http://127.0.0.1:{port}/v1/{path}");
    let mut request = http.put(url).body(body.to_string());
    if let Some(token) = token {
        request = request.header("x-vault-token", token);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{path}: {text}");
    serde_json::from_str(&text).unwrap_or(Value::Null)
}
