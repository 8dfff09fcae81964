//! State stores and sinks that are servers, as the configuration names them.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

use access_tokens::Secret;

use crate::engines;
use crate::recipes;
use crate::support::{Done, World};

const TOKEN: &str = "[tokens.t]\naccount = \"prod\"\ncreate = { role = \"reader\" }\n\
                     max_age = \"30d\"\noverlap = \"1d\"\ndeliver = [\"file:t.token\"]\n";

/// A request without a body to a server on this machine.
fn request(port: u16, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let length = body.len();
    write!(
        stream,
        "{head}\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// What holds for a state store of every kind.
fn keeps_state(world: &World, store: &str, with: impl Fn(&mut Command)) {
    let run = |arguments: &[&str]| {
        let mut command = world.command(arguments);
        with(&mut command);
        let done = Done::from(command.output().unwrap());
        assert!(!format!("{done:?}").contains("canary"), "{done:?}");
        done
    };
    world.configure(TOKEN);
    let text = world.read("tokens.toml").replace("file:state", store);
    world.write_config(&text);
    let first = run(&["--output", "json", "tick"]);
    assert_eq!(first.code, 0, "{first:?}");
    assert_eq!(first.outcome("t")["outcome"], "rotated", "{first:?}");
    let secret = Secret::new(world.read("t.token").trim());
    assert!(world.ld.authenticates(&secret));

    let idle = run(&["-q", "tick"]);
    assert_eq!(
        (idle.code, idle.out.as_str(), idle.err.as_str()),
        (0, "", "")
    );
    let status = run(&["--output", "json", "status", "--check"]);
    assert_eq!(status.code, 0, "{status:?}");
    let json = status.json();
    assert!(json["last_tick"].is_string(), "{json}");
    assert_eq!(json["tokens"][0]["current"], first.outcome("t")["current"]);

    let rotated = run(&["--output", "json", "rotate", "t", "--yes"]);
    assert_eq!(rotated.json()["outcome"], "rotated", "{rotated:?}");
    let status = run(&["--output", "json", "status"]).json();
    assert_eq!(status["tokens"][0]["current"], rotated.json()["current"]);
    let children: Vec<_> = (0..4)
        .map(|_| {
            let mut command = world.command(&["tick"]);
            with(&mut command);
            command.stdout(std::process::Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
    assert!(!world.path("state").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn state_in_postgresql() {
    let Some(server) = engines::Postgres::start() else {
        return;
    };
    let world = World::start().await;
    let store = format!("postgres://keeper@127.0.0.1:{}/postgres", server.port());
    keeps_state(&world, &store, |command| {
        command.env("PGPASSWORD", "canary");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn state_in_s3() {
    let Some(server) = engines::moto() else {
        return;
    };
    assert!(request(server.port, "PUT /state HTTP/1.1", "").contains("200 OK"));
    let world = World::start().await;
    keeps_state(&world, "s3://state/some/where", |command| {
        command
            .env(
                "AWS_ENDPOINT_URL",
                format!("http://127.0.0.1:{}", server.port),
            )
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "id")
            .env("AWS_SECRET_ACCESS_KEY", "canary");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_in_vault() {
    let Some(server) = engines::bao("canary-root") else {
        return;
    };
    let world = World::start().await;
    // As the cookbook has it.
    let recipe = recipes::blocks("With Vault or OpenBao", "toml").remove(0);
    let url = format!(
        "service = \"launchdarkly\"\nurl = \"{}\"",
        world.ld.base_url()
    );
    let recipe = recipe.replace("service = \"launchdarkly\"", &url);
    world.write_config(&recipe.replace("/var/lib/tokens", "state"));
    let tick = || {
        let mut command = world.command(&["--output", "json", "tick"]);
        command
            .env("VAULT_ADDR", format!("http://127.0.0.1:{}", server.port))
            .env("VAULT_TOKEN", "canary-root");
        Done::from(command.output().unwrap())
    };
    let mut done = tick();
    // A development server needs a moment before its engine is there.
    for _ in 0..50 {
        if done.code == 0 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
        world.run(&["forget", "nightly-export", "--yes"]);
        done = tick();
    }
    assert_eq!(done.code, 0, "{done:?}");
    assert!(!format!("{done:?}").contains("canary"), "{done:?}");
    let head = "GET /v1/secret/data/export HTTP/1.1\r\nx-vault-token: canary-root";
    let answer = request(server.port, head, "");
    let secret = answer.split("\"LD_ACCESS_TOKEN\":\"").nth(1);
    let secret = secret.and_then(|rest| rest.split('"').next()).unwrap();
    assert!(world.ld.authenticates(&Secret::new(secret)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_in_aws() {
    let Some(server) = engines::moto() else {
        return;
    };
    let call = |action: &str, body: &str| {
        let head = format!(
            "POST / HTTP/1.1\r\nx-amz-target: secretsmanager.{action}\r\n\
             content-type: application/x-amz-json-1.1\r\n\
             authorization: AWS4-HMAC-SHA256 Credential=id/20260101/us-east-1/secretsmanager/aws4_request"
        );
        request(server.port, &head, body)
    };
    call(
        "CreateSecret",
        r#"{"Name":"prod/app","SecretString":"{\"kept\":1}","ClientRequestToken":"00000000-0000-0000-0000-000000000001"}"#,
    );
    let world = World::start().await;
    world.configure(&TOKEN.replace("file:t.token", "aws:prod/app#token"));
    for words in [
        &["--output", "json", "tick"][..],
        &["--output", "json", "rotate", "t", "--yes"],
    ] {
        let endpoint = format!("http://127.0.0.1:{}", server.port);
        let done = world.run_with(
            words,
            &[
                ("AWS_ENDPOINT_URL", endpoint.as_str()),
                ("AWS_REGION", "us-east-1"),
                ("AWS_ACCESS_KEY_ID", "id"),
                ("AWS_SECRET_ACCESS_KEY", "canary"),
            ],
        );
        assert_eq!(done.code, 0, "{done:?}");
        assert!(!format!("{done:?}").contains("canary"), "{done:?}");
        assert_eq!(done.outcome("t")["outcome"], "rotated", "{done:?}");
        let answer = call(
            "GetSecretValue",
            r#"{"SecretId":"prod/app","VersionStage":"AWSCURRENT"}"#,
        );
        let body = answer.split("\r\n\r\n").nth(1).unwrap();
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        let content = body["SecretString"].as_str().unwrap();
        let content: serde_json::Value = serde_json::from_str(content).unwrap();
        let secret = content["token"]
            .as_str()
            .unwrap_or_else(|| panic!("{body}"));
        assert!(world.ld.authenticates(&Secret::new(secret)));
        assert_eq!(content["kept"], 1, "the other keys stay");
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_reached_stops_everything_before_it_is_sent() {
    let world = World::start().await;
    for store in ["postgres://keeper@127.0.0.1:1/db", "s3://bucket/prefix"] {
        world.configure(TOKEN);
        let text = world.read("tokens.toml").replace("file:state", store);
        world.write_config(&text);
        let mut command = world.command(&["--output", "json", "tick"]);
        command
            .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
            .env("AWS_ACCESS_KEY_ID", "id")
            .env("AWS_SECRET_ACCESS_KEY", "canary");
        let done = Done::from(command.output().unwrap());
        assert_eq!(done.code, 1, "{done:?}");
        assert_eq!(done.outcome("t")["error"]["kind"], "store", "{done:?}");
        assert!(!format!("{done:?}").contains("canary"), "{done:?}");
    }
    assert!(world.ld.requests().is_empty());
}
