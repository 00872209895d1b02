//! What follows from a condition for every resource of a type, before any of them is looked at.

use super::{Condition, Field, Operator};
use crate::scim::value;
use serde_json::Value;

impl Condition {
    /// The condition without what holds for every resource of that type, or for none: comparisons
    /// of `meta.resourceType`, and what [`Condition::Always`] and [`Condition::Never`] decide.
    #[must_use]
    pub fn settled(self, kind: &str) -> Self {
        match self {
            Self::All(parts) => joined(parts, kind, Self::All, (Self::Always, Self::Never)),
            Self::Any(parts) => joined(parts, kind, Self::Any, (Self::Never, Self::Always)),
            Self::Not(inner) => match inner.settled(kind) {
                Self::Always => Self::Never,
                Self::Never => Self::Always,
                inner => Self::Not(Box::new(inner)),
            },
            // The inside of brackets is asked of one element: `meta` is never in there.
            Self::Element(field, inner) => match inner.settled(kind) {
                Self::Never => Self::Never,
                inner => Self::Element(field, Box::new(inner)),
            },
            Self::Compare(field, operator, operand) if field.key == "meta.resourceType" => {
                if is_of(kind, &field, operator, &operand) { Self::Always } else { Self::Never }
            }
            other => other,
        }
    }
}

fn is_of(kind: &str, field: &Field, operator: Operator, operand: &str) -> bool {
    let key = value::key(field.kind, field.case_exact, &Value::from(kind));
    key.is_some_and(|key| operator.compares(&key, operand))
}

/// Parts without those that are neutral; one that decides stands for all of them.
fn joined(
    parts: Vec<Condition>,
    kind: &str,
    join: fn(Vec<Condition>) -> Condition,
    (neutral, deciding): (Condition, Condition),
) -> Condition {
    let mut left = Vec::with_capacity(parts.len());
    for part in parts {
        let part = part.settled(kind);
        if part == deciding {
            return deciding;
        }
        if part != neutral {
            left.push(part);
        }
    }
    match (left.pop(), left.is_empty()) {
        (None, _) => neutral,
        (Some(only), true) => only,
        (Some(last), false) => {
            left.push(last);
            join(left)
        }
    }
}
