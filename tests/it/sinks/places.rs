//! Places that files are in, or would be.
#![cfg(unix)]

use std::os::unix::fs::{MetadataExt as _, symlink};
use std::process::Command;
use std::time::{Duration, Instant};

use access_tokens::rotation::sink::{
    DotenvSink, FileSink, Holds, Sink, SinkErrorKind, SinkKind, file_name,
};
use access_tokens_testing::sinks;

use super::{Owner, SECRET, deliver, files, set_mode, text};
use crate::support::Scratch;

#[tokio::test]
async fn a_symbolic_link_is_followed_also_to_a_file_that_is_yet_to_be() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.path("there")).unwrap();
    std::fs::write(scratch.path("there/real"), "old").unwrap();
    for (link, target) in [
        ("one", "there/real"),
        ("two", "there/new"),
        ("three", "two"),
    ] {
        symlink(target, scratch.path(link)).unwrap();
        let sink = FileSink::new(scratch.path(link));
        sink.check().await.unwrap();
        deliver(&sink, SECRET).await.unwrap();
        assert_eq!(text(&scratch.path(link)), SECRET);
        assert!(scratch.path(link).is_symlink());
    }
    assert_eq!(text(&scratch.path("there/new")), SECRET);
    symlink("round", scratch.path("round")).unwrap();
    assert!(FileSink::new(scratch.path("round")).check().await.is_err());
}

#[tokio::test]
async fn the_same_place_has_the_same_id_however_it_is_written_down() {
    let scratch = Scratch::new();
    std::fs::write(scratch.path("token"), "old").unwrap();
    std::fs::create_dir(scratch.path("sub")).unwrap();
    symlink("../token", scratch.path("sub/link")).unwrap();
    symlink(scratch.path(""), scratch.path("sub/all")).unwrap();
    let id = FileSink::new(scratch.path("token")).id();
    for other in [
        "sub/../token",
        "sub/link",
        "sub/all/token",
        "./token",
        "sub/all/sub/link",
    ] {
        assert_eq!(FileSink::new(scratch.path(other)).id(), id);
        let (one, other) = (scratch.path("token"), scratch.path(other));
        assert_eq!(
            DotenvSink::new(one, "K").id(),
            DotenvSink::new(other, "K").id()
        );
    }
    assert_ne!(FileSink::new(scratch.path("other")).id(), id);
    let key = |key: &str| DotenvSink::new(scratch.path("token"), key).id();
    assert_ne!(key("A"), key("B"));
    assert_ne!(key("A"), id);
    // A name that would play tricks on a terminal does not.
    let odd = FileSink::new(scratch.path("to\u{202e}ken\n")).id();
    assert!(!odd.contains(['\u{202e}', '\n']), "{odd}");
}

#[tokio::test]
async fn what_will_not_work_is_refused_by_check_and_by_deliver_and_nothing_is_left() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.path("directory")).unwrap();
    let made = Command::new("mkfifo")
        .arg(scratch.path("pipe"))
        .status()
        .unwrap();
    assert!(made.success());
    symlink("pipe", scratch.path("to-pipe")).unwrap();
    symlink("missing/token", scratch.path("dangling")).unwrap();
    let long = "x".repeat(250);
    let there = files(&scratch);
    let started = Instant::now();
    for path in [
        scratch.path("directory"),
        scratch.path("pipe"),
        scratch.path("to-pipe"),
        scratch.path("dangling"),
        scratch.path("missing/token"),
        scratch.path(&long),
        "/dev/null".into(),
        "/proc/self/token".into(),
        "/".into(),
        "".into(),
    ] {
        for in_place in [false, true] {
            let file = FileSink::new(&path);
            let key = DotenvSink::new(&path, "KEY");
            let sinks: [Box<dyn Sink>; 2] = if in_place {
                [Box::new(file.in_place()), Box::new(key.in_place())]
            } else {
                [Box::new(file), Box::new(key)]
            };
            for sink in sinks {
                let checked = sink.check().await;
                assert!(checked.is_err(), "{path:?} {in_place}");
                let error = deliver(&sink, SECRET).await.unwrap_err();
                assert_eq!(error.kind(), SinkErrorKind::NotStored, "{path:?}: {error}");
                assert!(!error.to_string().is_empty());
            }
        }
    }
    assert!(
        started.elapsed() < Duration::from_secs(9),
        "a pipe was waited for"
    );
    assert_eq!(files(&scratch), there);
}

#[tokio::test]
async fn a_check_leaves_nothing_behind() {
    let scratch = Scratch::new();
    std::fs::write(scratch.path("old"), "theirs").unwrap();
    set_mode(&scratch.path("old"), 0o644);
    let before = std::fs::metadata(scratch.path("old")).unwrap();
    for name in ["old", "new"] {
        let file = FileSink::new(scratch.path(name)).mode(0o600);
        let in_place = FileSink::new(scratch.path(name)).in_place();
        for sink in [file, in_place] {
            let looked = sink.observe().await.unwrap();
            sink.check().await.unwrap();
            assert_eq!(sink.observe().await.unwrap(), looked);
        }
    }
    assert_eq!(files(&scratch), ["old"]);
    let after = std::fs::metadata(scratch.path("old")).unwrap();
    assert_eq!(
        (after.ino(), after.mode(), after.mtime_nsec()),
        (before.ino(), before.mode(), before.mtime_nsec())
    );
}

#[tokio::test]
async fn a_single_file_that_is_mounted_is_written_in_place_or_refused() {
    // A mount needs rights that not every test has.
    let scratch = Scratch::new();
    let (source, target) = (scratch.path("source"), scratch.path("target"));
    std::fs::write(&source, "old").unwrap();
    std::fs::write(&target, "covered").unwrap();
    let mounted = Command::new("mount")
        .arg("--bind")
        .args([&source, &target])
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        return;
    }
    let replaced = FileSink::new(&target);
    let in_place = FileSink::new(&target).in_place();
    let checks = (replaced.check().await, in_place.check().await);
    let refused = deliver(&replaced, SECRET).await;
    let before = text(&target);
    let written = deliver(&in_place, SECRET).await;
    let after = (text(&target), text(&source));
    assert!(
        Command::new("umount")
            .arg(&target)
            .status()
            .unwrap()
            .success()
    );
    let error = checks.0.unwrap_err();
    assert!(error.to_string().contains("in place"), "{error}");
    checks.1.unwrap();
    assert_eq!(refused.unwrap_err().kind(), SinkErrorKind::NotStored);
    assert_eq!(before, "old");
    written.unwrap();
    assert_eq!(after, (SECRET.to_owned(), SECRET.to_owned()));
}

#[tokio::test]
async fn without_room_for_a_sidecar_a_sink_is_blind_or_has_it_elsewhere() {
    let scratch = Scratch::new();
    let path = scratch.path("read-only/token");
    std::fs::create_dir(scratch.path("read-only")).unwrap();
    std::fs::write(&path, "a longer old secret").unwrap();
    // So that not even root can make a file here.
    let frozen = Command::new("chattr")
        .arg("+i")
        .arg(scratch.path("read-only"))
        .status();
    if !frozen.is_ok_and(|status| status.success()) {
        return;
    }
    let sink = FileSink::new(&path).in_place();
    let (kind, checked) = (sink.kind(), sink.check().await);
    let looked = sink.observe().await;
    let written = deliver(&sink, SECRET).await;
    let refused = Owner::new().restore(&sink, 0).await;
    let after = text(&path);
    let elsewhere = FileSink::new(&path)
        .in_place()
        .sidecar(scratch.path("beside"));
    let rules = sinks::check(|| {
        FileSink::new(&path)
            .in_place()
            .sidecar(scratch.path("beside"))
    })
    .await;
    let replaced = FileSink::new(&path).check().await;
    let thawed = Command::new("chattr")
        .arg("-i")
        .arg(scratch.path("read-only"))
        .status();
    assert!(thawed.unwrap().success());
    assert_eq!(kind, SinkKind::Blind);
    checked.unwrap();
    assert_eq!(looked.unwrap().holds, Holds::Unknown);
    assert_eq!(written.unwrap().version, None);
    assert_eq!(refused.unwrap_err().kind(), SinkErrorKind::Unsupported);
    assert_eq!(after, SECRET);
    assert_eq!(elsewhere.kind(), SinkKind::Restorable);
    assert_eq!(rules.unwrap().kind(), SinkKind::Restorable);
    assert!(replaced.is_err());
}

#[tokio::test]
async fn a_hard_link_is_told_of() {
    let scratch = Scratch::new();
    std::fs::write(scratch.path("token"), "old").unwrap();
    std::fs::hard_link(scratch.path("token"), scratch.path("other")).unwrap();
    let written = deliver(&FileSink::new(scratch.path("token")), SECRET)
        .await
        .unwrap();
    let warning = written.warning.unwrap();
    assert!(warning.contains("hard link"), "{warning}");
    let written = deliver(&FileSink::new(scratch.path("token")), "another")
        .await
        .unwrap();
    assert_eq!(written.warning, None);
}

#[tokio::test]
async fn a_key_makes_one_safe_name_of_a_file() {
    let scratch = Scratch::new();
    let keys = [
        "../etc/app.conf",
        "..",
        ".",
        "",
        "a/b",
        "a%2fb",
        "A",
        "a",
        "con",
        "NUL.txt",
        "a\0b",
        ".env",
        "é",
        "x ",
        "x.",
        "C:\\x",
        "66aa10f2c4d5e60011223344",
    ];
    let mut names: Vec<String> = keys.iter().map(|key| file_name(key)).collect();
    for long in ["x", "y"] {
        names.push(file_name(&("l".repeat(500) + long)));
    }
    for name in &names {
        let sink = FileSink::new(scratch.path(name));
        sink.check().await.unwrap();
        deliver(&sink, SECRET).await.unwrap();
        assert_eq!(scratch.path(name).parent(), scratch.path("x").parent());
        assert_eq!(*name, name.to_lowercase());
    }
    names.sort();
    names.dedup();
    assert_eq!(names.len(), keys.len() + 2);
    assert_eq!(
        file_name("66aa10f2c4d5e60011223344"),
        "66aa10f2c4d5e60011223344"
    );
    assert_eq!(files(&scratch).len(), 2 * names.len());
}
