//! Items of a list, read one by one while the answer arrives: whoever asks for a large one holds neither
//! its text nor, once it is read, the memory for it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::value::RawValue;

use self::cut::{head, past_space, text_of, value};
use crate::listing::{Listing, UnreadableItem, misfit};

mod cut;

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

    #[cfg(any(test, feature = "launchdarkly", feature = "query-server"))]
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

    /// Reads as many items as there are, and tells how long what it read is.
    fn drain(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0_usize;
        if self.read.state == State::Head {
            match self.head(bytes) {
                Some(used) => at = used,
                None => return 0,
            }
        }
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            match self.read.state {
                State::Tail | State::Absent => {
                    self.read.rest.extend_from_slice(rest);
                    return bytes.len();
                }
                State::Broken => return bytes.len(),
                State::Head | State::First | State::Item | State::Behind => {}
            }
            // Once for all that is text.
            let (text, sound) = text_of(rest);
            let mut read = 0_usize;
            while let Some(used) = self.step(text.get(read..).unwrap_or_default(), sound) {
                read = read.saturating_add(used);
            }
            at = at.saturating_add(read);
            match self.read.state {
                State::Item if !sound => {
                    let Some(used) = self.item_of_bytes(bytes.get(at..).unwrap_or_default()) else {
                        return at;
                    };
                    at = at.saturating_add(used);
                }
                State::First | State::Item | State::Behind => return at,
                State::Head | State::Tail | State::Absent | State::Broken => {}
            }
        }
    }

    fn step(&mut self, text: &str, sound: bool) -> Option<usize> {
        match self.read.state {
            State::First | State::Behind => self.between(text, sound),
            State::Item => self.item(text),
            State::Head | State::Tail | State::Absent | State::Broken => None,
        }
    }

    /// What stands before the items.
    fn head(&mut self, bytes: &[u8]) -> Option<usize> {
        let Some(length) = head(self.member, bytes)? else {
            self.read.state = State::Absent;
            return Some(0);
        };
        let head = bytes.get(..length).unwrap_or_default();
        self.read.rest.extend_from_slice(head);
        self.read.state = State::First;
        Some(length)
    }

    /// What stands between items.
    fn between(&mut self, text: &str, sound: bool) -> Option<usize> {
        let Some((next, at)) = past_space(text.as_bytes()) else {
            if !sound {
                self.broken("is not text");
            }
            return None;
        };
        match (next, self.read.state) {
            (b']', _) => self.read.state = State::Tail,
            (b',', State::Behind) => {
                self.read.state = State::Item;
                return Some(at.saturating_add(1));
            }
            (_, State::First) => self.read.state = State::Item,
            _ => {
                self.broken("is not JSON");
                return None;
            }
        }
        Some(at)
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
        let json = serde_json::Deserializer::from_str(text);
        if let Ok((raw, used)) = value::<&RawValue>(json, text.as_bytes())? {
            self.unreadable(raw.get());
            self.read.state = State::Behind;
            return Some(used);
        }
        self.broken("is not JSON");
        None
    }

    /// An item in which something is no text, which costs nothing where nobody reads it.
    fn item_of_bytes(&mut self, bytes: &[u8]) -> Option<usize> {
        let json = serde_json::Deserializer::from_slice(bytes);
        let Ok((IgnoredAny, used)) = value(json, bytes)? else {
            self.broken("is not JSON");
            return None;
        };
        let raw = bytes.get(..used).unwrap_or_default();
        match serde_json::from_slice(raw) {
            Ok(item) => self.read.items.push(item),
            Err(_) => self.unreadable(&String::from_utf8_lossy(raw)),
        }
        self.read.state = State::Behind;
        Some(used)
    }

    fn unreadable(&mut self, raw: &str) {
        let mut json = serde_json::Deserializer::from_str(raw);
        let error = serde_path_to_error::deserialize::<_, T>(&mut json).err();
        // What is no text can be read in another way only.
        let why = |begin: &str| match &error {
            Some(error) => misfit(begin, error.path()),
            None if begin.is_empty() => "it is not text".to_owned(),
            None => format!("{begin} is not text"),
        };
        if self.read.reason.is_none() {
            self.read.reason = Some(why(&self.place()));
        }
        let members = serde_json::from_str::<HashMap<String, &RawValue>>(raw);
        let id = members.unwrap_or_default().remove(self.id);
        let id = id.and_then(|id| serde_json::from_str(id.get()).ok());
        let index = u64::try_from(self.read.count()).unwrap_or(u64::MAX);
        let item = UnreadableItem::new(index, id, why(""));
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
            let mut begun = std::mem::take(&mut self.read.begun);
            match self.drain(&begun) {
                used if used >= before && used > 0 => {
                    piece = piece.get(used.saturating_sub(before)..).unwrap_or_default();
                }
                used => {
                    begun.drain(..used);
                    self.keep(begun);
                    piece = after;
                }
            }
        }
        let used = self.drain(piece);
        self.keep(piece.get(used..).unwrap_or_default().to_vec());
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
    fn keep(&mut self, begun: Vec<u8>) {
        self.read.look = begun.len().saturating_mul(2).max(LOOK);
        self.read.begun = begun;
    }
}

/// How much there must be of what has begun to be looked at again, at least.
const LOOK: usize = if cfg!(test) { 1 } else { 1024 };

/// Without what was read, which may hold secrets.
impl<T> fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items")
            .field("member", &self.member)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
