//! Requests to the server: to its own origin, bounded, and with nothing secret in what is said.

use std::sync::Mutex;
use std::time::Duration;

use access_tokens::Secret;
use access_tokens::rotation::sink::SinkError;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::time::Instant;
use url::{Host, Url};

use super::Session;
use super::auth::{self, VaultAuth};

const LONGEST_ANSWER: usize = 1 << 20;
/// A login is used for at most this long, whatever its lease.
const LONGEST_LOGIN: Duration = Duration::from_secs(3_600);

/// A server, and how it is reached.
pub(super) struct Api {
    http: reqwest::Client,
    base: Url,
    namespace: Option<HeaderValue>,
    auth: VaultAuth,
    timeout: Duration,
    session: Mutex<Option<Session>>,
}

/// What the server answered.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Value,
    /// The body as it came: it holds secrets, so there is no `Debug`.
    pub(super) bytes: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Lost {
    /// The request did not leave, for certain.
    NotSent(SinkError),
    /// It may have been carried out.
    Unanswered(String),
}

impl From<Lost> for SinkError {
    /// For requests that change nothing.
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::NotSent(error) => error,
            Lost::Unanswered(why) => Self::not_stored(why),
        }
    }
}

impl Answer {
    /// The server's own words about a failure, bounded.
    pub(super) fn words(&self) -> String {
        let errors = self.body.get("errors").and_then(Value::as_array);
        let words: Vec<_> = errors
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let words: String = words.join("; ").escape_debug().take(300).collect();
        match words.as_str() {
            "" => self.status.to_string(),
            words => format!("{}: {words}", self.status),
        }
    }
}

impl Api {
    pub(super) fn new(
        address: &str,
        namespace: Option<&str>,
        auth: VaultAuth,
        timeout: Duration,
        allow_http: bool,
    ) -> Result<Self, SinkError> {
        let wrong = |why: &str| SinkError::not_stored(format!("the address of the server {why}"));
        let base = Url::parse(address).map_err(|_| wrong("is no URL"))?;
        if !base.username().is_empty() || base.password().is_some() {
            return Err(wrong("must not hold a credential"));
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(wrong("must not have a query or fragment"));
        }
        let here = match base.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => return Err(wrong("names no host")),
        };
        match base.scheme() {
            "https" => {}
            "http" if here || allow_http => {}
            "http" => return Err(wrong("must be https: plain http reaches this machine only")),
            _ => return Err(wrong("must be https")),
        }
        let namespace = namespace
            .map(|name| HeaderValue::from_str(name.trim_matches('/')))
            .transpose()
            .map_err(|_| SinkError::not_stored("the namespace cannot be sent in a header"))?;
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(timeout)
            .user_agent(concat!("access-tokens-stores/", env!("CARGO_PKG_VERSION")));
        let http = if here { http.no_proxy() } else { http };
        let http = http
            .build()
            .map_err(|error| wrong(&format!("cannot be reached: {}", error.without_url())))?;
        Ok(Self {
            http,
            base,
            namespace,
            auth,
            timeout,
            session: Mutex::new(None),
        })
    }

    pub(super) fn address(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// Makes a request of the API, logged in. Where a login has ended, logs in once more: a refusal
    /// changes nothing.
    pub(super) async fn request(
        &self,
        method: Method,
        path: &[&str],
        version: Option<u64>,
        body: Option<&str>,
    ) -> Result<Answer, Lost> {
        let (token, fresh) = self.token().await.map_err(Lost::NotSent)?;
        let answer = self
            .send(method.clone(), path, version, body, Some(&token))
            .await?;
        if answer.status != StatusCode::FORBIDDEN || fresh || !self.forget() {
            return Ok(answer);
        }
        let (token, _) = self.token().await.map_err(Lost::NotSent)?;
        self.send(method, path, version, body, Some(&token)).await
    }

    /// Drops a token that can be had anew.
    fn forget(&self) -> bool {
        let again = !matches!(self.auth.0, auth::Method::Token(_));
        if again {
            *lock(&self.session) = None;
        }
        again
    }

    /// The token to use, and whether it was had just now.
    async fn token(&self) -> Result<(Secret, bool), SinkError> {
        let known = lock(&self.session).clone();
        if let Some(session) = known
            && session.until.is_none_or(|until| Instant::now() < until)
        {
            return Ok((session.token, false));
        }
        let session = match &self.auth.0 {
            auth::Method::Token(token) => Session {
                token: token.clone(),
                until: None,
            },
            auth::Method::TokenFile(path) => Session {
                token: auth::read(path).await?,
                until: Instant::now().checked_add(Duration::from_secs(60)),
            },
            auth::Method::Login { mount, login, .. } => self.login(mount, login).await?,
        };
        *lock(&self.session) = Some(session.clone());
        Ok((session.token, true))
    }

    async fn login(&self, mount: &str, login: &auth::Login) -> Result<Session, SinkError> {
        let failed = |why: String| {
            SinkError::not_stored(format!(
                "the login at {}, mount {mount}: {why}",
                self.address()
            ))
        };
        let mut path = vec!["auth"];
        path.extend(mount.trim_matches('/').split('/'));
        path.push("login");
        let body = login.body().await?.to_string();
        let answer = self
            .send(Method::POST, &path, None, Some(&body), None)
            .await;
        let answer = answer.map_err(|lost| failed(SinkError::from(lost).to_string()))?;
        if !answer.status.is_success() {
            return Err(failed(answer.words()));
        }
        let auth = answer.body.get("auth");
        let token = auth
            .and_then(|auth| auth.get("client_token"))
            .and_then(Value::as_str);
        let token = token.ok_or_else(|| failed("the answer holds no token".to_owned()))?;
        let lease = auth
            .and_then(|auth| auth.get("lease_duration"))
            .and_then(Value::as_u64);
        // Well before its end; a lease of 0 has none.
        let lease = lease
            .filter(|lease| *lease > 0)
            .map(|lease| Duration::from_secs(lease / 2));
        let time = lease.unwrap_or(LONGEST_LOGIN).min(LONGEST_LOGIN);
        Ok(Session {
            token: Secret::new(token),
            until: Instant::now().checked_add(time),
        })
    }

    async fn send(
        &self,
        method: Method,
        path: &[&str],
        version: Option<u64>,
        body: Option<&str>,
        token: Option<&Secret>,
    ) -> Result<Answer, Lost> {
        let not_sent = |why: &str| Lost::NotSent(SinkError::not_stored(why));
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| not_sent("the address of the server has no path"))?
            .pop_if_empty()
            .push("v1")
            .extend(path);
        if let Some(version) = version {
            url.query_pairs_mut()
                .append_pair("version", &version.to_string());
        }
        let merges = method == Method::PATCH;
        let mut request = self.http.request(method, url).headers(self.headers(token)?);
        if let Some(body) = body {
            let kind = if merges {
                "application/merge-patch+json"
            } else {
                "application/json"
            };
            request = request.header("content-type", kind).body(body.to_owned());
        }
        let answer = tokio::time::timeout(self.timeout, self.answer(request)).await;
        answer.unwrap_or_else(|_| {
            let why = format!("{} gave no answer in time", self.address());
            Err(Lost::Unanswered(why))
        })
    }

    fn headers(&self, token: Option<&Secret>) -> Result<HeaderMap, Lost> {
        let mut headers = HeaderMap::new();
        headers.insert("x-vault-request", HeaderValue::from_static("true"));
        if let Some(namespace) = &self.namespace {
            headers.insert("x-vault-namespace", namespace.clone());
        }
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(token.expose_secret()).map_err(|_| {
                Lost::NotSent(SinkError::not_stored(
                    "the token cannot be sent in a header",
                ))
            })?;
            value.set_sensitive(true);
            headers.insert("x-vault-token", value);
        }
        Ok(headers)
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Answer, Lost> {
        let place = self.address();
        let mut response = request.send().await.map_err(|error| {
            if error.is_connect() || error.is_builder() {
                let why = format!("{place} cannot be reached");
                Lost::NotSent(SinkError::not_stored(why))
            } else {
                Lost::Unanswered(format!("the answer of {place} was lost"))
            }
        })?;
        let status = response.status();
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len().saturating_add(chunk.len()) <= LONGEST_ANSWER => {
                    body.extend_from_slice(&chunk);
                }
                Ok(Some(_)) => return Err(Lost::Unanswered(format!("{place} answered too much"))),
                Ok(None) => break,
                Err(_) => {
                    return Err(Lost::Unanswered(format!(
                        "the answer of {place} was cut off"
                    )));
                }
            }
        }
        Ok(Answer {
            status,
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
            bytes: body,
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
