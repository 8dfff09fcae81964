//! The client: the five operations, and what makes them safe to use.

use std::sync::Arc;
use std::time::SystemTime;

use super::calls::{
    CREATE, DELETE, LIST, VALUE, create, delete, exists, find, list, not_found, untouched, value,
};
use super::changes::{Rotate, Update};
use super::models::Created;
use super::requests::{Changes, TokenDraft, check_name};
use super::{ClientBuilder, Token, Tokens};
use crate::error::{ErrorKind, Result};
use crate::id::Service;
use crate::secret::Secret;
use crate::transport::{Core, Delivery, KnownText, Profile, Request, ServiceClient};

static PROFILE: Profile = Profile {
    scheme: "Bearer ",
    // The server drops the connection without an answer on a bare `/_`.
    paths: &["/_", "/_/token"],
    credential_vars: &["QUERY_DEPLOY_TOKEN", "QUERY_PRIVATE_TOKEN"],
    url_vars: &["QUERY_DEPLOY_URL"],
    texts: &[
        // SQLite gave up waiting for its lock: nothing was written.
        KnownText {
            status: 400,
            text: "database is locked",
            kind: ErrorKind::Server,
            sent: Delivery::Throttled,
        },
        KnownText {
            status: 400,
            text: "Query returned no rows",
            kind: ErrorKind::NotFound,
            sent: Delivery::Rejected,
        },
    ],
    hints: &[
        (
            ErrorKind::Unauthenticated,
            "Use the token of an active admin user: tokens made through this API cannot manage \
             tokens, and the server answers 401 for every trouble with a credential.",
        ),
        (
            ErrorKind::EndpointMissing,
            "Check the base URL; or the server's option create_token is off, which hides all token \
             operations.",
        ),
        (ErrorKind::Server, "The cause is in the server's own log."),
    ],
    ..Profile::of(Service::QUERY_SERVER)
};

/// A client for the tokens of a Query Server.
///
/// Cloning is cheap, and clones share connections and limits. Tokens go by their names, which are
/// taken to the letter.
#[derive(Clone, Debug)]
pub struct Client {
    core: Arc<Core>,
}

impl ServiceClient for Client {
    type Options = ();
    const PROFILE: &'static Profile = &PROFILE;

    fn from_core(core: Arc<Core>, (): ()) -> Result<Self> {
        Ok(Self { core })
    }
}

impl Client {
    /// Builds a client; a base URL is needed.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }

    /// A client from the environment.
    ///
    /// | variable | meaning |
    /// |---|---|
    /// | `QUERY_DEPLOY_URL` | the base URL |
    /// | `QUERY_DEPLOY_TOKEN` or `QUERY_PRIVATE_TOKEN` | the token of an active admin user |
    ///
    /// # Errors
    /// If one of the two is missing, if a variable is empty, or if the two tokens differ.
    pub fn from_env() -> Result<Self> {
        Self::builder().from_env()?.build()
    }

    /// The address that this client talks to.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.core.base.as_str()
    }

    /// Goes on with another secret, on all clones of this client.
    ///
    /// # Errors
    /// If the secret cannot be sent in a header, or if the credential comes from a provider.
    pub fn replace_credential(&self, secret: impl Into<Secret>) -> Result<()> {
        self.core.replace_credential(secret.into())
    }

    pub(super) fn clock_now(&self) -> SystemTime {
        self.core.service_now()
    }

    /// Lists all tokens (`listTokens`). The server does not page.
    pub fn list(&self) -> Request<Tokens> {
        Request::new(&self.core, async |session| list(&session).await)
    }

    /// Reads a token by its name, if there is one. The server has no such operation: this reads the
    /// list.
    pub fn find(&self, name: &str) -> Request<Option<Token>> {
        let name = name.to_owned();
        Request::new(&self.core, async move |session| {
            check_name(&session, &LIST, "name", &name)?;
            find(&session, &name).await
        })
    }

    /// Reads a token by its name, which must exist. See [`find`](Self::find).
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is none with this name.
    pub fn get(&self, name: &str) -> Request<Token> {
        let name = name.to_owned();
        Request::new(&self.core, async move |session| {
            check_name(&session, &LIST, "name", &name)?;
            find(&session, &name)
                .await?
                .ok_or_else(|| not_found(&session, &LIST))
        })
    }

    /// Reads the secret of a token (`getTokenValue`), also of one that is inactive or expired.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is none with this name.
    pub fn value(&self, name: &str) -> Request<Secret> {
        let name = name.to_owned();
        Request::new(&self.core, async move |session| {
            check_name(&session, &VALUE, "name", &name)?;
            value(&session, name).await
        })
    }

    /// Whether there is a token with this name.
    pub fn exists(&self, name: &str) -> Request<bool> {
        let name = name.to_owned();
        Request::new(&self.core, async move |session| {
            check_name(&session, &VALUE, "name", &name)?;
            exists(&session, name).await
        })
    }

    /// Creates a token (`createToken`) and tells whether it is new.
    ///
    /// Three requests: a look whether the name is taken, the create, and the list to read the token
    /// back. If the answer to the create is lost, the list settles what became of it. A token that
    /// comes out unusable (the server marks "never expires" by two clocks, which can disagree by a
    /// second) is deleted and made anew, three times at most.
    ///
    /// Should somebody else create the same name with the same properties between the first two
    /// requests, both get [`Created::New`] for the one token.
    ///
    /// The name is what a token whose answer was lost is found by, so none needs a marker here.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for a blank name, one with control characters, or an expiry in
    /// the past; [`ErrorKind::OutcomeUnknown`] if the answer was lost and the token is not there
    /// (yet).
    pub fn create(&self, token: impl Into<TokenDraft>) -> Request<Created> {
        let draft = token.into();
        Request::new(&self.core, async move |session| {
            let body = draft.body(&session, &CREATE)?;
            create(&session, body).await
        })
    }

    /// Changes a token (`updateToken`). **Its secret changes too, and the new one normally does not
    /// work.**
    ///
    /// The result says whether the server accepts the new secret, read from its claims. To change a
    /// token and have one that works, use [`rotate_in_place`](Self::rotate_in_place) or
    /// [`rotate_to`](Self::rotate_to) with the same changes.
    ///
    /// Sent at most once unless it certainly did not happen, and only with what is to be changed:
    /// the server fills in the rest from what is stored.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is none with this name; [`ErrorKind::InvalidInput`] if
    /// nothing is to be changed, or for an expiry in the past or never;
    /// [`ErrorKind::OutcomeUnknown`] if the answer was lost.
    pub fn update(&self, name: &str) -> Update {
        Update {
            core: Arc::clone(&self.core),
            name: name.to_owned(),
            changes: Changes::default(),
        }
    }

    /// Replaces a token by one under another name, without a moment in which neither works: creates
    /// the new one like the old one, sees that the server accepts it, and deletes the old one.
    ///
    /// If the old one cannot be deleted, the rotation has succeeded all the same, and
    /// [`Rotated::old`](super::Rotated::old) tells why.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such token; [`ErrorKind::Conflict`] if the new name is
    /// taken; [`ErrorKind::InvalidInput`] if the old token is over and no expiry is given for the
    /// new one. Whatever the error, the old token is untouched.
    pub fn rotate_to(&self, name: &str, new_name: &str) -> Rotate {
        self.rotate(name, Some(new_name.to_owned()))
    }

    /// Replaces a token by one with the same name: deletes it and creates it anew. **In between
    /// neither works.** Its id changes.
    ///
    /// # Errors
    /// As [`rotate_to`](Self::rotate_to). If the error says
    /// [`may_have_been_sent`](crate::Error::may_have_been_sent), the old token may be gone already: create
    /// the name again.
    pub fn rotate_in_place(&self, name: &str) -> Rotate {
        self.rotate(name, None)
    }

    fn rotate(&self, name: &str, to: Option<String>) -> Rotate {
        let name = name.to_owned();
        Rotate {
            core: Arc::clone(&self.core),
            name,
            to,
            changes: Changes::default(),
        }
    }

    /// Deletes a token (`deleteToken`). The server does not tell whether there was one.
    pub fn delete(&self, name: &str) -> Request<()> {
        let name = name.to_owned();
        Request::new(&self.core, async move |session| {
            check_name(&session, &DELETE, "name", &name)?;
            delete(&session, name).await
        })
    }

    /// Deletes a token and tells whether there was one, by looking beforehand.
    pub fn delete_existing(&self, name: &str) -> Request<bool> {
        let name = name.to_owned();
        Request::new(&self.core, async move |session| {
            check_name(&session, &DELETE, "name", &name)?;
            let existed = exists(&session, name.clone()).await.map_err(untouched)?;
            if existed {
                delete(&session, name).await?;
            }
            Ok(existed)
        })
    }
}
