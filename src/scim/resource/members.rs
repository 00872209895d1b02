//! Members of groups as clients name them.

use super::Member;
use super::shape::Shape;
use crate::scim::dialect::Leniency;
use crate::scim::error::{Error, Fault};
use crate::scim::schema::Attribute;
use serde_json::{Map, Value};
use std::collections::HashSet;

/// Reads members, each once, in the order given. Null is nobody.
pub(in crate::scim) fn read(
    attribute: &Attribute,
    value: Value,
    shape: Shape<'_>,
) -> Result<Vec<Member>, Error> {
    let name = attribute.name.as_str();
    let values = match value {
        Value::Array(values) => values,
        Value::Null => Vec::new(),
        other @ Value::Object(_) if shape.reading.forgives(Leniency::OneForMany) => vec![other],
        _ => return Err(Fault::NotAnArray { name: name.to_owned() }.into()),
    };
    let mut members = Vec::with_capacity(values.len());
    let mut seen = HashSet::with_capacity(values.len());
    for value in values {
        let value = match value {
            id @ Value::String(_) if shape.reading.forgives(Leniency::BareMembers) => {
                Value::Object(Map::from_iter([("value".to_owned(), id)]))
            }
            other => other,
        };
        let element = shape.one(attribute, value, name)?;
        let text = |part: &str| element.as_ref().and_then(|e| e.get(part)).and_then(Value::as_str);
        let Some(id) = text("value").filter(|id| !id.is_empty()) else {
            return Err(Fault::MemberWithoutValue { name: name.to_owned() }.into());
        };
        if seen.insert(id.to_owned()) {
            members.push(Member { value: id.to_owned(), kind: text("type").map(str::to_owned) });
        }
    }
    Ok(members)
}
