#[allow(unused_imports)]
use crate::transport::{Call, ResponseValue, encode_path};
/// Types used as operation parameters and responses.
#[allow(clippy::all)]
pub mod types {
    ///Whom a credential belongs to. Nothing is promised: each member can be missing.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    #[non_exhaustive]
    pub struct Caller {
        ///Id of the account.
        #[serde(
            rename = "accountId",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        #[serde(default, deserialize_with = "crate::lenient::scalar")]
        pub account_id: ::std::option::Option<::std::string::String>,
        ///Id of the environment, for a credential of one.
        #[serde(
            rename = "environmentId",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub environment_id: ::std::option::Option<::std::string::String>,
        ///Id of the project, for a credential of one.
        #[serde(
            rename = "projectId",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        #[serde(default, deserialize_with = "crate::lenient::scalar")]
        pub project_id: ::std::option::Option<::std::string::String>,
        ///Name of the environment.
        #[serde(
            rename = "environmentName",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        #[serde(default, deserialize_with = "crate::lenient::scalar")]
        pub environment_name: ::std::option::Option<::std::string::String>,
        ///Name of the project.
        #[serde(
            rename = "projectName",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        #[serde(default, deserialize_with = "crate::lenient::scalar")]
        pub project_name: ::std::option::Option<::std::string::String>,
        ///Kind of the credential. The values are not documented.
        #[serde(
            rename = "authKind",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub auth_kind: ::std::option::Option<::std::string::String>,
        ///Kind of the access token. The values are not documented.
        #[serde(
            rename = "tokenKind",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub token_kind: ::std::option::Option<::std::string::String>,
        ///Id of the OAuth client.
        #[serde(
            rename = "clientId",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub client_id: ::std::option::Option<::std::string::String>,
        ///Name of the access token.
        #[serde(
            rename = "tokenName",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub token_name: ::std::option::Option<::std::string::String>,
        ///Id of the access token, as in its `_id`. Missing for credentials that are no access token.
        #[serde(
            rename = "tokenId",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub token_id: ::std::option::Option<crate::TokenId>,
        ///Id of the member.
        #[serde(
            rename = "memberId",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        #[serde(default, deserialize_with = "crate::lenient::scalar")]
        pub member_id: ::std::option::Option<::std::string::String>,
        ///Whether the access token is a service token.
        #[serde(
            rename = "serviceToken",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub service_token: ::std::option::Option<bool>,
        ///Scopes that were granted.
        #[serde(default, skip_serializing_if = "::std::vec::Vec::is_empty")]
        #[serde(
            deserialize_with = "::serde_with::As::<::serde_with::DefaultOnError>::deserialize"
        )]
        pub scopes: ::std::vec::Vec<::std::string::String>,
        ///Name of the OAuth client. Known since October 2026 only.
        #[serde(
            rename = "clientName",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        #[serde(default, deserialize_with = "crate::lenient::scalar")]
        pub client_name: ::std::option::Option<::std::string::String>,
        ///Whom the credential was made out to. Known since October 2026 only.
        #[serde(default, skip_serializing_if = "::std::vec::Vec::is_empty")]
        #[serde(
            deserialize_with = "::serde_with::As::<::serde_with::DefaultOnError>::deserialize"
        )]
        pub audience: ::std::vec::Vec<::std::string::String>,
        ///Moment at which the credential stops working, in milliseconds since the Unix epoch (the unit is taken over from the tokens; the service does not state it). Known since October 2026 only.
        #[serde(
            rename = "expiresAt",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        #[serde(default, deserialize_with = "crate::lenient::scalar")]
        pub expires_at: ::std::option::Option<crate::UnixMillis>,
    }
    ///The steps of a JSON Patch, applied in order.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[serde(transparent)]
    pub struct JsonPatch(pub ::std::vec::Vec<PatchOperation>);
    impl ::std::ops::Deref for JsonPatch {
        type Target = ::std::vec::Vec<PatchOperation>;
        fn deref(&self) -> &::std::vec::Vec<PatchOperation> {
            &self.0
        }
    }
    impl ::std::convert::From<JsonPatch> for ::std::vec::Vec<PatchOperation> {
        fn from(value: JsonPatch) -> Self {
            value.0
        }
    }
    impl ::std::convert::From<::std::vec::Vec<PatchOperation>> for JsonPatch {
        fn from(value: ::std::vec::Vec<PatchOperation>) -> Self {
            Self(value)
        }
    }
    ///A related address.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    #[non_exhaustive]
    pub struct Link {
        ///Address, relative to the root of the host.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub href: ::std::option::Option<::std::string::String>,
        ///Media type found there.
        #[serde(rename = "type", skip_serializing_if = "::std::option::Option::is_none")]
        pub type_: ::std::option::Option<::std::string::String>,
    }
    ///The member who made a token, in short form.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    #[non_exhaustive]
    pub struct MemberSummary {
        ///Related addresses by name.
        #[serde(
            rename = "_links",
            default,
            skip_serializing_if = "crate::launchdarkly::Links::is_empty"
        )]
        pub links: crate::launchdarkly::Links,
        ///Id of the member.
        #[serde(rename = "_id", skip_serializing_if = "::std::option::Option::is_none")]
        #[serde(default, deserialize_with = "crate::lenient::scalar")]
        pub id: ::std::option::Option<::std::string::String>,
        ///Given name.
        #[serde(
            rename = "firstName",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        #[serde(default, deserialize_with = "crate::lenient::scalar")]
        pub first_name: ::std::option::Option<::std::string::String>,
        ///Family name.
        #[serde(
            rename = "lastName",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        #[serde(default, deserialize_with = "crate::lenient::scalar")]
        pub last_name: ::std::option::Option<::std::string::String>,
        ///Base role of the member. The service gives no list of values here.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        #[serde(default, deserialize_with = "crate::lenient::scalar")]
        pub role: ::std::option::Option<crate::launchdarkly::Role>,
        ///E-mail address.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        #[serde(default, deserialize_with = "crate::lenient::scalar")]
        pub email: ::std::option::Option<::std::string::String>,
    }
    ///One step of a JSON Patch (RFC 6902).
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub struct PatchOperation {
        ///What to do.
        pub op: crate::launchdarkly::PatchOp,
        ///JSON pointer to the member concerned, such as `/name`.
        pub path: ::std::string::String,
        ///Any JSON value, for the steps that take one: `add`, `replace` and `test`. An explicit null differs from absence.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub value: ::std::option::Option<::serde_json::Value>,
    }
    ///One rule of a policy. Give either `resources` or `notResources`, and either `actions` or `notActions`.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub struct Statement {
        ///Whether the rule allows or denies.
        pub effect: crate::launchdarkly::StatementEffect,
        ///Resources that the rule covers, such as `proj/*:env/*:flag/*`.
        #[serde(default, skip_serializing_if = "::std::vec::Vec::is_empty")]
        #[serde(
            deserialize_with = "::serde_with::As::<::serde_with::DefaultOnNull>::deserialize"
        )]
        pub resources: ::std::vec::Vec<::std::string::String>,
        ///Resources that the rule leaves out; it covers all others. Needs `resources` to be empty.
        #[serde(
            rename = "notResources",
            default,
            skip_serializing_if = "::std::vec::Vec::is_empty"
        )]
        #[serde(
            deserialize_with = "::serde_with::As::<::serde_with::DefaultOnNull>::deserialize"
        )]
        pub not_resources: ::std::vec::Vec<::std::string::String>,
        ///Actions that the rule covers; `*` stands for all.
        #[serde(default, skip_serializing_if = "::std::vec::Vec::is_empty")]
        #[serde(
            deserialize_with = "::serde_with::As::<::serde_with::DefaultOnNull>::deserialize"
        )]
        pub actions: ::std::vec::Vec<::std::string::String>,
        ///Actions that the rule leaves out; it covers all others. Needs `actions` to be empty.
        #[serde(
            rename = "notActions",
            default,
            skip_serializing_if = "::std::vec::Vec::is_empty"
        )]
        #[serde(
            deserialize_with = "::serde_with::As::<::serde_with::DefaultOnNull>::deserialize"
        )]
        pub not_actions: ::std::vec::Vec<::std::string::String>,
    }
    ///An access token of the account. Optional members can be missing, and members that are not listed here can appear.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub struct Token {
        ///Id of the token, used in paths. Known ids are 24 hexadecimal digits; treat them as opaque.
        #[serde(rename = "_id")]
        pub id: crate::TokenId,
        ///Id of the member who owns the account.
        #[serde(
            rename = "ownerId",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        #[serde(default, deserialize_with = "crate::lenient::scalar")]
        pub owner_id: ::std::option::Option<::std::string::String>,
        ///Id of the member who made the token, also for service tokens.
        #[serde(
            rename = "memberId",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        #[serde(default, deserialize_with = "crate::lenient::scalar")]
        pub member_id: ::std::option::Option<::std::string::String>,
        ///The member who made the token.
        #[serde(
            rename = "_member",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        #[serde(default, deserialize_with = "crate::lenient::object")]
        pub member: ::std::option::Option<MemberSummary>,
        ///Name for display. It can be empty.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub name: ::std::option::Option<::std::string::String>,
        ///Free text about what the token is for.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub description: ::std::option::Option<::std::string::String>,
        ///Moment at which the token was made, in milliseconds since the Unix epoch.
        #[serde(
            rename = "creationDate",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        #[serde(default, deserialize_with = "crate::lenient::scalar")]
        pub creation_date: ::std::option::Option<crate::UnixMillis>,
        ///Moment of the last change to the token, in milliseconds since the Unix epoch.
        #[serde(
            rename = "lastModified",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        #[serde(default, deserialize_with = "crate::lenient::scalar")]
        pub last_modified: ::std::option::Option<crate::UnixMillis>,
        ///Ids of the custom roles that the token has. Both an empty array and absence occur when there are none.
        #[serde(
            rename = "customRoleIds",
            default,
            skip_serializing_if = "::std::vec::Vec::is_empty"
        )]
        #[serde(
            deserialize_with = "::serde_with::As::<::serde_with::DefaultOnNull>::deserialize"
        )]
        pub custom_role_ids: ::std::vec::Vec<::std::string::String>,
        ///Policy that stands in for a role. Both an empty array and absence occur when there is none.
        #[serde(
            rename = "inlineRole",
            default,
            skip_serializing_if = "::std::vec::Vec::is_empty"
        )]
        #[serde(
            deserialize_with = "::serde_with::As::<::serde_with::DefaultOnNull>::deserialize"
        )]
        pub inline_role: ::std::vec::Vec<Statement>,
        ///Base role of the token. Absent when the token has custom roles or a policy of its own.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub role: ::std::option::Option<crate::launchdarkly::Role>,
        ///The whole secret in the answers to create and reset, and nowhere else. Everywhere else only the last four characters of it.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        #[serde(skip_serializing)]
        pub token: ::std::option::Option<crate::Secret>,
        ///True for a service token, which stands on its own; false for a personal token, which never exceeds its member. Cannot be changed after creation.
        #[serde(
            rename = "serviceToken",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub service_token: ::std::option::Option<bool>,
        ///Related addresses by name, usually `self` and `parent`.
        #[serde(
            rename = "_links",
            default,
            skip_serializing_if = "crate::launchdarkly::Links::is_empty"
        )]
        pub links: crate::launchdarkly::Links,
        ///Version of the REST API that applies to calls made with this token that carry no `LD-API-Version` header, a date read as one number such as 20240415. Cannot be changed after creation.
        #[serde(
            rename = "defaultApiVersion",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub default_api_version: ::std::option::Option<i64>,
        ///Moment of the last REST API call made with the token, in milliseconds since the Unix epoch. Zero means never. Sending telemetry does not count as use.
        #[serde(
            rename = "lastUsed",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        #[serde(default, deserialize_with = "crate::lenient::scalar")]
        pub last_used: ::std::option::Option<crate::UnixMillis>,
        ///Moment at which the token stops working, in milliseconds since the Unix epoch (the unit is taken over from its neighbours; the service does not state it). Known since October 2026 only; services of an earlier state leave it out of answers and drop it from requests without an error.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub expiry: ::std::option::Option<crate::UnixMillis>,
    }
    ///What a new access token shall be. Nothing is required by the service; give one of `role`, `customRoleIds` and `inlineRole`.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    #[non_exhaustive]
    pub struct TokenBody {
        ///Name for display.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub name: ::std::option::Option<::std::string::String>,
        ///Free text about what the token is for.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub description: ::std::option::Option<::std::string::String>,
        ///Base role of the token: `reader`, `writer` or `admin`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub role: ::std::option::Option<crate::launchdarkly::Role>,
        ///Custom roles that the token shall have, by id. Role keys have been seen to be accepted on creation as well.
        #[serde(
            rename = "customRoleIds",
            default,
            skip_serializing_if = "::std::vec::Vec::is_empty"
        )]
        #[serde(
            deserialize_with = "::serde_with::As::<::serde_with::DefaultOnNull>::deserialize"
        )]
        pub custom_role_ids: ::std::vec::Vec<::std::string::String>,
        ///Policy that stands in for a role.
        #[serde(
            rename = "inlineRole",
            default,
            skip_serializing_if = "::std::vec::Vec::is_empty"
        )]
        #[serde(
            deserialize_with = "::serde_with::As::<::serde_with::DefaultOnNull>::deserialize"
        )]
        pub inline_role: ::std::vec::Vec<Statement>,
        ///True makes a service token. Absent means a personal token. Cannot be changed afterwards, nor can the permissions of a service token.
        #[serde(
            rename = "serviceToken",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub service_token: ::std::option::Option<bool>,
        ///Version of the REST API for calls made with this token that carry no `LD-API-Version` header, a date read as one number such as 20240415. Absent means the newest version. Cannot be changed afterwards.
        #[serde(
            rename = "defaultApiVersion",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub default_api_version: ::std::option::Option<i64>,
        ///Moment at which the token shall stop working, in milliseconds since the Unix epoch (the unit is taken over from its neighbours; the service does not state it). Known since October 2026 only; services of an earlier state leave it out of answers and drop it from requests without an error.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub expiry: ::std::option::Option<crate::UnixMillis>,
    }
    ///A page of access tokens.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    #[non_exhaustive]
    pub struct Tokens {
        ///The tokens on this page, in full except that each secret is cut to its last four characters. Absent and empty both mean none.
        #[serde(
            deserialize_with = "::serde_with::As::<::serde_with::DefaultOnNull>::deserialize"
        )]
        pub items: crate::Listing<Token>,
        ///Paging addresses by name: possibly `self`, `first`, `prev`, `next` and `last`. They are relative to the root of the host; never follow one to another host with the secret.
        #[serde(
            rename = "_links",
            default,
            skip_serializing_if = "crate::launchdarkly::Links::is_empty"
        )]
        pub links: crate::launchdarkly::Links,
        ///Number of tokens. Described as the count of what was answered, but used as the count over all pages; do not rely on it to end a loop.
        #[serde(
            rename = "totalCount",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        #[serde(default, deserialize_with = "crate::lenient::scalar")]
        pub total_count: ::std::option::Option<i64>,
    }
    /// Error types.
    pub mod error {
        /// Error from a `TryFrom` or `FromStr` implementation.
        pub struct ConversionError(::std::borrow::Cow<'static, str>);
        impl ::std::error::Error for ConversionError {}
        impl ::std::fmt::Display for ConversionError {
            fn fmt(
                &self,
                f: &mut ::std::fmt::Formatter<'_>,
            ) -> Result<(), ::std::fmt::Error> {
                ::std::fmt::Display::fmt(&self.0, f)
            }
        }
        impl ::std::fmt::Debug for ConversionError {
            fn fmt(
                &self,
                f: &mut ::std::fmt::Formatter<'_>,
            ) -> Result<(), ::std::fmt::Error> {
                ::std::fmt::Debug::fmt(&self.0, f)
            }
        }
        impl From<&'static str> for ConversionError {
            fn from(value: &'static str) -> Self {
                Self(value.into())
            }
        }
        impl From<String> for ConversionError {
            fn from(value: String) -> Self {
                Self(value.into())
            }
        }
    }
}
#[derive(Clone, Debug)]
/**Client for LaunchDarkly access tokens

The six operations of the LaunchDarkly REST API on access tokens, and the one that tells who is calling, written independently of the vendor and in words of its own.

Timestamps are numbers of milliseconds since the Unix epoch. Secrets look like `api-` and a UUID in lower case, are shown whole only in the answers to create and reset, and cannot be read again by anybody.

The responses listed are those that the service documents for each operation; treat every status as possible everywhere, and a body of any kind with a 5xx. Lists of names such as roles are open. Members that the service does not know are dropped from requests without an error, so a 2xx does not prove that a member took effect.

Version: 1.0.0*/
pub struct Client {
    pub(crate) baseurl: String,
    pub(crate) client: Call,
}
#[allow(clippy::all)]
impl Client {
    /**Lists access tokens, one page at a time

Answers a page of tokens. Each row is a full token, except that `token` holds only the last four characters of its secret.

What is visible depends on the credential. A personal token sees every service token and the personal tokens of its own member; a service token sees every service token; the Admin role together with `showAll` widens this to the personal tokens of all members.

Paging is by plain offset, so rows shift when tokens are made or deleted meanwhile: drop repeated `_id` values. Whether `_links` really holds `next`, and whether `totalCount` counts the page or everything, is not settled; a safe loop stops on an empty page, follows `next` when given, and otherwise stops on a page shorter than the page size. API versions before 20240415 answer everything at once.

Sends a `GET` request to `/api/v2/tokens`

Arguments:
- `limit`: Number of tokens on a page. Absent means 25 under API version 20240415. The maximum is not documented.
- `offset`: Number of tokens to skip before the page begins. Absent means none.
- `show_all`: True lists the personal tokens of every member too, provided that the credential has the Admin role. Absent lists the own personal tokens and the service tokens.
*/
    pub async fn get_tokens<'a>(
        &'a self,
        limit: Option<i64>,
        offset: Option<i64>,
        show_all: Option<bool>,
    ) -> Result<ResponseValue<types::Tokens>, crate::Error> {
        let url = format!("{}/api/v2/tokens", self.baseurl,);
        self.client
            .request(::reqwest::Method::GET, &url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query("limit", &limit)
            .query("offset", &offset)
            .query("showAll", &show_all)
            .send()
            .await
    }
    /**Creates an access token

Makes a personal token, or a service token when `serviceToken` is true. The answer is the only place where the whole secret is ever shown, apart from the answer to a reset; nobody can read it later.

Give one of `role`, `customRoleIds` and `inlineRole`. The schema demands none of them, and what the server makes of two or of none is not documented. Members that the server does not know are dropped without an error, so compare the answer with what was asked.

No idempotency key is documented: repeating the call after a lost answer may leave a second token whose secret nobody has. A token that is given more than its maker may do does not get it; the surplus calls fail. Accounts have a maximum number of tokens; how that refusal looks is not documented.

Sends a `POST` request to `/api/v2/tokens`

Arguments:
- `body`: The token to make.
*/
    pub async fn post_token<'a>(
        &'a self,
        body: &'a types::TokenBody,
    ) -> Result<ResponseValue<types::Token>, crate::Error> {
        let url = format!("{}/api/v2/tokens", self.baseurl,);
        self.client
            .request(::reqwest::Method::POST, &url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .send()
            .await
    }
    /**Reads one access token

Answers the token with this id. `token` holds only the last four characters of the secret.

Sends a `GET` request to `/api/v2/tokens/{id}`

Arguments:
- `id`: Id of the access token, as in its `_id`. Known ids are 24 hexadecimal digits; treat them as opaque.
*/
    pub async fn get_token<'a>(
        &'a self,
        id: &'a crate::TokenId,
    ) -> Result<ResponseValue<types::Token>, crate::Error> {
        let url = format!(
            "{}/api/v2/tokens/{}", self.baseurl, encode_path(& id.to_string()),
        );
        self.client
            .request(::reqwest::Method::GET, &url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .send()
            .await
    }
    /**Deletes an access token

Removes the token at once; calls made with its secret are answered 401 from then on. Reading it afterwards answers 404, and so, presumably, does deleting it again.

Sends a `DELETE` request to `/api/v2/tokens/{id}`

Arguments:
- `id`: Id of the access token, as in its `_id`. Known ids are 24 hexadecimal digits; treat them as opaque.
*/
    pub async fn delete_token<'a>(
        &'a self,
        id: &'a crate::TokenId,
    ) -> Result<ResponseValue<()>, crate::Error> {
        let url = format!(
            "{}/api/v2/tokens/{}", self.baseurl, encode_path(& id.to_string()),
        );
        self.client.request(::reqwest::Method::DELETE, &url).send().await
    }
    /**Changes an access token by JSON Patch

Applies a JSON Patch (RFC 6902), sent as a bare array and as `application/json`.

Seen to work for personal tokens: `replace` and `remove` of `/name`, `/role`, `/customRoleIds` and `/inlineRole`. A kind of role is changed by removing the old one and replacing the new one in the same patch. Since October 2026 `/expiry` is meant to be patched too, in milliseconds. `/description` is probably patchable, but nobody is known to do it.

Not patchable: members that begin with an underscore, `serviceToken` and `defaultApiVersion`. The permissions of a service token are fixed when it is made, so expect a refusal there (which status is not documented).

Traps: `remove` of a member that is not set answers 422, whereas `replace` of an `/inlineRole` that is not set is accepted, against the RFC. Members that the server does not know are ignored without an error, so compare the answer with what was asked.

Sends a `PATCH` request to `/api/v2/tokens/{id}`

Arguments:
- `id`: Id of the access token, as in its `_id`. Known ids are 24 hexadecimal digits; treat them as opaque.
- `body`: The steps, in order.
*/
    pub async fn patch_token<'a>(
        &'a self,
        id: &'a crate::TokenId,
        body: &'a types::JsonPatch,
    ) -> Result<ResponseValue<types::Token>, crate::Error> {
        let url = format!(
            "{}/api/v2/tokens/{}", self.baseurl, encode_path(& id.to_string()),
        );
        self.client
            .request(::reqwest::Method::PATCH, &url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .send()
            .await
    }
    /**Gives an access token a new secret

Makes a new secret for the token and answers it whole, once. The id stays.

Without `expiry` the old secret dies at once. A client that resets the token it authenticates with, without `expiry`, cuts itself off until it takes over the new secret.

`expiry` belongs into the query string. An `expiry` in a JSON body is ignored without an error, so the old secret then most likely dies at once.

There is no body, yet the service wants the header `Content-Type: application/json` all the same. Do not repeat the call after a lost answer without thought: each call makes another secret and may end the one before.

Deprecated by the service since October 2026: make a new token instead, and patch `expiry` of the old one.

Sends a `POST` request to `/api/v2/tokens/{id}/reset`

Arguments:
- `id`: Id of the access token, as in its `_id`. Known ids are 24 hexadecimal digits; treat them as opaque.
- `expiry`: Moment until which the old secret goes on working, in milliseconds (not seconds) since the Unix epoch. Absent means that the old secret dies at once.
*/
    pub async fn reset_token<'a>(
        &'a self,
        id: &'a crate::TokenId,
        expiry: Option<&'a crate::UnixMillis>,
    ) -> Result<ResponseValue<types::Token>, crate::Error> {
        let url = format!(
            "{}/api/v2/tokens/{}/reset", self.baseurl, encode_path(& id.to_string()),
        );
        self.client
            .request(::reqwest::Method::POST, &url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query("expiry", &expiry)
            .send()
            .await
    }
    /**Tells whom the credential belongs to

Answers what the service knows of the credential that the request carries. It needs no permission: a token that may do nothing else may call it. So its 401 says that the credential is not accepted, which a 401 of the other operations does not: there it can also mean a missing permission.

`tokenId` is there when the credential is the secret of an access token. Sessions, OAuth clients and SDK keys have none.

Sends a `GET` request to `/api/v2/caller-identity`

*/
    pub async fn get_caller_identity<'a>(
        &'a self,
    ) -> Result<ResponseValue<types::Caller>, crate::Error> {
        let url = format!("{}/api/v2/caller-identity", self.baseurl,);
        self.client
            .request(::reqwest::Method::GET, &url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .send()
            .await
    }
}
/// Items consumers will typically use such as the Client.
pub mod prelude {
    #[allow(unused_imports)]
    pub use super::Client;
}
impl From<Call> for Client {
    fn from(client: Call) -> Self {
        let baseurl = client.base_url().to_owned();
        Self { baseurl, client }
    }
}
