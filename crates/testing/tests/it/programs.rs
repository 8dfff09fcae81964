//! The binaries, as others use them.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

use serde_json::{Value, json};

const NAMES: [&str; 6] = [
    "ACLOUD_API_ENDPOINT",
    "ACLOUD_PERSONAL_ACCESS_TOKEN",
    "LAUNCHDARKLY_API_HOST",
    "LD_ACCESS_TOKEN",
    "QUERY_DEPLOY_TOKEN",
    "QUERY_DEPLOY_URL",
];

struct Twins {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    variables: BTreeMap<String, String>,
}

impl Twins {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_twins"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut variables = BTreeMap::new();
        for _ in NAMES {
            let mut line = String::new();
            output.read_line(&mut line).unwrap();
            let (name, value) = line.trim_end().split_once('=').unwrap();
            variables.insert(name.to_owned(), value.to_owned());
        }
        Self {
            child,
            input,
            output,
            variables,
        }
    }

    fn ask(&mut self, command: &Value) -> Value {
        writeln!(self.input.as_ref().unwrap(), "{command}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// The status of a request with a header of the service.
    async fn status(&self, url: &str, path: &str, scheme: &str, token: &str) -> Option<u16> {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let value = format!("{scheme}{}", self.variables[token]);
        let request = http.get(format!("{}{path}", self.variables[url]));
        let answer = request.header("authorization", value).send().await;
        Some(answer.ok()?.status().as_u16())
    }

    async fn list_of_launchdarkly(&self) -> Option<u16> {
        let path = "/api/v2/tokens";
        self.status("LAUNCHDARKLY_API_HOST", path, "", "LD_ACCESS_TOKEN")
            .await
    }

    /// Closes the standard input; whatever else was printed.
    fn end(mut self) -> String {
        drop(self.input.take());
        assert!(self.child.wait().unwrap().success());
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        rest
    }
}

#[tokio::test]
async fn six_variables_lead_to_the_twins_until_the_input_ends() {
    let twins = Twins::start(&[]);
    let names: Vec<_> = twins.variables.keys().map(String::as_str).collect();
    assert_eq!(names, NAMES);
    assert_eq!(twins.list_of_launchdarkly().await, Some(200));
    let query = twins.status(
        "QUERY_DEPLOY_URL",
        "/_/token",
        "Bearer ",
        "QUERY_DEPLOY_TOKEN",
    );
    assert_eq!(query.await, Some(200));
    let (path, token) = (
        "/sts/v1/personal-access-tokens",
        "ACLOUD_PERSONAL_ACCESS_TOKEN",
    );
    let avisi = twins.status("ACLOUD_API_ENDPOINT", path, "Token ", token);
    assert_eq!(avisi.await, Some(200));
    assert_eq!(twins.end(), "");
}

#[test]
fn the_seed_is_that_of_the_inventory_example() {
    for arguments in [
        ["--seed", "DEMO", "--state-on-stdin"].as_slice(),
        &["--state-on-stdin", "--seed=DEMO"],
    ] {
        let mut twins = Twins::start(arguments);
        let mut names = Vec::new();
        for service in ["launchdarkly", "query-server", "avisi-cloud"] {
            let answer = twins.ask(&json!({"do": "tokens", "service": service}));
            for token in answer["tokens"].as_array().unwrap() {
                assert!(token.get("secret").is_none(), "{token}");
                names.push(token["name"].as_str().unwrap().to_owned());
            }
        }
        let expected = [
            "relay proxy",
            "nightly export",
            "try-out",
            "twin administrator",
            "edge",
            "dashboards",
            "updated by hand",
            "credential of the twin",
            "ci",
            "old laptop",
        ];
        assert_eq!(names, expected);
        assert_eq!(twins.end(), "");
    }
}

#[tokio::test]
async fn commands_look_inside_and_change_what_is_there() {
    let mut twins = Twins::start(&["--state-on-stdin", "--show-secrets"]);
    for service in ["launchdarkly", "query-server", "avisi-cloud"] {
        let seeded = twins.ask(&json!({"do": "seed", "service": service, "name": "made"}));
        let key = seeded["key"].clone();
        let answer = twins.ask(&json!({"do": "tokens", "service": service}));
        let tokens = answer["tokens"].as_array().unwrap();
        let token = tokens.iter().find(|token| token["key"] == key).unwrap();
        assert_eq!(
            (&token["name"], &token["works"]),
            (&json!("made"), &json!(true))
        );
        let question =
            json!({"do": "authenticates", "service": service, "secret": token["secret"]});
        let yes = json!({"ok": true, "authenticates": true});
        assert_eq!(twins.ask(&question), yes);
        let remove = json!({"do": "remove", "service": service, "key": key});
        assert_eq!(twins.ask(&remove), json!({"ok": true, "removed": true}));
        assert_eq!(twins.ask(&remove), json!({"ok": true, "removed": false}));
        let no = json!({"ok": true, "authenticates": false});
        assert_eq!(twins.ask(&question), no);
    }

    let before = twins.ask(&json!({"do": "now"}))["now"].as_f64().unwrap();
    let after = twins.ask(&json!({"do": "advance", "seconds": 86_400}));
    let passed = after["now"].as_f64().unwrap() - before;
    assert!((86_400.0..86_500.0).contains(&passed), "{passed}");

    let ok = json!({"ok": true});
    let ld = "launchdarkly";
    let fault = json!({"do": "fault", "service": ld, "operation": "get_tokens",
        "times": 2, "fault": {"status": 503}});
    assert_eq!(twins.ask(&fault), ok);
    assert_eq!(twins.list_of_launchdarkly().await, Some(503));
    let clear = json!({"do": "clear_faults", "service": ld});
    assert_eq!(twins.ask(&clear), ok);
    assert_eq!(twins.list_of_launchdarkly().await, Some(200));
    let lost =
        json!({"do": "fault", "service": ld, "times": "always", "fault": "close_after_request"});
    assert_eq!(twins.ask(&lost), ok);
    assert_eq!(twins.list_of_launchdarkly().await, None);
    assert_eq!(twins.ask(&clear), ok);
    assert_eq!(twins.ask(&json!({"do": "refuse", "service": ld})), ok);
    assert_eq!(twins.list_of_launchdarkly().await, None);
    assert_eq!(twins.ask(&json!({"do": "accept", "service": ld})), ok);
    assert_eq!(twins.list_of_launchdarkly().await, Some(200));

    let settling =
        json!({"do": "settling", "service": ld, "settling": {"lists": 5, "new_secrets": 0.5}});
    assert_eq!(twins.ask(&settling), ok);

    let requests = json!({"do": "requests", "service": ld});
    let counted = twins.ask(&requests)["requests"].clone();
    assert!(counted["get_tokens"].as_u64().unwrap() >= 4, "{counted}");
    assert_eq!(
        twins.ask(&json!({"do": "clear_requests", "service": ld})),
        ok
    );
    assert_eq!(twins.ask(&requests)["requests"], json!({}));

    for wrong in [
        json!({"do": "dance"}),
        json!({"do": "tokens", "service": "elsewhere"}),
        json!({"do": "tokens", "service": ld, "more": 1}),
        json!({"do": "fault", "service": ld, "operation": "dance", "fault": "reset"}),
        json!({"do": "settling", "service": ld, "settling": {"dance": 5}}),
        json!({"do": "advance", "seconds": -1}),
        json!(1),
    ] {
        let answer = twins.ask(&wrong);
        assert_eq!(answer["ok"], false, "{wrong}");
        assert!(answer["error"].is_string());
    }
    assert_eq!(twins.end(), "");
}

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_twins"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn what_it_does_not_know_is_2_with_the_usage() {
    for arguments in [
        ["--dance"].as_slice(),
        &["launchdarkly"],
        &["--seed"],
        &["--seed", "dance"],
        &["--show-secrets"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty());
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("usage: twins"), "{told}");
    }
    let help = run(&["--help"]);
    assert!(help.status.success());
    assert!(help.stdout.starts_with(b"usage: twins"));
}

#[cfg(all(
    feature = "launchdarkly",
    feature = "query-server",
    feature = "avisi-cloud"
))]
#[test]
fn the_conformance_program_checks_what_the_variables_name() {
    let twins = Twins::start(&[]);
    let check = |arguments: &[&str], variables: &BTreeMap<String, String>| {
        Command::new(env!("CARGO_BIN_EXE_conformance"))
            .args(arguments)
            .env_clear()
            .envs(variables)
            .output()
            .unwrap()
    };
    let all = [
        "launchdarkly",
        "query-server",
        "avisi-cloud",
        "--no-waiting",
    ];
    let output = check(&all, &twins.variables);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{told}");
    assert_eq!(told.matches(" 0 failed, ").count(), 3, "{told}");
    for (name, value) in &twins.variables {
        let shown = told.contains(value.as_str());
        assert_eq!(shown, !name.ends_with("TOKEN"), "{name}");
    }

    let mut wrong = twins.variables.clone();
    wrong.insert("LD_ACCESS_TOKEN".to_owned(), "api-wrong".to_owned());
    let output = check(&["launchdarkly", "--no-waiting"], &wrong);
    assert_eq!(output.status.code(), Some(1));

    wrong.remove("LD_ACCESS_TOKEN");
    for arguments in [["launchdarkly"].as_slice(), &[], &["--dance"]] {
        let output = check(arguments, &wrong);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty());
    }
}
