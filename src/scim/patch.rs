//! PATCH (RFC 7644 §3.5.2): parsing a body into operations, and applying them.

pub mod apply;
mod elements;
mod members;
mod parse;
mod target;
mod value_path;

pub use apply::apply;
pub use parse::parse;

use super::filter::Condition;
use super::path::Path;
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

/// The outcome of a PATCH.
#[derive(Debug, Clone, PartialEq)]
pub struct Patched {
    /// The document after all operations, right in the sense of [`super::resource::Valid`].
    pub attributes: Map<String, Value>,
    /// Whether the document differs from the one before.
    pub changed: bool,
    /// What happens to members, in order.
    pub members: Vec<MemberChange>,
}

#[cfg(test)]
mod tests;
