//! The program `compare-openapi`: each kind of difference, and silence where there is none that matters.

mod documents;
mod schemas;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

/// A service with one kind of thing.
fn things() -> Value {
    json!({
        "openapi": "3.0.3",
        "info": { "title": "Things", "version": "1" },
        "servers": [{ "url": "https://things.example.com" }],
        "security": [{ "key": [] }],
        "paths": {
            "/api/things": {
                "post": {
                    "operationId": "makeThing",
                    "requestBody": { "required": true, "content": {
                        "application/json": { "schema": { "$ref": "#/components/schemas/Thing" } }
                    } },
                    "responses": {
                        "201": { "description": "Made", "content": {
                            "application/json": { "schema": { "$ref": "#/components/schemas/Thing" } }
                        } },
                        "400": { "description": "Refused" }
                    }
                }
            },
            "/api/things/{id}": {
                "parameters": [
                    { "in": "path", "name": "id", "required": true, "schema": { "type": "string" } }
                ],
                "get": {
                    "operationId": "getThing",
                    "parameters": [
                        { "in": "query", "name": "expand", "schema": { "type": "string" } },
                        { "in": "header", "name": "X-Version", "schema": { "type": "integer" } }
                    ],
                    "responses": { "200": { "description": "The thing", "content": {
                        "application/json": { "schema": { "$ref": "#/components/schemas/Thing" } }
                    } } }
                }
            }
        },
        "components": {
            "schemas": { "Thing": {
                "type": "object",
                "required": ["id"],
                "properties": {
                    "id": { "type": "string" },
                    "size": { "type": "integer", "format": "int64" },
                    "colour": { "type": "string", "enum": ["red", "blue"] },
                    "tags": { "type": "array", "items": { "type": "string" } },
                    "parts": { "type": "array", "items": { "$ref": "#/components/schemas/Thing" } },
                    "made": { "type": "integer", "format": "unix-millis" }
                }
            } },
            "securitySchemes": { "key": { "type": "apiKey", "in": "header", "name": "Authorization" } }
        }
    })
}

struct Said {
    code: Option<i32>,
    lines: Vec<String>,
    error: String,
}

fn compare(arguments: &[&Path]) -> Said {
    let mut program = Command::new(env!("CARGO_BIN_EXE_compare-openapi"));
    let output = program.args(arguments).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    Said {
        code: output.status.code(),
        lines: text.lines().map(str::to_owned).collect(),
        error: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A folder of its own for each test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let name = format!("access-tokens-compare-{:016x}", fastrand::u64(..));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What is said of two documents; the status has to fit.
fn between(ours: &Value, newer: &Value) -> Vec<String> {
    let folder = Folder::new();
    let ours = folder.file("ours.json", ours.to_string());
    let newer = folder.file("newer.json", newer.to_string());
    let said = compare(&[&ours, &newer]);
    assert_eq!(
        said.code,
        Some(i32::from(!said.lines.is_empty())),
        "{}",
        said.error
    );
    said.lines
}

/// What is said of the things after a change.
fn after(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut newer = things();
    change(&mut newer);
    between(&things(), &newer)
}

const GET: &str = "/paths/~1api~1things~1{id}/get";
const POST: &str = "/paths/~1api~1things/post";

fn at<'a>(document: &'a mut Value, pointer: &str) -> &'a mut Value {
    document.pointer_mut(pointer).unwrap()
}

fn remove(document: &mut Value, pointer: &str, name: &str) -> Value {
    let from = at(document, pointer).as_object_mut().unwrap();
    from.remove(name).unwrap()
}

#[test]
fn the_same_is_silent() {
    assert!(after(|_| {}).is_empty());
}

#[test]
fn words_and_errors_and_other_rooms_are_silent() {
    let said = after(|newer| {
        newer["info"] = json!({ "title": "Things, better", "version": "7" });
        at(newer, POST)["summary"] = json!("Makes it");
        at(newer, POST)["tags"] = json!(["a"]);
        at(newer, POST)["responses"]["409"] = json!({ "description": "there already" });
        at(newer, POST)["responses"]["201"]["description"] = json!("Done");
        let size = at(newer, "/components/schemas/Thing/properties/size");
        *size = json!({ "type": "integer", "format": "int64", "description": "deprecated", "example": "7" });
        newer["components"]["schemas"]["Other"] = json!({ "type": "string" });
        newer["paths"]["/api/thingsandmore"] = json!({ "get": { "responses": {} } });
    });
    assert!(said.is_empty(), "{said:?}");
}

#[test]
fn the_same_said_in_another_way_is_silent() {
    let said = after(|newer| {
        // The prefix in the server, another name in the path, a reference for a parameter, another
        // case of a header, a parameter of the form, and the schema by another name and in parts.
        newer["servers"] = json!([{ "url": "https://things.example.com/api/" }]);
        let one = remove(newer, "/paths", "/api/things/{id}");
        let all = remove(newer, "/paths", "/api/things");
        newer["paths"] = json!({ "/things": all, "/things/{thing}": one });
        let one = at(newer, "/paths/~1things~1{thing}");
        one["parameters"][0]["name"] = json!("thing");
        one["get"]["parameters"][1]["name"] = json!("x-version");
        one["get"]["parameters"][0] = json!({ "$ref": "#/components/parameters/Expand" });
        let body = remove(one, "/get/responses/200/content", "application/json");
        one["get"]["responses"]["200"]["content"] =
            json!({ "application/json; charset=utf-8": body });
        newer["components"]["parameters"] = json!({ "Expand":
            { "in": "query", "name": "expand", "schema": { "type": "string", "format": "string" } } });
        let mut thing = at(newer, "/components/schemas/Thing").clone();
        let id = remove(&mut thing, "/properties", "id");
        newer["components"]["schemas"]["Piece"] = json!({ "allOf": [
            thing,
            { "type": "object", "properties": { "id": { "allOf": [id], "description": "which" } } }
        ] });
        newer["components"]["schemas"]["Thing"] = json!({ "$ref": "#/components/schemas/Piece" });
    });
    assert!(said.is_empty(), "{said:?}");
}

#[test]
fn operations() {
    let said = after(|newer| {
        remove(newer, "/paths", "/api/things/{id}");
    });
    assert_eq!(said, ["getThing: gone"]);

    let said = after(|newer| {
        let item = remove(newer, "/paths", "/api/things/{id}");
        newer["paths"]["/api/v2/things/{id}"] = item;
    });
    assert_eq!(said, ["getThing: moved to GET /api/v2/things/{id}"]);

    let said = after(|newer| {
        let get = at(newer, GET).clone();
        newer["paths"]["/api/things/{id}"]["put"] = get;
        newer["paths"]["/api/things/{id}"]["put"]["operationId"] = json!("putThing");
        newer["paths"]["/api/things/{id}/copy"] = json!({ "post": { "responses": {} } });
        newer["paths"]["/api/other"] = json!({ "post": { "responses": {} } });
    });
    assert_eq!(
        said,
        [
            "putThing: new beside ours, PUT /api/things/{id}",
            "POST /api/things/{id}/copy: new beside ours, POST /api/things/{id}/copy",
        ]
    );
}

#[test]
fn deprecation() {
    let said = after(|newer| at(newer, GET)["deprecated"] = json!(true));
    assert_eq!(said, ["getThing: deprecated"]);
    let said = after(|newer| at(newer, GET)["summary"] = json!("Get it (deprecated)"));
    assert_eq!(said, ["getThing: deprecated"]);

    let mut ours = things();
    at(&mut ours, GET)["deprecated"] = json!(true);
    let said = between(&ours, &things());
    assert_eq!(said, ["getThing: not deprecated any more"]);
}

#[test]
fn credentials() {
    let said = after(|newer| {
        newer["components"]["securitySchemes"]["key"] =
            json!({ "type": "http", "scheme": "bearer" });
        at(newer, POST)["security"] = json!([{ "key": [] }, { "other": [] }]);
        newer["components"]["securitySchemes"]["other"] =
            json!({ "type": "apiKey", "in": "header", "name": "authorization" });
    });
    assert_eq!(
        said,
        [
            "makeThing: credential http bearer: new",
            "getThing: credential apikey header authorization: gone",
            "getThing: credential http bearer: new",
        ]
    );
}

#[test]
fn parameters() {
    let said = after(|newer| {
        let get = at(newer, GET);
        get["parameters"] = json!([
            { "in": "query", "name": "expand", "required": true, "deprecated": true,
              "schema": { "type": "array", "items": { "type": "string" } } },
            { "in": "query", "name": "page", "schema": { "type": "integer" } },
            { "in": "cookie", "name": "who", "required": true, "schema": { "type": "string" } }
        ]);
        let path = at(newer, "/paths/~1api~1things~1{id}/parameters/0/schema");
        *path = json!({ "type": "integer" });
    });
    assert_eq!(
        said,
        [
            "getThing: cookie parameter who: new, required",
            "getThing: query parameter page: new, optional",
            "getThing: header parameter x-version: gone",
            "getThing: path parameter 1: integer now, was string",
            "getThing: query parameter expand: required now",
            "getThing: query parameter expand: deprecated",
            "getThing: query parameter expand: array now, was string",
            "getThing: query parameter expand[]: not anything any more",
        ]
    );
}

#[test]
fn bodies_and_answers() {
    let said = after(|newer| {
        remove(newer, POST, "requestBody");
        let responses = at(newer, POST)["responses"].as_object_mut().unwrap();
        let made = responses.remove("201").unwrap();
        responses.insert("202".to_owned(), made);
        at(newer, GET)["requestBody"] = json!({ "content": {} });
    });
    assert_eq!(
        said,
        [
            "makeThing: body: gone",
            "makeThing: answer 201: gone",
            "makeThing: answer 202: new",
            "getThing: body: new",
        ]
    );

    let said = after(|newer| {
        let body = &mut at(newer, POST)["requestBody"];
        body["required"] = json!(false);
        let form = body["content"]["application/json"].take();
        body["content"] = json!({ "application/xml": form });
    });
    assert_eq!(
        said,
        [
            "makeThing: body: optional now",
            "makeThing: body: form application/json: gone",
            "makeThing: body: form application/xml: new",
        ]
    );
}
