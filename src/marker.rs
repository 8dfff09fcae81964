//! A mark in a token's name or description, by which a token whose answer was lost is found again.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Mark in the name or description of a token, put there when it is created, by which it is found
/// again.
///
/// If the answer to a create is lost, nobody holds the secret of the token that may exist. With a
/// marker it can be told from all others and removed. In a text a marker is `at~`, sixteen
/// characters of `a` to `z` and `0` to `9`, and, where an owner of many attempts made it, a dot and
/// the number of the attempt: a form that nobody writes by accident.
///
/// ```
/// use access_tokens::Marker;
///
/// let marker = Marker::random();
/// let text = marker.appended_to("nightly export");
/// assert_eq!(Marker::in_text(&text), Some(marker));
/// assert_eq!(Marker::stripped(&text), "nightly export");
///
/// // Kept somewhere until it is certain that nothing carries it:
/// # let marker = Marker::random();
/// let kept = marker.to_string();
/// assert_eq!(kept.parse(), Ok(marker));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
// Most records carry none: a thin pointer keeps them small.
pub struct Marker(Box<Box<str>>);

const PREFIX: &str = "at~";
const LENGTH: usize = 16;

impl Marker {
    /// A marker that nobody else has: 80 random bits, no number.
    #[must_use]
    pub fn random() -> Self {
        const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        let letter = || ALPHABET.get(fastrand::usize(..ALPHABET.len())).copied();
        let owner = std::iter::repeat_with(letter).take(LENGTH).flatten();
        Self(Box::new(owner.map(char::from).collect()))
    }

    /// The same owner's marker of an attempt.
    #[must_use]
    pub fn attempt(&self, number: u64) -> Self {
        Self(Box::new(format!("{}.{number}", self.owner()).into()))
    }

    /// The part that all attempts of one owner share.
    #[must_use]
    pub fn owner(&self) -> &str {
        self.0
            .split_once('.')
            .map_or(self.as_str(), |(owner, _)| owner)
    }

    /// The number of the attempt, if it has one.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        self.0.split_once('.').and_then(|(_, n)| n.parse().ok())
    }

    /// The marker without its prefix.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text with this marker at its end, after a space, instead of any other.
    #[must_use]
    pub fn appended_to(&self, text: &str) -> String {
        self.appended_after(text, ' ')
    }

    /// The text with this marker at its end, after a separator (a space or a hyphen), instead of
    /// any other: a hyphen makes a name that is easy to type.
    #[must_use]
    pub fn appended_after(&self, text: &str, separator: char) -> String {
        let text = Self::stripped(text).trim_end();
        if text.is_empty() {
            self.to_string()
        } else {
            format!("{text}{separator}{self}")
        }
    }

    /// The marker at the end of a text, if there is one.
    #[must_use]
    pub fn in_text(text: &str) -> Option<Self> {
        Self::split(text).map(|(_, marker)| marker)
    }

    /// The text without the marker at its end.
    #[must_use]
    pub fn stripped(text: &str) -> &str {
        Self::split(text).map_or(text, |(before, _)| before)
    }

    fn split(text: &str) -> Option<(&str, Self)> {
        let (before, marker) = text.rsplit_once(PREFIX)?;
        let marker = Self::checked(marker)?;
        if before.is_empty() {
            return Some((before, marker));
        }
        let before = before.strip_suffix([' ', '-'])?;
        Some((before.trim_end(), marker))
    }

    fn checked(text: &str) -> Option<Self> {
        let (owner, number) = match text.split_once('.') {
            Some((owner, number)) => (owner, Some(number)),
            None => (text, None),
        };
        let fits = owner.len() == LENGTH
            && owner.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
            // The one way to write a number: no sign, no leading zero.
            && number.is_none_or(|n| n.parse::<u64>().is_ok_and(|parsed| parsed.to_string() == n));
        fits.then(|| Self(Box::new(text.into())))
    }
}

/// `at~` and the marker, as it stands in a name or description.
impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.0)
    }
}

/// Text that is no [`Marker`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a marker is 16 lower-case letters and digits, and at most a dot and a number after them")]
pub struct ParseMarkerError(());

impl FromStr for Marker {
    type Err = ParseMarkerError;

    fn from_str(text: &str) -> Result<Self, ParseMarkerError> {
        let text = text.strip_prefix(PREFIX).unwrap_or(text);
        Self::checked(text).ok_or(ParseMarkerError(()))
    }
}

impl TryFrom<String> for Marker {
    type Error = ParseMarkerError;

    fn try_from(text: String) -> Result<Self, ParseMarkerError> {
        text.parse()
    }
}

impl From<Marker> for String {
    fn from(marker: Marker) -> Self {
        (*marker.0).into()
    }
}
