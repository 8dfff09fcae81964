//! Files and commands.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use access_tokens::rotation::sink::{
    CommandSink, Delivery, DotenvSink, FileSink, Sink, SinkError, SinkErrorKind, SinkVersion,
};
use access_tokens::{Marker, Secret, Service, TokenKey, TokenRecord};

use super::Scratch;

const SECRET: &str = "canary-0123456789";

async fn deliver(sink: &(impl Sink + ?Sized), secret: &str) -> Result<(), SinkError> {
    let record = TokenRecord::new(Service::LAUNCH_DARKLY, TokenKey::new("key"));
    let (secret, owner) = (Secret::new(secret), Marker::random());
    let (attempt, replaces) = (owner.attempt(1), owner.attempt(0));
    let delivery = Delivery::new(&secret, &record, &attempt, &replaces);
    sink.deliver(&delivery).await.map(drop)
}

async fn undo(sink: &impl Sink) -> Result<(), SinkError> {
    let seen = sink.observe().await?.version;
    let seen = seen.unwrap_or_else(|| SinkVersion::new("none"));
    let before = Marker::random().attempt(0);
    sink.restore(&before, &seen).await.map(drop)
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn files(scratch: &Scratch) -> Vec<String> {
    let entries = std::fs::read_dir(scratch.path("")).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_file_is_replaced_as_a_whole_and_put_back() {
    let scratch = Scratch::new();
    let path = scratch.path("token");
    let sink = FileSink::new(&path).newline();
    deliver(&sink, SECRET).await.unwrap();
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        format!("{SECRET}\n")
    );
    assert_eq!(
        (mode(&path), files(&scratch)),
        (0o600, vec!["token".to_owned()])
    );
    undo(&sink).await.unwrap();
    assert!(!path.exists());

    std::fs::write(&path, "old").unwrap();
    std::fs::write(scratch.path(".token.new"), "left by a crash").unwrap();
    let sink = FileSink::new(&path).mode(0o640);
    deliver(&sink, SECRET).await.unwrap();
    assert_eq!(
        (mode(&path), files(&scratch)),
        (0o640, vec!["token".to_owned()])
    );
    undo(&sink).await.unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
    // What somebody else wrote in between stays.
    deliver(&sink, SECRET).await.unwrap();
    std::fs::write(&path, "theirs").unwrap();
    undo(&sink).await.unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "theirs");
}

#[tokio::test]
async fn a_symbolic_link_is_followed() {
    let scratch = Scratch::new();
    std::fs::write(scratch.path("real"), "old").unwrap();
    std::os::unix::fs::symlink("real", scratch.path("link")).unwrap();
    deliver(&FileSink::new(scratch.path("link")), SECRET)
        .await
        .unwrap();
    assert_eq!(
        std::fs::read_to_string(scratch.path("real")).unwrap(),
        SECRET
    );
    assert!(scratch.path("link").is_symlink());
}

#[tokio::test]
async fn a_file_that_cannot_be_written_keeps_its_content() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.path("dir")).unwrap();
    let path = scratch.path("dir/token");
    std::fs::write(&path, "old").unwrap();
    // A directory where the draft would be cannot be replaced.
    std::fs::create_dir(scratch.path("dir/.token.new")).unwrap();
    for sink in [
        Box::new(FileSink::new(&path)) as Box<dyn Sink>,
        Box::new(DotenvSink::new(&path, "KEY")),
    ] {
        let error = deliver(&sink, SECRET).await.unwrap_err();
        assert!(!error.may_hold_secret(), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
    }
}

#[tokio::test]
async fn one_key_of_a_dotenv_file() {
    let scratch = Scratch::new();
    let path = scratch.path(".env");
    let before = "# all of it\r\nA='1'\r\nKEY=old # ours\r\nB=2";
    std::fs::write(&path, before).unwrap();
    let sink = DotenvSink::new(&path, "KEY");
    sink.check().await.unwrap();
    deliver(&sink, SECRET).await.unwrap();
    let after = before.replace("old", SECRET);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), after);
    assert_eq!(mode(&path), 0o600);
    // Other lines that were changed since stay changed.
    std::fs::write(&path, after.replace("B=2", "B=3")).unwrap();
    undo(&sink).await.unwrap();
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        before.replace("B=2", "B=3")
    );

    std::fs::write(&path, "A=1\n").unwrap();
    deliver(&sink, SECRET).await.unwrap();
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        format!("A=1\nKEY={SECRET}\n")
    );
    undo(&sink).await.unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "A=1\n");
    std::fs::remove_file(&path).unwrap();
    deliver(&sink, SECRET).await.unwrap();
    undo(&sink).await.unwrap();
    assert!(!path.exists());

    std::fs::write(&path, "KEY=1\nKEY=2\n").unwrap();
    assert!(sink.check().await.is_err() && deliver(&sink, SECRET).await.is_err());
    assert!(DotenvSink::new(&path, "A B").check().await.is_err());
}

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
    let error = undo(&sink).await.unwrap_err();
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
