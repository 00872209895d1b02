//! A resource at a stage of its life: a body as sent, and the checked attributes.

pub(in crate::scim) mod document;
pub(in crate::scim) mod members;
pub(in crate::scim) mod shape;

pub use shape::{MAX_DEPTH, MAX_ELEMENTS, MAX_TEXT};

use super::dialect::{Dialect, Forgiven, Leniency, Reading};
use super::error::{Error, Fault, shortened};
use super::projection::Written;
use super::schema::{Attribute, Mutability, Place, ResourceType, Schema, Type};
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
    /// Without which leniencies it would have been refused, or understood otherwise.
    pub forgiven: Forgiven,
    /// What the body holds of what is returned on request only.
    pub written: Written,
    /// Immutable attributes that the body clears, by their keys.
    cleared: Vec<String>,
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
    let reading = Reading::new(dialect);
    let shape = Shape { reading: &reading };
    let mut attributes = Map::new();
    let mut members = None;
    let mut schemas = None;
    let mut written = Written::default();
    let mut cleared = Vec::new();
    let mut seen = HashSet::with_capacity(body.len());
    for (key, value) in body {
        if !seen.insert(key.to_ascii_lowercase()) {
            return Err(twice(&key));
        }
        if key.eq_ignore_ascii_case("schemas") {
            schemas = Some(value);
        } else if let Some(schema) = kind.extension(&key) {
            let extension = check_extension(schema, value, shape, &mut written, &mut cleared)?;
            if !extension.is_empty() {
                attributes.insert(schema.id.clone(), Value::Object(extension));
            }
        } else if let Some(attribute) = kind.base_attribute(&key) {
            written.note(&Place { extension: None, attribute, sub: None }, Some(&value));
            if kind.has_members() && attribute.name == "members" {
                if value.is_null() && reading.forgives(Leniency::NullMembers) {
                    continue;
                }
                members = Some(members::read(attribute, value, shape)?);
            } else if let Some(value) = kept(attribute, value, shape)? {
                attributes.insert(attribute.name.clone(), value);
            } else if attribute.mutability == Mutability::Immutable {
                cleared.push(attribute.name.clone());
            }
        } else {
            unknown(&key, &kind.name, &reading)?;
        }
    }
    check_schemas(kind, schemas, &attributes, &reading)?;
    // Whoever is made without a word of it is active. A PATCH may still remove it: then it is unsaid.
    if kind.schema.id == urn::USER && !attributes.contains_key("active") {
        attributes.insert("active".to_owned(), true.into());
    }
    let attributes = document::seal(kind, attributes);
    document::require(kind, &attributes)?;
    Ok(Valid { attributes, members, forgiven: reading.forgiven(), written, cleared })
}

/// What of an attribute's value is kept; none for absence, and for what is not the client's to
/// write or not ours to keep (`password`).
pub(in crate::scim) fn kept(
    attribute: &Attribute,
    value: Value,
    shape: Shape<'_>,
) -> Result<Option<Value>, Error> {
    if attribute.mutability == Mutability::ReadOnly {
        return Ok(None);
    }
    let value = shape.attribute(attribute, value, &attribute.name)?;
    Ok(value.filter(|_| is_kept(attribute)))
}

/// Whether documents hold the attribute at all.
pub(in crate::scim) fn is_kept(attribute: &Attribute) -> bool {
    !attribute.is_secret()
}

fn check_extension(
    schema: &Schema,
    value: Value,
    shape: Shape<'_>,
    written: &mut Written,
    cleared: &mut Vec<String>,
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
                written
                    .note(&Place { extension: Some(schema), attribute, sub: None }, Some(&value));
                if let Some(value) = kept(attribute, value, shape)? {
                    extension.insert(attribute.name.clone(), value);
                } else if attribute.mutability == Mutability::Immutable {
                    cleared.push(format!("{}:{}", schema.id, attribute.name));
                }
            }
            None => unknown(&key, &schema.id, shape.reading)?,
        }
    }
    Ok(extension)
}

/// What happens to an attribute that no schema defines.
pub(in crate::scim) fn unknown(key: &str, holder: &str, reading: &Reading) -> Result<(), Error> {
    if reading.forgives(Leniency::UnknownAttributes) {
        return Ok(());
    }
    Err(Fault::UnknownAttribute { name: shortened(key), holder: holder.to_owned() }.into())
}

/// What happens to a member of a message that the RFC does not define.
///
/// # Errors
/// `invalidSyntax` naming it, unless that is forgiven.
pub fn unknown_member(message: &'static str, name: &str, reading: &Reading) -> Result<(), Error> {
    if reading.forgives(Leniency::UnknownMembers) {
        return Ok(());
    }
    Err(Fault::UnknownMember { message, name: shortened(name) }.into())
}

/// Checks `schemas` as sent against the attributes beside it. What is stored does not come from it:
/// [`document::seal`] computes it.
fn check_schemas(
    kind: &ResourceType,
    schemas: Option<Value>,
    attributes: &Map<String, Value>,
    reading: &Reading,
) -> Result<(), Error> {
    let urns = match schemas {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(urns)) => urns,
        Some(_) => return Err(Fault::SchemasShape.into()),
    };
    let mut base = false;
    let mut seen = HashSet::with_capacity(urns.len());
    for urn in &urns {
        let Some(urn) = urn.as_str() else {
            return Err(Fault::SchemasShape.into());
        };
        if !seen.insert(urn.to_ascii_lowercase()) && !reading.forgives(Leniency::RepeatedSchemas) {
            return Err(Fault::SchemaTwice { urn: shortened(urn) }.into());
        }
        let is_base = urn.eq_ignore_ascii_case(&kind.schema.id);
        base |= is_base;
        let known = is_base || kind.extension(urn).is_some();
        if !known && !reading.forgives(Leniency::ForeignSchemas) {
            return Err(foreign_schema(kind, urn));
        }
    }
    if !base && !reading.forgives(Leniency::MissingSchemas) {
        return Err(Fault::SchemasLack { urn: kind.schema.id.clone() }.into());
    }
    let unannounced = kind.extensions.iter().map(|(schema, _)| &schema.id).find(|urn| {
        !seen.is_empty()
            && attributes.contains_key(*urn)
            && !seen.contains(&urn.to_ascii_lowercase())
    });
    match unannounced {
        Some(urn) if !reading.forgives(Leniency::UnannouncedExtensions) => {
            Err(Fault::SchemasLack { urn: urn.clone() }.into())
        }
        _ => Ok(()),
    }
}

/// What PUT does not change (RFC 7644 §3.5.1): immutable attributes keep their first value, also
/// where the body does not speak of them.
///
/// # Errors
/// `mutability` naming the attribute that the body gives another value, or clears.
pub fn keep_immutable(
    kind: &ResourceType,
    current: &Map<String, Value>,
    next: &mut Valid,
) -> Result<(), Error> {
    let Valid { attributes, cleared, .. } = next;
    keep(&kind.schema.attributes, current, attributes, "", cleared)?;
    for (schema, _) in &kind.extensions {
        let Some(current) = current.get(&schema.id).and_then(Value::as_object) else { continue };
        let mut extension = match attributes.remove(&schema.id) {
            Some(Value::Object(extension)) => extension,
            _ => Map::new(),
        };
        keep(&schema.attributes, current, &mut extension, &format!("{}:", schema.id), cleared)?;
        attributes.insert(schema.id.clone(), Value::Object(extension));
    }
    *attributes = document::seal(kind, std::mem::take(attributes));
    Ok(())
}

fn keep(
    definitions: &[Attribute],
    current: &Map<String, Value>,
    next: &mut Map<String, Value>,
    prefix: &str,
    cleared: &[String],
) -> Result<(), Error> {
    for attribute in definitions {
        let name = &attribute.name;
        let Some(before) = current.get(name) else { continue };
        if attribute.mutability == Mutability::Immutable {
            let key = format!("{prefix}{name}");
            if cleared.contains(&key) || next.get(name).is_some_and(|after| after != before) {
                return Err(immutable(&key));
            }
            next.insert(name.clone(), before.clone());
        } else if let (Some(before), Some(after)) =
            (before.as_object(), next.get_mut(name).and_then(Value::as_object_mut))
        {
            keep(&attribute.sub_attributes, before, after, &format!("{prefix}{name}."), cleared)?;
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
