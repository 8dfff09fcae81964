//! What relatives of this program learned the hard way, a test each.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use access_tokens::Clock as _;
use access_tokens_testing::{Fault, Twin as _, VirtualClock, launchdarkly};

use crate::support::{Done, World};

const DAY: Duration = Duration::from_secs(86_400);

/// An entry that makes its token, with a few lines more.
fn entry(name: &str, rest: &str) -> String {
    format!(
        "[tokens.{name}]\naccount = \"prod\"\ncreate = {{ role = \"reader\" }}\nmax_age = \"30d\"\n\
         overlap = \"1d\"\ndeliver = [\"file:{name}.token\"]\n{rest}\n"
    )
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), &to).unwrap();
        }
    }
}

#[tokio::test]
async fn back_off_is_kept_in_the_state_and_skipped_once_by_who_names_or_changes_the_entry() {
    let world = World::start().await;
    world.configure(&entry("t", ""));
    let refuse = || {
        let refused = Fault::Status(403);
        world
            .ld
            .set_fault(Some("post_token"), 1, 1, refused)
            .unwrap();
    };
    refuse();
    let failed = world.tick();
    assert_eq!(failed.outcome("t")["outcome"], "failed", "{failed:?}");
    let kind = failed.outcome("t")["error"]["kind"].clone();
    let code = failed.code;
    assert!(code == 1 || code == 4, "{failed:?}");
    // Meanwhile nothing is sent, and the failure is told as it was.
    for _ in 0..3 {
        let before = world.ld.requests().len();
        let waiting = world.tick();
        assert_eq!(waiting.code, code, "{waiting:?}");
        assert_eq!(waiting.outcome("t")["error"]["kind"], kind);
        assert!(waiting.outcome("t")["next"].is_string(), "{waiting:?}");
        assert_eq!(world.ld.requests().len(), before, "{waiting:?}");
    }
    // Naming it skips the wait, once.
    refuse();
    let named = world.run(&["--output", "json", "tick", "t"]);
    assert_eq!(named.outcome("t")["outcome"], "failed", "{named:?}");
    let before = world.ld.requests().len();
    assert_ne!(world.tick().code, 0);
    assert_eq!(world.ld.requests().len(), before);
    // So does changing the entry.
    world.configure(&entry("t", "").replace("30d", "31d"));
    let changed = world.tick();
    assert_eq!(changed.outcome("t")["outcome"], "rotated", "{changed:?}");
    assert_eq!(world.named("t"), 1);
}

#[tokio::test]
async fn a_place_that_fails_at_the_first_contact_is_not_tried_at_every_tick() {
    let world = World::start().await;
    world.configure(&entry("t", "").replace("file:t.token", "file:missing/t.token"));
    let failed = world.tick();
    assert_eq!(failed.code, 1, "{failed:?}");
    let before = world.ld.requests().len();
    for _ in 0..3 {
        let waiting = world.tick();
        assert_eq!(waiting.code, 1, "{waiting:?}");
        let (now, then) = (waiting.outcome("t"), failed.outcome("t"));
        assert_eq!(now["error"]["kind"], "sink", "{waiting:?}");
        assert_eq!(now["error"]["message"], then["error"]["message"]);
        assert!(now["next"].is_string(), "{waiting:?}");
    }
    assert_eq!(world.ld.requests().len(), before);
    std::fs::create_dir(world.path("missing")).unwrap();
    let named = world.run(&["--output", "json", "tick", "t"]);
    assert_eq!(named.outcome("t")["outcome"], "rotated", "{named:?}");
    // A change of the entry does as well.
    world.configure(&entry("u", "").replace("file:u.token", "file:none/u.token"));
    assert_eq!(world.tick().code, 1);
    world.configure(&entry("u", ""));
    assert_eq!(world.tick().outcome("u")["outcome"], "rotated");
}

#[tokio::test]
async fn what_is_wrong_with_an_account_is_asked_once_a_tick() {
    let world = World::start().await;
    let all: String = (0..6).map(|n| entry(&format!("t{n}"), "")).collect();
    world.configure(&all);
    let arguments = ["--output", "json", "tick"];
    let done = world.run_with(&arguments, &[("LD_ACCESS_TOKEN", "api-not-one-of-yours")]);
    assert_eq!(done.lines().len(), 6, "{done:?}");
    assert_eq!(world.ld.requests().len(), 1, "{done:?}");
    for line in done.lines() {
        assert!(line["error"]["hint"].is_string(), "{line}");
    }
}

#[tokio::test]
async fn nothing_is_sent_before_the_store_is_proved_writable() {
    let world = World::start().await;
    world.configure(&entry("t", ""));
    std::fs::write(world.path("state"), "a file where a folder should be").unwrap();
    for command in ["tick", "plan"] {
        let done = world.run(&["--output", "json", command]);
        assert!([1, 4].contains(&done.code), "{done:?}");
        assert!(done.out.contains("\"store\""), "{done:?}");
    }
    assert!(world.ld.requests().is_empty());
    let done = world.run(&["rotate", "t", "--yes"]);
    assert!([1, 4].contains(&done.code), "{done:?}");
    assert!(world.ld.requests().iter().all(|r| r.method == "GET"));
}

#[tokio::test]
async fn a_store_that_is_lost_again_and_again_makes_no_more_tokens() {
    let world = World::start().await;
    world.configure(&entry("t", ""));
    assert_eq!(world.tick().code, 0);
    for _ in 0..4 {
        std::fs::remove_dir_all(world.path("state")).unwrap();
        let done = world.tick();
        assert_eq!(done.code, 0, "found again by what is delivered: {done:?}");
        assert_eq!(world.named("t"), 1, "{done:?}");
        assert!(world.works("t.token"));
    }
    // Without what was delivered either, a person is asked.
    std::fs::remove_dir_all(world.path("state")).unwrap();
    let gone = world.read("t.token");
    for entry in std::fs::read_dir(world.folder.path()).unwrap().flatten() {
        if entry.file_name().to_string_lossy().contains("t.token") {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
    let done = world.tick();
    assert_eq!(done.code, 4, "{done:?}");
    assert_eq!(world.named("t"), 1);
    assert!(!format!("{done:?}").contains(gone.trim()));
    // Who says that no other state keeps it fresh gets it back: with a successor, since nobody has
    // its secret any more.
    let status = world.run(&["status"]);
    assert!(status.out.contains("reclaim = true"), "{status:?}");
    let list = world.run(&["--output", "json", "list"]).json();
    let mut tokens = list["tokens"].as_array().unwrap().iter();
    let token = tokens.find(|token| token["name"] == "t").unwrap();
    let adopt = format!("adopt = \"key:{}\"", token["key"].as_str().unwrap());
    let text = world.read("tokens.toml");
    let text = text.replace("create = { role = \"reader\" }", &adopt);
    world.write_config(&text);
    assert_eq!(world.tick().code, 4);
    world.write_config(&text.replace(&adopt, &format!("{adopt}\nreclaim = true")));
    assert_eq!(world.tick().code, 0);
    assert_eq!(world.named("t"), 2, "and the previous one, for its overlap");
    assert!(world.works("t.token"));
}

#[tokio::test]
async fn a_store_in_memory_is_for_watching_and_makes_no_token_at_every_start() {
    let world = World::start().await;
    world.configure(&entry("t", ""));
    let text = world.read("tokens.toml").replace("file:state", "memory");
    world.write_config(&text);
    for arguments in [
        &["tick"][..],
        &["rotate", "t", "--yes"],
        &["rollback", "t", "--yes"],
    ] {
        let done = world.run(arguments);
        assert_eq!(done.code, 2, "{done:?}");
        assert!(done.err.contains("memory"), "{done:?}");
    }
    assert!(world.ld.requests().is_empty());
    for _ in 0..3 {
        let child = world.spawn(&["--output", "json", "tick", "--watch", "1h"]);
        let done = crate::support::end_after_a_line(child);
        assert_eq!(done.code, 0, "{done:?}");
        assert_eq!(world.named("t"), 1, "{done:?}");
        assert!(world.works("t.token"));
    }
}

#[tokio::test]
async fn the_previous_token_stays_until_the_steps_after_the_delivery_succeeded() {
    let clock = VirtualClock::new();
    let world = World::timed(&clock, |ld| ld).await;
    world.configure(&entry("t", "after = [\"test -e ready\"]"));
    std::fs::write(world.path("ready"), "").unwrap();
    assert_eq!(world.ticked().await.code, 0);
    std::fs::remove_file(world.path("ready")).unwrap();
    clock.advance(DAY * 31);
    let old = world.read("t.token");
    let done = world.ticked().await;
    assert_eq!(done.code, 1, "{done:?}");
    let outcome = done.outcome("t");
    assert_eq!(outcome["outcome"], "rotated", "{outcome}");
    assert_eq!(outcome["error"]["kind"], "after", "{outcome}");
    let status = world.go(&["status", "--check"]).await;
    assert_eq!(status.code, 3, "{status:?}");
    for _ in 0..3 {
        // The overlap is over by far.
        clock.advance(DAY * 3);
        let done = world.ticked().await;
        assert_eq!(done.code, 1, "{done:?}");
        assert_eq!(done.outcome("t")["error"]["kind"], "after", "{done:?}");
        assert_eq!(
            world.named("t"),
            2,
            "no new one, and none retired: {done:?}"
        );
    }
    std::fs::write(world.path("ready"), "").unwrap();
    let done = world.ticked().await;
    assert_eq!(done.code, 0, "{done:?}");
    clock.advance(DAY * 2);
    assert_eq!(world.ticked().await.code, 0);
    assert_eq!(world.named("t"), 1);
    let old = access_tokens::Secret::new(old.trim());
    assert!(!world.ld.authenticates(&old) && world.works("t.token"));
}

#[tokio::test]
async fn steps_run_once_a_tick_after_all_deliveries_without_a_credential_and_end_as_a_group() {
    let world = World::start().await;
    let script = "#!/bin/sh\nenv >> ran\necho end >> ran\ntest -s a.token -a -s b.token\n";
    std::fs::write(world.path("step"), script).unwrap();
    set_mode(&world.path("step"), 0o755);
    // Words that only a shell would put together otherwise are other words.
    std::fs::create_dir(world.path("bin")).unwrap();
    let step = "after = [\"./step\"]";
    world.configure(&format!("{}{}", entry("a", step), entry("b", step)));
    let done = world.run_with(
        &["--output", "json", "tick"],
        &[
            ("VAULT_TOKEN", "canary-vault"),
            ("AWS_SECRET_ACCESS_KEY", "canary-aws"),
            ("PGPASSWORD", "canary-postgres"),
            ("HARMLESS", "kept"),
        ],
    );
    assert_eq!(done.code, 0, "{done:?}");
    let ran = world.read("ran");
    assert_eq!(ran.matches("end\n").count(), 1, "once for both");
    assert!(ran.contains("TOKENS_NAMES=a b\n"), "{ran}");
    assert!(
        ran.contains("HARMLESS=kept\n") && ran.contains("PATH="),
        "{ran}"
    );
    assert!(!ran.contains("canary"), "{ran}");
    for credential in [
        world.ld.credential(),
        world.query.credential(),
        world.avisi.credential(),
    ] {
        assert!(!ran.contains(credential.expose_secret()));
    }
    // A group that does not end is ended, children and all.
    let slow = "after = [{ run = [\"sh\", \"-c\", \"sleep 600 & echo $! > child; wait\"], timeout = \"1s\" }]";
    world.configure(&entry("c", slow));
    let done = world.tick();
    assert_eq!(done.code, 1, "{done:?}");
    assert_eq!(done.outcome("c")["error"]["kind"], "after", "{done:?}");
    let child = world.read("child");
    let gone = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.trim()));
        status.is_err() || status.unwrap().contains("State:\tZ")
    };
    for _ in 0..100 {
        if gone() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("a child of the step is still there");
}

#[tokio::test]
async fn a_service_that_grants_shorter_lives_causes_no_loop() {
    let clock = VirtualClock::new();
    let world = World::timed(&clock, |ld| ld.max_lifetime(DAY * 9)).await;
    let entry = entry("t", "lifetime = \"120d\"\nrenew_before = \"100d\"");
    world.configure(&entry.replace("30d", "110d"));
    let warnings = |done: &Done| done.outcome("t")["warnings"].as_array().unwrap().len();
    let first = world.ticked().await;
    assert_eq!((first.code, warnings(&first)), (0, 1), "{first:?}");
    for _ in 0..5 {
        let done = world.ticked().await;
        assert_eq!(done.outcome("t")["outcome"], "not_due", "{done:?}");
        assert_eq!((done.code, warnings(&done)), (0, 0), "{done:?}");
    }
    assert_eq!(world.named("t"), 1);
    // Half of nine days.
    clock.advance(DAY * 4);
    assert_eq!(world.ticked().await.outcome("t")["outcome"], "not_due");
    clock.advance(DAY);
    let due = world.ticked().await;
    assert_eq!(due.outcome("t")["outcome"], "rotated", "{due:?}");
    assert_eq!(due.outcome("t")["reason"], "policy", "{due:?}");
    assert_eq!(
        warnings(&due),
        1,
        "one for each that is granted less: {due:?}"
    );
}

#[tokio::test]
async fn a_token_that_is_deleted_at_the_service_is_made_again_only_if_the_entry_makes_tokens() {
    let clock = VirtualClock::new();
    let world = World::timed(&clock, |ld| ld).await;
    let adopted = world.ld.seed(launchdarkly::Seed::new("adopted"));
    let adopt = entry("b", "").replace(
        "create = { role = \"reader\" }",
        &format!("adopt = \"key:{}\"", adopted.id),
    );
    world.configure(&format!("{}{adopt}", entry("a", "")));
    let first = world.ticked().await;
    assert_eq!(first.code, 0, "{first:?}");
    let made = first.outcome("a")["current"].as_str().unwrap().to_owned();
    // It was delivered at once, since nothing was there.
    let taken = first.outcome("b")["current"].as_str().unwrap().to_owned();
    assert!(world.ld.remove(&made) && world.ld.remove(&taken));
    // One that was made a moment ago may only be too new to be seen.
    clock.advance(Duration::from_secs(3_600));
    let done = world.ticked().await;
    assert_eq!(done.code, 4, "{done:?}");
    assert_eq!(done.outcome("b")["error"]["kind"], "gone", "{done:?}");
    let hint = done.outcome("b")["error"]["hint"].to_string();
    assert!(hint.contains("tokens rotate b"), "{hint}");
    assert_eq!(done.outcome("a")["outcome"], "rotated", "{done:?}");
    assert_eq!(done.outcome("a")["reason"], "gone", "{done:?}");
    assert!(world.works("a.token"));
}

#[tokio::test]
async fn a_restored_older_store_finds_the_successor_by_its_mark() {
    let clock = VirtualClock::new();
    let world = World::timed(&clock, |ld| ld).await;
    world.configure(&entry("t", ""));
    assert_eq!(world.ticked().await.code, 0);
    copy(&world.path("state"), &world.path("backup"));
    clock.advance(DAY * 31);
    let rotated = world.ticked().await.outcome("t");
    assert_eq!(rotated["outcome"], "rotated");
    std::fs::remove_dir_all(world.path("state")).unwrap();
    std::fs::rename(world.path("backup"), world.path("state")).unwrap();
    for _ in 0..3 {
        let done = world.ticked().await;
        assert_eq!(done.code, 0, "{done:?}");
        assert_eq!(done.outcome("t")["current"], rotated["current"], "{done:?}");
        assert!(world.works("t.token"));
    }
    clock.advance(DAY * 2);
    assert_eq!(world.ticked().await.code, 0);
    assert_eq!(world.named("t"), 1);
}

#[tokio::test]
async fn an_entry_that_is_taken_out_while_a_previous_token_lives_is_named() {
    let clock = VirtualClock::new();
    let world = World::timed(&clock, |ld| ld).await;
    world.configure(&entry("t", ""));
    world.ticked().await;
    clock.advance(DAY * 31);
    let rotated = world.ticked().await.outcome("t");
    let previous = rotated["previous"][0]["key"].as_str().unwrap().to_owned();
    world.configure("");
    let done = world.go(&["tick"]).await;
    assert_eq!(done.code, 0);
    assert!(
        done.err.contains("tokens forget t") && done.err.contains(&previous),
        "{done:?}"
    );
    let status = world.go(&["--output", "json", "status"]).await.json();
    assert_eq!(status["tokens"][0]["name"], "t", "{status}");
    assert_eq!(status["tokens"][0]["declared"], false, "{status}");
    let one = world.go(&["--output", "json", "status", "t"]).await.json();
    assert_eq!(one["tokens"][0]["previous"][0]["key"], previous.as_str());
}

#[tokio::test]
async fn an_overlap_is_shorter_than_the_age_and_none_has_to_be_written_out() {
    let world = World::start().await;
    for overlap in ["30d", "31d"] {
        world.configure(&entry("t", "").replace("\"1d\"", &format!("\"{overlap}\"")));
        let done = world.run(&["tick"]);
        assert_eq!(done.code, 2, "{done:?}");
        assert!(done.err.contains("overlap"), "{done:?}");
    }
    // Not written, it is a day.
    world.configure(&entry("t", "").replace("overlap = \"1d\"\n", ""));
    world.tick();
    let rotated = world.run(&["--output", "json", "rotate", "t", "--yes"]);
    let previous = rotated.json()["previous"].as_array().unwrap().len();
    assert_eq!(previous, 1, "{rotated:?}");
    world.configure(&entry("u", "").replace("\"1d\"", "\"0\""));
    world.tick();
    let rotated = world.run(&["--output", "json", "rotate", "u", "--yes"]);
    assert_eq!(rotated.code, 0, "{rotated:?}");
    assert_eq!(rotated.json()["previous"].as_array().unwrap().len(), 0);
    assert_eq!(world.named("u"), 1);
}

#[tokio::test]
async fn a_previous_token_that_is_still_used_is_a_warning_with_the_time() {
    let clock = VirtualClock::new();
    let world = World::timed(&clock, |ld| ld).await;
    world.configure(&entry("t", "").replace("reader", "admin"));
    world.ticked().await;
    let old = world.read("t.token");
    let rotated = world.go(&["rotate", "t", "--yes"]).await;
    assert_eq!(rotated.code, 0, "{rotated:?}");
    clock.advance(Duration::from_secs(3_600));
    let old = access_tokens::Secret::new(old.trim());
    assert_eq!(world.ld.use_secret(&old).await.unwrap(), 200);
    let done = world.ticked().await;
    let warnings = done.outcome("t")["warnings"].to_string();
    let used = world
        .ld
        .tokens()
        .into_iter()
        .filter_map(|token| token.last_used);
    let used = access_tokens::When::At(used.max().unwrap_or(SystemTime::UNIX_EPOCH));
    let day = used.to_string();
    assert!(
        warnings.contains("was used at") && warnings.contains(&day[..16]),
        "{done:?}"
    );
}

#[tokio::test]
async fn files_keep_what_they_are_and_new_ones_are_private() {
    let world = World::start().await;
    let deliver = "deliver = [\"file:new.token\", \"file:kept.token\", \
                   { to = \"file:mounted.token\", write = \"in-place\" }, \
                   { to = \"file:wide.token\", mode = \"0640\" }]";
    for file in ["kept.token", "mounted.token"] {
        std::fs::write(world.path(file), "").unwrap();
        set_mode(&world.path(file), 0o644);
    }
    let inode = std::fs::metadata(world.path("mounted.token"))
        .unwrap()
        .ino();
    world.configure(&entry("t", "").replace("deliver = [\"file:t.token\"]", deliver));
    for command in [&["tick"][..], &["rotate", "t", "--yes"]] {
        let done = world.run(command);
        assert_eq!(done.code, 0, "{done:?}");
        for (file, expected) in [
            ("new.token", 0o600),
            ("kept.token", 0o644),
            ("mounted.token", 0o644),
            ("wide.token", 0o640),
        ] {
            assert_eq!(mode(&world.path(file)), expected, "{file}");
            assert!(world.works(file), "{file}");
        }
        let now = std::fs::metadata(world.path("mounted.token"))
            .unwrap()
            .ino();
        assert_eq!(now, inode, "another file is not what is mounted");
    }
}

#[tokio::test]
async fn the_accounts_own_credential_is_managed_only_where_it_is_read_and_last() {
    let clock = VirtualClock::new();
    let world = World::timed(&clock, |ld| ld).await;
    let own = world.ld.credential_id().to_owned();
    std::fs::write(
        world.path("own.token"),
        world.ld.credential().expose_secret(),
    )
    .unwrap();
    let adopt = format!(
        "[tokens.a-own]\naccount = \"prod\"\nadopt = \"key:{own}\"\nmax_age = \"30d\"\n\
         overlap = \"1d\"\ndeliver = [\"file:own.token\"]\n"
    );
    let others: String = ["x", "y", "z"].iter().map(|name| entry(name, "")).collect();
    let both = format!("{adopt}{others}");
    world.configure(&both);
    clock.advance(DAY * 31);
    // The account reads a variable: nothing would know the new one.
    let refused = world.ticked().await;
    let outcome = refused.outcome("a-own");
    assert_eq!(outcome["error"]["kind"], "own_credential", "{refused:?}");
    assert_eq!(refused.code, 4, "{refused:?}");

    let text = world.read("tokens.toml");
    let text = text.replace("env:LD_ACCESS_TOKEN", "file:./own.token");
    world.write_config(&text);
    clock.advance(DAY * 31);
    let done = world.ticked().await;
    assert_eq!(done.code, 0, "{done:?}");
    let order: Vec<_> = done.lines().iter().map(|l| l["token"].clone()).collect();
    assert_eq!(order.last().unwrap(), "a-own", "{order:?}");
    assert_eq!(done.outcome("a-own")["outcome"], "rotated", "{done:?}");
    clock.advance(DAY * 2);
    let after = world.ticked().await;
    assert_eq!(
        after.code, 0,
        "the new one is what the account uses: {after:?}"
    );
    assert!(world.ld.token(&own).is_none(), "{after:?}");
}

#[tokio::test]
async fn spread_moves_a_token_by_its_name_and_no_tick_sleeps() {
    let clock = VirtualClock::new();
    let world = World::timed(&clock, |ld| ld).await;
    let names = ["a", "b", "c", "d"];
    let all: String = names.iter().map(|n| entry(n, "spread = \"10d\"")).collect();
    world.configure(&all);
    assert_eq!(world.ticked().await.code, 0);
    let due = async || -> Vec<String> {
        let status = world.go(&["--output", "json", "status"]).await.json();
        let tokens = status["tokens"].as_array().unwrap().clone();
        tokens
            .iter()
            .map(|t| t["next_due"].as_str().unwrap().to_owned())
            .collect()
    };
    let first = due().await;
    assert_eq!(first, due().await, "by the name alone");
    let mut apart = first.clone();
    apart.sort();
    apart.dedup();
    assert_eq!(apart.len(), names.len(), "{first:?}");
    let ticked = world.ticked().await;
    for (name, due) in names.iter().zip(&first) {
        assert_eq!(ticked.outcome(name)["next"], due.as_str(), "{ticked:?}");
    }
    clock.advance(DAY * 19 + Duration::from_secs(86_340));
    assert!(
        world
            .ticked()
            .await
            .lines()
            .iter()
            .all(|l| l["outcome"] == "not_due")
    );
    let mut rotated = 0;
    for _ in 0..11 {
        clock.advance(DAY);
        let lines = world.ticked().await.lines();
        rotated += lines.iter().filter(|l| l["outcome"] == "rotated").count();
    }
    assert_eq!(rotated, names.len());
    for (file, jitter) in [
        ("docs/deploy/tokens.timer", "RandomizedDelaySec="),
        ("docs/deploy/cronjob.yaml", "schedule:"),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains(jitter), "{file}");
    }
}

#[tokio::test]
async fn every_rule_of_the_audit_finds_what_it_is_for() {
    let clock = VirtualClock::new();
    let world = World::timed(&clock, |ld| ld.lists_expired(true)).await;
    world.configure(&entry("managed", ""));
    world.ticked().await;
    let seed = |seed| world.ld.seed(seed);
    seed(launchdarkly::Seed::new("root").role("admin"));
    seed(launchdarkly::Seed::new("endless"));
    seed(
        launchdarkly::Seed::new("idle")
            .age(DAY * 200)
            .last_used(DAY * 100),
    );
    seed(launchdarkly::Seed::new("over").expiry(clock.now() + DAY));
    seed(
        launchdarkly::Seed::new("robot")
            .service()
            .expiry(clock.now() + DAY * 300),
    );
    clock.advance(DAY * 40);
    let done = world.go(&["--output", "json", "audit"]).await;
    assert_eq!(done.code, 3, "{done:?}");
    let json = done.json();
    let has = |name: &str, rule: &str| {
        let findings = json["findings"].as_array().unwrap();
        let found = findings
            .iter()
            .find(|f| f["name"] == name && f["rule"] == rule);
        let found = found.unwrap_or_else(|| panic!("{rule} of {name}: {json}"));
        assert!(found["severity"].is_string() && found["owasp"].is_array());
    };
    has("root", "AT001");
    has("endless", "AT002");
    has("idle", "AT003");
    has("managed", "AT004");
    has("over", "AT005");
    has("endless", "AT006");
    has("robot", "AT007");
    let current = world.go(&["--output", "json", "status"]).await.json();
    let current = current["tokens"][0]["current"].as_str().unwrap().to_owned();
    world.ld.remove(&current);
    let json = world
        .go(&["--output", "json", "audit", "--fail-on", "high"])
        .await;
    assert_eq!(json.code, 3);
    assert!(json.out.contains("AT008"), "{json:?}");
    // What is not asked for does not fail.
    let world = World::start().await;
    world.configure("");
    world
        .query
        .seed(access_tokens_testing::query_server::Seed::new("edge"));
    let low = world.go(&["audit", "--fail-on", "high"]).await;
    assert!([0, 3].contains(&low.code), "{low:?}");
}

#[tokio::test]
async fn a_suspended_entry_is_left_alone() {
    let clock = VirtualClock::new();
    let world = World::timed(&clock, |ld| ld).await;
    world.configure(&entry("t", ""));
    world.ticked().await;
    clock.advance(DAY * 60);
    world.configure(&entry("t", "suspend = true"));
    let done = world.ticked().await;
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(done.outcome("t")["outcome"], "suspended", "{done:?}");
    assert_eq!(world.named("t"), 1);
    let check = world.go(&["status", "--check"]).await;
    assert_eq!(check.code, 0, "{check:?}");
    world.configure(&entry("t", ""));
    assert_eq!(world.go(&["status", "--check"]).await.code, 3);
    assert_eq!(world.ticked().await.outcome("t")["outcome"], "rotated");
}

#[tokio::test]
async fn an_idle_tick_asks_each_account_once_and_leaves_everything_as_it_is() {
    let world = World::start().await;
    let mut all = String::new();
    for (account, create) in [
        ("prod", "{ role = \"reader\" }"),
        ("edge", "{}"),
        ("cloud", "{}"),
    ] {
        for n in 0..3 {
            let entry = entry(&format!("{account}{n}"), "")
                .replace("\"prod\"", &format!("\"{account}\""))
                .replace("{ role = \"reader\" }", create);
            all.push_str(&entry);
        }
    }
    world.configure_with("events = \"file:events.jsonl\"", &all);
    let first = world.tick();
    assert_eq!(first.code, 0, "{first:?}");
    let counts = || {
        [
            world.ld.requests().len(),
            world.query.requests().len(),
            world.avisi.requests().len(),
        ]
    };
    let contents = || {
        let mut all = Vec::new();
        for entry in std::fs::read_dir(world.path("state")).unwrap().flatten() {
            if entry.file_type().unwrap().is_file() {
                all.push((entry.file_name(), std::fs::read(entry.path()).unwrap()));
            }
        }
        all.sort();
        all
    };
    let (asked, before, events) = (counts(), contents(), world.read("events.jsonl"));
    let idle = world.run(&["-q", "tick"]);
    assert_eq!(
        (idle.code, idle.out.as_str(), idle.err.as_str()),
        (0, "", "")
    );
    for (now, before) in counts().iter().zip(asked) {
        assert!(now - before <= 1, "{:?} after {asked:?}", counts());
    }
    assert_eq!(contents(), before);
    assert_eq!(world.read("events.jsonl"), events);
}
