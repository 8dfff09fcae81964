//! Plain requests, for what a client does not show.

use bytes::Bytes;
use http::{HeaderMap, Method, header};
use serde_json::Value;

use super::options::Options;
use super::problem::{Problem, failed};
use access_tokens::Secret;

/// Sends requests with the credential of the run to the base URL of its client, which has made
/// sure that the credential may go there.
pub(super) struct Wire {
    http: reqwest::Client,
    base_url: String,
    authorization: Secret,
    options: Options,
}

/// An answer as it came.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// A request that differs from what the client would send.
pub(super) struct Plain<'a> {
    method: Method,
    path: &'a str,
    headers: Vec<(&'static str, &'a str)>,
    body: Option<Vec<u8>>,
    authorized: bool,
}

impl<'a> Plain<'a> {
    /// The path may have a query, encoded.
    pub(super) fn new(method: Method, path: &'a str) -> Self {
        Self {
            method,
            path,
            headers: Vec::new(),
            body: None,
            authorized: true,
        }
    }

    pub(super) fn get(path: &'a str) -> Self {
        Self::new(Method::GET, path)
    }

    pub(super) fn header(mut self, name: &'static str, value: &'a str) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(super) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    pub(super) fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json")
            .body(body.to_string())
    }

    /// Without the credential.
    pub(super) fn unauthorized(mut self) -> Self {
        self.authorized = false;
        self
    }
}

impl Wire {
    pub(super) fn new(
        base_url: &str,
        scheme: &str,
        credential: &Secret,
        options: &Options,
    ) -> Result<Self, Problem> {
        let url = url::Url::parse(base_url).map_err(|_| broken("the base URL is no URL"))?;
        let mut http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        if url.scheme() == "http" {
            // As the client does: a proxy would see the credential.
            http = http.no_proxy();
        }
        Ok(Self {
            http: http.build().map_err(|_| broken("no HTTP client"))?,
            base_url: base_url.trim_end_matches('/').to_owned(),
            authorization: Secret::new(format!("{scheme}{}", credential.expose_secret())),
            options: options.clone(),
        })
    }

    /// Sends it; more than once only if the service asks for patience.
    pub(super) async fn send(&self, plain: Plain<'_>) -> Result<Reply, Problem> {
        const PATIENCE: u32 = 10;
        for _ in 0..PATIENCE {
            let reply = self.send_once(&plain).await?;
            if reply.status != 429 {
                return Ok(reply);
            }
            let wait = reply
                .header("retry-after")
                .and_then(|text| text.parse().ok());
            let wait = std::time::Duration::from_secs(wait.unwrap_or(5).min(60));
            self.options.pass(wait).await;
        }
        failed("too many requests, again and again")
    }

    async fn send_once(&self, plain: &Plain<'_>) -> Result<Reply, Problem> {
        let url = format!("{}{}", self.base_url, plain.path);
        let mut request = self.http.request(plain.method.clone(), url);
        if plain.authorized {
            let mut value = http::HeaderValue::from_str(self.authorization.expose_secret())
                .map_err(|_| broken("the credential fits no header"))?;
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
        for (name, value) in &plain.headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = &plain.body {
            request = request.body(body.clone());
        }
        let answer = request.timeout(std::time::Duration::from_secs(60)).send();
        let answer = answer.await.map_err(|error| broken(&plainly(&error)))?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = answer
            .bytes()
            .await
            .map_err(|error| broken(&plainly(&error)))?;
        Ok(Reply {
            status,
            headers,
            body,
        })
    }
}

impl Reply {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON.
    pub(super) fn json(&self) -> Result<Value, Problem> {
        serde_json::from_slice(&self.body).map_err(|_| broken("the body is not JSON"))
    }

    /// The answer itself, if its status is this one.
    pub(super) fn with_status(self, status: u16) -> Result<Self, Problem> {
        if self.status == status {
            return Ok(self);
        }
        // Never the body, which may hold a secret.
        failed(format_args!("{} came instead of {status}", self.status))
    }

    /// An error answer with exactly this text.
    pub(super) fn expect_text(self, status: u16, text: &str) -> Result<(), Problem> {
        let reply = self.with_status(status)?;
        if reply.body == text.as_bytes() {
            return Ok(());
        }
        failed(format_args!("the body of the {status} is not {text:?}"))
    }
}

fn broken(reason: &str) -> Problem {
    Problem::Failed(reason.to_owned())
}

/// Reqwest's own text may quote the address, which says nothing new.
fn plainly(error: &reqwest::Error) -> String {
    let what = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke"
    };
    what.to_owned()
}
