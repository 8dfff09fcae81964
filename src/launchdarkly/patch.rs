//! JSON Patch (RFC 6902) for tokens.

use std::time::SystemTime;

use serde_json::Value;

use super::models::Access;
use super::{PatchOp, PatchOperation};
use crate::error::Result;
use crate::generated::launchdarkly::types::JsonPatch;
use crate::time::{Expiry, UnixMillis};
use crate::transport::{Operation, Session};

/// A change to a token, step by step; the service applies all steps or none.
///
/// ```
/// use access_tokens::launchdarkly::{Patch, Role};
/// use serde_json::json;
///
/// let patch = Patch::new()
///     .test_name("old")                        // only if it still has this name
///     .replace_name("new")
///     .test("/description", json!(null))       // null is sent, which absent is not
///     .remove("/inlineRole");
/// assert_eq!(patch.operations().len(), 4);
/// ```
///
/// Known to be changeable are the name, the kind of access (of personal tokens only) and, since
/// October 2026, the expiry. `remove` of a member that is not there fails (422).
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct Patch {
    operations: Vec<PatchOperation>,
    /// The times in the steps, to be held against the clock when the patch is sent.
    ends: Vec<SystemTime>,
}

impl Patch {
    /// A patch without steps.
    pub fn new() -> Self {
        Self::default()
    }

    /// The steps so far.
    #[must_use]
    pub fn operations(&self) -> &[PatchOperation] {
        &self.operations
    }

    /// Any step, as it is.
    pub fn operation(mut self, operation: PatchOperation) -> Self {
        self.operations.push(operation);
        self
    }

    fn step(self, op: PatchOp, path: impl Into<String>, value: Option<Value>) -> Self {
        self.operation(PatchOperation::new(op, path, value))
    }

    /// Makes the whole patch fail unless the member has this value.
    pub fn test(self, path: impl Into<String>, value: impl Into<Value>) -> Self {
        self.step(PatchOp::Test, path, Some(value.into()))
    }

    /// Sets a member, whether it is there or not.
    pub fn add(self, path: impl Into<String>, value: impl Into<Value>) -> Self {
        self.step(PatchOp::Add, path, Some(value.into()))
    }

    /// Puts another value into a member.
    pub fn replace(self, path: impl Into<String>, value: impl Into<Value>) -> Self {
        self.step(PatchOp::Replace, path, Some(value.into()))
    }

    /// Takes a member away; fails if it is not there.
    pub fn remove(self, path: impl Into<String>) -> Self {
        self.step(PatchOp::Remove, path, None)
    }

    /// Makes the whole patch fail unless the token has this name.
    pub fn test_name(self, name: impl Into<String>) -> Self {
        self.test("/name", name.into())
    }

    /// Renames the token, or names one that has no name.
    pub fn replace_name(self, name: impl Into<String>) -> Self {
        self.add("/name", name.into())
    }

    /// Gives the token another description, or one that has none its first. No official client does
    /// this; expect it to work, and look at what comes back.
    pub fn replace_description(self, description: impl Into<String>) -> Self {
        self.add("/description", description.into())
    }

    /// Gives the token other access of the kind it has. To change the kind, add a
    /// [`remove`](Self::remove) of the old one (`/role`, `/customRoleIds` or `/inlineRole`), as the
    /// service's Terraform provider does. The access of a service token cannot be changed.
    pub fn replace_access(self, access: impl Into<Access>) -> Self {
        match access.into() {
            Access::Role(role) => self.replace("/role", role.as_str()),
            Access::CustomRoles(roles) => self.replace("/customRoleIds", roles),
            Access::InlinePolicy(statements) => {
                let statements = serde_json::to_value(statements).unwrap_or_default();
                self.replace("/inlineRole", statements)
            }
        }
    }

    /// Ends the token at this time (API of October 2026; an older service ignores or refuses it, so
    /// look at [`Token::expires`](super::Token::expires) of what comes back).
    pub fn expire_at(mut self, time: SystemTime) -> Self {
        // One that does not fit never goes out: the patch is refused when it is sent.
        self.ends.push(time);
        let millis = UnixMillis::from_system_time(time).map_or(0, UnixMillis::get);
        self.add("/expiry", millis)
    }

    /// Whether the patch, sent again after a lost answer, fails or leads to the same state: it has a
    /// precondition, and no step that goes by a place in a list or that this crate does not know.
    pub(super) fn is_guarded(&self) -> bool {
        let tested = self.operations.iter().any(|step| step.op == PatchOp::Test);
        let again = |step: &PatchOperation| match step.op {
            PatchOp::Test | PatchOp::Replace => true,
            PatchOp::Add | PatchOp::Remove => !names_a_place(&step.path),
            PatchOp::Other(_) => false,
        };
        tested && self.operations.iter().all(again)
    }

    pub(super) fn body(self, session: &Session, operation: &Operation) -> Result<JsonPatch> {
        if self.operations.is_empty() {
            return Err(session.input(operation, "patch", "must have at least one step"));
        }
        if let Some(bad) = self.operations.iter().find(|step| !is_pointer(&step.path)) {
            let rule = format!(
                "{:?} is no JSON pointer; it must begin with a slash",
                bad.path
            );
            return Err(session.input(operation, "path", rule));
        }
        for time in self.ends {
            session.resolve(
                operation,
                "expiry",
                Expiry::At(time),
                UnixMillis::not_before,
            )?;
        }
        Ok(JsonPatch(self.operations))
    }
}

/// Whether a pointer may go by a place in a list, where adding and removing moves the others.
fn names_a_place(path: &str) -> bool {
    let last = path.rsplit('/').next().unwrap_or_default();
    last == "-" || (!last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_pointer(path: &str) -> bool {
    path.is_empty() || path.starts_with('/')
}

impl From<Vec<PatchOperation>> for Patch {
    fn from(operations: Vec<PatchOperation>) -> Self {
        Self {
            operations,
            ends: Vec::new(),
        }
    }
}

impl PatchOperation {
    /// A single step; `None` leaves the value out, `Some(Value::Null)` sends null.
    pub fn new(op: impl Into<PatchOp>, path: impl Into<String>, value: Option<Value>) -> Self {
        Self {
            op: op.into(),
            path: path.into(),
            value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_leads_to_the_same_state_is_repeated() {
        let named = || Patch::new().test_name("old");
        let moved = PatchOperation::new("move", "/name", None);
        for (patch, again) in [
            (named().replace_name("new"), true),
            (named().remove("/description").add("/expiry", 5), true),
            (named().replace("/inlineRole/0/effect", "deny"), true),
            (Patch::new().replace_name("new"), false),
            (named().add("/customRoleIds/-", "a"), false),
            (named().add("/customRoleIds/0", "a"), false),
            (named().remove("/customRoleIds/10"), false),
            (named().operation(moved), false),
        ] {
            assert_eq!(patch.is_guarded(), again, "{:?}", patch.operations());
        }
    }
}
