//! What differs, in words.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

/// Lines in the order in which they were found, each once.
#[derive(Default)]
pub(crate) struct Findings {
    lines: Vec<String>,
    seen: HashSet<String>,
}

impl Findings {
    pub(crate) fn into_lines(self) -> Vec<String> {
        self.lines
    }

    pub(crate) fn add(&mut self, line: String) {
        if self.seen.insert(line.clone()) {
            self.lines.push(line);
        }
    }

    /// Says what one side has and the other has not.
    pub(crate) fn sets<'a>(
        &mut self,
        what: &str,
        ours: &BTreeSet<&'a str>,
        newer: &BTreeSet<&'a str>,
    ) {
        for gone in ours.difference(newer) {
            self.add(format!("{what} {gone}: gone"));
        }
        for new in newer.difference(ours) {
            self.add(format!("{what} {new}: new"));
        }
    }
}

/// Whether something is on its way out: its mark, or the title, where services say so, too.
pub(crate) fn is_deprecated(value: &Value) -> bool {
    let title = value["summary"].as_str().unwrap_or_default();
    value["deprecated"] == true || title.to_lowercase().contains("(deprecated)")
}

pub(crate) fn requirement(required: bool) -> &'static str {
    if required { "required" } else { "optional" }
}
