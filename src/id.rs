//! Names of things: services, and ids that are safe to put into a path.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Mutex;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::sync::lock;
use crate::text::{escape_untrusted, is_unsafe_to_print};

/// A service whose tokens can be managed, by its name.
///
/// ```
/// use access_tokens::Service;
///
/// assert_eq!(Service::QUERY_SERVER.to_string(), "Query Server");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Service(&'static str);

impl Service {
    /// LaunchDarkly.
    pub const LAUNCH_DARKLY: Self = Self("LaunchDarkly");
    /// Query Server.
    pub const QUERY_SERVER: Self = Self("Query Server");
    /// Avisi Cloud.
    pub const AVISI_CLOUD: Self = Self("Avisi Cloud");

    /// A service that this crate does not know, for those who bring their own.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name, as its vendor writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

/// One of the services that this crate knows, by its name: capitals, spaces, hyphens and
/// underscores do not count.
impl FromStr for Service {
    type Err = ParseServiceError;

    fn from_str(name: &str) -> Result<Self, ParseServiceError> {
        let plain = |name: &str| -> String {
            let kept = name.chars().filter(|c| !matches!(c, ' ' | '-' | '_'));
            kept.flat_map(char::to_lowercase).collect()
        };
        let wanted = plain(name);
        let known = [Self::LAUNCH_DARKLY, Self::QUERY_SERVER, Self::AVISI_CLOUD];
        known
            .into_iter()
            .find(|service| plain(service.name()) == wanted)
            .ok_or(ParseServiceError(()))
    }
}

/// A name that is none of the services that this crate knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such service; there are LaunchDarkly, Query Server and Avisi Cloud")]
pub struct ParseServiceError(());

/// The name.
impl Serialize for Service {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

/// A name, also that of a service which this crate does not know: at most 64 such names of at most
/// 64 bytes are kept for as long as the program runs, and more are refused.
impl<'de> Deserialize<'de> for Service {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<str>::deserialize(deserializer)?;
        name.parse().or_else(|_| {
            keep(&name).ok_or_else(|| D::Error::custom("too many names of services, or too long"))
        })
    }
}

/// The name of a service as one that lasts.
fn keep(name: &str) -> Option<Service> {
    const MOST: usize = 64;
    static NAMES: Mutex<Vec<&str>> = Mutex::new(Vec::new());
    let mut names = lock(&NAMES);
    if let Some(known) = names.iter().find(|known| **known == name) {
        return Some(Service(known));
    }
    if names.len() == MOST || name.is_empty() || name.len() > MOST {
        return None;
    }
    let kept: &'static str = Box::leak(name.into());
    names.push(kept);
    Some(Service(kept))
}

/// The id of a token on LaunchDarkly or Avisi Cloud: opaque, and always one segment of a path.
///
/// Accepted are 1 to 256 characters out of `A-Z a-z 0-9 . _ ~ : -`, but neither `.` nor `..`,
/// so that no id can lead a call to another path. An id that came in an answer is kept as it came
/// and held to the same rule when a call is made with it.
///
/// ```
/// use access_tokens::TokenId;
///
/// let id: TokenId = "66aa10f2c4d5e60011223344".parse()?;
/// assert_eq!(id.as_str(), "66aa10f2c4d5e60011223344");
/// assert!("../members".parse::<TokenId>().is_err());
/// # Ok::<(), access_tokens::ParseTokenIdError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenId(String);

/// More than four times the longest id seen.
const MAX_ID: usize = 256;

impl TokenId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the id may go into a path.
    pub(crate) fn check(&self) -> Result<(), ParseTokenIdError> {
        let id = self.0.as_str();
        if id.is_empty() {
            return Err(ParseTokenIdError("it is empty"));
        }
        if id.len() > MAX_ID {
            return Err(ParseTokenIdError("it is longer than 256 bytes"));
        }
        if id == "." || id == ".." {
            return Err(ParseTokenIdError("it would lead to another path"));
        }
        let allowed =
            |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'~' | b':' | b'-');
        if !id.bytes().all(allowed) {
            return Err(ParseTokenIdError("only A-Z a-z 0-9 . _ ~ : - are allowed"));
        }
        Ok(())
    }
}

impl TryFrom<String> for TokenId {
    type Error = ParseTokenIdError;

    fn try_from(id: String) -> Result<Self, ParseTokenIdError> {
        let id = Self(id);
        id.check()?;
        Ok(id)
    }
}

impl TryFrom<&str> for TokenId {
    type Error = ParseTokenIdError;

    fn try_from(id: &str) -> Result<Self, ParseTokenIdError> {
        Self::try_from(id.to_owned())
    }
}

impl FromStr for TokenId {
    type Err = ParseTokenIdError;

    fn from_str(id: &str) -> Result<Self, ParseTokenIdError> {
        Self::try_from(id)
    }
}

impl From<TokenId> for String {
    fn from(id: TokenId) -> Self {
        id.0
    }
}

impl AsRef<str> for TokenId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// The id as text. An id that came in an answer may hold anything; what could play tricks on a reader
/// is escaped.
impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Nearly all ids are plain, and a call writes its own into a path.
        let plain = self.0.bytes().all(|byte| byte.is_ascii_graphic());
        if !plain && self.0.chars().any(is_unsafe_to_print) {
            return f.pad(&escape_untrusted(&self.0, usize::MAX));
        }
        f.pad(&self.0)
    }
}

/// A token id that cannot be one; it says which rule it breaks and does not repeat the id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a token id: {0}")]
pub struct ParseTokenIdError(&'static str);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_service_comes_back_out_of_json_and_their_number_is_bounded() {
        for service in [Service::LAUNCH_DARKLY, Service::new("Front \"Desk\"")] {
            let text = serde_json::to_string(&service).unwrap();
            assert_eq!(serde_json::from_str::<Service>(&text).unwrap(), service);
        }
        let read = |name: &str| serde_json::from_value::<Service>(name.into());
        assert!(read("").is_err() && read(&"x".repeat(65)).is_err());
        let taken = (0..100).filter(|n| read(&format!("service {n}")).is_ok());
        assert!(taken.count() < 64);
        assert_eq!(read("service 1").unwrap(), Service::new("service 1"));
    }
}
