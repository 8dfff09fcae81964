//! The pass over the generated models, and the proof that each mapping took.

use quote::ToTokens as _;
use serde_json::Value;
use syn::parse_quote;
use syn::visit_mut::{VisitMut, visit_item_struct_mut};

use super::documents::{Document, FORMATS};
use super::{Result, ensure};

/// Adjusts the generated models and notes the type of each field.
pub(crate) struct Models<'a> {
    pub(crate) document: &'a Value,
    pub(crate) wanted: &'a Document,
    /// Schema, property and type.
    pub(crate) fields: Vec<(String, String, String)>,
    /// How many members of the tables in [`Document`] were found.
    pub(crate) adjusted: usize,
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
            field.attrs.push(if rust.contains("Vec <") {
                // By default empty already.
                parse_quote!(#[serde(
                    deserialize_with = "::serde_with::As::<::serde_with::DefaultOnError>::deserialize"
                )])
            } else if rust.contains("MemberSummary") {
                parse_quote!(#[serde(default, deserialize_with = "crate::lenient::object")])
            } else {
                parse_quote!(#[serde(default, deserialize_with = "crate::lenient::scalar")])
            });
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
pub(crate) fn check(document: &Value, wanted: &Document, models: &Models<'_>) -> Result<()> {
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
