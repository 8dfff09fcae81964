//! The standard input of a command.
#![cfg(unix)]

use std::time::{Duration, Instant};

use access_tokens::rotation::sink::{CommandSink, SinkErrorKind};

use super::{Owner, SECRET, deliver};
use crate::support::Scratch;

#[tokio::test]
async fn a_command_gets_the_secret_on_its_input_and_nowhere_else() {
    let scratch = Scratch::new();
    let script = r#"cat > "$0/got"; tr '\0' '\n' < /proc/self/environ > "$0/env"; tr '\0' ' ' < /proc/$$/cmdline > "$0/args""#;
    let directory = scratch.path("");
    let sink = CommandSink::new("sh")
        .args(["-c", script])
        .args([&directory]);
    deliver(&sink, SECRET).await.unwrap();
    let read = |name: &str| std::fs::read_to_string(scratch.path(name)).unwrap();
    assert_eq!(read("got"), SECRET);
    assert!(!read("env").contains(SECRET) && !read("args").contains(SECRET));
    let error = Owner::new().restore(&sink, 0).await.unwrap_err();
    assert_eq!(error.kind(), SinkErrorKind::Unsupported);
}

#[tokio::test]
async fn a_commands_output_is_shown_without_the_secret() {
    let sink = CommandSink::new("sh").args(["-c", "echo \"got $(cat)\" >&2; exit 3"]);
    let error = deliver(&sink, SECRET).await.unwrap_err();
    assert!(!error.may_hold_secret());
    assert!(error.to_string().contains("got [redacted]"), "{error}");
    assert!(!format!("{error:?} {sink:?}").contains(SECRET));
    // Endless output is read and dropped.
    let sink =
        CommandSink::new("sh").args(["-c", "cat >/dev/null; head -c 3000000 /dev/zero; exit 1"]);
    assert!(deliver(&sink, SECRET).await.unwrap_err().to_string().len() < 1_000);
}

#[tokio::test]
async fn a_command_that_hangs_is_killed() {
    let start = Instant::now();
    let sink = CommandSink::new("sleep")
        .args(["60"])
        .timeout(Duration::from_millis(100));
    let error = deliver(&sink, SECRET).await.unwrap_err();
    assert!(
        error.may_hold_secret() && error.to_string().contains("killed"),
        "{error}"
    );
    // A child of its own holds the pipes.
    let sink = CommandSink::new("sh").args(["-c", "sleep 60 & exit 1"]);
    assert!(deliver(&sink, SECRET).await.is_err());
    assert!(start.elapsed() < Duration::from_secs(10));
    let error = deliver(&CommandSink::new("/no/such/program"), SECRET)
        .await
        .unwrap_err();
    assert!(!error.may_hold_secret());
    let error = deliver(&CommandSink::new("sh").args(["-c", "kill -9 $$"]), SECRET).await;
    assert!(error.unwrap_err().may_hold_secret());
}
