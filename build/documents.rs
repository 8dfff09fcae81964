//! What is asked of the generator, document by document.

use schemars::schema::InstanceType;

/// What is to be made of a document beyond what the generator makes of it.
pub(crate) struct Document {
    /// The cargo feature that asks for it.
    pub(crate) feature: &'static str,
    /// Its file.
    pub(crate) name: &'static str,
    /// Schemas that hand-written types stand for.
    pub(crate) replaced: &'static [(&'static str, &'static str)],
    /// Schemas of answers and the members that nothing can do without. The others may be missing,
    /// whatever the document says: a client reads what it can.
    pub(crate) essential: &'static [(&'static str, &'static [&'static str])],
    /// Members of answers that are for information only: one that cannot be read is not there.
    pub(crate) lenient: &'static [(&'static str, &'static [&'static str])],
    /// Lists in which an item that cannot be read does not hide the others.
    pub(crate) lists: &'static [(&'static str, &'static str)],
}

pub(crate) const DOCUMENTS: [Document; 3] = [
    Document {
        feature: "LAUNCHDARKLY",
        name: "launchdarkly",
        replaced: &[
            ("Role", "crate::launchdarkly::Role"),
            ("Effect", "crate::launchdarkly::StatementEffect"),
            ("PatchOp", "crate::launchdarkly::PatchOp"),
            ("Links", "crate::launchdarkly::Links"),
        ],
        essential: &[("Token", &["_id"]), ("MemberSummary", &[])],
        // Not among them: what another token is made from, and `expiry`, whose absence means
        // something.
        lenient: &[
            (
                "Token",
                &[
                    "ownerId",
                    "memberId",
                    "_member",
                    "creationDate",
                    "lastModified",
                    "lastUsed",
                ],
            ),
            (
                "MemberSummary",
                &["_id", "firstName", "lastName", "role", "email"],
            ),
            ("Tokens", &["totalCount"]),
            // Not among them: what tells whether the caller is a token.
            (
                "Caller",
                &[
                    "accountId",
                    "projectId",
                    "environmentName",
                    "projectName",
                    "memberId",
                    "scopes",
                    "clientName",
                    "audience",
                    "expiresAt",
                ],
            ),
        ],
        lists: &[("Tokens", "items")],
    },
    Document {
        feature: "QUERY_SERVER",
        name: "query-server",
        replaced: &[("Flag", "crate::query_server::Flag")],
        essential: &[("Token", &["name", "active", "write"])],
        lenient: &[(
            "Token",
            &["id", "expiration_date", "created_at", "updated_at"],
        )],
        lists: &[("Tokens", "data")],
    },
    Document {
        feature: "AVISI_CLOUD",
        name: "avisi-cloud",
        replaced: &[(
            "PersonalAccessTokenType",
            "crate::avisi_cloud::PersonalAccessTokenType",
        )],
        essential: &[],
        lenient: &[
            (
                "PersonalAccessToken",
                &["subject", "active", "createdAt", "expireAt", "lastUsedAt"],
            ),
            ("RevokeAnswer", &["message", "status"]),
        ],
        lists: &[],
    },
];

/// Formats in the documents and the types that they stand for.
pub(crate) const FORMATS: [(InstanceType, &str, &str); 5] = [
    (InstanceType::String, "password", "crate::Secret"),
    (InstanceType::String, "token-id", "crate::TokenId"),
    (InstanceType::String, "date-text", "crate::DateText"),
    (InstanceType::Integer, "unix-millis", "crate::UnixMillis"),
    (InstanceType::Integer, "unix-seconds", "crate::UnixSeconds"),
];
