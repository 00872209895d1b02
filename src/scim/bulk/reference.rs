//! References to resources that do not exist yet (RFC 7644 §3.7.2): `bulkId:` and the client's own
//! id, as a whole value anywhere in a body, or as the last part of a `$ref`.

use super::PREFIX;
use serde_json::Value;

/// A reference in a body.
pub(super) struct Reference<'v> {
    /// The client's own id of the new resource.
    pub(super) bulk_id: &'v str,
    /// Whether it stands in `members`.
    pub(super) member: bool,
}

/// All references in a body, of a type that has members or not.
pub(super) fn all(data: &Value, has_members: bool) -> Vec<Reference<'_>> {
    let mut found = Vec::new();
    let Value::Object(attributes) = data else { return found };
    for (name, value) in attributes {
        let member = has_members && name.eq_ignore_ascii_case("members");
        collect(name, value, member, &mut found);
    }
    found
}

fn collect<'v>(name: &str, value: &'v Value, member: bool, found: &mut Vec<Reference<'v>>) {
    match value {
        Value::String(text) => {
            if let Some((_, bulk_id)) = split(name, text) {
                found.push(Reference { bulk_id, member });
            }
        }
        Value::Array(values) => {
            for value in values {
                collect(name, value, member, found);
            }
        }
        Value::Object(parts) => {
            for (name, value) in parts {
                collect(name, value, member, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Puts ids in the place of references; what `id` does not know stays as it is.
pub(super) fn replace(data: &mut Value, id: &impl Fn(&str) -> Option<String>) {
    if let Value::Object(attributes) = data {
        attributes.iter_mut().for_each(|(name, value)| put(name, value, id));
    }
}

fn put(name: &str, value: &mut Value, id: &impl Fn(&str) -> Option<String>) {
    match value {
        Value::String(text) => {
            if let Some((before, bulk_id)) = split(name, text)
                && let Some(new) = id(bulk_id)
            {
                *text = format!("{before}{new}");
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| put(name, value, id)),
        Value::Object(parts) => parts.iter_mut().for_each(|(name, value)| put(name, value, id)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What stands before a reference, and the client's own id in it.
fn split<'t>(name: &str, text: &'t str) -> Option<(&'t str, &'t str)> {
    if let Some(bulk_id) = text.strip_prefix(PREFIX) {
        return (!bulk_id.is_empty()).then_some(("", bulk_id));
    }
    if !name.eq_ignore_ascii_case("$ref") {
        return None;
    }
    let at = text.find("/bulkId:")?;
    let (before, reference) = text.split_at_checked(at + 1)?;
    let bulk_id = reference.strip_prefix(PREFIX)?;
    (!bulk_id.is_empty()).then_some((before, bulk_id))
}
