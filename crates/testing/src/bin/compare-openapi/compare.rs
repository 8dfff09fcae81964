//! Operation by operation: what became of ours in the newer document.

use std::collections::{BTreeSet, HashSet};

use serde_json::{Map, Value};

use crate::document::{Document, Operation};
use crate::findings::{Findings, is_deprecated, requirement};
use crate::schema::Schemas;

/// What differs, a line each, in the order of our paths.
pub(crate) fn differences(ours: &Document, newer: &Document) -> Vec<String> {
    let theirs = newer.operations();
    let mut findings = Findings::default();
    let mut schemas = Schemas::new(ours, newer);
    let mut paired = HashSet::new();
    for operation in ours.operations() {
        let name = name(operation);
        let shape = ours.shape(operation.path);
        let same_place = |other: &Operation<'_>| {
            other.method == operation.method && newer.shape(other.path) == shape
        };
        let same_id = |other: &Operation<'_>| id(*other).is_some() && id(*other) == id(operation);
        let there = theirs.iter().position(same_place);
        let Some(at) = there.or_else(|| theirs.iter().position(same_id)) else {
            findings.add(format!("{name}: gone"));
            continue;
        };
        paired.insert(at);
        let Some(other) = theirs.get(at) else {
            continue;
        };
        if there.is_none() {
            findings.add(format!("{name}: moved to {}", place(*other)));
        }
        let sides = Sides {
            ours,
            newer,
            operation,
            other: *other,
            name,
        };
        sides.deprecation(&mut findings);
        sides.credentials(&mut findings);
        sides.parameters(&mut findings, &mut schemas);
        sides.body(&mut findings, &mut schemas);
        sides.answers(&mut findings, &mut schemas);
    }
    // What the service can do now with the things that these operations are about.
    let rooms: BTreeSet<String> = ours
        .operations()
        .into_iter()
        .map(|operation| ours.shape(operation.path))
        .map(|shape| {
            shape
                .split_once("/{}")
                .map_or(shape.clone(), |(room, _)| room.to_owned())
        })
        .collect();
    for (at, other) in theirs.iter().enumerate() {
        let shape = newer.shape(other.path);
        let beside = rooms.iter().any(|room| {
            let rest = shape.strip_prefix(room.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        if beside && !paired.contains(&at) {
            findings.add(format!(
                "{}: new beside ours, {}",
                name(*other),
                place(*other)
            ));
        }
    }
    findings.into_lines()
}

fn id(operation: Operation<'_>) -> Option<&str> {
    operation.body["operationId"].as_str()
}

fn place(operation: Operation<'_>) -> String {
    format!("{} {}", operation.method.to_uppercase(), operation.path)
}

fn name(operation: Operation<'_>) -> String {
    id(operation).map_or_else(|| place(operation), str::to_owned)
}

/// An operation on both sides.
struct Sides<'a> {
    ours: &'a Document,
    newer: &'a Document,
    operation: Operation<'a>,
    other: Operation<'a>,
    name: String,
}

impl<'a> Sides<'a> {
    fn deprecation(&self, findings: &mut Findings) {
        let name = &self.name;
        match [self.operation.body, self.other.body].map(is_deprecated) {
            [false, true] => findings.add(format!("{name}: deprecated")),
            [true, false] => findings.add(format!("{name}: not deprecated any more")),
            _ => {}
        }
    }

    fn credentials(&self, findings: &mut Findings) {
        let ours = self.ours.credentials(self.operation);
        let newer = self.newer.credentials(self.other);
        let [ours, newer] = [&ours, &newer].map(|forms| forms.iter().map(String::as_str).collect());
        findings.sets(&format!("{}: credential", self.name), &ours, &newer);
    }

    fn parameters(&self, findings: &mut Findings, schemas: &mut Schemas<'a>) {
        let ours = self.ours.parameters(self.operation);
        let newer = self.newer.parameters(self.other);
        for ((place, name), other) in &newer {
            if !ours.contains_key(&(place.clone(), name.clone())) {
                let required = requirement(other["required"] == true);
                let line = format!("{}: {place} parameter {name}: new, {required}", self.name);
                findings.add(line);
            }
        }
        for ((place, name), parameter) in ours {
            let what = format!("{}: {place} parameter {name}", self.name);
            let Some(other) = newer.get(&(place, name)) else {
                findings.add(format!("{what}: gone"));
                continue;
            };
            let [was, is] = [parameter, other].map(|side| side["required"] == true);
            if was != is {
                findings.add(format!("{what}: {} now", requirement(is)));
            }
            if !is_deprecated(parameter) && is_deprecated(other) {
                findings.add(format!("{what}: deprecated"));
            }
            schemas.compare(&what, &parameter["schema"], &other["schema"], findings);
        }
    }

    fn body(&self, findings: &mut Findings, schemas: &mut Schemas<'a>) {
        let what = format!("{}: body", self.name);
        let ours = self.operation.body.get("requestBody");
        let newer = self.other.body.get("requestBody");
        match (ours, newer) {
            (None, None) => {}
            (Some(_), None) => findings.add(format!("{what}: gone")),
            (None, Some(_)) => findings.add(format!("{what}: new")),
            (Some(ours), Some(newer)) => {
                let sides = (self.ours.resolve(ours), self.newer.resolve(newer));
                let (Ok(ours), Ok(newer)) = sides else {
                    findings.add(format!("{what}: cannot be read"));
                    return;
                };
                let [was, is] = [ours, newer].map(|side| side["required"] == true);
                if was != is {
                    findings.add(format!("{what}: {} now", requirement(is)));
                }
                content(&what, ours, newer, findings, schemas);
            }
        }
    }

    /// Successes only: what is wrong with an error that is documented otherwise, nobody relies on.
    fn answers(&self, findings: &mut Findings, schemas: &mut Schemas<'a>) {
        let none = Map::new();
        let [ours, newer] =
            [self.operation.body, self.other.body].map(|side| side["responses"].as_object());
        let (ours, newer) = (ours.unwrap_or(&none), newer.unwrap_or(&none));
        let [codes, others] = [ours, newer].map(|side| {
            let codes = side.keys().map(String::as_str);
            codes
                .filter(|code| code.starts_with('2'))
                .collect::<BTreeSet<_>>()
        });
        findings.sets(&format!("{}: answer", self.name), &codes, &others);
        for code in codes.intersection(&others) {
            let what = format!("{}: answer {code}", self.name);
            let ours = self.operation.body["responses"].get(code);
            let newer = self.other.body["responses"].get(code);
            let (Some(ours), Some(newer)) = (ours, newer) else {
                continue;
            };
            match (self.ours.resolve(ours), self.newer.resolve(newer)) {
                (Ok(ours), Ok(newer)) => content(&what, ours, newer, findings, schemas),
                _ => findings.add(format!("{what}: cannot be read")),
            }
        }
    }
}

/// A body in each of its forms.
fn content<'a>(
    what: &str,
    ours: &'a Value,
    newer: &'a Value,
    findings: &mut Findings,
    schemas: &mut Schemas<'a>,
) {
    let forms = |side: &'a Value| {
        let forms = side["content"].as_object().into_iter().flatten();
        // `application/json; charset=utf-8` is the same form.
        let forms = forms.map(|(form, content)| (form.split(';').next().unwrap_or(form), content));
        forms.collect::<std::collections::BTreeMap<&'a str, &'a Value>>()
    };
    let (ours, newer) = (forms(ours), forms(newer));
    let [names, others] = [&ours, &newer].map(|side| side.keys().copied().collect());
    findings.sets(&format!("{what}: form"), &names, &others);
    for (form, content) in &ours {
        if let Some(other) = newer.get(form) {
            schemas.compare(what, &content["schema"], &other["schema"], findings);
        }
    }
}
