//! Whole documents: that of LaunchDarkly, and what cannot be compared.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Folder, Said, compare, things};

/// The form of the service's own document: other names, references with words beside them, and the
/// rest of the service. It holds names and types only.
const LAUNCHDARKLY: &str = include_str!("launchdarkly.json");

fn ours(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../openapi")
        .join(name)
}

fn of_launchdarkly(change: impl FnOnce(&mut Value)) -> Said {
    let mut newer = serde_json::from_str(LAUNCHDARKLY).unwrap();
    change(&mut newer);
    let folder = Folder::new();
    let newer = folder.file("newer.json", newer.to_string());
    let known = ours("launchdarkly.known");
    compare(&[
        Path::new("--known"),
        &known,
        &ours("launchdarkly.json"),
        &newer,
    ])
}

#[test]
fn our_document_of_launchdarkly_and_theirs() {
    let said = of_launchdarkly(|_| {});
    assert!(said.lines.is_empty(), "{:?}", said.lines);
    assert_eq!(said.code, Some(0));
    assert!(
        said.error
            .contains("7 operations compared: 0 to look at, 9 known"),
        "{}",
        said.error
    );

    let said = of_launchdarkly(|newer| {
        let schemas = &mut newer["components"]["schemas"];
        schemas["Token"]["properties"]["lastRotated"] =
            json!({ "$ref": "#/components/schemas/UnixMillis" });
        schemas["Token"]["properties"]["lastUsed"]["nullable"] = json!(true);
        schemas["AccessTokenPost"]["properties"]["role"]["enum"] =
            json!(["reader", "writer", "admin", "owner"]);
        schemas["UnixMillis"] = json!({ "type": "string", "format": "date-time" });
        newer["paths"]["/api/v2/tokens/{id}"]["delete"]["deprecated"] = json!(true);
        newer["paths"]["/api/v2/tokens/{id}/rotate"] =
            json!({ "post": { "operationId": "rotateToken" } });
    });
    assert_eq!(
        said.lines,
        [
            "Token.lastRotated: new, optional",
            "Token.creationDate: string now, was integer",
            "Token.lastModified: string now, was integer",
            "Token.lastUsed: string now, was integer",
            "Role: value \"owner\": new",
            "deleteToken: deprecated",
            "rotateToken: new beside ours, POST /api/v2/tokens/{id}/rotate",
            "known, and not true any more: Token.lastUsed: is never null now",
        ]
    );
    assert_eq!(said.code, Some(1));
}

#[test]
fn what_cannot_be_compared() {
    let folder = Folder::new();
    let good = folder.file("good.json", things().to_string());
    for (content, expected) in [
        ("openapi: 3.0.3\npaths: {}\n", "is not JSON"),
        (
            r#"{"swagger":"2.0","paths":{}}"#,
            "is not an OpenAPI 3 document",
        ),
        (r#"{"openapi":"3.1.0"}"#, "is not an OpenAPI 3 document"),
        ("[]", "is not an OpenAPI 3 document"),
    ] {
        let bad = folder.file("bad.json", content);
        for pair in [[&*good, &*bad], [&*bad, &*good]] {
            let said = compare(&pair);
            assert_eq!(said.code, Some(2), "{content}");
            assert!(said.error.contains(expected), "{content}: {}", said.error);
            assert!(said.lines.is_empty());
        }
    }
    let absent = folder.0.join("absent.json");
    let said = compare(&[&good, &absent]);
    assert_eq!(said.code, Some(2));
    assert!(said.error.contains("cannot be read"), "{}", said.error);
    for arguments in [
        &[&*good][..],
        &[&*good, &*good, &*good],
        &[Path::new("--what"), &*good, &*good],
    ] {
        let said = compare(arguments);
        assert_eq!(said.code, Some(2));
        assert!(
            said.error.contains("usage: compare-openapi"),
            "{}",
            said.error
        );
    }
}
