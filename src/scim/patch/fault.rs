//! What can be wrong with an operation.

use crate::scim::error::{Error, ScimType};

/// The same error, saying which operation (from 1) it is about.
pub(super) fn numbered(number: usize, mut error: Error) -> Error {
    error.detail.insert_str(0, &format!("operation {number}: "));
    error
}

pub(super) fn syntax(detail: impl Into<String>) -> Error {
    Error::bad(ScimType::InvalidSyntax, detail)
}

pub(super) fn value(detail: impl Into<String>) -> Error {
    Error::bad(ScimType::InvalidValue, detail)
}

pub(super) fn no_value() -> Error {
    value("add and replace need a value")
}

pub(super) fn path(detail: impl Into<String>) -> Error {
    Error::bad(ScimType::InvalidPath, detail)
}

pub(super) fn no_target(detail: impl Into<String>) -> Error {
    Error::bad(ScimType::NoTarget, detail)
}

pub(super) fn read_only(name: &str) -> Error {
    Error::bad(ScimType::Mutability, format!("{name} is read-only"))
}

pub(super) fn required(name: &str) -> Error {
    Error::bad(ScimType::Mutability, format!("{name} is required and cannot be removed"))
}
