//! What progenitor makes of the documents, with the types of ours in it.
//!
//! What the generator cannot use is taken out of a copy, and everything that is mapped to a type of
//! ours is checked afterwards: a mapping that silently does not take is a leaked secret.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use progenitor::{GenerationSettings, Generator, TypeImpl};
use schemars::schema::SchemaObject;
use serde_json::Value;
use syn::visit_mut::VisitMut as _;

use documents::{DOCUMENTS, Document, FORMATS};
use models::Models;
use requests::Requests;

#[path = "documents.rs"]
mod documents;
#[path = "models.rs"]
mod models;
#[path = "requests.rs"]
mod requests;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// Writes the code of each service whose feature is on.
pub(crate) fn all() -> Result<()> {
    let out = env::var("OUT_DIR")?;
    for wanted in DOCUMENTS {
        let name = wanted.name;
        let path = format!("openapi/{name}.json");
        println!("cargo::rerun-if-changed={path}");
        if env::var_os(format!("CARGO_FEATURE_{}", wanted.feature)).is_some() {
            let code = generate(&path, &wanted).map_err(|error| format!("{path}: {error}"))?;
            fs::write(Path::new(&out).join(format!("{name}.rs")), code)?;
        }
    }
    Ok(())
}

fn generate(path: &str, wanted: &Document) -> Result<String> {
    let mut document: Value = serde_json::from_str(&fs::read_to_string(path)?)?;
    strip_operations(&mut document)?;
    relax(&mut document, wanted)?;

    let mut settings = GenerationSettings::default();
    settings.with_derive("PartialEq");
    for (instance, format, rust) in FORMATS {
        let schema = SchemaObject {
            instance_type: Some(instance.into()),
            format: Some(format.to_owned()),
            ..SchemaObject::default()
        };
        settings.with_conversion(schema, rust, [TypeImpl::Display].into_iter());
    }
    for (schema, rust) in wanted.replaced {
        settings.with_replacement(schema, rust, [].into_iter());
    }
    let spec = serde_json::from_value(document.clone())?;
    let mut file = syn::parse2(Generator::new(&settings).generate_tokens(&spec)?)?;
    let mut models = Models {
        document: &document,
        wanted,
        fields: Vec::new(),
        adjusted: 0,
    };
    models.visit_file_mut(&mut file);
    let mut requests = Requests::default();
    requests.visit_file_mut(&mut file);

    check(&document, wanted, &models)?;
    let code = prettyplease::unparse(&file);
    ensure(
        !code.contains("header_map"),
        "a request has headers of its own, or the version of the document",
    )?;
    let foreign = ["progenitor", "OperationInfo", "reqwest::Client", " Error<"];
    ensure(
        requests.adjusted > 0 && !foreign.iter().any(|name| code.contains(name)),
        "a request is made or executed as the transport does not know it",
    )?;
    Ok(code)
}

/// Leaves success responses only: several types of errors stop the generator, and one loses the
/// status whenever a body is not what was promised. Errors are judged in `src/transport`, which also
/// sets the headers.
fn strip_operations(document: &mut Value) -> Result<()> {
    let parameters = document.pointer("/components/parameters").cloned();
    let in_header = |parameter: &Value| {
        let name = parameter.get("$ref").and_then(Value::as_str);
        let name = name.and_then(|path| path.rsplit('/').next());
        let shared = name.and_then(|name| parameters.as_ref()?.get(name));
        shared
            .unwrap_or(parameter)
            .get("in")
            .and_then(Value::as_str)
            == Some("header")
    };
    let paths = document
        .get_mut("paths")
        .and_then(Value::as_object_mut)
        .ok_or("no paths")?;
    for operation in paths
        .values_mut()
        .filter_map(Value::as_object_mut)
        .flat_map(|p| p.values_mut())
    {
        if let Some(parameters) = operation.get_mut("parameters") {
            let parameters = parameters.as_array_mut().ok_or("parameters are no list")?;
            parameters.retain(|parameter| !in_header(parameter));
        }
        let Some(responses) = operation
            .get_mut("responses")
            .and_then(Value::as_object_mut)
        else {
            continue;
        };
        let before = responses.len();
        responses.retain(|status, _| status.starts_with('2'));
        ensure(
            responses.len() == 1 && before > 1,
            "an operation lacks its one success or its errors",
        )?;
    }
    if let Some(schemas) = document
        .pointer_mut("/components/schemas")
        .and_then(Value::as_object_mut)
    {
        schemas.remove("ErrorBody");
    }
    Ok(())
}

/// Leaves as required only what a client needs to read an answer.
fn relax(document: &mut Value, wanted: &Document) -> Result<()> {
    for (schema, essential) in wanted.essential {
        let required = document
            .pointer_mut(&format!("/components/schemas/{schema}/required"))
            .and_then(Value::as_array_mut)
            .ok_or_else(|| format!("{schema} requires nothing"))?;
        let before = required.len();
        required.retain(|name| essential.iter().any(|kept| name == kept));
        ensure(
            required.len() == essential.len() && required.len() < before,
            &format!("{schema} does not require what is essential, or nothing beyond it"),
        )?;
    }
    Ok(())
}

/// Holds the generated fields against the document: each property whose format or schema stands for
/// a type of ours has that type.
fn check(document: &Value, wanted: &Document, models: &Models<'_>) -> Result<()> {
    let schemas = document
        .pointer("/components/schemas")
        .and_then(Value::as_object)
        .ok_or("no schemas")?;
    let mut taken = 0;
    for (schema, definition) in schemas {
        let properties = definition.get("properties").and_then(Value::as_object);
        for (property, definition) in properties.into_iter().flatten() {
            let format = definition.get("format").and_then(Value::as_str);
            let refers = definition.pointer("/allOf/0/$ref").and_then(Value::as_str);
            let by_format = FORMATS
                .iter()
                .find(|(_, name, _)| Some(*name) == format)
                .map(|f| f.2);
            let by_name = wanted
                .replaced
                .iter()
                .find(|(name, _)| refers.is_some_and(|r| r.ends_with(&format!("/{name}"))))
                .map(|r| r.1);
            let Some(meant) = by_format.or(by_name) else {
                // A secret or a time under a format that nothing maps would be a plain value.
                let plain = format.is_none_or(|format| matches!(format, "int32" | "int64"));
                ensure(
                    plain,
                    &format!("{schema}.{property} has a format that nothing stands for"),
                )?;
                continue;
            };
            let meant = meant.replace("::", " :: ");
            let has = models
                .fields
                .iter()
                .any(|(s, p, rust)| s == schema && p == property && rust.contains(&meant));
            ensure(has, &format!("{schema}.{property} did not become {meant}"))?;
            taken += 1;
        }
    }
    ensure(taken > 0, "no mapping was checked")?;
    let lenient: usize = wanted.lenient.iter().map(|(_, names)| names.len()).sum();
    ensure(
        models.adjusted == lenient + wanted.lists.len(),
        "a member that is to be read leniently, or a list, is not there",
    )
}

fn ensure(holds: bool, otherwise: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(otherwise.into()) }
}
