//! A resource at a stage of its life: a body as sent, and the checked attributes.

pub(in crate::scim) mod document;
pub(in crate::scim) mod members;
pub(in crate::scim) mod shape;

pub use shape::{MAX_DEPTH, MAX_ELEMENTS, MAX_TEXT};

use super::dialect::{Dialect, Leniency};
use super::error::{Error, Fault, shortened};
use super::schema::{Attribute, Mutability, ResourceType, Returned, Schema, Type};
use super::urn;
use serde_json::{Map, Value};
use shape::{Shape, twice};
use std::collections::HashSet;

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
pub fn check(kind: &ResourceType, body: Value, dialect: Dialect) -> Result<Valid, Error> {
    shape::within_depth(&body)?;
    let Value::Object(body) = body else {
        return Err(Fault::NotAnObject { what: format!("a {}", kind.name) }.into());
    };
    let shape = Shape { dialect };
    let mut attributes = Map::new();
    let mut members = None;
    let mut schemas = None;
    let mut seen = HashSet::with_capacity(body.len());
    for (key, value) in body {
        if !seen.insert(key.to_ascii_lowercase()) {
            return Err(twice(&key));
        }
        if key.eq_ignore_ascii_case("schemas") {
            schemas = Some(value);
        } else if let Some(schema) = kind.extension(&key) {
            let extension = check_extension(schema, value, shape)?;
            if !extension.is_empty() {
                attributes.insert(schema.id.clone(), Value::Object(extension));
            }
        } else if let Some(attribute) = kind.base_attribute(&key) {
            if kind.has_members() && attribute.name == "members" {
                if value.is_null() && dialect != Dialect::Strict {
                    // Some write null for what they do not speak of; nobody empties a group so.
                    continue;
                }
                let alone = dialect.forgives(Leniency::ArrayShape);
                members = Some(members::read(attribute, value, shape, alone)?);
            } else if let Some(value) = kept(attribute, value, shape)? {
                attributes.insert(attribute.name.clone(), value);
            }
        } else {
            unknown(&key, &kind.name, dialect)?;
        }
    }
    check_schemas(kind, schemas, dialect)?;
    // Whoever is made without a word of it is active. A PATCH may still remove it: then it is unsaid.
    if kind.schema.id == urn::USER && !attributes.contains_key("active") {
        attributes.insert("active".to_owned(), true.into());
    }
    let attributes = document::seal(kind, attributes);
    document::require(kind, &attributes)?;
    Ok(Valid { attributes, members })
}

/// What of an attribute's value is kept; none for absence, and for what is not the client's to
/// write or not ours to keep (`password`).
pub(in crate::scim) fn kept(
    attribute: &Attribute,
    value: Value,
    shape: Shape,
) -> Result<Option<Value>, Error> {
    if attribute.mutability == Mutability::ReadOnly {
        return Ok(None);
    }
    let value = shape.attribute(attribute, value, &attribute.name)?;
    Ok(value.filter(|_| is_kept(attribute)))
}

/// Whether documents hold the attribute at all.
pub(in crate::scim) fn is_kept(attribute: &Attribute) -> bool {
    attribute.mutability != Mutability::WriteOnly && attribute.returned != Returned::Never
}

fn check_extension(
    schema: &Schema,
    value: Value,
    shape: Shape,
) -> Result<Map<String, Value>, Error> {
    let given = match value {
        Value::Object(given) => given,
        Value::Null => Map::new(),
        _ => {
            return Err(not_an_extension(schema));
        }
    };
    let mut extension = Map::new();
    let mut seen = HashSet::with_capacity(given.len());
    for (key, value) in given {
        if !seen.insert(key.to_ascii_lowercase()) {
            return Err(twice(&key));
        }
        match schema.attribute(&key) {
            Some(attribute) => {
                if let Some(value) = kept(attribute, value, shape)? {
                    extension.insert(attribute.name.clone(), value);
                }
            }
            None => unknown(&key, &schema.id, shape.dialect)?,
        }
    }
    Ok(extension)
}

/// What happens to an attribute that no schema defines.
pub(in crate::scim) fn unknown(key: &str, holder: &str, dialect: Dialect) -> Result<(), Error> {
    if dialect.forgives(Leniency::UnknownAttributes) {
        return Ok(());
    }
    Err(Fault::UnknownAttribute { name: shortened(key), holder: holder.to_owned() }.into())
}

/// Checks `schemas` as sent. What is stored does not come from it: [`document::seal`] computes it.
pub(in crate::scim) fn check_schemas(
    kind: &ResourceType,
    schemas: Option<Value>,
    dialect: Dialect,
) -> Result<(), Error> {
    let urns = match schemas {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(urns)) => urns,
        Some(urn @ Value::String(_)) if dialect.forgives(Leniency::ArrayShape) => vec![urn],
        Some(_) => return Err(Fault::SchemasShape.into()),
    };
    let mut base = false;
    for urn in &urns {
        let Some(urn) = urn.as_str() else {
            return Err(Fault::SchemasShape.into());
        };
        let is_base = urn.eq_ignore_ascii_case(&kind.schema.id);
        base |= is_base;
        let known = is_base || kind.extension(urn).is_some();
        if !known && !dialect.forgives(Leniency::ForeignSchemas) {
            return Err(foreign_schema(kind, urn));
        }
    }
    if !base && !dialect.forgives(Leniency::MissingSchemas) {
        return Err(Fault::SchemasLack { urn: kind.schema.id.clone() }.into());
    }
    Ok(())
}

/// What PUT must not change: immutable attributes keep their first value.
///
/// # Errors
/// `mutability` naming the attribute.
pub fn check_replacement(
    kind: &ResourceType,
    current: &Map<String, Value>,
    next: &Valid,
) -> Result<(), Error> {
    check_immutable(&kind.schema.attributes, current, Some(&next.attributes), "")?;
    for (schema, _) in &kind.extensions {
        if let Some(current) = current.get(&schema.id).and_then(Value::as_object) {
            let next = next.attributes.get(&schema.id).and_then(Value::as_object);
            check_immutable(&schema.attributes, current, next, "")?;
        }
    }
    Ok(())
}

fn check_immutable(
    attributes: &[Attribute],
    current: &Map<String, Value>,
    next: Option<&Map<String, Value>>,
    prefix: &str,
) -> Result<(), Error> {
    for attribute in attributes {
        let Some(before) = current.get(&attribute.name) else { continue };
        let after = next.and_then(|next| next.get(&attribute.name));
        if attribute.mutability == Mutability::Immutable {
            if after != Some(before) {
                return Err(immutable(&format!("{prefix}{}", attribute.name)));
            }
        } else if let Some(before) = before.as_object() {
            let prefix = format!("{prefix}{}.", attribute.name);
            let after = after.and_then(Value::as_object);
            check_immutable(&attribute.sub_attributes, before, after, &prefix)?;
        }
    }
    Ok(())
}

/// The error of a second value for an immutable attribute.
pub(in crate::scim) fn immutable(name: &str) -> Error {
    Fault::Immutable { name: name.to_owned() }.into()
}

/// The error of a URN in `schemas` that the resource type does not have.
pub(in crate::scim) fn foreign_schema(kind: &ResourceType, urn: &str) -> Error {
    Fault::ForeignSchema { kind: kind.name.clone(), urn: shortened(urn) }.into()
}

/// The error of an extension that is no object.
pub(in crate::scim) fn not_an_extension(schema: &Schema) -> Error {
    Fault::WrongType { name: schema.id.clone(), what: Type::Complex.described() }.into()
}

#[cfg(test)]
mod tests;
