//! Editing the value of an attribute, whole or a part of it.

use super::{Op, value_path};
use crate::scim::error::{Error, Fault};
use crate::scim::resource::immutable;
use crate::scim::resource::shape::{
    MAX_ELEMENTS, Shape, identity, is_primary, several_primary, too_many, unite, united,
};
use crate::scim::schema::{Attribute, Mutability, Place, Type};
use crate::scim::value::sort_key;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// The attribute's value after the operation; none is absence.
pub(super) fn edit(
    op: Op,
    place: &Place<'_>,
    before: Option<Value>,
    value: Option<&Value>,
    shape: Shape<'_>,
) -> Result<Option<Value>, Error> {
    let (attribute, name) = (place.attribute, place.key());
    match (place.sub, attribute.multi_valued) {
        (None, true) => many(op, attribute, before, value, shape, &name),
        (None, false) => single(op, attribute, before, value, shape, &name),
        (Some(sub), false) => part(op, attribute, sub, before, value, shape, &name),
        (Some(sub), true) => value_path::every(op, attribute, sub, before, value, shape, &name),
    }
}

/// A whole multi-valued attribute.
fn many(
    op: Op,
    attribute: &Attribute,
    before: Option<Value>,
    value: Option<&Value>,
    shape: Shape<'_>,
    name: &str,
) -> Result<Option<Value>, Error> {
    let list = into_list(before);
    let list = match (op, value) {
        (Op::Remove, Some(listed)) if !listed.is_null() => {
            let listed = shape.elements(attribute, arrayed(listed), name)?;
            list.into_iter()
                .filter(|element| !listed.iter().any(|listed| is_meant(attribute, listed, element)))
                .collect()
        }
        (Op::Remove, _) => Vec::new(),
        (Op::Add, Some(value)) => {
            let added = shape.elements(attribute, arrayed(value), name)?;
            append(attribute, list, added, name)?
        }
        (Op::Replace, Some(value)) => shape.elements(attribute, value.clone(), name)?,
        (Op::Add | Op::Replace, None) => return Err(Fault::NoValue.into()),
    };
    Ok(from_list(list))
}

/// A whole single-valued attribute. Of a complex one, parts that are not given stay.
fn single(
    op: Op,
    attribute: &Attribute,
    before: Option<Value>,
    value: Option<&Value>,
    shape: Shape<'_>,
    name: &str,
) -> Result<Option<Value>, Error> {
    let value = match (op, value) {
        (Op::Remove, _) => return Ok(None),
        (_, None) => return Err(Fault::NoValue.into()),
        (_, Some(value)) => shape.single(attribute, value.clone(), name)?,
    };
    match value {
        Value::Null => Ok(None),
        value if attribute.kind == Type::Complex => {
            merge(attribute, into_object(before), value, shape, name)
        }
        value => shape.one(attribute, value, name),
    }
}

/// One part of a single complex attribute.
fn part(
    op: Op,
    attribute: &Attribute,
    sub: &Attribute,
    before: Option<Value>,
    value: Option<&Value>,
    shape: Shape<'_>,
    name: &str,
) -> Result<Option<Value>, Error> {
    let mut parts = into_object(before);
    let value = match (op, value) {
        (Op::Remove, _) => None,
        (_, None) => return Err(Fault::NoValue.into()),
        (_, Some(value)) => shape.attribute(sub, value.clone(), name)?,
    };
    let given = vec![(sub, value)];
    if shape.vacates(attribute, &given) {
        return Ok(None);
    }
    for (sub, value) in given {
        set(attribute, &mut parts, sub, value, name)?;
    }
    Ok(from_object(parts))
}

/// Sets the parts that are given, and removes those that are given as null.
pub(super) fn merge(
    attribute: &Attribute,
    mut parts: Map<String, Value>,
    value: Value,
    shape: Shape<'_>,
    name: &str,
) -> Result<Option<Value>, Error> {
    let given = shape.parts(attribute, value, name)?;
    if shape.vacates(attribute, &given) {
        return Ok(None);
    }
    // `value` goes first: it takes a stale `$ref` with it, but not one that is given beside it.
    let (value, others): (Vec<_>, Vec<_>) =
        given.into_iter().partition(|(sub, _)| sub.name == "value");
    for (sub, value) in value.into_iter().chain(others) {
        set(attribute, &mut parts, sub, value, &format!("{name}.{}", sub.name))?;
    }
    Ok(from_object(parts))
}

/// Sets or removes a part. A new `value` makes the old `$ref` beside it point elsewhere, so that
/// goes.
pub(super) fn set(
    attribute: &Attribute,
    parts: &mut Map<String, Value>,
    sub: &Attribute,
    value: Option<Value>,
    name: &str,
) -> Result<(), Error> {
    let before = parts.get(&sub.name);
    if before == value.as_ref() {
        return Ok(());
    }
    if sub.mutability == Mutability::Immutable && before.is_some() {
        return Err(immutable(name));
    }
    if sub.name == "value" && attribute.sub("$ref").is_some() {
        parts.remove("$ref");
    }
    match value {
        Some(value) => parts.insert(sub.name.clone(), value),
        None => parts.remove(&sub.name),
    };
    Ok(())
}

/// Adds elements. One that is there already changes nothing, one with the same `value` and `type`
/// is united with it (RFC 7643 §2.4), and a new primary one demotes the old.
fn append(
    attribute: &Attribute,
    mut list: Vec<Value>,
    added: Vec<Value>,
    name: &str,
) -> Result<Vec<Value>, Error> {
    let mut places: HashMap<String, usize> =
        list.iter().enumerate().map(|(at, element)| (identity(attribute, element), at)).collect();
    let mut claims = Vec::new();
    for element in added {
        let at = *places.entry(identity(attribute, &element)).or_insert(list.len());
        if is_primary(&element) {
            claims.push(at);
        }
        match list.get_mut(at) {
            Some(before) => unite(before, element),
            None => list.push(element),
        }
    }
    if list.len() > MAX_ELEMENTS {
        return Err(too_many(name));
    }
    demote(&mut list, &claims, name)?;
    Ok(united(attribute, list)) // one that is demoted may be equal to another now
}

/// After these elements were written: where one of them is primary, the others no longer are.
pub(super) fn demote(list: &mut [Value], touched: &[usize], name: &str) -> Result<(), Error> {
    let mut primary = touched
        .iter()
        .copied()
        .filter(|at| list.get(*at).is_some_and(is_primary))
        .collect::<Vec<_>>();
    primary.dedup();
    match primary.as_slice() {
        [] => Ok(()),
        [only] => {
            for (at, element) in list.iter_mut().enumerate() {
                if at != *only
                    && is_primary(element)
                    && let Some(flag) = element.get_mut("primary")
                {
                    *flag = Value::Bool(false);
                }
            }
            Ok(())
        }
        _ => Err(several_primary(name)),
    }
}

/// Whether an element is the one that a client lists: by its `value`, and its `type` where given;
/// without a `value`, by every part that is given.
fn is_meant(attribute: &Attribute, listed: &Value, element: &Value) -> bool {
    let (Value::Object(listed), Value::Object(element)) = (listed, element) else {
        return equal(attribute, listed, element);
    };
    let by_value = listed.contains_key("value");
    listed.iter().filter(|(name, _)| !by_value || matches!(name.as_str(), "value" | "type")).all(
        |(name, part)| {
            let sub = attribute.sub(name).unwrap_or(attribute);
            element.get(name).is_some_and(|other| equal(sub, part, other))
        },
    )
}

/// Whether two values are equal as the attribute compares them.
fn equal(attribute: &Attribute, one: &Value, other: &Value) -> bool {
    one == other
        || sort_key(attribute, one).is_some_and(|key| sort_key(attribute, other) == Some(key))
}

/// One element stands for an array of it where elements are added or removed.
pub(super) fn arrayed(value: &Value) -> Value {
    match value {
        Value::Array(_) | Value::Null => value.clone(),
        one => Value::Array(vec![one.clone()]),
    }
}

pub(super) fn into_list(value: Option<Value>) -> Vec<Value> {
    match value {
        Some(Value::Array(list)) => list,
        None | Some(Value::Null) => Vec::new(),
        Some(one) => vec![one],
    }
}

pub(super) fn from_list(list: Vec<Value>) -> Option<Value> {
    (!list.is_empty()).then_some(Value::Array(list))
}

fn into_object(value: Option<Value>) -> Map<String, Value> {
    match value {
        Some(Value::Object(parts)) => parts,
        _ => Map::new(),
    }
}

fn from_object(parts: Map<String, Value>) -> Option<Value> {
    (!parts.is_empty()).then_some(Value::Object(parts))
}
