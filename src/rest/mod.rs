//! A client for any other service: its HTTP and JSON, with the retries, bounds and errors of the
//! services that this crate knows.
//!
//! A service is described once, by an [`Api`], and each of its operations by an [`Operation`](crate::Operation). What a
//! [`Call`] to one of them becomes is the same [`Request`](crate::Request) as everywhere:
//!
//! ```
//! use access_tokens::rest::{Api, Client};
//! use access_tokens::{NewToken, Operation, Result, Service};
//! use serde::Deserialize;
//! use serde_json::json;
//!
//! const DESK: Api = Api::new(Service::new("Front Desk"))
//!     .scheme("") // the credential alone, where `Bearer …` is usual
//!     .api_paths(&["/api/v2"]);
//! const LIST: Operation = Operation::get("listBadges", "/api/v2/tokens");
//! const CREATE: Operation = Operation::post("createBadge", "/api/v2/tokens")
//!     .if_lost("Look for a badge of this name that nobody has, and revoke it.");
//! const REVOKE: Operation = Operation::delete("revokeBadge", "/api/v2/tokens/{id}").on_token();
//!
//! /// What the service shows of a badge. The secret is none of it.
//! #[derive(Debug, Deserialize)]
//! struct Badge {
//!     #[serde(rename = "_id")]
//!     id: String,
//! }
//!
//! async fn hand_out(desk: &Client) -> Result<NewToken<Badge>> {
//!     let body = json!({ "name": "visitor", "role": "reader" });
//!     desk.call(&CREATE).body(&body).new_token("token").await
//! }
//!
//! # #[cfg(feature = "launchdarkly")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
//! # let twin = access_tokens_testing::LaunchDarkly::start().await?;
//! # let (base_url, secret) = (twin.base_url(), twin.credential());
//! let desk = DESK.client().base_url(base_url).credential(secret).build()?;
//! let new = hand_out(&desk).await?;
//! assert_eq!(format!("{:?}", new.secret()), "Secret([redacted])");
//! let answer: serde_json::Value = desk.call(&LIST).query("limit", 20).read().await?;
//! # assert_eq!(answer["items"].as_array().map(Vec::len), Some(2));
//! desk.call(&REVOKE).segment("id", &new.token().id).done().await?;
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "launchdarkly"))]
//! # fn main() {}
//! ```
//!
//! What it takes to have such tokens kept and reported is
//! [`TokenService`](crate::TokenService) on top; `examples/fourth_service` of the repository is one.
//!
//! # What it refuses
//!
//! | what | becomes of it |
//! |---|---|
//! | an id or name with `/`, `\` or a control character, of dots alone, empty, over 256 bytes | [`InvalidInput`](crate::ErrorKind::InvalidInput); all else is one segment, escaped |
//! | a path that lacks a segment, or is given one that it has no place for | `InvalidInput` |
//! | a new secret of an operation that is not [`NonIdempotent`](crate::Idempotency::NonIdempotent) | `InvalidInput` |
//! | a base URL that ends in a path of the API | [`Config`](crate::ErrorKind::Config) |
//! | a redirect, a page of HTML, an answer that is too large or comes too late | an error, as everywhere |
//!
//! There is no way to the headers of an answer, to a body that is not JSON, or to a call without a credential.

mod call;
mod client;
mod path;

pub use self::call::Call;
pub use self::client::Client;
use crate::id::Service;
use crate::transport::{ClientBuilder, Profile};

/// Description of a service on the wire: its address, and how the credential is sent.
///
/// Make it a constant; see the [module](self).
#[derive(Debug)]
pub struct Api(Profile);

impl Api {
    /// A service that takes its credential as `Authorization: Bearer …`, and of which each user gives
    /// the address.
    #[must_use]
    pub const fn new(service: Service) -> Self {
        let mut profile = Profile::of(service);
        profile.scheme = "Bearer";
        Self(profile)
    }

    /// The word before the credential in its header, such as `Token`; with an empty one it is bare.
    #[must_use]
    pub const fn scheme(mut self, word: &'static str) -> Self {
        self.0.scheme = word;
        self
    }

    /// Another header for the credential than `Authorization`, such as `PRIVATE-TOKEN`, which holds it
    /// bare.
    #[must_use]
    pub const fn credential_header(mut self, name: &'static str) -> Self {
        self.0.credential_header = name;
        self.scheme("")
    }

    /// What every request carries besides, such as the version of the API. No secret belongs there.
    #[must_use]
    pub const fn headers(mut self, headers: &'static [(&'static str, &'static str)]) -> Self {
        self.0.headers = headers;
        self
    }

    /// The address of the service where the user gives none.
    #[must_use]
    pub const fn base_url(mut self, url: &'static str) -> Self {
        self.0.default_base = Some(url);
        self
    }

    /// Paths with which operations begin, such as `/api/v4`: a base URL that ends in one is refused.
    #[must_use]
    pub const fn api_paths(mut self, paths: &'static [&'static str]) -> Self {
        self.0.paths = paths;
        self
    }

    /// The variables from which [`ClientBuilder::from_env`] takes the credential and the base URL.
    #[must_use]
    pub const fn variables(
        mut self,
        credential: &'static [&'static str],
        base_url: &'static [&'static str],
    ) -> Self {
        self.0.credential_vars = credential;
        self.0.url_vars = base_url;
        self
    }

    /// Builds a client: credential, address and limits.
    pub fn client(&'static self) -> ClientBuilder<Client> {
        ClientBuilder::new(&self.0)
    }
}
