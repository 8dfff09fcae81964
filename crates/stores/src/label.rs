//! Whose a value is that lies beside others, and where what it replaced can still be read.

use access_tokens::Marker;
use serde_json::{Value, json};

/// How many ways back are kept.
const FORMERS: usize = 8;

/// Whose a value is, and what was there before: kept beside it, in the same write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    pub(crate) attempt: Marker,
    /// The attempts before, the newest first, each with the version that still shows it.
    formers: Vec<(Marker, String)>,
}

impl Label {
    /// The label of an attempt's value in the place of what this version shows.
    pub(crate) fn new(attempt: &Marker, replaced: (&Marker, &str), old: Option<&Self>) -> Self {
        let (former, version) = replaced;
        let older = old.into_iter().flat_map(|old| &old.formers);
        let older = older.filter(|(of, _)| of != attempt && of != former);
        let formers = std::iter::once((former.clone(), version.to_owned()));
        Self {
            attempt: attempt.clone(),
            formers: formers.chain(older.cloned()).take(FORMERS).collect(),
        }
    }

    /// The version that shows what an attempt left.
    pub(crate) fn former(&self, attempt: &Marker) -> Option<&str> {
        let mut formers = self.formers.iter();
        let found = formers.find(|(of, _)| of == attempt);
        found.map(|(_, version)| version.as_str())
    }

    pub(crate) fn read(text: &str) -> Option<Self> {
        let label: Value = serde_json::from_str(text).ok()?;
        let formers = label.get("formers")?.as_array()?.iter();
        let formers = formers.map(|former| {
            let text = |index: usize| former.get(index)?.as_str();
            Some((text(0)?.parse().ok()?, text(1)?.to_owned()))
        });
        Some(Self {
            attempt: label.get("attempt")?.as_str()?.parse().ok()?,
            formers: formers.collect::<Option<_>>()?,
        })
    }

    pub(crate) fn write(&self) -> String {
        let formers = self.formers.iter();
        let formers: Vec<_> = formers
            .map(|(of, version)| json!([of.to_string(), version]))
            .collect();
        json!({ "attempt": self.attempt.to_string(), "formers": formers }).to_string()
    }
}
