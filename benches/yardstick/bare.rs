//! What somebody would write by hand: reqwest with a timeout, and `serde_json` into structs that say
//! what is needed.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) const CREDENTIAL: &str = "api-00000000-1111-4222-8333-444444444444";
pub(crate) const ID: &str = "66aa10f2c4d5e60000000007";

/// A token of LaunchDarkly with all that is shown of it, members in the order of the wire.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "decoded as the other client does")]
#[expect(clippy::struct_field_names, reason = "as on the wire")]
pub(crate) struct Token {
    #[serde(rename = "_id")]
    pub(crate) id: String,
    owner_id: String,
    member_id: String,
    #[serde(rename = "_member")]
    member: Option<Member>,
    name: Option<String>,
    description: Option<String>,
    creation_date: i64,
    last_modified: i64,
    #[serde(default)]
    custom_role_ids: Vec<String>,
    #[serde(default)]
    inline_role: Vec<Value>,
    role: Option<String>,
    token: Option<String>,
    service_token: Option<bool>,
    #[serde(rename = "_links", default)]
    links: std::collections::HashMap<String, Link>,
    default_api_version: Option<i64>,
    last_used: Option<i64>,
    expiry: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "decoded as the other client does")]
struct Member {
    #[serde(rename = "_links", default)]
    links: std::collections::HashMap<String, Link>,
    #[serde(rename = "_id")]
    id: String,
    first_name: Option<String>,
    last_name: Option<String>,
    role: String,
    email: String,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "decoded as the other client does")]
struct Link {
    href: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    #[expect(dead_code, reason = "decoded as the other client does")]
    total_count: i64,
}

/// The same without the links, which nobody reads.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "decoded as the other client does")]
pub(crate) struct Lean {
    #[serde(rename = "_id")]
    id: String,
    owner_id: String,
    member_id: String,
    #[serde(rename = "_member")]
    member: Option<LeanMember>,
    name: Option<String>,
    description: Option<String>,
    creation_date: i64,
    last_modified: i64,
    #[serde(default)]
    custom_role_ids: Vec<String>,
    #[serde(default)]
    inline_role: Vec<Value>,
    role: Option<String>,
    token: Option<String>,
    service_token: Option<bool>,
    default_api_version: Option<i64>,
    last_used: Option<i64>,
    expiry: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "decoded as the other client does")]
struct LeanMember {
    #[serde(rename = "_id")]
    id: String,
    first_name: Option<String>,
    last_name: Option<String>,
    role: String,
    email: String,
}

/// A row of Query Server.
#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "decoded as the other client does")]
pub(crate) struct Row {
    id: i64,
    name: String,
    token: Option<String>,
    active: u8,
    write: u8,
    created_at: Option<i64>,
    updated_at: Option<i64>,
    expiration_date: i64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Rows {
    pub(crate) data: Vec<Row>,
}

#[derive(Serialize)]
struct Body<'a> {
    name: &'a str,
    role: &'a str,
}

#[derive(Serialize)]
struct Operation<'a> {
    op: &'a str,
    path: &'a str,
    value: &'a str,
}

#[derive(Clone)]
pub(crate) struct Bare {
    http: reqwest::Client,
    tokens: String,
    rows: String,
}

impl Bare {
    pub(crate) fn new(base_url: &str) -> Self {
        let timeout = Duration::from_secs(30);
        Self {
            http: reqwest::Client::builder()
                .no_proxy()
                .timeout(timeout)
                .build()
                .unwrap(),
            tokens: format!("{base_url}/api/v2/tokens"),
            rows: format!("{base_url}/_/token"),
        }
    }

    async fn send<T: for<'de> Deserialize<'de>>(&self, request: reqwest::RequestBuilder) -> T {
        let request = request.header("authorization", CREDENTIAL);
        let answer = request
            .header("ld-api-version", "20240415")
            .send()
            .await
            .unwrap();
        let body = answer.error_for_status().unwrap().bytes().await.unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    pub(crate) async fn get(&self) -> Token {
        self.send(self.http.get(format!("{}/{ID}", self.tokens)))
            .await
    }

    pub(crate) async fn create(&self) -> Token {
        let body = Body {
            name: "nightly export",
            role: "reader",
        };
        self.send(self.http.post(&self.tokens).json(&body)).await
    }

    pub(crate) async fn patch(&self) -> Token {
        let body = [Operation {
            op: "replace",
            path: "/name",
            value: "other",
        }];
        self.send(self.http.patch(format!("{}/{ID}", self.tokens)).json(&body))
            .await
    }

    pub(crate) async fn page<T: for<'de> Deserialize<'de>>(
        &self,
        limit: usize,
        offset: usize,
    ) -> Page<T> {
        let url = format!("{}?limit={limit}&offset={offset}", self.tokens);
        self.send(self.http.get(url)).await
    }

    pub(crate) async fn rows(&self) -> Rows {
        self.send(self.http.get(&self.rows)).await
    }
}
