//! A sink by the variables that the programs `vault` and `bao` read. They are those of a process, so each case
//! is a process of its own.

use std::process::Command;

use access_tokens::rotation::sink::Sink as _;
use access_tokens_stores::{VaultKv2, VaultKv2Builder};

use super::Bao;

const CHILD: &str = "ACCESS_TOKENS_VAULT_CHILD";

/// In a child: tells what the variables come to.
#[tokio::test]
async fn child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let sink = match VaultKv2::from_env("app", "token").and_then(VaultKv2Builder::build) {
        Ok(sink) => sink,
        Err(error) => return println!("\nsaid no: {error}"),
    };
    match sink.check().await {
        Ok(()) => println!("\nsaid {} can be written", sink.id()),
        Err(error) => println!("\nsaid {}: {error}", sink.id()),
    }
}

/// What a process with these variables says.
fn said(variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["vault::env::child", "--exact", "--nocapture"]);
    command.env_clear().env(CHILD, "").env("HOME", "/nowhere");
    command.envs(variables.iter().copied());
    let output = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let mut said = output.lines().filter_map(|line| line.strip_prefix("said "));
    said.next().unwrap().to_owned()
}

#[test]
fn what_is_missing_empty_or_at_odds_is_named_and_not_shown() {
    let address = "https://vault.example.com";
    let cases: [(&[_], &[_]); 5] = [
        (&[("VAULT_TOKEN", "canary")], &["VAULT_ADDR is not set"]),
        (
            &[("VAULT_ADDR", address), ("BAO_ADDR", "https://canary")],
            &["VAULT_ADDR", "BAO_ADDR", "differ"],
        ),
        (
            &[
                ("VAULT_ADDR", address),
                ("VAULT_TOKEN", "canary-1"),
                ("BAO_TOKEN", "canary-2"),
            ],
            &["VAULT_TOKEN", "BAO_TOKEN", "differ"],
        ),
        (
            &[("BAO_ADDR", address), ("VAULT_TOKEN", "")],
            &["VAULT_TOKEN", "empty"],
        ),
        (
            &[("VAULT_ADDR", "http://canary.example.com")],
            &["must be https"],
        ),
    ];
    for (variables, words) in cases {
        let said = said(variables);
        assert!(said.starts_with("no: "), "{said}");
        for word in words {
            assert!(said.contains(word), "{word}: {said}");
        }
        assert!(!said.contains("canary"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_variables_of_vault_and_of_bao_lead_to_the_server() {
    let Some(bao) = Bao::start().await else {
        return;
    };
    let (address, id) = (bao.address(), bao.sink("app", "token").id());
    let can = format!("{id} can be written");
    let token = ("VAULT_TOKEN", "root");
    assert_eq!(said(&[("VAULT_ADDR", &address), token]), can);
    assert_eq!(said(&[("BAO_ADDR", &address), ("BAO_TOKEN", "root")]), can);
    let both = [("BAO_ADDR", &*address), ("VAULT_ADDR", &address), token];
    assert_eq!(said(&both), can);
    let refused = said(&[("VAULT_ADDR", &address), ("VAULT_TOKEN", "canary")]);
    assert!(
        refused.contains("403") && !refused.contains("canary"),
        "{refused}"
    );

    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join(".vault-token"), "root\n").unwrap();
    let home = home.path().to_str().unwrap();
    assert_eq!(said(&[("VAULT_ADDR", &address), ("HOME", home)]), can);

    let team = [
        ("VAULT_ADDR", &*address),
        token,
        ("VAULT_NAMESPACE", "team"),
    ];
    let team = said(&team);
    assert!(team.contains("team/secret/app#token"), "{team}");
}
