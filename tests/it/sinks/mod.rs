//! Where secrets go: files, dotenv files, commands, closures.

mod command;
mod dotenv;
mod file;
mod places;
mod races;
mod readers;
mod words;

use std::path::Path;

use access_tokens::rotation::sink::{Delivery, Sink, SinkError, SinkVersion, Written};
use access_tokens::{Marker, Secret, Service, TokenKey, TokenRecord};

use crate::support::Scratch;

const SECRET: &str = "canary-0123456789";

/// One rotation: its owner, and the attempts that it makes.
struct Owner(Marker);

impl Owner {
    fn new() -> Self {
        Self(Marker::random())
    }

    fn attempt(&self, number: u64) -> Marker {
        self.0.attempt(number)
    }

    /// Delivers the secret of an attempt in the place of that before it.
    async fn deliver(
        &self,
        sink: &impl Sink,
        number: u64,
        secret: &str,
    ) -> Result<Written, SinkError> {
        let seen = sink.observe().await?.version;
        self.deliver_at(sink, number, secret, seen.as_ref()).await
    }

    async fn deliver_at(
        &self,
        sink: &impl Sink,
        number: u64,
        secret: &str,
        seen: Option<&SinkVersion>,
    ) -> Result<Written, SinkError> {
        let token = TokenRecord::new(Service::LAUNCH_DARKLY, TokenKey::new("key"));
        let secret = Secret::new(secret);
        let (attempt, replaces) = (self.attempt(number), self.attempt(number - 1));
        let delivery = Delivery::new(&secret, &token, &attempt, &replaces).with_seen(seen);
        sink.deliver(&delivery).await
    }

    /// Puts back what an attempt left.
    async fn restore(&self, sink: &impl Sink, number: u64) -> Result<Written, SinkError> {
        let seen = sink.observe().await?.version;
        let seen = seen.unwrap_or_else(|| SinkVersion::new("none"));
        sink.restore(&self.attempt(number), &seen).await
    }
}

/// Delivers a first secret.
async fn deliver(sink: &impl Sink, secret: &str) -> Result<Written, SinkError> {
    Owner::new().deliver(sink, 1, secret).await
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// The names of everything in the directory, in their order.
fn files(scratch: &Scratch) -> Vec<String> {
    let entries = std::fs::read_dir(scratch.path("")).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;

    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;

    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}
