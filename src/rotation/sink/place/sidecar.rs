//! The file beside a file: versions and labels of what the sinks put there, and what was there before.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::fmt::{self, Write as _};
use std::hash::{BuildHasher as _, Hasher as _};
use std::path::Path;
use std::sync::OnceLock;

use hmac_sha256::HMAC;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use zeroize::Zeroizing;

use super::meta::Meta;
use crate::marker::Marker;
use crate::rotation::sink::{Holds, SinkVersion};

const FORMAT: u32 = 1;

/// How many earlier contents are kept.
const KEPT: usize = 4;

/// What is kept beside a file. Written before the file itself: the fingerprint of what is really
/// there tells which of the two states it describes is true.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Sidecar {
    format: u32,
    /// The name of the file.
    of: String,
    /// Of the fingerprints, so that they tell nothing without this file.
    key: Kept,
    entries: BTreeMap<String, Entry>,
    /// The last write over what was in the file, which may have been cut short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    over: Option<Over>,
}

/// A write over what is in a file: all of it, before and after.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Over {
    pub(super) old: Kept,
    pub(super) new: Kept,
}

/// State of one thing in the file: of all of it, or of one key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    /// What was there when this was written.
    now: Held,
    /// What was about to be put there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<Held>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    former: Vec<Former>,
}

/// Something that is in the file, or was to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Held {
    version: SinkVersion,
    /// Whose it is; `None`: somebody else's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) attempt: Option<Marker>,
    fingerprint: String,
    /// What the file was left with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) left: Option<Meta>,
}

/// What was there before.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Former {
    pub(super) attempt: Marker,
    /// `None`: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) part: Option<Kept>,
    /// What belonged to the file; `None`: there was no file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) meta: Option<Meta>,
    /// Whether a line end had to be put before what took its place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) joined: bool,
}

/// What a sink holds, by what is really in the file.
#[derive(Debug)]
pub(super) struct Now {
    pub(super) version: SinkVersion,
    pub(super) holds: Holds,
    pub(super) held: Option<Held>,
}

/// Why a sidecar cannot be used.
#[derive(Debug)]
pub(super) enum Unusable {
    Damaged,
    Newer,
    Another,
}

impl Sidecar {
    pub(super) fn new(file: &Path) -> Self {
        Self {
            format: FORMAT,
            of: name_of(file),
            key: Kept::new(&random()),
            entries: BTreeMap::new(),
            over: None,
        }
    }

    pub(super) fn parse(bytes: &[u8], file: &Path) -> Result<Self, Unusable> {
        #[derive(Deserialize)]
        struct Any {
            format: u32,
        }

        let any: Any = serde_json::from_slice(bytes).map_err(|_| Unusable::Damaged)?;
        if any.format != FORMAT {
            return Err(Unusable::Newer);
        }
        let this: Self = serde_json::from_slice(bytes).map_err(|_| Unusable::Damaged)?;
        if this.of == name_of(file) {
            Ok(this)
        } else {
            Err(Unusable::Another)
        }
    }

    pub(super) fn bytes(&self) -> Option<Zeroizing<Vec<u8>>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(16 << 10));
        serde_json::to_writer_pretty(&mut *bytes, self).ok()?;
        Some(bytes)
    }

    /// What is in the file, given what can be read of it.
    pub(super) fn judge(this: Option<&Self>, name: &str, part: Option<&[u8]>) -> Now {
        let empty = part.is_none_or(<[u8]>::is_empty);
        let found = this.and_then(|this| Some((this, this.entries.get(name)?)));
        let Some((this, entry)) = found else {
            // Good within this process, which is all that a version of somebody else's content is
            // needed for.
            let version = format!("unlabelled-{}", fingerprint(process_key(), part));
            return Now {
                version: SinkVersion::new(version),
                holds: if empty { Holds::Nothing } else { Holds::Other },
                held: None,
            };
        };
        let print = fingerprint(&this.key.0, part);
        let known = entry.next.iter().chain([&entry.now]);
        if let Some(held) = known.into_iter().find(|held| held.fingerprint == print) {
            return Now {
                version: held.version.clone(),
                holds: match &held.attempt {
                    _ if empty => Holds::Nothing,
                    Some(attempt) => Holds::Attempt(attempt.clone()),
                    None => Holds::Other,
                },
                held: Some(held.clone()),
            };
        }
        let last = entry.next.as_ref().unwrap_or(&entry.now);
        Now {
            version: SinkVersion::new(format!("{}+{print}", last.version)),
            holds: if empty { Holds::Nothing } else { Holds::Other },
            held: None,
        }
    }

    pub(super) fn former(&self, name: &str, attempt: &Marker) -> Option<&Former> {
        let mut former = self.entries.get(name)?.former.iter();
        former.find(|former| former.attempt == *attempt)
    }

    /// Whether the file was made for what is in it now.
    pub(super) fn made_the_file(&self) -> bool {
        let mut former = self.entries.values().flat_map(|entry| &entry.former);
        former.any(|former| former.part.is_none() && former.meta.is_none())
    }

    /// A new version for this content.
    pub(super) fn held(
        &self,
        attempt: Option<Marker>,
        part: Option<&[u8]>,
        left: Option<Meta>,
    ) -> Held {
        let id: String = std::iter::repeat_with(fastrand::alphanumeric)
            .take(20)
            .collect();
        Held {
            version: SinkVersion::new(id),
            attempt,
            fingerprint: fingerprint(&self.key.0, part),
            left,
        }
    }

    /// The version that this content is at already.
    pub(super) fn held_at(
        &self,
        version: SinkVersion,
        part: Option<&[u8]>,
        left: Option<Meta>,
    ) -> Held {
        let held = self.held(None, part, left);
        Held { version, ..held }
    }

    /// Writes down what is about to be written over what.
    pub(super) fn begin(&mut self, over: Option<Over>) {
        self.over = over;
    }

    /// What the file was to be when somebody was cut short while writing over it.
    pub(super) fn cut_short(&self, file: &[u8]) -> Option<&[u8]> {
        let Over { old, new } = self.over.as_ref()?;
        let (old, new) = (old.0.as_slice(), new.0.as_slice());
        let done = file.iter().zip(new).take_while(|(a, b)| a == b).count();
        let rest = (file.get(done..), old.get(done..).unwrap_or_default());
        (file != old && file != new && rest.0 == Some(rest.1)).then_some(new)
    }

    /// Writes down what is there, what will be, and what is kept of what was there; what is about to
    /// be put back is kept until it is there.
    pub(super) fn advance(
        &mut self,
        name: &str,
        now: Held,
        next: Option<Held>,
        outgoing: Option<Former>,
        incoming: Option<&Marker>,
    ) {
        let mut former = self
            .entries
            .remove(name)
            .map(|entry| entry.former)
            .unwrap_or_default();
        if let Some(outgoing) = outgoing {
            former.retain(|other| other.attempt != outgoing.attempt);
            former.insert(0, outgoing);
        }
        former.sort_by_key(|former| Some(&former.attempt) != incoming);
        former.truncate(KEPT);
        let entry = Entry { now, next, former };
        self.entries.insert(name.to_owned(), entry);
    }

    /// Whether somebody uses the file in another way: as a whole, or key by key.
    pub(super) fn clashes(&self, name: &str) -> bool {
        self.entries
            .keys()
            .any(|other| other.is_empty() != name.is_empty())
    }
}

impl Held {
    pub(super) fn version(&self) -> SinkVersion {
        self.version.clone()
    }

    pub(super) fn same_content(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}

/// The last part only, so that a directory can be moved.
fn name_of(file: &Path) -> String {
    file.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn fingerprint(key: &[u8], part: Option<&[u8]>) -> String {
    let mut mac = HMAC::new(key);
    mac.update([u8::from(part.is_some())]);
    mac.update(part.unwrap_or_default());
    hex(mac.finalize().get(..16).unwrap_or_default())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn process_key() -> &'static [u8] {
    static KEY: OnceLock<Vec<u8>> = OnceLock::new();
    KEY.get_or_init(random)
}

/// 256 bits from the keys that the standard library draws for its hash maps.
fn random() -> Vec<u8> {
    let one = || RandomState::new().build_hasher().finish().to_le_bytes();
    std::iter::repeat_with(one).take(4).flatten().collect()
}

/// Bytes that may hold a secret.
#[derive(Clone)]
pub(super) struct Kept(pub(super) Zeroizing<Vec<u8>>);

impl Kept {
    pub(super) fn new(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Serialize for Kept {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = Zeroizing::new(match std::str::from_utf8(&self.0) {
            Ok(text) => format!("text:{text}"),
            Err(_) => format!("hex:{}", hex(&self.0)),
        });
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Kept {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        if let Some(text) = text.strip_prefix("text:") {
            return Ok(Self::new(text.as_bytes()));
        }
        let bytes = text.strip_prefix("hex:").and_then(|digits| {
            let pairs = digits.as_bytes().chunks(2);
            let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
            pairs.map(byte).collect::<Option<Vec<u8>>>()
        });
        let bytes = bytes.ok_or_else(|| de::Error::custom("neither text nor hex"))?;
        Ok(Self(Zeroizing::new(bytes)))
    }
}
