#[allow(unused_imports)]
use crate::transport::{Call, ResponseValue, encode_path};
/// Types used as operation parameters and responses.
#[allow(clippy::all)]
pub mod types {
    ///A row of the list. It has no owner and no time of last use.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub struct Token {
        ///Number of the row. Gaps are normal. A token that is deleted and created again gets a new one.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        #[serde(default, deserialize_with = "crate::lenient::scalar")]
        pub id: ::std::option::Option<i64>,
        ///Name of the token, the only handle in all other operations. Case counts and nothing is trimmed or normalised, so that two writings of the same letters are two names.
        pub name: ::std::string::String,
        ///The whole secret in clear: a JSON Web Token of about 200 characters, with the claims `exp`, `iat`, `iss` and `sub`. It is accepted only while `exp` equals `expiration_date` and `iat` equals `updated_at`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        #[serde(skip_serializing)]
        pub token: ::std::option::Option<crate::Secret>,
        ///Whether the token may be used: 1 for yes, 0 for no.
        pub active: crate::query_server::Flag,
        ///Whether the token may change data: 1 for yes, 0 for no.
        pub write: crate::query_server::Flag,
        ///Moment at which the token stops working, in seconds since the Unix epoch. Equal to `updated_at` means that it never expires. A client may have stored milliseconds here by mistake; the server does not convert them.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        #[serde(default, deserialize_with = "crate::lenient::scalar")]
        pub expiration_date: ::std::option::Option<crate::UnixSeconds>,
        ///Moment at which the row was made, in seconds since the Unix epoch. Null only when somebody wrote the row by SQL.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        #[serde(default, deserialize_with = "crate::lenient::scalar")]
        pub created_at: ::std::option::Option<crate::UnixSeconds>,
        ///Moment of the last update, in seconds since the Unix epoch. Null only when somebody wrote the row by SQL.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        #[serde(default, deserialize_with = "crate::lenient::scalar")]
        pub updated_at: ::std::option::Option<crate::UnixSeconds>,
    }
    ///What a new token shall be.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub struct TokenBody {
        ///Name of the token. An empty name is answered with success and stores nothing. Case counts and nothing is trimmed or normalised, so that two writings of the same letters are two names.
        pub name: ::std::string::String,
        ///Moment at which the token shall stop working, in whole seconds (not milliseconds) since the Unix epoch. Absent, null or exactly now means never. Before now is refused.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub expiration_date: ::std::option::Option<crate::UnixSeconds>,
        ///Whether the token may be used. A real boolean. Absent or null means true.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub active: ::std::option::Option<bool>,
        ///Whether the token may change data. A real boolean. Absent or null means true.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub write: ::std::option::Option<bool>,
    }
    ///Which token to remove.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub struct TokenDelete {
        ///Name of the token. Wildcards have no meaning.
        pub name: ::std::string::String,
    }
    ///What to change in a token. The secret is replaced in any case.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub struct TokenUpdate {
        ///Name of the token to change. It cannot be renamed.
        pub name: ::std::string::String,
        ///Moment at which the token shall stop working, in whole seconds (not milliseconds) since the Unix epoch. Absent or null keeps the stored value. The past is not refused.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub expiration_date: ::std::option::Option<crate::UnixSeconds>,
        ///Whether the token may be used. A real boolean. Absent or null keeps the stored value.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub active: ::std::option::Option<bool>,
        ///Whether the token may change data. A real boolean. Absent or null keeps the stored value.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub write: ::std::option::Option<bool>,
    }
    ///The secret of one token.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    #[non_exhaustive]
    pub struct TokenValue {
        ///The whole secret: a JSON Web Token of about 200 characters.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        #[serde(skip_serializing)]
        pub token: ::std::option::Option<crate::Secret>,
    }
    ///The secret asked for.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub struct TokenValues {
        ///One entry when the name exists, none when it does not.
        pub data: ::std::vec::Vec<TokenValue>,
    }
    ///All tokens of the server.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub struct Tokens {
        ///One row a token; empty when there are none.
        pub data: crate::Listing<Token>,
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
/**Client for Query Server tokens

The five operations of Query Server on tokens that belong to no user, as the server was observed to behave at version 0.12.49. Where the vendor's documentation says otherwise, the server was believed.

The credential is the user token of an active administrator. Tokens made by these operations cannot manage tokens. The server has no encryption of its own; anything but a local address needs a proxy in front of it.

No answer carries a `Content-Type` header, neither JSON nor text; the media types given here say how to read the bytes. Errors are plain text or empty, never JSON. A successful status is no proof of an effect, see each operation. Writes can wait five seconds and more for a lock, so time limits should lie well above that.

Version: 1.0.0*/
pub struct Client {
    pub(crate) baseurl: String,
    pub(crate) client: Call,
}
#[allow(clippy::all)]
impl Client {
    /**Lists all tokens

Answers every token in one piece: there is no paging and no filter, and any query string is ignored. The rows have come in the order of their ids, which is not promised.

Each row holds the whole secret in clear, so treat the whole answer as a secret.

The flags arrive as the numbers 0 and 1, although requests need real booleans. All times are whole seconds. The answer carries no `Content-Type` header.

Sends a `GET` request to `/_/token`

*/
    pub async fn list_tokens<'a>(
        &'a self,
    ) -> Result<ResponseValue<types::Tokens>, crate::Error> {
        let url = format!("{}/_/token", self.baseurl,);
        self.client
            .request(::reqwest::Method::GET, &url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .send()
            .await
    }
    /**Updates a token, which also replaces its secret

Changes the members that are given, and always makes a new secret, even when only the name is sent. The old secret is dead at once. The answer is 200 with an empty body.

The new secret is normally dead too. The server signs it with the time of the previous update and then stores the current time as the time of the update; a token is accepted only when both agree. They agree only when both fall into the same second, that is, when the token was created or updated within the same second as well. Nothing in the answer tells. To get a working secret, delete the token and create it again with an explicit expiry in the future, or verify with the list that the `iat` claim of the secret equals `updated_at`.

Absent and null members keep the stored value; the vendor's documentation claims defaults instead. A token that never expires loses that by an update: `updated_at` moves on, and the stored expiry is then simply in the past. A name that does not exist answers 400 when at least one optional member is missing, and 200 without any effect when all three are given. Renaming is impossible.

Times are whole seconds since the Unix epoch. The vendor's documentation says milliseconds; the server compares them with a clock in seconds, so a value in milliseconds is taken without complaint and in effect never comes. Floats and strings are refused, even `1.0`. Unlike on creation, a time in the past is stored without complaint.

Two updates at the same time that each give only some members can undo each other. A repeated call replaces the secret again.

Sends a `PUT` request to `/_/token`

Arguments:
- `body`: The name of the token and what to change.
*/
    pub async fn update_token<'a>(
        &'a self,
        body: &'a types::TokenUpdate,
    ) -> Result<ResponseValue<()>, crate::Error> {
        let url = format!("{}/_/token", self.baseurl,);
        self.client.request(::reqwest::Method::PUT, &url).json(&body).send().await
    }
    /**Creates a token

Stores a token under a name. The answer is 201 with an empty body: neither the id nor the secret is in it, so the secret has to be fetched with a second call.

The 201 proves little. A name that exists already is answered 201 as well, and nothing changes: flags, expiry and secret stay as they were. An empty name is answered 201 and nothing is stored. Look the name up before, and read back afterwards.

Times are whole seconds since the Unix epoch. The vendor's documentation says milliseconds; the server compares them with a clock in seconds, so a value in milliseconds is taken without complaint and in effect never comes. Floats and strings are refused, even `1.0`. A time before now is refused with 400.

Without `expiration_date` the token never expires; the server marks this by storing the time of the update as the expiry. Sending a time equal to now has the same effect by accident. The mark is taken from two clocks, and when a second ticks between them (rare, but likelier while the database is locked) the token is dead from the start in spite of the 201. An explicit time in the far future avoids this.

Members that the server does not know are ignored. The call can be repeated without harm.

Sends a `POST` request to `/_/token`

Arguments:
- `body`: The token to store.
*/
    pub async fn create_token<'a>(
        &'a self,
        body: &'a types::TokenBody,
    ) -> Result<ResponseValue<()>, crate::Error> {
        let url = format!("{}/_/token", self.baseurl,);
        self.client.request(::reqwest::Method::POST, &url).json(&body).send().await
    }
    /**Deletes a token

Removes the token with this name. The name goes into a JSON body, which has to be sent although the method is DELETE; a name in the query string is not looked at.

The answer is 200 with an empty body whether or not there was such a token, so check before and after. The call can be repeated without harm. Creating the name again makes a new row with a new id.

Sends a `DELETE` request to `/_/token`

Arguments:
- `body`: The name of the token to remove.
*/
    pub async fn delete_token<'a>(
        &'a self,
        body: &'a types::TokenDelete,
    ) -> Result<ResponseValue<()>, crate::Error> {
        let url = format!("{}/_/token", self.baseurl,);
        self.client.request(::reqwest::Method::DELETE, &url).json(&body).send().await
    }
    /**Reads the secret of a token

Answers the whole secret of the token with this name, also when the token is switched off or expired. A name that does not exist is answered with 200 and an empty list, never with 404. The answer carries no `Content-Type` header.

Sends a `GET` request to `/_/token/value`

Arguments:
- `name`: Name of the token, exactly as stored: case counts, nothing is trimmed or normalised. Encoded as in forms: a plus sign means a space, so a real plus has to be sent as `%2B`. Names beyond about 65 kB cannot be asked for.
*/
    pub async fn get_token_value<'a>(
        &'a self,
        name: &'a str,
    ) -> Result<ResponseValue<types::TokenValues>, crate::Error> {
        let url = format!("{}/_/token/value", self.baseurl,);
        self.client
            .request(::reqwest::Method::GET, &url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query("name", &name)
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
