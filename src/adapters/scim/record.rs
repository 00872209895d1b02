//! From a record to a resource and back, by the same table of fields.

use super::fields::{Target, target, targets};
use crate::adapters::adapter::{Failure, Observed, Reason, RemoteId};
use crate::mapping::field::Kind;
use crate::mapping::record::Record;
use crate::scim::urn;
use serde_json::{Map, Value, json};

/// A resource to be made: everything of the record that has a value.
pub(super) fn creation(kind: Kind, record: &Record) -> Result<Value, Failure> {
    let mut resource = Map::new();
    resource.insert("schemas".into(), json!([]));
    overlay(kind, &mut resource, record)?;
    if kind == Kind::User {
        resource.insert("active".into(), true.into());
        // Servers that want one primary address get one where there is no choice.
        if let Some([Value::Object(only)]) =
            resource.get_mut("emails").and_then(Value::as_array_mut).map(Vec::as_mut_slice)
            && only.get("type").is_some_and(|kind| kind == "work")
        {
            only.insert("primary".into(), true.into());
        }
    }
    Ok(Value::Object(resource))
}

/// Sets and empties fields of a resource; everything else in it stays.
pub(super) fn overlay(
    kind: Kind,
    resource: &mut Map<String, Value>,
    record: &Record,
) -> Result<(), Failure> {
    // Emptied last: an element of which one part takes the place of another stays that element.
    for (name, value) in record.0.iter().filter(|(_, value)| !value.is_null()) {
        set(known(kind, name)?, resource, value.clone());
    }
    for (name, _) in record.0.iter().filter(|(_, value)| value.is_null()) {
        empty(known(kind, name)?, resource);
    }
    declare(kind, resource);
    Ok(())
}

/// The target of a field.
pub(super) fn known(kind: Kind, name: &str) -> Result<&'static Target, Failure> {
    target(kind, name).ok_or_else(|| {
        Failure::Refused(Reason {
            field: Some(name.to_owned()),
            detail: format!("A SCIM app has no field {name}."),
            remedy: "Remove the field from the field mapping.".into(),
        })
    })
}

/// `schemas` lists the base schema, and an extension exactly when it has a value.
fn declare(kind: Kind, resource: &mut Map<String, Value>) {
    let base = match kind {
        Kind::User => urn::USER,
        Kind::Group => urn::GROUP,
    };
    let extended = resource.contains_key(urn::ENTERPRISE_USER);
    let mut schemas: Vec<Value> =
        resource.get("schemas").and_then(Value::as_array).cloned().unwrap_or_default();
    schemas.retain(|schema| schema != urn::ENTERPRISE_USER || extended);
    for (wanted, schema) in [(true, base), (extended, urn::ENTERPRISE_USER)] {
        if wanted && !schemas.iter().any(|listed| listed == schema) {
            schemas.push(schema.into());
        }
    }
    resource.insert("schemas".into(), Value::Array(schemas));
}

fn object<'a>(
    holder: &'a mut Map<String, Value>,
    name: &str,
) -> Option<&'a mut Map<String, Value>> {
    let entry = holder.entry(name).or_insert_with(|| Value::Object(Map::new()));
    if !entry.is_object() {
        *entry = Value::Object(Map::new());
    }
    entry.as_object_mut()
}

fn set(target: &Target, resource: &mut Map<String, Value>, value: Value) {
    let holder = match target.extension {
        Some(urn) => object(resource, urn),
        None => Some(resource),
    };
    let Some(holder) = holder else { return };
    match (target.element, target.sub) {
        (Some(kind), Some(sub)) => {
            let entry = holder.entry(target.attribute).or_insert_with(|| json!([]));
            if !entry.is_array() {
                *entry = json!([]);
            }
            let Some(elements) = entry.as_array_mut() else { return };
            if let Some(element) = elements.iter_mut().find_map(|element| typed(element, kind)) {
                element.insert(sub.into(), value);
            } else {
                let mut element = Map::new();
                element.insert("type".into(), kind.into());
                element.insert(sub.into(), value);
                elements.push(Value::Object(element));
            }
        }
        (_, Some(sub)) if target.list => {
            let current = holder.get(target.attribute).and_then(Value::as_array);
            let next = elements(sub, &value, current.map(Vec::as_slice).unwrap_or_default());
            holder.insert(target.attribute.into(), next);
        }
        (_, Some(sub)) => {
            let stays = || holder.get(target.attribute)?.get(sub);
            if target.reference && stays() != Some(&value) {
                holder.remove(target.attribute);
            }
            if let Some(parts) = object(holder, target.attribute) {
                parts.insert(sub.into(), value);
            }
        }
        (_, None) => {
            holder.insert(target.attribute.into(), value);
        }
    }
}

/// The elements of an attribute of which only one part is wanted; those that are there already
/// stay as they are.
pub(super) fn elements(sub: &str, values: &Value, current: &[Value]) -> Value {
    let values = values.as_array().map(Vec::as_slice).unwrap_or_default();
    let element = |value: &Value| {
        let same = current.iter().find(|element| element.get(sub) == Some(value));
        same.cloned().unwrap_or_else(|| json!({ sub: value }))
    };
    values.iter().map(element).collect()
}

/// The element's parts, where it is of the type.
fn typed<'a>(element: &'a mut Value, kind: &str) -> Option<&'a mut Map<String, Value>> {
    is_typed(element, kind).then(|| element.as_object_mut()).flatten()
}

fn is_typed(element: &Value, kind: &str) -> bool {
    element.get("type").and_then(Value::as_str).is_some_and(|own| own.eq_ignore_ascii_case(kind))
}

fn empty(target: &Target, resource: &mut Map<String, Value>) {
    let Some(urn) = target.extension else { return empty_in(target, resource) };
    if let Some(Value::Object(extension)) = resource.get_mut(urn) {
        empty_in(target, extension);
        if extension.is_empty() {
            resource.remove(urn);
        }
    }
}

fn empty_in(target: &Target, holder: &mut Map<String, Value>) {
    let gone = match (target.element, target.sub, holder.get_mut(target.attribute)) {
        (Some(kind), Some(sub), Some(Value::Array(elements))) => {
            for element in elements.iter_mut() {
                if let Some(parts) = typed(element, kind) {
                    parts.remove(sub);
                }
            }
            // What is left of an element without a value says nothing.
            elements.retain(|element| {
                !is_typed(element, kind)
                    || element.as_object().is_some_and(|parts| {
                        parts.keys().any(|name| !matches!(&**name, "type" | "primary" | "display"))
                    })
            });
            elements.is_empty()
        }
        (None, Some(_), Some(_)) if target.list || target.reference => true,
        (None, Some(sub), Some(Value::Object(parts))) => {
            parts.remove(sub);
            parts.is_empty()
        }
        (None, None, Some(_)) => true,
        _ => false,
    };
    if gone {
        holder.remove(target.attribute);
    }
}

/// A resource as the app shows it; none where it has no id.
pub(super) fn observed(kind: Kind, resource: &Value) -> Option<Observed> {
    let resource = resource.as_object()?;
    let id = match resource.get("id")? {
        Value::String(id) if !id.is_empty() => id.clone(),
        Value::Number(id) => id.to_string(),
        _ => return None,
    };
    let record = targets(kind)
        .iter()
        .filter_map(|target| Some((target.name.clone(), read(target, resource)?)))
        .collect();
    let active = match resource.get("active") {
        Some(Value::Bool(active)) => Some(*active),
        Some(Value::String(text)) => text.to_ascii_lowercase().parse().ok(),
        _ => None,
    };
    Some(Observed { id: RemoteId(id), record: Record(record), active })
}

fn read(target: &Target, resource: &Map<String, Value>) -> Option<Value> {
    let holder = match target.extension {
        Some(urn) => resource.get(urn)?.as_object()?,
        None => resource,
    };
    let attribute = holder.get(target.attribute)?;
    let value = match (target.element, target.sub) {
        (Some(kind), Some(sub)) => {
            attribute.as_array()?.iter().find(|element| is_typed(element, kind))?.get(sub)?
        }
        (_, Some(sub)) if target.list => {
            let values: Vec<Value> =
                attribute.as_array()?.iter().filter_map(|one| one.get(sub)).cloned().collect();
            return (!values.is_empty()).then_some(Value::Array(values));
        }
        (_, Some(sub)) => attribute.get(sub)?,
        (_, None) => attribute,
    };
    match value {
        Value::Null | Value::Array(_) | Value::Object(_) => None,
        Value::String(text) if text.is_empty() => None,
        value => Some(value.clone()),
    }
}
