//! The three twins, and how each is asked over plain HTTP for what all of them do.

use access_tokens::Secret;
use access_tokens_testing::{Twin, Twins, VirtualClock};
use reqwest::Method;
use serde_json::{Value, json};

pub(crate) struct World {
    pub(crate) twins: Twins,
    pub(crate) clock: VirtualClock,
}

/// What was made: a key and a secret.
pub(crate) struct Made {
    pub(crate) key: String,
    pub(crate) secret: Secret,
}

impl World {
    pub(crate) async fn new() -> Self {
        let clock = VirtualClock::new();
        Self {
            twins: Twins::with_clock(clock.clone()).await.unwrap(),
            clock,
        }
    }

    pub(crate) fn all(&self) -> [Api<'_>; 3] {
        let [ld, query, avisi] = self.twins.all();
        [
            Api {
                twin: ld,
                path: "/api/v2/tokens",
                scheme: "",
            },
            Api {
                twin: query,
                path: "/_/token",
                scheme: "Bearer ",
            },
            Api {
                twin: avisi,
                path: "/sts/v1/personal-access-tokens",
                scheme: "Token ",
            },
        ]
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Api<'a> {
    pub(crate) twin: &'a dyn Twin,
    path: &'static str,
    scheme: &'static str,
}

impl Api<'_> {
    pub(crate) fn is_query_server(&self) -> bool {
        self.path == "/_/token"
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        rest: &str,
        body: Option<Value>,
    ) -> reqwest::Result<reqwest::Response> {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let secret = self.twin.credential();
        let url = format!("{}{}{rest}", self.twin.base_url(), self.path);
        let value = format!("{}{}", self.scheme, secret.expose_secret());
        let mut request = http.request(method, url).header("authorization", value);
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await
    }

    /// The status and the body of an answer that comes.
    pub(crate) async fn call(
        &self,
        method: Method,
        rest: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let answer = self.send(method, rest, body).await.unwrap();
        let status = answer.status().as_u16();
        let bytes = answer.bytes().await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    pub(crate) fn create_body(name: &str) -> Value {
        json!({"name": name, "role": "reader"})
    }

    /// A new token, and what the twin knows of it.
    pub(crate) async fn create(&self, name: &str) -> Made {
        let (status, _) = self
            .call(Method::POST, "", Some(Self::create_body(name)))
            .await;
        assert!(matches!(status, 200 | 201), "{status}");
        self.made(name).unwrap()
    }

    pub(crate) fn made(&self, name: &str) -> Option<Made> {
        // The last one: those that were revoked may stay.
        let mut entries = self.twin.entries().into_iter();
        let entry = entries.rfind(|entry| entry.name == name)?;
        Some(Made {
            key: entry.key,
            secret: entry.secret,
        })
    }

    /// The path and the body that remove a token.
    pub(crate) fn removal(&self, key: &str) -> (String, Option<Value>) {
        if self.is_query_server() {
            (String::new(), Some(json!({ "name": key })))
        } else {
            (format!("/{key}"), None)
        }
    }

    pub(crate) async fn remove(&self, key: &str) {
        let (rest, body) = self.removal(key);
        let (status, _) = self.call(Method::DELETE, &rest, body).await;
        assert!(matches!(status, 200 | 204), "{status}");
    }

    /// The names in the list of those that are active.
    pub(crate) async fn listed(&self) -> Vec<String> {
        let (status, list) = self.call(Method::GET, "", None).await;
        assert_eq!(status, 200);
        let items = list.get("items").or(list.get("data")).unwrap_or(&list);
        let items = items.as_array().unwrap().iter();
        let active = items.filter(|item| item["active"] != false);
        active
            .map(|item| item["name"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Whether a token is found by its key, where that can be asked for.
    pub(crate) async fn reads(&self, key: &str) -> Option<bool> {
        if self.is_query_server() {
            let (_, value) = self
                .call(Method::GET, &format!("/value?name={key}"), None)
                .await;
            return Some(value["data"] != json!([]));
        }
        match self.call(Method::GET, &format!("/{key}"), None).await.0 {
            200 => Some(true),
            404 => Some(false),
            405 => None,
            other => panic!("{other}"),
        }
    }
}
