//! From a change to the operations of a PATCH (RFC 7644 §3.5.2), as standard servers take them.
//!
//! A server refuses to `replace` an element that is not there (`noTarget`), and would make a second
//! one on `add` where there is one. So it matters what the element held before.

use super::fields::Target;
use super::record::{elements as list_of, known};
use crate::adapters::adapter::{Change, Failure, MemberChange};
use crate::mapping::field::Kind;
use crate::mapping::record::Record;
use serde_json::{Map, Value, json};

/// The operations, and whether any of them depends on what the app has.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Operations {
    pub(super) list: Vec<Value>,
    /// On elements.
    pub(super) by_element: bool,
    /// On a reference that is removed.
    pub(super) by_reference: bool,
}

/// Fields of one element that change together.
struct Element {
    target: &'static Target,
    set: Vec<(&'static Target, Value)>,
    cleared: Vec<&'static Target>,
    /// Whether the app has the element already.
    there: bool,
}

/// What to send so that an object with the change applied holds `whole`.
pub(super) fn operations(
    kind: Kind,
    change: &Change,
    whole: &Record,
) -> Result<Operations, Failure> {
    let mut list = Vec::new();
    let mut elements: Vec<Element> = Vec::new();
    let mut by_reference = false;
    for (name, value) in &change.set {
        let target = known(kind, name)?;
        if let Some(element) = element(&mut elements, target) {
            element.there |= !change.added.contains(name);
            element.set.push((target, value.clone()));
            continue;
        }
        if target.reference && !change.added.contains(name) {
            by_reference = true;
            list.push(remove(target));
        }
        list.push(replace(target, value));
    }
    for name in &change.cleared {
        let target = known(kind, name)?;
        by_reference |= target.reference;
        match element(&mut elements, target) {
            Some(element) => {
                element.there = true;
                element.cleared.push(target);
            }
            None => list.push(remove(target)),
        }
    }
    let by_element = !elements.is_empty();
    // Unchanged fields of the same element were accepted before: it is there, and stays.
    for element in &mut elements {
        element.there |= kept(kind, element.target, change, whole);
    }
    // All new elements of one attribute in one operation.
    let mut added: Vec<(String, Vec<Value>)> = Vec::new();
    for element in elements {
        let path = element.target.element_path();
        if !element.there {
            let mut parts = Map::new();
            parts.insert("type".into(), element.target.element.into());
            parts.extend(
                element
                    .set
                    .into_iter()
                    .filter_map(|(target, value)| Some((target.sub?.to_owned(), value))),
            );
            let whole = element.target.whole();
            match added.iter_mut().find(|(attribute, _)| *attribute == whole) {
                Some((_, elements)) => elements.push(Value::Object(parts)),
                None => added.push((whole, vec![Value::Object(parts)])),
            }
            continue;
        }
        if element.set.is_empty() && !kept(kind, element.target, change, whole) {
            list.push(json!({ "op": "remove", "path": path }));
            continue;
        }
        for (target, value) in element.set {
            list.push(json!({ "op": "replace", "path": target.name, "value": value }));
        }
        for target in element.cleared {
            list.push(json!({ "op": "remove", "path": target.name }));
        }
    }
    for (attribute, elements) in added {
        list.push(json!({ "op": "add", "path": attribute, "value": elements }));
    }
    Ok(Operations { list, by_element, by_reference })
}

/// Replaces what is no element. RFC 7644 §3.5.2.3: replacing what is not there adds it.
///
/// A reference is told as its whole attribute, which also those take that refuse a part of an
/// attribute of an extension (WSO2: *max one sub attribute*). The standard leaves the parts alone
/// that are not named, so the `$ref` and `displayName` of the manager before would stay: where there
/// was one, a `remove` goes before, in the same PATCH, which is applied as one. They are not emptied
/// by name instead: `$ref` is no attribute name in a path, `displayName` is read-only in the
/// standard, and many refuse null.
fn replace(target: &Target, value: &Value) -> Value {
    let value = match target.sub {
        Some(sub) if target.list => list_of(sub, value, &[]),
        Some(sub) if target.reference => json!({ sub: value }),
        _ => value.clone(),
    };
    json!({ "op": "replace", "path": path(target), "value": value })
}

/// Removes what is no element.
fn remove(target: &Target) -> Value {
    json!({ "op": "remove", "path": path(target) })
}

/// How what is no element is named.
fn path(target: &Target) -> String {
    if target.list || target.reference { target.whole() } else { target.name.clone() }
}

/// The element of a target among those that change; none for targets that are no element.
fn element<'a>(elements: &'a mut Vec<Element>, target: &'static Target) -> Option<&'a mut Element> {
    target.element?;
    let same = |element: &Element| is_same(element.target, target);
    if !elements.iter().any(same) {
        elements.push(Element { target, set: Vec::new(), cleared: Vec::new(), there: false });
    }
    elements.iter_mut().find(|element| is_same(element.target, target))
}

fn is_same(one: &Target, other: &Target) -> bool {
    one.extension == other.extension
        && one.attribute == other.attribute
        && one.element == other.element
}

/// Whether the element holds a field that the change leaves as it is.
fn kept(kind: Kind, of: &Target, change: &Change, whole: &Record) -> bool {
    whole.0.iter().any(|(name, value)| {
        !value.is_null()
            && !change.set.contains_key(name)
            && !change.cleared.contains(name)
            && super::fields::target(kind, name).is_some_and(|target| is_same(target, of))
    })
}

/// The same change for an app whose resource is known: attributes with many values are replaced as
/// a whole, from `current` to `next`, and only where they differ; so are references.
pub(super) fn computed(
    kind: Kind,
    change: &Change,
    current: &Map<String, Value>,
    next: &Map<String, Value>,
) -> Result<Vec<Value>, Failure> {
    let mut list = Vec::new();
    let mut seen = Vec::new();
    for name in change.set.keys().chain(&change.cleared) {
        let target = known(kind, name)?;
        if target.element.is_none() && !target.list && !target.reference {
            list.push(match change.set.get(name) {
                Some(value) => replace(target, value),
                None => remove(target),
            });
            continue;
        }
        if seen.contains(&target.attribute) {
            continue;
        }
        seen.push(target.attribute);
        let (before, after) = (target.held(current), target.held(next));
        if before == after {
            continue;
        }
        // Nothing of another reference is to outlive it.
        let only = before.and_then(Value::as_object).is_some_and(|parts| parts.len() < 2);
        if after.is_none() || (target.reference && before.is_some() && !only) {
            list.push(json!({ "op": "remove", "path": target.whole() }));
        }
        if let Some(after) = after {
            list.push(json!({ "op": "replace", "path": target.whole(), "value": after }));
        }
    }
    Ok(list)
}

/// Switching an account on or off.
pub(super) fn active(active: bool) -> Vec<Value> {
    vec![json!({ "op": "replace", "path": "active", "value": active })]
}

/// How an app lets go of members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Removal {
    /// `remove` with the path `members[value eq "…"]`: the standard.
    Path,
    /// `remove` with the path `members` and those who leave as value.
    Listed,
    /// Only `replace` with all who stay.
    Whole,
}

/// Who joins and who leaves, for apps that take it so; [`Removal::Whole`] tells those who join
/// only.
pub(super) fn members(change: &MemberChange, removal: Removal) -> Vec<Value> {
    let mut list = Vec::new();
    let values = |ids: &[crate::adapters::adapter::RemoteId]| {
        ids.iter().map(|id| json!({ "value": id.0 })).collect::<Vec<_>>()
    };
    if !change.add.is_empty() {
        list.push(json!({ "op": "add", "path": "members", "value": values(&change.add) }));
    }
    match removal {
        Removal::Path => list.extend(change.remove.iter().map(|id| {
            let literal = Value::from(id.0.as_str());
            json!({ "op": "remove", "path": format!("members[value eq {literal}]") })
        })),
        Removal::Listed if !change.remove.is_empty() => {
            let value = values(&change.remove);
            list.push(json!({ "op": "remove", "path": "members", "value": value }));
        }
        Removal::Listed | Removal::Whole => {}
    }
    list
}
