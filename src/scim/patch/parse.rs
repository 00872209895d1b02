//! Reading the body of a PATCH request.

use super::fault;
use super::target::Target;
use super::{MAX_OPERATIONS, Op, Operation};
use crate::scim::dialect::{Dialect, Leniency};
use crate::scim::error::Error;
use crate::scim::path;
use crate::scim::resource::shape;
use crate::scim::schema::ResourceType;
use crate::scim::urn;
use serde_json::{Map, Value};

/// Reads the body of a PATCH request.
///
/// # Errors
/// `invalidSyntax` for a body that is no `PatchOp`, `invalidPath` or `invalidFilter` for a
/// path, `noTarget` for a `remove` without one, `invalidValue` for an `add` or `replace` without a value.
pub fn parse(kind: &ResourceType, body: &Value, dialect: Dialect) -> Result<Vec<Operation>, Error> {
    let Value::Object(body) = body else {
        return Err(fault::syntax("a PatchOp is a JSON object"));
    };
    check_schemas(member(body, "schemas")?, dialect)?;
    let operations = match member(body, "Operations")? {
        Some(Value::Array(operations)) if !operations.is_empty() => operations,
        _ => return Err(fault::syntax("Operations takes an array of one or more operations")),
    };
    if operations.len() > MAX_OPERATIONS {
        return Err(Error::status(
            413,
            format!("Operations takes at most {MAX_OPERATIONS}: send several requests"),
        ));
    }
    let number = |(at, operation)| {
        read(kind, operation, dialect).map_err(|error| fault::numbered(at + 1, error))
    };
    operations.iter().enumerate().map(number).collect()
}

fn check_schemas(schemas: Option<&Value>, dialect: Dialect) -> Result<(), Error> {
    let is_ours = |schema: &Value| {
        schema.as_str().is_some_and(|schema| schema.eq_ignore_ascii_case(urn::PATCH_OP))
    };
    let ours = match schemas {
        Some(Value::Array(schemas)) => schemas.iter().any(is_ours),
        Some(schema @ Value::String(_)) if dialect.forgives(Leniency::ArrayShape) => {
            is_ours(schema)
        }
        None | Some(Value::Null) => false,
        Some(_) => return Err(fault::syntax("schemas takes an array of URNs")),
    };
    if ours || dialect.forgives(Leniency::MissingSchemas) {
        return Ok(());
    }
    Err(fault::syntax(format!("schemas must hold {}", urn::PATCH_OP)))
}

fn read(kind: &ResourceType, operation: &Value, dialect: Dialect) -> Result<Operation, Error> {
    let Value::Object(operation) = operation else {
        return Err(fault::syntax("an operation is a JSON object"));
    };
    let op = read_op(member(operation, "op")?, dialect)?;
    let path = match member(operation, "path")? {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(path::parse(kind, text)?),
        Some(_) => return Err(fault::path("path takes a string")),
    };
    // Paths are right or wrong by the schema alone, so that is said before anything is applied.
    if let Some(path) = &path {
        Target::of(kind, path)?;
    }
    let value = member(operation, "value")?;
    match (op, &path, value) {
        (Op::Remove, None, _) => {
            return Err(fault::no_target("remove needs a path, which says what to remove"));
        }
        (Op::Add | Op::Replace, _, None) => return Err(fault::no_value()),
        (Op::Add | Op::Replace, None, Some(value)) if !value.is_object() => {
            return Err(fault::value("without a path, value takes an object of attributes"));
        }
        _ => {}
    }
    if let Some(value) = value {
        shape::within_depth(value)?;
    }
    Ok(Operation { op, path, value: value.cloned() })
}

fn read_op(op: Option<&Value>, dialect: Dialect) -> Result<Op, Error> {
    let Some(Value::String(op)) = op else {
        return Err(fault::syntax("op takes a string: add, remove or replace"));
    };
    let lower = op.to_ascii_lowercase();
    let exact = *op == lower || dialect.forgives(Leniency::OperationCase);
    match lower.as_str() {
        "add" if exact => Ok(Op::Add),
        "remove" if exact => Ok(Op::Remove),
        "replace" if exact => Ok(Op::Replace),
        _ => {
            let shown: String = op.chars().take(20).collect();
            Err(fault::syntax(format!("op takes add, remove or replace, not {shown:?}")))
        }
    }
}

/// A member of a message, whose names are attribute names and so have no case (RFC 7643 §2.1).
fn member<'a>(message: &'a Map<String, Value>, name: &str) -> Result<Option<&'a Value>, Error> {
    let mut named =
        message.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    match (named.next(), named.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(shape::twice(name)),
    }
}
