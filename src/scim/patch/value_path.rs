//! Editing the elements of a multi-valued attribute that a value path selects.

use super::Op;
use super::elements::{demote, from_list, into_list, merge, set};
use super::target::Target;
use crate::scim::dialect::Leniency;
use crate::scim::error::{Error, Fault};
use crate::scim::filter::eval::element_matches;
use crate::scim::filter::{Filter, Literal, Operator};
use crate::scim::resource::shape::{MAX_ELEMENTS, Shape, too_many, united};
use crate::scim::schema::{Attribute, Type};
use serde_json::{Map, Value};

/// `emails[…]` and `emails[…].value`.
pub(super) fn edit(
    op: Op,
    target: &Target<'_>,
    before: Option<Value>,
    value: Option<&Value>,
    shape: Shape<'_>,
) -> Result<Option<Value>, Error> {
    let Target::Elements { place, condition, filter, .. } = target else { return Ok(before) };
    let mut list = into_list(before);
    let edit = Edit { op, attribute: place.attribute, sub: place.sub, shape, name: place.key() };
    let hits: Vec<usize> = list
        .iter()
        .enumerate()
        .filter(|(_, element)| element_matches(condition, element))
        .map(|(at, _)| at)
        .collect();
    if !hits.is_empty() {
        return edit.each(list, &hits, value).map(from_list);
    }
    let leniency = match op {
        Op::Remove => Leniency::RemoveMissing,
        Op::Add => Leniency::AddCreatesElement,
        Op::Replace => Leniency::ReplaceCreatesElement,
    };
    let miss = || Error::from(Fault::NoMatch { name: place.attribute.name.clone() });
    if op == Op::Remove {
        if !shape.reading.forgives(leniency) {
            return Err(miss());
        }
    } else {
        let described = described(place.attribute, filter, shape)?
            .filter(|_| shape.reading.forgives(leniency))
            .ok_or_else(miss)?;
        if list.len() >= MAX_ELEMENTS {
            return Err(too_many(&place.attribute.name));
        }
        let at = list.len();
        list.push(described);
        // A new element takes its value by merging: what the filter says of it stays true.
        list = Edit { op: Op::Add, ..edit }.each(list, &[at], value)?;
    }
    Ok(from_list(list))
}

/// `emails.value`: the part of every element; without elements, of a new one.
pub(super) fn every(
    op: Op,
    attribute: &Attribute,
    sub: &Attribute,
    before: Option<Value>,
    value: Option<&Value>,
    shape: Shape<'_>,
    name: &str,
) -> Result<Option<Value>, Error> {
    let mut list = into_list(before);
    if list.is_empty() && op != Op::Remove {
        list.push(Value::Object(Map::new()));
    }
    let all: Vec<usize> = (0..list.len()).collect();
    let edit = Edit { op, attribute, sub: Some(sub), shape, name: name.to_owned() };
    edit.each(list, &all, value).map(from_list)
}

/// What happens to each selected element.
struct Edit<'a> {
    op: Op,
    attribute: &'a Attribute,
    sub: Option<&'a Attribute>,
    shape: Shape<'a>,
    name: String,
}

impl Edit<'_> {
    fn each(
        &self,
        mut list: Vec<Value>,
        hits: &[usize],
        value: Option<&Value>,
    ) -> Result<Vec<Value>, Error> {
        let part = match (self.sub, self.op, value) {
            (_, Op::Remove, _) | (None, _, Some(_)) => None,
            (_, _, None) => return Err(Fault::NoValue.into()),
            (Some(sub), _, Some(value)) => self.shape.attribute(sub, value.clone(), &self.name)?,
        };
        for at in hits {
            let Some(element) = list.get_mut(*at) else { continue };
            *element = match (self.op, self.sub, value) {
                (Op::Remove, None, _) => Value::Null,
                (_, Some(sub), _) => self.with_part(element.take(), sub, part.clone())?,
                (_, None, Some(value)) => self.whole(element.take(), value)?,
                (_, None, None) => return Err(Fault::NoValue.into()),
            };
        }
        demote(&mut list, hits, &self.attribute.name)?;
        list.retain(|element| {
            !element.is_null() && !element.as_object().is_some_and(Map::is_empty)
        });
        Ok(united(self.attribute, list))
    }

    fn with_part(
        &self,
        element: Value,
        sub: &Attribute,
        part: Option<Value>,
    ) -> Result<Value, Error> {
        let Value::Object(mut parts) = element else { return Ok(element) };
        set(self.attribute, &mut parts, sub, part, &self.name)?;
        Ok(Value::Object(parts))
    }

    /// `replace` puts the value in the element's place; `add`, and a bare string, say something of
    /// the element that is there.
    fn whole(&self, element: Value, value: &Value) -> Result<Value, Error> {
        let merges = self.op == Op::Add || !value.is_object();
        let after = match element {
            Value::Object(parts) if merges && !value.is_null() => {
                merge(self.attribute, parts, value.clone(), self.shape, &self.name)?
            }
            element if self.op == Op::Add && value.is_null() => Some(element),
            _ => self.shape.one(self.attribute, value.clone(), &self.name)?,
        };
        Ok(after.unwrap_or(Value::Null))
    }
}

/// The element that a filter describes, where it says nothing but what parts are equal to.
fn described(
    attribute: &Attribute,
    filter: &Filter,
    shape: Shape<'_>,
) -> Result<Option<Value>, Error> {
    let mut parts = Map::new();
    if attribute.kind != Type::Complex || !collect(filter, &mut parts) {
        return Ok(None);
    }
    shape.one(attribute, Value::Object(parts), &attribute.name)
}

fn collect(filter: &Filter, parts: &mut Map<String, Value>) -> bool {
    match filter {
        Filter::And(filters) => filters.iter().all(|filter| collect(filter, parts)),
        Filter::Compare(path, Operator::Equal, literal) => {
            let value = match literal {
                Literal::Null => return true,
                Literal::Boolean(truth) => Value::Bool(*truth),
                Literal::Number(number) => Value::Number(number.clone()),
                Literal::String(text) => Value::String(text.clone()),
            };
            parts.insert(path.attribute.clone(), value).is_none()
        }
        _ => false,
    }
}
