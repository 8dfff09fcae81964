//! Pages of the token list.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::json;

use super::form::link;
use super::options::{Options, TotalCount};

/// The first API version whose list comes in pages.
pub(super) const PAGED_SINCE: u32 = 20_240_415;
const DEFAULT_LIMIT: u64 = 25;

/// `None` is the whole list.
pub(super) struct Page(Option<(u64, u64)>);

impl Page {
    pub(super) fn whole() -> Self {
        Self(None)
    }

    /// Reads `limit` (at least 1) and `offset` (at least 0).
    pub(super) fn read(
        query: &BTreeMap<String, String>,
        options: &Options,
    ) -> Result<Self, &'static str> {
        let number = |name: &str, default| match query.get(name) {
            None => Some(default),
            Some(text) => text.parse::<i64>().ok().and_then(|n| u64::try_from(n).ok()),
        };
        let limit = number("limit", DEFAULT_LIMIT)
            .filter(|limit| *limit > 0)
            .ok_or("limit must be a whole number above zero")?;
        let offset = number("offset", 0).ok_or("offset must be a whole number")?;
        let bound = options.max_limit.unwrap_or(u64::MAX);
        Ok(Self(Some((limit.min(bound), offset))))
    }

    pub(super) fn of<'a, T>(&self, items: &'a [T]) -> impl Iterator<Item = &'a T> {
        let (limit, offset) = self.0.unwrap_or((u64::MAX, 0));
        let size = |n| usize::try_from(n).unwrap_or(usize::MAX);
        items.iter().skip(size(offset)).take(size(limit))
    }

    /// The links to other pages, as JSON.
    pub(super) fn links(&self, total: usize, show_all: bool, options: &Options) -> String {
        let suffix = if show_all { "&showAll=true" } else { "" };
        let Some((limit, offset)) = self.0 else {
            let query = if show_all { "?showAll=true" } else { "" };
            return json!({"self": link(&format!("/api/v2/tokens{query}"))}).to_string();
        };
        let mut links = String::from("{");
        let mut put = |name: &str, offset: u64| {
            let comma = if links.len() > 1 { "," } else { "" };
            let _ = write!(
                links,
                r#"{comma}"{name}":{{"href":"/api/v2/tokens?limit={limit}&offset={offset}{suffix}","type":"application/json"}}"#
            );
        };
        put("self", offset);
        if !options.page_links {
            return links + "}";
        }
        let total = u64::try_from(total).unwrap_or(u64::MAX);
        let after = offset.saturating_add(limit);
        if offset > 0 {
            put("first", 0);
            put("prev", offset.saturating_sub(limit));
        }
        if after < total {
            // The last page begins at a whole number of pages after this one.
            let rest = total - after;
            let last = after + (rest - 1) / limit * limit;
            put("next", after);
            put("last", last);
        }
        links + "}"
    }
}

pub(super) fn total(options: &Options, all: usize, page: usize) -> Option<usize> {
    match options.total_count {
        TotalCount::All => Some(all),
        TotalCount::Page => Some(page),
        TotalCount::Absent => None,
    }
}
