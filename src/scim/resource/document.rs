//! The document that a resource is stored as.

use crate::scim::error::{Error, Fault};
use crate::scim::schema::{Attribute, Mutability, ResourceType};
use serde_json::{Map, Value};

/// Puts attributes into the order of the schemas, drops empty extensions and lists in `schemas`
/// those that have a value.
pub(in crate::scim) fn seal(
    kind: &ResourceType,
    mut attributes: Map<String, Value>,
) -> Map<String, Value> {
    attributes.remove("schemas");
    let mut schemas = vec![Value::from(kind.schema.id.as_str())];
    let mut extensions = Map::new();
    for (schema, _) in &kind.extensions {
        if let Some(Value::Object(mut given)) = attributes.remove(&schema.id) {
            let sorted = in_order(schema.attributes.iter(), &mut given);
            if !sorted.is_empty() {
                schemas.push(schema.id.as_str().into());
                extensions.insert(schema.id.clone(), Value::Object(sorted));
            }
        }
    }
    let mut sealed = Map::new();
    sealed.insert("schemas".to_owned(), Value::Array(schemas));
    sealed.extend(in_order(kind.common.iter().chain(&kind.schema.attributes), &mut attributes));
    sealed.extend(extensions);
    sealed
}

/// The attributes in the order of their definitions, and then what no schema defines any more.
fn in_order<'a>(
    definitions: impl Iterator<Item = &'a Attribute>,
    attributes: &mut Map<String, Value>,
) -> Map<String, Value> {
    let mut sorted = Map::new();
    for definition in definitions {
        if let Some(value) = attributes.remove(&definition.name) {
            sorted.insert(definition.name.clone(), value);
        }
    }
    sorted.append(attributes);
    sorted
}

/// Refuses a sealed document that lacks a required attribute or extension.
pub(in crate::scim) fn require(
    kind: &ResourceType,
    document: &Map<String, Value>,
) -> Result<(), Error> {
    require_attributes(&kind.schema.attributes, document, "")?;
    for (schema, required) in &kind.extensions {
        match document.get(&schema.id) {
            Some(Value::Object(extension)) => {
                require_attributes(&schema.attributes, extension, "")?;
            }
            _ if *required => return Err(missing(&schema.id)),
            _ => {}
        }
    }
    Ok(())
}

fn require_attributes(
    attributes: &[Attribute],
    holder: &Map<String, Value>,
    prefix: &str,
) -> Result<(), Error> {
    for attribute in attributes {
        let given = holder.get(&attribute.name);
        if must_have(attribute) && given.is_none_or(is_blank) {
            return Err(missing(&format!("{prefix}{}", attribute.name)));
        }
        let Some(given) = given.filter(|_| attribute.sub_attributes.iter().any(must_have)) else {
            continue;
        };
        let prefix = format!("{prefix}{}.", attribute.name);
        let elements = match given {
            Value::Array(elements) => elements.as_slice(),
            one => std::slice::from_ref(one),
        };
        for element in elements.iter().filter_map(Value::as_object) {
            require_attributes(&attribute.sub_attributes, element, &prefix)?;
        }
    }
    Ok(())
}

/// Whether a client has to give it.
pub(in crate::scim) fn must_have(attribute: &Attribute) -> bool {
    attribute.required
        && matches!(attribute.mutability, Mutability::ReadWrite | Mutability::Immutable)
}

/// Whether a value does not count for a required attribute.
pub(in crate::scim) fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(elements) => elements.is_empty(),
        Value::Object(parts) => parts.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The error of a required attribute without a value.
pub(in crate::scim) fn missing(name: &str) -> Error {
    Fault::Required { name: name.to_owned() }.into()
}
