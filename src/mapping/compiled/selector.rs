//! A profile path that has been checked, and reading its value.

use super::suggest;
use crate::scim::filter::{Condition, Filter, eval};
use crate::scim::path::{self, AttributePath, Path};
use crate::scim::schema::{Mutability, Place, ResourceType, Returned, Type};
use serde_json::{Map, Value};

/// Where in a resource a value is.
#[derive(Debug, Clone)]
pub(super) struct Selector {
    /// As written, for people.
    pub(super) text: String,
    /// Type of the value.
    pub(super) kind: Type,
    extension: Option<String>,
    attribute: String,
    sub: Option<String>,
    /// Which element of a multi-valued attribute; none is the primary one, or else the first.
    element: Option<Condition>,
}

impl Selector {
    /// Whether it is that attribute or a part of it.
    pub(super) fn reads(&self, attribute: &str) -> bool {
        self.extension.is_none() && self.attribute == attribute
    }

    /// Checks a path. The error is a sentence with its remedy.
    pub(super) fn compile(kind: &ResourceType, text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("the path is empty; choose a profile field.".to_owned());
        }
        let parsed = path::parse(kind, text).map_err(|error| {
            format!("{text} is no profile path: {}.{}", error, suggest::nearest_path(text, kind))
        })?;
        let (path, filter) = match parsed {
            Path::Extension(urn) => {
                return Err(format!("{urn} is a whole schema; name one of its attributes."));
            }
            Path::Attribute(path) => (path, None),
            Path::Elements { attribute, filter, sub } => {
                (AttributePath { sub, ..attribute }, Some(filter))
            }
        };
        let place = kind.place(&path).ok_or_else(|| {
            format!("the profile has no field {text}.{}", suggest::nearest_path(text, kind))
        })?;
        readable(kind, text, &place)?;
        let element = match filter {
            None => None,
            Some(_) if !place.attribute.multi_valued => {
                return Err(format!(
                    "{} has one value only; leave out the brackets.",
                    place.attribute.name
                ));
            }
            Some(filter) => {
                let whole = AttributePath { sub: None, ..path.clone() };
                match Filter::Element(whole, filter).resolve(kind) {
                    Ok(Condition::Element(_, inner)) => Some(*inner),
                    Ok(other) => Some(other),
                    Err(error) => {
                        return Err(format!("{text} is no profile path: {error}."));
                    }
                }
            }
        };
        Ok(Self {
            text: text.to_owned(),
            kind: place.leaf().kind,
            extension: place.extension.map(|schema| schema.id.clone()),
            attribute: place.attribute.name.clone(),
            sub: place.sub.map(|sub| sub.name.clone()),
            element,
        })
    }

    /// The value; none where the profile has none. Text without characters is none.
    pub(super) fn read<'a>(&self, resource: &'a Map<String, Value>) -> Option<&'a Value> {
        let holder = match &self.extension {
            None => resource,
            Some(urn) => resource.get(urn)?.as_object()?,
        };
        let value = holder.get(&self.attribute)?;
        let Value::Array(elements) = value else { return self.part(value) };
        if let Some(condition) = &self.element {
            return elements
                .iter()
                .filter(|element| eval::element_matches(condition, element))
                .find_map(|element| self.part(element));
        }
        elements
            .iter()
            .filter(|element| element.get("primary").and_then(Value::as_bool) == Some(true))
            .chain(elements)
            .find_map(|element| self.part(element))
    }

    fn part<'a>(&self, element: &'a Value) -> Option<&'a Value> {
        let value = match &self.sub {
            None => element,
            Some(sub) => element.get(sub)?,
        };
        match value {
            Value::Null | Value::Array(_) | Value::Object(_) => None,
            Value::String(text) if text.is_empty() => None,
            value => Some(value),
        }
    }
}

/// Whether the path names one value that can be sent to an app.
fn readable(kind: &ResourceType, text: &str, place: &Place<'_>) -> Result<(), String> {
    let leaf = place.leaf();
    if leaf.kind == Type::Complex {
        let parts: Vec<String> = leaf
            .sub_attributes
            .iter()
            .filter(|sub| sub.kind != Type::Complex)
            .map(|sub| format!("{text}.{}", sub.name))
            .collect();
        return Err(format!("{text} has several parts; name one: {}.", parts.join(", ")));
    }
    let secret =
        |mutability, returned| mutability == Mutability::WriteOnly || returned == Returned::Never;
    if secret(leaf.mutability, leaf.returned)
        || secret(place.attribute.mutability, place.attribute.returned)
    {
        return Err(format!("{text} is never read back, so it cannot be mapped."));
    }
    if kind.has_members() && place.attribute.name == "members" {
        return Err(
            "members are kept equal without a rule; remove this one from the mapping.".to_owned()
        );
    }
    Ok(())
}
