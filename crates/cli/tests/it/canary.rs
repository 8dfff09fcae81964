//! No secret in anything that the program says, whatever it is asked and whatever goes wrong.

use std::fmt::Write as _;

use access_tokens_testing::{Fault, Twin as _, launchdarkly};

use crate::support::{Done, World};

/// A secret in every form in which it could slip out.
fn forms(secret: &str) -> Vec<String> {
    let hex = secret.bytes().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let escaped = secret.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    });
    let mut forms = vec![secret.to_owned(), hex.clone(), hex.to_uppercase(), escaped];
    // Within a longer text base64 depends on what stands before: all three cuts, without the
    // characters that share bits with a neighbour.
    for lead in 0..3_usize {
        let padded = format!("{}{secret}", " ".repeat(lead));
        let encoded = base64(padded.as_bytes());
        let skip = [0, 2, 3][lead];
        let whole = encoded.trim_end_matches('=');
        let end = whole.len().saturating_sub(2);
        forms.push(whole[skip..end].to_owned());
    }
    // Half of it is too much as well.
    forms.push(secret[secret.len() / 2..].to_owned());
    forms.retain(|form| form.len() >= 8);
    forms
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let mut three = [0; 3];
        three[..chunk.len()].copy_from_slice(chunk);
        let number = three
            .iter()
            .fold(0_u32, |n, byte| (n << 8) | u32::from(*byte));
        for place in 0..4 {
            if place <= chunk.len() {
                let index = (number >> (18 - 6 * place)) & 63;
                out.push(char::from(ALPHABET[index as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

/// What the program wrote beside its streams: everything in the folder but where secrets belong.
fn written(world: &World) -> String {
    let mut all = String::new();
    let mut folders = vec![world.folder.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            // A sink, and what a sink keeps to put back.
            if name.contains(".token") || name.contains(".env") || name == "base64" {
                continue;
            }
            all.push_str(&String::from_utf8_lossy(&std::fs::read(&path).unwrap()));
        }
    }
    all
}

fn check(world: &World, what: &str, done: &Done, secrets: &[String]) {
    let all = format!("{}{}{}", done.out, done.err, written(world));
    for secret in secrets {
        for form in forms(secret) {
            assert!(!all.contains(&form), "{what}: a secret slipped out");
        }
    }
}

/// All secrets that there are: of the services, and those that were delivered.
fn secrets(world: &World) -> Vec<String> {
    let mut all: Vec<_> = world
        .ld
        .tokens()
        .iter()
        .map(|token| token.secret.expose_secret().to_owned())
        .collect();
    all.extend(
        world
            .query
            .tokens()
            .iter()
            .map(|t| t.secret.expose_secret().to_owned()),
    );
    all.extend(
        world
            .avisi
            .tokens()
            .iter()
            .map(|t| t.secret.expose_secret().to_owned()),
    );
    for credential in [
        world.ld.credential(),
        world.query.credential(),
        world.avisi.credential(),
    ] {
        all.push(credential.expose_secret().to_owned());
    }
    all
}

const TOKENS: &str = r#"
[defaults]
max_age = "30d"
overlap = "1d"

[tokens.a]
account = "prod"
create = { role = "reader" }
deliver = ["file:a.token", "command:sh -c 'cat > a2.token; base64 a2.token; cat a2.token >&2'"]
after = ["sh -c 'cat a.token; cat a.token >&2; test ! -e broken'"]

[tokens.b]
account = "edge"
create = {}
deliver = ["dotenv:.env#B"]

[tokens.c]
account = "cloud"
create = {}
deliver = [{ to = "file:c.token", write = "in-place" }]
"#;

async fn world() -> World {
    let world = World::start().await;
    world
        .ld
        .seed(launchdarkly::Seed::new("other").role("admin"));
    let state = "events = \"file:events.jsonl\"\nmetrics = \"textfile:tokens.prom\"";
    world.configure_with(state, TOKENS);
    world
}

/// Every command, so that those which change something have something to change.
fn commands(world: &World) -> Vec<Vec<String>> {
    let id = world.ld.seed(launchdarkly::Seed::new("spare")).id;
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    [
        "plan",
        "tick",
        "status",
        "status --check",
        "rotate a --yes",
        "rotate a",
        "rollback a --yes",
        "rotate b --yes --reason suspected",
        "tick a b c",
        "list",
        "list --account prod --admin --without-end",
        "whoami",
        "create --account prod --name made --role reader --to file:made.token",
        "create --account prod --name made --role reader --to file:none/made.token",
        "audit",
        "forget c --yes",
        "forget none --yes",
        "tick none",
        "completion bash",
    ]
    .iter()
    .map(|line| words(line))
    .chain([
        words(&format!("show {id} --account prod")),
        words(&format!("revoke {id} --account prod")),
        words(&format!("revoke {id} --account prod --yes")),
    ])
    .collect()
}

/// Runs every command in every output at every verbosity.
fn all(world: &World, what: &str) {
    for output in ["table", "json", "csv"] {
        for verbosity in ["-q", "--color=never", "-v", "-vv"] {
            for command in commands(world) {
                if output == "csv" && command[0] != "list" {
                    continue;
                }
                let mut words = vec!["--output", output, verbosity];
                words.extend(command.iter().map(String::as_str));
                let done = world.run(&words);
                let what = format!("{what}: {words:?}");
                check(world, &what, &done, &secrets(world));
                assert!((0..=4).contains(&done.code), "{what}: {done:?}");
                assert!(!done.err.contains("panicked"), "{what}: {done:?}");
                if output == "json" && words[3] != "completion" {
                    for document in serde_json::Deserializer::from_str(&done.out)
                        .into_iter::<serde_json::Value>()
                    {
                        document.unwrap_or_else(|error| panic!("{what}: {error}: {done:?}"));
                    }
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_all_is_well() {
    let world = world().await;
    all(&world, "well");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_steps_fail() {
    let world = world().await;
    std::fs::write(world.path("broken"), "").unwrap();
    all(&world, "broken steps");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_service_answers_nonsense_that_holds_the_credential() {
    let world = world().await;
    world.run(&["tick"]);
    let credential = world.ld.credential().expose_secret().to_owned();
    for (number, status) in [200_u16, 400, 401, 404, 429, 503].into_iter().enumerate() {
        let fault = Fault::Answer {
            status,
            headers: vec![
                ("content-type".to_owned(), "application/json".to_owned()),
                ("x-request-id".to_owned(), credential.clone()),
            ],
            body: format!("{{\"message\":\"no {credential} here\",\"token\":\"{credential}\"}}")
                .into_bytes(),
        };
        world.ld.set_fault(None, 1, u64::MAX, fault).unwrap();
        for command in commands(&world) {
            let output = ["table", "json"][number % 2];
            let verbosity = ["-vv", "-q", "-v"][number % 3];
            let mut words = vec!["--output", output, verbosity];
            words.extend(command.iter().map(String::as_str));
            // Waits for a service that is limited are not what this is about.
            if status >= 429 && !["whoami", "plan", "tick"].contains(&words[3]) {
                continue;
            }
            let done = world.run(&words);
            let what = format!("{status}: {words:?}");
            check(&world, &what, &done, &secrets(&world));
            assert!(!done.err.contains("panicked"), "{what}: {done:?}");
        }
        world.ld.clear_faults();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_connection_fails_in_the_middle() {
    let world = world().await;
    for fault in [
        Fault::ActThenClose,
        Fault::CutBody,
        Fault::CloseAfterRequest,
        Fault::Reset,
    ] {
        let what = format!("{fault:?}");
        world.ld.set_fault(Some("post_token"), 1, 3, fault).unwrap();
        for words in [
            &["-vv", "tick", "a"][..],
            &["-v", "--output", "json", "tick", "a"],
            &[
                "-vv",
                "create",
                "--account",
                "prod",
                "--name",
                "n",
                "--role",
                "reader",
                "--to",
                "file:n.token",
            ],
            &["--output", "json", "status"],
        ] {
            let done = world.run(words);
            check(
                &world,
                &format!("{what}: {words:?}"),
                &done,
                &secrets(&world),
            );
            assert!(!done.err.contains("panicked"), "{what}: {done:?}");
        }
        world.ld.clear_faults();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_configuration_holds_a_secret_by_mistake() {
    let world = world().await;
    let secret = "api-5f3a9c1e-canary-77aa-91d2e3f4a5b6";
    let whole = world.read("tokens.toml");
    for (from, to) in [
        ("env:LD_ACCESS_TOKEN", secret.to_owned()),
        ("\"env:LD_ACCESS_TOKEN\"", secret.to_owned()),
        ("env:LD_ACCESS_TOKEN", format!("token:{secret}")),
        ("file:a.token", secret.to_owned()),
        ("file:a.token", format!("{secret}:{secret}")),
        ("[tokens.a]", format!("[tokens.a]\n{secret} = 1")),
        ("[tokens.a]", format!("[tokens.a]\ntoken = \"{secret}\"")),
        ("[tokens.a]", format!("[tokens.a]\nlifetime = \"{secret}\"")),
        ("max_age = \"30d\"", format!("max_age = {{ {secret} = 1 }}")),
        ("account = \"edge\"", format!("account = \"{secret}\"")),
        (
            "service = \"launchdarkly\"",
            format!("service = \"{secret}\""),
        ),
        ("store = \"file:state\"", format!("store = \"{secret}\"")),
        (
            "store = \"file:state\"",
            format!("store = \"postgres://u:{secret}@127.0.0.1/d\""),
        ),
        (
            "store = \"file:state\"",
            format!("store = \"postgres://u@127.0.0.1/d?password={secret}\""),
        ),
        (
            "store = \"file:state\"",
            format!("store = \"https://{secret}@127.0.0.1\""),
        ),
        (
            "events = \"file:events.jsonl\"",
            format!("events = \"{secret}\""),
        ),
        (
            "metrics = \"textfile:tokens.prom\"",
            format!("metrics = \"{secret}\""),
        ),
        ("url = \"http://", format!("url = \"http://user:{secret}@")),
    ] {
        assert!(whole.contains(from), "{from}");
        world.write_config(&whole.replacen(from, &to, 1));
        for words in [
            &["-vv", "tick"][..],
            &["--output", "json", "status"],
            &["list"],
            &["plan"],
        ] {
            let done = world.run(words);
            assert_ne!(done.code, 0, "{to}: {done:?}");
            // The file itself holds it.
            let said = format!("{}{}", done.out, done.err);
            for form in forms(secret) {
                assert!(!said.contains(&form), "{words:?}: {to}: {said}");
            }
        }
    }
}
