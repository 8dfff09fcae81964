//! Files that were cut, changed, copied or come from elsewhere.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use access_tokens::rotation::state::{
    FileStore, Listed, StateStore, StoreErrorKind, Stored, Unreadable,
};
use serde_json::json;

use super::Scratch;

const NAME: &str = "token/nightly-export";

/// A store with one entry of three writes: the last two of them, and the file as it is with the
/// second and with the third.
async fn written(scratch: &Scratch) -> (FileStore, [Stored; 2], [Vec<u8>; 2]) {
    let store = FileStore::new(&scratch.0);
    let first = Stored::new(NAME, json!({"at": 1}));
    let second = first.next(json!({"at": 2, "text": "zwei ü"}));
    let third = second.next(json!({"at": 3, "text": "drei"}));
    store.create(&first).await.unwrap();
    store.replace(&first.version, &second).await.unwrap();
    let before = fs::read(scratch.file(NAME)).unwrap();
    store.replace(&second.version, &third).await.unwrap();
    let after = fs::read(scratch.file(NAME)).unwrap();
    (store, [second, third], [before, after])
}

#[tokio::test]
async fn a_write_that_was_cut_anywhere_counts_for_nothing_and_is_repaired() {
    let scratch = Scratch::new();
    let (store, [second, third], [before, after]) = written(&scratch).await;
    for length in before.len()..after.len() {
        for tail in [&b""[..], b"\0\0\0\0"] {
            let mut torn = after[..length].to_vec();
            torn.extend(tail);
            fs::write(scratch.file(NAME), &torn).unwrap();
            assert_eq!(
                store.load(NAME).await.unwrap().as_ref(),
                Some(&second),
                "{length}"
            );
            assert_eq!(
                store.list("").await.unwrap(),
                [Listed::Entry(second.clone())]
            );
            let stale = store
                .replace(&third.version, &third.next(json!(4)))
                .await
                .unwrap_err();
            assert_eq!(stale.kind(), StoreErrorKind::Superseded);
            // The same write again, as after a restart.
            store.replace(&second.version, &third).await.unwrap();
            assert_eq!(fs::read(scratch.file(NAME)).unwrap(), after, "{length}");
        }
    }
}

#[tokio::test]
async fn no_changed_byte_of_an_entry_is_ever_believed() {
    let scratch = Scratch::new();
    let (store, [_, third], [before, after]) = written(&scratch).await;
    for at in before.len()..after.len() {
        for change in [1, 0x20, 0x80] {
            let mut damaged = after.clone();
            damaged[at] ^= change;
            // Without its end the line was never acknowledged.
            let cut = damaged.last() != Some(&b'\n');
            fs::write(scratch.file(NAME), &damaged).unwrap();
            match store.load(NAME).await {
                Ok(Some(found)) => assert!(cut && found.version.generation == 2, "{at}"),
                Ok(None) => panic!("{at}: the entry is gone"),
                Err(error) => assert_eq!(error.kind(), StoreErrorKind::Unreadable, "{at}"),
            }
            let replaced = store.replace(&third.version, &third.next(json!(4))).await;
            assert!(replaced.is_err());
        }
    }
    // What is before the last write does not matter any more.
    let mut damaged = after.clone();
    damaged[before.len() / 2] ^= 1;
    fs::write(scratch.file(NAME), &damaged).unwrap();
    assert_eq!(store.load(NAME).await.unwrap(), Some(third));
}

async fn unreadable(store: &FileStore) -> Vec<Unreadable> {
    let listed = store.list("token/").await.unwrap();
    let unreadable = listed.into_iter().filter_map(|listed| match listed {
        Listed::Unreadable(entry) => Some(entry),
        Listed::Entry(_) => None,
    });
    unreadable.collect()
}

#[tokio::test]
async fn whatever_else_is_in_the_directory_is_named_hides_nothing_and_can_be_removed() {
    let scratch = Scratch::new();
    let (store, [_, third], [_, after]) = written(&scratch).await;
    let long = format!("token/{}", "long".repeat(100));
    store.create(&Stored::new(&long, json!(1))).await.unwrap();
    let file_of_long = fs::read_dir(&scratch.0)
        .unwrap()
        .map(|file| file.unwrap().path());
    let file_of_long = file_of_long
        .into_iter()
        .find(|path| path.to_string_lossy().contains('~'));

    // A copy by hand, an emptied file, one of a newer version, one whose name says nothing.
    fs::write(scratch.file("token/copy"), &after).unwrap();
    fs::write(scratch.file("token/empty"), "").unwrap();
    fs::write(scratch.file("token/newer"), "{\"format\":3,\"entry\":{}}\n").unwrap();
    fs::write(scratch.file("token/huge"), vec![b'x'; 100_000]).unwrap();
    fs::write(scratch.0.join("My Copy.record"), &after).unwrap();
    fs::write(file_of_long.unwrap(), "damaged\n").unwrap();
    fs::write(scratch.0.join("README"), "not ours").unwrap();

    let found = unreadable(&store).await;
    let names: Vec<_> = found.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names.len(), 6, "{names:?}");
    for name in [
        "token/copy",
        "token/empty",
        "token/newer",
        "token/huge",
        "My Copy.record",
    ] {
        assert!(names.contains(&name), "{names:?}");
    }
    let reason = |name| {
        &found
            .iter()
            .find(|entry| entry.name == name)
            .unwrap()
            .reason
    };
    assert!(
        reason("token/copy").contains("was it copied?"),
        "{}",
        reason("token/copy")
    );
    assert!(
        reason("token/newer").contains("another version"),
        "{}",
        reason("token/newer")
    );

    for entry in &found {
        if entry.name.starts_with("token/") {
            let error = store.load(&entry.name).await.unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Unreadable);
            assert!(error.to_string().contains("remove"), "{error}");
        }
        store.remove_unreadable(&entry.name).await.unwrap();
        let again = store.remove_unreadable(&entry.name).await.unwrap_err();
        assert_eq!(again.kind(), StoreErrorKind::Superseded);
    }
    for kept in [
        NAME,
        "README",
        "../x",
        ".locks",
        "token%2fnightly-export.record",
    ] {
        let error = store.remove_unreadable(kept).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Superseded, "{kept}");
    }
    assert_eq!(store.list("").await.unwrap(), [Listed::Entry(third)]);
    assert!(scratch.0.join("README").exists() && scratch.0.join(".locks").exists());
}

#[tokio::test]
async fn records_of_the_earlier_journal_are_refused_by_name_and_never_misread() {
    let scratch = Scratch::new();
    let store = FileStore::new(&scratch.0);
    store.create(&Stored::new(NAME, json!(1))).await.unwrap();
    let earlier = "launchdarkly%2fa%2f1.rotation.json";
    fs::write(scratch.0.join(earlier), "{\"version\":1,\"id\":\"x\"}").unwrap();

    let refused = store.probe().await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Unsuitable);
    let text = refused.to_string();
    assert!(
        text.contains(earlier) && text.contains("finish its rotation"),
        "{text}"
    );
    let named = unreadable(&store).await;
    assert_eq!(
        named
            .iter()
            .map(|entry| entry.name.as_str())
            .collect::<Vec<_>>(),
        [earlier]
    );
    assert!(
        store.load(NAME).await.unwrap().is_some(),
        "the others stay in use"
    );

    store.remove_unreadable(earlier).await.unwrap();
    store.probe().await.unwrap();
}

#[tokio::test]
async fn what_killed_writers_left_is_tidied_and_all_of_it_is_the_owners_alone() {
    let scratch = Scratch::new();
    let (store, [_, third], _) = written(&scratch).await;
    let (drafts, lock) = (
        ["token%2fx.draft", "token%2fnightly-export.draft"],
        "token%2fx.work",
    );
    for draft in drafts {
        fs::write(scratch.0.join(draft), "half of a li").unwrap();
    }
    fs::write(scratch.0.join(".locks").join(lock), "").unwrap();
    assert_eq!(store.list("").await.unwrap(), [Listed::Entry(third)]);
    store
        .create(&Stored::new("token/x", json!(1)))
        .await
        .unwrap();
    drop(store.try_lock("token/x").await.unwrap());
    store.probe().await.unwrap();
    assert!(drafts.iter().all(|draft| !scratch.0.join(draft).exists()));
    assert!(!scratch.0.join(".locks").join(lock).exists());

    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&scratch.0), 0o700);
    assert_eq!(mode(&scratch.0.join(".locks")), 0o700);
    assert_eq!(mode(&scratch.file(NAME)), 0o600);
    for file in fs::read_dir(scratch.0.join(".locks")).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
}
