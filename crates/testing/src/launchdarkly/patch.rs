//! JSON patches (RFC 6902), with the one liberty that the service takes.

use json_patch::{AddOperation, PatchOperation};
use serde_json::Value;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum PatchError {
    /// Not a patch at all.
    Malformed(String),
    /// A patch that does not fit the document.
    Failed(String),
    /// A `test` that did not hold.
    TestFailed(String),
}

/// Applies a patch to a copy of the document.
///
/// `replaceable` says which absent members `replace` may set all the same.
pub(super) fn apply(
    document: &Value,
    steps: &[Value],
    replaceable: impl Fn(&str) -> bool,
) -> Result<Value, PatchError> {
    let steps: Vec<PatchOperation> = serde_json::from_value(steps.into())
        .map_err(|error| PatchError::Malformed(format!("this is no JSON patch: {error}")))?;
    let mut document = document.clone();
    for step in steps {
        let path = step.path().as_str().to_owned();
        let step = match step {
            PatchOperation::Replace(replace)
                if replaceable(&path) && document.pointer(&path).is_none() =>
            {
                let (path, value) = (replace.path, replace.value);
                PatchOperation::Add(AddOperation { path, value })
            }
            step => step,
        };
        let is_test = matches!(step, PatchOperation::Test(_));
        json_patch::patch(&mut document, &[step]).map_err(|error| {
            if is_test {
                PatchError::TestFailed(format!("the test of {path} does not hold"))
            } else {
                PatchError::Failed(format!("{path}: {}", error.kind))
            }
        })?;
    }
    Ok(document)
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
            {"op": "test", "path": "/lax", "value": [1.0]},
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
