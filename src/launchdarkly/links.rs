//! Links, kept as they came until somebody asks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use super::Link;

/// Related addresses by name, kept as they came and read when they are asked for.
///
/// ```
/// use access_tokens::launchdarkly::Links;
///
/// let text = r#"{"self": {"href": "/api/v2/tokens", "type": "application/json"}}"#;
/// let links: Links = serde_json::from_str(text)?;
/// assert_eq!(links.get("self").and_then(|link| link.href).as_deref(), Some("/api/v2/tokens"));
/// assert!(links.get("next").is_none());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Links(Option<Box<RawValue>>);

impl Links {
    /// The link of this name, if there is one that can be read.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Link> {
        self.raw().remove(name).and_then(read)
    }

    /// All links that can be read, by their names.
    #[must_use]
    pub fn to_map(&self) -> BTreeMap<String, Link> {
        let named = |(name, raw)| read(raw).map(|link| (name, link));
        self.raw().into_iter().filter_map(named).collect()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.raw().is_empty()
    }

    fn raw(&self) -> BTreeMap<String, &RawValue> {
        let text = self.0.as_ref().map_or("{}", |raw| raw.get());
        serde_json::from_str(text).unwrap_or_default()
    }
}

fn read(raw: &RawValue) -> Option<Link> {
    serde_json::from_str(raw.get()).ok()
}

impl PartialEq for Links {
    fn eq(&self, other: &Self) -> bool {
        self.to_map() == other.to_map()
    }
}

impl Serialize for Links {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_map().serialize(serializer)
    }
}
