//! What a person sees: widths, colours, and what is asked before it is done.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use access_tokens_testing::{Fault, Twin as _, launchdarkly};

use crate::support::{Done, World};

/// The columns of a line as a terminal counts them.
fn wide(text: &str) -> usize {
    let mut columns = 0;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            for end in characters.by_ref() {
                if end.is_ascii_alphabetic() {
                    break;
                }
            }
        } else {
            columns += 1;
        }
    }
    columns
}

fn fits(done: &Done, columns: usize, what: &str) {
    for line in done.out.lines().chain(done.err.lines()) {
        assert!(
            wide(line) <= columns,
            "{what}: {} columns: {line}",
            wide(line)
        );
    }
}

async fn busy_world() -> World {
    let world = World::start().await;
    let mut all = "[defaults]\nmax_age = \"30d\"\noverlap = \"1d\"\n".to_owned();
    for (name, account, create, deliver) in [
        (
            "nightly-export-to-the-warehouse",
            "prod",
            "{ role = \"reader\" }",
            "file:one.token",
        ),
        ("edge", "edge", "{ read_only = true }", "dotenv:.env#EDGE"),
        (
            "ci",
            "cloud",
            "{ name = \"a name that somebody made far too long for any table\" }",
            "file:ci.token",
        ),
        (
            "nowhere",
            "prod",
            "{ role = \"reader\" }",
            "file:a/folder/that/is/not/there/and/has/a/long/path/nowhere.token",
        ),
    ] {
        let entry = format!(
            "[tokens.{name}]\naccount = \"{account}\"\ncreate = {create}\ndeliver = [\"{deliver}\"]\nafter = [\"test ! -e broken\"]\n"
        );
        all.push_str(&entry);
    }
    world.configure(&all);
    world.ld.seed(
        launchdarkly::Seed::new("a long name for a token that may do everything").role("admin"),
    );
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn eighty_columns_are_enough_with_and_without_colour() {
    let world = busy_world().await;
    let key = world.ld.tokens()[0].id.clone();
    for round in 0..2 {
        if round == 1 {
            std::fs::write(world.path("broken"), "").unwrap();
        }
        for color in ["never", "always"] {
            for command in [
                &["plan"][..],
                &["tick"],
                &["status"],
                &["status", "--check"],
                &["list"],
                &["audit"],
                &["whoami"],
                &["show", &key, "--account", "prod"],
                &["rotate", "edge", "--yes"],
                &["rotate", "edge"],
                &["rollback", "edge", "--yes"],
                &["forget", "nobody"],
                &["tick", "nobody"],
                &["list", "--account", "nobody"],
                &["--help"],
                &["create", "--help"],
            ] {
                let mut words = vec!["--color", color];
                words.extend(command);
                let done = world.run_with(&words, &[("COLUMNS", "80")]);
                fits(&done, 80, &format!("{words:?}"));
                let coloured = done.out.contains('\u{1b}') || done.err.contains('\u{1b}');
                assert!(!coloured || color == "always", "{words:?}: {done:?}");
            }
        }
    }
    let done = world.run_with(&["--color", "always", "status"], &[("COLUMNS", "80")]);
    assert!(done.out.contains('\u{1b}'), "{done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_works_fits_and_cleans_up() {
    let world = World::start().await;
    let scratch = world.path("scratch");
    std::fs::create_dir(&scratch).unwrap();
    let scratch_text = scratch.to_string_lossy().into_owned();
    for (columns, most) in [(None, 100), (Some("80"), 80)] {
        let mut variables = vec![("TMPDIR", scratch_text.as_str())];
        variables.extend(columns.map(|columns| ("COLUMNS", columns)));
        let done = world.run_with(&["demo"], &variables);
        assert_eq!(done.code, 0, "{done:?}");
        fits(&done, most, "demo");
        for command in [
            "tick", "plan", "status", "rotate", "rollback", "forget", "list", "show", "whoami",
            "create", "revoke", "audit",
        ] {
            assert!(
                done.out.contains(&format!("$ tokens {command}")),
                "{command}"
            );
        }
        assert!(!done.out.contains("error"), "{}", done.out);
        assert_eq!(std::fs::read_dir(&scratch).unwrap().count(), 0);
    }
}

#[tokio::test]
async fn without_a_terminal_nothing_is_destroyed_unless_it_is_said() {
    let world = World::start().await;
    world.configure("[tokens.t]\naccount = \"prod\"\ncreate = { role = \"reader\" }\nmax_age = \"30d\"\ndeliver = [\"file:t.token\"]\n");
    world.tick();
    world.run(&["rotate", "t", "--yes"]);
    let key = world.ld.seed(launchdarkly::Seed::new("spare")).id;
    let before = world
        .ld
        .requests()
        .iter()
        .filter(|r| r.method != "GET")
        .count();
    for words in [
        &["rotate", "t"][..],
        &["rotate", "t", "--reason", "suspected"],
        &["rollback", "t"],
        &["forget", "t"],
        &["revoke", &key, "--account", "prod"],
    ] {
        let done = world.run(words);
        assert_eq!(done.code, 2, "{done:?}");
        assert!(
            done.out.is_empty() && done.err.contains("--yes"),
            "{done:?}"
        );
    }
    let after = world
        .ld
        .requests()
        .iter()
        .filter(|r| r.method != "GET")
        .count();
    assert_eq!(after, before);
    assert_eq!(world.run(&["status", "--check", "t"]).code, 0);
}

#[tokio::test]
async fn metrics_are_for_prometheus_and_hold_what_the_page_says() {
    let world = World::start().await;
    world.configure_with(
        "metrics = \"textfile:tokens.prom\"",
        "[tokens.\"a \\\"b\\\\c\"]\naccount = \"prod\"\ncreate = { role = \"reader\" }\nmax_age = \"30d\"\ndeliver = [\"file:t.token\"]\n",
    );
    assert_eq!(world.tick().code, 0);
    let text = world.read("tokens.prom");
    let page =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md")).unwrap();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        assert!(page.contains(name), "{name} is not told of");
        assert!(text.contains(&format!("# TYPE {name} gauge\n")));
        let value = line.rsplit(' ').next().unwrap();
        assert!(value.parse::<u64>().is_ok(), "{line}");
    }
    assert!(
        text.contains("tokens_token_failing{token=\"a \\\"b\\\\c\",account=\"prod\"} 0"),
        "{text}"
    );
    assert!(text.ends_with('\n'));
    let left = std::fs::read_dir(world.folder.path()).unwrap().flatten();
    let drafts = left.filter(|entry| {
        entry
            .file_name()
            .to_string_lossy()
            .starts_with("tokens.prom")
    });
    assert_eq!(drafts.count(), 1);
}

/// The program in a terminal of 80 columns, and what is typed there.
fn in_a_terminal(world: &World, line: &str, typed: &str) -> Option<(i32, String)> {
    let mut command = world.command(&[]);
    let inner = format!("stty cols 80; '{}' {line}", env!("CARGO_BIN_EXE_tokens"));
    let mut script = Command::new("script");
    script
        .args(["-qefc", &inner, "/dev/null"])
        .current_dir(world.folder.path())
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    for (name, value) in command.stdin(Stdio::null()).get_envs() {
        script.env(name, value.unwrap_or_default());
    }
    let Ok(mut child) = script.spawn() else {
        eprintln!("skipped: no script on the path");
        return None;
    };
    let mut input = child.stdin.take().unwrap();
    input.write_all(typed.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    drop(input);
    let text = String::from_utf8(output.stdout).unwrap();
    Some((output.status.code().unwrap(), text))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_sees_progress_colour_and_questions_and_no_secret() {
    let world = busy_world().await;
    let slow = Fault::SlowAct(Duration::from_millis(700));
    world.ld.set_fault(None, 1, u64::MAX, slow).unwrap();
    let Some((code, text)) = in_a_terminal(&world, "tick", "") else {
        return;
    };
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("ticking") && text.contains("/4"), "{text:?}");
    assert!(text.contains("\u{1b}[3"), "colour: {text:?}");
    let plain = text.replace('\r', "\n");
    assert!(plain.lines().all(|line| wide(line) <= 80), "{plain}");
    let (_, quiet) = in_a_terminal(&world, "-q tick", "").unwrap();
    assert!(!quiet.contains("ticking"), "{quiet:?}");
    let (_, list) = in_a_terminal(&world, "list", "").unwrap();
    assert!(list.contains("reading accounts"), "{list:?}");
    world.ld.clear_faults();
    let (_, plain) = in_a_terminal(&world, "--color never status", "").unwrap();
    assert!(!plain.contains('\u{1b}'), "{plain:?}");

    // A question, and an answer that is none.
    let before = world.query.tokens().len();
    let (code, asked) = in_a_terminal(&world, "rotate edge", "n\n").unwrap();
    assert_eq!(code, 2, "{asked}");
    assert!(
        asked.contains("[y/N]") && asked.contains("nothing was done"),
        "{asked}"
    );
    assert_eq!(world.query.tokens().len(), before);
    let (code, asked) = in_a_terminal(&world, "rotate edge", "y\n").unwrap();
    assert_eq!(code, 0, "{asked}");
    assert_eq!(world.query.tokens().len(), before + 1);

    // A secret is not for a screen, unless somebody says so.
    let create = "create --account cloud --name shown --to stdout";
    let tokens = world.avisi.tokens().len();
    let (code, refused) = in_a_terminal(&world, create, "").unwrap();
    assert_eq!(code, 2, "{refused}");
    assert_eq!(world.avisi.tokens().len(), tokens);
    let (code, shown) = in_a_terminal(&world, &format!("{create} --yes"), "").unwrap();
    assert_eq!(code, 0);
    let made = world.avisi.tokens();
    let secret = made.iter().find(|t| t.name == "shown").unwrap();
    assert!(shown.contains(secret.secret.expose_secret()));
}
