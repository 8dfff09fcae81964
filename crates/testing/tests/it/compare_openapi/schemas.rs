//! Schemas: fields, types, values, and what refers to itself.

use serde_json::{Value, json};

use super::{after, at, between, remove, things};

const THING: &str = "/components/schemas/Thing";

/// What is said after a change of the schema.
fn schema(change: impl FnOnce(&mut Value)) -> Vec<String> {
    after(|newer| change(at(newer, THING)))
}

/// What is said of a field that was one thing and is another.
fn field(was: &Value, is: &Value) -> Vec<String> {
    let document = |field: &Value| {
        let mut document = things();
        at(&mut document, THING)["properties"]["field"] = field.clone();
        document
    };
    between(&document(was), &document(is))
}

#[test]
fn fields() {
    let said = schema(|thing| {
        thing["properties"]["owner"] = json!({ "type": "string" });
        thing["properties"]["shape"] = json!({ "type": "string" });
        thing["required"] = json!(["shape", "size"]);
        remove(thing, "/properties", "tags");
    });
    assert_eq!(
        said,
        [
            "Thing.id: optional now",
            "Thing.owner: new, optional",
            "Thing.shape: new, required",
            "Thing.size: required now",
            "Thing.tags: gone",
        ]
    );
}

#[test]
fn types_and_formats() {
    let text = json!({ "type": "string" });
    let number = json!({ "type": "integer", "format": "int64" });
    let millis = json!({ "type": "integer", "format": "unix-millis" });
    assert_eq!(
        field(&text, &number),
        ["Thing.field: integer now, was string"]
    );
    assert_eq!(
        field(&text, &json!({})),
        ["Thing.field: anything now, was string"]
    );
    let either = json!({ "type": ["string", "integer"] });
    assert_eq!(
        field(&text, &either),
        ["Thing.field: integer or string now, was string"]
    );
    let small = json!({ "type": "integer", "format": "int32" });
    assert_eq!(
        field(&number, &small),
        ["Thing.field: format int32 now, was int64"]
    );
    // Formats of our own say what it is, not how it is written.
    assert!(field(&millis, &number).is_empty());
    assert_eq!(
        field(&millis, &text),
        ["Thing.field: string now, was integer"]
    );
    let list = json!({ "type": "array", "items": { "type": "string" } });
    let numbers = json!({ "type": "array", "items": { "type": "integer" } });
    assert_eq!(
        field(&list, &numbers),
        ["Thing.field[]: integer now, was string"]
    );
    let map = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    let other = json!({ "type": "object", "additionalProperties": { "type": "integer" } });
    assert_eq!(
        field(&map, &other),
        ["Thing.field.*: integer now, was string"]
    );
    let none = json!({ "type": "object", "additionalProperties": false });
    assert_eq!(field(&map, &none), ["Thing.field.*: gone"]);
    assert_eq!(field(&none, &map), ["Thing.field.*: new"]);
}

#[test]
fn null_in_every_spelling() {
    let text = json!({ "type": "string" });
    for nullable in [
        json!({ "type": "string", "nullable": true }),
        json!({ "type": ["string", "null"] }),
        json!({ "anyOf": [{ "type": "string" }, { "type": "null" }] }),
        json!({ "oneOf": [{ "type": "null" }, { "type": "string" }] }),
        json!({ "allOf": [{ "type": "string" }], "nullable": true }),
    ] {
        assert_eq!(
            field(&text, &nullable),
            ["Thing.field: may be null now"],
            "{nullable}"
        );
        assert_eq!(
            field(&nullable, &text),
            ["Thing.field: is never null now"],
            "{nullable}"
        );
        assert!(field(&nullable, &json!({ "type": "string", "nullable": true })).is_empty());
    }
}

#[test]
fn values() {
    let named = |key: &str, values: &[&str]| {
        let mut schema = json!({ "type": "string" });
        schema[key] = json!(values);
        schema
    };
    let said = field(&named("enum", &["a", "b"]), &named("enum", &["b", "c"]));
    assert_eq!(
        said,
        [
            "Thing.field: value \"c\": new",
            "Thing.field: value \"a\": gone"
        ]
    );
    // An open list of ours, and theirs which is closed.
    let open = named("x-extensible-enum", &["a"]);
    assert!(field(&open, &named("enum", &["a"])).is_empty());
    assert_eq!(
        field(&open, &named("enum", &["a", "b"])),
        ["Thing.field: value \"b\": new"]
    );
    // Names that the service never listed are no news.
    assert!(field(&open, &json!({ "type": "string" })).is_empty());
    assert_eq!(
        field(&json!({ "type": "string" }), &named("enum", &["a"])),
        ["Thing.field: value \"a\": new"]
    );
}

#[test]
fn deprecated_fields_and_forms() {
    let text = json!({ "type": "string" });
    let old = json!({ "type": "string", "deprecated": true });
    assert_eq!(field(&text, &old), ["Thing.field: deprecated"]);
    let forms = |kinds: &[&str]| {
        let forms: Vec<_> = kinds.iter().map(|kind| json!({ "type": kind })).collect();
        json!({ "oneOf": forms })
    };
    let two = forms(&["string", "integer"]);
    assert_eq!(
        field(&two, &forms(&["string", "boolean"])),
        ["Thing.field|2: boolean now, was integer"]
    );
    assert_eq!(
        field(&two, &forms(&["string", "integer", "boolean"])),
        ["Thing.field: one of 3 forms now, was 2"]
    );
}

#[test]
fn a_wrapper_counts_where_it_is() {
    // The same schema twice, once with words of its own around the reference.
    let document = |nullable: bool| {
        let mut document = things();
        let around =
            json!({ "allOf": [{ "$ref": "#/components/schemas/Thing" }], "nullable": nullable });
        at(&mut document, THING)["properties"]["whole"] = around;
        document
    };
    let said = between(&document(false), &document(true));
    assert_eq!(said, ["Thing.whole: may be null now"]);
}

#[test]
fn what_refers_to_itself_ends_and_is_said_once() {
    // A thing has parts that are things, and both are in a body and two answers.
    let said = schema(|thing| {
        remove(thing, "/properties", "size");
    });
    assert_eq!(said, ["Thing.size: gone"]);

    for circle in [
        json!({ "A": { "$ref": "#/components/schemas/A" } }),
        json!({ "A": { "$ref": "#/components/schemas/B" }, "B": { "$ref": "#/components/schemas/A" } }),
        json!({ "A": { "allOf": [{ "$ref": "#/components/schemas/A" }] } }),
        json!({ "A": { "allOf": [{ "$ref": "#/components/schemas/A" }, { "type": "string" }] } }),
        json!({ "A": { "anyOf": [{ "$ref": "#/components/schemas/A" }, { "type": "null" }] } }),
        json!({ "B": { "type": "string" } }),
    ] {
        let said = after(|newer| {
            let schemas = at(newer, "/components/schemas").as_object_mut().unwrap();
            schemas.extend(circle.as_object().unwrap().clone());
            at(newer, THING)["properties"]["id"] = json!({ "$ref": "#/components/schemas/A" });
        });
        // What can be made of it is compared, and what leads nowhere is said.
        let about_it = said.iter().all(|line| line.starts_with("Thing.id: "));
        assert!(about_it && said.len() <= 2, "{circle}: {said:?}");
    }
    let said = schema(|thing| {
        thing["properties"]["id"] = json!({ "$ref": "https://example.com/x.json#/Id" });
    });
    assert_eq!(
        said,
        ["Thing.id: https://example.com/x.json#/Id leads nowhere in this document"]
    );
}

#[test]
fn depth_is_no_danger() {
    let chain = |end: &str| {
        let mut document = things();
        for at in 0..20_000 {
            let next = format!("#/components/schemas/N{}", at + 1);
            document["components"]["schemas"][format!("N{at}")] =
                json!({ "type": "object", "properties": { "next": { "$ref": next } } });
        }
        document["components"]["schemas"]["N20000"] = json!({ "type": end });
        at(&mut document, THING)["properties"]["chain"] =
            json!({ "$ref": "#/components/schemas/N0" });
        document
    };
    let said = between(&chain("string"), &chain("integer"));
    assert_eq!(said, ["N20000: integer now, was string"]);
}
