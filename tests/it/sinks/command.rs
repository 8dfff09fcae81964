//! The standard input of a command.
#![cfg(unix)]

use std::path::Path;
use std::time::{Duration, Instant};

use access_tokens::rotation::sink::{CommandSink, Sink, SinkErrorKind, SinkKind, from_fn};
use access_tokens_testing::sinks;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Owner, SECRET, deliver, text};
use crate::support::Scratch;

fn each(text: &str, write: fn(u8) -> String) -> String {
    text.bytes().map(write).collect::<Vec<_>>().concat()
}

fn hex(text: &str) -> String {
    each(text, |byte| format!("{byte:02x}"))
}

fn shell(script: &str) -> CommandSink {
    CommandSink::new("sh").args(["-c", script])
}

#[tokio::test]
async fn commands_and_closures_keep_the_rules() {
    let report = sinks::check(|| shell("cat >/dev/null")).await.unwrap();
    assert_eq!(report.kind(), SinkKind::Blind);
    let closure = || from_fn("closure", |_, _| async { Ok::<(), &str>(()) });
    let report = sinks::check(closure).await.unwrap();
    assert_eq!(report.kind(), SinkKind::Blind);
}

#[tokio::test]
async fn a_command_gets_the_secret_on_its_input_and_nowhere_else() {
    let scratch = Scratch::new();
    let script = r#"cat > "$0/got"; tr '\0' '\n' < /proc/self/environ > "$0/env"; tr '\0' ' ' < /proc/$$/cmdline > "$0/args""#;
    let sink = shell(script).args([scratch.path("")]);
    deliver(&sink, SECRET).await.unwrap();
    assert_eq!(text(&scratch.path("got")), SECRET);
    for place in ["env", "args"] {
        assert!(!text(&scratch.path(place)).contains(SECRET));
    }
    deliver(&sink.newline(), SECRET).await.unwrap();
    assert_eq!(text(&scratch.path("got")), format!("{SECRET}\n"));
}

#[tokio::test]
async fn what_a_command_has_read_and_how_it_ended_tell_what_is_known() {
    use SinkErrorKind::{NotStored, Unknown};

    let late = "exec 3<&0; (sleep 0.2; cat <&3 >/dev/null) & ";
    // Smaller than a pipe, and larger.
    for length in [20, 300_000] {
        let secret = "s".repeat(length);
        for (script, kind, why) in [
            // What nobody has read is nowhere, whatever the command says.
            ("exit 0", NotStored, "not read any"),
            ("exec 0<&-; exit 0", NotStored, "not read any"),
            ("exit 1", NotStored, "not read any"),
            ("exec no-such-program", NotStored, "not read any"),
            ("kill -9 $$", NotStored, "not read any"),
            ("sleep 60", NotStored, "not read any"),
            // Not even by what it leaves behind.
            (&format!("{late} exit 0"), NotStored, "not read any"),
            (&format!("{late} exit 1"), NotStored, "not read any"),
            // A part may be stored.
            ("head -c 10 >/dev/null", Unknown, "not read all"),
            ("head -c 10 >/dev/null; exit 1", Unknown, "not read all"),
            ("head -c 10 >/dev/null; exit 77", NotStored, "not read all"),
            // It may have failed after it had stored the secret.
            ("cat >/dev/null; exit 1", Unknown, "status: 1"),
            ("cat >/dev/null; exit 255", Unknown, "status: 255"),
            ("cat >/dev/null; kill -9 $$", Unknown, "signal: 9"),
            ("cat >/dev/null; kill -15 $$", Unknown, "signal: 15"),
            ("cat >/dev/null; sleep 60", Unknown, "did not end"),
            // Unless it says that it has not.
            ("cat >/dev/null; exit 77", NotStored, "status: 77"),
            ("cat >/dev/null; exit 78", NotStored, "status: 78"),
        ] {
            let sink = shell(script).not_stored_on([0, 77]).not_stored_on([78]);
            let sink = sink.timeout(Duration::from_millis(500));
            let error = deliver(&sink, &secret).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{script}: {error}");
            assert!(error.to_string().contains(why), "{script}: {error}");
        }
        let stores = shell("cat >/dev/null").not_stored_on([0]);
        deliver(&stores, &secret).await.unwrap();
    }
}

#[tokio::test]
async fn nothing_that_a_command_prints_shows_the_secret() {
    let secret = "api-7f3c1b52-canary+/x=\"y\"";
    let scratch = Scratch::new();
    let forms = [
        secret.to_owned(),
        secret.to_uppercase(),
        STANDARD.encode(secret),
        STANDARD.encode(format!("user:{secret}")),
        serde_json::to_string(secret).unwrap(),
        url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        hex(secret),
        hex(&secret.chars().flat_map(|c| [c, '\0']).collect::<String>()),
        secret.chars().rev().collect(),
        secret.chars().flat_map(|c| [c, '\u{200b}']).collect(),
        each(secret, |byte| format!("\u{1b}[1m{}", char::from(byte))),
        each(secret, |byte| format!("\\{byte:o}")),
        each(secret, |byte| format!("{byte:08b} ")),
        format!("{}\n{}", &secret[..14], &secret[14..]),
    ];
    for form in &forms {
        std::fs::write(scratch.path("form"), form).unwrap();
        for script in [
            r#"cat >/dev/null; cat "$0"; exit 3"#,
            r#"cat >/dev/null; cat "$0" >&2; exit 3"#,
            r#"cat >/dev/null; head -c 12 "$0"; tail -c +13 "$0" >&2; exit 3"#,
            r#"cat >/dev/null; head -c 16370 /dev/zero | tr '\0' -; cat "$0"; exit 3"#,
        ] {
            let sink = shell(script).args([scratch.path("form")]);
            // Off, unless asked for.
            let error = deliver(&sink, secret).await.unwrap_err();
            assert!(error.to_string().contains("show_output()"), "{error}");
            let error = deliver(&sink.show_output(), secret).await.unwrap_err();
            let shown = format!("{error} {error:?}").to_lowercase();
            for part in [form.to_lowercase().as_str(), "canary", "7f3c1b52"] {
                assert!(!shown.contains(part), "{script}: {shown}");
            }
        }
    }
}

#[tokio::test]
async fn a_commands_output_is_shown_on_one_line_when_asked_for() {
    let sink = shell("echo \"got $(cat)\" >&2; printf 'a\\nb\\342\\200\\256c\\033[31m'; exit 3")
        .show_output();
    let error = deliver(&sink, SECRET).await.unwrap_err();
    assert!(error.to_string().contains("got [redacted]"), "{error}");
    let odd = |c: char| c.is_control() || c == '\u{202e}';
    assert!(!error.to_string().contains(odd), "{error}");
    assert!(!format!("{error:?} {sink:?}").contains(SECRET));
    // Endless output is read and dropped.
    let sink = shell("cat >/dev/null; head -c 3000000 /dev/zero; exit 1").show_output();
    let error = deliver(&sink, SECRET).await.unwrap_err();
    assert!(error.to_string().len() < 1_000);
}

/// Whether a process that writes into a file is still at it.
async fn still_writes(path: &Path) -> bool {
    let before = std::fs::metadata(path).map_or(0, |data| data.len());
    tokio::time::sleep(Duration::from_millis(300)).await;
    std::fs::metadata(path).map_or(0, |data| data.len()) > before
}

#[tokio::test]
async fn everything_that_a_command_has_started_ends_with_it() {
    let scratch = Scratch::new();
    let path = scratch.path("alive");
    let grandchild = r#"(while :; do echo x >> "$0"; sleep 0.05; done) & "#;
    let start = Instant::now();
    for (end, kind) in [
        ("sleep 60", SinkErrorKind::NotStored),
        ("cat >/dev/null; sleep 60", SinkErrorKind::Unknown),
        ("cat >/dev/null; exit 1", SinkErrorKind::Unknown),
        ("kill -9 $$", SinkErrorKind::NotStored),
        ("exit 0", SinkErrorKind::NotStored),
    ] {
        let sink = shell(&format!("{grandchild}{end}")).args([&path]);
        let sink = sink.timeout(Duration::from_millis(400)).show_output();
        let error = deliver(&sink, SECRET).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(!still_writes(&path).await, "{end}");
    }
    // Also when nobody waits for it any more.
    let sink = shell(&format!("{grandchild}sleep 60")).args([&path]);
    let given_up = tokio::time::timeout(Duration::from_millis(300), deliver(&sink, SECRET)).await;
    assert!(given_up.is_err() && path.exists());
    assert!(!still_writes(&path).await);
    assert!(start.elapsed() < Duration::from_secs(20));
    // One that succeeds may leave something behind, which does not hold us up.
    let sink = shell("cat >/dev/null; sleep 3 &").show_output();
    let start = Instant::now();
    deliver(&sink, SECRET).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_is_real_time_also_where_tokios_stands_still() {
    deliver(&shell("cat >/dev/null; sleep 0.3"), SECRET)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_program_that_cannot_be_run_is_refused_by_check() {
    let scratch = Scratch::new();
    std::fs::write(scratch.path("no-program"), "text").unwrap();
    for program in [
        "/no/such/program",
        "no-such-program",
        "",
        "/",
        scratch.path("no-program").to_str().unwrap(),
    ] {
        let sink = CommandSink::new(program);
        let error = sink.check().await.unwrap_err();
        assert!(error.to_string().contains("no program"), "{error}");
        let error = deliver(&sink, SECRET).await.unwrap_err();
        assert_eq!(error.kind(), SinkErrorKind::NotStored);
    }
    // A script is run by what its first line names.
    for (first, runs) in [
        ("#!/no/such/interpreter", false),
        ("#! /no/such/interpreter -x", false),
        ("#!/bin/sh\r", false),
        ("#!/bin/sh", true),
        ("#! /bin/sh -e", true),
        // A shell would run these, and nothing else does.
        ("# no mark", false),
        ("", false),
    ] {
        let script = scratch.path("script");
        std::fs::write(&script, format!("{first}\ncat >/dev/null\n")).unwrap();
        super::set_mode(&script, 0o755);
        let sink = CommandSink::new(&script);
        let (checked, done) = (sink.check().await, deliver(&sink, SECRET).await);
        assert_eq!((checked.is_ok(), done.is_ok()), (runs, runs), "{first:?}");
    }
    let nowhere = CommandSink::new("cat").current_dir(scratch.path("missing"));
    assert!(nowhere.check().await.is_err() && deliver(&nowhere, SECRET).await.is_err());
    CommandSink::new("cat")
        .current_dir(scratch.path(""))
        .check()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_command_is_told_by_its_name_or_all_of_its_arguments() {
    let vault = |path: &str| CommandSink::new("vault").args(["kv", "put", path]);
    assert_eq!(vault("a").id(), vault("a").id());
    assert_ne!(vault("a").id(), vault("b").id());
    assert_eq!(vault("a").named("x").id(), vault("b").named("x").id());
    assert!(!vault("secret-in-an-argument").id().contains("secret"));
    assert!(!format!("{:?}", vault("secret-in-an-argument")).contains("secret"));
    assert_eq!(CommandSink::new("true").id(), "command true");
}

#[tokio::test]
async fn a_closure_is_told_of_the_token_and_its_words_are_unknown_unless_it_says_more() {
    use access_tokens::rotation::sink::SinkError;

    for (error, kind) in [
        (SinkError::from("timed out"), SinkErrorKind::Unknown),
        (SinkError::not_stored("no"), SinkErrorKind::NotStored),
    ] {
        let sink = from_fn("closure", move |secret, token| {
            assert_eq!(
                (secret.expose_secret(), token.key.as_str()),
                (SECRET, "key")
            );
            let error = error.clone();
            async move { Err(error) }
        });
        let error = Owner::new().deliver(&sink, 1, SECRET).await.unwrap_err();
        assert_eq!(error.kind(), kind);
    }
}
