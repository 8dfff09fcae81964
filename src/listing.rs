//! What came of a list: the items, and those among them that cannot be read.

use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

use crate::text::escape_untrusted;

/// Items of a list, with a note on each one that cannot be read.
///
/// One odd item does not hide the others: [`unreadable`](Self::unreadable) names it by its place
/// and, where that can be had, its id. Look there before taking what is not listed for absent.
///
/// It reads like a slice of the items, and iterates over them; as JSON it is the items alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Listing<T> {
    items: Vec<T>,
    #[serde(skip)]
    unreadable: Vec<UnreadableItem>,
}

/// Note on an item of a list that cannot be read.
///
/// It holds no value of the item but its id, so no secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UnreadableItem {
    /// The place in the list, from 0.
    pub index: u64,
    /// The id, or on Query Server the name, where the item has one that can be read.
    pub id: Option<String>,
    /// What is wrong with it, for people.
    pub reason: String,
}

impl UnreadableItem {
    /// A note for those who implement [`TokenService`](crate::TokenService). The reason is printed:
    /// it must not hold a secret.
    pub fn new(index: u64, id: Option<String>, reason: impl Into<String>) -> Self {
        Self {
            index,
            id,
            reason: reason.into(),
        }
    }
}

impl fmt::Display for UnreadableItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "item {}", self.index)?;
        if let Some(id) = &self.id {
            write!(f, " ({})", escape_untrusted(id, 64))?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl<T> Listing<T> {
    pub(crate) fn new(items: Vec<T>, unreadable: Vec<UnreadableItem>) -> Self {
        Self { items, unreadable }
    }

    /// The items that cannot be read; empty in the normal case.
    #[must_use]
    pub fn unreadable(&self) -> &[UnreadableItem] {
        &self.unreadable
    }

    /// Whether the list has neither items nor unreadable ones.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty() && self.unreadable.is_empty()
    }

    /// The items, without the notes on those that cannot be read.
    #[must_use]
    pub fn into_items(self) -> Vec<T> {
        self.items
    }

    /// The items and the notes.
    #[must_use]
    pub fn into_parts(self) -> (Vec<T>, Vec<UnreadableItem>) {
        (self.items, self.unreadable)
    }

    /// The first unreadable item that may be the one with this id: it has the id, or none that can
    /// be read.
    #[cfg(any(
        feature = "avisi-cloud",
        feature = "query-server",
        feature = "rotation"
    ))]
    pub(crate) fn may_hide(&self, id: &str) -> Option<&UnreadableItem> {
        let may = |item: &&UnreadableItem| item.id.as_deref().is_none_or(|other| other == id);
        self.unreadable.iter().find(may)
    }

    /// The item that is wanted, or `None`; an error if one that cannot be read may be it.
    #[cfg(any(feature = "query-server", feature = "avisi-cloud"))]
    pub(crate) fn find(
        self,
        id: &str,
        wanted: impl Fn(&T) -> bool,
    ) -> Result<Option<T>, UnreadableItem> {
        let hidden = self.may_hide(id).cloned();
        match (self.items.into_iter().find(wanted), hidden) {
            (None, Some(item)) => Err(item),
            (found, _) => Ok(found),
        }
    }
}

/// The place in the list of the item with this number among the readable ones.
#[cfg(feature = "avisi-cloud")]
pub(crate) fn place_of(number: usize, unreadable: &[UnreadableItem]) -> u64 {
    let mut place = u64::try_from(number).unwrap_or(u64::MAX);
    for item in unreadable {
        place = place.saturating_add(u64::from(item.index <= place));
    }
    place
}

impl<T> Default for Listing<T> {
    fn default() -> Self {
        Self::new(Vec::new(), Vec::new())
    }
}

impl<T> From<Vec<T>> for Listing<T> {
    fn from(items: Vec<T>) -> Self {
        Self::new(items, Vec::new())
    }
}

impl<T> Deref for Listing<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items
    }
}

impl<T> IntoIterator for Listing<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Listing<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

/// What does not fit its document, by the names and numbers on the way there, which begins here; never
/// what it holds.
pub(crate) fn misfit(begin: &str, path: &serde_path_to_error::Path) -> String {
    let path = path.to_string();
    let path = match (begin, path.as_str()) {
        ("", ".") => "it",
        (begin, ".") => begin,
        ("", path) => path,
        (begin, path) if path.starts_with('[') => &format!("{begin}{path}"),
        (begin, path) => &format!("{begin}.{path}"),
    };
    let path = escape_untrusted(path, 200);
    format!("{path} is missing something or not of the documented type")
}
