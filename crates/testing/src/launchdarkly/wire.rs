//! JSON in and out.

use std::time::SystemTime;

use serde_json::{Map, Value, json};

use super::form::{API_VERSIONS, NEWEST_API_VERSION, from_millis, link, millis};
use super::options::{Options, UnsetExpiry};
use super::state::{Member, TwinToken};

/// Which part of the secret is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Show {
    Whole,
    Tail,
}

/// A token with the members that are set: what patches apply to.
pub(super) fn bare(
    token: &TwinToken,
    owner: &str,
    member: Option<&Member>,
    show: Show,
    options: &Options,
) -> Value {
    let mut object = patchable(token, options);
    let secret = token.secret.expose_secret();
    let shown = match show {
        Show::Whole => secret,
        Show::Tail => secret
            .get(secret.len().saturating_sub(4)..)
            .unwrap_or_default(),
    };
    let Value::Object(fixed) = json!({
        "_id": token.id,
        "ownerId": owner,
        "memberId": token.member_id,
        "creationDate": millis(token.created),
        "lastModified": millis(token.last_modified),
        "lastUsed": token.last_used.map_or(0, millis),
        "token": shown,
        "serviceToken": token.service,
        "defaultApiVersion": token.default_api_version,
        "_links": {
            "parent": link("/api/v2/tokens"),
            "self": link(&format!("/api/v2/tokens/{}", token.id)),
        },
    }) else {
        return Value::Object(object);
    };
    object.extend(fixed);
    if let Some(member) = member {
        object.insert("_member".to_owned(), member.summary());
    }
    Value::Object(object)
}

/// A token as the service shows it.
pub(super) fn token(
    token: &TwinToken,
    owner: &str,
    member: Option<&Member>,
    show: Show,
    options: &Options,
) -> Value {
    let mut value = bare(token, owner, member, show, options);
    let Value::Object(object) = &mut value else {
        return value;
    };
    if options.empty_lists {
        for list in ["customRoleIds", "inlineRole"] {
            object.entry(list).or_insert_with(|| json!([]));
        }
    }
    if !options.ignores_expiry {
        match options.unset_expiry {
            UnsetExpiry::Absent => {}
            UnsetExpiry::Null => {
                object.entry("expiry").or_insert(Value::Null);
            }
            UnsetExpiry::Zero => {
                object.entry("expiry").or_insert(json!(0));
            }
        }
    }
    object.extend(token.shown_with.clone());
    value
}

/// The members that a patch can change, those that are set.
fn patchable(token: &TwinToken, options: &Options) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("name".to_owned(), json!(token.name));
    if let Some(description) = &token.description {
        object.insert("description".to_owned(), json!(description));
    }
    if let Some(role) = &token.role {
        object.insert("role".to_owned(), json!(role));
    }
    if !token.custom_role_ids.is_empty() {
        object.insert("customRoleIds".to_owned(), json!(token.custom_role_ids));
    }
    if !token.inline_role.is_empty() {
        object.insert("inlineRole".to_owned(), json!(token.inline_role));
    }
    if let Some(expiry) = token.expiry.filter(|_| !options.ignores_expiry) {
        object.insert("expiry".to_owned(), json!(millis(expiry)));
    }
    object
}

/// What create and patch can set.
#[derive(Debug, PartialEq)]
pub(super) struct Fields {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) role: Option<String>,
    pub(super) custom_role_ids: Vec<String>,
    pub(super) inline_role: Vec<Value>,
    pub(super) expiry: Option<SystemTime>,
}

impl Fields {
    /// Reads and checks them; the error is the message for the client. A null is taken for an
    /// absent member, unknown members are ignored.
    pub(super) fn read(object: &Map<String, Value>, options: &Options) -> Result<Self, String> {
        let expiry = match member(object, "expiry").filter(|_| !options.ignores_expiry) {
            None => None,
            Some(value) => match value.as_u64() {
                Some(0) => None,
                Some(ms) => Some(from_millis(ms).ok_or("expiry is too far away")?),
                None => return Err("expiry must be a whole number of milliseconds".to_owned()),
            },
        };
        Ok(Self {
            name: text(object, "name")?.unwrap_or_default(),
            description: text(object, "description")?,
            role: text(object, "role")?,
            custom_role_ids: texts(object, "customRoleIds")?,
            inline_role: statements(object)?,
            expiry,
        })
    }

    /// A token has exactly one kind of role.
    pub(super) fn check_role(&self) -> Result<(), String> {
        let kinds = [
            self.role.is_some(),
            !self.custom_role_ids.is_empty(),
            !self.inline_role.is_empty(),
        ];
        if kinds.into_iter().filter(|set| *set).count() != 1 {
            return Err("give exactly one of role, customRoleIds and inlineRole".to_owned());
        }
        match self.role.as_deref() {
            None | Some("reader" | "writer" | "admin") => Ok(()),
            Some(_) => Err("role must be reader, writer or admin".to_owned()),
        }
    }
}

/// What only create can set.
pub(super) fn service_flag(object: &Map<String, Value>) -> Result<bool, String> {
    match member(object, "serviceToken") {
        None => Ok(false),
        Some(Value::Bool(service)) => Ok(*service),
        Some(_) => Err("serviceToken must be true or false".to_owned()),
    }
}

/// What only create can set.
pub(super) fn api_version(object: &Map<String, Value>) -> Result<u32, String> {
    match member(object, "defaultApiVersion") {
        None => Ok(NEWEST_API_VERSION),
        Some(value) => value
            .as_u64()
            .and_then(|version| u32::try_from(version).ok())
            .filter(|version| API_VERSIONS.contains(version))
            .ok_or_else(|| "defaultApiVersion is not a version of this API".to_owned()),
    }
}

fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).filter(|value| !value.is_null())
}

fn text(object: &Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    match member(object, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("{name} must be a string")),
    }
}

fn texts(object: &Map<String, Value>, name: &str) -> Result<Vec<String>, String> {
    let wrong = || format!("{name} must be a list of strings");
    match member(object, name) {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong))
            .collect(),
        Some(_) => Err(wrong()),
    }
}

/// The statements of an inline role, reduced to the members they have.
fn statements(object: &Map<String, Value>) -> Result<Vec<Value>, String> {
    match member(object, "inlineRole") {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => items.iter().map(statement).collect(),
        Some(_) => Err("inlineRole must be a list of statements".to_owned()),
    }
}

fn statement(value: &Value) -> Result<Value, String> {
    let Value::Object(object) = value else {
        return Err("a statement must be an object".to_owned());
    };
    let effect = text(object, "effect")?.unwrap_or_default();
    if effect != "allow" && effect != "deny" {
        return Err("effect must be allow or deny".to_owned());
    }
    let mut kept = Map::new();
    kept.insert("effect".to_owned(), Value::String(effect));
    for (name, opposite) in [("resources", "notResources"), ("actions", "notActions")] {
        let (plain, negated) = (texts(object, name)?, texts(object, opposite)?);
        if !plain.is_empty() && !negated.is_empty() {
            return Err(format!("{name} and {opposite} exclude each other"));
        }
        for (name, list) in [(name, plain), (opposite, negated)] {
            if !list.is_empty() {
                kept.insert(name.to_owned(), json!(list));
            }
        }
    }
    Ok(Value::Object(kept))
}
