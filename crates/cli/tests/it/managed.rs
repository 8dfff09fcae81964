//! Managed tokens: tick, plan, status, rotate, rollback, forget.

use std::time::Duration;

use access_tokens::Secret;
use access_tokens_testing::{Fault, Twin as _};

use crate::support::World;

fn token(name: &str, rest: &str) -> String {
    format!(
        "[tokens.{name}]\naccount = \"prod\"\ncreate = {{ role = \"reader\" }}\nmax_age = \"30d\"\n\
         overlap = \"1d\"\ndeliver = [\"file:{name}.token\"]\n{rest}\n"
    )
}

#[tokio::test]
async fn the_first_tick_makes_the_second_does_nothing_and_writes_nothing() {
    let world = World::start().await;
    world.configure_with("events = \"file:events.jsonl\"", &token("t", ""));
    let plan = world.run(&["--output", "json", "plan"]);
    assert_eq!(plan.code, 0, "{plan:?}");
    assert!(!world.path("t.token").exists());
    let first = world.tick();
    assert_eq!(
        (first.code, &first.outcome("t")["outcome"]),
        (0, &"rotated".into()),
        "{first:?}"
    );
    let secret = Secret::new(world.read("t.token").trim());
    assert!(world.ld.authenticates(&secret));
    assert!(!format!("{first:?}").contains(secret.expose_secret()));
    let events = world.read("events.jsonl");
    assert!(events.contains("\"rotated\"") && !events.contains(secret.expose_secret()));

    let state = |world: &World| {
        let mut all = Vec::new();
        for entry in std::fs::read_dir(world.path("state")).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if !name.starts_with('.') && entry.file_type().unwrap().is_file() {
                all.push((name, std::fs::read(entry.path()).unwrap()));
            }
        }
        all.sort();
        all
    };
    let (before, asked) = (state(&world), world.ld.requests().len());
    let idle = world.run(&["-q", "tick"]);
    assert_eq!(
        (idle.code, idle.out.as_str(), idle.err.as_str()),
        (0, "", "")
    );
    assert_eq!(state(&world), before);
    assert_eq!(world.read("events.jsonl"), events);
    assert_eq!(world.ld.requests().len() - asked, 1);

    let status = world.run(&["--output", "json", "status", "--check"]);
    assert_eq!(status.code, 0, "{status:?}");
    let status = status.json();
    assert_eq!(
        status["tokens"][0]["current"],
        first.outcome("t")["current"]
    );
    assert!(status["last_tick"].is_string());
}

#[tokio::test]
async fn rotate_by_name_and_roll_back() {
    let world = World::start().await;
    world.configure(&token("t", ""));
    world.tick();
    let first = world.read("t.token");
    assert_eq!(world.run(&["rotate", "t"]).code, 2);
    let rotated = world.run(&["--output", "json", "rotate", "t", "--yes"]);
    assert_eq!(
        (rotated.code, &rotated.outcome("t")["outcome"]),
        (0, &"rotated".into()),
        "{rotated:?}"
    );
    let second = world.read("t.token");
    assert_ne!(first, second);
    assert_eq!(
        rotated.outcome("t")["previous"].as_array().unwrap().len(),
        1
    );
    let back = world.run(&["--output", "json", "rollback", "t", "--yes"]);
    assert_eq!(
        (back.code, &back.outcome("t")["outcome"]),
        (0, &"rolled_back".into()),
        "{back:?}"
    );
    assert_eq!(world.read("t.token"), first);
    assert!(world.ld.authenticates(&Secret::new(first.trim())));

    let leaked = world.run(&[
        "--output",
        "json",
        "rotate",
        "t",
        "--reason",
        "suspected",
        "--yes",
    ]);
    assert_eq!(leaked.outcome("t")["reason"], "suspected", "{leaked:?}");
    let third = world.read("t.token");
    assert!(world.ld.authenticates(&Secret::new(third.trim())));
    assert!(!world.ld.authenticates(&Secret::new(first.trim())));
}

#[tokio::test]
async fn a_failure_is_one_tokens_and_is_not_tried_at_every_tick() {
    let world = World::start().await;
    let bad = token("bad", "").replace("file:bad.token", "file:missing/bad.token");
    world.configure(&format!("{bad}{}", token("good", "")));
    let done = world.tick();
    assert_eq!(done.code, 1, "{done:?}");
    assert_eq!(done.outcome("good")["outcome"], "rotated");
    assert_eq!(done.outcome("bad")["outcome"], "failed");
    assert_eq!(done.outcome("bad")["error"]["kind"], "sink");
    let creates = || {
        world
            .ld
            .requests()
            .iter()
            .filter(|r| r.method == "POST")
            .count()
    };
    let before = creates();
    let again = world.tick();
    assert_eq!(again.code, 1, "still reported: {again:?}");
    assert_eq!(creates(), before);
    let check = world.run(&["status", "--check"]);
    assert_eq!(check.code, 3, "{check:?}");
    std::fs::create_dir(world.path("missing")).unwrap();
    // Whoever names it does not want to wait.
    let named = world.run(&["--output", "json", "tick", "bad"]);
    assert_eq!(named.outcome("bad")["outcome"], "rotated", "{named:?}");
}

#[tokio::test]
async fn delivered_is_not_done_before_the_steps_after_it_succeed() {
    let world = World::start().await;
    let after = "after = [\"sh -c 'test -e ready && echo $TOKENS_NAMES >> ran && test -z \\\"$LD_ACCESS_TOKEN\\\"'\"]";
    world.configure(&format!("{}{}", token("a", after), token("b", after)));
    let done = world.tick();
    assert_eq!(done.code, 1, "{done:?}");
    for name in ["a", "b"] {
        let outcome = done.outcome(name);
        assert_eq!(
            (&outcome["outcome"], &outcome["error"]["kind"]),
            (&"rotated".into(), &"after".into())
        );
    }
    let tokens = world.ld.tokens().len();
    assert_eq!(world.tick().code, 1);
    std::fs::write(world.path("ready"), "").unwrap();
    let done = world.tick();
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(world.ld.tokens().len(), tokens, "no new token for that");
    // Both at once.
    let ran = world.read("ran");
    assert_eq!(ran.lines().count(), 1, "{ran}");
    assert!(ran.contains('a') && ran.contains('b'));
}

#[tokio::test]
async fn what_drifted_is_named() {
    let world = World::start().await;
    world.configure(&token("t", ""));
    let first = world.tick().outcome("t");
    // A place is added.
    world.configure(&token("t", "").replace(
        "[\"file:t.token\"]",
        "[\"file:t.token\", \"dotenv:.env#T\"]",
    ));
    let done = world.tick();
    assert_eq!(done.outcome("t")["reason"], "config", "{done:?}");
    assert!(world.read(".env").contains(world.read("t.token").trim()));
    // Its content is gone.
    std::fs::remove_file(world.path("t.token")).unwrap();
    let done = world.tick();
    assert_eq!(done.outcome("t")["reason"], "missing", "{done:?}");
    // Somebody else's content is left and reported.
    std::fs::write(world.path("t.token"), "mine").unwrap();
    let done = world.tick();
    assert_eq!(
        (done.code, &done.outcome("t")["error"]["kind"]),
        (4, &"drift".into()),
        "{done:?}"
    );
    assert_eq!(world.read("t.token"), "mine");
    assert_ne!(first["current"], done.outcome("t")["current"]);
    // The entry is taken out.
    world.configure("");
    let done = world.tick();
    assert!(done.err.contains("tokens forget t"), "{done:?}");
}

#[tokio::test]
async fn another_account_under_the_same_name_is_refused() {
    let world = World::start().await;
    world.configure(&token("t", ""));
    world.tick();
    let other = token("t", "")
        .replace("\"prod\"", "\"cloud\"")
        .replace("{ role = \"reader\" }", "{}");
    world.configure(&other);
    let done = world.tick();
    assert_eq!(done.code, 2, "{done:?}");
    assert!(
        world
            .avisi
            .requests()
            .iter()
            .all(|request| request.method == "GET")
    );
}

#[tokio::test]
async fn a_lost_or_forgetful_state_makes_no_token_at_every_start() {
    let world = World::start().await;
    world.configure(&token("t", ""));
    world.tick();
    let tokens = world.ld.tokens().len();
    std::fs::remove_dir_all(world.path("state")).unwrap();
    let done = world.tick();
    assert!(done.code == 4 || done.code == 0, "{done:?}");
    assert_eq!(world.ld.tokens().len(), tokens, "{done:?}");
    let text = world.read("tokens.toml").replace("file:state", "memory");
    world.write_config(&text);
    assert_eq!(world.tick().code, 2);
}

#[tokio::test]
async fn what_is_wrong_with_an_account_is_asked_once() {
    let world = World::start().await;
    let all: String = (0..5).map(|n| token(&format!("t{n}"), "")).collect();
    world.configure(&all);
    let mut command = world.command(&["--output", "json", "tick"]);
    let done = command
        .env("LD_ACCESS_TOKEN", "api-wrong")
        .output()
        .unwrap();
    // No later tick mends a credential.
    assert_eq!(done.status.code(), Some(4));
    assert_eq!(String::from_utf8(done.stdout).unwrap().lines().count(), 5);
    assert_eq!(world.ld.requests().len(), 1);
}

#[tokio::test]
async fn watch_ends_cleanly_at_a_signal() {
    let world = World::start().await;
    world.configure(&token("t", ""));
    let mut child = world.spawn(&["tick", "--watch", "1s"]);
    for _ in 0..200 {
        if world.path("t.token").exists() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[tokio::test]
async fn a_lost_answer_to_a_create_leaves_no_token_behind() {
    let world = World::start().await;
    world.configure(&token("t", ""));
    world
        .ld
        .set_fault(Some("post_token"), 1, 1, Fault::ActThenClose)
        .unwrap();
    let done = world.tick();
    assert_eq!(done.code, 1, "{done:?}");
    let named = world.run(&["--output", "json", "tick", "t"]);
    assert!([0, 1].contains(&named.code), "{named:?}");
    let alive = world.ld.tokens().iter().filter(|t| t.name == "t").count();
    assert!(alive <= 1, "{named:?}");
}
