//! An OpenAPI document: what is in it by name, and where its references lead.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

pub(crate) struct Document {
    root: Value,
    /// What stands in front of every path: the path of the first server.
    prefix: String,
}

/// An operation, with what its path says for all of its methods.
#[derive(Clone, Copy)]
pub(crate) struct Operation<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) body: &'a Value,
    pub(crate) item: &'a Value,
}

impl Document {
    pub(crate) fn read(path: &str) -> Result<Self, String> {
        let root: Value = serde_json::from_str(&text(path)?)
            .map_err(|error| format!("{path} is not JSON: {error}; convert YAML first"))?;
        let version = root["openapi"].as_str().unwrap_or_default();
        if !version.starts_with("3.") || !root["paths"].is_object() {
            return Err(format!("{path} is not an OpenAPI 3 document with paths"));
        }
        let server = root["servers"][0]["url"].as_str().unwrap_or_default();
        let server = server.split_once("://").map_or(server, |(_, rest)| {
            rest.find('/').map_or("", |at| &rest[at..])
        });
        let prefix = server.trim_end_matches('/').to_owned();
        Ok(Self { root, prefix })
    }

    pub(crate) fn operations(&self) -> Vec<Operation<'_>> {
        let paths = self.root["paths"].as_object().into_iter().flatten();
        let items = paths.filter_map(|(path, item)| Some((path, self.resolve(item).ok()?)));
        let operations = items.flat_map(|(path, item)| {
            METHODS.iter().filter_map(move |method| {
                item.get(method).map(|body| Operation {
                    method,
                    path,
                    body,
                    item,
                })
            })
        });
        let mut operations: Vec<_> = operations.collect();
        // Whether a map keeps the order of a document is a feature that others switch.
        operations.sort_by_key(|operation| operation.path);
        operations
    }

    /// A path from the root of the host, in which a parameter's name does not count.
    pub(crate) fn shape(&self, path: &str) -> String {
        let whole = format!("{}{path}", self.prefix);
        let segments = whole.trim_end_matches('/').split('/').map(|segment| {
            let mut shape = String::new();
            let mut rest = segment;
            while let Some((before, after)) = rest.split_once('{') {
                shape.push_str(before);
                shape.push_str("{}");
                rest = after.split_once('}').map_or("", |(_, rest)| rest);
            }
            shape + rest
        });
        segments.collect::<Vec<_>>().join("/")
    }

    /// What a reference leads to in the end, or the value itself.
    pub(crate) fn resolve<'a>(&'a self, value: &'a Value) -> Result<&'a Value, String> {
        let mut at = value;
        let mut steps = 0;
        while let Some(reference) = at.get("$ref").and_then(Value::as_str) {
            steps += 1;
            let target = reference.strip_prefix('#').filter(|_| steps < 100);
            let target = target.and_then(|pointer| self.root.pointer(pointer));
            at = target.ok_or_else(|| format!("{reference} leads nowhere in this document"))?;
        }
        Ok(at)
    }

    /// The parameters of an operation, by where they go and by name. What is in the path goes by its
    /// place there: its name is not sent.
    pub(crate) fn parameters<'a>(
        &'a self,
        operation: Operation<'a>,
    ) -> BTreeMap<(String, String), &'a Value> {
        let lists = [&operation.item["parameters"], &operation.body["parameters"]];
        let all = lists.into_iter().filter_map(Value::as_array).flatten();
        let parameters = all.filter_map(|parameter| {
            let parameter = self.resolve(parameter).ok()?;
            let place = parameter["in"].as_str()?.to_owned();
            let name = parameter["name"].as_str()?;
            let name = match place.as_str() {
                "path" => {
                    let at = operation.path.find(&format!("{{{name}}}"))?;
                    let before = operation.path[..at].matches('{').count();
                    format!("{}", before + 1)
                }
                "header" => name.to_ascii_lowercase(),
                _ => name.to_owned(),
            };
            Some(((place, name), parameter))
        });
        parameters.collect()
    }

    /// How a caller says who it is: the forms that the operation accepts.
    pub(crate) fn credentials(&self, operation: Operation<'_>) -> Vec<String> {
        let asked = operation
            .body
            .get("security")
            .unwrap_or(&self.root["security"]);
        let names = asked.as_array().into_iter().flatten();
        let names = names.filter_map(Value::as_object).flat_map(Map::keys);
        let mut forms: Vec<String> = names
            .map(|name| {
                let scheme = &self.root["components"]["securitySchemes"][name];
                let word = |key: &str| scheme[key].as_str().map(str::to_lowercase);
                // The name of a header counts, the name of the scheme does not.
                let words = [word("type"), word("scheme"), word("in"), word("name")];
                words.into_iter().flatten().collect::<Vec<_>>().join(" ")
            })
            .collect();
        forms.sort();
        forms.dedup();
        forms
    }
}

pub(crate) fn text(path: &str) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{path} cannot be read: {error}"))
}
