//! Which attributes an answer holds (RFC 7644 §3.9).

use super::dialect::{Leniency, Reading};
use super::error::{Error, Fault, shortened};
use super::path::{self, AttributePath, Path};
use super::schema::{Attribute, Mutability, Place, ResourceType, Returned};
use serde_json::{Map, Value};

/// `attributes` or `excludedAttributes`, resolved against a resource type.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Projection {
    choice: Choice,
    written: Written,
}

/// Attributes and parts with `returned: request` that a request has written. The answer to it holds
/// them (RFC 7643 §7).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Written(Vec<Name>);

impl Written {
    /// Notes an attribute, or the part of it, that is written with this value.
    pub(in crate::scim) fn note(&mut self, place: &Place<'_>, value: Option<&Value>) {
        if place.leaf().returned == Returned::Request {
            self.0.push(Name::of(place));
        }
        let parts = place.leaf().sub_attributes.iter();
        for part in parts.filter(|part| part.returned == Returned::Request) {
            let given = |element: &Value| {
                let parts = element.as_object().into_iter().flat_map(Map::keys);
                parts.into_iter().any(|name| name.eq_ignore_ascii_case(&part.name))
            };
            let elements = match value {
                Some(Value::Array(elements)) => elements.as_slice(),
                other => other.map(std::slice::from_ref).unwrap_or_default(),
            };
            if part.mutability != Mutability::ReadOnly && elements.iter().any(given) {
                self.0.push(Name::of(&Place { sub: Some(part), ..*place }));
            }
        }
    }

    /// Whether nothing of that kind was written.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn has(
        &self,
        extension: Option<&str>,
        attribute: &Attribute,
        part: Option<&Attribute>,
    ) -> bool {
        self.0.iter().any(|name| {
            name.extension.as_deref() == extension
                && name.attribute.as_ref() == Some(&attribute.name)
                && name.sub.as_ref() == part.map(|part| &part.name)
        })
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
enum Choice {
    /// What is returned by default.
    #[default]
    Default,
    /// These and what is always returned.
    Only(Vec<Name>),
    /// What is returned by default but for these.
    Except(Vec<Name>),
}

/// A canonical name: an extension, an attribute, or a part of one.
#[derive(Debug, Clone, PartialEq)]
struct Name {
    extension: Option<String>,
    attribute: Option<String>,
    sub: Option<String>,
}

/// What a list of names says of an attribute.
enum Mention<'a> {
    /// Nothing.
    Not,
    /// The attribute, or the extension that it belongs to.
    Whole,
    /// Some parts of it.
    Parts(Vec<&'a str>),
}

impl Projection {
    /// Reads the two query parameters (comma-separated; spaces tolerated). Names that no schema
    /// defines are ignored, as an answer without them is right.
    ///
    /// # Errors
    /// `invalidValue` when both are given.
    pub fn parse(
        kind: &ResourceType,
        attributes: Option<&str>,
        excluded: Option<&str>,
    ) -> Result<Self, Error> {
        let given = |text: Option<&str>| -> Option<Vec<Name>> {
            let text = text.filter(|text| !text.trim().is_empty())?;
            Some(
                text.split(',')
                    .filter_map(|name| Name::read(kind, name.trim(), &Reading::default()))
                    .collect(),
            )
        };
        let choice = match (given(attributes), given(excluded)) {
            (Some(_), Some(_)) => {
                return Err(Fault::BothProjections.into());
            }
            (Some(names), None) => Choice::Only(names),
            (None, Some(names)) => Choice::Except(names),
            (None, None) => Choice::Default,
        };
        Ok(Self { choice, written: Written::default() })
    }

    /// For the answer to a request that wrote this.
    #[must_use]
    pub fn of_writing(self, written: Written) -> Self {
        Self { written, ..self }
    }

    /// Whether the answer needs `members` or `groups`, which cost a query.
    pub fn wants(&self, kind: &ResourceType, attribute: &str) -> bool {
        let Some(attribute) = kind.base_attribute(attribute) else { return false };
        match self.mention(None, attribute) {
            _ if attribute.returned == Returned::Never => false,
            _ if attribute.returned == Returned::Always => true,
            Mention::Whole => !self.excludes(),
            Mention::Parts(_) => self.excludes() || matches!(self.choice, Choice::Only(_)),
            Mention::Not => {
                attribute.returned == Returned::Default && !matches!(self.choice, Choice::Only(_))
            }
        }
    }

    /// Removes from a complete resource what the answer must not hold; `returned: never` goes in
    /// any case, `always` stays in any case, `schemas` stays.
    pub fn apply(&self, kind: &ResourceType, resource: &mut Map<String, Value>) {
        resource.retain(|key, value| {
            if let Some(schema) = kind.extension(key) {
                let Value::Object(extension) = value else { return false };
                extension.retain(|key, value| {
                    schema
                        .attribute(key)
                        .is_some_and(|attribute| self.keeps(Some(&schema.id), attribute, value))
                });
                return !extension.is_empty();
            }
            match kind.base_attribute(key) {
                Some(attribute) => {
                    attribute.name == "schemas" || self.keeps(None, attribute, value)
                }
                None => false,
            }
        });
    }

    /// Whether an attribute stays; takes parts out of its value that do not.
    fn keeps(&self, extension: Option<&str>, attribute: &Attribute, value: &mut Value) -> bool {
        let named = self.mention(extension, attribute);
        match attribute.returned {
            Returned::Never => return false,
            Returned::Always => {
                keep_parts(attribute, value, &|part| part.returned != Returned::Never);
                return true;
            }
            Returned::Default | Returned::Request => {}
        }
        let written = |part: Option<&Attribute>| self.written.has(extension, attribute, part);
        let shown = |part: &Attribute| {
            by_default(part) || (part.returned == Returned::Request && written(Some(part)))
        };
        match (&self.choice, named) {
            (Choice::Only(_), Mention::Whole) => keep_parts(attribute, value, &shown),
            (Choice::Only(_), Mention::Parts(parts)) => keep_parts(attribute, value, &|part| {
                part.returned == Returned::Always
                    || (part.returned != Returned::Never && parts.contains(&part.name.as_str()))
            }),
            (Choice::Only(_), Mention::Not) | (Choice::Except(_), Mention::Whole) => false,
            _ if attribute.returned == Returned::Request && !written(None) => false,
            (Choice::Except(_), Mention::Parts(parts)) => keep_parts(attribute, value, &|part| {
                part.returned == Returned::Always
                    || (shown(part) && !parts.contains(&part.name.as_str()))
            }),
            (Choice::Except(_) | Choice::Default, _) => keep_parts(attribute, value, &shown),
        }
    }

    fn mention(&self, extension: Option<&str>, attribute: &Attribute) -> Mention<'_> {
        let (Choice::Only(names) | Choice::Except(names)) = &self.choice else {
            return Mention::Not;
        };
        let mut parts = Vec::new();
        for name in names.iter().filter(|name| name.extension.as_deref() == extension) {
            match (&name.attribute, &name.sub) {
                (Some(other), _) if *other != attribute.name => {}
                (None, _) | (Some(_), None) => return Mention::Whole,
                (Some(_), Some(sub)) => parts.push(sub.as_str()),
            }
        }
        if parts.is_empty() { Mention::Not } else { Mention::Parts(parts) }
    }

    fn excludes(&self) -> bool {
        matches!(self.choice, Choice::Except(_))
    }
}

/// Refuses names in `attributes` and `excludedAttributes` that none of the types defines, unless
/// that is forgiven. What a projection makes of them is the same.
///
/// # Errors
/// `invalidValue` naming the first.
pub fn check_names(
    kinds: &[&ResourceType],
    attributes: Option<&str>,
    excluded: Option<&str>,
    reading: &Reading,
) -> Result<(), Error> {
    for (parameter, text) in [("attributes", attributes), ("excludedAttributes", excluded)] {
        let names = text.unwrap_or_default().split(',').map(str::trim);
        for name in names.filter(|name| !name.is_empty()) {
            let known = kinds.iter().any(|kind| Name::read(kind, name, reading).is_some());
            if !known && !reading.forgives(Leniency::UnknownProjected) {
                return Err(Fault::UnknownProjected { parameter, name: shortened(name) }.into());
            }
        }
    }
    Ok(())
}

impl Name {
    fn read(kind: &ResourceType, text: &str, reading: &Reading) -> Option<Self> {
        match path::parse(kind, text).ok()? {
            Path::Extension(urn) => Some(Self { extension: Some(urn), attribute: None, sub: None }),
            Path::Attribute(path) => path.place(kind, reading).map(|place| Self::of(&place)),
            Path::Elements { attribute, sub, .. } => {
                let whole = AttributePath { sub, ..attribute };
                let place = whole.place(kind, reading)?;
                reading.forgives(Leniency::ProjectedElements).then(|| Self::of(&place))
            }
        }
    }

    fn of(place: &Place<'_>) -> Self {
        Self {
            extension: place.extension.map(|schema| schema.id.clone()),
            attribute: Some(place.attribute.name.clone()),
            sub: place.sub.map(|sub| sub.name.clone()),
        }
    }
}

/// Takes out of a complete resource what nobody ever reads back: every attribute and part, of the
/// base schema and of extensions, that is `returned: never` or `writeOnly`. Values, elements and
/// extensions of which nothing is left go as well. What no schema defines stays.
pub fn remove_secrets(kind: &ResourceType, resource: &mut Map<String, Value>) {
    resource.retain(|key, value| match (kind.extension(key), value) {
        (Some(schema), Value::Object(extension)) => {
            let was_empty = extension.is_empty();
            extension.retain(|key, value| {
                schema.attribute(key).is_none_or(|attribute| remove_secrets_of(attribute, value))
            });
            was_empty || !extension.is_empty()
        }
        (_, value) => {
            kind.base_attribute(key).is_none_or(|attribute| remove_secrets_of(attribute, value))
        }
    });
}

/// Whether anything is left of a value.
fn remove_secrets_of(attribute: &Attribute, value: &mut Value) -> bool {
    if attribute.is_secret() {
        return false;
    }
    if !attribute.sub_attributes.iter().any(Attribute::is_secret) {
        return true;
    }
    match value {
        Value::Array(elements) => {
            let was_empty = elements.is_empty();
            elements.retain_mut(|element| remove_secrets_in(attribute, element));
            was_empty || !elements.is_empty()
        }
        one => remove_secrets_in(attribute, one),
    }
}

fn remove_secrets_in(attribute: &Attribute, value: &mut Value) -> bool {
    let Value::Object(parts) = value else { return true };
    let was_empty = parts.is_empty();
    parts.retain(|name, _| attribute.sub(name).is_none_or(|part| !part.is_secret()));
    was_empty || !parts.is_empty()
}

fn by_default(part: &Attribute) -> bool {
    matches!(part.returned, Returned::Always | Returned::Default)
}

/// Takes the other parts out of a complex value; false when nothing is left.
fn keep_parts(attribute: &Attribute, value: &mut Value, keep: &dyn Fn(&Attribute) -> bool) -> bool {
    if attribute.sub_attributes.is_empty() {
        return true;
    }
    match value {
        Value::Array(elements) => {
            let was_empty = elements.is_empty();
            elements.retain_mut(|element| keep_in(attribute, element, keep));
            was_empty || !elements.is_empty()
        }
        one => keep_in(attribute, one, keep),
    }
}

fn keep_in(attribute: &Attribute, value: &mut Value, keep: &dyn Fn(&Attribute) -> bool) -> bool {
    let Value::Object(parts) = value else { return true };
    parts.retain(|name, _| attribute.sub(name).is_some_and(keep));
    !parts.is_empty()
}

#[cfg(test)]
mod tests;
