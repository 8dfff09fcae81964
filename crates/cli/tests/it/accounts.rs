//! What needs no state: list, show, whoami, create, revoke, audit.

use access_tokens::Secret;
use access_tokens_testing::{avisi_cloud, launchdarkly, query_server};

use crate::support::{World, assert_hidden};

async fn seeded() -> (World, String) {
    let world = World::start().await;
    world.configure("");
    let export = world.ld.seed(launchdarkly::Seed::new("nightly export"));
    world.query.seed(query_server::Seed::new("edge"));
    world.avisi.seed(avisi_cloud::Seed::new("ci runner"));
    (world, export.id)
}

#[tokio::test]
async fn list_shows_all_accounts_and_filters() {
    let (world, key) = seeded().await;
    let table = world.run(&["list"]);
    assert_eq!(table.code, 0);
    for name in ["nightly export", "edge", "ci runner"] {
        assert!(table.out.contains(name), "{table:?}");
    }
    // In a pipe, and in a terminal that is wide enough, what `show` and `revoke` ask for is whole.
    assert!(table.out.contains(&key), "{table:?}");
    assert!(!table.out.contains("no room for"), "{table:?}");
    let wide = world.run_with(&["list"], &[("COLUMNS", "220")]);
    assert!(wide.out.contains(&key), "{wide:?}");
    let narrow = world.run_with(&["list"], &[("COLUMNS", "60")]);
    assert!(
        narrow.out.contains("KEY, OWNER, CREATED, SERVICE)"),
        "{narrow:?}"
    );
    assert!(
        narrow.out.lines().all(|line| line.chars().count() <= 60),
        "{}",
        narrow.out
    );
    let json = world
        .run(&["--output", "json", "list", "--account", "edge"])
        .json();
    assert_eq!(json["tokens"].as_array().unwrap().len(), 1);
    assert_eq!(json["tokens"][0]["name"], "edge");
    let csv = world.run(&["--output", "csv", "list", "--service", "avisi-cloud"]);
    assert_eq!(csv.out.lines().count(), 2, "{csv:?}");
    assert_eq!(world.run(&["list", "--account", "none"]).code, 2);
    assert_eq!(world.run(&["list", "--service", "none"]).code, 2);
    assert_eq!(world.run(&["list", "--state", "none"]).code, 2);
    let without_end = world
        .run(&["--output", "json", "list", "--without-end"])
        .json();
    let names: Vec<_> = without_end["tokens"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["name"].clone())
        .collect();
    assert!(names.contains(&"nightly export".into()), "{names:?}");
}

#[tokio::test]
async fn an_account_that_fails_hides_no_other() {
    let (world, _) = seeded().await;
    let mut command = world.command(&["--output", "json", "list"]);
    let done = command.env("QUERY_DEPLOY_TOKEN", "wrong").output().unwrap();
    assert_eq!(done.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(json["complete"], false);
    assert!(
        json["tokens"]
            .as_array()
            .unwrap()
            .iter()
            .any(|t| t["name"] == "ci runner")
    );
    let mut command = world.command(&["list"]);
    let done = command.env_remove("QUERY_DEPLOY_TOKEN").output().unwrap();
    assert_eq!(done.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&done.stderr).contains("QUERY_DEPLOY_TOKEN"));
}

/// An account that could not even be asked is no account without tokens.
#[tokio::test]
async fn what_was_not_seen_is_not_taken_for_nothing() {
    let world = World::start().await;
    world.configure("");
    let blind = |arguments: &[&str]| {
        let mut command = world.command(arguments);
        for name in [
            "LD_ACCESS_TOKEN",
            "QUERY_DEPLOY_TOKEN",
            "ACLOUD_PERSONAL_ACCESS_TOKEN",
        ] {
            command.env_remove(name);
        }
        let done = command.output().unwrap();
        assert_eq!(done.status.code(), Some(1), "{arguments:?}");
        let told = String::from_utf8(done.stderr).unwrap();
        assert!(told.contains("export LD_ACCESS_TOKEN"), "{told}");
        String::from_utf8(done.stdout).unwrap()
    };
    let found = blind(&["audit"]);
    assert_eq!(found, "");
    let json = |arguments: &[&str]| -> serde_json::Value {
        serde_json::from_str(&blind(arguments)).unwrap()
    };
    assert_eq!(json(&["--output", "json", "audit"])["complete"], false);
    let list = json(&["--output", "json", "list"]);
    assert_eq!(list["complete"], false);
    assert_eq!(list["accounts"].as_array().unwrap().len(), 3);
    blind(&["--output", "csv", "list"]);
    // One that answers, and says no.
    let mut command = world.command(&["--output", "csv", "list"]);
    let done = command.env("QUERY_DEPLOY_TOKEN", "wrong").output().unwrap();
    assert_eq!(done.status.code(), Some(1));
    let told = String::from_utf8(done.stderr).unwrap();
    assert!(told.contains("edge: ") && told.contains("401"), "{told}");
}

#[tokio::test]
async fn show_and_whoami_tell_what_is_known() {
    let (world, id) = seeded().await;
    let shown = world.run(&["show", &id, "--account", "prod"]);
    assert_eq!(shown.code, 0);
    assert!(
        shown.out.contains("nightly export") && shown.out.contains(&id),
        "{shown:?}"
    );
    let json = world
        .run(&["--output", "json", "show", &id, "--account", "prod"])
        .json();
    assert_eq!(json["token"]["key"], id.as_str());
    assert_eq!(world.run(&["show", "66ff", "--account", "prod"]).code, 1);
    let who = world.run(&["--output", "json", "whoami"]).json();
    let callers = who["callers"].as_array().unwrap();
    assert_eq!(callers.len(), 3);
    let prod = callers
        .iter()
        .find(|caller| caller["account"] == "prod")
        .unwrap();
    assert!(prod["key"].is_string(), "{who}");
}

#[tokio::test]
async fn create_delivers_before_it_says_so_and_revoke_asks() {
    let (world, _) = seeded().await;
    let arguments = [
        "--output",
        "json",
        "create",
        "--account",
        "prod",
        "--name",
        "new one",
    ];
    let missing_role = world.run(&[&arguments[..], &["--to", "file:new.token"]].concat());
    assert_eq!(missing_role.code, 2, "{missing_role:?}");
    let arguments = [&arguments[..], &["--role", "reader"]].concat();
    // A place that cannot be written: nothing is made.
    let nowhere = world.run(&[&arguments[..], &["--to", "file:no/such/folder/new.token"]].concat());
    assert_eq!(nowhere.code, 1, "{nowhere:?}");
    assert!(
        world
            .ld
            .tokens()
            .iter()
            .all(|token| token.name != "new one")
    );

    let made = world.run(&[&arguments[..], &["--to", "file:new.token"]].concat());
    assert_eq!(made.code, 0, "{made:?}");
    let key = made.json()["created"]["key"].as_str().unwrap().to_owned();
    let secret = Secret::new(world.read("new.token").trim());
    assert_hidden(&made, &secret);
    assert!(world.ld.authenticates(&secret));

    let asked = world.run(&["revoke", &key, "--account", "prod"]);
    assert_eq!(asked.code, 2);
    assert!(asked.err.contains("--yes"), "{asked:?}");
    assert!(world.ld.authenticates(&secret));
    assert_eq!(
        world
            .run(&["revoke", &key, "--account", "prod", "--yes"])
            .code,
        0
    );
    assert!(!world.ld.authenticates(&secret));
    assert_eq!(
        world
            .run(&["revoke", &key, "--account", "prod", "--yes"])
            .code,
        1
    );

    // What the account itself uses is not revoked by a slip.
    let who = world
        .run(&["--output", "json", "whoami", "--account", "prod"])
        .json();
    let own = who["callers"][0]["key"].as_str().unwrap().to_owned();
    assert_eq!(
        world
            .run(&["revoke", &own, "--account", "prod", "--yes"])
            .code,
        2
    );
    assert!(world.ld.authenticates(&world.ld.credential()));
}

#[tokio::test]
async fn create_to_stdout_prints_the_secret_and_nothing_else() {
    let (world, _) = seeded().await;
    let output = world
        .command(&[
            "create",
            "--account",
            "cloud",
            "--name",
            "pipe",
            "--to",
            "stdout",
        ])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), 1);
    assert!(world.avisi.authenticates(&Secret::new(text.trim())));
}

#[tokio::test]
async fn audit_finds_what_it_should_and_fails_on_request() {
    let (world, _) = seeded().await;
    world.ld.seed(launchdarkly::Seed::new("root").role("admin"));
    let audit = world.run(&["--output", "json", "audit"]);
    assert_eq!(audit.code, 3, "{audit:?}");
    let json = audit.json();
    let findings = json["findings"].as_array().unwrap();
    let of = |name: &str| -> Vec<&str> {
        let findings = findings.iter().filter(|f| f["name"] == name);
        findings
            .map(|finding| finding["rule"].as_str().unwrap())
            .collect()
    };
    assert!(of("root").contains(&"AT001"), "{json}");
    assert!(of("nightly export").contains(&"AT002"), "{json}");
    assert!(of("edge").contains(&"AT007"), "{json}");
    assert_eq!(world.run(&["audit", "--fail-on", "high"]).code, 3);
}
