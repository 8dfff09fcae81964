//! The twin of `LaunchDarkly`, quirk by quirk, through a plain HTTP client.

mod access;
mod limits;
mod lists;
mod patches;
mod secrets;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use access_tokens::{Clock as _, Secret};
use access_tokens_testing::launchdarkly::Builder;
use access_tokens_testing::{LaunchDarkly, VirtualClock};
use serde_json::{Value, json};

const DAY: Duration = Duration::from_secs(86_400);

struct Setup {
    twin: LaunchDarkly,
    clock: VirtualClock,
    client: reqwest::Client,
}

/// A status, the body (null if there is none), and the headers.
struct Answer(u16, Value, http::HeaderMap);

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.2.get(name).map(|value| value.to_str().unwrap())
    }

    /// The body, if the status is the expected one.
    #[track_caller]
    fn ok(self, status: u16) -> Value {
        assert_eq!(self.0, status, "{}", self.1);
        self.1
    }

    /// Checks status and code of an error.
    #[track_caller]
    fn refused(&self, status: u16, code: &str) {
        assert_eq!((self.0, &self.1["code"]), (status, &json!(code)));
        assert!(self.1["message"].is_string());
        assert_eq!(self.header("content-type"), Some("application/json"));
    }
}

impl Setup {
    async fn new() -> Self {
        Self::with(LaunchDarkly::builder()).await
    }

    async fn with(builder: Builder) -> Self {
        let clock = VirtualClock::new();
        Self {
            twin: builder.clock(clock.clone()).start().await.unwrap(),
            clock,
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}/api/v2{path}", self.twin.base_url());
        self.client.request(method.parse().unwrap(), url)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.unwrap();
        let body = match bytes.as_ref() {
            [] => Value::Null,
            bytes => serde_json::from_slice(bytes).unwrap(),
        };
        Answer(status, body, headers)
    }

    async fn call_as(&self, secret: &Secret, method: &str, path: &str, body: Value) -> Answer {
        let request = self
            .request(method, path)
            .header("authorization", secret.expose_secret());
        let request = match (method, body) {
            ("POST" | "PATCH", Value::Null) => request.header("content-type", "application/json"),
            (_, Value::Null) => request,
            (_, body) => request.json(&body),
        };
        self.send(request).await
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        self.call_as(&self.twin.credential(), method, path, body)
            .await
    }

    async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, Value::Null).await
    }

    async fn get_as(&self, secret: &Secret, path: &str) -> Answer {
        self.call_as(secret, "GET", path, Value::Null).await
    }

    /// The id and the secret of a new token.
    async fn create(&self, body: Value) -> (String, Secret) {
        let token = self.call("POST", "/tokens", body).await.ok(201);
        (text(&token["_id"]), Secret::new(text(&token["token"])))
    }

    async fn patch(&self, id: &str, patch: Value) -> Answer {
        self.call("PATCH", &format!("/tokens/{id}"), patch).await
    }

    /// Whether the twin lets a secret in, by its word and by a request.
    async fn alive(&self, secret: &Secret) -> bool {
        let word = self.twin.authenticates(secret);
        let status = self.get_as(secret, "/caller-identity").await.0;
        assert_eq!(status, if word { 200 } else { 401 });
        word
    }

    async fn names(&self, secret: &Secret, path: &str) -> Vec<String> {
        let list = self.get_as(secret, path).await.ok(200);
        let items = list["items"].as_array().unwrap();
        items.iter().map(|item| text(&item["name"])).collect()
    }

    fn in_ms(&self, ahead: Duration) -> u64 {
        ms(self.clock.now() + ahead)
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn ms(time: SystemTime) -> u64 {
    u64::try_from(time.duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

fn reader(name: &str) -> Value {
    json!({"name": name, "role": "reader"})
}
