//! A report as JSON, and the row that JSON and CSV share.

use std::fmt;

use serde::{Serialize, Serializer};

use super::report::{AccountOutcome, Report};
use crate::service::{Privilege, TokenRecord};
use crate::time::{Rfc3339, When};

const SCHEMA: u32 = 1;

/// What is told of a token. The revision is not: it can hold the last characters of the secret.
#[derive(Serialize)]
pub(super) struct Row<'a> {
    pub(super) account: &'a str,
    pub(super) service: &'a str,
    pub(super) key: &'a str,
    pub(super) name: Option<&'a str>,
    pub(super) state: &'static str,
    pub(super) privilege: &'static str,
    pub(super) role: Option<&'a str>,
    pub(super) created: Date,
    pub(super) modified: Date,
    pub(super) expires: Date,
    pub(super) last_used: Date,
    pub(super) owner: Option<&'a str>,
    pub(super) marker: Option<&'a str>,
}

impl<'a> Row<'a> {
    pub(super) fn new(token: &'a TokenRecord) -> Self {
        let (privilege, role) = match &token.privilege {
            Privilege::Admin => ("admin", None),
            Privilege::Write => ("write", None),
            Privilege::Read => ("read", None),
            Privilege::Custom(role) => ("custom", role.as_deref()),
            Privilege::NotReported => ("not_reported", None),
        };
        Self {
            account: token.account.as_deref().unwrap_or_default(),
            service: token.service.name(),
            key: token.key.as_str(),
            name: token.name.as_deref(),
            state: token.state.word(),
            privilege,
            role,
            created: Date(token.created),
            modified: Date(token.modified),
            expires: Date(token.expires),
            last_used: Date(token.last_used),
            owner: token.owner.as_deref(),
            marker: token.marker.as_ref().map(crate::Marker::as_str),
        }
    }
}

/// A date in the form of RFC 3339, or a word.
#[derive(Clone, Copy)]
pub(super) struct Date(When);

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            When::At(time) => Rfc3339(time).fmt(f),
            When::Never => f.write_str("never"),
            When::NotReported => f.write_str("not_reported"),
        }
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The JSON that is described at [`Report`].
#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    as_of: Date,
    complete: bool,
    selection: &'a [String],
    accounts: &'a [AccountOutcome],
    #[serde(serialize_with = "tokens")]
    tokens: &'a Report,
}

fn tokens<S: Serializer>(report: &Report, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(report.records().map(Row::new))
}

/// The JSON that is described at [`Report`].
impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let document = Document {
            schema: SCHEMA,
            as_of: Date(When::At(self.as_of())),
            complete: self.is_complete(),
            selection: self.selection(),
            accounts: self.accounts(),
            tokens: self,
        };
        document.serialize(serializer)
    }
}

impl Report {
    /// The report as JSON, indented; its members are described at [`Report`].
    ///
    /// A report is also [`Serialize`], to be written in another form or straight to a file.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Text, numbers and lists only: there is nothing that could fail.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}
