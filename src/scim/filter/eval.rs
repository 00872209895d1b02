//! Evaluation in memory: the oracle of the store's SQL.

use super::{Condition, Field, Operator};
use crate::scim::schema::Type;
use crate::scim::value;
use serde_json::{Map, Value};

/// Whether a complete resource (with `id`, `meta` and, for groups, `members`) meets a condition.
pub fn matches(condition: &Condition, resource: &Map<String, Value>) -> bool {
    meets(condition, &Subject::Resource(resource))
}

/// Whether one element of a multi-valued attribute meets the inner condition of a
/// [`Condition::Element`].
pub fn element_matches(inner: &Condition, element: &Value) -> bool {
    meets(inner, &Subject::Element(element))
}

/// What a condition is asked of.
enum Subject<'a> {
    Resource(&'a Map<String, Value>),
    Element(&'a Value),
}

fn meets(condition: &Condition, subject: &Subject<'_>) -> bool {
    match condition {
        Condition::Always => true,
        Condition::Never => false,
        Condition::All(parts) => parts.iter().all(|part| meets(part, subject)),
        Condition::Any(parts) => parts.iter().any(|part| meets(part, subject)),
        Condition::Not(inner) => !meets(inner, subject),
        Condition::Present(field) => {
            let mut present = false;
            subject.each(field, &mut |value| present |= has_value(value));
            present
        }
        Condition::Compare(field, operator, operand) => {
            let mut keys = 0_usize;
            let mut hit = false;
            subject.each(field, &mut |value| {
                if let Some(key) = value::key(field.kind, field.case_exact, value) {
                    keys += 1;
                    hit |= operator.compares(&key, operand);
                }
            });
            hit || (keys == 0 && *operator == Operator::NotEqual)
        }
        Condition::Element(field, inner) => {
            let mut hit = false;
            subject.each(field, &mut |element| {
                hit |= meets(inner, &Subject::Element(element));
            });
            hit
        }
    }
}

impl Operator {
    /// Whether a value compares so with an operand, both in the encoding of [`value::sort_key`].
    pub fn compares(self, key: &str, operand: &str) -> bool {
        match self {
            Self::Equal => key == operand,
            Self::NotEqual => key != operand,
            Self::Contains => key.contains(operand),
            Self::StartsWith => key.starts_with(operand),
            Self::EndsWith => key.ends_with(operand),
            Self::Greater => key > operand,
            Self::GreaterOrEqual => key >= operand,
            Self::Less => key < operand,
            Self::LessOrEqual => key <= operand,
        }
    }
}

impl Subject<'_> {
    /// Every value of a field: elements of arrays one by one.
    fn each(&self, field: &Field, visit: &mut impl FnMut(&Value)) {
        match self {
            Self::Resource(resource) => {
                let holder = match &field.extension {
                    None => Some(*resource),
                    Some(urn) => resource.get(urn).and_then(Value::as_object),
                };
                let Some(attribute) = holder.and_then(|map| map.get(&field.attribute)) else {
                    return;
                };
                if let Value::Array(elements) = attribute {
                    for element in elements {
                        part(element, field, visit);
                    }
                } else {
                    part(attribute, field, visit);
                }
            }
            Self::Element(element) => part(element, field, visit),
        }
    }
}

fn part(element: &Value, field: &Field, visit: &mut impl FnMut(&Value)) {
    let value = match &field.sub {
        None => Some(element),
        Some(sub) => element.get(sub),
    };
    match value {
        None | Some(Value::Null) => {}
        Some(Value::Array(values)) if field.kind != Type::Complex => {
            values.iter().filter(|value| !value.is_null()).for_each(visit);
        }
        Some(value) => visit(value),
    }
}

/// Whether there is anything in it: a complex value has one when any part has.
fn has_value(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(values) => values.iter().any(has_value),
        Value::Object(parts) => parts.values().any(has_value),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

#[cfg(test)]
mod tests;
