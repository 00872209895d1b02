//! From a change to the operations of a PATCH (RFC 7644 §3.5.2), as standard servers take them.
//!
//! A server refuses to `replace` an element that is not there (`noTarget`), and would make a second
//! one on `add` where there is one. So it matters what the element held before.

use super::fields::Target;
use super::record::known;
use crate::adapters::adapter::{Change, Failure, MemberChange};
use crate::mapping::field::Kind;
use crate::mapping::record::Record;
use serde_json::{Map, Value, json};

/// The operations, and whether any of them depends on elements that the app has.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Operations {
    pub(super) list: Vec<Value>,
    pub(super) by_element: bool,
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
    for (name, value) in &change.set {
        let target = known(kind, name)?;
        match element(&mut elements, target) {
            Some(element) => {
                element.there |= !change.added.contains(name);
                element.set.push((target, value.clone()));
            }
            // RFC 7644 §3.5.2.3: replacing what is not there adds it.
            None => list.push(json!({ "op": "replace", "path": name, "value": value })),
        }
    }
    for name in &change.cleared {
        let target = known(kind, name)?;
        match element(&mut elements, target) {
            Some(element) => {
                element.there = true;
                element.cleared.push(target);
            }
            None => list.push(json!({ "op": "remove", "path": name })),
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
    Ok(Operations { list, by_element })
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
/// a whole, from `current` to `next`, and only where they differ.
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
        if target.element.is_none() {
            list.push(match change.set.get(name) {
                Some(value) => json!({ "op": "replace", "path": name, "value": value }),
                None => json!({ "op": "remove", "path": name }),
            });
            continue;
        }
        if seen.contains(&target.attribute) {
            continue;
        }
        seen.push(target.attribute);
        match (current.get(target.attribute), next.get(target.attribute)) {
            (before, after) if before == after => {}
            (_, Some(after)) => {
                list.push(json!({ "op": "replace", "path": target.attribute, "value": after }));
            }
            (_, None) => list.push(json!({ "op": "remove", "path": target.attribute })),
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
