//! What was found.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Serialize, Serializer};

use crate::error::{Error, ErrorKind};
use crate::id::Service;
use crate::listing::UnreadableItem;
use crate::service::TokenRecord;
use crate::text::escape_untrusted;

/// Outcome of reading one account of an inventory.
///
/// As JSON it is what [`Report`] describes.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AccountOutcome {
    /// The label that it was given.
    pub label: String,
    /// Its service.
    pub service: Service,
    /// How many tokens were read, up to the failure if there was one.
    pub records: usize,
    /// Tokens that cannot be read: which, and what is wrong with each.
    pub unreadable: Vec<UnreadableItem>,
    /// Why it could not be read, or not to its end.
    #[serde(serialize_with = "failure")]
    pub error: Option<Error>,
}

impl AccountOutcome {
    /// Whether every token of the account is among the records.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.error.is_none() && self.unreadable.is_empty()
    }
}

/// What became of the account, in a line.
impl fmt::Display for AccountOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = escape_untrusted(&self.label, 100);
        match (&self.error, self.unreadable.len()) {
            (Some(error), _) => write!(f, "{label}: not read to its end: {error}"),
            (None, 0) => write!(f, "{label}: {} tokens", self.records),
            (None, odd) => write!(f, "{label}: {odd} tokens cannot be read"),
        }
    }
}

#[derive(Serialize)]
struct Failure {
    kind: ErrorKind,
    status: Option<u16>,
    message: String,
}

/// Why an account could not be read, as described at [`Report`].
#[expect(clippy::ref_option, reason = "as serde calls it")]
fn failure<S: Serializer>(error: &Option<Error>, out: S) -> Result<S::Ok, S::Error> {
    let failure = error.as_ref().map(|error| Failure {
        kind: error.kind(),
        status: error.status().map(|status| status.as_u16()),
        message: error.to_string(),
    });
    failure.serialize(out)
}

/// Tokens of an inventory, by label, then name, then key; and how reading each account ended.
///
/// Filters select from what is there and can be put one after another; accounts and failures stay.
/// They go by [`as_of`](Self::as_of) and, as to what is expired, also by the service's own word.
///
/// A fact that is not reported does not make a token pass a filter that *asserts* it: unknown is
/// neither zero nor never. For an audit that is the wrong way round, since what nobody can rule out
/// must be looked at. Three filters are made for it and let the unknown pass:
/// [`may_work`](Self::may_work), [`maybe_privileged`](Self::maybe_privileged) and
/// [`without_known_end`](Self::without_known_end).
///
/// ```
/// # use access_tokens::{days, inventory::Inventory, launchdarkly::Client};
/// # use access_tokens_testing::{LaunchDarkly, launchdarkly::Seed};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let twin = LaunchDarkly::start().await?;
/// # twin.seed(Seed::new("forgotten").role("admin"));
/// # let ld = Client::builder().base_url(twin.base_url()).credential(twin.credential()).build()?;
/// let report = Inventory::new().add("prod", ld).collect().await;
///
/// // The nightly audit: tokens that may be able to do everything and have no end in sight.
/// let endless = report.may_work().maybe_privileged().without_known_end();
/// # assert!(endless.records().any(|token| token.name.as_deref() == Some("forgotten")));
/// let stale = report.unused_for(days(90)).matching(|token| token.owner.is_none());
/// # assert!(stale.is_empty());
/// // An empty list only reassures if every account was read to its end.
/// assert!(report.is_complete());
/// # Ok(())
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
/// | `complete` | boolean: every account was read to its end, and each of its tokens |
/// | `selection` | strings: the filters that were applied, in words |
/// | `accounts` | objects: `label`, `service`, `records` (number), `unreadable` (objects: `index`, `id` (string or `null`), `reason`), `error` (`null`, or an object: `kind` such as `"permission_denied"`, `status` (number or `null`), `message`) |
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
/// Names of tokens come from other people, and spreadsheets take a cell that begins with `=`, `+`,
/// `-` or `@` for a formula, in some locales their wide forms too, and where lists are separated by
/// `;` they begin a cell after each one. So a `'` is put before whatever could become such a
/// beginning: at the start of a field and after each `,`, `;`, `|`, tab or line break in it, also
/// behind spaces and quotes. Failures have no place in a CSV. For a program the JSON is the better
/// source.
///
/// # Table
///
/// For people, and not stable; see [`Table`](super::Table).
#[derive(Clone)]
#[must_use]
pub struct Report {
    found: Arc<Found>,
    /// The places of the records that are selected, all if there is no filter.
    shown: Option<Arc<[usize]>>,
    selection: Vec<String>,
}

struct Found {
    as_of: SystemTime,
    accounts: Vec<AccountOutcome>,
    records: Vec<TokenRecord>,
}

impl Report {
    pub(super) fn new(
        as_of: SystemTime,
        mut accounts: Vec<AccountOutcome>,
        mut records: Vec<TokenRecord>,
    ) -> Self {
        accounts.sort_by(|a, b| a.label.cmp(&b.label));
        // In place: what is alike in all three is one token.
        records.sort_unstable_by(|a, b| {
            (&a.account, &a.name, &a.key).cmp(&(&b.account, &b.name, &b.key))
        });
        Self {
            found: Arc::new(Found {
                as_of,
                accounts,
                records,
            }),
            shown: None,
            selection: Vec::new(),
        }
    }

    /// Time of the inventory's clock when collecting began; filters go by it.
    #[must_use]
    pub fn as_of(&self) -> SystemTime {
        self.found.as_of
    }

    /// Tokens that pass the filters.
    #[must_use]
    #[expect(
        clippy::indexing_slicing,
        reason = "each place that is shown is one of `records`"
    )]
    pub fn records(&self) -> impl ExactSizeIterator<Item = &TokenRecord> {
        let (all, shown) = (&self.found.records, self.shown.as_deref());
        let count = shown.map_or(all.len(), <[usize]>::len);
        (0..count).map(move |n| &all[shown.map_or(n, |shown| shown[n])])
    }

    /// Number of tokens that pass the filters.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records().len()
    }

    /// Whether no token passes the filters.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All accounts by label, whatever the filters.
    #[must_use]
    pub fn accounts(&self) -> &[AccountOutcome] {
        &self.found.accounts
    }

    /// Accounts that could not be read, not to their end, or not each of their tokens.
    pub fn failures(&self) -> impl Iterator<Item = &AccountOutcome> {
        self.accounts()
            .iter()
            .filter(|account| !account.is_complete())
    }

    /// Whether every account was read to its end, and each of its tokens.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.failures().next().is_none()
    }

    /// Filters that were applied, in words.
    #[must_use]
    pub fn selection(&self) -> &[String] {
        &self.selection
    }

    /// How many tokens were read, before the filters.
    pub(super) fn read(&self) -> usize {
        self.found.records.len()
    }

    /// The tokens that are wanted out of those that are shown.
    pub(super) fn select(
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
            shown: Some(match &self.shown {
                None => (0..records.len()).filter(&mut wanted_at).collect(),
                Some(shown) => shown.iter().copied().filter(&mut wanted_at).collect(),
            }),
            selection,
        }
    }
}

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
