//! The twin of Avisi Cloud's personal access tokens.

mod model;
mod options;
mod service;

use std::io;
use std::sync::Arc;

pub use model::{Operation, Seed, TwinToken};
pub use options::{Builder, ErrorShape, ListedSecret, Revoked, SecondRevoke, UnsetDate};

use self::options::Options;
use self::service::Account;
use super::common::common_methods;
use super::server::Server;
use super::twin::Entry;
use access_tokens::{Clock, Secret};

/// Twin of Avisi Cloud: a user with their personal access tokens, on a port of the loopback
/// interface. It stops when it is dropped.
///
/// It begins with one token, [`credential`](Self::credential), which is seen in the list like any
/// other.
///
/// What it keeps to:
///
/// * A list is a plain array without paging, every success is 200, and the secret is in the answer
///   to a provision alone.
/// * A revoke answers `{message, status}`.
/// * Whatever `type` is sent comes back as it was, any JSON; the IP restriction is kept as text
///   and restricts nothing.
/// * `Authorization` must be `Token`, one space and the secret, else 401. Provisioned tokens let
///   in as well, until they are revoked or have ended.
///
/// Much of the service is not documented. The [`Builder`] has a switch for each unknown, so that a
/// client can be tried against every reading. Without a switch, and the twin's choice: an IP
/// restriction that was not given is the empty string; unknown members of a request are ignored; a
/// path outside the API is 404 and an unknown method 405.
///
/// ```
/// use access_tokens_testing::{AvisiCloud, VirtualClock, avisi_cloud::Seed};
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let clock = VirtualClock::new();
/// let twin = AvisiCloud::builder().clock(clock.clone()).start().await?;
/// let token = twin.seed(Seed::new("ci").expire_at(twin.now() + Duration::from_secs(60)));
/// assert!(twin.authenticates(&token.secret));
/// clock.advance(Duration::from_secs(60));
/// assert!(!twin.authenticates(&token.secret));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct AvisiCloud {
    server: Server<Account>,
    credential: TwinToken,
}

common_methods!(
    AvisiCloud,
    Operation,
    AVISI_CLOUD,
    "ACLOUD_API_ENDPOINT",
    "ACLOUD_PERSONAL_ACCESS_TOKEN"
);

fn start(clock: Arc<dyn Clock>, options: Options) -> io::Result<AvisiCloud> {
    let listed = options.lists_credential;
    let account = Account::new(options, Arc::clone(&clock));
    let credential = account.seed(Seed::new("credential of the twin"));
    if !listed {
        let mut state = account.lock();
        state.tokens.clear();
        state.outside = Some(credential.secret.clone());
    }
    let server = Server::start(Arc::new(account), clock)?;
    Ok(AvisiCloud { server, credential })
}

impl AvisiCloud {
    /// The secret that is let in from the start.
    #[must_use]
    pub fn credential(&self) -> Secret {
        self.credential.secret.clone()
    }

    /// The id of the credential's token; in no list if
    /// [`lists_credential`](Builder::lists_credential) is off.
    #[must_use]
    pub fn credential_id(&self) -> &str {
        &self.credential.id
    }

    /// The time of the twin's clock.
    #[must_use]
    pub fn now(&self) -> std::time::SystemTime {
        self.server.service().now()
    }

    /// Puts a token in.
    #[expect(clippy::must_use_candidate, reason = "the token is there without it")]
    pub fn seed(&self, seed: Seed) -> TwinToken {
        self.server.service().seed(seed)
    }

    /// Removes a token past the API, as the user would elsewhere; `false` if there is none.
    #[expect(clippy::must_use_candidate, reason = "called for what it changes")]
    pub fn remove(&self, id: &str) -> bool {
        self.server.service().lock().remove(id)
    }

    fn all_entries(&self) -> Vec<Entry> {
        let now = self.now();
        let state = self.server.service().lock();
        let entry = |token: &TwinToken| Entry {
            works: state.works(token, now),
            key: token.id.clone(),
            name: token.name.clone(),
            secret: token.secret.clone(),
            created: token.created_at,
            expires: token.expire_at,
            last_used: token.last_used_at,
        };
        state.tokens.iter().map(entry).collect()
    }

    /// All tokens there are, in the order of the list, revoked and ended ones included unless they
    /// vanish.
    #[must_use]
    pub fn tokens(&self) -> Vec<TwinToken> {
        self.server.service().lock().tokens.clone()
    }

    /// Whether a request with this secret would be let in now; asking is not a use.
    #[must_use]
    pub fn authenticates(&self, secret: &Secret) -> bool {
        let account = self.server.service();
        account.lock().authenticates(secret, account.now())
    }
}
