//! A resource at a stage of its life: a body as sent, and the checked attributes.

use super::dialect::Dialect;
use super::error::Error;
use super::schema::ResourceType;
use serde_json::{Map, Value};

/// A member of a group as a client names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Id of a User or a Group, as sent.
    pub value: String,
    /// `User` or `Group`, where the client said so.
    pub kind: Option<String>,
}

/// Attributes that are right: canonical names, right types, required ones present.
///
/// Only [`check`] and [`super::patch::apply`] make one, so the store never sees anything else.
/// `attributes` holds no `id`, `meta`, `members`, `groups`, `password`, null or empty array;
/// `schemas` is there, first, and lists the base schema and each extension that has a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Valid {
    /// Canonical attributes.
    pub attributes: Map<String, Value>,
    /// Members, for types that have them and bodies that hold them; none where the body says
    /// nothing of them.
    pub members: Option<Vec<Member>>,
}

/// Checks a body of POST or PUT.
///
/// Read-only attributes are dropped, null and empty arrays are absence, names take their canonical
/// case. `active` defaults to true on users.
///
/// # Errors
/// `invalidSyntax` for what is no object or has no `schemas`, `invalidValue` naming the attribute
/// for a wrong type or a missing required attribute.
pub fn check(_kind: &ResourceType, _body: Value, _dialect: Dialect) -> Result<Valid, Error> {
    todo!()
}

/// What PUT must not change: immutable attributes keep their first value.
///
/// # Errors
/// `mutability` naming the attribute.
pub fn check_replacement(
    _kind: &ResourceType,
    _current: &Map<String, Value>,
    _next: &Valid,
) -> Result<(), Error> {
    todo!()
}
