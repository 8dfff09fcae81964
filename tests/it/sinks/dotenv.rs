//! One key of a dotenv file.

use access_tokens::rotation::sink::{DotenvReaders, DotenvSink, Holds, Sink, SinkErrorKind};
use access_tokens_testing::sinks;

use super::{Owner, SECRET, deliver, text};
use crate::support::Scratch;

/// What a file is after `new` was delivered to its KEY; and that it is put back.
async fn set(before: Option<&str>, readers: DotenvReaders, secret: &str) -> Result<String, String> {
    let (scratch, owner) = (Scratch::new(), Owner::new());
    let path = scratch.path(".env");
    if let Some(before) = before {
        std::fs::write(&path, before).unwrap();
    }
    let sink = DotenvSink::new(&path, "KEY").readers(readers);
    let checked = sink.check().await;
    if let Err(error) = owner.deliver(&sink, 1, secret).await {
        assert_eq!(error.kind(), SinkErrorKind::NotStored);
        assert_eq!(std::fs::read_to_string(&path).ok().as_deref(), before);
        return Err(error.to_string());
    }
    // What check says of the file is what deliver finds.
    checked.unwrap();
    let after = text(&path);
    owner.restore(&sink, 0).await.unwrap();
    assert_eq!(std::fs::read_to_string(&path).ok().as_deref(), before);
    Ok(after)
}

#[tokio::test]
async fn sinks_for_keys_keep_the_rules() {
    for before in [
        None,
        Some("A=1"),
        Some("A=1\r\nKEY='theirs' # why\r\n"),
        Some("KEY=\n"),
    ] {
        for in_place in [false, true] {
            let scratch = Scratch::new();
            let path = scratch.path(".env");
            if let Some(before) = before {
                std::fs::write(&path, before).unwrap();
            }
            let report = sinks::check(|| {
                let sink = DotenvSink::new(&path, "KEY");
                if in_place { sink.in_place() } else { sink }
            });
            report.await.unwrap();
            assert_eq!(std::fs::read_to_string(&path).ok().as_deref(), before);
        }
    }
}

#[tokio::test]
async fn one_value_changes_and_nothing_else() {
    for (before, after) in [
        ("KEY=old\n", "KEY=new\n"),
        ("KEY=\n", "KEY=new\n"),
        ("KEY=", "KEY=new"),
        ("A=1\r\nKEY=old\r\nB=2", "A=1\r\nKEY=new\r\nB=2"),
        ("  export KEY=old # why\n", "  export KEY=new # why\n"),
        ("KEY=\"old # not a comment\" # why", "KEY=\"new\" # why"),
        ("KEY='old'", "KEY='new'"),
        ("KEY= # empty\n", "KEY=new # empty\n"),
        (
            "#KEY=no\nKEY=o#ld\nOTHER_KEY=1",
            "#KEY=no\nKEY=new\nOTHER_KEY=1",
        ),
        (
            "A=\"one\nKEY=not me\n\"\nKEY=old",
            "A=\"one\nKEY=not me\n\"\nKEY=new",
        ),
        (
            "A=\"it\\\"s\nKEY=no\"\nKEY=old",
            "A=\"it\\\"s\nKEY=no\"\nKEY=new",
        ),
        ("KEY=\"multi\nline\"\nB=1\n", "KEY=\"new\"\nB=1\n"),
        (
            "A='several\nlines'\nKEY=old\n",
            "A='several\nlines'\nKEY=new\n",
        ),
        // A word of several pieces goes as a whole.
        ("KEY=\"old\"tail\nB=1", "KEY=\"new\"\nB=1"),
        ("KEY='it'\\''s'\nB=1", "KEY='new'\nB=1"),
        ("KEY=old and more # why\n", "KEY=new # why\n"),
        ("KEY=a\"b # c\"\n", "KEY=new\n"),
        ("KEY=old#c\n", "KEY=new\n"),
        ("KEY=~/x\n", "KEY=new\n"),
        // Blanks around the equals sign are no assignment to a shell.
        ("KEY = old\n", "KEY=new\n"),
        ("export KEY = old # why\n", "export KEY=new # why\n"),
        // Others' lines may be odd, as long as everybody sees where they end.
        (
            "APP=My App\nURL=https://h/p?a=1&b=2\nKEY=old\n",
            "APP=My App\nURL=https://h/p?a=1&b=2\nKEY=new\n",
        ),
        ("\u{feff}A=1\nKEY=old\n", "\u{feff}A=1\nKEY=new\n"),
        (
            "set -a\nA=${B:-x}${C}${D-}${E:+y}${F%z}\nKEY=old\nset +a\n",
            "set -a\nA=${B:-x}${C}${D-}${E:+y}${F%z}\nKEY=new\nset +a\n",
        ),
        (
            "set -o allexport # why\nKEY=old\n",
            "set -o allexport # why\nKEY=new\n",
        ),
        ("KEY=old and B=2\n", "KEY=new\n"),
        (
            "A=\"a$\"\nB=\"\\` \\${ $\"\nC=\"$D ${E} $(f)\"\nKEY=old\n",
            "A=\"a$\"\nB=\"\\` \\${ $\"\nC=\"$D ${E} $(f)\"\nKEY=new\n",
        ),
        (
            "# it's\nKEY=old # it's\nB=\"a\\\\b\"\n",
            "# it's\nKEY=new # it's\nB=\"a\\\\b\"\n",
        ),
    ] {
        let got = set(Some(before), DotenvReaders::All, "new").await;
        assert_eq!(got.as_deref(), Ok(after), "{before:?}");
    }
}

#[tokio::test]
async fn a_key_that_is_not_there_is_added_at_the_end() {
    for (before, after) in [
        (None, "KEY=new\n"),
        (Some(""), "KEY=new\n"),
        (Some("A=1\n"), "A=1\nKEY=new\n"),
        (Some("A=1"), "A=1\nKEY=new\n"),
        (Some("A=1\r\n"), "A=1\r\nKEY=new\r\n"),
        (Some("A=1\r\nB=2"), "A=1\r\nB=2\r\nKEY=new\r\n"),
        (Some("KEY2=1\nMY.KEY=2\n"), "KEY2=1\nMY.KEY=2\nKEY=new\n"),
    ] {
        let got = set(before, DotenvReaders::All, "new").await;
        assert_eq!(got.as_deref(), Ok(after), "{before:?}");
    }
}

#[tokio::test]
async fn a_file_that_readers_differ_in_is_refused_with_its_line() {
    for (file, line) in [
        ("KEY=1\nKEY=2\n", 2),
        ("KEY=old\\\nrest of it\n", 1),
        ("KEY='it\\'s'\n", 1),
        ("A=it's\nKEY=old\n", 1),
        ("A=\"open\nKEY=old\n", 1),
        ("A=\"x\\\\\"\nKEY=old\nB=\"\"\n", 1),
        ("A=1\\\nKEY=old\n", 1),
        ("A=\n'x'\nKEY=old\n", 2),
        ("A\n=x\nKEY=old\n", 2),
        ("KEY: old\n", 1),
        ("A:\nKEY=old\n", 1),
        ("A=1 KEY=2\nKEY=old\n", 1),
        ("KEY=old\nexport KEY\n", 2),
        ("KEY=old\nunset KEY\n", 2),
        ("KEY=old\nKEY+=more\n", 2),
        ("if true\nKEY=old\n", 1),
        ("A=x b[\nKEY=old\n", 1),
        ("A=x;c\nKEY=old\n", 1),
        ("export A = \"KEY=no\"\nKEY=old\n", 1),
        ("A=1; exit\nKEY=old\n", 1),
        ("A=x <<E\nKEY=old\nE\n", 1),
        ("FROM=Us <us@example.com>\nKEY=old\n", 1),
        ("A=`one\nKEY=old`\n", 1),
        ("A=\"$(x\nKEY=old)\"\n", 1),
        ("A=1\rKEY=old\n", 1),
        ("A=1\u{2028}KEY=old\n", 1),
        ("A=1\nB=\u{0}\nKEY=old\n", 2),
        ("\u{a0}KEY=old\n", 1),
        ("\u{feff}KEY=old\n", 1),
        ("A='x' # it's\nKEY='y'  # it's\n", 2),
        ("A='one\ntwo'\nB='\n", 3),
        // At these a shell gives up, or reads on without doing anything.
        ("A=${B:?must be set}\nKEY=old\n", 1),
        ("A=\"${B?}\"\nKEY=old\n", 1),
        ("A=${B/x/y}\nKEY=old\n", 1),
        ("A=${1a}\nKEY=old\n", 1),
        ("A=${}\nKEY=old\n", 1),
        ("A=${!B}\nKEY=old\n", 1),
        ("set -e\nfalse\nKEY=old\n", 1),
        ("set -o errexit\nKEY=old\n", 1),
        ("set -n\nKEY=old\n", 1),
        ("A=1 set -u\nB=$C\nKEY=old\n", 1),
        ("set -a -e\nKEY=old\n", 1),
        ("shift 9\nKEY=old\n", 1),
        ("kill $$\nKEY=old\n", 1),
        // What begins within quotes ends where a shell sees its end.
        ("A=\"x`y\"\nKEY=old\n", 1),
        ("A=\"${x\"\nKEY=old\n", 1),
        ("A=\"$(x\"\nKEY=old\n", 1),
        ("A=\"$[1\"\nKEY=old\n", 1),
        ("A=$[1\nKEY=old\n", 1),
        ("KEY=\"x`y\"\n", 1),
        ("A=\"one\n${two\"\nKEY=old\n", 1),
        // What else the line sets would be lost.
        ("KEY=old B=2\n", 1),
        ("A=1\nexport KEY=old B=2 # why\n", 2),
        ("KEY='o l d' B=2\n", 1),
    ] {
        let error = set(Some(file), DotenvReaders::All, "new")
            .await
            .unwrap_err();
        assert!(
            error.starts_with(&format!("line {line} ")),
            "{file:?}: {error}"
        );
    }
}

#[tokio::test]
async fn a_file_in_another_encoding_is_refused() {
    let scratch = Scratch::new();
    let path = scratch.path(".env");
    let utf16: Vec<u8> = "\u{feff}KEY=old\r\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for bytes in [utf16, b"A=caf\xe9\nKEY=old\n".to_vec()] {
        std::fs::write(&path, &bytes).unwrap();
        let sink = DotenvSink::new(&path, "KEY");
        let error = sink.check().await.unwrap_err();
        assert!(error.to_string().contains("UTF-8"), "{error}");
        assert!(deliver(&sink, SECRET).await.is_err() && sink.observe().await.is_err());
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
}

#[tokio::test]
async fn a_value_is_written_so_that_nothing_in_it_has_a_meaning() {
    for (old, secret, line) in [
        ("old", "eyJ0.a-b_c=", "KEY=eyJ0.a-b_c="),
        ("old", "a b#$x", "KEY='a b#$x'"),
        ("\"old\"", "a$b", "KEY='a$b'"),
        ("\"old\"", "plain", "KEY=\"plain\""),
        ("old", "~home", "KEY='~home'"),
        ("old", "=x", "KEY='=x'"),
        ("old", "it's", "KEY=\"it's\""),
        ("old", "a\\b", "KEY='a\\b'"),
        ("old", "café", "KEY='café'"),
        ("old", "", "KEY=''"),
    ] {
        let file = format!("KEY={old}");
        let got = set(Some(&file), DotenvReaders::All, secret).await;
        assert_eq!(got.as_deref(), Ok(line), "{secret:?}");
    }
    for secret in [
        "a\nB=1",
        "a\\\\b",
        "ends\\",
        "it's \"so\"",
        "${HOME}",
        "a\u{2028}b",
        "a\u{202e}b",
        "it's $x",
    ] {
        let error = set(Some("KEY=old"), DotenvReaders::All, secret)
            .await
            .unwrap_err();
        assert!(!error.contains(secret), "{error}");
    }
}

#[tokio::test]
async fn a_key_that_is_no_name_is_refused_everywhere() {
    let scratch = Scratch::new();
    let path = scratch.path(".env");
    for key in [
        "", "A B", "1A", "A\nB", "A=B", "A-B", "É", "A.B", "#A", "export A",
    ] {
        let sink = DotenvSink::new(&path, key);
        assert!(sink.check().await.is_err(), "{key:?}");
        assert!(deliver(&sink, SECRET).await.is_err(), "{key:?}");
        assert!(!path.exists());
        std::fs::write(&path, "A=1\n").unwrap();
        assert!(sink.observe().await.is_err(), "{key:?}");
        let seen = None;
        let late = Owner::new().deliver_at(&sink, 1, SECRET, seen).await;
        assert_eq!(late.unwrap_err().kind(), SinkErrorKind::NotStored);
        std::fs::remove_file(&path).unwrap();
        assert!(!sink.id().contains('\n'));
    }
    let dotted = DotenvSink::new(&path, "a.b").readers(DotenvReaders::Libraries);
    deliver(&dotted, SECRET).await.unwrap();
}

#[tokio::test]
async fn the_readers_that_are_meant_decide_what_is_refused_and_how_it_is_written() {
    for odd in [
        "FROM=Us <us@example.com>",
        "A=b(c",
        "if=x",
        "unrelated words",
        "A=x; exit",
    ] {
        let file = format!("{odd}\nKEY=old\n");
        let got = set(Some(&file), DotenvReaders::Libraries, "new")
            .await
            .unwrap();
        assert_eq!(got, format!("{odd}\nKEY=new\n"));
    }
    assert!(
        set(Some("A=it's\nKEY=old\n"), DotenvReaders::Libraries, "new")
            .await
            .is_err()
    );
    // Docker takes quotes for a part of the value, and comments too.
    for (before, after) in [
        (None, "KEY=a b#$x'\"\\\n"),
        (
            Some("A=it's\nKEY='old' # x\nB=2"),
            "A=it's\nKEY=a b#$x'\"\\\nB=2",
        ),
        (Some("KEY=old\r\n"), "KEY=a b#$x'\"\\\r\n"),
    ] {
        let got = set(before, DotenvReaders::Docker, "a b#$x'\"\\").await;
        assert_eq!(got.as_deref(), Ok(after), "{before:?}");
    }
    for file in ["KEY =old\n", "KEY\n", "KEY=1\nKEY=2\n"] {
        assert!(
            set(Some(file), DotenvReaders::Docker, "new").await.is_err(),
            "{file:?}"
        );
    }
    assert!(set(None, DotenvReaders::Docker, "a\nb").await.is_err());
}

#[tokio::test]
async fn a_change_is_taken_back_whatever_others_have_changed_since() {
    let (scratch, owner, other) = (Scratch::new(), Owner::new(), Owner::new());
    let path = scratch.path(".env");
    // Both keys are new, and so is the file.
    let (one, two) = (DotenvSink::new(&path, "ONE"), DotenvSink::new(&path, "TWO"));
    owner.deliver(&one, 1, "1").await.unwrap();
    other.deliver(&two, 1, "2").await.unwrap();
    assert_eq!(text(&path), "ONE=1\nTWO=2\n");
    owner.restore(&one, 0).await.unwrap();
    assert_eq!(text(&path), "TWO=2\n");
    assert_eq!(other.deliver(&two, 2, "3").await.unwrap().warning, None);
    other.restore(&two, 0).await.unwrap();
    assert!(!path.exists());

    let before = "# all of it\nA=1\nKEY = \"old\" # ours";
    std::fs::write(&path, before).unwrap();
    let key = DotenvSink::new(&path, "KEY");
    owner.deliver(&key, 1, SECRET).await.unwrap();
    // Others rewrite the rest, put ours into quotes, and add to the end.
    let edited = format!("KEY=\"{SECRET}\" # ours\nB=2\nA=changed\n");
    std::fs::write(&path, edited).unwrap();
    assert_eq!(
        key.observe().await.unwrap().holds,
        Holds::Attempt(owner.attempt(1))
    );
    owner.restore(&key, 0).await.unwrap();
    assert_eq!(text(&path), "KEY = \"old\" # ours\nB=2\nA=changed\n");
    // What was added without a line end before it goes with the one that was put there.
    std::fs::write(&path, "A=1").unwrap();
    let new = DotenvSink::new(&path, "NEW");
    owner.deliver(&new, 1, SECRET).await.unwrap();
    std::fs::write(&path, text(&path).replace("A=1", "A=2")).unwrap();
    owner.restore(&new, 0).await.unwrap();
    assert_eq!(text(&path), "A=2");
    // Somebody else's value is not undone: it has another version.
    owner.deliver(&new, 1, SECRET).await.unwrap();
    let seen = new.observe().await.unwrap().version.unwrap();
    std::fs::write(&path, "NEW=theirs\n").unwrap();
    let late = new.restore(&owner.attempt(0), &seen).await.unwrap_err();
    assert_eq!(late.kind(), SinkErrorKind::Conflict);
    assert_eq!(text(&path), "NEW=theirs\n");
}
