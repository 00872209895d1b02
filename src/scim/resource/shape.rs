//! Bringing values into the shape that their definitions demand.

use crate::scim::dialect::{Dialect, Leniency};
use crate::scim::error::{Error, Fault, shortened};
use crate::scim::schema::{Attribute, Mutability, Type};
use crate::scim::value;
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// Longest text of one value, in bytes.
pub const MAX_TEXT: usize = 64 * 1024;
/// Deepest nesting of a body.
pub const MAX_DEPTH: usize = 8;
/// Most elements of one multi-valued attribute of a document; members are not in documents.
pub const MAX_ELEMENTS: usize = 2_000;

/// What a client is forgiven, as far as the shape of values goes.
#[derive(Debug, Clone, Copy)]
pub(in crate::scim) struct Shape {
    /// Whose leniencies count.
    pub dialect: Dialect,
}

/// Parts of a complex value with canonical definitions; none for one that is given as absent.
pub(in crate::scim) type Parts<'a> = Vec<(&'a Attribute, Option<Value>)>;

impl Shape {
    /// The value of an attribute, with all its elements where it has several; none for absence.
    pub(in crate::scim) fn attribute(
        self,
        attribute: &Attribute,
        value: Value,
        name: &str,
    ) -> Result<Option<Value>, Error> {
        if attribute.multi_valued {
            let elements = self.elements(attribute, value, name)?;
            return Ok((!elements.is_empty()).then_some(Value::Array(elements)));
        }
        let value = self.single(value, name)?;
        self.one(attribute, value, name)
    }

    /// The value of a single-valued attribute out of the array that some senders put it in.
    pub(in crate::scim) fn single(self, value: Value, name: &str) -> Result<Value, Error> {
        match value {
            Value::Array(mut elements) => match (elements.pop(), elements.is_empty()) {
                (None, _) => Ok(Value::Null),
                (Some(only), true) if self.dialect.forgives(Leniency::ArrayShape) => Ok(only),
                _ => Err(Fault::NotOne { name: name.to_owned() }.into()),
            },
            value => Ok(value),
        }
    }

    /// The elements of a multi-valued attribute, without repetitions, at most one of them primary.
    pub(in crate::scim) fn elements(
        self,
        attribute: &Attribute,
        value: Value,
        name: &str,
    ) -> Result<Vec<Value>, Error> {
        let values = match value {
            Value::Array(values) => values,
            Value::Null => Vec::new(),
            other if self.dialect.forgives(Leniency::ArrayShape) => vec![other],
            _ => return Err(Fault::NotAnArray { name: name.to_owned() }.into()),
        };
        if values.len() > MAX_ELEMENTS {
            return Err(too_many(name));
        }
        let mut elements = Vec::with_capacity(values.len());
        let mut seen = HashSet::with_capacity(values.len());
        for value in values {
            if let Some(element) = self.one(attribute, value, name)?
                && seen.insert(element.to_string())
            {
                elements.push(element);
            }
        }
        if elements.iter().filter(|element| is_primary(element)).count() > 1 {
            return Err(several_primary(name));
        }
        Ok(elements)
    }

    /// One element of a multi-valued attribute, or the value of any other; none for absence.
    pub(in crate::scim) fn one(
        self,
        attribute: &Attribute,
        value: Value,
        name: &str,
    ) -> Result<Option<Value>, Error> {
        if value.is_null() {
            return Ok(None);
        }
        if attribute.kind == Type::Complex {
            let parts = self.parts(attribute, value, name)?;
            if self.vacates(attribute, &parts) {
                return Ok(None);
            }
            let object = object(attribute, parts);
            return Ok((!object.is_empty()).then_some(Value::Object(object)));
        }
        self.simple(attribute, value, name).map(Some)
    }

    /// The parts of a complex value that a client may write.
    pub(in crate::scim) fn parts<'a>(
        self,
        attribute: &'a Attribute,
        value: Value,
        name: &str,
    ) -> Result<Parts<'a>, Error> {
        let given = match value {
            Value::Object(given) => given,
            value @ Value::String(_)
                if self.dialect.forgives(Leniency::BareComplex)
                    && attribute.sub("value").is_some() =>
            {
                Map::from_iter([("value".to_owned(), value)])
            }
            _ => return Err(wrong_type(attribute, name)),
        };
        let mut parts: Parts<'a> = Vec::with_capacity(given.len());
        for (key, value) in given {
            let Some(sub) = attribute.sub(&key) else {
                if self.dialect.forgives(Leniency::UnknownAttributes) {
                    continue;
                }
                return Err(
                    Fault::UnknownPart { name: name.to_owned(), part: shortened(&key) }.into()
                );
            };
            if parts.iter().any(|(seen, _)| seen.name == sub.name) {
                return Err(twice(&format!("{name}.{}", sub.name)));
            }
            if sub.mutability != Mutability::ReadOnly {
                let name = format!("{name}.{}", sub.name);
                parts.push((sub, self.attribute(sub, value, &name)?));
            }
        }
        Ok(parts)
    }

    /// Whether a single complex value is given as nothing: identity providers remove a manager
    /// with `{"value": ""}`.
    pub(in crate::scim) fn vacates(self, attribute: &Attribute, parts: &Parts<'_>) -> bool {
        !attribute.multi_valued
            && self.dialect.forgives(Leniency::BareComplex)
            && parts.iter().any(|(sub, value)| {
                sub.name == "value" && value.as_ref().and_then(Value::as_str) == Some("")
            })
    }

    fn simple(self, attribute: &Attribute, value: Value, name: &str) -> Result<Value, Error> {
        let right = match (attribute.kind, value) {
            (Type::String | Type::Reference, Value::String(text)) => text_value(text, name)?,
            (Type::Boolean, Value::Bool(truth)) => Value::Bool(truth),
            (Type::Boolean, Value::String(text))
                if self.dialect.forgives(Leniency::BooleanText) =>
            {
                let truth = truth(&text).ok_or_else(|| wrong_type(attribute, name))?;
                Value::Bool(truth)
            }
            (Type::Decimal, Value::Number(number)) => Value::Number(number),
            (Type::Integer, Value::Number(number)) if number.is_i64() || number.is_u64() => {
                Value::Number(number)
            }
            (Type::DateTime, Value::String(text)) if value::instant(&text).is_some() => {
                Value::String(text)
            }
            (Type::Binary, Value::String(text)) if is_base64(&text) => text_value(text, name)?,
            _ => return Err(wrong_type(attribute, name)),
        };
        Ok(right)
    }
}

/// Parts as an object in the order of the schema, without those that are absent.
pub(in crate::scim) fn object(attribute: &Attribute, mut parts: Parts<'_>) -> Map<String, Value> {
    let place =
        |sub: &Attribute| attribute.sub_attributes.iter().position(|known| known.name == sub.name);
    parts.sort_by_key(|(sub, _)| place(sub));
    parts.into_iter().filter_map(|(sub, value)| Some((sub.name.clone(), value?))).collect()
}

/// Whether an element of a multi-valued attribute says that it is the primary one.
pub(in crate::scim) fn is_primary(element: &Value) -> bool {
    element.get("primary") == Some(&Value::Bool(true))
}

/// Refuses a body that nests deeper than [`MAX_DEPTH`].
pub(in crate::scim) fn within_depth(body: &Value) -> Result<(), Error> {
    if deeper_than(body, MAX_DEPTH) {
        return Err(Fault::TooDeep { most: MAX_DEPTH }.into());
    }
    Ok(())
}

fn deeper_than(value: &Value, levels: usize) -> bool {
    let below = |value: &Value| levels == 0 || deeper_than(value, levels - 1);
    match value {
        Value::Array(values) => levels == 0 || values.iter().any(below),
        Value::Object(parts) => levels == 0 || parts.values().any(below),
        _ => false,
    }
}

/// The error of more elements than [`MAX_ELEMENTS`].
pub(in crate::scim) fn too_many(name: &str) -> Error {
    Fault::TooManyElements { name: name.to_owned(), most: MAX_ELEMENTS }.into()
}

/// The error of several elements that say that they are the primary one.
pub(in crate::scim) fn several_primary(name: &str) -> Error {
    Fault::SeveralPrimary { name: name.to_owned() }.into()
}

/// The error of a name that a body holds twice, in different case.
pub(in crate::scim) fn twice(name: &str) -> Error {
    Fault::NameTwice { name: shortened(name) }.into()
}

fn text_value(text: String, name: &str) -> Result<Value, Error> {
    if text.contains('\0') {
        return Err(Fault::Nul { name: name.to_owned() }.into());
    }
    if text.len() > MAX_TEXT {
        return Err(Fault::TooLong { name: name.to_owned(), most: MAX_TEXT }.into());
    }
    Ok(Value::String(text))
}

fn truth(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// Base64 of either alphabet, padded or not (RFC 7643 §2.3.6, RFC 4648).
fn is_base64(text: &str) -> bool {
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    [alphabet::STANDARD, alphabet::URL_SAFE]
        .iter()
        .any(|alphabet| GeneralPurpose::new(alphabet, config).decode(text).is_ok())
}

fn wrong_type(attribute: &Attribute, name: &str) -> Error {
    Fault::WrongType { name: name.to_owned(), what: attribute.kind.described() }.into()
}
