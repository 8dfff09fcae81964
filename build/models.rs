//! The generated models, adjusted.

use quote::ToTokens as _;
use serde_json::Value;
use syn::parse_quote;
use syn::visit_mut::{VisitMut, visit_item_struct_mut};

use super::documents::Document;

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
