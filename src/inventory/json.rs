//! A report as JSON, and the row that JSON and CSV share.

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use super::report::{Account, Report};
use crate::service::{Privilege, TokenRecord, TokenState};
use crate::time::{When, rfc3339};

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
    pub(super) created: String,
    pub(super) modified: String,
    pub(super) expires: String,
    pub(super) last_used: String,
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
            state: match token.state {
                TokenState::Active => "active",
                TokenState::Inactive => "inactive",
                TokenState::Expired => "expired",
                TokenState::Unusable => "unusable",
                TokenState::Unknown => "unknown",
            },
            privilege,
            role,
            created: date(token.created),
            modified: date(token.modified),
            expires: date(token.expires),
            last_used: date(token.last_used),
            owner: token.owner.as_deref(),
            marker: token.marker.as_ref().map(crate::Marker::as_str),
        }
    }
}

fn date(when: When) -> String {
    match when {
        When::At(time) => rfc3339(time),
        When::Never => "never".to_owned(),
        When::NotReported => "not_reported".to_owned(),
    }
}

struct Rows<'a>(&'a Report);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.records().map(Row::new))
    }
}

impl Serialize for Account {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let error = self.error.as_ref().map(|error| Failure {
            kind: snake_case(&format!("{:?}", error.kind())),
            status: error.status().map(|status| status.as_u16()),
            message: error.to_string(),
        });
        let mut out = serializer.serialize_struct("Account", 4)?;
        out.serialize_field("label", &self.label)?;
        out.serialize_field("service", self.service.name())?;
        out.serialize_field("records", &self.records)?;
        out.serialize_field("error", &error)?;
        out.end()
    }
}

#[derive(Serialize)]
struct Failure {
    kind: String,
    status: Option<u16>,
    message: String,
}

/// `PermissionDenied` as `permission_denied`.
fn snake_case(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

/// The JSON that is described at [`Report`].
impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Report", 6)?;
        out.serialize_field("schema", &SCHEMA)?;
        out.serialize_field("as_of", &rfc3339(self.as_of()))?;
        out.serialize_field("complete", &self.is_complete())?;
        out.serialize_field("selection", self.selection())?;
        out.serialize_field("accounts", self.accounts())?;
        out.serialize_field("tokens", &Rows(self))?;
        out.end()
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
