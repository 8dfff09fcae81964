//! Places that files are in, or would be.
#![cfg(unix)]

use std::fs::OpenOptions;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use access_tokens::rotation::sink::{
    DotenvSink, FileSink, Holds, Sink, SinkErrorKind, SinkKind, escape_name,
};
use access_tokens_testing::sinks;

use super::{Owner, SECRET, deliver, files, mode, set_mode, text};
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

/// Opens the other end of a pipe if it takes so long that somebody must be waiting for it; says at
/// last whether it had to.
fn free_who_waits_for(pipe: PathBuf) -> impl FnOnce() -> bool {
    let (done, end) = std::sync::mpsc::channel::<()>();
    let helper = std::thread::spawn(move || {
        let waits = end.recv_timeout(Duration::from_secs(20)) == Err(RecvTimeoutError::Timeout);
        // For as long as the test lasts.
        waits.then(|| OpenOptions::new().read(true).write(true).open(pipe))
    });
    move || {
        drop(done);
        helper.join().unwrap().is_some()
    }
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
    let stuck = free_who_waits_for(scratch.path("pipe"));
    symlink("pipe", scratch.path("to-pipe")).unwrap();
    symlink("missing/token", scratch.path("dangling")).unwrap();
    symlink("new/", scratch.path("to-new")).unwrap();
    let opened = std::fs::File::create(scratch.path("opened")).unwrap();
    let opened = format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&opened));
    let long = "x".repeat(250);
    let longest = "x".repeat(255);
    let there = files(&scratch);
    for path in [
        scratch.path("directory"),
        scratch.path("pipe"),
        scratch.path("to-pipe"),
        scratch.path("dangling"),
        scratch.path("missing/token"),
        scratch.path("missing/../token"),
        scratch.path("opened/token"),
        scratch.path(&long),
        scratch.path(&longest),
        // What only a directory is called, though none is there.
        scratch.path("new/"),
        scratch.path("new/."),
        scratch.path("to-new"),
        // What a process has open is no place, even where it is a file.
        opened.into(),
        "/dev/stdout".into(),
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
    assert!(!stuck(), "a pipe was waited for");
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
async fn a_name_that_is_no_text_is_as_good_as_another() {
    use std::os::unix::ffi::OsStrExt as _;

    let (scratch, owner) = (Scratch::new(), Owner::new());
    let name = |bytes| scratch.path("").join(std::ffi::OsStr::from_bytes(bytes));
    let (one, other) = (
        FileSink::new(name(b"to\xffken")),
        FileSink::new(name(b"to\xfeken")),
    );
    assert_ne!(one.id(), other.id());
    for sink in [&one, &other] {
        sink.check().await.unwrap();
        owner.deliver(sink, 1, SECRET).await.unwrap();
    }
    owner.restore(&one, 0).await.unwrap();
    assert!(!name(b"to\xffken").exists());
    assert_eq!(text(&name(b"to\xfeken")), SECRET);
}

#[tokio::test]
async fn nobody_gets_to_read_a_file_by_the_directory_that_it_is_in() {
    use rustix::fs::{XattrFlags, getxattr, setxattr};

    // As the kernel has it: the owner, user 777, the group, the mask, everybody else.
    let list: Vec<u8> = [(1, 6, u32::MAX), (2, 4, 777), (4, 4, u32::MAX)]
        .into_iter()
        .chain([(0x10, 4, u32::MAX), (0x20, 0, u32::MAX)])
        .flat_map(|(tag, bits, id): (u16, u16, u32)| {
            let (tag, bits) = (tag.to_le_bytes(), bits.to_le_bytes());
            [&tag[..], &bits, &id.to_le_bytes()].concat()
        })
        .collect();
    let list = [&2_u32.to_le_bytes()[..], &list].concat();
    let set = |path: &std::path::Path, name: &str| {
        setxattr(path, name, &list, XattrFlags::empty()).is_ok()
    };
    let (scratch, owner) = (Scratch::new(), Owner::new());
    let [plain, listed, new] = ["plain", "listed", "new"].map(|name| scratch.path(name));
    for path in [&plain, &listed] {
        std::fs::write(path, "theirs").unwrap();
        set_mode(path, 0o640);
    }
    if !set(&listed, "system.posix_acl_access")
        || !set(&scratch.path(""), "system.posix_acl_default")
    {
        return; // Not every file system has such lists.
    }
    let access = |path: &std::path::Path| {
        let mut value = vec![0; 200];
        let got = getxattr(path, "system.posix_acl_access", &mut value[..]);
        value.truncate(got.unwrap_or(0));
        value
    };
    let before = [access(&plain), access(&listed)];
    assert_eq!(before, [Vec::new(), list.clone()]);
    for path in [&plain, &listed, &new] {
        owner
            .deliver(&FileSink::new(path), 1, SECRET)
            .await
            .unwrap();
    }
    assert_eq!([access(&plain), access(&listed)], before);
    assert_eq!((mode(&plain), mode(&listed)), (0o640, 0o640));
    // For those that are new the mask says that nobody is among the readers.
    for path in [
        new,
        scratch.path("new.access-tokens"),
        scratch.path("plain.access-tokens"),
    ] {
        assert_eq!(mode(&path), 0o600, "{path:?}");
    }
    owner.restore(&FileSink::new(&plain), 0).await.unwrap();
    assert!(access(&plain).is_empty());
}

#[tokio::test]
async fn a_new_file_has_the_group_of_its_directory_and_an_old_one_keeps_its_own() {
    let scratch = Scratch::new();
    let (old, new) = (scratch.path("old"), scratch.path("new"));
    std::fs::write(&old, "theirs").unwrap();
    set_mode(&old, 0o400);
    let given = std::os::unix::fs::chown(scratch.path(""), None, Some(54_321));
    if given.is_err() {
        return; // Only root can give files away.
    }
    set_mode(&scratch.path(""), 0o2770);
    for (path, group, bits) in [(&old, 0, 0o400), (&new, 54_321, 0o600)] {
        deliver(&FileSink::new(path), SECRET).await.unwrap();
        assert_eq!(std::fs::metadata(path).unwrap().gid(), group);
        assert_eq!(mode(path), bits);
    }
}

#[tokio::test]
async fn a_file_that_nobody_may_change_is_refused_by_check() {
    let scratch = Scratch::new();
    for (mark, path) in [("i", scratch.path("frozen")), ("a", scratch.path("log"))] {
        std::fs::write(&path, "theirs").unwrap();
        let marked = |sign: &str| {
            Command::new("chattr")
                .arg(format!("{sign}{mark}"))
                .arg(&path)
                .status()
        };
        if !marked("+").is_ok_and(|status| status.success()) {
            return; // Not every file system, nor every user, can.
        }
        let sinks = [FileSink::new(&path), FileSink::new(&path).in_place()];
        let mut done = Vec::new();
        for sink in &sinks {
            done.push((sink.check().await, deliver(sink, SECRET).await));
        }
        assert!(marked("-").unwrap().success());
        for (checked, delivered) in done {
            checked.unwrap_err();
            assert_eq!(delivered.unwrap_err().kind(), SinkErrorKind::NotStored);
        }
        assert_eq!(text(&path), "theirs");
    }
    assert!(!files(&scratch).iter().any(|name| name.contains("draft")));
}

const PLACE: &str = "ACCESS_TOKENS_PLACE_OF_ANOTHER";

#[tokio::test]
async fn a_file_of_another_user_is_refused_by_check_where_only_that_one_can_replace_it() {
    use std::os::unix::process::CommandExt as _;

    let scratch = Scratch::new();
    let path = scratch.path("theirs");
    std::fs::write(&path, "theirs").unwrap();
    set_mode(&path, 0o666);
    set_mode(&scratch.path(""), 0o1777);
    std::fs::create_dir(scratch.path("open")).unwrap();
    set_mode(&scratch.path("open"), 0o777);
    std::fs::write(scratch.path("open/theirs"), "theirs").unwrap();
    set_mode(&scratch.path("open/theirs"), 0o644);
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([
        "--exact",
        "all::sinks::places::as_another_user",
        "--nocapture",
    ]);
    child.env(PLACE, scratch.path(""));
    // Only root can become somebody else, and not everybody can see this program.
    let Ok(done) = child.uid(65_534).gid(65_534).output() else {
        return;
    };
    assert!(done.status.success(), "{done:?}");
    assert_eq!(text(&path), "theirs");
    assert_eq!(text(&scratch.path("open/theirs")), "theirs");
}

/// What somebody does who does not own the place.
#[tokio::test]
async fn as_another_user() {
    let Ok(place) = std::env::var(PLACE) else {
        return;
    };
    let place = std::path::Path::new(&place);
    let sink = FileSink::new(place.join("theirs"));
    let error = sink.check().await.unwrap_err();
    assert!(error.to_string().contains("another user"), "{error}");
    let error = deliver(&sink, SECRET).await.unwrap_err();
    assert_eq!(error.kind(), SinkErrorKind::NotStored);
    // It can be written over by everybody, and given another mode or group by nobody else.
    let over = || FileSink::new(place.join("theirs")).in_place();
    over().check().await.unwrap();
    for sink in [over().mode(0o640), over().group("daemon")] {
        let error = sink.check().await.unwrap_err();
        assert!(error.to_string().contains("ermitted"), "{error}");
        let error = deliver(&sink, SECRET).await.unwrap_err();
        assert_eq!(error.kind(), SinkErrorKind::NotStored);
    }
    let own = FileSink::new(place.join("own"));
    own.check().await.unwrap();
    deliver(&own, SECRET).await.unwrap();
    deliver(&own, "another").await.unwrap();
    // One of another owner can be replaced, but not be given back; and its own not to everybody.
    let place = place.join("open");
    let own = FileSink::new(place.join("own"));
    deliver(&own, SECRET).await.unwrap();
    for sink in [
        FileSink::new(place.join("theirs")),
        FileSink::new(place.join("own")).in_place().group("daemon"),
    ] {
        let error = sink.check().await.unwrap_err();
        assert!(error.to_string().contains("its owner and group"), "{error}");
        let error = deliver(&sink, SECRET).await.unwrap_err();
        assert_eq!(error.kind(), SinkErrorKind::NotStored);
    }
}

#[tokio::test]
async fn a_full_disk_changes_nothing_for_certain() {
    let scratch = Scratch::new();
    let disk = scratch.path("disk");
    std::fs::create_dir(&disk).unwrap();
    let mut mounted = Command::new("mount");
    mounted.args(["-t", "tmpfs", "-o", "size=128k", "none"]);
    let mounted = mounted.arg(&disk).status();
    if !mounted.is_ok_and(|status| status.success()) {
        return; // A mount needs rights that not every test has.
    }
    let mut found = Vec::new();
    for (name, in_place) in [("replaced", false), ("written-over", true)] {
        // Room for nothing more, for a sidecar, for a part of what else is to be written.
        for room in [0, 4, 8, 16, 24, 32] {
            let path = disk.join(name);
            std::fs::write(&path, "theirs").unwrap();
            let spare = disk.join("spare");
            std::fs::write(&spare, vec![0; room << 10]).unwrap();
            // As much as there is.
            let _ = std::fs::write(disk.join("rest"), vec![0; 200 << 10]);
            std::fs::remove_file(spare).unwrap();
            let sink = FileSink::new(&path);
            let sink = if in_place { sink.in_place() } else { sink };
            let checked = sink.check().await;
            let large = "s".repeat(40 << 10);
            let done = deliver(&sink, &large).await;
            let left: Vec<_> = std::fs::read_dir(&disk)
                .unwrap()
                .map(|e| e.unwrap().file_name())
                .collect();
            found.push((
                name,
                room,
                (checked, done),
                std::fs::read(&path).unwrap(),
                left,
            ));
            for path in std::fs::read_dir(&disk).unwrap() {
                std::fs::remove_file(path.unwrap().path()).unwrap();
            }
        }
    }
    assert!(
        Command::new("umount")
            .arg(&disk)
            .status()
            .unwrap()
            .success()
    );
    for (name, room, (checked, done), content, left) in found {
        assert!(checked.is_err() || room > 0, "{name} {room}");
        assert!(checked.is_ok() || room < 16, "{name} {room}: {checked:?}");
        let error = done.unwrap_err();
        assert_eq!(
            error.kind(),
            SinkErrorKind::NotStored,
            "{name} {room}: {error}"
        );
        assert_eq!(content, b"theirs", "{name} {room}");
        let draft = |name: &std::ffi::OsString| name.to_string_lossy().contains("draft");
        assert!(!left.iter().any(draft), "{left:?}");
    }
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
    let mut names: Vec<String> = keys.iter().map(|key| escape_name(key)).collect();
    for long in ["x", "y"] {
        names.push(escape_name(&("l".repeat(500) + long)));
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
        escape_name("66aa10f2c4d5e60011223344"),
        "66aa10f2c4d5e60011223344"
    );
    assert_eq!(files(&scratch).len(), 2 * names.len());
}
