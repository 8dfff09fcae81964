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

/// What is to be made of a document beyond what the generator makes of it.
struct Document {
    /// The cargo feature that asks for it.
    feature: &'static str,
    /// Its file.
    name: &'static str,
    /// Schemas that hand-written types stand for.
    replaced: &'static [(&'static str, &'static str)],
    /// Schemas of answers and the members that nothing can do without. The others may be missing,
    /// whatever the document says: a client reads what it can.
    essential: &'static [(&'static str, &'static [&'static str])],
    /// Members of answers that are for information only: one that cannot be read is not there.
    lenient: &'static [(&'static str, &'static [&'static str])],
    /// Lists in which an item that cannot be read does not hide the others.
    lists: &'static [(&'static str, &'static str)],
}

const DOCUMENTS: [Document; 3] = [
    Document {
        feature: "LAUNCHDARKLY",
        name: "launchdarkly",
        replaced: &[
            ("Role", "crate::launchdarkly::Role"),
            ("Effect", "crate::launchdarkly::StatementEffect"),
            ("PatchOp", "crate::launchdarkly::PatchOp"),
            ("Links", "crate::launchdarkly::Links"),
        ],
        essential: &[("Token", &["_id"]), ("MemberSummary", &[])],
        // Not among them: what another token is made from, and `expiry`, whose absence means
        // something.
        lenient: &[
            (
                "Token",
                &[
                    "ownerId",
                    "memberId",
                    "_member",
                    "creationDate",
                    "lastModified",
                    "lastUsed",
                ],
            ),
            (
                "MemberSummary",
                &["_id", "firstName", "lastName", "role", "email"],
            ),
        ],
        lists: &[("Tokens", "items")],
    },
    Document {
        feature: "QUERY_SERVER",
        name: "query-server",
        replaced: &[("Flag", "crate::query_server::Flag")],
        essential: &[("Token", &["name", "active", "write"])],
        lenient: &[(
            "Token",
            &["id", "expiration_date", "created_at", "updated_at"],
        )],
        lists: &[("Tokens", "data")],
    },
    Document {
        feature: "AVISI_CLOUD",
        name: "avisi-cloud",
        replaced: &[(
            "PersonalAccessTokenType",
            "crate::avisi_cloud::PersonalAccessTokenType",
        )],
        essential: &[],
        lenient: &[
            (
                "PersonalAccessToken",
                &["subject", "active", "createdAt", "expireAt", "lastUsedAt"],
            ),
            ("RevokeAnswer", &["message", "status"]),
        ],
        lists: &[],
    },
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

    check(&document, wanted, &models)?;
    let code = prettyplease::unparse(&file);
    ensure(
        !code.contains("Error::ErrorResponse"),
        "an error response is still typed",
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

/// Adjusts the generated models and notes the type of each field.
struct Models<'a> {
    document: &'a Value,
    wanted: &'a Document,
    /// Schema, property and type.
    fields: Vec<(String, String, String)>,
    /// How many members of the tables in [`Document`] were found.
    adjusted: usize,
}

impl Models<'_> {
    /// The place of a member in its schema, which is its place on the wire.
    fn place(&self, schema: &str, property: &str) -> usize {
        let path = format!("/components/schemas/{schema}/properties");
        let properties = self.document.pointer(&path).and_then(Value::as_object);
        properties
            .and_then(|all| all.keys().position(|name| name == property))
            .unwrap_or(usize::MAX)
    }

    /// Sets the type and the attributes of a field.
    fn adjust(&mut self, schema: &str, property: &str, serde: &str, field: &mut syn::Field) {
        let rust = field.ty.to_token_stream().to_string();
        let listed = |table: &[(&str, &[&str])]| {
            let named = |(of, names): &(&str, &[&str])| *of == schema && names.contains(&property);
            table.iter().any(named)
        };
        let is_list = self.wanted.lists.contains(&(schema, property));
        if rust.contains("crate :: Secret") {
            // Secrets are read and never written.
            field.attrs.push(parse_quote!(#[serde(skip_serializing)]));
        } else if rust.contains("Option < crate :: launchdarkly :: Links >") {
            field.ty = parse_quote!(crate::launchdarkly::Links);
            field.attrs.retain(|attr| !attr.path().is_ident("serde"));
            field.attrs.push(parse_quote!(#[serde(
                rename = "_links",
                default,
                skip_serializing_if = "crate::launchdarkly::Links::is_empty"
            )]));
        } else if listed(self.wanted.lenient) {
            self.adjusted += 1;
            let with = if rust.contains("MemberSummary") {
                "crate::lenient::object"
            } else {
                "crate::lenient::scalar"
            };
            field
                .attrs
                .push(parse_quote!(#[serde(default, deserialize_with = #with)]));
        } else if serde
            .split(['(', ',', ')'])
            .any(|part| part.trim() == "default")
        {
            // Services send null for an empty list, too.
            field.attrs.push(parse_quote!(
                #[serde(deserialize_with = "::serde_with::As::<::serde_with::DefaultOnNull>::deserialize")]
            ));
        }
        if is_list {
            self.adjusted += 1;
            if let Some(item) = list_item(&field.ty) {
                field.ty = parse_quote!(crate::Listing<#item>);
            }
            // An answer without the list is looked at where the call is made.
            let by_default = |attr: &syn::Attribute| {
                let text = attr.to_token_stream().to_string();
                text.contains("default ,") || text.contains("skip_serializing_if")
            };
            field.attrs.retain(|attr| !by_default(attr));
        }
    }
}

/// What a vector is made of.
fn list_item(list: &syn::Type) -> Option<syn::GenericArgument> {
    let syn::Type::Path(path) = list else {
        return None;
    };
    let segment = path.path.segments.last()?;
    match &segment.arguments {
        syn::PathArguments::AngleBracketed(arguments) if segment.ident == "Vec" => {
            arguments.args.first().cloned()
        }
        _ => None,
    }
}

impl VisitMut for Models<'_> {
    fn visit_item_struct_mut(&mut self, item: &mut syn::ItemStruct) {
        let derives = |attr: &syn::Attribute| {
            let text = attr.to_token_stream().to_string();
            text.starts_with("# [derive") && text.contains("Deserialize")
        };
        if !item.attrs.iter().any(derives) {
            return;
        }
        let syn::Fields::Named(named) = &mut item.fields else {
            visit_item_struct_mut(self, item);
            return;
        };
        // A service may add a field at any time.
        item.attrs.push(parse_quote!(#[non_exhaustive]));
        let schema = item.ident.to_string();
        let mut placed = Vec::new();
        for mut field in std::mem::take(&mut named.named) {
            let serde: String = field
                .attrs
                .iter()
                .filter(|attr| attr.path().is_ident("serde"))
                .map(|attr| attr.to_token_stream().to_string())
                .collect();
            let renamed = serde
                .split_once("rename = \"")
                .and_then(|(_, rest)| rest.split_once('"'));
            let ident = field.ident.as_ref().map(ToString::to_string);
            let property = renamed
                .map(|(name, _)| name.to_owned())
                .or(ident)
                .unwrap_or_default();
            self.adjust(&schema, &property, &serde, &mut field);
            let rust = field.ty.to_token_stream().to_string();
            placed.push((self.place(&schema, &property), field));
            self.fields.push((schema.clone(), property, rust));
        }
        // In the order of the wire: what was read first is then freed first, too.
        placed.sort_by_key(|(place, _)| *place);
        named.named = placed.into_iter().map(|(_, field)| field).collect();
        visit_item_struct_mut(self, item);
    }
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
