//! Items of a list, read one by one while the answer arrives: whoever asks for a large one holds neither
//! its text nor, once it is read, the memory for it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use serde::de::{Deserialize, DeserializeOwned, IgnoredAny};
use serde_json::value::RawValue;

use crate::listing::{Listing, UnreadableItem, misfit};

/// What reads a body while it arrives.
pub(crate) trait Arriving: fmt::Debug + Send {
    /// Begins anew, with the body of another answer.
    fn restart(&mut self);

    /// Reads what came next.
    fn take(&mut self, piece: &[u8]);

    /// At the end: what came beside the items, which is JSON with an empty list in their place.
    fn rest(&mut self) -> Vec<u8>;
}

/// Who reads the body of a call, shared with who waits for what comes of it.
pub(crate) type Reading = Arc<Mutex<dyn Arriving>>;

/// The items of a list.
pub(crate) struct Items<T> {
    /// The member that holds them; without one, the answer is the list.
    member: Option<&'static str>,
    /// The member of an item by which it is named where it cannot be read.
    id: &'static str,
    /// Whether the answer may be one to this question though nothing in it can be read.
    believed: bool,
    read: Read<T>,
}

/// How far the body is read, and what came of it.
struct Read<T> {
    state: State,
    /// What has begun and did not end in the pieces so far.
    begun: Vec<u8>,
    /// How long that must be to be looked at again, so that a long item in small pieces is not read
    /// anew for each.
    look: usize,
    rest: Vec<u8>,
    items: Vec<T>,
    unreadable: Vec<UnreadableItem>,
    /// What is wrong with the first of them, or with the whole.
    reason: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the items.
    Head,
    /// Before the first, or the end.
    First,
    /// Behind a comma.
    Item,
    /// Behind an item.
    Behind,
    /// Behind all of them.
    Tail,
    /// There is no list where it should be.
    Absent,
    /// No JSON.
    Broken,
}

impl<T> Read<T> {
    const fn new() -> Self {
        Self {
            state: State::Head,
            begun: Vec::new(),
            look: 0,
            rest: Vec::new(),
            items: Vec::new(),
            unreadable: Vec::new(),
            reason: None,
        }
    }

    fn count(&self) -> usize {
        self.items.len().saturating_add(self.unreadable.len())
    }
}

impl<T: DeserializeOwned> Items<T> {
    /// Those of an answer that is a list.
    pub(crate) const fn new(id: &'static str) -> Self {
        Self {
            member: None,
            id,
            believed: false,
            read: Read::new(),
        }
    }

    #[cfg(any(feature = "launchdarkly", feature = "query-server"))]
    /// Those in this member of the answer.
    pub(crate) const fn within(mut self, member: &'static str) -> Self {
        self.member = Some(member);
        self
    }

    #[cfg(feature = "launchdarkly")]
    /// Whether an answer of which nothing can be read is one to this question.
    pub(crate) const fn believed(mut self, believed: bool) -> Self {
        self.believed = believed;
        self
    }

    /// What was read; `None` if there is no list where it should be. The error says what is wrong with
    /// the answer.
    pub(crate) fn listing(&mut self) -> Result<Option<Listing<T>>, String> {
        let read = std::mem::replace(&mut self.read, Read::new());
        // Of which nothing can be read may be the answer to another question.
        let unknown = !self.believed && read.items.is_empty();
        match read {
            Read {
                reason: Some(reason),
                state,
                ..
            } if unknown || state == State::Broken => Err(reason),
            Read {
                state: State::Absent,
                ..
            } => Ok(None),
            read => Ok(Some(Listing::new(read.items, read.unreadable))),
        }
    }

    /// Reads as many items as there are, and tells how much of the text they are.
    fn drain(&mut self, bytes: &[u8]) -> usize {
        let (text, sound) = match std::str::from_utf8(bytes) {
            Ok(text) => (text, true),
            Err(error) => {
                let text = bytes.get(..error.valid_up_to()).unwrap_or_default();
                let cut = error.error_len().is_none();
                (std::str::from_utf8(text).unwrap_or_default(), cut)
            }
        };
        let mut at = 0;
        while let Some(used) = self.step(text.get(at..).unwrap_or_default()) {
            at = at.saturating_add(used);
        }
        match self.read.state {
            State::Tail | State::Absent => {
                let rest = bytes.get(at..).unwrap_or_default();
                self.read.rest.extend_from_slice(rest);
                bytes.len()
            }
            State::Broken => bytes.len(),
            State::Head if !sound => {
                self.read.state = State::Absent;
                self.read.rest.extend_from_slice(bytes);
                bytes.len()
            }
            _ if !sound => {
                self.broken("is not text");
                bytes.len()
            }
            _ => at,
        }
    }

    /// One step, and how long what it read is; `None` if that takes more text, or if there are no items
    /// to be read.
    fn step(&mut self, text: &str) -> Option<usize> {
        match self.read.state {
            State::Head => {
                let Some(length) = head(self.member, text)? else {
                    self.read.state = State::Absent;
                    return None;
                };
                let head = text.get(..length).unwrap_or_default();
                self.read.rest.extend_from_slice(head.as_bytes());
                self.read.state = State::First;
                Some(length)
            }
            State::First | State::Behind => {
                let (next, at) = past_space(text)?;
                self.read.state = match (next, self.read.state) {
                    (b']', _) => {
                        self.read.state = State::Tail;
                        return Some(at);
                    }
                    (b',', State::Behind) => State::Item,
                    (_, State::First) => {
                        self.read.state = State::Item;
                        return Some(at);
                    }
                    _ => {
                        self.broken("is not JSON");
                        return None;
                    }
                };
                Some(at.saturating_add(1))
            }
            State::Item => self.item(text),
            State::Tail | State::Absent | State::Broken => None,
        }
    }

    fn item(&mut self, text: &str) -> Option<usize> {
        let mut json = serde_json::Deserializer::from_str(text).into_iter();
        let error = match json.next()? {
            Ok(_) if json.byte_offset() == text.len() => return None,
            Ok(item) => {
                self.read.items.push(item);
                self.read.state = State::Behind;
                return Some(json.byte_offset());
            }
            Err(error) => error,
        };
        if error.is_eof() {
            return None;
        }
        match value::<&RawValue>(text)? {
            Ok((raw, used)) => {
                self.unreadable(raw);
                self.read.state = State::Behind;
                Some(used)
            }
            Err(error) => {
                if !error.is_eof() {
                    self.broken("is not JSON");
                }
                None
            }
        }
    }

    fn unreadable(&mut self, raw: &RawValue) {
        let mut json = serde_json::Deserializer::from_str(raw.get());
        let place = self.place();
        let (reason, within) = match serde_path_to_error::deserialize::<_, T>(&mut json) {
            Err(error) => (misfit("", error.path()), misfit(&place, error.path())),
            // What a type reads in one way and not in another.
            Ok(_) => (
                "it cannot be read".to_owned(),
                format!("{place} cannot be read"),
            ),
        };
        let members = serde_json::from_str::<HashMap<String, &RawValue>>(raw.get());
        let id = members.unwrap_or_default().remove(self.id);
        let id = id.and_then(|id| serde_json::from_str(id.get()).ok());
        let index = u64::try_from(self.read.count()).unwrap_or(u64::MAX);
        self.read.reason.get_or_insert(within);
        let item = UnreadableItem::new(index, id, reason);
        self.read.unreadable.push(item);
    }

    fn broken(&mut self, how: &str) {
        self.read.reason = Some(format!("{} {how}", self.place()));
        self.read.state = State::Broken;
    }

    /// Where the next item is in the answer.
    fn place(&self) -> String {
        format!("{}[{}]", self.member.unwrap_or_default(), self.read.count())
    }
}

impl<T: DeserializeOwned + Send> Arriving for Items<T> {
    fn restart(&mut self) {
        self.read = Read::new();
    }

    fn take(&mut self, mut piece: &[u8]) {
        // What began in an earlier piece is put together with as little of this one as it takes.
        while !self.read.begun.is_empty() {
            let before = self.read.begun.len();
            let wanted = self.read.look.saturating_sub(before);
            let (part, after) = piece.split_at_checked(wanted).unwrap_or((piece, &[]));
            self.read.begun.extend_from_slice(part);
            if part.len() < wanted {
                return;
            }
            let begun = std::mem::take(&mut self.read.begun);
            match self.drain(&begun) {
                used if used >= before && used > 0 => {
                    piece = piece.get(used.saturating_sub(before)..).unwrap_or_default();
                }
                used => {
                    self.keep(begun.get(used..).unwrap_or_default());
                    piece = after;
                }
            }
        }
        let used = self.drain(piece);
        self.keep(piece.get(used..).unwrap_or_default());
    }

    fn rest(&mut self) -> Vec<u8> {
        let begun = std::mem::take(&mut self.read.begun);
        self.drain(&begun);
        match self.read.state {
            State::Head => {
                self.read.state = State::Absent;
                self.read.rest = begun;
            }
            State::First | State::Item | State::Behind => {
                self.broken("is not whole");
            }
            State::Tail | State::Absent | State::Broken => {}
        }
        std::mem::take(&mut self.read.rest)
    }
}

impl<T> Items<T> {
    fn keep(&mut self, begun: &[u8]) {
        self.read.look = begun.len().saturating_mul(2).max(1024);
        self.read.begun = begun.to_vec();
    }
}

/// Without what was read, which may hold secrets.
impl<T> fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items")
            .field("member", &self.member)
            .finish_non_exhaustive()
    }
}

/// The value that a text begins with, and where it ends; `None` if there is more of it to come.
fn value<'a, T: Deserialize<'a>>(text: &'a str) -> Option<serde_json::Result<(T, usize)>> {
    let mut json = serde_json::Deserializer::from_str(text).into_iter();
    match json.next()? {
        // A number may go on.
        Ok(_) if json.byte_offset() == text.len() => None,
        Ok(value) => Some(Ok((value, json.byte_offset()))),
        Err(error) => Some(Err(error)),
    }
}

/// The next byte that is no space, and where it is.
fn past_space(text: &str) -> Option<(u8, usize)> {
    let bytes = text.as_bytes();
    let at = bytes.iter().position(|byte| !b" \t\r\n".contains(byte))?;
    Some((*bytes.get(at)?, at))
}

/// What stands before the first item, with the bracket: `None` if there is more of it to come, and
/// `Some(None)` if no items follow.
#[expect(clippy::option_option, reason = "more to come, or nothing")]
fn head(member: Option<&str>, text: &str) -> Option<Option<usize>> {
    let (first, mut at) = past_space(text)?;
    let ahead = |at: usize| text.get(at..).unwrap_or_default();
    // What is next, if it is this, and what is behind that.
    let expect = |byte: u8, at: usize| {
        let (next, space) = past_space(ahead(at))?;
        Some((next == byte).then(|| at.saturating_add(space).saturating_add(1)))
    };
    let Some(member) = member else {
        return Some((first == b'[').then(|| at.saturating_add(1)));
    };
    if first != b'{' {
        return Some(None);
    }
    loop {
        at = at.saturating_add(1);
        let name = match value::<String>(ahead(at))? {
            Ok((name, used)) => {
                at = at.saturating_add(used);
                name
            }
            Err(error) => return if error.is_eof() { None } else { Some(None) },
        };
        let Some(behind) = expect(b':', at)? else {
            return Some(None);
        };
        if name == member {
            return expect(b'[', behind);
        }
        match value::<IgnoredAny>(ahead(behind))? {
            Ok((_, used)) => at = behind.saturating_add(used),
            Err(error) => return if error.is_eof() { None } else { Some(None) },
        }
        let Some(comma) = expect(b',', at)? else {
            return Some(None);
        };
        at = comma.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests;
