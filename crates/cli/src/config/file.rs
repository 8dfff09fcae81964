//! The configuration as it is written.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use toml::Spanned;

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) state: State,
    #[serde(default)]
    pub(super) defaults: Option<Entry>,
    #[serde(default)]
    pub(super) accounts: BTreeMap<Spanned<String>, Account>,
    #[serde(default)]
    pub(super) tokens: BTreeMap<Spanned<String>, Entry>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    pub(super) store: Spanned<String>,
    pub(super) events: Option<Spanned<String>>,
    pub(super) metrics: Option<Spanned<String>>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Account {
    pub(super) service: Spanned<String>,
    pub(super) credential: Spanned<String>,
    pub(super) url: Option<Spanned<String>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) account: Option<Spanned<String>>,
    pub(super) adopt: Option<Spanned<String>>,
    pub(super) create: Option<Spanned<Create>>,
    pub(super) max_age: Option<Spanned<String>>,
    pub(super) renew_before: Option<Spanned<String>>,
    pub(super) lifetime: Option<Spanned<String>>,
    pub(super) overlap: Option<Spanned<String>>,
    pub(super) spread: Option<Spanned<String>>,
    pub(super) deliver: Option<Spanned<Vec<Spanned<OneOrTable<Sink>>>>>,
    pub(super) after: Option<Spanned<Vec<Spanned<OneOrTable<Hook>>>>>,
    pub(super) suspend: Option<bool>,
    pub(super) allow_own_credential: Option<bool>,
    pub(super) reclaim: Option<Spanned<bool>>,
}

/// A token that is made if there is none.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    /// Its name at the service; that of the entry by default.
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) role: Option<String>,
    pub(crate) service_token: Option<bool>,
    pub(crate) read_only: Option<bool>,
    pub(crate) ip_restriction: Option<String>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sink {
    pub(super) to: String,
    pub(super) mode: Option<String>,
    pub(super) group: Option<String>,
    pub(super) write: Option<String>,
    pub(super) readers: Option<String>,
    pub(super) timeout: Option<String>,
    pub(super) not_stored_on: Option<Vec<i32>>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hook {
    pub(super) run: Run,
    pub(super) timeout: Option<String>,
}

/// A command: a line that is split into words, or the words.
#[derive(Debug)]
pub(super) enum Run {
    Line(String),
    Words(Vec<String>),
}

/// A short form in a text, or a table. Written out, because an untagged enum would hide which key
/// is wrong.
#[derive(Debug)]
pub(super) enum OneOrTable<T> {
    One(String),
    Table(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrTable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = OneOrTable<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a table")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(OneOrTable::One(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(OneOrTable::Table)
            }
        }
        deserializer.deserialize_any(Either(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Run {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LineOrWords;
        impl<'de> Visitor<'de> for LineOrWords {
            type Value = Run;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a command line or a list of words")
            }

            fn visit_str<E: de::Error>(self, line: &str) -> Result<Run, E> {
                Ok(Run::Line(line.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut words: A) -> Result<Run, A::Error> {
                let mut all = Vec::new();
                while let Some(word) = words.next_element()? {
                    all.push(word);
                }
                Ok(Run::Words(all))
            }
        }
        deserializer.deserialize_any(LineOrWords)
    }
}
