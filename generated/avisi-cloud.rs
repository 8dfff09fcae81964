#[allow(unused_imports)]
use crate::transport::{Call, ResponseValue, encode_path};
/// Types used as operation parameters and responses.
#[allow(clippy::all)]
pub mod types {
    ///A personal access token. The service promises none of the members, so each can be missing.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    #[non_exhaustive]
    pub struct PersonalAccessToken {
        ///Id of the token, used in paths. Treat it as opaque.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub id: ::std::option::Option<crate::TokenId>,
        ///Name for display.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub name: ::std::option::Option<::std::string::String>,
        ///Whom the token stands for. The form is not documented.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        #[serde(default, deserialize_with = "crate::lenient::scalar")]
        pub subject: ::std::option::Option<::std::string::String>,
        ///Kind of the token.
        #[serde(rename = "type", skip_serializing_if = "::std::option::Option::is_none")]
        pub type_: ::std::option::Option<crate::avisi_cloud::PersonalAccessTokenType>,
        ///Whether the token can be used.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        #[serde(default, deserialize_with = "crate::lenient::scalar")]
        pub active: ::std::option::Option<bool>,
        ///Addresses that the token may be used from, in CIDR notation. Absent or empty seems to mean no restriction. Whether several blocks are possible is not documented.
        #[serde(
            rename = "ipRestriction",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub ip_restriction: ::std::option::Option<::std::string::String>,
        ///When the token was made. The text is kept as sent: an RFC 3339 date and time is likely, but no format is documented.
        #[serde(
            rename = "createdAt",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        #[serde(default, deserialize_with = "crate::lenient::scalar")]
        pub created_at: ::std::option::Option<crate::DateText>,
        ///When the token stops working. Mind the spelling, which is not `expiresAt`. The text is kept as sent: an RFC 3339 date and time is likely, but no format is documented. A moment that never came may be missing, null, an empty string or the year 1.
        #[serde(
            rename = "expireAt",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        #[serde(default, deserialize_with = "crate::lenient::scalar")]
        pub expire_at: ::std::option::Option<crate::DateText>,
        ///When the token was last used. The text is kept as sent: an RFC 3339 date and time is likely, but no format is documented. A moment that never came may be missing, null, an empty string or the year 1.
        #[serde(
            rename = "lastUsedAt",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        #[serde(default, deserialize_with = "crate::lenient::scalar")]
        pub last_used_at: ::std::option::Option<crate::DateText>,
        ///The secret. Expected in the answer to provisioning; what the list has here, if anything, is not documented.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        #[serde(skip_serializing)]
        pub token: ::std::option::Option<crate::Secret>,
    }
    ///What a new personal access token shall be. Which members are needed is not documented.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    #[non_exhaustive]
    pub struct ProvisionBody {
        ///Name for display.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub name: ::std::option::Option<::std::string::String>,
        ///Addresses that the token may be used from, in CIDR notation. The vendor's guide calls it optional and speaks of IPv4 only.
        #[serde(
            rename = "ipRestriction",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub ip_restriction: ::std::option::Option<::std::string::String>,
        ///Kind of the token. The values are not documented; leave it out unless you know one.
        #[serde(rename = "type", skip_serializing_if = "::std::option::Option::is_none")]
        pub type_: ::std::option::Option<crate::avisi_cloud::PersonalAccessTokenType>,
    }
    ///The answer to revoking a token. Either member can be missing.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    #[non_exhaustive]
    pub struct RevokeAnswer {
        ///Text for people.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        #[serde(default, deserialize_with = "crate::lenient::scalar")]
        pub message: ::std::option::Option<::std::string::String>,
        ///A number, likely the HTTP status; the meaning is not documented.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        #[serde(default, deserialize_with = "crate::lenient::scalar")]
        pub status: ::std::option::Option<i64>,
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
/**Client for Avisi Cloud personal access tokens

The three operations of Avisi Cloud on the personal access tokens of a user, written independently of the vendor and in words of its own. They belong to the user, not to an organisation.

The vendor's documentation is thin. There is no reading of a single token, no change and no rotation. Only the statuses 200, 400, 404 and 500 are documented; the 401 listed here is inferred, and 403 is to be expected as well. No rate limits are documented.

Version: 1.0.0*/
pub struct Client {
    pub(crate) baseurl: String,
    pub(crate) client: Call,
}
#[allow(clippy::all)]
impl Client {
    /**Lists the personal access tokens of the user

Answers the tokens of the user to whom the credential belongs, as one plain array. There are no parameters; neither paging nor a maximum is documented. Whether expired and revoked tokens stay in the list is not documented either, though the member `active` suggests it, and nor is what `token` holds here.

Sends a `GET` request to `/sts/v1/personal-access-tokens`

*/
    pub async fn list_personal_access_tokens<'a>(
        &'a self,
    ) -> Result<
        ResponseValue<
            ::std::option::Option<::std::vec::Vec<types::PersonalAccessToken>>,
        >,
        crate::Error,
    > {
        let url = format!("{}/sts/v1/personal-access-tokens", self.baseurl,);
        self.client
            .request(::reqwest::Method::GET, &url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .send()
            .await
    }
    /**Creates a personal access token

Makes a token for the user to whom the credential belongs. The documented success is 200, not 201. The secret is in the member `token` of the answer, presumably nowhere else.

No end of life can be asked for, although the answer has `expireAt`; how long a token lives is not documented. Which members of the request are needed is not documented.

Do not repeat the call after a lost answer: nothing is said about idempotency, and the token whose secret was lost stays active. Find it by its name in the list and revoke it.

Sends a `POST` request to `/sts/v1/personal-access-tokens`

Arguments:
- `body`: The token to make.
*/
    pub async fn provision_personal_access_token<'a>(
        &'a self,
        body: &'a types::ProvisionBody,
    ) -> Result<ResponseValue<types::PersonalAccessToken>, crate::Error> {
        let url = format!("{}/sts/v1/personal-access-tokens", self.baseurl,);
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
    /**Revokes a personal access token

Ends a token of the user. Whether it is deleted or only switched off, and what a second call answers, is not documented. The documented success is 200 with a small body; be prepared for an empty one.

Sends a `DELETE` request to `/sts/v1/personal-access-tokens/{token_id}`

Arguments:
- `token_id`: Id of the token, as in its `id`. Treat it as opaque.
*/
    pub async fn revoke_personal_access_token<'a>(
        &'a self,
        token_id: &'a crate::TokenId,
    ) -> Result<ResponseValue<types::RevokeAnswer>, crate::Error> {
        let url = format!(
            "{}/sts/v1/personal-access-tokens/{}", self.baseurl, encode_path(& token_id
            .to_string()),
        );
        self.client
            .request(::reqwest::Method::DELETE, &url)
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
