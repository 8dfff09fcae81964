//! The twin of Query Server answers as the server does, asked over plain HTTP.

use access_tokens::Secret;
use access_tokens_testing::query_server::Builder;
use access_tokens_testing::{QueryServer, VirtualClock};
use base64::Engine as _;
use reqwest::{Method, Response};
use serde_json::Value;

mod server;
mod tokens;

struct Setup {
    twin: QueryServer,
    clock: VirtualClock,
    http: reqwest::Client,
}

/// A status and the text behind it.
type Reply = (u16, String);

fn reply(status: u16, text: &str) -> Reply {
    (status, text.to_owned())
}

impl Setup {
    async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    async fn with(options: impl FnOnce(Builder) -> Builder) -> Self {
        let clock = VirtualClock::new();
        let builder = options(QueryServer::builder().clock(clock.clone()));
        Self {
            twin: builder.start().await.unwrap(),
            clock,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    async fn send(&self, method: &str, path: &str, authorization: &[&str], body: &str) -> Response {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let url = format!("{}{path}", self.twin.base_url());
        let mut request = self.http.request(method, url).body(body.to_owned());
        for value in authorization {
            request = request.header("authorization", *value);
        }
        let response = request.send().await.unwrap();
        assert!(!response.headers().contains_key("content-type"));
        assert!(response.headers().contains_key("date"));
        response
    }

    async fn call(&self, method: &str, path: &str, body: &str) -> Reply {
        let admin = format!("Bearer {}", self.twin.credential().expose_secret());
        read(self.send(method, path, &[&admin], body).await).await
    }

    async fn with_header(&self, authorization: &[&str]) -> Reply {
        read(self.send("GET", "/_/token", authorization, "").await).await
    }

    async fn post(&self, body: Value) -> Reply {
        self.call("POST", "/_/token", &body.to_string()).await
    }

    async fn put(&self, body: Value) -> Reply {
        self.call("PUT", "/_/token", &body.to_string()).await
    }

    async fn delete(&self, body: Value) -> Reply {
        self.call("DELETE", "/_/token", &body.to_string()).await
    }

    async fn list(&self) -> Vec<Value> {
        let (status, text) = self.call("GET", "/_/token", "").await;
        assert_eq!(status, 200);
        let list: Value = serde_json::from_str(&text).unwrap();
        list["data"].as_array().unwrap().clone()
    }

    async fn value(&self, query: &str) -> Option<String> {
        let (status, text) = self
            .call("GET", &format!("/_/token/value{query}"), "")
            .await;
        assert_eq!(status, 200, "{text}");
        let value: Value = serde_json::from_str(&text).unwrap();
        let token = value["data"].as_array().unwrap().first()?["token"].as_str();
        Some(token.unwrap().to_owned())
    }

    /// Whether the token of a name would be accepted, and the token.
    async fn alive(&self, name: &str) -> (bool, String) {
        let token = self.value(&format!("?name={name}")).await.unwrap();
        (self.twin.authenticates(&Secret::new(token.as_str())), token)
    }
}

async fn read(response: Response) -> Reply {
    (response.status().as_u16(), response.text().await.unwrap())
}

fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part);
    serde_json::from_slice(&bytes.unwrap()).unwrap()
}
