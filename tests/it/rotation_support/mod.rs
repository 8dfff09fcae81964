//! What the tests of rotations share.
#![allow(dead_code, reason = "each test uses a part")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what fails here fails the test"
)]

pub(crate) mod watched;
pub(crate) mod world;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use access_tokens::Secret;

/// A directory that is gone after the test.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("rotation-test-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The secret that a file holds.
pub(crate) fn secret_in(path: &Path) -> Option<Secret> {
    std::fs::read_to_string(path).ok().map(Secret::new)
}
