//! The client: the five operations, and what makes them safe to use.

use std::sync::Arc;

use super::calls::{create, delete, exists, find, list, not_found, untouched, update, value};
use super::models::{Created, Rotated, Updated};
use super::requests::{Changes, TokenBodyBuilder, check_name};
use super::rotate::rotate;
use super::wire::{CREATE, DELETE, LIST, VALUE};
use super::{Token, Tokens};
use crate::error::Result;
use crate::secret::Secret;
use crate::transport::{Core, Request, ServiceClient};

/// Client for the tokens of a Query Server.
///
/// Cloning is cheap, and clones share connections and limits. Tokens go by their names, which are
/// taken to the letter.
///
/// ```
/// use access_tokens::query_server::{Changes, Client, TokenBody};
/// use std::time::Duration;
/// # use access_tokens_testing::QueryServer;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let twin = QueryServer::start().await?;
/// # let (base_url, secret) = (twin.base_url(), twin.credential());
///
/// let query = Client::builder().base_url(base_url).credential(secret).build()?;
/// let created = query.create(TokenBody::builder("edge")).await?;
/// assert!(!created.already_existed());
///
/// // Every call is a request, with limits of its own where they are wanted.
/// let read_only = Changes::new().write(false);
/// let rotated = query
///     .rotate_to("edge", "edge-2", read_only)
///     .timeout(Duration::from_secs(30))
///     .await?;
/// println!("store {:?} now", rotated.new.secret()); // prints [redacted]
/// query.delete("edge-2").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    pub(super) core: Arc<Core>,
}

impl ServiceClient for Client {
    type Options = ();

    fn from_core(core: Arc<Core>, (): ()) -> Result<Self> {
        Ok(Self { core })
    }
}

crate::wing::client! {
    /// Builds a client from the environment.
    ///
    /// | variable | meaning |
    /// |---|---|
    /// | `QUERY_DEPLOY_URL` | the base URL |
    /// | `QUERY_DEPLOY_TOKEN` or `QUERY_PRIVATE_TOKEN` | the token of an active admin user |
    ///
    /// # Errors
    /// If one of the two is missing, if a variable is empty, or if the two tokens differ.
    from_env,
    super::wire::PROFILE, super::TokenBody,
}

impl Client {
    /// Lists all tokens (`listTokens`). The server does not page.
    pub fn list(&self) -> Request<Tokens> {
        Request::new(&self.core, "list", async |session| list(&session).await)
    }

    /// Reads a token by its name, if there is one. The server has no such operation: this reads the
    /// list.
    pub fn find(&self, name: &str) -> Request<Option<Token>> {
        let name = name.to_owned();
        Request::new(&self.core, "find", async move |session| {
            check_name(&session, &LIST, "name", &name)?;
            find(&session, &name).await
        })
    }

    /// Reads a token by its name, which must exist. See [`find`](Self::find).
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is none with this name.
    pub fn get(&self, name: &str) -> Request<Token> {
        let name = name.to_owned();
        Request::new(&self.core, "get", async move |session| {
            check_name(&session, &LIST, "name", &name)?;
            find(&session, &name)
                .await?
                .ok_or_else(|| not_found(&session, &LIST))
        })
    }

    /// Reads the secret of a token (`getTokenValue`), also of one that is inactive or expired.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is none with this name.
    pub fn value(&self, name: &str) -> Request<Secret> {
        let name = name.to_owned();
        Request::new(&self.core, "value", async move |session| {
            check_name(&session, &VALUE, "name", &name)?;
            value(&session, name).await
        })
    }

    /// Whether there is a token with this name.
    pub fn exists(&self, name: &str) -> Request<bool> {
        let name = name.to_owned();
        Request::new(&self.core, "exists", async move |session| {
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
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a blank name, one with control characters, or an expiry in
    /// the past; [`ErrorKind::OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the answer was lost and the token is not there
    /// (yet).
    pub fn create(&self, token: impl Into<TokenBodyBuilder>) -> Request<Created> {
        let token = token.into();
        Request::new(&self.core, "create", async move |session| {
            let body = token.build(&session, &CREATE)?;
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
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is none with this name; [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if
    /// nothing is to be changed, or for an expiry in the past or never;
    /// [`ErrorKind::OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if the answer was lost.
    pub fn update(&self, name: &str, changes: Changes) -> Request<Updated> {
        let name = name.to_owned();
        Request::new(&self.core, "update", async move |session| {
            update(&session, name, changes).await
        })
    }

    /// Replaces a token by one under another name, without a moment in which neither works: creates
    /// the new one like the old one but for the changes, sees that the server accepts it, and
    /// deletes the old one.
    ///
    /// If the old one cannot be deleted, the rotation has succeeded all the same, and
    /// [`Rotated::old`](super::Rotated::old) tells why.
    ///
    /// Within a process a token is rotated once at a time: a second call is refused before anything
    /// is sent. Rotations by other processes are noticed by a look before the old token is deleted,
    /// and one that finds itself overtaken takes its own token back. What is left is the moment
    /// between that look and the delete, in which two can still both succeed, since the server
    /// deletes unconditionally. Where several processes may rotate the same token, let
    /// [`rotation`](crate::rotation) do it, whose state store sees to it that only one does.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no such token; [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if the new name is
    /// taken, or if somebody else rotates the token; [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the old token is
    /// over and no expiry is given for the new one. Whatever the error, this call has not touched
    /// the old token.
    pub fn rotate_to(&self, name: &str, new_name: &str, changes: Changes) -> Request<Rotated> {
        self.rotate(name, Some(new_name.to_owned()), changes)
    }

    /// Replaces a token by one with the same name: deletes it and creates it anew. **In between
    /// neither works.** Its id changes.
    ///
    /// Within a process a token is rotated once at a time, as by [`rotate_to`](Self::rotate_to);
    /// nothing keeps another process from deleting what this call has just made.
    ///
    /// # Errors
    /// As [`rotate_to`](Self::rotate_to). If the error says
    /// [`may_have_been_sent`](crate::Error::may_have_been_sent), the old token may be gone already: create
    /// the name again.
    pub fn rotate_in_place(&self, name: &str, changes: Changes) -> Request<Rotated> {
        self.rotate(name, None, changes)
    }

    fn rotate(&self, name: &str, to: Option<String>, changes: Changes) -> Request<Rotated> {
        let name = name.to_owned();
        let call = if to.is_some() {
            "rotate_to"
        } else {
            "rotate_in_place"
        };
        Request::new(&self.core, call, async move |session| {
            rotate(&session, name, to, changes).await
        })
    }

    /// Deletes a token (`deleteToken`). The server does not tell whether there was one.
    pub fn delete(&self, name: &str) -> Request<()> {
        let name = name.to_owned();
        Request::new(&self.core, "delete", async move |session| {
            check_name(&session, &DELETE, "name", &name)?;
            delete(&session, name).await
        })
    }

    /// Deletes a token and tells whether there was one, by looking beforehand.
    pub fn delete_existing(&self, name: &str) -> Request<bool> {
        let name = name.to_owned();
        Request::new(&self.core, "delete_existing", async move |session| {
            check_name(&session, &DELETE, "name", &name)?;
            let existed = exists(&session, name.clone()).await.map_err(untouched)?;
            if existed {
                delete(&session, name).await?;
            }
            Ok(existed)
        })
    }
}
