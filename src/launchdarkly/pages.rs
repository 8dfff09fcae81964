//! Where the next page of a list is, and whether there is one.

use std::collections::BTreeMap;

use super::{Link, Links};

/// How many tokens to ask for at once. The service does not say what the most is, and gives what it
/// gives.
const PAGE: u32 = 1_000;

/// What the service gives unasked: it cannot mean to give less than this at most.
const USUAL: u32 = 25;

/// How many tokens may be on their way ahead of the page that is being read.
const AHEAD: u64 = 1_000;

/// How many pages in a row may bring nothing new although there is more: many tokens that were made
/// meanwhile move those that are known.
const STALE: u32 = 16;

/// How often a list is read again because it became shorter.
const AGAIN: u32 = 3;

/// The way through the pages of a list.
#[derive(Debug)]
pub(super) struct Pages {
    /// Where the list was begun.
    pub(super) start: u64,
    limit: u32,
    /// Where the next page begins.
    pub(super) offset: u64,
    /// How many pages were asked for.
    pub(super) asked: usize,
    /// How many tokens the service puts on a page.
    size: Option<u64>,
    /// How many tokens it counts in all.
    total: Option<u64>,
    /// How many it counted when there were the fewest.
    fewest: Option<u64>,
    /// How many came.
    came: u64,
    /// Where the list ends at least, as far as that is known.
    end: u64,
    shorter: bool,
    again: u32,
    stale: u32,
}

/// What follows from a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    GoOn,
    /// From the beginning.
    Again,
    End,
    /// The service contradicts itself.
    Broken(String),
}

impl Pages {
    pub(super) fn new(start: u64, limit: Option<u32>) -> Self {
        Self {
            start,
            limit: limit.unwrap_or(PAGE),
            offset: start,
            asked: 0,
            size: None,
            total: None,
            fewest: None,
            came: 0,
            end: 0,
            shorter: false,
            again: 0,
            stale: 0,
        }
    }

    /// Begins anew with pages of the usual size.
    pub(super) fn fall_back(&mut self) {
        *self = Self {
            asked: self.asked,
            ..Self::new(self.start, Some(USUAL))
        };
    }

    /// How long it is to be; not into a page that is on its way already.
    pub(super) fn limit(&self, before: Option<u64>) -> u32 {
        let gap = before.map(|before| before.saturating_sub(self.offset));
        match gap.and_then(|gap| u32::try_from(gap).ok()) {
            Some(gap) if gap > 0 => gap.min(self.limit),
            _ => self.limit,
        }
    }

    /// How many pages may be fetched ahead.
    pub(super) fn ahead(&self, concurrency: usize) -> usize {
        let Some(size) = self.size.filter(|size| *size > 0) else {
            return 0;
        };
        let most = usize::try_from((AHEAD / size).max(1)).unwrap_or(usize::MAX);
        most.min(concurrency)
    }

    /// The page to fetch after the last one that is on its way, if it is certain that there is one.
    pub(super) fn after(&self, last: Option<u64>) -> Option<u64> {
        let next = match last {
            Some(last) => last.checked_add(self.size?)?,
            None => self.offset,
        };
        (next < self.end).then_some(next)
    }

    /// Takes in the page at [`offset`](Self::offset): how many tokens are on it, how many of them
    /// are new, and what it says of the list.
    pub(super) fn took(
        &mut self,
        count: usize,
        new: usize,
        total: Option<i64>,
        links: &Links,
    ) -> Turn {
        let links = links.to_map();
        let place = |name: &str| offset_of(links.get(name)?.href.as_deref()?);
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.came = self.came.saturating_add(count);
        let read = self.offset.saturating_add(count);
        let total = total.and_then(|total| u64::try_from(total).ok());
        let (linked, next) = (links.contains_key("next"), place("next"));
        let more = linked || total.is_some_and(|total| total > read);

        // A count that is that of the page alone is never higher than what is on it.
        let counts_all = self.total.is_some() || total.is_some_and(|total| total > count);
        if counts_all {
            self.shorter |= total.zip(self.total).is_some_and(|(now, then)| now < then);
            self.total = total.or(self.total);
            self.fewest = self.fewest.into_iter().chain(total).min();
        }
        let last = place("last").map(|last| last.saturating_add(1));
        self.end = last.max(self.total).unwrap_or(0);
        self.stale = if new > 0 { 0 } else { self.stale + 1 };

        if more && count == 0 {
            match next.filter(|next| *next > self.offset) {
                Some(next) => self.offset = next,
                None => return Turn::Broken(self.nothing(linked, total)),
            }
        } else if more || self.may_go_on(count, new, read, &links) {
            // A link behind the end that the service itself counts would leave out what is before it.
            let end = self.total.filter(|total| read < *total);
            let usable = |next: &u64| *next > self.offset && end.is_none_or(|end| *next < end);
            let next = next.filter(usable);
            self.offset = next.unwrap_or(read);
        } else {
            return self.ended();
        }
        if self.stale >= STALE && self.again == 0 {
            return Turn::Broken(format!(
                "{STALE} pages in a row brought nothing new, although there is more"
            ));
        }
        // The first page tells how much the service gives at once.
        self.size = self.size.or(Some(count)).filter(|size| *size > 0);
        Turn::GoOn
    }

    /// Whether there may be more although the page does not say so.
    fn may_go_on(&self, count: u64, new: usize, read: u64, links: &BTreeMap<String, Link>) -> bool {
        // It has links, or a count of all, and there is nothing in them.
        let told = ["first", "prev", "last"]
            .iter()
            .any(|name| links.contains_key(*name))
            || self.total.is_some();
        // One that gives more than it was asked for does not page.
        let limit = u64::from(self.limit);
        let full = count >= limit.min(USUAL.into()) && count <= limit;
        !told && full && new > 0 && read > self.offset
    }

    fn ended(&mut self) -> Turn {
        // A page may have been empty, or left out by a link.
        let all = self.fewest.unwrap_or(0).saturating_sub(self.start);
        let missing = all.saturating_sub(self.came);
        if missing == 0 && (!self.shorter || self.again == AGAIN) {
            return Turn::End;
        }
        if self.again == AGAIN {
            return Turn::Broken(format!(
                "totalCount is {all}, and {missing} of them are on no page"
            ));
        }
        // What was on a page yet to be read may have slipped to one that was.
        *self = Self {
            asked: self.asked,
            size: self.size,
            again: self.again + 1,
            ..Self::new(self.start, Some(self.limit))
        };
        Turn::Again
    }

    fn nothing(&self, linked: bool, total: Option<u64>) -> String {
        let offset = self.offset;
        match total {
            Some(total) if total > offset => {
                format!("there is nothing at offset {offset}, although totalCount is {total}")
            }
            _ if linked => {
                format!(
                    "there is nothing at offset {offset}, although there is a link to a next page"
                )
            }
            _ => format!("there is nothing at offset {offset}"),
        }
    }
}

/// The offset that a link asks for; the rest of it is not used.
fn offset_of(href: &str) -> Option<u64> {
    let (_, query) = href.split_once('?')?;
    let query = query.split('#').next().unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == "offset")
        .and_then(|(_, value)| value.parse::<i64>().ok()?.try_into().ok())
}
