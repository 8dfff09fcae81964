//! JSON patches (RFC 6902), with the one liberty that the service takes.

use serde_json::Value;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum PatchError {
    /// Not a patch at all.
    Malformed(&'static str),
    /// A patch that does not fit the document.
    Failed(String),
    /// A `test` that did not hold.
    TestFailed(String),
}

#[derive(Debug)]
struct Step {
    kind: Kind,
    /// As given, for messages.
    path: String,
    at: Pointer,
}

#[derive(Debug)]
enum Kind {
    Add(Value),
    Remove,
    Replace(Value),
    Move(Pointer),
    Copy(Pointer),
    Test(Value),
}

type Pointer = Vec<String>;

/// Applies a patch to a copy of the document.
///
/// `replaceable` says which absent members `replace` may set all the same.
pub(super) fn apply(
    document: &Value,
    patch: &[Value],
    replaceable: impl Fn(&str) -> bool,
) -> Result<Value, PatchError> {
    let steps: Vec<Step> = patch.iter().map(read).collect::<Result<_, _>>()?;
    let mut document = document.clone();
    for step in steps {
        let absent = || PatchError::Failed(format!("nothing is at {}", step.path));
        match step.kind {
            Kind::Add(value) => add(&mut document, &step.at, value),
            Kind::Remove => remove(&mut document, &step.at).map(drop),
            Kind::Replace(value) => match find_mut(&mut document, &step.at) {
                Some(place) => {
                    *place = value;
                    Some(())
                }
                None if replaceable(&step.path) => add(&mut document, &step.at, value),
                None => None,
            },
            // Moving something into itself has nowhere to go.
            Kind::Move(from) if step.at.len() > from.len() && step.at.starts_with(&from) => None,
            Kind::Move(from) if from == step.at => find(&document, &from).map(drop),
            Kind::Move(from) => {
                remove(&mut document, &from).and_then(|value| add(&mut document, &step.at, value))
            }
            Kind::Copy(from) => find(&document, &from)
                .cloned()
                .and_then(|value| add(&mut document, &step.at, value)),
            Kind::Test(value) => match find(&document, &step.at) {
                Some(found) if equal(found, &value) => Some(()),
                _ => {
                    return Err(PatchError::TestFailed(format!(
                        "the test of {} does not hold",
                        step.path
                    )));
                }
            },
        }
        .ok_or_else(absent)?;
    }
    Ok(document)
}

fn read(step: &Value) -> Result<Step, PatchError> {
    let malformed = PatchError::Malformed;
    let text = |name| step.get(name).and_then(Value::as_str);
    let op = text("op").ok_or(malformed("an operation has no op"))?;
    let path = text("path").ok_or(malformed("an operation has no path"))?;
    let value = || {
        step.get("value")
            .cloned()
            .ok_or(malformed("an operation has no value"))
    };
    let from = || pointer(text("from").ok_or(malformed("an operation has no from"))?);
    let kind = match op {
        "add" => Kind::Add(value()?),
        "remove" => Kind::Remove,
        "replace" => Kind::Replace(value()?),
        "move" => Kind::Move(from()?),
        "copy" => Kind::Copy(from()?),
        "test" => Kind::Test(value()?),
        _ => return Err(malformed("an operation has an unknown op")),
    };
    Ok(Step {
        kind,
        path: path.to_owned(),
        at: pointer(path)?,
    })
}

/// Reads a JSON pointer (RFC 6901).
fn pointer(text: &str) -> Result<Pointer, PatchError> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let Some(text) = text.strip_prefix('/') else {
        return Err(PatchError::Malformed("a path does not begin with a slash"));
    };
    // This order, or `~01` would become a slash.
    let unescape = |segment: &str| segment.replace("~1", "/").replace("~0", "~");
    Ok(text.split('/').map(unescape).collect())
}

fn find<'a>(document: &'a Value, at: &[String]) -> Option<&'a Value> {
    at.iter().try_fold(document, |value, segment| match value {
        Value::Object(members) => members.get(segment),
        Value::Array(items) => items.get(index(segment)?),
        _ => None,
    })
}

fn find_mut<'a>(document: &'a mut Value, at: &[String]) -> Option<&'a mut Value> {
    at.iter().try_fold(document, |value, segment| match value {
        Value::Object(members) => members.get_mut(segment),
        Value::Array(items) => items.get_mut(index(segment)?),
        _ => None,
    })
}

fn add(document: &mut Value, at: &[String], value: Value) -> Option<()> {
    let Some((last, parent)) = at.split_last() else {
        *document = value;
        return Some(());
    };
    match find_mut(document, parent)? {
        Value::Object(members) => {
            members.insert(last.clone(), value);
        }
        Value::Array(items) if last == "-" => items.push(value),
        Value::Array(items) => {
            let place = index(last).filter(|place| *place <= items.len())?;
            items.insert(place, value);
        }
        _ => return None,
    }
    Some(())
}

fn remove(document: &mut Value, at: &[String]) -> Option<Value> {
    let (last, parent) = at.split_last()?;
    match find_mut(document, parent)? {
        Value::Object(members) => members.remove(last),
        Value::Array(items) => {
            let place = index(last).filter(|place| *place < items.len())?;
            Some(items.remove(place))
        }
        _ => None,
    }
}

/// An index of an array: digits without leading zeros.
fn index(segment: &str) -> Option<usize> {
    let plain = segment.bytes().all(|byte| byte.is_ascii_digit());
    if !plain || (segment.len() > 1 && segment.starts_with('0')) {
        return None;
    }
    segment.parse().ok()
}

/// Equality in the sense of `test`: numbers by their value.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x == y || x.as_f64() == y.as_f64(),
        (Value::Array(x), Value::Array(y)) => {
            x.len() == y.len() && x.iter().zip(y).all(|(x, y)| equal(x, y))
        }
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len()
                && x.iter()
                    .all(|(name, x)| y.get(name).is_some_and(|y| equal(x, y)))
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patched(document: &Value, patch: &Value) -> Result<Value, PatchError> {
        apply(document, patch.as_array().unwrap(), |path| path == "/lax")
    }

    #[test]
    fn all_six_operations_do_their_work() {
        let document = json!({"a": 1, "list": ["x", "y"], "deep": {"b/c": {"~": true}}});
        let patch = json!([
            {"op": "add", "path": "/list/1", "value": "between"},
            {"op": "add", "path": "/list/-", "value": "last"},
            {"op": "remove", "path": "/list/0"},
            {"op": "replace", "path": "/a", "value": null},
            {"op": "move", "from": "/deep/b~1c", "path": "/moved"},
            {"op": "copy", "from": "/moved/~0", "path": "/copied"},
            {"op": "test", "path": "/list", "value": ["between", "y", "last"]},
            {"op": "replace", "path": "/lax", "value": [1.0]},
            {"op": "test", "path": "/lax", "value": [1]},
        ]);
        assert_eq!(
            patched(&document, &patch).unwrap(),
            json!({
                "a": null, "list": ["between", "y", "last"], "deep": {},
                "moved": {"~": true}, "copied": true, "lax": [1.0],
            })
        );
    }

    #[test]
    fn what_does_not_fit_fails() {
        let document = json!({"a": {"b": 1}, "list": [1]});
        for step in [
            json!({"op": "remove", "path": "/gone"}),
            json!({"op": "remove", "path": ""}),
            json!({"op": "replace", "path": "/gone", "value": 1}),
            json!({"op": "add", "path": "/gone/deep", "value": 1}),
            json!({"op": "add", "path": "/list/2", "value": 1}),
            json!({"op": "remove", "path": "/list/00"}),
            json!({"op": "move", "from": "/a", "path": "/a/b"}),
            json!({"op": "copy", "from": "/gone", "path": "/a"}),
        ] {
            let outcome = patched(&document, &json!([step]));
            assert!(matches!(outcome, Err(PatchError::Failed(_))), "{step}");
        }
        for (path, value) in [("/a", json!({})), ("/gone", json!(null))] {
            let patch = json!([{"op": "test", "path": path, "value": value}]);
            let outcome = patched(&document, &patch);
            assert!(matches!(outcome, Err(PatchError::TestFailed(_))), "{patch}");
        }
    }

    #[test]
    fn what_is_no_patch_is_told_apart() {
        for step in [
            json!(1),
            json!({"path": "/a"}),
            json!({"op": "remove"}),
            json!({"op": "add", "path": "/a"}),
            json!({"op": "move", "path": "/a"}),
            json!({"op": "increase", "path": "/a"}),
            json!({"op": "remove", "path": "a"}),
        ] {
            let outcome = patched(&json!({"a": 1}), &json!([step]));
            assert!(matches!(outcome, Err(PatchError::Malformed(_))), "{step}");
        }
    }
}
