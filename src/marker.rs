//! A mark in a token's name or description, by which a token whose answer was lost is found again.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A mark that is put into the name or description of a token when it is created.
///
/// If the answer to a create is lost, nobody holds the secret of the token that may exist. With a
/// marker it can be told from all others and removed.
///
/// ```
/// use access_tokens::Marker;
///
/// let marker = Marker::random();
/// let text = marker.appended_to("nightly export");
/// assert_eq!(Marker::in_text(&text), Some(marker));
/// assert_eq!(Marker::stripped(&text), "nightly export");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Marker(String);

const PREFIX: &str = "marker:";
const MIN: usize = 8;
const MAX: usize = 32;

impl Marker {
    /// A marker that nobody else has: 80 random bits.
    #[must_use]
    pub fn random() -> Self {
        Self(
            std::iter::repeat_with(fastrand::alphanumeric)
                .take(16)
                .collect::<String>()
                .to_lowercase(),
        )
    }

    /// The marker without its prefix.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text with this marker at its end, instead of any other.
    #[must_use]
    pub fn appended_to(&self, text: &str) -> String {
        let text = Self::stripped(text).trim_end();
        if text.is_empty() {
            self.to_string()
        } else {
            format!("{text} {self}")
        }
    }

    /// The marker at the end of a text, if there is one.
    #[must_use]
    pub fn in_text(text: &str) -> Option<Self> {
        Self::split(text).and_then(|(_, marker)| marker.parse().ok())
    }

    /// The text without the marker at its end.
    #[must_use]
    pub fn stripped(text: &str) -> &str {
        match Self::split(text) {
            Some((before, marker)) if marker.parse::<Self>().is_ok() => before.trim_end(),
            _ => text,
        }
    }

    fn split(text: &str) -> Option<(&str, &str)> {
        let (before, marker) = text.rsplit_once(PREFIX)?;
        (before.is_empty() || before.ends_with(' ')).then_some((before, marker))
    }
}

/// `marker:` and the marker, as it stands in a name or description.
impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.0)
    }
}

/// Text that cannot be a marker.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a marker is 8 to 32 lower-case letters and digits")]
pub struct ParseMarkerError(());

impl FromStr for Marker {
    type Err = ParseMarkerError;

    fn from_str(text: &str) -> Result<Self, ParseMarkerError> {
        let text = text.strip_prefix(PREFIX).unwrap_or(text);
        let fits = (MIN..=MAX).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseMarkerError(()))
        }
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
        marker.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_comes_back_out_of_a_text() {
        let (first, second) = (Marker::random(), Marker::random());
        assert_ne!(first, second);
        for text in ["", "x", "a marker:", "marker:short", "x marker:UPPERCASE1"] {
            let marked = first.appended_to(text);
            assert_eq!(Marker::in_text(&marked), Some(first.clone()), "{marked}");
            assert_eq!(Marker::stripped(&marked), text);
            // A second one takes the place of the first.
            assert_eq!(Marker::stripped(&second.appended_to(&marked)), text);
        }
        assert_eq!(Marker::in_text("benchmarker:abcdefgh1"), None);
        assert_eq!(Marker::in_text("marker:abcdefgh1 and more"), None);
    }
}
