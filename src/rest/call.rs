//! A call in the making, and how its answer is read.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderValue, Method, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::path;
use crate::error::Result;
use crate::listing::Listing;
use crate::new_token::NewToken;
use crate::partial::secret_beside;
use crate::sync::lock;
use crate::transport::{Core, Idempotency, Items, Operation, Reading, Request, Session, read};

/// Call to an operation, in the making: what its path, query and body hold, and then how its answer is
/// read.
#[must_use = "nothing is sent until a request is made of it and awaited"]
pub struct Call {
    core: Arc<Core>,
    operation: &'static Operation,
    segments: Vec<(&'static str, String)>,
    query: Vec<(&'static str, String)>,
    body: Option<serde_json::Result<Vec<u8>>>,
    gives_secret: bool,
}

impl Call {
    pub(super) fn new(core: &Arc<Core>, operation: &'static Operation) -> Self {
        Self {
            core: Arc::clone(core),
            operation,
            segments: Vec::new(),
            query: Vec::new(),
            body: None,
            gives_secret: false,
        }
    }

    /// What stands for `{name}` in the path: an id or a name, which becomes exactly one segment, or the
    /// call is refused.
    pub fn segment(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.segments.push((name, value.to_string()));
        self
    }

    /// One more parameter of the query.
    pub fn query(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    /// The body, as JSON.
    pub fn body(mut self, body: &(impl Serialize + ?Sized)) -> Self {
        self.body = Some(serde_json::to_vec(body));
        self
    }

    /// A request whose answer is this, as JSON.
    ///
    /// # Errors
    /// Awaiting it gives [`Decode`](crate::ErrorKind::Decode), with the path to what does not fit, for a
    /// success that is something else.
    pub fn read<T: DeserializeOwned + Send + 'static>(self) -> Request<T> {
        self.request(None, |session, operation, body| {
            read(body).map_err(|reason| session.misread(operation, reason))
        })
    }

    /// A request whose answer is a list, in which one item that cannot be read does not hide the others:
    /// it is named by its member `id`.
    ///
    /// # Errors
    /// As [`read`](Self::read), if the answer is no list or nothing in it can be read.
    pub fn list<T: DeserializeOwned + Send + 'static>(
        self,
        id: &'static str,
    ) -> Request<Listing<T>> {
        let items = Arc::new(Mutex::new(Items::<T>::new(id)));
        self.request(
            Some(Arc::clone(&items) as _),
            move |session, operation, body| {
                let misread = |reason| session.misread(operation, reason);
                let items = lock(&items).listing().map_err(misread)?;
                // Mostly what is left of a list: an empty one.
                let rest: Vec<T> = read(body).map_err(misread)?;
                Ok(items.unwrap_or_else(|| rest.into()))
            },
        )
    }

    /// A request whose answer is a new token with its secret, which is the member `secret`; `T` is read
    /// of the others and never sees it.
    ///
    /// Nothing that is odd beside the secret costs it: a member that does not fit `T` is read as if it
    /// were not there. So let `T` need nothing that it can be without, and take no absence for "never".
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput), and nothing is sent, if the operation is not
    /// [`NonIdempotent`](Idempotency::NonIdempotent); [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown)
    /// if the answer is lost; [`Decode`](crate::ErrorKind::Decode) if it holds no secret or lacks what `T`
    /// needs.
    pub fn new_token<T: DeserializeOwned + Send + 'static>(
        mut self,
        secret: &'static str,
    ) -> Request<NewToken<T>> {
        self.gives_secret = true;
        self.request(None, move |session, operation, body| {
            let misread = |reason| session.misread(operation, reason);
            let (secret, rest) = secret_beside::<T>(body, secret)
                .ok_or_else(|| misread(read::<Members>(body).err().unwrap_or_default()))?;
            let secret = secret
                .filter(|secret| !secret.is_empty())
                .ok_or_else(|| misread("the answer holds no secret".to_owned()))?;
            let (token, whole) = rest.map_err(misread)?;
            if !whole {
                session.left_out(operation);
            }
            Ok(NewToken::new(token, secret))
        })
    }

    /// A request whose answer says no more than that it is done: what it holds is not read.
    pub fn done(self) -> Request<()> {
        self.request(None, |_, _, _| Ok(()))
    }

    fn request<T: Send + 'static>(
        self,
        items: Option<Reading>,
        read: impl FnOnce(&Session, &'static Operation, &Bytes) -> Result<T> + Send + 'static,
    ) -> Request<T> {
        let operation = self.operation;
        Request::new(
            &Arc::clone(&self.core),
            operation.id,
            async move |session| {
                let request = self.on_the_wire(&session)?;
                let body = session.send(operation, request, items).await?;
                read(&session, operation, &body)
            },
        )
    }

    fn on_the_wire(self, session: &Session) -> Result<reqwest::Request> {
        let operation = self.operation;
        let bad = |field, rule: &str| session.input(operation, field, rule);
        if self.gives_secret && operation.idempotency != Idempotency::NonIdempotent {
            let rule = "gives a new secret each time it is sent: it must be NonIdempotent";
            return Err(bad("operation", rule));
        }
        let mut url = self.core.base.url().clone();
        let path = path::segments(operation.template, self.segments, &bad)?;
        url.path_segments_mut()
            .map_err(|()| bad("path", "cannot be put behind this base URL"))?
            .pop_if_empty()
            .extend(path);
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(self.query);
        }
        let method = Method::from_bytes(operation.method.as_bytes());
        let method = method.map_err(|_| bad("operation", "has no method"))?;
        let mut request = reqwest::Request::new(method, url);
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::ACCEPT, json.clone());
        if let Some(body) = self.body {
            // Its words are those of whoever wrote the type.
            let body = body.map_err(|_| bad("body", "cannot be written as JSON"))?;
            request.headers_mut().insert(header::CONTENT_TYPE, json);
            *request.body_mut() = Some(body.into());
        }
        Ok(request)
    }
}

/// An object of anything.
type Members = BTreeMap<String, Box<RawValue>>;

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An id, a parameter or a body can be what nobody shall read.
        f.debug_struct("Call")
            .field("operation", &self.operation.id)
            .finish_non_exhaustive()
    }
}
