//! Bringing values into the shape that their definitions demand.

use crate::scim::dialect::{Leniency, Reading};
use crate::scim::error::{Error, Fault, shortened};
use crate::scim::schema::{Attribute, Mutability, Type, Uniqueness};
use crate::scim::value;
use base64::Engine;
use base64::alphabet::{self, Alphabet};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Longest text of one value, in bytes.
pub const MAX_TEXT: usize = 64 * 1024;
/// Deepest nesting of a body.
pub const MAX_DEPTH: usize = 8;
/// Most elements of one multi-valued attribute of a document; members are not in documents.
pub const MAX_ELEMENTS: usize = 2_000;

/// What a client is forgiven, as far as the shape of values goes.
#[derive(Debug, Clone, Copy)]
pub(in crate::scim) struct Shape<'r> {
    /// What is forgiven, and has been.
    pub reading: &'r Reading,
}

/// Parts of a complex value with canonical definitions; none for one that is given as absent.
pub(in crate::scim) type Parts<'a> = Vec<(&'a Attribute, Option<Value>)>;

impl Shape<'_> {
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
        let value = self.single(attribute, value, name)?;
        self.one(attribute, value, name)
    }

    /// The value of a single-valued attribute out of the array that some senders put it in.
    pub(in crate::scim) fn single(
        self,
        attribute: &Attribute,
        value: Value,
        name: &str,
    ) -> Result<Value, Error> {
        let Value::Array(mut elements) = value else { return Ok(value) };
        let refused = || Fault::NotOne { name: name.to_owned() };
        if elements.len() > 1 || attribute.sub("value").is_none() {
            return Err(refused().into());
        }
        if !self.reading.forgives(Leniency::ManyForOne) {
            return Err(refused().into());
        }
        Ok(elements.pop().unwrap_or_default())
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
            other @ Value::Object(_) if self.reading.forgives(Leniency::OneForMany) => vec![other],
            _ => return Err(Fault::NotAnArray { name: name.to_owned() }.into()),
        };
        if values.len() > MAX_ELEMENTS {
            return Err(too_many(name));
        }
        let mut elements = Vec::with_capacity(values.len());
        for value in values {
            elements.extend(self.one(attribute, value, name)?);
        }
        let elements = united(attribute, elements);
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
                if !attribute.multi_valued
                    && attribute.sub("value").is_some()
                    && self.reading.forgives(Leniency::BareComplex) =>
            {
                Map::from_iter([("value".to_owned(), value)])
            }
            _ => return Err(wrong_type(attribute, name)),
        };
        let mut parts: Parts<'a> = Vec::with_capacity(given.len());
        for (key, value) in given {
            let Some(sub) = attribute.sub(&key) else {
                if self.reading.forgives(Leniency::UnknownAttributes) {
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
            && parts.iter().any(|(sub, value)| {
                sub.name == "value" && value.as_ref().and_then(Value::as_str) == Some("")
            })
            && self.reading.forgives(Leniency::EmptyVacates)
    }

    fn simple(self, attribute: &Attribute, value: Value, name: &str) -> Result<Value, Error> {
        let right = match (attribute.kind, value) {
            (Type::String | Type::Reference, Value::String(text)) => {
                if attribute.uniqueness != Uniqueness::None && text.chars().any(char::is_control) {
                    return Err(unprintable(&text, name));
                }
                text_value(text, name)?
            }
            (Type::Boolean, Value::Bool(truth)) => Value::Bool(truth),
            (Type::Boolean, Value::String(text)) => match truth(&text) {
                Some(truth) if self.reading.forgives(Leniency::BooleanText) => Value::Bool(truth),
                _ => return Err(wrong_type(attribute, name)),
            },
            (Type::Decimal, Value::Number(number)) => Value::Number(number),
            (Type::Integer, Value::Number(number)) if number.is_i64() || number.is_u64() => {
                Value::Number(number)
            }
            (Type::DateTime, Value::String(text)) if value::instant(&text).is_some() => {
                Value::String(text)
            }
            (Type::Binary, Value::String(text)) if is_base64(&text, &alphabet::STANDARD) => {
                text_value(text, name)?
            }
            (Type::Binary, Value::String(text))
                if is_base64(&text, &alphabet::URL_SAFE)
                    && self.reading.forgives(Leniency::UrlSafeBinary) =>
            {
                text_value(text.replace('-', "+").replace('_', "/"), name)?
            }
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

/// What makes an element the one it is: its `value` and `type`, as the attribute compares them
/// (RFC 7643 §2.4); without a `value`, all of it but for whether it is primary.
pub(in crate::scim) fn identity(attribute: &Attribute, element: &Value) -> String {
    let Value::Object(parts) = element else {
        return value::sort_key(attribute, element).unwrap_or_else(|| element.to_string());
    };
    let key = |name: &str| {
        let part = parts.get(name)?;
        attribute
            .sub(name)
            .and_then(|sub| value::sort_key(sub, part))
            .or_else(|| Some(part.to_string()))
    };
    // A NUL is in no text, so it parts what it stands between.
    let fixed = |sub: &Attribute| sub.mutability == Mutability::Immutable;
    if let Some(value) = key("value").filter(|_| !attribute.sub_attributes.iter().any(fixed)) {
        return format!("{value}\0{}", key("type").unwrap_or_default());
    }
    let mut all = String::new();
    for sub in attribute.sub_attributes.iter().filter(|sub| sub.name != "primary") {
        if let Some(part) = parts.get(&sub.name) {
            all.push_str(&part.to_string());
        }
        all.push('\0');
    }
    all
}

/// Elements, each once: those of one identity are one, with the parts of all of them, the later
/// before the earlier. It is primary when any of them is.
pub(in crate::scim) fn united(attribute: &Attribute, elements: Vec<Value>) -> Vec<Value> {
    if elements.len() < 2 {
        return elements;
    }
    let mut places: HashMap<String, usize> = HashMap::with_capacity(elements.len());
    let mut list: Vec<Value> = Vec::with_capacity(elements.len());
    for element in elements {
        match places.entry(identity(attribute, &element)) {
            Entry::Vacant(free) => {
                free.insert(list.len());
                list.push(element);
            }
            Entry::Occupied(taken) => {
                if let Some(before) = list.get_mut(*taken.get()) {
                    let primary = is_primary(before);
                    unite(before, element);
                    if let (true, Value::Object(parts)) = (primary, before) {
                        parts.insert("primary".to_owned(), Value::Bool(true));
                    }
                }
            }
        }
    }
    list
}

/// Puts the parts of one element into another of the same identity.
pub(in crate::scim) fn unite(before: &mut Value, element: Value) {
    let (Value::Object(before), Value::Object(mut more)) = (before, element) else { return };
    if !before.contains_key("primary") && more.get("primary") == Some(&Value::Bool(false)) {
        // Where it is not said, it is false (RFC 7643 §2.4).
        more.shift_remove("primary");
    }
    before.extend(more);
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

/// The error of a control character in a name by which people are told apart (RFC 8265 §3.3).
fn unprintable(text: &str, name: &str) -> Error {
    let name = name.to_owned();
    if text.contains('\0') { Fault::Nul { name } } else { Fault::ControlCharacter { name } }.into()
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

/// A boolean as text, in any case.
pub(in crate::scim) fn truth(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// Base64, padded or not (RFC 7643 §2.3.6, RFC 4648).
fn is_base64(text: &str, alphabet: &Alphabet) -> bool {
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(alphabet, config).decode(text).is_ok()
}

fn wrong_type(attribute: &Attribute, name: &str) -> Error {
    Fault::WrongType { name: name.to_owned(), what: attribute.kind.described() }.into()
}
