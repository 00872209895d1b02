//! From syntax to meaning.

use super::{Condition, Field, Filter, Literal, MAX_SEARCHES, Operator};
use crate::scim::dialect::{Leniency, Reading};
use crate::scim::error::{Error, Fault};
use crate::scim::path::AttributePath;
use crate::scim::resource::shape::truth;
use crate::scim::schema::{Place, ResourceType, Returned, Schema, Type};
use crate::scim::value;
use serde_json::Value;

impl Filter {
    /// Checks the filter against a resource type.
    ///
    /// # Errors
    /// `invalidFilter` naming the attribute that is unknown, or the comparison that makes no sense
    /// (order of booleans and binaries, `co` on a number, a literal of the wrong type).
    pub fn resolve(&self, kind: &ResourceType) -> Result<Condition, Error> {
        self.resolve_as(kind, &Reading::default())
    }

    /// [`Filter::resolve`] for a client that may be forgiven more, or less, than the standard
    /// dialect forgives.
    ///
    /// # Errors
    /// As [`Filter::resolve`].
    pub fn resolve_as(&self, kind: &ResourceType, reading: &Reading) -> Result<Condition, Error> {
        self.within_searches()?;
        resolve(self, &Scope { kind, reading, within: None, loose: false })
    }

    /// Checks the filter against one of several resource types that are asked at once: an attribute
    /// that this type does not have has no value in it (RFC 7644 §3.4.2.1), and what follows from
    /// that, or from `meta.resourceType`, is worked out, so that a type of which nobody can match
    /// comes back as [`Condition::Never`].
    ///
    /// # Errors
    /// As [`Filter::resolve`], but for unknown attributes: [`Filter::resolve_each`] refuses those
    /// that no type has.
    pub fn resolve_loosely(
        &self,
        kind: &ResourceType,
        reading: &Reading,
    ) -> Result<Condition, Error> {
        self.within_searches()?;
        let condition = resolve(self, &Scope { kind, reading, within: None, loose: true })?;
        Ok(condition.settled(&kind.name))
    }

    /// Checks the filter against resource types that are asked at once (RFC 7644 §3.4.2.1): one
    /// condition for each, in their order.
    ///
    /// # Errors
    /// As [`Filter::resolve`] for an attribute that none of the types has, and for a comparison that
    /// makes no sense in a type that has the attribute.
    pub fn resolve_each<'a>(
        &self,
        kinds: impl IntoIterator<Item = &'a ResourceType>,
    ) -> Result<Vec<Condition>, Error> {
        self.resolve_each_as(kinds, &Reading::default())
    }

    /// [`Filter::resolve_each`] for a client that may be forgiven more, or less, than the standard
    /// dialect forgives.
    ///
    /// # Errors
    /// As [`Filter::resolve_each`].
    pub fn resolve_each_as<'a>(
        &self,
        kinds: impl IntoIterator<Item = &'a ResourceType>,
        reading: &Reading,
    ) -> Result<Vec<Condition>, Error> {
        let kinds: Vec<&ResourceType> = kinds.into_iter().collect();
        self.known_to_some(None, &kinds, reading)?;
        kinds.into_iter().map(|kind| self.resolve_loosely(kind, reading)).collect()
    }

    /// Refuses a name that means nothing in any of the types; `outer` is the attribute before the
    /// brackets.
    fn known_to_some(
        &self,
        outer: Option<&AttributePath>,
        kinds: &[&ResourceType],
        reading: &Reading,
    ) -> Result<(), Error> {
        let (path, inner) = match self {
            Self::And(parts) | Self::Or(parts) => {
                return parts.iter().try_for_each(|part| part.known_to_some(outer, kinds, reading));
            }
            Self::Not(inner) => return inner.known_to_some(outer, kinds, reading),
            Self::Present(path)
                if path.schema.is_some()
                    && kinds.iter().any(|kind| kind.extension(&path.to_string()).is_some()) =>
            {
                return Ok(());
            }
            Self::Present(path) | Self::Compare(path, ..) => (path, None),
            Self::Element(path, inner) => (path, Some(inner)),
        };
        let known = kinds.iter().any(|kind| match outer {
            None => path.place(kind, reading).is_some(),
            Some(outer) => {
                outer.place(kind, reading).is_some_and(|outer| part_of(outer, path).is_some())
            }
        });
        match (known, outer, inner) {
            (false, None, _) => Err(Fault::UnknownEverywhere { path: path.to_string() }.into()),
            (false, Some(outer), _) => Err(not_in_brackets(path, outer.to_string())),
            (true, _, None) => Ok(()),
            (true, _, Some(inner)) => inner.known_to_some(Some(path), kinds, reading),
        }
    }

    fn within_searches(&self) -> Result<(), Error> {
        let searches = self.searches();
        if searches > MAX_SEARCHES {
            return Err(Fault::TooManySearches { found: searches, most: MAX_SEARCHES }.into());
        }
        Ok(())
    }

    fn searches(&self) -> usize {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().map(Self::searches).sum(),
            Self::Not(part) | Self::Element(_, part) => part.searches(),
            Self::Compare(_, Operator::Contains | Operator::EndsWith, _) => 1,
            Self::Compare(..) | Self::Present(_) => 0,
        }
    }
}

impl Field {
    /// The field that a place is compared by: of a complex attribute alone, its `value` part where
    /// it has one. None for complex attributes without one.
    pub fn compared(place: &Place<'_>) -> Option<Self> {
        if place.leaf().kind != Type::Complex {
            return Some(Self::of(place));
        }
        let sub = place.attribute.sub("value")?;
        Some(Self::of(&Place { sub: Some(sub), ..*place }))
    }

    /// The field of exactly that place.
    pub fn of(place: &Place<'_>) -> Self {
        let leaf = place.leaf();
        Self {
            key: place.key(),
            extension: place.extension.map(|schema| schema.id.clone()),
            attribute: place.attribute.name.clone(),
            sub: place.sub.map(|sub| sub.name.clone()),
            kind: leaf.kind,
            multi_valued: place.attribute.multi_valued,
            case_exact: leaf.case_exact,
            indexed: leaf.indexed,
        }
    }
}

/// Where names are looked up: in the resource type, or in the attribute before the brackets.
struct Scope<'a> {
    kind: &'a ResourceType,
    reading: &'a Reading,
    within: Option<Place<'a>>,
    /// Whether a name that is not there has no value instead of being refused.
    loose: bool,
}

impl Scope<'_> {
    /// The extension whose URN a path is, alone.
    fn extension(&self, path: &AttributePath) -> Option<&Schema> {
        let alone = self.within.is_none() && path.schema.is_some() && path.sub.is_none();
        alone.then(|| self.kind.extension(&path.to_string()))?
    }

    /// Whether a resource has anything of an extension: `schemas` says so.
    fn has_extension(&self, path: &AttributePath) -> Result<Condition, Error> {
        let schemas = AttributePath { schema: None, attribute: "schemas".to_owned(), sub: None };
        let Some(place) = self.place(&schemas)? else { return Ok(Condition::Never) };
        compare(&place, Operator::Equal, &Literal::String(path.to_string()), self)
    }

    fn place(&self, path: &AttributePath) -> Result<Option<Place<'_>>, Error> {
        let place = match self.within {
            None => path.place(self.kind, self.reading),
            Some(outer) => part_of(outer, path),
        };
        let Some(place) = place else {
            return match self.within {
                _ if self.loose => Ok(None),
                None => {
                    let (path, kind) = (path.to_string(), self.kind.name.clone());
                    Err(Fault::UnknownInFilter { path, kind }.into())
                }
                Some(outer) => Err(not_in_brackets(path, outer.key())),
            };
        };
        if [place.attribute.returned, place.leaf().returned].contains(&Returned::Never) {
            return Err(Fault::NotAskable { name: place.key() }.into());
        }
        Ok(Some(place))
    }
}

/// A part of the attribute before the brackets. The elements of a simple attribute are their own
/// `value`.
fn part_of<'a>(outer: Place<'a>, path: &AttributePath) -> Option<Place<'a>> {
    if path.schema.is_some() || path.sub.is_some() {
        return None;
    }
    if outer.attribute.kind != Type::Complex {
        return path.attribute.eq_ignore_ascii_case("value").then_some(outer);
    }
    Some(Place { sub: Some(outer.attribute.sub(&path.attribute)?), ..outer })
}

fn resolve(filter: &Filter, scope: &Scope<'_>) -> Result<Condition, Error> {
    Ok(match filter {
        Filter::And(parts) => Condition::All(each(parts, scope)?),
        Filter::Or(parts) => Condition::Any(each(parts, scope)?),
        Filter::Not(inner) => Condition::Not(Box::new(resolve(inner, scope)?)),
        Filter::Present(path) if scope.extension(path).is_some() => scope.has_extension(path)?,
        Filter::Present(path) => match scope.place(path)? {
            Some(place) => Condition::Present(Field::of(&place)),
            None => Condition::Never,
        },
        Filter::Compare(path, operator, literal) => match scope.place(path)? {
            Some(place) => compare(&place, *operator, literal, scope)?,
            None => without_value(path, *operator, literal)?,
        },
        Filter::Element(path, inner) => {
            let Some(place) = scope.place(path)? else { return Ok(Condition::Never) };
            if place.sub.is_some() || scope.within.is_some() {
                return Err(Fault::BracketsOnPart { path: path.to_string() }.into());
            }
            let inner = resolve(inner, &Scope { within: Some(place), ..*scope })?;
            let field = Field::of(&place);
            if place.attribute.multi_valued {
                Condition::Element(field, Box::new(inner))
            } else {
                // A single complex value is its own only element.
                Condition::All(vec![Condition::Present(field), inner])
            }
        }
    })
}

fn each(parts: &[Filter], scope: &Scope<'_>) -> Result<Vec<Condition>, Error> {
    parts.iter().map(|part| resolve(part, scope)).collect()
}

fn compare(
    place: &Place<'_>,
    operator: Operator,
    literal: &Literal,
    scope: &Scope<'_>,
) -> Result<Condition, Error> {
    if *literal == Literal::Null {
        let present = Condition::Present(Field::of(place));
        return match operator {
            Operator::Equal => Ok(Condition::Not(Box::new(present))),
            Operator::NotEqual => Ok(present),
            _ => Err(no_order(&place.key(), operator)),
        };
    }
    let field =
        Field::compared(place).ok_or_else(|| Fault::ComplexCompared { name: place.key() })?;
    if !allowed(field.kind, operator) {
        let (name, what) = (field.key, field.kind.described());
        return Err(Fault::OperatorForType { name, what, operator: operator.as_str() }.into());
    }
    let operand = operand(&field, literal, scope.reading).ok_or_else(|| Fault::ComparedWith {
        name: field.key.clone(),
        what: field.kind.described(),
    })?;
    if is_primary(place) {
        return Ok(by_default_false(place, operator, field, &operand, scope));
    }
    Ok(Condition::Compare(field, operator, operand))
}

fn is_primary(place: &Place<'_>) -> bool {
    place.attribute.multi_valued
        && place.sub.is_some_and(|sub| sub.name == "primary" && sub.kind == Type::Boolean)
}

/// A comparison of `primary`, which is false where it is not said (RFC 7643 §2.4).
fn by_default_false(
    place: &Place<'_>,
    operator: Operator,
    field: Field,
    operand: &str,
    scope: &Scope<'_>,
) -> Condition {
    let is_true = Condition::Compare(field, Operator::Equal, "true".to_owned());
    if (operator == Operator::Equal) == (operand == "true") {
        return is_true;
    }
    let is_false = Condition::Not(Box::new(is_true));
    if scope.within.is_some() {
        return is_false;
    }
    let whole = Field::of(&Place { sub: None, ..*place });
    let some = Condition::Element(whole.clone(), Box::new(is_false));
    if operator == Operator::NotEqual {
        // Who has no value at all has none that is equal.
        return Condition::Any(vec![Condition::Not(Box::new(Condition::Present(whole))), some]);
    }
    some
}

/// A comparison with an attribute that the resource type does not have.
fn without_value(
    path: &AttributePath,
    operator: Operator,
    literal: &Literal,
) -> Result<Condition, Error> {
    Ok(match (operator, literal) {
        (Operator::Equal, Literal::Null) => Condition::Always,
        (Operator::NotEqual, Literal::Null) => Condition::Never,
        (_, Literal::Null) => return Err(no_order(&path.to_string(), operator)),
        (Operator::NotEqual, _) => Condition::Always,
        _ => Condition::Never,
    })
}

fn no_order(name: &str, operator: Operator) -> Error {
    Fault::NullOrder { name: name.to_owned(), operator: operator.as_str() }.into()
}

const fn allowed(kind: Type, operator: Operator) -> bool {
    use Operator as O;
    match operator {
        O::Equal | O::NotEqual => true,
        O::Contains | O::StartsWith | O::EndsWith => matches!(kind, Type::String | Type::Reference),
        O::Greater | O::GreaterOrEqual | O::Less | O::LessOrEqual => {
            !matches!(kind, Type::Boolean | Type::Binary)
        }
    }
}

/// The literal in the encoding of [`value::sort_key`].
fn operand(field: &Field, literal: &Literal, reading: &Reading) -> Option<String> {
    let value = match (field.kind, literal) {
        (Type::Boolean, Literal::String(text)) => {
            let truth = truth(text).filter(|_| reading.forgives(Leniency::BooleanText))?;
            Value::Bool(truth)
        }
        // `employeeNumber eq 701984`
        (Type::String | Type::Reference, Literal::Number(number)) => {
            let text = reading.forgives(Leniency::UnquotedText).then(|| number.to_string())?;
            Value::String(text)
        }
        (_, Literal::Boolean(truth)) => Value::Bool(*truth),
        (_, Literal::Number(number)) => Value::Number(number.clone()),
        (_, Literal::String(text)) => Value::String(text.clone()),
        (_, Literal::Null) => return None,
    };
    value::key(field.kind, field.case_exact, &value)
}

fn not_in_brackets(path: &AttributePath, name: String) -> Error {
    Fault::UnknownInBrackets { path: path.to_string(), name }.into()
}

#[cfg(test)]
mod tests;
