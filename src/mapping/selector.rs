//! A profile path that has been checked, and reading its value.

use super::suggest;
use crate::scim::filter::{Condition, Filter, eval};
use crate::scim::path::{self, AttributePath, Path};
use crate::scim::schema::{Place, ResourceType, Type};
use serde_json::{Map, Value};

/// Where in a resource a value is.
#[derive(Debug, Clone)]
pub(crate) struct Selector {
    /// As written, for people.
    pub(super) text: String,
    /// Type of the value.
    pub(super) kind: Type,
    extension: Option<String>,
    attribute: String,
    sub: Option<String>,
    /// Whether the attribute has several values.
    many: bool,
    /// Which element of a multi-valued attribute; none is the primary one, or else the first.
    element: Option<Condition>,
}

impl Selector {
    /// What it depends on, in SCIM's notation: which element of several is read depends on all parts
    /// of all of them, so that it is then the whole attribute.
    pub(crate) fn depends_on(&self) -> String {
        let mut path = self.extension.as_ref().map_or_else(String::new, |urn| format!("{urn}:"));
        path.push_str(&self.attribute);
        if let (Some(sub), false) = (&self.sub, self.many) {
            path.push('.');
            path.push_str(sub);
        }
        path
    }

    /// The one value of a place that has one.
    pub(crate) fn of(place: &Place<'_>) -> Self {
        Self {
            text: place.key(),
            kind: place.leaf().kind,
            extension: place.extension.map(|schema| schema.id.clone()),
            attribute: place.attribute.name.clone(),
            sub: place.sub.map(|sub| sub.name.clone()),
            many: place.attribute.multi_valued,
            element: None,
        }
    }

    /// Checks a path. The error is a sentence with its remedy.
    pub(crate) fn compile(kind: &ResourceType, text: &str) -> Result<Self, String> {
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
            many: place.attribute.multi_valued,
            element,
        })
    }

    /// The value; none where the profile has none. Text without characters is none.
    pub(crate) fn read<'a>(&self, resource: &'a Map<String, Value>) -> Option<&'a Value> {
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

    /// Every value that the path leads to, in the order of the profile; none has no characters.
    pub(crate) fn read_all<'a>(&self, resource: &'a Map<String, Value>) -> Vec<&'a Value> {
        let holder = match &self.extension {
            None => Some(resource),
            Some(urn) => resource.get(urn).and_then(Value::as_object),
        };
        match holder.and_then(|holder| holder.get(&self.attribute)) {
            None => Vec::new(),
            Some(Value::Array(elements)) => elements
                .iter()
                .filter(|element| {
                    self.element
                        .as_ref()
                        .is_none_or(|condition| eval::element_matches(condition, element))
                })
                .filter_map(|element| self.part(element))
                .collect(),
            Some(value) => self.part(value).into_iter().collect(),
        }
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
    if leaf.is_secret() || place.attribute.is_secret() {
        return Err(format!("{text} is never read back, so it cannot be mapped."));
    }
    if kind.has_members() && place.attribute.name == "members" {
        return Err(
            "members are kept equal without a rule; remove this one from the mapping.".to_owned()
        );
    }
    Ok(())
}
