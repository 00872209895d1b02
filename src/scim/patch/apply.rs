//! Applying operations to a document.

use super::{Operation, Patched};
use crate::scim::dialect::Dialect;
use crate::scim::error::Error;
use crate::scim::schema::ResourceType;
use serde_json::{Map, Value};

/// Applies operations in order; all or nothing.
///
/// `current` is a stored document (see [`crate::scim::resource::Valid`]); members are never in it,
/// and operations on them come back as [`super::MemberChange`]s.
///
/// # Errors
/// `noTarget`, `invalidPath`, `mutability`, `invalidValue` naming the attribute and the operation's
/// number.
pub fn apply(
    _kind: &ResourceType,
    _current: &Map<String, Value>,
    _operations: &[Operation],
    _dialect: Dialect,
) -> Result<Patched, Error> {
    todo!()
}
