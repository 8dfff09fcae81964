//! How often the disk is waited for, which nobody outside can see.

use serde_json::json;

use super::directory::Directory;
use super::files::tests::syncs;
use crate::rotation::state::stored::Stored;

#[test]
fn a_write_waits_for_the_disk_once_and_a_new_file_twice() {
    let path = std::env::temp_dir().join(format!("at-syncs-{}", fastrand::u64(..)));
    std::fs::create_dir(&path).unwrap();
    let directory = Directory::new(path.clone());
    let mut last = Stored::new("token/x", json!({"filler": "x".repeat(2_000)}));
    directory.create(&last).unwrap();
    assert_eq!(syncs(), 2, "the file and its directory");
    // What a rotation writes.
    for _ in 0..4 {
        let next = last.next(last.body.clone());
        directory.replace(&last.version, &next).unwrap();
        last = next;
    }
    assert_eq!(syncs(), 4);
    // Now and then the file is made anew.
    let mut most = 0;
    for _ in 0..150 {
        let next = last.next(last.body.clone());
        directory.replace(&last.version, &next).unwrap();
        most = syncs().max(most);
        last = next;
    }
    assert_eq!(most, 2);
    let length = std::fs::metadata(path.join("token%2fx.record"))
        .unwrap()
        .len();
    assert!(length <= 256 << 10, "{length}");
    assert_eq!(directory.load("token/x").unwrap().as_ref(), Some(&last));
    assert_eq!(syncs(), 0, "reading waits for nothing");
    directory.remove("token/x", &last.version).unwrap();
    assert_eq!(syncs(), 1);
    std::fs::remove_dir_all(&path).unwrap();
}
