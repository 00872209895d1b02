//! Reading the body of a PATCH request.

use super::target::Target;
use super::{MAX_OPERATIONS, Op, Operation};
use crate::scim::dialect::{Dialect, Forgiven, Leniency, Reading};
use crate::scim::error::{Error, Fault};
use crate::scim::path;
use crate::scim::resource::{shape, unknown_member};
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
        return Err(Fault::NotAnObject { what: "a PatchOp".to_owned() }.into());
    };
    let reading = Reading::new(dialect);
    check_schemas(member(body, "schemas")?, &reading)?;
    check_members(body, "a PatchOp", &["schemas", "Operations"], &reading)?;
    let operations = match member(body, "Operations")? {
        Some(Value::Array(operations)) if !operations.is_empty() => operations,
        _ => return Err(Fault::NoOperations.into()),
    };
    if operations.len() > MAX_OPERATIONS {
        return Err(Fault::TooManyOperations { most: MAX_OPERATIONS }.into());
    }
    let number = |(at, operation)| {
        let own = Reading::new(dialect);
        let read = read(kind, operation, &own).map_err(|error| error.of_operation(at + 1))?;
        // What the message was forgiven is kept with its first operation.
        let of_message = if at == 0 { reading.forgiven() } else { Forgiven::default() };
        Ok(Operation { forgiven: own.forgiven().and(of_message), ..read })
    };
    operations.iter().enumerate().map(number).collect()
}

fn check_schemas(schemas: Option<&Value>, reading: &Reading) -> Result<(), Error> {
    let is_ours = |schema: &Value| {
        schema.as_str().is_some_and(|schema| schema.eq_ignore_ascii_case(urn::PATCH_OP))
    };
    let listed = match schemas {
        Some(Value::Array(schemas)) => schemas.as_slice(),
        None | Some(Value::Null) => &[],
        Some(_) => return Err(Fault::SchemasShape.into()),
    };
    if listed.iter().any(is_ours)
        || (listed.is_empty() && reading.forgives(Leniency::MissingMessageSchemas))
    {
        return Ok(());
    }
    Err(Fault::SchemasLack { urn: urn::PATCH_OP.to_owned() }.into())
}

/// Refuses members of a message that the RFC does not define, or forgives them.
fn check_members(
    message: &Map<String, Value>,
    what: &'static str,
    known: &[&str],
    reading: &Reading,
) -> Result<(), Error> {
    for name in message.keys() {
        if !known.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            unknown_member(what, name, reading)?;
        }
    }
    Ok(())
}

fn read(kind: &ResourceType, operation: &Value, reading: &Reading) -> Result<Operation, Error> {
    let Value::Object(operation) = operation else {
        return Err(Fault::NotAnObject { what: "an operation".to_owned() }.into());
    };
    let op = read_op(member(operation, "op")?, reading)?;
    let path = match member(operation, "path")? {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(path::parse_as(kind, text, reading)?),
        Some(_) => return Err(Fault::PathShape.into()),
    };
    // Paths are right or wrong by the schema alone, so that is said before anything is applied.
    if let Some(path) = &path {
        Target::of(kind, path, reading)?;
    }
    let value = member(operation, "value")?;
    match (op, &path, value) {
        (Op::Remove, None, _) => {
            return Err(Fault::NoPath.into());
        }
        (Op::Add | Op::Replace, _, None) => return Err(Fault::NoValue.into()),
        (Op::Add | Op::Replace, None, Some(value)) if !value.is_object() => {
            return Err(Fault::ValueShape.into());
        }
        (Op::Remove, _, Some(value))
            if !value.is_null() && !reading.forgives(Leniency::RemoveListed) =>
        {
            return Err(Fault::ValueOfRemove.into());
        }
        _ => {}
    }
    check_members(operation, "an operation", &["op", "path", "value"], reading)?;
    if let Some(value) = value {
        shape::within_depth(value)?;
    }
    Ok(Operation { op, path, value: value.cloned(), forgiven: Forgiven::default() })
}

fn read_op(op: Option<&Value>, reading: &Reading) -> Result<Op, Error> {
    let Some(Value::String(op)) = op else {
        return Err(Fault::NoOp.into());
    };
    let lower = op.to_ascii_lowercase();
    let known = match lower.as_str() {
        "add" => Some(Op::Add),
        "remove" => Some(Op::Remove),
        "replace" => Some(Op::Replace),
        _ => None,
    };
    known
        .filter(|_| *op == lower || reading.forgives(Leniency::KeywordCase))
        .ok_or_else(|| Fault::UnknownOp { op: op.chars().take(20).collect() }.into())
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
