//! Input that means harm or nonsense: it is refused here, or it arrives exactly as it was meant.

use std::fmt::Debug;

use crate::support::{Raw, Reply, assert_refused, one_attempt, process_for, whole};
use access_tokens::launchdarkly::OldSecret;
use access_tokens::launchdarkly::{Patch, TokenBody};
use access_tokens::query_server::Changes;
use access_tokens::{
    BoxFuture, CredentialError, CredentialProvider, Error, ErrorKind, Result, Secret, TokenId,
    avisi_cloud, launchdarkly, query_server,
};

struct Clients {
    ld: launchdarkly::Client,
    query: query_server::Client,
    avisi: avisi_cloud::Client,
}

impl Clients {
    fn new(uri: &str) -> Self {
        Self {
            ld: one_attempt(launchdarkly::Client::builder(), uri),
            query: one_attempt(query_server::Client::builder(), uri),
            avisi: one_attempt(avisi_cloud::Client::builder(), uri),
        }
    }

    /// Calls every operation that takes an id, and gives the path that each would have with it.
    async fn each_with(&self, id: &TokenId) -> Vec<(String, Result<()>)> {
        let (ld, pat) = ("/api/v2/tokens", "/sts/v1/personal-access-tokens");
        let patch = Patch::new().replace_name("x");
        vec![
            (format!("GET {ld}/{id}"), self.ld.get(id).await.map(drop)),
            (
                format!("PATCH {ld}/{id}"),
                self.ld.patch(id, patch).await.map(drop),
            ),
            (format!("DELETE {ld}/{id}"), self.ld.delete(id).await),
            (
                format!("POST {ld}/{id}/reset"),
                self.ld.reset(id, OldSecret::EndsAtOnce).await.map(drop),
            ),
            (
                format!("DELETE {pat}/{id}"),
                self.avisi.revoke(id).await.map(drop),
            ),
        ]
    }
}

/// A server that refuses everything with a status that is never repeated.
async fn refusing() -> Raw {
    Raw::start(|_| Reply::Bytes(whole(400, &[], ""))).await
}

fn first_lines(raw: &Raw) -> Vec<String> {
    let line = |request: &String| request.split(" HTTP/1.1\r\n").next().unwrap().to_owned();
    raw.seen().iter().map(line).collect()
}

fn hostile_ids() -> Vec<String> {
    let mut ids: Vec<String> = [
        "",
        ".",
        "..",
        "/",
        "//",
        "a/b",
        "a/",
        "/a",
        "../members",
        "..\\x",
        "a\\..\\..\\x",
        "\\",
        "%2e%2e",
        "%2E",
        "%2f",
        "%",
        "%00",
        "?x",
        "a?expiry=0",
        "#",
        "a#b",
        ";a",
        "a b",
        " ",
        "a ",
        "\t",
        "a\nb",
        "a\r\nX-Evil: 1",
        "\0",
        "a\0b",
        "\u{7f}",
        "\u{85}",
        "\u{202e}",
        "\u{2066}",
        "\u{200b}",
        "\u{feff}",
        "é",
        "ａ",
        "…",
        "․․",
        "／",
        "<a>",
        "\"",
        "'",
        "`",
        "{id}",
        "[",
        "|",
        "^",
        "@",
        "user@host",
        "&",
        "=",
        "+",
        ",",
        "*",
        "!",
        "$",
        "(",
        ")",
    ]
    .map(String::from)
    .into();
    ids.push("a".repeat(257));
    ids.push("a".repeat(10_000));
    ids
}

mod ids {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::{Config, TestRunner};

    #[tokio::test]
    async fn a_hostile_id_is_refused_by_parsing_and_not_repeated() {
        for id in hostile_ids() {
            let error = id.parse::<TokenId>().unwrap_err();
            assert!(
                TokenId::try_from(id.as_str()).is_err() && TokenId::try_from(id.clone()).is_err()
            );
            let text = error.to_string();
            assert!(
                text.starts_with("not a token id: ") && text.len() < 100,
                "{text}"
            );
        }
    }

    #[tokio::test]
    async fn a_hostile_id_that_came_in_an_answer_is_refused_by_every_operation() {
        let raw = refusing().await;
        let clients = Clients::new(&raw.uri);
        for id in hostile_ids() {
            let came: TokenId = serde_json::from_value(id.clone().into()).unwrap();
            assert_eq!(came.as_str(), id, "kept as it came");
            for (operation, outcome) in clients.each_with(&came).await {
                let error = outcome.expect_err(&operation);
                assert_refused(&error, "id");
                assert!(error.operation().is_some(), "{error}");
            }
        }
        assert_eq!(first_lines(&raw), [""; 0]);
    }

    #[tokio::test]
    async fn odd_but_harmless_ids_stay_one_segment() {
        let raw = refusing().await;
        let clients = Clients::new(&raw.uri);
        for id in [
            "...",
            ".a",
            "a.",
            "-",
            "_",
            "~",
            ":",
            "a:b",
            "0",
            &"a".repeat(256),
        ] {
            let id: TokenId = id.parse().unwrap();
            let before = raw.seen().len();
            let (expected, outcomes): (Vec<_>, Vec<_>) =
                clients.each_with(&id).await.into_iter().unzip();
            assert_eq!(first_lines(&raw)[before..], expected);
            for outcome in outcomes {
                assert_eq!(outcome.unwrap_err().kind(), ErrorKind::InvalidRequest);
            }
        }
    }

    /// Texts that are ids, and many that almost are.
    fn texts() -> impl Strategy<Value = String> {
        prop_oneof![
            "[A-Za-z0-9._~:-]{1,256}",
            "[.]{1,4}",
            "[a-z.%/\\\\?# ]{0,8}",
            "(%2e|%2f|\\.|/|a){1,6}",
            any::<String>(),
        ]
    }

    #[test]
    fn every_id_that_parses_arrives_as_exactly_one_segment() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let raw = runtime.block_on(refusing());
        let clients = Clients::new(&raw.uri);
        let mut accepted = 0;
        let config = Config {
            cases: 400,
            failure_persistence: None,
            ..Config::default()
        };
        let outcome = TestRunner::new(config).run(&texts(), |text| {
            let before = raw.seen().len();
            let came: TokenId = serde_json::from_value(text.clone().into()).unwrap();
            let parses = text.parse::<TokenId>().is_ok();
            let calls = runtime.block_on(clients.each_with(&came));
            let seen = first_lines(&raw).split_off(before);
            let lines: Vec<_> = calls.into_iter().map(|(line, _)| line).collect();
            prop_assert_eq!(seen, if parses { lines } else { Vec::new() });
            if parses {
                let target = raw.targets()[before].clone();
                let segments: Vec<_> = target.split('/').collect();
                prop_assert_eq!(segments, ["", "api", "v2", "tokens", text.as_str()]);
            }
            Ok(())
        });
        accepted += raw.seen().len() / 5;
        outcome.unwrap();
        assert!(accepted > 50, "only {accepted} texts were ids");
    }
}

mod names {
    use super::*;

    /// Strings that have broken programs elsewhere.
    const NAUGHTY: [&str; 32] = [
        "undefined",
        "null",
        "true",
        "NaN",
        "-1e+1000",
        "0x0",
        "1;DROP TABLE tokens",
        "' OR 1=1 --",
        "\"quoted\"",
        "back\\slash",
        "a/b/../c",
        "../../etc/passwd",
        "%2e%2e%2f",
        "%s%n%d",
        "${HOME}",
        "$(reboot)",
        "`reboot`",
        "{{7*7}}",
        "<script>alert(1)</script>",
        "a&b=c#d?e",
        "a+b c",
        "Ω≈ç√∫˜µ≤≥÷",
        "田中さん",
        "\u{1f469}\u{200d}\u{1f4bb}",
        "e\u{301} é",
        "\u{202e}reversed",
        "\u{feff}bom",
        "zero\u{200b}width",
        "\u{fffd}",
        "a\u{a0}b",
        "İıſß",
        " leading and trailing ",
    ];

    /// For the services that take any text.
    const CONTROLS: [&str; 5] = [
        "line\nend",
        "a\r\nX-Evil: 1",
        "tab\tbed",
        "nul\0",
        "\u{1b}[31m",
    ];

    fn body(request: &str) -> serde_json::Value {
        serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    #[tokio::test]
    async fn a_name_arrives_in_a_body_as_it_was_given() {
        let raw = refusing().await;
        let clients = Clients::new(&raw.uri);
        for name in NAUGHTY.into_iter().chain(CONTROLS) {
            let before = raw.seen().len();
            assert!(
                clients
                    .ld
                    .create(TokenBody::builder().name(name))
                    .await
                    .is_err()
            );
            let id: TokenId = "a".parse().unwrap();
            assert!(
                clients
                    .ld
                    .patch(&id, Patch::new().replace_name(name))
                    .await
                    .is_err()
            );
            let provision = avisi_cloud::ProvisionBody::builder(name);
            assert!(clients.avisi.provision(provision).await.is_err());
            assert!(clients.query.delete(name).await.is_err());
            assert!(
                clients
                    .query
                    .update(name, Changes::new().active(true))
                    .await
                    .is_err()
            );
            let bodies: Vec<_> = raw.seen()[before..]
                .iter()
                .map(|request| body(request))
                .collect();
            assert_eq!(bodies.len(), 5);
            assert_eq!(bodies[0]["name"], name);
            assert_eq!(bodies[1][0]["value"], name);
            assert!(
                bodies[2..].iter().all(|body| body["name"] == name),
                "{bodies:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_name_arrives_in_the_query_as_it_was_given() {
        let raw = refusing().await;
        let clients = Clients::new(&raw.uri);
        for name in NAUGHTY.into_iter().chain(CONTROLS) {
            assert!(clients.query.value(name).await.is_err());
            let target = raw.targets().pop().unwrap();
            let (path, query) = target.split_once('?').unwrap();
            assert_eq!(path, "/_/token/value");
            let pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).collect();
            assert_eq!(pairs, [("name".into(), name.into())], "{target}");
            assert!(
                target.is_ascii() && !target.contains([' ', '#']),
                "{target}"
            );
        }
    }

    #[tokio::test]
    async fn a_name_comes_back_as_it_is_stored() {
        for name in NAUGHTY.into_iter().chain(CONTROLS) {
            let row = serde_json::json!({"data": [{"id": 1, "name": name, "active": 1, "write": 1,
                                                   "expiration_date": 1, "token": "x"}]});
            let row = row.to_string();
            let raw = Raw::start(move |_| Reply::Bytes(whole(200, &[], &row))).await;
            let found = Clients::new(&raw.uri).query.find(name).await.unwrap();
            assert_eq!(found.unwrap().name, name);
        }
    }

    #[tokio::test]
    async fn a_name_does_not_get_into_an_error() {
        let raw = refusing().await;
        let clients = Clients::new(&raw.uri);
        for name in ["prod-database-of-acme", &"x".repeat(70_000)] {
            for error in [
                clients.query.value(name).await.unwrap_err(),
                clients
                    .query
                    .create(query_server::TokenBody::builder(name))
                    .await
                    .unwrap_err(),
                clients.query.delete(name).await.unwrap_err(),
                clients
                    .ld
                    .create(TokenBody::builder().name(name))
                    .await
                    .unwrap_err(),
            ] {
                assert!(!format!("{error} {error:?}").contains(name), "{error}");
            }
        }
    }
}

mod configuration {
    use super::*;

    /// Builds a client of each service and gives the errors.
    fn each(
        base_url: Option<&str>,
        credential: &str,
    ) -> [(&'static str, Result<Box<dyn Debug>>); 3] {
        macro_rules! build {
            ($service:ident) => {{
                let mut builder = $service::Client::builder().credential(credential);
                if let Some(url) = base_url {
                    builder = builder.base_url(url);
                }
                let shown = format!("{builder:?} {builder:#?}");
                assert!(
                    credential.len() < 3 || !shown.contains(credential),
                    "{shown}"
                );
                assert!(!shown.contains("hunter2"), "{shown}");
                let built = builder
                    .build()
                    .map(|client| Box::new(client) as Box<dyn Debug>);
                (stringify!($service), built)
            }};
        }
        [
            build!(launchdarkly),
            build!(query_server),
            build!(avisi_cloud),
        ]
    }

    fn assert_config(error: &Error, field: &str) {
        assert_eq!(
            (error.kind(), error.field()),
            (ErrorKind::Config, Some(field)),
            "{error}"
        );
        assert!(error.to_string().contains(field), "{error}");
        assert!(
            !error.may_have_been_sent() && error.attempts() == 0,
            "{error}"
        );
    }

    #[test]
    fn bad_base_urls_are_refused_with_a_rule_and_not_repeated() {
        for url in [
            "",
            " ",
            "hunter2",
            "hunter2.example",
            "//hunter2.example",
            "/hunter2",
            "https://",
            "https:///",
            "ftp://hunter2",
            "file:///hunter2",
            "data:,hunter2",
            "javascript:hunter2",
            "unix:/hunter2",
            "https://hunter2@host",
            "https://user:hunter2@host",
            "https://:hunter2@host",
            "https://host?token=hunter2",
            // What a parser would make a host of all the same.
            "https://host\n.hunter2.example",
            "https://ho\tst",
            "https://host\r\n/hunter2",
            "https://host/hunter 2",
            "https:hunter2",
            "https:/hunter2",
            "https:///hunter2",
            "https:\\\\hunter2",
            "https://host\\@hunter2.example",
            "https://host/\u{feff}",
            "https://ho\u{200b}st",
            "http://127.0.0.1\u{0}",
            "https://host/?",
            "https://host#",
            "https://host/#hunter2",
            "http://hunter2.example",
            "http://10.0.0.1",
            "http://0.0.0.0",
            "http://169.254.169.254/",
            "http://[fe80::1]",
            "http://127.0.0.1.hunter2.example",
            "http://localhost.hunter2.example",
            "http://x.localhost",
            "http://localhost.",
            "http://[::]",
            "http://[::ffff:10.0.0.1]",
            "https://host//a",
            "https://host:99999",
            "https://ho st",
            "https://[::1",
        ] {
            for (service, outcome) in each(Some(url), "x") {
                let error = outcome.expect_err(&format!("{service} {url:?}"));
                assert_config(&error, "base_url");
                assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
            }
        }
    }

    #[test]
    fn an_address_that_holds_the_path_of_the_api_is_refused() {
        for url in [
            "https://host/api/v2",
            "https://host/x/_/",
            "https://host/sts/v1",
        ] {
            let refused = each(Some(url), "x")
                .into_iter()
                .filter(|(_, built)| built.is_err());
            assert_eq!(refused.count(), 1, "{url}");
        }
    }

    #[test]
    fn an_address_is_kept_in_one_form() {
        for (given, kept) in [
            (
                "https://app.launchdarkly.com",
                "https://app.launchdarkly.com",
            ),
            (
                "https://app.launchdarkly.com///",
                "https://app.launchdarkly.com",
            ),
            (" https://HOST:443/prefix/ ", "https://host/prefix"),
            ("http://127.0.0.1:4000/", "http://127.0.0.1:4000"),
            ("http://[::1]:4000", "http://[::1]:4000"),
            ("http://localhost:4000/a/b", "http://localhost:4000/a/b"),
            ("http://LOCALHOST", "http://localhost"),
            ("http://127.1.2.3", "http://127.1.2.3"),
        ] {
            let builder = launchdarkly::Client::builder().credential("x");
            assert_eq!(builder.base_url(given).build().unwrap().base_url(), kept);
        }
    }

    #[test]
    fn plain_http_reaches_this_machine_only_unless_allowed() {
        for url in [
            "http://127.0.0.1:1",
            "http://127.9.9.9",
            "http://[::1]",
            "http://localhost",
        ] {
            for (service, outcome) in each(Some(url), "x") {
                assert!(outcome.is_ok(), "{service} {url} {outcome:?}");
            }
        }
        let builder = || {
            launchdarkly::Client::builder()
                .credential("x")
                .base_url("http://a.example")
        };
        assert_config(
            &builder().allow_http(false).build().unwrap_err(),
            "base_url",
        );
        assert!(builder().allow_http(true).build().is_ok());
    }

    #[test]
    fn bad_credentials_are_refused_and_not_repeated() {
        for credential in [
            "canary-1\n",
            "\ncanary-1",
            "canary-1\r\nX-Evil: 1",
            "canary 1",
            " canary-1",
            "canary-1\t",
            "canary-1\0",
            "canary-ü",
            "canary-\u{1f511}",
            "Bearer canary-1",
            "canary-\u{7f}",
        ] {
            for (service, outcome) in each(Some("https://host"), credential) {
                let error = outcome.expect_err(service);
                assert_config(&error, "credential");
                let text = format!("{error} {error:?} {error:#?}");
                assert!(!text.contains("canary"), "{text}");
            }
        }
        for (service, outcome) in each(Some("https://host"), "") {
            assert_config(&outcome.expect_err(service), "credential");
        }
    }

    #[test]
    fn a_missing_credential_names_the_variables() {
        for (error, variables) in [
            (
                launchdarkly::Client::builder().build().unwrap_err(),
                "LD_ACCESS_TOKEN or LAUNCHDARKLY_ACCESS_TOKEN",
            ),
            (
                query_server::Client::builder().build().unwrap_err(),
                "QUERY_DEPLOY_TOKEN or QUERY_PRIVATE_TOKEN",
            ),
            (
                avisi_cloud::Client::builder().build().unwrap_err(),
                "ACLOUD_PERSONAL_ACCESS_TOKEN or ACLOUD_PAT",
            ),
        ] {
            assert_config(&error, "credential");
            assert!(error.to_string().contains(variables), "{error}");
        }
    }

    struct Giving(&'static str);

    impl CredentialProvider for Giving {
        fn credential(&self) -> BoxFuture<'_, Result<Secret, CredentialError>> {
            let outcome = match self.0 {
                "" => Err(CredentialError::new("the vault is sealed")),
                text => Ok(Secret::new(text)),
            };
            Box::pin(std::future::ready(outcome))
        }
    }

    #[tokio::test]
    async fn a_bad_credential_from_a_provider_is_never_sent() {
        let raw = refusing().await;
        for (given, kind, words) in [
            ("canary\n", ErrorKind::Config, "visible ASCII"),
            ("", ErrorKind::Credential, "the vault is sealed"),
        ] {
            let builder = query_server::Client::builder().base_url(&raw.uri);
            let client = builder.credential_provider(Giving(given)).build().unwrap();
            let error = client.list().await.unwrap_err();
            assert_eq!((error.kind(), error.attempts()), (kind, 0), "{error}");
            assert!(error.to_string().contains(words), "{error}");
            assert!(!error.may_have_been_sent(), "{error}");
            assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
            assert!(
                client.replace_credential("x").is_err(),
                "only the provider may"
            );
        }
        assert_eq!(first_lines(&raw), [""; 0]);
    }

    #[test]
    fn limits_of_zero_and_bad_agents_are_refused() {
        let builder = || {
            launchdarkly::Client::builder()
                .base_url("http://localhost")
                .credential("x")
        };
        let zero = std::time::Duration::ZERO;
        for (builder, field) in [
            (builder().timeout(zero), "timeout"),
            (builder().attempt_timeout(zero), "attempt_timeout"),
            (builder().concurrency(0), "concurrency"),
            (builder().max_response_bytes(0), "max_response_bytes"),
            (builder().max_pages(0), "max_pages"),
            (builder().user_agent("a\nb"), "user_agent"),
            (builder().user_agent("ü"), "user_agent"),
        ] {
            assert_config(&builder.build().unwrap_err(), field);
        }
    }
}

/// The environment belongs to the process, so each case has a process of its own.
mod environment {
    use super::*;
    use std::ffi::OsStr;

    /// Names the service for the process that a test starts.
    const SERVICE: &str = "ACCESS_TOKENS_TEST_SERVICE";

    /// Not a test of its own: the others start it, in a process of its own.
    #[tokio::test]
    async fn child() {
        let Ok(service) = std::env::var(SERVICE) else {
            return;
        };
        let report = |outcome: Result<String>| match outcome {
            Ok(base_url) => println!("built for {base_url}"),
            Err(error) => {
                let field = error.field().unwrap_or("-");
                println!("refused {:?} {field}: {error} {error:?}", error.kind());
            }
        };
        match service.as_str() {
            "launchdarkly" => match launchdarkly::Client::from_env() {
                Ok(client) => {
                    let _ = client.list().page().await;
                    report(Ok(client.base_url().to_owned()));
                }
                Err(error) => report(Err(error)),
            },
            "query_server" => match query_server::Client::from_env() {
                Ok(client) => {
                    let _ = client.list().await;
                    report(Ok(client.base_url().to_owned()));
                }
                Err(error) => report(Err(error)),
            },
            "avisi_cloud" => match avisi_cloud::Client::from_env() {
                Ok(client) => {
                    let _ = client.list().await;
                    report(Ok(client.base_url().to_owned()));
                }
                Err(error) => report(Err(error)),
            },
            other => panic!("{other}"),
        }
    }

    fn output_with<V: AsRef<OsStr>>(
        service: &str,
        variables: impl IntoIterator<Item = (&'static str, V)>,
    ) -> String {
        let mut command = process_for("all::hostile_input::environment::child");
        command.env_clear().env(SERVICE, service).envs(variables);
        String::from_utf8_lossy(&command.output().unwrap().stdout).into_owned()
    }

    /// What `from_env` does where exactly these variables are set.
    fn from_env(service: &str, variables: &[(&'static str, &str)]) -> String {
        let text = output_with(service, variables.iter().copied());
        let line = text
            .lines()
            .find(|line| line.contains("built for") || line.contains("refused"));
        line.unwrap_or_else(|| panic!("{text}")).to_owned()
    }

    /// The service, its two names of the credential, its name of the address, and the header.
    const SERVICES: [(&str, [&str; 2], &str, &str); 3] = [
        (
            "launchdarkly",
            ["LD_ACCESS_TOKEN", "LAUNCHDARKLY_ACCESS_TOKEN"],
            "LAUNCHDARKLY_API_HOST",
            "hunter2",
        ),
        (
            "query_server",
            ["QUERY_DEPLOY_TOKEN", "QUERY_PRIVATE_TOKEN"],
            "QUERY_DEPLOY_URL",
            "Bearer hunter2",
        ),
        (
            "avisi_cloud",
            ["ACLOUD_PERSONAL_ACCESS_TOKEN", "ACLOUD_PAT"],
            "ACLOUD_API_ENDPOINT",
            "Token hunter2",
        ),
    ];

    #[tokio::test(flavor = "multi_thread")]
    async fn either_name_serves_and_two_equal_values_agree() {
        for (service, [first, second], url, authorization) in SERVICES {
            for credentials in [
                vec![(first, "hunter2")],
                vec![(second, "hunter2")],
                vec![(first, "hunter2"), (second, "hunter2")],
            ] {
                let raw = refusing().await;
                let mut variables = credentials;
                variables.push((url, raw.uri.as_str()));
                let line = from_env(service, &variables);
                assert!(line.contains(&format!("built for {}", raw.uri)), "{line}");
                let header = format!("\r\nauthorization: {authorization}\r\n");
                let seen = raw.seen().remove(0);
                assert!(seen.contains(&header), "{service} {variables:?} {seen}");
            }
        }
    }

    #[cfg(all(target_os = "linux", feature = "rustls"))]
    #[tokio::test(flavor = "multi_thread")]
    async fn without_any_authority_plain_http_to_this_machine_goes_on() {
        for (service, [credential, _], url, _) in SERVICES {
            let with = |uri: &str| {
                let [file, dir] = ["SSL_CERT_FILE", "SSL_CERT_DIR"].map(|name| (name, "/nowhere"));
                from_env(service, &[file, dir, (credential, "hunter2"), (url, uri)])
            };
            let raw = refusing().await;
            let line = with(&raw.uri);
            assert!(line.contains("built for"), "{line}");
            assert_eq!(raw.seen().len(), 1, "{service}");
            let line = with("https://127.0.0.1:1");
            assert!(line.contains("refused Config"), "{line}");
        }
    }

    #[test]
    fn two_values_that_differ_are_refused_by_their_names() {
        for (service, [first, second], url, _) in SERVICES {
            let variables = [
                (first, "hunter2"),
                (second, "hunter3"),
                (url, "http://127.0.0.1:1"),
            ];
            let line = from_env(service, &variables);
            assert!(line.contains("refused Config"), "{line}");
            assert!(line.contains(first) && line.contains(second), "{line}");
            assert!(!line.contains("hunter"), "{line}");
        }
    }

    #[test]
    fn an_empty_variable_is_refused_by_its_name() {
        for (service, [first, second], url, _) in SERVICES {
            for (empty, full) in [(first, second), (second, first), (url, first)] {
                let line = from_env(service, &[(empty, ""), (full, "hunter2")]);
                assert!(line.contains(&format!("refused Config {empty}")), "{line}");
                assert!(
                    line.contains("empty") && !line.contains("hunter2"),
                    "{line}"
                );
            }
        }
    }

    #[test]
    fn what_is_not_set_is_asked_for_by_name() {
        for (service, [first, second], url, _) in SERVICES {
            let line = from_env(service, &[(url, "http://127.0.0.1:1")]);
            assert!(line.contains("refused Config credential"), "{line}");
            assert!(line.contains(first) && line.contains(second), "{line}");
        }
        let line = from_env("query_server", &[("QUERY_DEPLOY_TOKEN", "hunter2")]);
        assert!(line.contains("refused Config base_url"), "{line}");
        assert!(
            line.contains("QUERY_DEPLOY_URL") && !line.contains("hunter2"),
            "{line}"
        );
    }

    #[test]
    fn bad_values_are_refused_and_not_repeated() {
        for (service, [first, second], url, _) in SERVICES {
            let line = from_env(
                service,
                &[(first, "hunter2\n"), (url, "http://127.0.0.1:1")],
            );
            assert!(line.contains(&format!("refused Config {first}")), "{line}");
            assert!(!line.contains("hunter2"), "{line}");
            let line = from_env(service, &[(second, "x"), (url, "https://hunter2@host")]);
            assert!(line.contains("refused Config base_url"), "{line}");
            assert!(!line.contains("hunter2"), "{line}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_not_text_is_refused_by_its_name() {
        use std::ffi::OsString;
        use std::os::unix::ffi::OsStringExt as _;
        let odd = OsString::from_vec(b"hunter2\xff".into());
        let text = output_with("avisi_cloud", [("ACLOUD_PAT", odd)]);
        assert!(text.contains("refused Config ACLOUD_PAT"), "{text}");
        assert!(
            text.contains("UTF-8") && !text.contains("hunter2"),
            "{text}"
        );
    }
}
