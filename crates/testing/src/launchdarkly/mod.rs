//! The twin of `LaunchDarkly`: its operations, its settings, its tokens.

mod form;
mod limits;
mod options;
mod page;
mod patch;
mod route;
mod seed;
mod service;
mod state;
mod wire;

use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

pub use limits::RateLimit;
pub use options::{Builder, TotalCount, UnsetExpiry};
pub use seed::Seed;
pub use state::TwinToken;

use self::options::Options;
use self::service::Account;
use super::common::common_methods;
use super::server::Server;
use super::settling::Life;
use super::twin::Entry;
use access_tokens::{Clock, Secret};

/// An operation of the service, by which faults are set and requests are counted.
///
/// Its name in JSON is in snake case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Operation {
    /// `GET /api/v2/tokens`
    GetTokens,
    /// `POST /api/v2/tokens`
    PostToken,
    /// `GET /api/v2/tokens/{id}`
    GetToken,
    /// `PATCH /api/v2/tokens/{id}`
    PatchToken,
    /// `DELETE /api/v2/tokens/{id}`
    DeleteToken,
    /// `POST /api/v2/tokens/{id}/reset`
    ResetToken,
    /// `GET /api/v2/caller-identity`
    CallerIdentity,
}

/// Twin of LaunchDarkly: an account with its access tokens, on a port of the loopback interface. It
/// stops when it is dropped.
///
/// It begins with one member, the owner, and one token, [`credential`](Self::credential), a
/// personal one with the role `admin`; both are seen in lists like any other.
///
/// What it keeps to:
///
/// * A whole secret is in the answers to create and reset alone, everywhere else its last four
///   characters. A reset ends the old secret at once, or at `expiry` of the **query**; a body is
///   not looked at.
/// * Credentials that are unknown, deleted or expired, or whose member is gone, get 401; so does
///   everything but the bare secret in `Authorization`.
/// * `caller-identity` answers for every credential that works, whatever it may do besides.
/// * Changes are for administrators: tokens with the role `admin` or `owner` whose member, if the
///   token is a personal one, has such a role too. Others get 403.
/// * Everyone sees the service tokens, personal tokens see those of their member, and
///   administrators see all with `showAll` (for a single token without it). What one may not see
///   is 404.
/// * Lists come in pages from API version 20240415 on, which is also the default of new tokens.
/// * Patches are real JSON patches: what does not fit is 422 and changes nothing.
///
/// Where the service's behaviour is not documented the twin chooses, and lets many of the choices
/// be changed in the [`Builder`]: a token needs exactly one kind of role (else 400); members that
/// cannot be changed, and the permissions of service tokens, give 400 when a patch changes them;
/// `limit` must be above zero; `expiry` in the past is taken, `null` and `0` clear it; a POST or
/// PATCH without `Content-Type: application/json` is 400; custom roles are not checked and give no
/// right to manage tokens; methods tunnelled through a header are not known.
///
/// ```
/// use access_tokens_testing::{LaunchDarkly, launchdarkly::Seed};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let twin = LaunchDarkly::start().await?;
/// let token = twin.seed(Seed::new("nightly export"));
/// assert!(twin.authenticates(&token.secret));
/// assert_eq!(twin.tokens().len(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct LaunchDarkly {
    server: Server<Account>,
    clock: Arc<dyn Clock>,
    credential: TwinToken,
}

common_methods!(
    LaunchDarkly,
    Operation,
    LAUNCH_DARKLY,
    "LAUNCHDARKLY_API_HOST",
    "LD_ACCESS_TOKEN"
);

fn start(clock: Arc<dyn Clock>, options: Options) -> io::Result<LaunchDarkly> {
    let now = clock.now();
    let account = Account::new(options, now);
    let credential = {
        let mut state = account.lock();
        let owner = state.owner.clone();
        let admin = Seed::new("twin administrator").role("admin");
        state.insert(admin.into_token(&owner, now), Life::default())
    };
    let server = Server::start(Arc::new(account), Arc::clone(&clock))?;
    Ok(LaunchDarkly {
        server,
        clock,
        credential,
    })
}

impl LaunchDarkly {
    /// The time of the twin's clock.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// The secret of the administrator's token, as it was at the start.
    #[must_use]
    pub fn credential(&self) -> Secret {
        self.credential.secret.clone()
    }

    /// The id of the administrator's token.
    #[must_use]
    pub fn credential_id(&self) -> &str {
        &self.credential.id
    }

    /// Adds a member with this base role and a personal token of theirs with the same role: its
    /// secret.
    #[must_use]
    pub fn member_credential(&self, role: &str) -> Secret {
        let member = self.add_member(role);
        let seed = Seed::new(format!("{role} of the twin")).role(role);
        self.seed(seed.member(member)).secret
    }

    /// Adds a member with this base role and a credential of theirs that is no access token, as a
    /// session or an OAuth application has: its secret. It is in no list, and `caller-identity`
    /// names no token for it.
    #[must_use]
    pub fn session_credential(&self, role: &str) -> Secret {
        let member = self.add_member(role);
        self.server.service().lock().open_session(&member)
    }

    /// Adds a member with this base role: the id.
    #[must_use]
    pub fn add_member(&self, role: &str) -> String {
        let now = self.clock.now();
        self.server.service().lock().add_member(role, now)
    }

    /// All tokens there are, expired ones included, oldest first.
    #[must_use]
    pub fn tokens(&self) -> Vec<TwinToken> {
        let state = self.server.service().lock();
        state
            .tokens()
            .map(|token| TwinToken::clone(token))
            .collect()
    }

    /// The token with this id.
    #[must_use]
    pub fn token(&self, id: &str) -> Option<TwinToken> {
        let state = self.server.service().lock();
        state.token(id).map(|token| TwinToken::clone(token))
    }

    fn all_entries(&self) -> Vec<Entry> {
        let now = self.clock.now();
        let state = self.server.service().lock();
        let entry = |token: &TwinToken| Entry {
            key: token.id.clone(),
            name: token.name.clone(),
            works: state.opened_by(token.secret.expose_secret(), now).is_some(),
            secret: token.secret.clone(),
            created: Some(token.created),
            expires: token.expiry,
            last_used: token.last_used,
        };
        state.tokens().map(|token| entry(token)).collect()
    }

    /// Whether a request with this secret would be let in now; asking is not a use.
    #[must_use]
    pub fn authenticates(&self, secret: &Secret) -> bool {
        let now = self.clock.now();
        let state = self.server.service().lock();
        let secret = secret.expose_secret();
        state.opened_by(secret, now).is_some() || state.session_of(secret).is_some()
    }
}

#[expect(
    clippy::must_use_candidate,
    reason = "called for what they change; what they return is extra"
)]
impl LaunchDarkly {
    /// Gives a member another base role; `false` if there is no such member. Their personal tokens
    /// can never more than they can themselves.
    pub fn set_member_role(&self, id: &str, role: &str) -> bool {
        self.server.service().lock().set_member_role(id, role)
    }

    /// Removes a member; `false` if there is no such member. Their personal tokens stop working.
    pub fn remove_member(&self, id: &str) -> bool {
        self.server.service().lock().remove_member(id)
    }

    /// Removes a token past the API, as another administrator would; `false` if there is none.
    pub fn remove(&self, id: &str) -> bool {
        let now = self.clock.now();
        self.server.service().lock().delete(id, now)
    }

    /// Puts a token in.
    pub fn seed(&self, seed: Seed) -> TwinToken {
        let now = self.clock.now();
        let mut state = self.server.service().lock();
        let owner = state.owner.clone();
        state.insert(seed.into_token(&owner, now), Life::default())
    }
}
