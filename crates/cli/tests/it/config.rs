//! The configuration: where it is found, and what is refused.

use crate::support::World;

const TOKEN: &str = r#"
[tokens.t]
account = "prod"
create = { role = "reader" }
max_age = "30d"
overlap = "1d"
deliver = ["file:t.token"]
"#;

#[tokio::test]
async fn it_is_found_where_it_may_be() {
    let world = World::start().await;
    let none = world.run(&["status"]);
    assert_eq!(none.code, 2);
    assert!(
        none.err.contains("tokens.toml") && none.err.contains("TOKENS_CONFIG"),
        "{none:?}"
    );

    world.configure(TOKEN);
    assert_eq!(world.run(&["status"]).code, 0);
    std::fs::create_dir_all(world.path(".config/tokens")).unwrap();
    std::fs::rename(
        world.path("tokens.toml"),
        world.path(".config/tokens/tokens.toml"),
    )
    .unwrap();
    assert_eq!(world.run(&["status"]).code, 0);
    std::fs::rename(
        world.path(".config/tokens/tokens.toml"),
        world.path("other.toml"),
    )
    .unwrap();
    assert_eq!(world.run(&["status"]).code, 2);
    assert_eq!(world.run(&["--config", "other.toml", "status"]).code, 0);
    let by_variable = world
        .command(&["status"])
        .env("TOKENS_CONFIG", "other.toml")
        .output()
        .unwrap();
    assert_eq!(by_variable.status.code(), Some(0));
}

#[cfg(unix)]
#[tokio::test]
async fn one_that_others_can_write_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::start().await;
    world.configure(TOKEN);
    for mode in [0o660, 0o602, 0o666] {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(world.path("tokens.toml"), mode).unwrap();
        let done = world.run(&["tick"]);
        assert_eq!(done.code, 2, "{done:?}");
        assert!(done.err.contains("others can write"), "{done:?}");
    }
    assert!(world.ld.requests().is_empty());
    let mode = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(world.path("tokens.toml"), mode).unwrap();
    assert_eq!(world.run(&["status"]).code, 0);
}

#[tokio::test]
async fn what_is_wrong_is_named_with_its_line_and_nothing_is_sent() {
    let world = World::start().await;
    for (from, to, words) in [
        ("max_age", "max_aeg", &["max_aeg", "max_age", ":"][..]),
        (
            "max_age = \"30d\"",
            "max_age = \"30 days\"",
            &["tokens.t.max_age", "90d"],
        ),
        ("max_age = \"30d\"", "max_age = 30", &["expected"]),
        (
            "overlap = \"1d\"",
            "overlap = \"30d\"",
            &["overlap", "shorter"],
        ),
        (
            "account = \"prod\"",
            "account = \"prdo\"",
            &["tokens.t.account", "prod"],
        ),
        ("account = \"prod\"", "", &["account"]),
        ("create = { role = \"reader\" }", "", &["adopt"]),
        (
            "create = { role = \"reader\" }",
            "adopt = \"66aa\"",
            &["key:KEY"],
        ),
        ("deliver = [\"file:t.token\"]", "", &["deliver"]),
        (
            "deliver = [\"file:t.token\"]",
            "deliver = [\"floppy:a\"]",
            &["deliver[0]", "dotenv"],
        ),
        (
            "deliver = [\"file:t.token\"]",
            "deliver = [\"dotenv:.env\"]",
            &["#KEY"],
        ),
        (
            "deliver = [\"file:t.token\"]",
            "deliver = [{ to = \"file:t\", mode = \"0999\" }]",
            &["octal"],
        ),
        (
            "deliver = [\"file:t.token\"]",
            "deliver = [{ to = \"command:a\", mode = \"0640\" }]",
            &["`mode`", "file: and dotenv:"],
        ),
        (
            "deliver = [\"file:t.token\"]",
            "deliver = [{ to = \"file:t\", readers = \"docker\" }]",
            &["`readers`", "dotenv: only"],
        ),
        (
            "deliver = [\"file:t.token\"]",
            "deliver = [{ to = \"dotenv:t#K\", readers = \"make\" }]",
            &["libraries", "docker"],
        ),
        (
            "deliver = [\"file:t.token\"]",
            "deliver = [{ to = \"dotenv:t#K\", not_stored_on = [77] }]",
            &["`not_stored_on`", "command: only"],
        ),
        (
            "deliver = [\"file:t.token\"]",
            "deliver = [{ to = \"command:a\", not_stored_on = [77, 0] }]",
            &["1 to 255"],
        ),
        (
            "deliver = [\"file:t.token\"]",
            "deliver = [{ to = \"file:t\", mod = \"0640\" }]",
            &["mod", "mode"],
        ),
        (
            "deliver = [\"file:t.token\"]",
            "deliver = [\"file:t.token\", \"file:./t.token\"]",
            &["same place"],
        ),
        (
            "deliver",
            "after = [\"'open\"]\ndeliver",
            &["after[0]", "quote"],
        ),
        (
            "[tokens.t]",
            "[accounts.nowhere]\nservice = \"query-server\"\ncredential = \"env:A\"\n[tokens.t]",
            &["accounts.nowhere.url", "is missing"],
        ),
        ("[tokens.t]", "[tokens.t", &["TOML"]),
    ] {
        assert!(TOKEN.contains(from), "{from}");
        world.configure(&TOKEN.replacen(from, to, 1));
        let done = world.run(&["tick"]);
        assert_eq!(done.code, 2, "{to}: {done:?}");
        assert!(done.err.contains("tokens.toml:"), "{to}: no line: {done:?}");
        for word in words {
            assert!(done.err.contains(word), "{to}: {word} is missing: {done:?}");
        }
    }
    assert!(world.ld.requests().is_empty());
}

#[tokio::test]
async fn a_literal_secret_is_refused_and_not_shown() {
    let world = World::start().await;
    let secret = "api-0123abcd-canary-ffff";
    for text in [
        format!(
            "[state]\nstore = \"memory\"\n[accounts.a]\nservice = \"launchdarkly\"\ncredential = \"{secret}\"\n"
        ),
        format!(
            "[state]\nstore = \"memory\"\n[accounts.a]\nservice = \"launchdarkly\"\ncredential = {secret}\n"
        ),
        format!(
            "[state]\nstore = \"memory\"\n[accounts.a]\nservice = \"{secret}\"\ncredential = \"env:A\"\n"
        ),
        format!(
            "[state]\nstore = \"memory\"\n[accounts.a]\nservice = \"launchdarkly\"\ncredential = \"env:A\"\n{secret} = \"x\"\n"
        ),
        "[state]\nstore = \"postgres://user:api-0123abcd-canary-ffff@localhost/tokens\"\n"
            .to_owned(),
        format!("[state]\nstore = \"{secret}\"\n"),
    ] {
        world.write_config(&text);
        let done = world.run(&["--output", "json", "-vv", "status"]);
        assert_eq!(done.code, 2, "{text}");
        assert!(!format!("{done:?}").contains("canary"), "{text}: {done:?}");
    }
}

#[tokio::test]
async fn two_entries_for_one_place_are_refused_before_anything_is_sent() {
    let world = World::start().await;
    let two = format!("{TOKEN}{}", TOKEN.replace("tokens.t]", "tokens.u]"));
    world.configure(&two);
    let done = world.run(&["tick"]);
    assert_eq!(done.code, 2);
    assert!(
        done.err.contains("tokens.t") && done.err.contains("tokens.u"),
        "{done:?}"
    );
    assert!(world.ld.requests().is_empty());
    // Two keys of one file are two places.
    let env = two.replacen("file:t.token", "dotenv:.env#A", 1).replacen(
        "file:t.token",
        "dotenv:.env#B",
        1,
    );
    world.configure(&env);
    assert_eq!(world.tick().code, 0);
}

#[test]
fn usage_is_exit_code_two_and_help_is_none() {
    let program = || std::process::Command::new(env!("CARGO_BIN_EXE_tokens"));
    for (arguments, code) in [
        (&["--help"][..], 0),
        (&["--version"], 0),
        (&["tick", "--help"], 0),
        (&["completion", "bash"], 0),
        (&["completion", "zsh"], 0),
        (&["completion", "fish"], 0),
        (&[], 2),
        (&["tok"], 2),
        (&["tick", "--watch", "soon"], 2),
        (&["tick", "--watch", "0s"], 2),
        (&["--output", "csv", "status"], 2),
        (&["--output", "yaml", "list"], 2),
    ] {
        let output = program().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        if code == 0 {
            assert!(
                output.stderr.is_empty() && !output.stdout.is_empty(),
                "{arguments:?}"
            );
        }
    }
}
