//! Two schemas side by side, down to the last field.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::Value;

use crate::document::Document;
use crate::findings::{Findings, is_deprecated, requirement};

/// Formats of our own documents, which say what a value is and not how it is written.
const OUR_FORMATS: [&str; 5] = [
    "password",
    "token-id",
    "unix-millis",
    "unix-seconds",
    "date-text",
];

pub(crate) struct Schemas<'a> {
    ours: &'a Document,
    newer: &'a Document,
    /// Pairs that were compared, by where they lie: what refers to itself ends here.
    seen: HashSet<(usize, usize)>,
}

struct Pair<'a> {
    place: String,
    ours: &'a Value,
    newer: &'a Value,
}

impl<'a> Schemas<'a> {
    pub(crate) fn new(ours: &'a Document, newer: &'a Document) -> Self {
        let seen = HashSet::new();
        Self { ours, newer, seen }
    }

    pub(crate) fn compare(
        &mut self,
        place: &str,
        ours: &'a Value,
        newer: &'a Value,
        findings: &mut Findings,
    ) {
        // A list of what is still to do, not a recursion: documents may be deep.
        let place = place.to_owned();
        let mut waiting = vec![Pair { place, ours, newer }];
        while let Some(mut pair) = waiting.pop() {
            let ours = Schema::of(self.ours, pair.ours);
            let newer = Schema::of(self.newer, pair.newer);
            let (ours, newer) = match (ours, newer) {
                (Ok(ours), Ok(newer)) => (ours, newer),
                (Err(problem), _) | (_, Err(problem)) => {
                    findings.add(format!("{}: {problem}", pair.place));
                    continue;
                }
            };
            if ours.nullable != newer.nullable {
                let now = if newer.nullable { "may be" } else { "is never" };
                findings.add(format!("{}: {now} null now", pair.place));
            }
            if !ours.deprecated && newer.deprecated {
                findings.add(format!("{}: deprecated", pair.place));
            }
            if !self.seen.insert((address(ours.core), address(newer.core))) {
                continue;
            }
            if let Some(name) = &ours.name {
                pair.place.clone_from(name);
            }
            let mut next = Vec::new();
            differences(&pair.place, &ours, &newer, findings, &mut next);
            next.reverse();
            waiting.append(&mut next);
        }
    }
}

fn address(value: &Value) -> usize {
    std::ptr::from_ref(value).addr()
}

/// What two schemas differ in themselves; what is inside them is left for later.
fn differences<'a>(
    place: &str,
    ours: &Schema<'a>,
    newer: &Schema<'a>,
    findings: &mut Findings,
    next: &mut Vec<Pair<'a>>,
) {
    let mut inside = |place: String, ours: &'a Value, newer: &'a Value| {
        next.push(Pair { place, ours, newer });
    };
    if ours.types != newer.types {
        findings.add(format!(
            "{place}: {} now, was {}",
            newer.kind(),
            ours.kind()
        ));
    } else if let (Some(was), Some(is)) = (ours.format, newer.format)
        && was != is
        && !OUR_FORMATS.contains(&was)
    {
        findings.add(format!("{place}: format {is} now, was {was}"));
    }
    for value in newer.values.difference(&ours.values) {
        findings.add(format!("{place}: value {value}: new"));
    }
    // Whoever stops listing values may still send them.
    if !newer.values.is_empty() {
        for value in ours.values.difference(&newer.values) {
            findings.add(format!("{place}: value {value}: gone"));
        }
    }
    for (name, field) in &newer.fields {
        let place = format!("{place}.{name}");
        if let Some(our_field) = ours.fields.get(name) {
            let [was, is] = [ours, newer].map(|side| side.required.contains(name));
            if was != is {
                findings.add(format!("{place}: {} now", requirement(is)));
            }
            inside(place, our_field, field);
        } else {
            let required = requirement(newer.required.contains(name));
            findings.add(format!("{place}: new, {required}"));
        }
    }
    for name in ours
        .fields
        .keys()
        .filter(|name| !newer.fields.contains_key(*name))
    {
        findings.add(format!("{place}.{name}: gone"));
    }
    match (ours.items, newer.items) {
        (Some(ours), Some(newer)) => inside(format!("{place}[]"), ours, newer),
        (None, None) => {}
        (Some(_), None) => findings.add(format!("{place}[]: anything now")),
        (None, Some(_)) => findings.add(format!("{place}[]: not anything any more")),
    }
    match (ours.others, newer.others) {
        (Some(ours), Some(newer)) => inside(format!("{place}.*"), ours, newer),
        (None, None) => {}
        (Some(_), None) => findings.add(format!("{place}.*: gone")),
        (None, Some(_)) => findings.add(format!("{place}.*: new")),
    }
    let [was, is] = [ours, newer].map(|side| side.choices.len());
    if was == is {
        let pairs = ours.choices.iter().zip(&newer.choices).enumerate();
        for (at, (ours, newer)) in pairs {
            inside(format!("{place}|{}", at + 1), ours, newer);
        }
    } else {
        findings.add(format!("{place}: one of {is} forms now, was {was}"));
    }
}

/// A schema with what it refers to and consists of.
struct Schema<'a> {
    /// The name in our document, if it has one.
    name: Option<String>,
    /// What is left when references to one thing are followed.
    core: &'a Value,
    types: BTreeSet<&'a str>,
    format: Option<&'a str>,
    nullable: bool,
    deprecated: bool,
    values: BTreeSet<String>,
    fields: BTreeMap<&'a str, &'a Value>,
    required: BTreeSet<&'a str>,
    items: Option<&'a Value>,
    others: Option<&'a Value>,
    choices: Vec<&'a Value>,
}

impl<'a> Schema<'a> {
    fn of(document: &'a Document, schema: &'a Value) -> Result<Self, String> {
        let (name, core) = core(document, schema)?;
        let mut all = Self {
            name,
            core,
            types: BTreeSet::new(),
            format: None,
            nullable: false,
            deprecated: is_deprecated(schema),
            values: BTreeSet::new(),
            fields: BTreeMap::new(),
            required: BTreeSet::new(),
            items: None,
            others: None,
            choices: Vec::new(),
        };
        let mut parts = vec![schema];
        let mut seen = HashSet::new();
        while let Some(part) = parts.pop() {
            all.nullable |= part["nullable"] == true;
            let part = document.resolve(part)?;
            if !seen.insert(address(part)) {
                continue;
            }
            all.take(part);
            parts.extend(part["allOf"].as_array().into_iter().flatten());
            for key in ["oneOf", "anyOf"] {
                let choices: Vec<_> = part[key].as_array().into_iter().flatten().collect();
                let (null, others): (Vec<_>, Vec<_>) = choices
                    .into_iter()
                    .partition(|choice| choice["type"] == "null");
                all.nullable |= !null.is_empty();
                match others[..] {
                    // A choice of one is that one.
                    [only] => parts.push(only),
                    _ => all.choices.extend(others),
                }
            }
        }
        if all.types.is_empty() && !all.fields.is_empty() {
            all.types.insert("object");
        }
        Ok(all)
    }

    /// What one part says for itself.
    fn take(&mut self, part: &'a Value) {
        self.nullable |= part["nullable"] == true;
        let types: Vec<&str> = match &part["type"] {
            Value::String(one) => vec![one],
            Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        for kind in types {
            if kind == "null" {
                self.nullable = true;
            } else {
                self.types.insert(kind);
            }
        }
        self.format = self.format.or(part["format"].as_str());
        for key in ["enum", "x-extensible-enum"] {
            for value in part[key].as_array().into_iter().flatten() {
                if value.is_null() {
                    self.nullable = true;
                } else {
                    self.values.insert(value.to_string());
                }
            }
        }
        let fields = part["properties"].as_object().into_iter().flatten();
        self.fields
            .extend(fields.map(|(name, field)| (name.as_str(), field)));
        let required = part["required"].as_array().into_iter().flatten();
        self.required.extend(required.filter_map(Value::as_str));
        self.items = self.items.or(part.get("items"));
        // `true` and `false` say whether there may be others, and not what they are.
        let others = part
            .get("additionalProperties")
            .filter(|others| others.is_object());
        self.others = self.others.or(others);
    }

    fn kind(&self) -> String {
        if self.types.is_empty() {
            return "anything".to_owned();
        }
        let types: Vec<&str> = self.types.iter().copied().collect();
        types.join(" or ")
    }
}

/// Follows references, and an `allOf` of one thing, which is how a reference gets words of its own.
fn core<'a>(
    document: &'a Document,
    schema: &'a Value,
) -> Result<(Option<String>, &'a Value), String> {
    let (mut name, mut at) = (None, schema);
    for _ in 0..100 {
        if let Some(reference) = at["$ref"].as_str() {
            let last = reference.strip_prefix("#/components/schemas/");
            name = last.map(str::to_owned).or(name);
            at = document.resolve(at)?;
        } else if let Some([one]) = at["allOf"].as_array().map(Vec::as_slice)
            && at.get("properties").is_none()
        {
            at = one;
        } else {
            return Ok((name, at));
        }
    }
    Err("refers to itself and to nothing else".to_owned())
}
