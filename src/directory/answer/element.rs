//! Members and groups as elements of `members` and `groups`.

use super::location;
use crate::id::ResourceId;
use crate::scim::schema::Registry;
use crate::store::members::{MemberRow, Membership};
use serde_json::{Map, Value};

/// Inserts an array before `meta`, unless it is empty: absence and an empty array are the same.
pub(super) fn insert(
    resource: &mut Map<String, Value>,
    name: &str,
    elements: impl Iterator<Item = Value>,
) {
    let elements: Vec<Value> = elements.collect();
    if !elements.is_empty() {
        let meta = resource.shift_remove("meta");
        resource.insert(name.to_owned(), Value::Array(elements));
        resource.extend(meta.map(|meta| ("meta".to_owned(), meta)));
    }
}

pub(super) fn member(registry: &Registry, base: &str, row: &MemberRow) -> Value {
    reference(registry, base, &row.kind, row.id, row.display.as_deref(), &row.kind)
}

pub(super) fn group(registry: &Registry, base: &str, row: &Membership) -> Value {
    let how = if row.indirect { "indirect" } else { "direct" };
    reference(registry, base, "Group", row.group, row.display.as_deref(), how)
}

fn reference(
    registry: &Registry,
    base: &str,
    kind: &str,
    id: ResourceId,
    display: Option<&str>,
    how: &str,
) -> Value {
    let mut element = Map::new();
    element.insert("value".to_owned(), id.to_string().into());
    if let Some(kind) = registry.named(kind) {
        element.insert("$ref".to_owned(), location(base, kind, id).into());
    }
    if let Some(display) = display {
        element.insert("display".to_owned(), display.into());
    }
    element.insert("type".to_owned(), how.into());
    Value::Object(element)
}
