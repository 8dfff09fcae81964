//! What was found, and what of it is asked for.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::due::{self, Due, RotationPolicy};
use crate::error::Error;
use crate::id::Service;
use crate::service::{TokenRecord, TokenState};
use crate::text::human_duration;
use crate::time::When;

/// One account of an inventory, and how reading it ended.
#[derive(Debug)]
#[non_exhaustive]
pub struct Account {
    /// The label that it was given.
    pub label: String,
    /// Its service.
    pub service: Service,
    /// How many tokens were read, up to the failure if there was one.
    pub records: usize,
    /// Why it could not be read, or not to its end.
    pub error: Option<Error>,
}

/// The tokens of an inventory, by label, then name, then key; and how reading each account ended.
///
/// Filters select from what is there and can be put one after another; accounts and failures stay.
/// They go by [`as_of`](Self::as_of) and, as to what is expired, also by the service's own word. A
/// fact that is not reported never makes a token pass: unknown is neither zero nor never.
///
/// ```
/// # use access_tokens::{TokenState, days, inventory::Report};
/// # fn example(report: &Report) {
/// let risky = report.state(TokenState::Active).privileged().never_expires();
/// let stale = report.unused_for(days(90)).matching(|token| token.owner.is_none());
/// # }
/// ```
///
/// Reports are cheap to clone and to filter: they share the records.
///
/// # JSON
///
/// Schema 1; a later version of the crate may add members, and counts the schema up if it changes
/// one that is there. No member is ever missing; `null` stands for "none" and "not told".
///
/// | member | type |
/// |---|---|
/// | `schema` | `1` |
/// | `as_of` | date |
/// | `complete` | boolean: every account was read to its end |
/// | `selection` | strings: the filters that were applied, in words |
/// | `accounts` | objects: `label`, `service`, `records` (number), `error` (`null`, or an object: `kind` such as `"permission_denied"`, `status` (number or `null`), `message`) |
/// | `tokens` | objects, see below |
///
/// | member of a token | type |
/// |---|---|
/// | `account`, `service`, `key` | string |
/// | `name`, `owner`, `role`, `marker` | string or `null` |
/// | `state` | `"active"`, `"inactive"`, `"expired"`, `"unusable"`, `"unknown"` |
/// | `privilege` | `"admin"`, `"write"`, `"read"`, `"custom"` (then `role` may name it), `"not_reported"` |
/// | `created`, `modified`, `expires`, `last_used` | date, `"never"`, `"not_reported"`, or `"(out of range)"` for a date beyond the year 9999 |
///
/// A date is a string in the form of RFC 3339, in UTC, such as `"2026-01-01T00:00:00Z"`.
///
/// # CSV
///
/// As in RFC 4180: lines end with CR LF, the first one is
/// `account,service,key,name,state,privilege,role,created,modified,expires,last_used,owner,marker`,
/// and the fields are those of the JSON, empty for `null`. New columns come at the end.
///
/// Spreadsheets take a cell that begins with `=`, `+`, `-`, `@`, a tab or a line break for a
/// formula, and names of tokens come from other people: such a cell gets a `'` before it. Failures
/// have no place in a CSV. For a program the JSON is the better source.
///
/// # Table
///
/// For people, and not stable.
#[derive(Clone)]
pub struct Report {
    found: Arc<Found>,
    /// The places of the records that are selected.
    shown: Arc<[usize]>,
    selection: Vec<String>,
}

struct Found {
    as_of: SystemTime,
    accounts: Vec<Account>,
    records: Vec<TokenRecord>,
}

impl Report {
    pub(super) fn new(
        as_of: SystemTime,
        mut accounts: Vec<Account>,
        mut records: Vec<TokenRecord>,
    ) -> Self {
        accounts.sort_by(|a, b| a.label.cmp(&b.label));
        // The sort is stable: what is alike stays as the service gave it.
        records.sort_by(|a, b| (&a.account, &a.name, &a.key).cmp(&(&b.account, &b.name, &b.key)));
        Self {
            shown: (0..records.len()).collect(),
            found: Arc::new(Found {
                as_of,
                accounts,
                records,
            }),
            selection: Vec::new(),
        }
    }

    /// The time of the inventory's clock when collecting began; filters go by it.
    #[must_use]
    pub fn as_of(&self) -> SystemTime {
        self.found.as_of
    }

    /// The tokens.
    #[must_use]
    pub fn records(&self) -> impl ExactSizeIterator<Item = &TokenRecord> {
        Records {
            all: &self.found.records,
            shown: self.shown.iter(),
        }
    }

    /// How many tokens there are, after the filters.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shown.len()
    }

    /// Whether there are none, after the filters.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// All accounts by label, whatever the filters.
    #[must_use]
    pub fn accounts(&self) -> &[Account] {
        &self.found.accounts
    }

    /// The accounts that could not be read, or not to their end.
    pub fn failures(&self) -> impl Iterator<Item = &Account> {
        self.accounts()
            .iter()
            .filter(|account| account.error.is_some())
    }

    /// Whether every account was read to its end.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.failures().next().is_none()
    }

    /// The filters that were applied, in words.
    #[must_use]
    pub fn selection(&self) -> &[String] {
        &self.selection
    }

    /// How many tokens were read, before the filters.
    pub(super) fn read(&self) -> usize {
        self.found.records.len()
    }

    /// Tokens that end within this time from now, and have not ended yet.
    #[must_use]
    pub fn expiring_within(&self, time: Duration) -> Self {
        let now = self.as_of();
        self.select(
            format!("expiring within {}", human_duration(time)),
            |token| {
                let rest = token.expires.time().map(|end| end.duration_since(now));
                !has_ended(token, now) && matches!(rest, Some(Ok(rest)) if rest <= time)
            },
        )
    }

    /// Tokens whose time is over, by their date or by the service's word.
    #[must_use]
    pub fn expired(&self) -> Self {
        let now = self.as_of();
        self.select("expired", |token| has_ended(token, now))
    }

    /// Tokens that were not used for this long.
    ///
    /// One that was never used counts if it was made at least that long ago; not if the service
    /// does not tell when it was made, for that may have been today.
    /// [`never_used`](Self::never_used) finds it.
    #[must_use]
    pub fn unused_for(&self, time: Duration) -> Self {
        let now = self.as_of();
        self.select(format!("unused for {}", human_duration(time)), |token| {
            due::unused_for(token, time, now) == Some(true)
        })
    }

    /// Tokens that were never used, as their service says, however new.
    #[must_use]
    pub fn never_used(&self) -> Self {
        self.select("never used", |token| token.last_used == When::Never)
    }

    /// Tokens that never end, as their service says.
    #[must_use]
    pub fn never_expires(&self) -> Self {
        self.select("never expiring", |token| token.expires == When::Never)
    }

    /// Tokens that certainly can do everything: [`Privilege::Admin`](crate::Privilege). A role of
    /// the account's own may allow as much, but does not count.
    #[must_use]
    pub fn privileged(&self) -> Self {
        self.select("privileged", |token| token.privilege.is_admin())
    }

    /// Tokens in this state.
    #[must_use]
    pub fn state(&self, state: TokenState) -> Self {
        self.select(state.to_string(), |token| token.state == state)
    }

    /// Tokens of this service.
    #[must_use]
    pub fn service(&self, service: Service) -> Self {
        self.select(format!("service {service}"), |token| {
            token.service == service
        })
    }

    /// Tokens of the account with this label.
    #[must_use]
    pub fn account(&self, label: &str) -> Self {
        self.select(format!("account {label}"), |token| {
            token.account.as_deref() == Some(label)
        })
    }

    /// Tokens that are due by a policy; not those of which that is unknown.
    #[must_use]
    pub fn due(&self, policy: &RotationPolicy) -> Self {
        let now = self.as_of();
        self.select("due", |token| policy.due(token, now).is_now())
    }

    /// Tokens for which the closure says so. A panic of the closure goes through; this report is
    /// not touched by it.
    #[must_use]
    pub fn matching(&self, wanted: impl FnMut(&TokenRecord) -> bool) -> Self {
        self.select("matching a condition", wanted)
    }

    /// All tokens with what a policy says of them.
    pub fn evaluate(&self, policy: &RotationPolicy) -> impl Iterator<Item = (&TokenRecord, Due)> {
        let now = self.as_of();
        self.records()
            .map(move |token| (token, policy.due(token, now)))
    }

    fn select(
        &self,
        what: impl Into<String>,
        mut wanted: impl FnMut(&TokenRecord) -> bool,
    ) -> Self {
        let records = &self.found.records;
        let mut wanted_at = |at: &usize| records.get(*at).is_some_and(&mut wanted);
        let mut selection = self.selection.clone();
        selection.push(what.into());
        Self {
            found: Arc::clone(&self.found),
            shown: self
                .shown
                .iter()
                .copied()
                .filter(|at| wanted_at(at))
                .collect(),
            selection,
        }
    }
}

fn has_ended(token: &TokenRecord, now: SystemTime) -> bool {
    token.state == TokenState::Expired || token.expires.time().is_some_and(|end| end <= now)
}

struct Records<'a> {
    all: &'a [TokenRecord],
    shown: std::slice::Iter<'a, usize>,
}

impl<'a> Iterator for Records<'a> {
    type Item = &'a TokenRecord;

    fn next(&mut self) -> Option<&'a TokenRecord> {
        // Every place that is shown exists.
        self.shown.next().and_then(|at| self.all.get(*at))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.shown.size_hint()
    }
}

impl ExactSizeIterator for Records<'_> {}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report")
            .field("as_of", &self.found.as_of)
            .field("accounts", &self.found.accounts)
            .field("read", &self.read())
            .field("shown", &self.len())
            .field("selection", &self.selection)
            .finish()
    }
}
