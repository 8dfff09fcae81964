//! The JSON, what all outputs share, and what none may hold.

use access_tokens::inventory::{Inventory, Report};
use access_tokens::{Clock as _, ErrorKind, Marker, Privilege, Secret, TokenState, When, days};
use access_tokens_testing::{avisi_cloud, launchdarkly as ld_twin, query_server};
use serde_json::{Value, json};

use super::Setup;
use super::memory::{Memory, record};

pub(super) const HEADER: &str = "account,service,key,name,state,privilege,role,created,modified,expires,\
                      last_used,owner,marker";

pub(super) const HOSTILE: [&str; 13] = [
    "plain",
    "with, comma",
    "with \"quotes\"",
    "two\r\nlines",
    "=HYPERLINK(\"http://example.com\")",
    "-1+1",
    "@cmd",
    "\tTab",
    " padded ",
    "esc\u{1b}[2J\u{7}bell",
    "right\u{202e}to left\u{200b}",
    "naïve 名前 🔑",
    "",
];

pub(super) async fn hostile() -> Report {
    let records = HOSTILE.iter().enumerate().map(|(n, name)| {
        let mut record = record(&format!("{n:02}"));
        record.name = Some((*name).to_owned());
        record.owner = Some((*name).into());
        record.privilege = Privilege::Custom(Some((*name).to_owned()));
        record
    });
    let memory = Memory::holding(records.collect());
    Inventory::new().add("m", memory).collect().await
}

#[tokio::test]
async fn json_keeps_everything_as_it_was() {
    let json: Value = serde_json::from_str(&hostile().await.to_json()).unwrap();
    let tokens = json["tokens"].as_array().unwrap();
    let mut names: Vec<_> = tokens.iter().map(|t| t["name"].as_str().unwrap()).collect();
    let mut expected = HOSTILE.to_vec();
    names.sort_unstable();
    expected.sort_unstable();
    assert_eq!(names, expected);
    for token in tokens {
        assert_eq!(token["owner"], token["name"]);
        assert_eq!(token["role"], token["name"]);
    }
}

#[tokio::test]
async fn the_schema_is_what_is_documented() {
    let setup = Setup::new().await;
    let now = setup.clock.now();
    let id = setup
        .ld
        .seed(
            ld_twin::Seed::new("export")
                .role("admin")
                .expiry(now + days(6))
                .age(days(1)),
        )
        .id;
    setup
        .query
        .seed(query_server::Seed::new("ci at~0123456789abcdef"));
    setup.avisi.refuse_connections().unwrap();
    let report = setup.inventory().collect().await;
    let wanted = report.matching(|token| token.name.as_deref() != Some("twin administrator"));
    let json: Value = serde_json::from_str(&wanted.to_json()).unwrap();
    let message = json["accounts"][0]["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("Avisi Cloud listPersonalAccessTokens: no connection"));
    let owner = json["tokens"][1]["owner"].as_str().unwrap();
    let expected = json!({
        "schema": 1,
        "as_of": "2026-01-01T00:00:00Z",
        "complete": false,
        "selection": ["matching a condition"],
        "accounts": [
            {"label": "cloud", "service": "Avisi Cloud", "records": 0, "unreadable": [],
             "error": {"kind": "connect", "status": null, "message": message}},
            {"label": "edge", "service": "Query Server", "records": 1, "unreadable": [], "error": null},
            {"label": "prod", "service": "LaunchDarkly", "records": 2, "unreadable": [], "error": null},
        ],
        "tokens": [
            {
                "account": "edge", "service": "Query Server",
                "key": "ci at~0123456789abcdef", "name": "ci at~0123456789abcdef",
                "state": "active", "privilege": "write", "role": null,
                "created": "2026-01-01T00:00:00Z", "modified": "2026-01-01T00:00:00Z",
                "expires": "never", "last_used": "not_reported",
                "owner": null, "marker": "0123456789abcdef",
            },
            {
                "account": "prod", "service": "LaunchDarkly", "key": id, "name": "export",
                "state": "active", "privilege": "admin", "role": null,
                "created": "2025-12-31T00:00:00Z", "modified": "2025-12-31T00:00:00Z",
                "expires": "2026-01-07T00:00:00Z", "last_used": "never",
                "owner": owner, "marker": null,
            },
        ],
    });
    assert_eq!(json, expected);
    assert_eq!(
        wanted.to_csv(),
        format!(
            "{HEADER}\r\n\
             edge,Query Server,ci at~0123456789abcdef,ci at~0123456789abcdef,active,\
             write,,2026-01-01T00:00:00Z,2026-01-01T00:00:00Z,never,not_reported,,\
             0123456789abcdef\r\n\
             prod,LaunchDarkly,{id},export,active,admin,,2025-12-31T00:00:00Z,\
             2025-12-31T00:00:00Z,2026-01-07T00:00:00Z,never,{owner},\r\n"
        )
    );
    let table = wanted.to_table().to_string();
    assert!(table.contains("2026-01-07 (in 6 d)"), "{table}");
    assert!(table.contains("2 tokens of 3 (matching a condition) in 3 accounts"));
    assert!(table.contains("! cloud: not read: Avisi Cloud"), "{table}");
    assert!("0123456789abcdef".parse::<Marker>().is_ok());
}

#[tokio::test]
async fn an_error_has_its_kind_and_status() {
    let setup = Setup::new().await;
    setup
        .avisi
        .on_any()
        .then(access_tokens_testing::Fault::Status(403));
    let report = setup.inventory().collect().await;
    let json: Value = serde_json::from_str(&report.to_json()).unwrap();
    let error = &json["accounts"][0]["error"];
    assert_eq!(
        (&error["kind"], &error["status"]),
        (&json!("permission_denied"), &json!(403))
    );
}

#[tokio::test]
async fn odd_times_and_missing_names_have_their_place() {
    let mut far = record("far");
    far.expires = When::At(std::time::UNIX_EPOCH + days(9_000_000));
    far.state = TokenState::Unusable;
    let report = Inventory::new()
        .add("m", Memory::holding(vec![far]))
        .collect()
        .await;
    let json: Value = serde_json::from_str(&report.to_json()).unwrap();
    let token = &json["tokens"][0];
    assert_eq!(token["expires"], "(out of range)");
    assert_eq!(token["name"], Value::Null);
    assert_eq!(
        (&token["state"], &token["privilege"]),
        (&json!("unusable"), &json!("not_reported"))
    );
    assert!(report.to_table().to_string().contains("unusable"));
}

#[tokio::test]
async fn no_secret_is_in_any_output() {
    let setup = Setup::new().await;
    let tail = "Zq9X";
    let canary = |n: u8| format!("canary-{n}-7f3a9c51d2e84b60-{tail}");
    let secret = |n| Secret::new(canary(n));
    setup.ld.seed(ld_twin::Seed::new("a").secret(secret(1)));
    setup
        .query
        .seed(query_server::Seed::new("b").secret(secret(2)));
    setup
        .avisi
        .seed(avisi_cloud::Seed::new("c").secret(secret(3)));
    let own = [
        setup.ld.credential(),
        setup.query.credential(),
        setup.avisi.credential(),
    ];
    for failing in [false, true] {
        if failing {
            setup.ld.refuse_connections().unwrap();
            setup.query.rotate_server_secret();
        }
        let inventory = setup.inventory();
        let before = format!("{inventory:?}");
        let report = inventory.collect().await;
        assert_eq!(report.is_complete(), !failing);
        let outputs = [
            report.to_table().to_string(),
            report.to_json(),
            report.to_csv(),
        ]
        .concat();
        // Not even the last four characters, which a service may show.
        assert!(!outputs.contains(tail));
        let (accounts, records) = (report.accounts(), report.records().collect::<Vec<_>>());
        let all = format!("{before} {report:?} {accounts:?} {records:?} {outputs}");
        assert!(all.contains("\"c\""));
        for n in 1..=3 {
            assert!(!all.contains(&canary(n)));
        }
        for own in &own {
            assert!(!all.contains(own.expose_secret()));
        }
    }
}

#[test]
fn the_kinds_of_errors_have_names_that_stay() {
    let names = [
        (ErrorKind::Config, "config"),
        (ErrorKind::InvalidInput, "invalid_input"),
        (ErrorKind::Unsupported, "unsupported"),
        (ErrorKind::Credential, "credential"),
        (ErrorKind::Connect, "connect"),
        (ErrorKind::Tls, "tls"),
        (ErrorKind::Timeout, "timeout"),
        (ErrorKind::Transport, "transport"),
        (ErrorKind::Unauthenticated, "unauthenticated"),
        (ErrorKind::PermissionDenied, "permission_denied"),
        (ErrorKind::NotFound, "not_found"),
        (ErrorKind::EndpointMissing, "endpoint_missing"),
        (ErrorKind::Conflict, "conflict"),
        (ErrorKind::InvalidRequest, "invalid_request"),
        (ErrorKind::RateLimited, "rate_limited"),
        (ErrorKind::Server, "server"),
        (ErrorKind::Redirect, "redirect"),
        (ErrorKind::UnexpectedStatus, "unexpected_status"),
        (ErrorKind::Decode, "decode"),
        (ErrorKind::BodyTooLarge, "body_too_large"),
        (ErrorKind::HeadersTooLarge, "headers_too_large"),
        (ErrorKind::LimitExceeded, "limit_exceeded"),
        (ErrorKind::UnreadableItem, "unreadable_item"),
        (ErrorKind::OutcomeUnknown, "outcome_unknown"),
    ];
    for (kind, name) in names {
        assert_eq!(serde_json::to_value(kind).unwrap(), json!(name));
        assert_eq!(
            serde_json::from_value::<ErrorKind>(json!(name)).unwrap(),
            kind
        );
    }
}
