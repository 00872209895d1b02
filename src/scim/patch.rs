//! PATCH (RFC 7644 §3.5.2): parsing a body into operations, and applying them.

pub mod apply;
mod elements;
mod members;
mod parse;
mod target;
mod value_path;

pub use apply::apply;
pub use parse::parse;

use super::dialect::Forgiven;
use super::error::{Error, Fault};
use super::filter::Condition;
use super::path::Path;
use super::projection::Written;
use super::resource::Member;
use serde_json::{Map, Value};

/// Most operations in one request.
pub const MAX_OPERATIONS: usize = 10_000;

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `add`
    Add,
    /// `remove`
    Remove,
    /// `replace`
    Replace,
}

/// One operation as sent, its path parsed.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// What to do.
    pub op: Op,
    /// Where; none means the resource itself.
    pub path: Option<Path>,
    /// With what.
    pub value: Option<Value>,
    /// What had to be forgiven to read it.
    pub forgiven: Forgiven,
}

/// What an operation means for the members of a group, which are rows and not part of the document.
#[derive(Debug, Clone, PartialEq)]
pub enum MemberChange {
    /// These join.
    Add(Vec<Member>),
    /// These ids leave.
    Remove(Vec<String>),
    /// Those that match leave; the condition's fields are parts of `members`.
    RemoveWhere(Condition),
    /// These are all there are.
    Replace(Vec<Member>),
}

/// The outcome of a PATCH. Which attributes differ is the difference of two documents, so nothing
/// lists them; members are in no document, so their changes are here.
#[derive(Debug, Clone, PartialEq)]
pub struct Patched {
    /// The document after all operations, right in the sense of [`super::resource::Valid`].
    pub attributes: Map<String, Value>,
    /// Whether the document differs from the one before.
    pub changed: bool,
    /// What happens to members, in order.
    pub members: Vec<MemberChange>,
    /// Without which leniencies the request would have been refused, or understood otherwise.
    pub forgiven: Forgiven,
    /// What it writes of what is returned on request only.
    pub written: Written,
}

/// Refuses another `id` in the value of an operation without a path. The same one says which
/// resource is meant.
///
/// # Errors
/// `mutability`, with the operation's number.
pub fn check_id(operations: &[Operation], id: &str) -> Result<(), Error> {
    for (at, operation) in operations.iter().enumerate() {
        let (None, Some(Value::Object(given))) = (&operation.path, &operation.value) else {
            continue;
        };
        let mut ids = given.iter().filter(|(key, _)| key.eq_ignore_ascii_case("id"));
        if ids.any(|(_, given)| !given.is_null() && given != id) {
            let read_only = Error::from(Fault::ReadOnly { name: "id".to_owned() });
            return Err(read_only.of_operation(at + 1));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
