//! Generates models and clients from the documents in `openapi/` into `OUT_DIR`.
//!
//! What the generator cannot use is taken out of a copy, and everything that is mapped to a type of
//! ours is checked afterwards: a mapping that silently does not take is a leaked secret.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use progenitor::{GenerationSettings, Generator, HooksMode, TypeImpl};
use quote::ToTokens as _;
use schemars::schema::{InstanceType, SchemaObject};
use serde_json::Value;
use syn::parse_quote;
use syn::visit_mut::{VisitMut, visit_item_struct_mut};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// A service: its cargo feature, its document, and the schemas that hand-written types stand for.
type Document = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

const DOCUMENTS: [Document; 3] = [
    (
        "LAUNCHDARKLY",
        "launchdarkly",
        &[
            ("Role", "crate::launchdarkly::Role"),
            ("Effect", "crate::launchdarkly::StatementEffect"),
            ("PatchOp", "crate::launchdarkly::PatchOp"),
        ],
    ),
    (
        "QUERY_SERVER",
        "query-server",
        &[("Flag", "crate::query_server::Flag")],
    ),
    (
        "AVISI_CLOUD",
        "avisi-cloud",
        &[(
            "PersonalAccessTokenType",
            "crate::avisi_cloud::PersonalAccessTokenType",
        )],
    ),
];

/// Formats in the documents and the types that they stand for.
const FORMATS: [(InstanceType, &str, &str); 5] = [
    (InstanceType::String, "password", "crate::Secret"),
    (InstanceType::String, "token-id", "crate::TokenId"),
    (InstanceType::String, "date-text", "crate::DateText"),
    (InstanceType::Integer, "unix-millis", "crate::UnixMillis"),
    (InstanceType::Integer, "unix-seconds", "crate::UnixSeconds"),
];

fn main() -> Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let out = env::var("OUT_DIR")?;
    for (feature, name, replaced) in DOCUMENTS {
        let path = format!("openapi/{name}.json");
        println!("cargo::rerun-if-changed={path}");
        if env::var_os(format!("CARGO_FEATURE_{feature}")).is_some() {
            let code = generate(&path, replaced).map_err(|error| format!("{path}: {error}"))?;
            fs::write(Path::new(&out).join(format!("{name}.rs")), code)?;
        }
    }
    Ok(())
}

fn generate(path: &str, replaced: &[(&str, &str)]) -> Result<String> {
    let mut document: Value = serde_json::from_str(&fs::read_to_string(path)?)?;
    strip_errors(&mut document)?;

    let mut settings = GenerationSettings::default();
    settings
        .with_hooks(HooksMode::Expected)
        .with_inner_type("crate::transport::Call".parse()?)
        .with_derive("PartialEq");
    for (instance, format, rust) in FORMATS {
        let schema = SchemaObject {
            instance_type: Some(instance.into()),
            format: Some(format.to_owned()),
            ..SchemaObject::default()
        };
        settings.with_conversion(schema, rust, [TypeImpl::Display].into_iter());
    }
    for (schema, rust) in replaced {
        settings.with_replacement(schema, rust, [].into_iter());
    }
    let spec = serde_json::from_value(document.clone())?;
    let mut file = syn::parse2(Generator::new(&settings).generate_tokens(&spec)?)?;
    let mut models = Models::default();
    models.visit_file_mut(&mut file);

    check(&document, replaced, &models)?;
    let code = prettyplease::unparse(&file);
    ensure(
        !code.contains("Error::ErrorResponse"),
        "an error response is still typed",
    )?;
    Ok(code)
}

/// Leaves success responses only: several types of errors stop the generator, and one loses the
/// status whenever a body is not what was promised. Errors are judged in `src/transport`.
fn strip_errors(document: &mut Value) -> Result<()> {
    let paths = document
        .get_mut("paths")
        .and_then(Value::as_object_mut)
        .ok_or("no paths")?;
    for operation in paths
        .values_mut()
        .filter_map(Value::as_object_mut)
        .flat_map(|p| p.values_mut())
    {
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

/// Adjusts the generated models and notes the type of each field.
#[derive(Default)]
struct Models {
    /// Schema, property and type.
    fields: Vec<(String, String, String)>,
}

impl VisitMut for Models {
    fn visit_item_struct_mut(&mut self, item: &mut syn::ItemStruct) {
        let derives = |attr: &syn::Attribute| {
            let text = attr.to_token_stream().to_string();
            text.starts_with("# [derive") && text.contains("Deserialize")
        };
        if !item.attrs.iter().any(derives) {
            return;
        }
        if matches!(item.fields, syn::Fields::Named(_)) {
            // A service may add a field at any time.
            item.attrs.push(parse_quote!(#[non_exhaustive]));
        }
        for field in &mut item.fields {
            let Some(ident) = &field.ident else { continue };
            let rust = field.ty.to_token_stream().to_string();
            let serde: String = field
                .attrs
                .iter()
                .filter(|attr| attr.path().is_ident("serde"))
                .map(|attr| attr.to_token_stream().to_string())
                .collect();
            if rust.contains("crate :: Secret") {
                // Secrets are read and never written.
                field.attrs.push(parse_quote!(#[serde(skip_serializing)]));
            } else if serde
                .split(['(', ',', ')'])
                .any(|part| part.trim() == "default")
            {
                // Services send null for an empty list, too.
                field.attrs.push(parse_quote!(
                    #[serde(deserialize_with = "::serde_with::As::<::serde_with::DefaultOnNull>::deserialize")]
                ));
            }
            let renamed = serde
                .split_once("rename = \"")
                .and_then(|(_, rest)| rest.split_once('"'));
            let property = renamed.map_or_else(|| ident.to_string(), |(name, _)| name.to_owned());
            self.fields.push((item.ident.to_string(), property, rust));
        }
        visit_item_struct_mut(self, item);
    }
}

/// Holds the generated fields against the document: each property whose format or schema stands for
/// a type of ours has that type.
fn check(document: &Value, replaced: &[(&str, &str)], models: &Models) -> Result<()> {
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
            let by_name = replaced
                .iter()
                .find(|(name, _)| refers.is_some_and(|r| r.ends_with(&format!("/{name}"))))
                .map(|r| r.1);
            let Some(wanted) = by_format.or(by_name) else {
                // A secret or a time under a format that nothing maps would be a plain value.
                let plain = format.is_none_or(|format| matches!(format, "int32" | "int64"));
                ensure(
                    plain,
                    &format!("{schema}.{property} has a format that nothing stands for"),
                )?;
                continue;
            };
            let wanted = wanted.replace("::", " :: ");
            let has = models
                .fields
                .iter()
                .any(|(s, p, rust)| s == schema && p == property && rust.contains(&wanted));
            ensure(has, &format!("{schema}.{property} did not become {wanted}"))?;
            taken += 1;
        }
    }
    ensure(taken > 0, "no mapping was checked")
}

fn ensure(holds: bool, otherwise: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(otherwise.into()) }
}
