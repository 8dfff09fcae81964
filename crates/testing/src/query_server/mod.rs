//! The twin of Query Server.

mod jwt;
mod model;
mod options;
mod query;
mod request;
mod service;
mod state;

use std::io;
use std::sync::Arc;

pub use self::model::{CreateTokenOption, Operation, Seed, TwinToken};
pub use self::options::Builder;
use self::options::Options;
use self::service::Account;
use super::common::common_methods;
use super::fault::Fault;
use super::server::Server;
use super::twin::Entry;
use access_tokens::{Clock, Secret, UnixSeconds};

/// Twin of Query Server: its token API, on a port of the loopback interface. It stops when it is
/// dropped.
///
/// It answers as the server does, not as its documentation says: creating a name that exists is a
/// 201 that changes nothing, an update leaves a token that is mostly dead, a millisecond date
/// never comes, and so on. Its tokens are signed as the server's are, so that their claims can be
/// read.
///
/// `/_/query` lets in whom the server lets in, which is how a secret is seen to work where it is
/// used: `GET /_/query?db_name=db&query=SELECT+1` is 200 with a living token and 401 with a dead one.
///
/// Differences from the server: `/_/query` runs no SQL and finds nothing; two simultaneous partial
/// updates never lose a change; a locked database answers at once instead of after five seconds (put
/// a [`Fault::Delay`] before it); a body is read before a 401 is sent; what HTTP itself refuses is
/// dated by the system's clock; of the user operations there is only the login, with one user. What
/// an update does to a row whose `updated_at` is null, or with a fractional
/// `expiration_date`, is read from the server's code and was not tried.
///
/// ```
/// use access_tokens_testing::{QueryServer, VirtualClock, query_server::Seed};
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let clock = VirtualClock::new();
/// let twin = QueryServer::builder().clock(clock.clone()).start().await?;
/// let seed = Seed::new("ci").expiration_date(twin.now() + 3_600);
/// let token = twin.seed(seed);
/// assert!(twin.authenticates(&token.secret));
/// clock.advance(Duration::from_secs(3_600));
/// assert!(!twin.authenticates(&token.secret));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct QueryServer {
    server: Server<Account>,
}

common_methods!(
    QueryServer,
    Operation,
    QUERY_SERVER,
    "QUERY_DEPLOY_URL",
    "QUERY_DEPLOY_TOKEN"
);

fn start(clock: Arc<dyn Clock>, options: Options) -> io::Result<QueryServer> {
    let service = Account::new(Arc::clone(&clock), options);
    let server = Server::start(Arc::new(service), clock)?;
    // The server's handler of this path panics.
    let root = server.script().on(Operation::Root).always();
    root.then(Fault::CloseAfterRequest);
    Ok(QueryServer { server })
}

impl QueryServer {
    /// The token of an admin, which never expires and is no row of the token table.
    #[must_use]
    pub fn credential(&self) -> Secret {
        Secret::new(self.server.service().state().admin_token())
    }

    /// The time of the twin's clock in seconds since the Unix epoch.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.server.service().now()
    }

    /// The rows of the token table, in the order of their ids.
    #[must_use]
    pub fn tokens(&self) -> Vec<TwinToken> {
        let service = self.server.service();
        service.state().tokens(service.now())
    }

    /// Puts a row into the token table; one of the same name makes room.
    #[expect(clippy::must_use_candidate, reason = "the row is there without it")]
    pub fn seed(&self, seed: Seed) -> TwinToken {
        let service = self.server.service();
        service.state().seed(seed, service.now())
    }

    /// Removes a row past the API, as another administrator would; `false` if there is none.
    #[expect(clippy::must_use_candidate, reason = "called for what it changes")]
    pub fn remove(&self, name: &str) -> bool {
        let service = self.server.service();
        service.state().remove(name, service.now())
    }

    fn all_entries(&self) -> Vec<Entry> {
        let time = |seconds: i64| UnixSeconds::new(seconds).to_system_time();
        let entry = |row: TwinToken| {
            let end = row.expiration_date.as_i64();
            Entry {
                key: row.name.clone(),
                name: row.name,
                secret: row.secret,
                works: row.alive,
                created: row.created_at.and_then(time),
                // The same second as the last change is the mark for "never".
                expires: end.filter(|_| end != row.updated_at).and_then(time),
                last_used: None,
            }
        };
        self.tokens().into_iter().map(entry).collect()
    }

    /// Whether a request with this secret would be let in now, an admin's or one of the table;
    /// asking is not a use.
    ///
    /// Its signature has to be the server's, the row has to be active and hold the same text, the
    /// claims `exp` and `iat` have to equal the row's `expiration_date` and `updated_at`, and the
    /// end has to be later than now or the mark for "never", which is the time of `updated_at`.
    #[must_use]
    pub fn authenticates(&self, token: &Secret) -> bool {
        let service = self.server.service();
        let state = service.state();
        state
            .accepts(token.expose_secret(), service.now())
            .is_some()
    }

    /// Sets the server's option `create_token`. Tokens go on working whatever it says.
    pub fn set_create_token(&self, option: CreateTokenOption) {
        self.server.service().state().create_token = option;
    }

    /// Answers the next `writes` creates, updates and deletes that reach the database with 400
    /// `database is locked`.
    pub fn lock_database(&self, writes: u32) {
        self.server.service().state().locked_writes = writes;
    }

    /// Lets a second pass in the middle of the next `creates` creates without an expiration date:
    /// 201, and the token is dead instead of never expiring.
    pub fn dead_on_arrival(&self, creates: u32) {
        self.server.service().state().dead_creates = creates;
    }

    /// Restarts the server with another secret: all tokens it has made get 401, the admin's too.
    pub fn rotate_server_secret(&self) {
        self.server.service().state().change_key();
    }

    /// Restarts the server with its first secret: the tokens made with it work again.
    pub fn restore_server_secret(&self) {
        self.server.service().state().restore_key();
    }
}
