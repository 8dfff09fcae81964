//! The form of a record file: a line a write, of which the last one counts.
//!
//! ```text
//! {"format":2,"sum":"91b3…","entry":{"name":"token/x","version":{…},"body":{…}}}
//! ```
//!
//! `sum` is taken over the text of `entry`. A last line without its end was being written when its
//! writer was stopped: nobody was told that it is there, and the one before it counts. A line that
//! has its end and does not fit its sum is damage, and nothing before it is believed.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

use hmac_sha256::Hash;

use crate::rotation::state::stored::Stored;

/// Longest line that is written or read.
pub(super) const LONGEST: usize = 8 << 20;
/// How much of a file is read at first: most lines are shorter.
const WINDOW: u64 = 16 << 10;
/// Depth of JSON that can be read back, with room for what is around a body.
const DEEPEST: usize = 100;

const HEAD: &str = "{\"format\":2,\"sum\":\"";
const MIDDLE: &str = "\",\"entry\":";
const TAIL: &str = "}\n";

/// What a record file holds.
pub(super) struct Last {
    pub(super) entry: Stored,
    /// Where the complete lines end, and where the file does.
    pub(super) complete: u64,
    pub(super) length: u64,
}

/// Why a record file gives no entry.
pub(super) enum Unread {
    Damaged(&'static str),
    Io(io::Error),
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The line of an entry, or why there can be none.
pub(super) fn line(entry: &Stored) -> Result<String, &'static str> {
    if deeper_than(&entry.body, DEEPEST) {
        return Err("its body is nested too deep");
    }
    let text = serde_json::to_string(entry).map_err(|_| "its body cannot be written as JSON")?;
    let line = [HEAD, &sum(text.as_bytes()), MIDDLE, &text, TAIL].concat();
    if line.len() > LONGEST {
        return Err("its body is too large");
    }
    Ok(line)
}

/// Reads the last complete line.
pub(super) fn last(file: &mut File) -> Result<Last, Unread> {
    let mut window = WINDOW;
    loop {
        let length = file.metadata()?.len();
        let start = length.saturating_sub(window);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.take(window).read_to_end(&mut bytes)?;
        let read = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let whole = bytes.iter().rposition(|b| *b == b'\n');
        let lines = bytes
            .get(..whole.map_or(0, |at| at + 1))
            .unwrap_or_default();
        let before = lines.strip_suffix(b"\n").unwrap_or_default();
        let from = match before.iter().rposition(|b| *b == b'\n') {
            Some(at) => at + 1,
            None if start == 0 => 0,
            None if window > 4 * LONGEST as u64 => {
                return Err(Unread::Damaged("holds a line that is too long"));
            }
            None => {
                window *= 4;
                continue;
            }
        };
        if lines.is_empty() {
            return Err(Unread::Damaged("holds no complete record"));
        }
        let entry = parsed(lines.get(from..).unwrap_or_default());
        return Ok(Last {
            entry: entry.map_err(Unread::Damaged)?,
            complete: start + lines.len() as u64,
            length: start + read,
        });
    }
}

fn parsed(line: &[u8]) -> Result<Stored, &'static str> {
    const DAMAGED: &str = "is damaged: its last record does not fit its checksum";
    let rest = line.strip_prefix(HEAD.as_bytes()).ok_or_else(|| {
        // Written with care by another version, or by nobody.
        match serde_json::from_slice::<serde_json::Value>(line) {
            Ok(value) if value.get("format").is_some() => {
                "was written by another version of this software"
            }
            _ => DAMAGED,
        }
    })?;
    let (claimed, rest) = rest.split_at_checked(16).ok_or(DAMAGED)?;
    let rest = rest.strip_prefix(MIDDLE.as_bytes()).ok_or(DAMAGED)?;
    let text = rest.strip_suffix(TAIL.as_bytes()).ok_or(DAMAGED)?;
    if sum(text).as_bytes() != claimed {
        return Err(DAMAGED);
    }
    serde_json::from_slice(text).map_err(|_| "holds something that is no entry")
}

fn sum(text: &[u8]) -> String {
    let mut sum = String::with_capacity(16);
    for byte in Hash::hash(text).iter().take(8) {
        let _ = write!(sum, "{byte:02x}");
    }
    sum
}

/// Whether JSON is nested deeper than this, looking no further.
fn deeper_than(value: &serde_json::Value, most: usize) -> bool {
    let Some(most) = most.checked_sub(1) else {
        return true;
    };
    match value {
        serde_json::Value::Array(items) => items.iter().any(|item| deeper_than(item, most)),
        serde_json::Value::Object(members) => members.values().any(|v| deeper_than(v, most)),
        _ => false,
    }
}
