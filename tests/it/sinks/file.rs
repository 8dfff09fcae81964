//! A file that holds nothing but the secret.
#![cfg(unix)]

use std::os::unix::fs::MetadataExt as _;
use std::process::Command;

use access_tokens::rotation::sink::{DotenvSink, FileSink, Holds, Sink, SinkErrorKind, SinkKind};
use access_tokens_testing::sinks;

use super::{Owner, SECRET, deliver, files, mode, set_mode, text};
use crate::support::Scratch;

#[tokio::test]
async fn sinks_for_files_keep_the_rules() {
    let scratch = Scratch::new();
    for (before, in_place) in [
        (None, false),
        (Some("theirs"), false),
        (Some("theirs"), true),
    ] {
        let path = scratch.path(&format!("token-{in_place}-{}", before.is_some()));
        if let Some(before) = before {
            std::fs::write(&path, before).unwrap();
        }
        let report = sinks::check(|| {
            let sink = FileSink::new(&path);
            if in_place { sink.in_place() } else { sink }
        });
        let report = report.await.unwrap();
        assert_eq!(report.kind(), SinkKind::Restorable);
        assert!(report.rules().len() >= 15, "{report:?}");
        let after = std::fs::read_to_string(&path).ok();
        assert_eq!(after.as_deref(), before);
    }
}

#[tokio::test]
async fn a_file_is_replaced_as_a_whole_and_put_back() {
    let (scratch, owner) = (Scratch::new(), Owner::new());
    let path = scratch.path("token");
    let sink = FileSink::new(&path).newline();
    owner.deliver(&sink, 1, SECRET).await.unwrap();
    assert_eq!(text(&path), format!("{SECRET}\n"));
    assert_eq!(
        (mode(&path), mode(&scratch.path("token.access-tokens"))),
        (0o600, 0o600)
    );
    assert_eq!(files(&scratch), ["token", "token.access-tokens"]);
    owner.restore(&sink, 0).await.unwrap();
    assert!(!path.exists());
}

#[tokio::test]
async fn what_belongs_to_a_file_stays_and_comes_back() {
    // Modes, whether one is asked for, and what the file has after a delivery.
    for (before, asked, after) in [
        (0o644, None, 0o644),
        (0o640, None, 0o640),
        (0o644, Some(0o600), 0o600),
        (0o600, Some(0o640), 0o640),
    ] {
        for in_place in [false, true] {
            let (scratch, owner) = (Scratch::new(), Owner::new());
            for (name, content) in [("token", "theirs"), (".env", "A=1\nKEY=theirs")] {
                let path = scratch.path(name);
                std::fs::write(&path, content).unwrap();
                set_mode(&path, before);
                let sink: Box<dyn Sink> = if name == "token" {
                    let sink = FileSink::new(&path);
                    let sink = if in_place { sink.in_place() } else { sink };
                    Box::new(if let Some(mode) = asked {
                        sink.mode(mode)
                    } else {
                        sink
                    })
                } else {
                    let sink = DotenvSink::new(&path, "KEY");
                    let sink = if in_place { sink.in_place() } else { sink };
                    Box::new(if let Some(mode) = asked {
                        sink.mode(mode)
                    } else {
                        sink
                    })
                };
                let inode = std::fs::metadata(&path).unwrap().ino();
                owner.deliver(&sink, 1, SECRET).await.unwrap();
                assert_eq!(mode(&path), after);
                assert_eq!(std::fs::metadata(&path).unwrap().ino() == inode, in_place);
                owner.restore(&sink, 0).await.unwrap();
                assert_eq!((text(&path).as_str(), mode(&path)), (content, before));
                // What somebody else has changed since then is not changed back.
                owner.deliver(&sink, 1, SECRET).await.unwrap();
                set_mode(&path, 0o400);
                owner.restore(&sink, 0).await.unwrap();
                assert_eq!((text(&path).as_str(), mode(&path)), (content, 0o400));
            }
        }
    }
}

#[tokio::test]
async fn owner_group_and_access_list_stay() {
    let (scratch, owner) = (Scratch::new(), Owner::new());
    let path = scratch.path("token");
    std::fs::write(&path, "theirs").unwrap();
    if std::os::unix::fs::chown(&path, Some(12_345), Some(54_321)).is_err() {
        return; // Only root can give files away.
    }
    set_mode(&path, 0o640);
    let acl = Command::new("setfacl")
        .args(["-m", "u:777:r"])
        .arg(&path)
        .status();
    let acl = acl.is_ok_and(|status| status.success());
    let access = || {
        let list = Command::new("getfacl").args(["-cpn"]).arg(&path).output();
        list.map(|list| String::from_utf8(list.stdout).unwrap())
            .unwrap_or_default()
    };
    let before = access();
    assert_eq!(before.contains("user:777:r--"), acl, "{before}");
    let holder = || {
        let data = std::fs::metadata(&path).unwrap();
        (data.uid(), data.gid())
    };
    owner
        .deliver(&FileSink::new(&path), 1, SECRET)
        .await
        .unwrap();
    assert_eq!((holder(), access()), ((12_345, 54_321), before.clone()));
    let grouped = FileSink::new(&path).group("0");
    owner.deliver(&grouped, 2, "another").await.unwrap();
    assert_eq!(holder(), (12_345, 0));
    owner.restore(&grouped, 1).await.unwrap();
    assert_eq!((holder(), access()), ((12_345, 54_321), before));
    let named = FileSink::new(scratch.path("new"))
        .group("daemon")
        .mode(0o640);
    deliver(&named, SECRET).await.unwrap();
    assert_eq!(mode(&scratch.path("new")), 0o640);
    assert_ne!(std::fs::metadata(scratch.path("new")).unwrap().gid(), 0);
    let nobody = FileSink::new(&path).group("no such group");
    let error = nobody.check().await.unwrap_err();
    assert!(
        error.to_string().contains("no group \"no such group\""),
        "{error}"
    );
}

#[tokio::test]
async fn a_late_write_is_refused_and_takes_nothing_along() {
    let (scratch, slow, fast) = (Scratch::new(), Owner::new(), Owner::new());
    std::fs::write(scratch.path(".env"), "KEY=theirs\n").unwrap();
    let sinks: [Box<dyn Sink>; 2] = [
        Box::new(FileSink::new(scratch.path("token"))),
        Box::new(DotenvSink::new(scratch.path(".env"), "KEY")),
    ];
    for sink in sinks {
        let seen = sink.observe().await.unwrap().version;
        fast.deliver(&sink, 1, "the good one").await.unwrap();
        let held = sink.observe().await.unwrap();
        let late = slow
            .deliver_at(&sink, 1, "the dead one", seen.as_ref())
            .await;
        assert_eq!(late.unwrap_err().kind(), SinkErrorKind::Conflict);
        assert_eq!(sink.observe().await.unwrap(), held);
        // Also when what was there at first is there again.
        fast.restore(&sink, 0).await.unwrap();
        let late = slow
            .deliver_at(&sink, 1, "the dead one", seen.as_ref())
            .await;
        assert_eq!(late.unwrap_err().kind(), SinkErrorKind::Conflict);
    }
    assert_eq!(text(&scratch.path(".env")), "KEY=theirs\n");
    assert!(!scratch.path("token").exists());
}

#[tokio::test]
async fn what_somebody_else_puts_there_is_seen_and_not_taken_for_ours() {
    let (scratch, owner) = (Scratch::new(), Owner::new());
    let path = scratch.path("token");
    let sink = FileSink::new(&path);
    owner.deliver(&sink, 1, SECRET).await.unwrap();
    let ours = sink.observe().await.unwrap();
    std::fs::write(&path, "theirs").unwrap();
    let theirs = sink.observe().await.unwrap();
    assert_eq!(theirs.holds, Holds::Other);
    assert_ne!(theirs.version, ours.version);
    let late = owner
        .deliver_at(&sink, 2, "late", ours.version.as_ref())
        .await;
    assert_eq!(late.unwrap_err().kind(), SinkErrorKind::Conflict);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(sink.observe().await.unwrap().holds, Holds::Nothing);
    // What is kept of the past is still there.
    std::fs::write(&path, "theirs").unwrap();
    owner.restore(&sink, 0).await.unwrap();
    assert!(!path.exists());
}

#[tokio::test]
async fn a_sidecar_shows_no_secret_that_is_in_use_and_one_that_is_broken_is_told_of() {
    let (scratch, owner) = (Scratch::new(), Owner::new());
    let path = scratch.path("token");
    std::fs::write(&path, "first").unwrap();
    let sink = FileSink::new(&path);
    owner.deliver(&sink, 1, SECRET).await.unwrap();
    let sidecar = scratch.path("token.access-tokens");
    assert!(!text(&sidecar).contains(SECRET), "{}", text(&sidecar));
    assert!(!format!("{sink:?}").contains("first"));
    std::fs::write(&sidecar, "{").unwrap();
    let error = deliver(&sink, "another").await.unwrap_err();
    assert_eq!(error.kind(), SinkErrorKind::NotStored);
    assert!(
        error
            .to_string()
            .contains("token.access-tokens is damaged: remove it"),
        "{error}"
    );
    std::fs::write(&sidecar, r#"{"format": 2}"#).unwrap();
    let error = sink.observe().await.unwrap_err();
    assert!(error.to_string().contains("another version"), "{error}");
    assert_eq!(text(&path), SECRET);
}

#[tokio::test]
async fn leftovers_of_a_killed_writer_are_cleaned_up() {
    let scratch = Scratch::new();
    for left in ["token.access-tokens.draft-abc", "token.access-tokens.lock"] {
        std::fs::write(scratch.path(left), "left").unwrap();
    }
    std::fs::write(scratch.path("token.access-tokens.mine"), "not ours").unwrap();
    deliver(&FileSink::new(scratch.path("token")), SECRET)
        .await
        .unwrap();
    let expected = ["token", "token.access-tokens", "token.access-tokens.mine"];
    assert_eq!(files(&scratch), expected);
}

#[tokio::test]
async fn a_file_is_not_written_as_a_whole_and_key_by_key() {
    let scratch = Scratch::new();
    let (whole, key) = (
        FileSink::new(scratch.path(".env")),
        DotenvSink::new(scratch.path(".env"), "KEY"),
    );
    deliver(&key, SECRET).await.unwrap();
    assert!(whole.check().await.is_err());
    let error = deliver(&whole, "all").await.unwrap_err();
    assert!(error.to_string().contains("another sink"), "{error}");
    assert_eq!(text(&scratch.path(".env")), format!("KEY={SECRET}\n"));
}

#[tokio::test]
async fn a_sink_that_waits_for_its_file_holds_nobody_up() {
    let scratch = Scratch::new();
    let lock = std::fs::File::create(scratch.path("token.access-tokens.lock")).unwrap();
    lock.lock().unwrap();
    let sink = FileSink::new(scratch.path("token"));
    // On one thread: were it blocked, the lock would never be let go.
    let release = async {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        drop(lock);
    };
    let (done, ()) = tokio::join!(deliver(&sink, SECRET), release);
    done.unwrap();
    assert_eq!(files(&scratch), ["token", "token.access-tokens"]);
}
