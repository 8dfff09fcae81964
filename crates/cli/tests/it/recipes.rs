//! The recipes of the guide's cookbook and of `docs/deploy`, as they are written there.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use access_tokens::Secret;
use access_tokens_testing::launchdarkly::Operation;
use access_tokens_testing::{Fault, VirtualClock};
use yaml_rust2::{Yaml, YamlLoader};

use crate::support::World;

const DAY: Duration = Duration::from_secs(86_400);

fn text(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The blocks of a kind below a heading of the cookbook.
pub(crate) fn blocks(heading: &str, kind: &str) -> Vec<String> {
    let page = text("../../docs/guide/cookbook.md");
    let mut found = Vec::new();
    let mut below = false;
    let mut block: Option<(bool, String)> = None;
    for line in page.lines() {
        match (&mut block, line.strip_prefix("```")) {
            (None, Some(of)) => block = Some((below && of == kind, String::new())),
            (Some(_), Some(_)) => {
                let ended = block.take().filter(|(wanted, _)| *wanted);
                found.extend(ended.map(|(_, text)| text));
            }
            (Some((_, text)), None) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {
                if let Some(title) = line.strip_prefix("# ") {
                    below = title == heading;
                }
            }
        }
    }
    assert!(!found.is_empty(), "no {kind} below {heading}");
    found
}

/// Runs a command line of a recipe for a token that is not there: the configuration and the arguments
/// were read by then, and nothing was sent.
fn is_understood(world: &World, words: &[&str]) {
    let [program, words @ ..] = words else {
        panic!("no words");
    };
    assert!(program.ends_with("tokens"), "{program}");
    let mut words = words.to_vec();
    words.push("nobody");
    let done = world.run_with(&words, &[("AWS_REGION", "eu-west-1")]);
    assert_eq!(done.code, 2, "{words:?}: {done:?}");
    assert!(
        done.err.contains("there is no token `nobody`"),
        "{words:?}: {done:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_configuration_of_the_cookbook_is_one() {
    let world = World::start().await;
    let mut seen = 0;
    for heading in [
        "An audit that fails a build",
        CRON,
        "With Vault or OpenBao",
        "With GitHub Actions",
    ] {
        for block in blocks(heading, "toml") {
            world.write_config(&block);
            is_understood(&world, &["tokens", "tick"]);
            seen += 1;
        }
    }
    assert_eq!(seen, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_says_by_its_code_what_it_found() {
    let world = World::start().await;
    let config = |credential: &str| {
        let block = blocks("An audit that fails a build", "toml").remove(0);
        let here = format!(
            "credential = \"env:{credential}\"\nurl = \"{}\"",
            world.ld.base_url()
        );
        let block = block
            .replace("credential = \"env:LD_ACCESS_TOKEN\"", &here)
            .replace("/var/lib/tokens", "state");
        world.write_config(&block);
    };
    let line = blocks("An audit that fails a build", "text").remove(0);
    let words: Vec<&str> = line.split_whitespace().skip(1).collect();
    config("LD_ACCESS_TOKEN");
    // The credential of the twin may do everything, for ever.
    let done = world.run(&words);
    assert_eq!(done.code, 3, "{done:?}");
    assert!(done.out.contains("AT001"), "{done:?}");
    config("QUERY_DEPLOY_TOKEN");
    let done = world.run(&words);
    assert_eq!(
        done.code, 1,
        "an account that cannot be read is not clean: {done:?}"
    );
}

const CRON: &str = "Fifty tokens fresh from cron";

/// The configuration that the page writes, with paths and address of this world.
#[cfg(unix)]
fn configure(world: &World, apps: &[String]) {
    for app in apps {
        std::fs::create_dir_all(world.path("srv").join(app)).unwrap();
    }
    std::fs::write(world.path("apps.txt"), apps.join("\n") + "\n").unwrap();
    std::fs::write(
        world.path("launchdarkly"),
        world.ld.credential().expose_secret(),
    )
    .unwrap();
    let common = blocks(CRON, "toml").remove(0);
    let url = format!(
        "service = \"launchdarkly\"\nurl = \"{}\"",
        world.ld.base_url()
    );
    world.write_config(&common.replace("service = \"launchdarkly\"", &url));
    let shell = blocks(CRON, "sh").remove(0);
    let made = Command::new("sh")
        .arg("-c")
        .arg(&shell)
        .current_dir(world.folder.path())
        .status();
    assert!(made.unwrap().success());
    let config = world.read("tokens.toml");
    let config = config
        .replace("/etc/tokens/launchdarkly", "launchdarkly")
        .replace("/var/lib/tokens", "state")
        .replace("/var/log/", "")
        .replace("/srv/", "srv/");
    world.write_config(&config);
}

/// Fifty tokens made by the loop of the page, ticked each night by the line of its crontab.
#[cfg(unix)]
#[tokio::test]
async fn fifty_tokens_stay_fresh_from_cron() {
    const NIGHTS: u32 = 36;
    const TOKENS: usize = 50;
    let clock = VirtualClock::new();
    let world = World::timed(&clock, |ld| ld).await;
    let apps: Vec<String> = (1..=TOKENS)
        .map(|number| format!("app-{number:02}"))
        .collect();
    configure(&world, &apps);
    let crontab = blocks(CRON, "text").remove(0);
    let commands: Vec<Vec<&str>> = crontab
        .lines()
        .filter(|line| !line.contains('='))
        .map(|line| line.split_whitespace().skip(6).collect())
        .collect();
    let [tick, check] = &commands[..] else {
        panic!("{crontab}");
    };
    let here = |words: &[&str]| -> Vec<String> {
        assert_eq!(words[0], "/usr/local/bin/tokens");
        let words = words[1..].iter();
        let folder = format!("{}/", world.folder.path().display());
        words
            .map(|word| word.replace("/etc/tokens/", &folder))
            .collect()
    };
    let (tick, check) = (here(tick), here(check));
    let secret = |app: &str| {
        let env = world.read(&format!("srv/{app}/.env"));
        let value = env
            .lines()
            .find_map(|line| line.strip_prefix("LD_ACCESS_TOKEN="));
        Secret::new(value.unwrap().trim_matches(['"', '\'']))
    };
    let run = async |words: &[String]| {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        world.go(&words).await
    };

    let mut replaced = vec![0; TOKENS];
    let mut last: Vec<Option<Secret>> = vec![None; TOKENS];
    let mut busiest = 0;
    for night in 0..NIGHTS {
        // One night the service answers nothing but errors.
        let broken = night == 25;
        if broken {
            world
                .ld
                .on(Operation::PostToken)
                .always()
                .then(Fault::Status(503));
        }
        let done = run(&tick).await;
        assert_eq!(done.code, i32::from(broken), "night {night}: {done:?}");
        // What needs no attention is no mail.
        assert!(
            broken || (done.out.is_empty() && done.err.is_empty()),
            "{done:?}"
        );
        let mut tonight = 0;
        for ((app, last), replaced) in apps.iter().zip(&mut last).zip(&mut replaced) {
            let secret = secret(app);
            assert!(world.ld.authenticates(&secret), "night {night}: {app}");
            if last.as_ref() != Some(&secret) {
                *replaced += 1;
                tonight += 1;
                *last = Some(secret);
            }
        }
        if broken {
            assert_eq!(tonight, 0);
            world.ld.clear_faults();
        } else if night > 0 {
            busiest = busiest.max(tonight);
        }
        let checked = run(&check).await;
        assert_eq!(
            checked.code,
            3 * i32::from(broken),
            "night {night}: {checked:?}"
        );
        clock.advance(DAY);
    }
    // The first one, and one more before it was 30 days old.
    assert!(replaced.iter().all(|count| *count == 2), "{replaced:?}");
    assert!(busiest < TOKENS / 2, "{busiest} in one night");
    // What is there: the credential, one for each, and those within their overlap.
    let there = world.ld.tokens().len();
    assert!(
        (1 + TOKENS..1 + TOKENS + TOKENS / 2).contains(&there),
        "{there}"
    );
}

fn manifests(file: &str) -> Vec<Yaml> {
    YamlLoader::load_from_str(&text(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn of_kind<'a>(all: &'a [Yaml], kind: &str) -> &'a Yaml {
    let found = all.iter().find(|one| one["kind"].as_str() == Some(kind));
    found.unwrap_or_else(|| panic!("no {kind}"))
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_cron_job_fits_together() {
    let all = manifests("docs/deploy/cronjob.yaml");
    let config = of_kind(&all, "ConfigMap");
    let job = &of_kind(&all, "CronJob")["spec"];
    let pod = &job["jobTemplate"]["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    assert_eq!(job["schedule"].as_str().unwrap().split(' ').count(), 5);
    let account = &of_kind(&all, "ServiceAccount")["metadata"]["name"];
    assert_eq!(&pod["serviceAccountName"], account);
    // The configuration is where the variable says.
    let volume = &pod["volumes"][0];
    assert_eq!(volume["configMap"]["name"], config["metadata"]["name"]);
    assert_eq!(volume["name"], container["volumeMounts"][0]["name"]);
    let variables: Vec<&str> = container["env"]
        .as_vec()
        .unwrap()
        .iter()
        .map(|variable| variable["name"].as_str().unwrap())
        .collect();
    let folder = container["volumeMounts"][0]["mountPath"].as_str().unwrap();
    let named = PathBuf::from(container["env"][0]["value"].as_str().unwrap());
    assert_eq!(
        (variables[0], named.parent()),
        ("TOKENS_CONFIG", Some(Path::new(folder)))
    );
    let key = named.file_name().unwrap().to_str().unwrap();
    let written = config["data"][key].as_str().unwrap();
    for (scheme, needed) in [
        ("env:LD_ACCESS_TOKEN", "LD_ACCESS_TOKEN"),
        ("vault:", "VAULT_ADDR"),
        ("vault:", "VAULT_K8S_ROLE"),
        ("postgres:", "PGPASSWORD"),
    ] {
        assert!(
            written.contains(scheme) && variables.contains(&needed),
            "{needed}"
        );
    }
    let world = World::start().await;
    world.write_config(written);
    // What the container runs, with stand-ins for the two programs.
    let words = container["command"].as_vec().unwrap().iter();
    let words: Vec<&str> = words.map(|word| word.as_str().unwrap()).collect();
    for (name, script) in [
        ("sleep", "test \"$1\" -ge 0 && test \"$1\" -le 600"),
        ("tokens", "echo tokens \"$@\""),
    ] {
        let path = world.path(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&path, mode).unwrap();
    }
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", world.folder.path().display());
    let run = Command::new(words[0])
        .args(&words[1..])
        .env("PATH", path)
        .output()
        .unwrap();
    assert!(run.status.success() && run.stderr.is_empty(), "{run:?}");
    let called = String::from_utf8(run.stdout).unwrap();
    is_understood(&world, &called.split_whitespace().collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_workflow_fits_the_configuration_beside_it() {
    let all = manifests("docs/deploy/github-actions.yml");
    let workflow = &all[0];
    let job = &workflow["jobs"]["tick"];
    // Who may sign in by its identity, and what the configuration reads.
    assert_eq!(workflow["permissions"]["id-token"].as_str(), Some("write"));
    assert!(!job["env"]["LD_ACCESS_TOKEN"].is_badvalue());
    let schedule = &workflow["on"]["schedule"][0]["cron"];
    assert_eq!(schedule.as_str().unwrap().split(' ').count(), 5);
    let world = World::start().await;
    world.write_config(&blocks("With GitHub Actions", "toml").remove(0));
    let steps = job["steps"].as_vec().unwrap();
    let runs = steps.iter().filter_map(|step| step["run"].as_str());
    let runs: Vec<&str> = runs.filter(|run| run.starts_with("tokens ")).collect();
    assert_eq!(runs.len(), 2);
    is_understood(&world, &runs[0].split(' ').collect::<Vec<_>>());
    // `status` asks the store before it looks for a name.
    let mut words: Vec<&str> = runs[1].split(' ').skip(1).collect();
    words.push("--help");
    let done = world.run(&words);
    assert_eq!((done.code, words[0]), (0, "status"), "{done:?}");
}
