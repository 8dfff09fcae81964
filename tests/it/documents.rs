//! The documents in `openapi/` and the crate, held against each other.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use crate::support::{Sent, always, bare, json, one_attempt, only, script, sent};
use access_tokens::launchdarkly::OldSecret;
use access_tokens::launchdarkly::{self, Access, Patch, Role, Statement};
use access_tokens::query_server::Changes;
use access_tokens::{
    Error, ErrorKind, Expiry, Idempotency, Operation, Result, TokenId, avisi_cloud, query_server,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use wiremock::{MockServer, ResponseTemplate};

const LAUNCHDARKLY: &str = include_str!("../../openapi/launchdarkly.json");
const QUERY_SERVER: &str = include_str!("../../openapi/query-server.json");
const AVISI_CLOUD: &str = include_str!("../../openapi/avisi-cloud.json");

fn document(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// All operations of a document: id, method, path and the operation itself.
fn operations(document: &Value) -> Vec<(String, String, String, Value)> {
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap().to_owned();
            all.push((id, method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    all
}

fn operation(document: &Value, id: &str) -> Value {
    let found = operations(document)
        .into_iter()
        .find(|(found, ..)| found == id);
    found.unwrap_or_else(|| panic!("no {id}")).3
}

/// Follows a reference within the document, if it is one.
fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

/// The examples of the only content of a request or an answer, by name.
fn examples(document: &Value, holder: &Value) -> BTreeMap<String, Value> {
    let holder = resolved(document, holder);
    let Some(content) = holder.get("content").and_then(Value::as_object) else {
        return BTreeMap::new();
    };
    assert_eq!(content.len(), 1, "one media type");
    let content = content.values().next().unwrap();
    let examples = content["examples"]
        .as_object()
        .expect("a body has examples");
    examples
        .iter()
        .map(|(name, example)| (name.clone(), example["value"].clone()))
        .collect()
}

fn request_example(document: &Value, id: &str, name: &str) -> Value {
    examples(document, &operation(document, id)["requestBody"])[name].clone()
}

fn answer_example(document: &Value, id: &str, status: &str, name: &str) -> Value {
    examples(document, &operation(document, id)["responses"][status])[name].clone()
}

mod operations_table {
    use super::*;
    use Idempotency::{Idempotent, NonIdempotent as Once, Safe as Read};

    /// Operation, method, path, documented success, and what sending it twice means. A change here
    /// changes what is retried.
    type Row = (
        &'static str,
        &'static str,
        &'static str,
        &'static str,
        Idempotency,
    );

    const TABLE: [(&str, &[Operation], &[Row]); 3] = [
        (
            LAUNCHDARKLY,
            &launchdarkly::OPERATIONS,
            &[
                ("getTokens", "GET", "/api/v2/tokens", "200", Read),
                ("postToken", "POST", "/api/v2/tokens", "201", Once),
                ("getToken", "GET", "/api/v2/tokens/{id}", "200", Read),
                ("patchToken", "PATCH", "/api/v2/tokens/{id}", "200", Once),
                (
                    "deleteToken",
                    "DELETE",
                    "/api/v2/tokens/{id}",
                    "204",
                    Idempotent,
                ),
                (
                    "resetToken",
                    "POST",
                    "/api/v2/tokens/{id}/reset",
                    "200",
                    Once,
                ),
                (
                    "getCallerIdentity",
                    "GET",
                    "/api/v2/caller-identity",
                    "200",
                    Read,
                ),
            ],
        ),
        (
            QUERY_SERVER,
            &query_server::OPERATIONS,
            &[
                ("createToken", "POST", "/_/token", "201", Once),
                ("listTokens", "GET", "/_/token", "200", Read),
                ("updateToken", "PUT", "/_/token", "200", Once),
                ("deleteToken", "DELETE", "/_/token", "200", Idempotent),
                ("getTokenValue", "GET", "/_/token/value", "200", Read),
            ],
        ),
        (
            AVISI_CLOUD,
            &avisi_cloud::OPERATIONS,
            &[
                (
                    "listPersonalAccessTokens",
                    "GET",
                    "/sts/v1/personal-access-tokens",
                    "200",
                    Read,
                ),
                (
                    "provisionPersonalAccessToken",
                    "POST",
                    "/sts/v1/personal-access-tokens",
                    "200",
                    Once,
                ),
                (
                    "revokePersonalAccessToken",
                    "DELETE",
                    "/sts/v1/personal-access-tokens/{token_id}",
                    "200",
                    Idempotent,
                ),
            ],
        ),
    ];

    #[test]
    fn documents_and_modules_have_the_same_fifteen_operations() {
        let mut count = 0;
        for (text, listed, rows) in TABLE {
            let effects: Vec<_> = listed
                .iter()
                .map(|one| (one.id(), one.template(), one.idempotency()))
                .collect();
            let pinned: Vec<_> = rows.iter().map(|row| (row.0, row.2, row.4)).collect();
            assert_eq!(effects, pinned);
            let mut documented: Vec<_> = operations(&document(text))
                .into_iter()
                .map(|(id, method, path, operation)| {
                    let responses = operation["responses"].as_object().unwrap();
                    let success: Vec<_> = responses
                        .keys()
                        .filter(|status| status.starts_with('2'))
                        .collect();
                    assert_eq!(success.len(), 1, "{id} has one success");
                    (id, method, path, success[0].clone())
                })
                .collect();
            let mut expected: Vec<_> = rows
                .iter()
                .map(|row| (row.0.into(), row.1.into(), row.2.into(), row.3.into()))
                .collect();
            documented.sort();
            expected.sort();
            assert_eq!(documented, expected);
            count += rows.len();
        }
        assert_eq!(count, 15);
    }

    #[test]
    fn every_operation_documents_its_errors() {
        for (text, _, _) in TABLE {
            let document = document(text);
            for (id, _, _, operation) in operations(&document) {
                let responses = operation["responses"].as_object().unwrap();
                let errors: Vec<_> = responses
                    .keys()
                    .filter(|one| !one.starts_with('2'))
                    .collect();
                assert!(errors.len() >= 2, "{id}: {errors:?}");
                for status in errors {
                    let response = resolved(&document, &responses[status]);
                    assert!(response["description"].is_string(), "{id} {status}");
                }
            }
        }
    }
}

mod answers {
    use super::*;

    /// Decodes an example and, where nothing of it is secret or left out, writes it again.
    fn decodes<T: DeserializeOwned + Serialize + Debug>(what: &str, example: &Value) -> T {
        let model: T = serde_json::from_value(example.clone())
            .unwrap_or_else(|error| panic!("{what}: {error}: {example}"));
        let written = serde_json::to_value(&model).unwrap();
        assert_eq!(written, as_written(example), "{what}");
        model
    }

    /// An example as the models write it: without secrets, nulls and empty lists of theirs.
    fn as_written(example: &Value) -> Value {
        match example {
            Value::Object(object) => {
                let kept = object.iter().filter(|(key, value)| {
                    let none = match key.as_str() {
                        "customRoleIds" | "inlineRole" => **value == json!([]),
                        "_links" => **value == json!({}),
                        _ => value.is_null(),
                    };
                    key.as_str() != "token" && !none
                });
                kept.map(|(key, value)| (key.clone(), as_written(value)))
                    .collect()
            }
            Value::Array(items) => items.iter().map(as_written).collect(),
            other => other.clone(),
        }
    }

    /// Decodes all examples of the success of an operation and says how many there are.
    fn all<T: DeserializeOwned + Serialize + Debug>(document: &Value, id: &str) -> usize {
        let operation = operation(document, id);
        let responses = operation["responses"].as_object().unwrap();
        let success = responses
            .iter()
            .find(|(status, _)| status.starts_with('2'))
            .unwrap()
            .1;
        let examples = examples(document, success);
        for (name, example) in &examples {
            let _: T = decodes(&format!("{id} {name}"), example);
        }
        examples.len()
    }

    #[test]
    fn examples_of_launchdarkly_decode() {
        let document = document(LAUNCHDARKLY);
        assert!(all::<launchdarkly::Token>(&document, "postToken") >= 1);
        assert!(all::<launchdarkly::Token>(&document, "patchToken") >= 2);
        assert!(all::<launchdarkly::Token>(&document, "resetToken") >= 1);
        assert!(all::<launchdarkly::Tokens>(&document, "getTokens") >= 2);
        assert!(all::<launchdarkly::Token>(&document, "getToken") >= 2);
        assert!(all::<launchdarkly::Caller>(&document, "getCallerIdentity") >= 2);
        let personal = answer_example(&document, "getToken", "200", "personal");
        let token: launchdarkly::Token = decodes("getToken personal", &personal);
        assert_eq!(token.secret_tail(), Some("4444"));
        assert_eq!(token.access(), Some(Access::Role(Role::Reader)));
    }

    #[test]
    fn examples_of_query_server_decode() {
        let document = document(QUERY_SERVER);
        assert!(all::<query_server::Tokens>(&document, "listTokens") >= 2);
        let two = answer_example(&document, "listTokens", "200", "two");
        let tokens: query_server::Tokens = decodes("two", &two);
        assert!(!tokens.data[0].expires().is_never() && tokens.data[1].expires().is_never());
        assert!(!tokens.data[0].can_write() && tokens.data[1].can_write());
        assert!(tokens.data.iter().all(|token| token.secret().is_some()));
        for id in ["createToken", "updateToken", "deleteToken"] {
            let responses = operation(&document, id)["responses"].clone();
            let success = responses.as_object().unwrap().iter().next().unwrap().1;
            assert_eq!(success.get("content"), None, "{id} answers nothing");
        }
    }

    #[test]
    fn examples_of_avisi_cloud_decode() {
        let document = document(AVISI_CLOUD);
        let id = "listPersonalAccessTokens";
        assert!(all::<Vec<avisi_cloud::PersonalAccessToken>>(&document, id) >= 2);
        let id = "provisionPersonalAccessToken";
        assert!(all::<avisi_cloud::PersonalAccessToken>(&document, id) >= 1);
        let id = "revokePersonalAccessToken";
        assert!(all::<avisi_cloud::RevokeAnswer>(&document, id) >= 1);
    }

    #[test]
    fn examples_of_requests_are_what_the_models_write() {
        let (ld, query, avisi) = (
            document(LAUNCHDARKLY),
            document(QUERY_SERVER),
            document(AVISI_CLOUD),
        );
        let mut count = 0;
        let mut each = |document: &Value, id: &str, check: &dyn Fn(&str, &Value)| {
            for (name, example) in examples(document, &operation(document, id)["requestBody"]) {
                check(&format!("{id} {name}"), &example);
                count += 1;
            }
        };
        each(&ld, "patchToken", &|what, example| {
            let _: Vec<launchdarkly::PatchOperation> = decodes(what, example);
        });
        each(&query, "createToken", &|what, example| {
            let _: query_server::TokenBody = decodes(what, example);
        });
        each(&avisi, "provisionPersonalAccessToken", &|what, example| {
            let _: avisi_cloud::ProvisionBody = decodes(what, example);
        });
        assert!(count >= 8, "{count}");
    }
}

mod on_the_wire {
    use super::*;

    fn ld(server: &MockServer) -> launchdarkly::Client {
        one_attempt(launchdarkly::Client::builder(), server.uri())
    }

    fn query(server: &MockServer) -> query_server::Client {
        one_attempt(query_server::Client::builder(), server.uri())
    }

    fn avisi(server: &MockServer) -> avisi_cloud::Client {
        one_attempt(avisi_cloud::Client::builder(), server.uri())
    }

    fn policy() -> Vec<Statement> {
        vec![
            Statement::allow()
                .resources(["proj/*:env/staging:flag/*"])
                .actions(["updateOn"]),
        ]
    }

    /// The moment of the examples, in Unix seconds.
    fn at(seconds: u64) -> Expiry {
        Expiry::At(UNIX_EPOCH + Duration::from_secs(seconds))
    }

    #[tokio::test]
    async fn launchdarkly_gets_the_documented_bodies_to_create() {
        let document = document(LAUNCHDARKLY);
        let answer = answer_example(&document, "postToken", "201", "created");
        let server = always(json(201, &answer)).await;
        let (client, builder) = (ld(&server), launchdarkly::TokenBody::builder);
        let personal = builder().name("nightly export").role(Role::Reader);
        let personal = personal.description("Copies the audit log to cold storage.");
        let service = builder()
            .name("staging toggler")
            .service_token(true)
            .inline_policy(policy());
        let expiring = builder()
            .name("two week trial")
            .custom_roles(["65f0c2a19d3b4e0012ab0203"]);
        let drafts: [(&str, launchdarkly::TokenBodyBuilder); 4] = [
            ("minimal", builder().role(Role::Reader)),
            ("personal", personal.default_api_version(20_240_415)),
            ("service", service),
            ("expiring", expiring.expires(at(1_798_675_200))),
        ];
        let documented = examples(&document, &operation(&document, "postToken")["requestBody"]);
        assert_eq!(documented.len(), drafts.len());
        for (name, draft) in drafts {
            let new = client.create(draft).await.unwrap();
            assert_eq!(new.secret().expose_secret(), answer["token"]);
            let body = sent(&server).await.pop().unwrap().json();
            assert_eq!(body, documented[name], "{name}");
        }
    }

    #[tokio::test]
    async fn launchdarkly_gets_the_documented_patches() {
        let document = document(LAUNCHDARKLY);
        let answer = answer_example(&document, "patchToken", "200", "renamed");
        let server = always(json(200, &answer)).await;
        let (client, id): (_, TokenId) = (
            ld(&server),
            answer["_id"].as_str().unwrap().parse().unwrap(),
        );
        let patches = [
            (
                "rename",
                Patch::new()
                    .test_name("nightly export")
                    .replace("/name", "weekly export"),
            ),
            (
                "roleToPolicy",
                Patch::new()
                    .remove("/role")
                    .replace_access(Access::InlinePolicy(policy())),
            ),
            (
                "expire",
                Patch::new().expire_at(UNIX_EPOCH + Duration::from_secs(1_798_675_200)),
            ),
        ];
        let documented = examples(
            &document,
            &operation(&document, "patchToken")["requestBody"],
        );
        assert_eq!(documented.len(), patches.len());
        for (name, patch) in patches {
            let token = client.patch(&id, patch).await.unwrap();
            assert_eq!(token.name.as_deref(), Some("weekly export"));
            let request = sent(&server).await.pop().unwrap();
            assert_eq!(request.json(), documented[name], "{name}");
            assert_eq!(request.line(), format!("PATCH /api/v2/tokens/{id}"));
        }
    }

    #[tokio::test]
    async fn query_server_answers_with_the_documented_values() {
        let document = document(QUERY_SERVER);
        let responses = &operation(&document, "getTokenValue")["responses"];
        let documented = examples(&document, &responses["200"]);
        assert!(documented.len() >= 2);
        for (name, answer) in documented {
            let server = always(json(200, &answer)).await;
            let told = answer["data"][0]["token"].as_str().map(str::to_owned);
            match query(&server).value("nightly export").await {
                Ok(secret) => assert_eq!(Some(secret.expose_secret()), told.as_deref(), "{name}"),
                Err(error) => assert!(error.is_not_found() && told.is_none(), "{name}: {error}"),
            }
        }
    }

    #[tokio::test]
    async fn query_server_gets_the_documented_bodies() {
        let document = document(QUERY_SERVER);
        let refused = || bare(400, "no");
        let none = || bare(200, r#"{"data":[]}"#);
        let server = script([
            none(),
            refused(),
            none(),
            refused(),
            refused(),
            refused(),
            refused(),
            refused(),
        ]);
        let server = server.await;
        let (client, name) = (query(&server), "nightly export");
        let builder = || query_server::TokenBody::builder(name);
        let lasting = builder()
            .active(true)
            .write(false)
            .expires(at(4_102_444_800));
        assert!(client.create(lasting).await.is_err());
        assert!(client.create(builder()).await.is_err());
        assert!(
            client
                .update(name, Changes::new().active(false))
                .await
                .is_err()
        );
        let everything = client.update(
            name,
            Changes::new()
                .active(true)
                .write(true)
                .expires(at(4_102_444_800)),
        );
        assert!(everything.await.is_err());
        assert!(client.delete(name).await.is_err());
        let sent = sent(&server).await;
        let bodies: Vec<_> = sent
            .iter()
            .filter(|request| !request.line().starts_with("GET"))
            .map(Sent::json)
            .collect();
        let documented = [
            ("createToken", "lasting"),
            ("createToken", "shortest"),
            ("updateToken", "disable"),
            ("updateToken", "everything"),
            ("deleteToken", "byName"),
        ]
        .map(|(id, name)| request_example(&document, id, name));
        assert_eq!(bodies, documented);
    }

    #[tokio::test]
    async fn avisi_cloud_gets_the_documented_bodies() {
        let document = document(AVISI_CLOUD);
        let id = "provisionPersonalAccessToken";
        let answer = answer_example(&document, id, "200", "provisioned");
        let builder = || avisi_cloud::ProvisionBody::builder("ci runner");
        for (name, builder) in [
            ("restricted", builder().ip_restriction("203.0.113.0/24")),
            ("open", builder()),
        ] {
            let server = always(json(200, &answer)).await;
            let new = avisi(&server).provision(builder).await.unwrap();
            assert_eq!(new.secret().expose_secret(), answer["token"]);
            assert_eq!(
                only(&server).await.json(),
                request_example(&document, id, name)
            );
        }
    }

    /// Examples of parameters come out where they belong.
    #[tokio::test]
    async fn parameters_go_out_as_documented() {
        let launchdarkly = document(LAUNCHDARKLY);
        let parameter = |name: &str| {
            let parameter = launchdarkly["components"]["parameters"][name].clone();
            (
                parameter["name"].as_str().unwrap().to_owned(),
                parameter["example"].clone(),
            )
        };
        let server = always(json(200, &json!({"items": []}))).await;
        let list = ld(&server).list().limit(25).offset(50).show_all(true);
        list.page().await.unwrap();
        let request = only(&server).await;
        for name in ["Limit", "Offset", "ShowAll"] {
            let (name, example) = parameter(name);
            assert!(
                request.line().contains(&format!("{name}={example}")),
                "{}",
                request.line()
            );
        }
        let (name, version) = parameter("ApiVersion");
        assert_eq!(request.header(&name), version.as_str());

        let query_server = document(QUERY_SERVER);
        let value = &operation(&query_server, "getTokenValue")["parameters"][0];
        let server = always(bare(200, r#"{"data":[]}"#)).await;
        assert!(
            !query(&server)
                .exists(value["example"].as_str().unwrap())
                .await
                .unwrap()
        );
        assert_eq!(
            only(&server).await.line(),
            "GET /_/token/value?name=nightly+export"
        );
    }

    /// Calls an operation so that its answer is the last of the script.
    async fn call(text: &str, id: &str, answer: ResponseTemplate) -> Result<()> {
        let token: TokenId = "66aa10f2c4d5e60011223344".parse().unwrap();
        let server = match id {
            "createToken" => script([bare(200, r#"{"data":[]}"#), answer]).await,
            _ => script([answer]).await,
        };
        let edge = query_server::TokenBody::builder("edge");
        match id {
            "getTokens" => ld(&server).list().page().await.map(drop),
            "postToken" => ld(&server)
                .create(launchdarkly::TokenBody::builder())
                .await
                .map(drop),
            "getToken" => ld(&server).get(&token).await.map(drop),
            "patchToken" => ld(&server)
                .patch(&token, Patch::new().remove("/role"))
                .await
                .map(drop),
            "deleteToken" if text == LAUNCHDARKLY => ld(&server).delete(&token).await,
            "getCallerIdentity" => ld(&server).whoami().await.map(drop),
            "resetToken" => ld(&server)
                .reset(&token, OldSecret::EndsAtOnce)
                .await
                .map(drop),
            "createToken" => query(&server).create(edge).await.map(drop),
            "listTokens" => query(&server).list().await.map(drop),
            "updateToken" => query(&server)
                .update("edge", Changes::new().write(true))
                .await
                .map(drop),
            "deleteToken" => query(&server).delete("edge").await,
            "getTokenValue" => query(&server).value("edge").await.map(drop),
            "listPersonalAccessTokens" => avisi(&server).list().await.map(drop),
            "provisionPersonalAccessToken" => avisi(&server)
                .provision(avisi_cloud::ProvisionBody::default())
                .await
                .map(drop),
            "revokePersonalAccessToken" => avisi(&server).revoke(&token).await.map(drop),
            other => panic!("nobody calls {other}"),
        }
    }

    fn assert_told(error: &Error, status: &str, example: Option<&Value>) {
        assert_eq!(error.status().unwrap().as_str(), status, "{error}");
        let empty = json!({});
        let body = match example {
            Some(Value::String(text)) => {
                assert_eq!(error.message(), Some(text.as_str()), "{error}");
                return;
            }
            example => example.unwrap_or(&empty),
        };
        assert_eq!(error.code(), body["code"].as_str(), "{error}");
        assert_eq!(error.message(), body["message"].as_str(), "{error}");
        assert_eq!(error.request_id(), body["id"].as_str(), "{error}");
        let details = body["details"].as_array().cloned().unwrap_or_default();
        assert_eq!(json!(error.details()), json!(details), "{error}");
    }

    #[tokio::test]
    async fn every_documented_error_is_told_as_documented() {
        let mut count = 0;
        for text in [LAUNCHDARKLY, QUERY_SERVER, AVISI_CLOUD] {
            let document = document(text);
            for (id, _, _, operation) in operations(&document) {
                for (status, response) in operation["responses"].as_object().unwrap() {
                    if status.starts_with('2') {
                        continue;
                    }
                    let number = status.parse().unwrap();
                    let mut answers: Vec<_> = examples(&document, response)
                        .into_values()
                        .map(|example| match &example {
                            Value::String(text) => (bare(number, text), Some(example)),
                            _ => (json(number, &example), Some(example)),
                        })
                        .collect();
                    answers.push((crate::support::empty(number), None));
                    for (answer, example) in answers {
                        let error = call(text, &id, answer).await.unwrap_err();
                        // Of the documented statuses, only those of the HTTP layer have no name.
                        let unnamed = error.kind() == ErrorKind::UnexpectedStatus;
                        assert_eq!(unnamed, matches!(number, 414 | 431), "{error}");
                        assert_eq!(error.operation(), Some(id.as_str()));
                        assert_told(&error, status, example.as_ref());
                        count += 1;
                    }
                }
            }
        }
        assert!(count > 100, "{count}");
    }
}

#[cfg(feature = "generate")]
mod generated_code {
    use super::*;

    const SNAPSHOTS: [(&str, &str); 3] = [
        (
            "launchdarkly",
            include_str!(concat!(env!("OUT_DIR"), "/launchdarkly.rs")),
        ),
        (
            "query-server",
            include_str!(concat!(env!("OUT_DIR"), "/query-server.rs")),
        ),
        (
            "avisi-cloud",
            include_str!(concat!(env!("OUT_DIR"), "/avisi-cloud.rs")),
        ),
    ];

    const HOW: &str = "if the difference is meant, write it down with \
        `UPDATE_SNAPSHOTS=1 cargo test --test it generated_code` and look at what git shows";

    /// The first lines that differ, a few at most.
    fn differences(kept: &str, now: &str) -> Vec<String> {
        let (mut kept, mut now, mut found) = (kept.lines(), now.lines(), Vec::new());
        for number in 1.. {
            let (before, after) = (kept.next(), now.next());
            if found.len() == 5 || (before.is_none() && after.is_none()) {
                break;
            }
            if before != after {
                let [before, after] = [before, after].map(|line| line.unwrap_or("(its end)"));
                found.push(format!("line {number}\n  kept: {before}\n  now:  {after}"));
            }
        }
        found
    }

    /// What a build without the generator compiles is what a build with it makes. A generator upgrade or
    /// a changed document shows its effect here, for a review.
    #[test]
    fn the_generated_code_is_as_it_was_reviewed() {
        for (name, now) in SNAPSHOTS {
            let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("generated");
            let path = directory.join(format!("{name}.rs"));
            if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
                std::fs::create_dir_all(&directory).unwrap();
                std::fs::write(&path, now).unwrap();
            }
            let kept = std::fs::read_to_string(&path)
                .unwrap_or_else(|error| panic!("{}: {error}; {HOW}", path.display()));
            let found = differences(&kept, now).join("\n");
            assert!(
                found.is_empty(),
                "{name} differs from its snapshot:\n{found}\n{HOW}"
            );
        }
    }

    #[test]
    fn differences_are_found_and_shown() {
        assert_eq!(differences("a\nb", "a\nb"), [""; 0]);
        assert_eq!(
            differences("a\nb", "a\nc"),
            ["line 2\n  kept: b\n  now:  c"]
        );
        assert_eq!(
            differences("a", "a\nc"),
            ["line 2\n  kept: (its end)\n  now:  c"]
        );
        assert_eq!(differences("", "1\n2\n3\n4\n5\n6\n7").len(), 5);
    }

    #[test]
    fn no_secret_of_a_model_is_a_plain_text() {
        for (name, now) in SNAPSHOTS {
            let types = now.split("impl Client").next().unwrap();
            for line in types.lines().map(str::trim) {
                let secret = line.starts_with("pub token:");
                assert!(!secret || line.contains("crate::Secret"), "{name}: {line}");
            }
            assert!(types.contains("crate::Secret"), "{name}");
        }
    }
}
