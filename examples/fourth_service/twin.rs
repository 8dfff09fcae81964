//! A stand-in for the service, on the loopback interface: tokens in the manner of GitLab's
//! `/api/v4/personal_access_tokens`, and two faults.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use access_tokens::{DateText, Secret, When};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{Method, Request, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// The service; it is gone when this is dropped.
pub(crate) struct Twin {
    desk: Arc<Mutex<Desk>>,
    base_url: String,
    task: JoinHandle<io::Result<()>>,
}

#[derive(Default)]
struct Desk {
    tokens: BTreeMap<u64, (Value, Secret)>,
    last: u64,
    seen: Vec<String>,
    busy: bool,
    loses_next_create: bool,
}

impl Twin {
    pub(crate) async fn start() -> io::Result<Self> {
        let desk = Arc::<Mutex<Desk>>::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let app = Router::new().fallback(serve).with_state(Arc::clone(&desk));
        let task = tokio::spawn(async { axum::serve(listener, app).await });
        Ok(Self {
            desk,
            base_url,
            task,
        })
    }

    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Puts a token in, and gives its id and secret.
    pub(crate) fn seed(&self, name: &str) -> (u64, Secret) {
        let body = json!({ "name": name, "description": "", "scopes": ["api"] });
        lock(&self.desk).make(&body)
    }

    /// The next request is turned away.
    pub(crate) fn be_busy(&self) {
        lock(&self.desk).busy = true;
    }

    /// The next token is made, and the answer breaks off.
    pub(crate) fn lose_next_create(&self) {
        lock(&self.desk).loses_next_create = true;
    }

    /// The requests so far: methods and paths.
    pub(crate) fn seen(&self) -> Vec<String> {
        lock(&self.desk).seen.clone()
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(desk: &Mutex<Desk>) -> MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(State(desk): State<Arc<Mutex<Desk>>>, request: Request<Body>) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 16).await;
    lock(&desk).answer(&head, &body.unwrap_or_default())
}

impl Desk {
    fn answer(&mut self, head: &Parts, body: &Bytes) -> Response {
        let (method, uri) = (&head.method, &head.uri);
        self.seen.push(format!("{method} {uri}"));
        if std::mem::take(&mut self.busy) {
            let wait = [(header::RETRY_AFTER, "0")];
            return (StatusCode::SERVICE_UNAVAILABLE, wait).into_response();
        }
        let given = head.headers.get("private-token");
        let given = given.and_then(|secret| Some(Secret::new(secret.to_str().ok()?)));
        let Some(caller) = given.and_then(|secret| self.caller(&secret)) else {
            let words = json!({ "message": "401 Unauthorized" });
            return (StatusCode::UNAUTHORIZED, Json(words)).into_response();
        };
        let body = serde_json::from_slice(body).unwrap_or_default();
        let path = uri.path().strip_prefix("/api/v4/").unwrap_or_default();
        let path: Vec<&str> = path.split('/').collect();
        match (method, &*path) {
            (&Method::GET, ["personal_access_tokens"]) => {
                // No more than two, whatever is asked for.
                let mut query = uri.query().unwrap_or_default().split('&');
                let page = query.find_map(|part| part.strip_prefix("page=")?.parse().ok());
                let first = page.unwrap_or(1_usize).saturating_sub(1) * 2;
                let tokens = self.tokens.values().map(|(token, _)| token);
                let tokens: Vec<_> = tokens.skip(first).take(2).collect();
                Json(tokens).into_response()
            }
            (&Method::GET, ["personal_access_tokens", "self"]) => self.show(caller),
            (&Method::GET, ["personal_access_tokens", id]) => self.show(id.parse().ok()),
            (&Method::POST, ["user", "personal_access_tokens"]) => {
                let new = self.make(&body);
                if std::mem::take(&mut self.loses_next_create) {
                    let broken = [Ok("{\"id\":"), Err(io::Error::other("the line is cut"))];
                    let broken = Body::from_stream(stream::iter(broken));
                    return (StatusCode::CREATED, broken).into_response();
                }
                (StatusCode::CREATED, self.shown_once(new)).into_response()
            }
            (&Method::POST, ["personal_access_tokens", id, "rotate"]) => {
                // What comes of it is another token, and the old one is gone at once.
                let old = id.parse().ok().and_then(|id| self.tokens.remove(&id));
                let Some((old, _)) = old else {
                    return not_found();
                };
                let new = self.make(&old);
                self.shown_once(new).into_response()
            }
            (&Method::DELETE, ["personal_access_tokens", id]) => {
                let old = id.parse().ok().and_then(|id| self.tokens.remove(&id));
                old.map_or_else(not_found, |_| StatusCode::NO_CONTENT.into_response())
            }
            _ => not_found(),
        }
    }

    fn make(&mut self, like: &Value) -> (u64, Secret) {
        self.last += 1;
        // A stand-in: a real service takes its secrets from a generator made for them.
        let secret = Secret::new(format!("forge-{:016x}", fastrand::u64(..)));
        let token = json!({
            "id": self.last,
            "name": like["name"],
            "description": like["description"],
            "scopes": like["scopes"],
            "active": true,
            "created_at": When::At(SystemTime::now()).to_string(),
            "expires_at": like["expires_at"],
            "last_used_at": null,
        });
        self.tokens.insert(self.last, (token, secret.clone()));
        (self.last, secret)
    }

    /// A new token with its secret.
    fn shown_once(&self, (id, secret): (u64, Secret)) -> Json<Value> {
        let token = self.tokens.get(&id).map(|(token, _)| token.clone());
        let mut token = token.unwrap_or_default();
        if let Some(members) = token.as_object_mut() {
            members.insert("token".to_owned(), secret.expose_secret().into());
        }
        Json(token)
    }

    /// Whose secret this is, if its time is not over.
    fn caller(&mut self, given: &Secret) -> Option<u64> {
        let mut all = self.tokens.iter_mut();
        let (id, (token, _)) = all.find(|(_, (_, secret))| secret == given)?;
        let end = token["expires_at"].as_str().map(DateText::new);
        let end = end.and_then(|end| end.to_when().time());
        if end.is_some_and(|end| end <= SystemTime::now()) {
            return None;
        }
        token["last_used_at"] = When::At(SystemTime::now()).to_string().into();
        Some(*id)
    }

    fn show(&self, id: impl Into<Option<u64>>) -> Response {
        let token = id.into().and_then(|id| self.tokens.get(&id));
        token.map_or_else(not_found, |(token, _)| Json(token).into_response())
    }
}

fn not_found() -> Response {
    let words = json!({ "message": "404 Not found" });
    (StatusCode::NOT_FOUND, Json(words)).into_response()
}
